/** A workspace of the size of withastro/astro: each project needs some packages, and all of them the first one. */

export interface Locked {
  readonly name: string
  readonly version: string
  readonly integrity: string
}

export interface LargeWorkspace {
  /** `pnpm-workspace.yaml`, the lockfile, and a manifest for each project. */
  readonly files: Readonly<Record<string, string>>
  /** Of the projects, in the order of the lockfile. */
  readonly folders: readonly string[]
}

/** In withastro/astro a project needs six packages, and most projects are fixtures of tests. */
const DIRECT = 6
const FOLDER = 'packages/astro/test/fixtures'

export function largeWorkspace(projects: number, packages: readonly Locked[]): LargeWorkspace {
  const folders = Array.from({ length: projects }, (_, index) => `${FOLDER}/project-${String(index).padStart(4, '0')}`)
  const at = (index: number) => packages[index % packages.length]
  const needs = folders.map((_, project) => {
    const own = Array.from({ length: DIRECT }, (_, index) => at(1 + project * DIRECT + index * 31))
    return [...new Set([at(0), ...own])].flatMap((each) => each ?? []).sort(byName)
  })
  // As a heap: a package needs two others, none of them the first one.
  const brings = (index: number) =>
    index === 0 ? [] : [2 * index, 2 * index + 1].flatMap((each) => packages[each] ?? [])
  const sorted = packages.map((pkg, index) => ({ ...pkg, brings: brings(index).sort(byName) })).sort(byName)
  const key = ({ name, version }: Locked) => `  '${name}@${version}':`
  const lockfile = [
    "lockfileVersion: '9.0'\n\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n\nimporters:\n\n  .: {}\n",
    ...needs.map((needed, index) => {
      const lines = needed.map(
        ({ name, version }) => `      '${name}':\n        specifier: ${version}\n        version: ${version}\n`,
      )
      return `  ${folders[index]}:\n    dependencies:\n${lines.join('')}`
    }),
    'packages:\n',
    ...sorted.map((pkg) => `${key(pkg)}\n    resolution: {integrity: ${pkg.integrity}}\n`),
    'snapshots:\n',
    ...sorted.map((pkg) => {
      const lines = pkg.brings.map(({ name, version }) => `      '${name}': ${version}\n`)
      return lines.length === 0 ? `${key(pkg)} {}\n` : `${key(pkg)}\n    dependencies:\n${lines.join('')}`
    }),
  ]
  const manifests = needs.map((needed, index) => {
    const dependencies = Object.fromEntries(needed.map(({ name, version }) => [name, version]))
    const manifest = { name: `@test/project-${index}`, version: '0.0.0', private: true, dependencies }
    return [`${folders[index]}/package.json`, JSON.stringify(manifest)] as const
  })
  const files = {
    ...Object.fromEntries(manifests),
    'pnpm-workspace.yaml': `packages: ['${FOLDER}/*']\n`,
    'pnpm-lock.yaml': lockfile.join('\n'),
  }
  return { files, folders }
}

/** Packages that nobody has: names, versions and digests. */
export function lockedPackages(count: number): readonly Locked[] {
  return Array.from({ length: count }, (_, index) => {
    const digest = Buffer.alloc(64, 1)
    digest.writeUInt32BE(index)
    const name = index === 0 ? 'refused' : `dependency-${String(index).padStart(5, '0')}`
    return { name, version: '1.0.0', integrity: `sha512-${digest.toString('base64')}` }
  })
}

function byName(a: Locked, b: Locked): number {
  return a.name < b.name ? -1 : 1
}
