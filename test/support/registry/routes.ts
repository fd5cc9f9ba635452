/** What a request asks for. The answer to a path that is none of these is 404. */
export type Route =
  | { readonly kind: 'packument'; readonly name: string }
  | { readonly kind: 'manifest'; readonly name: string; readonly version: string }
  | { readonly kind: 'tarball'; readonly name: string; readonly file: string }
  | { readonly kind: 'attestations'; readonly name: string; readonly version: string }
  | { readonly kind: 'keys' }

const KEYS = '/-/npm/v1/keys'
const ATTESTATIONS = /^\/-\/npm\/v1\/attestations\/((?:@[^/]+\/)?[^/@]+)@([^/@]+)$/
const TARBALL = /^\/((?:@[^/]+\/)?[^/@]+)\/-\/([^/]+\.tgz)$/
const MANIFEST = /^\/((?:@[^/]+\/)?[^/@-][^/@]*)\/([^/@]+)$/
const PACKUMENT = /^\/((?:@[^/]+\/)?[^/@]+)$/

/**
 * The part of a request's path below `basePath`, percent-decoded: clients write `@scope/name` in four ways, and all
 * mean one package. Undefined outside `basePath`, and for broken percent-encoding.
 */
export function decodedPath(url: string, basePath: string): string | undefined {
  const path = url.split('?', 1)[0] ?? ''
  if (!path.startsWith(basePath)) return undefined
  try {
    return `/${decodeURIComponent(path.slice(basePath.length))}`
  } catch {
    return undefined
  }
}

export function route(path: string): Route | undefined {
  if (path === KEYS) return { kind: 'keys' }
  const [, attested, version] = ATTESTATIONS.exec(path) ?? []
  if (attested !== undefined && version !== undefined) return { kind: 'attestations', name: attested, version }
  const [, packed, file] = TARBALL.exec(path) ?? []
  if (packed !== undefined && file !== undefined) return { kind: 'tarball', name: packed, file }
  const [, whole, of] = MANIFEST.exec(path) ?? []
  if (whole !== undefined && of !== undefined) return { kind: 'manifest', name: whole, version: of }
  const [, name] = PACKUMENT.exec(path) ?? []
  return name === undefined ? undefined : { kind: 'packument', name }
}
