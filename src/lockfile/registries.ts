import type { LockedPackage } from './types.ts'

/** What the settings of a package manager say of where packages come from. URLs end with a slash. */
export interface Registries {
  /** The registry of a package; undefined where the settings give none. */
  of(pkg: Pick<LockedPackage, 'name' | 'key' | 'askedOf'>): string | undefined
  /** The registry that the key of a package names (`name@work:1.0.0`); undefined where it names none that pnpm knows. */
  named?(pkg: Pick<LockedPackage, 'name' | 'key'>): string | undefined
  /** The registry that a manager asks for what a lockfile has in the public one: npm's own. Undefined for other managers. */
  readonly inPlaceOfPublic?: string | undefined
}

const NPMJS = 'https://registry.npmjs.org/'

/**
 * The same packages, with `outside` where an address that the lockfile itself has is not one of the registry that the
 * settings give for the name. Digests bind such a package for a rule that asks for proof. A rule that asks for none says
 * who may be asked for the bytes, and an address in a lockfile is what a stranger writes.
 */
export async function compareAddresses(
  packages: readonly LockedPackage[],
  registries: () => Promise<Registries>,
): Promise<readonly LockedPackage[]> {
  const isCompared = ({ source, atNpmjs, outside }: LockedPackage) =>
    source === 'registry' && (atNpmjs === true || outside !== undefined)
  // Most lockfiles of pnpm have no addresses: then no settings are read.
  if (!packages.some(isCompared)) return packages
  const settings = await registries()
  return packages.map((pkg) => (isCompared(pkg) ? compared(pkg, settings) : pkg))
}

function compared({ atNpmjs, outside: _, ...pkg }: LockedPackage, registries: Registries): LockedPackage {
  const registry = registries.of(pkg)
  const address = atNpmjs ? usualAddress(NPMJS, pkg) : addressOf(pkg, registries)
  const asked = askedAt(address, registries.inPlaceOfPublic)
  if (registry !== undefined && isOfRegistry(asked, registry, pkg)) return pkg
  return { ...pkg, origin: pkg.origin ?? address, outside: registry ?? '' }
}

/** What an entry says of its address. That of a named registry may be left to pnpm, or be relative to that registry. */
function addressOf(pkg: LockedPackage, registries: Registries): string {
  const { name, key, origin, tarball } = pkg
  const registry = registries.named?.(pkg)
  if (registry === undefined) return origin ?? tarball ?? usualAddress(registries.of({ name, key }) ?? '', pkg)
  if (origin === key.slice(name.length + 1)) return usualAddress(registry, pkg)
  return URL.parse(origin ?? '', registry)?.href ?? ''
}

function usualAddress(registry: string, { name, version }: Pick<LockedPackage, 'name' | 'version'>): string {
  return `${registry}${name}/-/${name.slice(name.indexOf('/') + 1)}-${withoutBuild(version)}.tgz`
}

/** npm puts the host and the path of its own registry in the place of the public one's. */
function askedAt(address: string, own: string | undefined): string {
  const url = URL.parse(address)
  if (own === undefined || url === null || url.hostname !== 'registry.npmjs.org') return address
  return URL.parse(`.${url.pathname}${url.search}`, own)?.href ?? address
}

/**
 * Whether a registry has a version at an address: below the registry's own URL, in one of the forms that registries use. An
 * address that is relative is one below the registry.
 */
export function isOfRegistry(
  address: string,
  registry: string,
  { name, version }: Pick<LockedPackage, 'name' | 'version'>,
): boolean {
  const root = parsed(registry)
  const url = root && parsed(address, root.href)
  if (!root || !url || url.origin !== root.origin || url.search !== '' || url.hash !== '') return false
  const [folder, path] = [root, url].map(({ pathname }) => decoded(pathname))
  if (folder === undefined || !path?.startsWith(folder)) return false
  const rest = path.slice(folder.length)
  return [version, withoutBuild(version)].some((each) => isUsual(rest, name, each) || isOwnLayout(rest, name, each))
}

function isUsual(rest: string, name: string, version: string): boolean {
  const base = name.slice(name.indexOf('/') + 1)
  return [
    `${name}/-/${base}-${version}.tgz`,
    `${name}/-/${name}-${version}.tgz`,
    // Forgejo and Gitea.
    `${name}/-/${version}/${base}-${version}.tgz`,
    // cnpm and npmmirror.
    `${name}/download/${base}-${version}.tgz`,
    `${name}/download/${name}-${version}.tgz`,
  ].includes(rest)
}

/** GitHub Packages, with a digest at the end, and JSR, with the number of a revision at the beginning. */
function isOwnLayout(rest: string, name: string, version: string): boolean {
  const id = `${name}/${version}`
  const at = rest.indexOf(id)
  if (at === -1) return false
  const [before, after] = [rest.slice(0, at), rest.slice(at + id.length)]
  if (before === 'download/') return /^\/[0-9a-f]{40,128}$/.test(after)
  return /^~\/\d+\/$/.test(before) && after === '.tgz'
}

/** registry.yarnpkg.com is another name of the public registry. Managers ask both by https, whatever a lockfile says. */
function parsed(address: string, base?: string): URL | null {
  const url = URL.parse(address, base)
  if (url === null || !/^https?:$/.test(url.protocol)) return null
  const isPublic = ['registry.npmjs.org', 'registry.yarnpkg.com'].includes(url.hostname) && url.port === ''
  return isPublic ? URL.parse(`${url.pathname}${url.search}${url.hash}`, NPMJS) : url
}

/** Scopes are written with `%40` and `%2f` as well. Undefined where that is no text. */
function decoded(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function withoutBuild(version: string): string {
  return version.split('+', 1)[0] ?? ''
}
