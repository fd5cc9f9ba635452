/**
 * The hook that pnpm loads: `pnpmfile.cjs` in the package. pnpm evaluates it once or twice for every command, so
 * nothing but what is needed for that stands here; the gate itself is loaded by the first hook that must judge.
 *
 * Which hook closes which path, on which pnpm, is written down in docs/hooks.md.
 */
import { mayFetch, repairing } from './command.ts'
import { commandPlace, movedBySettings } from './place.ts'
import {
  type Fetch,
  type FetchOptions,
  type Manifest,
  type PnpmConfig,
  type PreResolutionContext,
  pnpmError,
  type Resolution,
  type WantedDependency,
} from './pnpm.ts'
import { runningPnpm } from './running.ts'
import type { Session } from './session.ts'
import { ungatedEarly, unguarded } from './versions.ts'

const pnpm = runningPnpm()
const { insidePnpm } = pnpm
const early = ungatedEarly(pnpm)
if (early !== undefined) throw pnpmError(early)

/** pnpm's settings, in the process of which `updateConfig` has run. */
let settings: PnpmConfig = {}
let session: Promise<Session> | undefined

function open(): Promise<Session> {
  session ??= openSession()
  return session
}

async function openSession(): Promise<Session> {
  const { openSession: openWith } = await import('./session.ts')
  return openWith({ pnpm, repairing: repairing(), settings })
}

export const hooks = {
  updateConfig(config: PnpmConfig): PnpmConfig | Promise<PnpmConfig> {
    settings = config
    const place = commandPlace(insidePnpm)
    const reason = unguarded(pnpm, config) ?? movedBySettings(config, place)
    if (reason !== undefined) throw ending(pnpmError(reason))
    // A repair writes a lockfile, links and runs nothing: `--lockfile-only` sees to that. If somebody has exported its
    // variable, this makes other installs install nothing, which is noticed.
    if (repairing()) {
      config.enableModulesDir = false
      config.ignoreScripts = true
    }
    // On pnpm 12 this is the only hook that `fetch` is sure to call.
    return !insidePnpm && mayFetch(place.argv) ? judgeLockfile(config) : config
  },

  async preResolution(context: PreResolutionContext): Promise<void> {
    await (await open()).preResolution(context)
  },

  async readPackage(manifest: Manifest): Promise<Manifest> {
    await (await open()).readPackage(manifest)
    return manifest
  },

  async afterAllResolved(lockfile: unknown): Promise<unknown> {
    await (await open()).afterAllResolved(lockfile)
    return lockfile
  },

  /** Used by pnpm 10 alone, which asks neither resolvers nor `canFetch`. These two run scripts of what they fetch. */
  fetchers: { git: judging('git'), gitHostedTarball: judging('gitHostedTarball') },
}

/**
 * pnpm 10 prints an error of `updateConfig` and then waits for ever, where it has just installed config dependencies: their
 * worker threads keep it alive (tried with 10.34.9). Where pnpm ends by itself this does nothing.
 */
function ending(error: Error): Error {
  if (insidePnpm) setTimeout(() => process.exit(1), 1000).unref()
  return error
}

function judging(kind: string): (given: { defaultFetchers: Readonly<Record<string, Fetch>> }) => Fetch {
  return ({ defaultFetchers }) =>
    async (cafs, resolution, options) => {
      const opened = await open()
      await opened.judgeAliases(resolution, options.pkg)
      const fetch = defaultFetchers[kind]
      if (fetch === undefined)
        throw pnpmError(`provenance-gate: this pnpm has no fetcher \`${kind}\`, but asked for it.`)
      return fetch(cafs, resolution, { ...options, ...(await opened.judgingBuilds(resolution, options)) })
    }
}

async function judgeLockfile(config: PnpmConfig): Promise<PnpmConfig> {
  await (await open()).judgeLockfile(config)
  return config
}

/** pnpm 11 and 12 ask resolvers before they resolve anything, and so before they clone a git repository. */
export const resolvers = [
  {
    /** Always false: pnpm's own resolvers do the resolving, if this did not throw. */
    async canResolve(wanted: WantedDependency): Promise<false> {
      await (await open()).canResolve(wanted)
      return false
    },
    resolve(): never {
      throw pnpmError('provenance-gate resolves nothing; it only decides what may be resolved.')
    },
  },
]

export const fetchers = [
  {
    /** True for git repositories on pnpm 11, false for all else: then pnpm's own fetchers fetch, if this did not throw. */
    async canFetch(id: string, resolution: Resolution): Promise<boolean> {
      return (await open()).canFetch(id, resolution)
    },
    /** What pnpm's own fetcher for tarballs says: a digest that the lockfile lacks comes from fetching. */
    resolutionNeedsFetch(resolution: Resolution): boolean {
      return resolution.type === undefined && resolution.integrity === undefined
    },
    /** Leaves the fetching to pnpm, and listens to whom it lets build. pnpm hands the same options to its own fetcher. */
    async fetch(_cafs: unknown, resolution: Resolution, options: FetchOptions): Promise<{ delegate: Resolution }> {
      Object.assign(options, await (await open()).judgingBuilds(resolution, options))
      return { delegate: resolution }
    },
  },
]
