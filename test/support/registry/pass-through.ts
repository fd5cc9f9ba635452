import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import { type Packument, tarballFile, withLinks } from './packument.ts'
import { json, metadata, type Reply, tarball } from './replies.ts'
import type { Route } from './routes.ts'
import { openUpstream, UpstreamUnreachable } from './upstream.ts'

export interface PassThrough {
  /** Folder of attestation documents, `@scope/name@1.0.0.json`. */
  readonly attestations: string
  /** Where the npm configuration is read from; this process's environment if absent. */
  readonly env?: NodeJS.ProcessEnv
}

export interface PassThroughAnswers {
  answer(route: Route, registryUrl: string, accept: string | undefined): Promise<Reply | undefined>
  close(): Promise<void>
}

/**
 * Real packages with the attestations of a folder: metadata and tarballs are those of the configured npm registry,
 * with tarball links that lead here. A registry that cannot be asked makes a 502, which no client takes for "absent".
 */
export function passThrough({ attestations, env }: PassThrough): PassThroughAnswers {
  const documents = documentsIn(attestations)
  const upstream = openUpstream(env)

  async function fromUpstream(
    route: Route,
    registryUrl: string,
    accept: string | undefined,
  ): Promise<Reply | undefined> {
    if (route.kind === 'packument') {
      const found = await upstream.packument(route.name)
      return found && metadata(relinked(found, documents, registryUrl), accept)
    }
    if (route.kind === 'tarball') {
      const found = await upstream.packument(route.name)
      const version = Object.keys(found?.versions ?? {}).find((each) => tarballFile(route.name, each) === route.file)
      const bytes = version === undefined ? undefined : await upstream.tarball(route.name, version)
      return bytes && tarball(bytes)
    }
    const document = route.kind === 'attestations' ? documents.get(`${route.name}@${route.version}`) : undefined
    return document === undefined ? undefined : json(200, document)
  }

  return {
    answer: async (route, registryUrl, accept) => {
      try {
        return await fromUpstream(route, registryUrl, accept)
      } catch (error) {
        if (error instanceof UpstreamUnreachable) return json(502, { error: error.message })
        throw error
      }
    },
    close: () => upstream.close(),
  }
}

/** Read once and by listing, so that no request, however it is spelled, reaches a file outside the folder. */
function documentsIn(folder: string): ReadonlyMap<string, unknown> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.json'))
  return new Map(
    files.map((file) => [
      file.slice(0, -'.json'.length).split(sep).join('/'),
      JSON.parse(readFileSync(join(folder, file), 'utf8')) as unknown,
    ]),
  )
}

/** Metadata must not promise attestations that this registry does not serve, nor links that lead around it. */
function relinked(upstream: Packument, documents: ReadonlyMap<string, unknown>, registryUrl: string): Packument {
  const versions = Object.entries(upstream.versions).map(([version, manifest]) => {
    const { tarball: _link, attestations: _claim, ...dist } = manifest.dist
    const document = documents.get(`${upstream.name}@${version}`)
    return [version, { ...manifest, dist: withLinks(upstream.name, version, dist, document, registryUrl) }] as const
  })
  return { ...upstream, versions: Object.fromEntries(versions) }
}
