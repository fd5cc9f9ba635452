import { bunPackages } from '../../src/lockfile/bun.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { yarnBerryPackages } from '../../src/lockfile/yarn-berry.ts'
import { yarnClassicPackages } from '../../src/lockfile/yarn-classic.ts'

/** Who depends on whom in a workspace: projects and packages by numbers from 0 up. */
export interface Workspace {
  /** The packages that each project needs. */
  readonly projects: readonly (readonly number[])[]
  /** The packages that each package needs. */
  readonly packages: readonly (readonly number[])[]
}

/** In the order of their numbers, also as texts. */
export const projectFolder = (number: number) => `packages/p${String(number).padStart(6, '0')}`
export const packageName = (number: number) => `d${number}`

export type Shape = 'shared' | 'chain' | 'mixed'

/**
 * Workspaces that are as bad as they can be, each in its way. `shared`: every project needs every package. `chain`: each
 * package is needed by more projects than the one before. `mixed`: hardly two packages are needed by the same projects.
 */
export function workspaceOf(shape: Shape, projects: number, packages: number): Workspace {
  const within = (numbers: readonly number[]) => numbers.filter((number) => number < packages)
  const each = <T>(count: number, make: (number: number) => T) =>
    Array.from({ length: count }, (_, index) => make(index))
  if (shape === 'shared') {
    return {
      projects: each(projects, () => [0]),
      packages: each(packages, (number) => within([3 * number + 1, 3 * number + 2, 3 * number + 3])),
    }
  }
  if (shape === 'chain') {
    return {
      projects: each(projects, (number) => [(number * 7) % packages]),
      packages: each(packages, (number) => within([number + 1, number + 2])),
    }
  }
  const layer = Math.ceil(packages / 10)
  const next = random()
  const below = (number: number) => (Math.floor(number / layer) + 1) * layer + Math.floor(next() * layer)
  return {
    projects: each(projects, () =>
      [Math.floor(next() * layer), Math.floor(next() * layer)].filter((one) => one < packages),
    ),
    packages: each(packages, (number) => within([below(number), below(number)])),
  }
}

/** The same numbers each time, between 0 and 1. */
function random(): () => number {
  let state = 1
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}

const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
const place = (name: string) => `https://registry.npmjs.org/${name}/-/${name}-1.0.0.tgz`
const VERSION = '1.0.0'

function record<T>(numbers: readonly number[], make: (number: number) => T): Readonly<Record<string, T>> {
  return Object.fromEntries(numbers.map((number) => [packageName(number), make(number)]))
}

const versions = (numbers: readonly number[]) => record(numbers, () => VERSION)

/** The lockfile of pnpm, as it is in the file. */
export function pnpmDocument({ projects, packages }: Workspace) {
  return {
    lockfileVersion: '9.0',
    importers: Object.fromEntries(
      projects.map((needed, number) => [
        projectFolder(number),
        { dependencies: record(needed, () => ({ specifier: VERSION, version: VERSION })) },
      ]),
    ),
    packages: Object.fromEntries(
      packages.map((_, number) => [`${packageName(number)}@${VERSION}`, { resolution: { integrity } }]),
    ),
    snapshots: Object.fromEntries(
      packages.map((needed, number) => [`${packageName(number)}@${VERSION}`, { dependencies: versions(needed) }]),
    ),
  }
}

/** What each format makes of a workspace, in the shape in which its reader takes it. */
export const WORKSPACE_FORMATS: Readonly<Record<string, (workspace: Workspace) => readonly LockedPackage[]>> = {
  pnpm: (workspace) => lockedPackages(pnpmDocument(workspace)),
  npm: ({ projects, packages }) =>
    npmPackages({
      lockfileVersion: 3,
      packages: Object.fromEntries<object>([
        ['', { name: 'root', workspaces: ['packages/*'] }],
        ...projects.map((needed, number) => [projectFolder(number), { dependencies: versions(needed) }] as const),
        ...packages.map((needed, number) => {
          const name = packageName(number)
          const entry = { version: VERSION, resolved: place(name), integrity, dependencies: versions(needed) }
          return [`node_modules/${name}`, entry] as const
        }),
      ]),
    }),
  'yarn 1': ({ projects, packages }) =>
    yarnClassicPackages(
      Object.fromEntries(
        packages.map((needed, number) => {
          const name = packageName(number)
          const entry = { version: VERSION, resolved: `${place(name)}#0`, integrity, dependencies: versions(needed) }
          return [`${name}@${VERSION}`, entry]
        }),
      ),
      new Map(
        projects.map((needed, number) => [
          projectFolder(number),
          { name: `p${number}`, dependencies: versions(needed) },
        ]),
      ),
    ),
  'yarn 4': ({ projects, packages }) => {
    const ranges = (numbers: readonly number[]) => record(numbers, () => `npm:${VERSION}`)
    return yarnBerryPackages(
      Object.fromEntries<object>([
        ['__metadata', { version: 8 }],
        ...packages.map((needed, number) => {
          const resolution = `${packageName(number)}@npm:${VERSION}`
          return [resolution, { version: VERSION, resolution, dependencies: ranges(needed), linkType: 'hard' }] as const
        }),
        ...projects.map((needed, number) => {
          const resolution = `p${number}@workspace:${projectFolder(number)}`
          return [resolution, { version: '0.0.0', resolution, dependencies: ranges(needed), linkType: 'soft' }] as const
        }),
      ]),
    )
  },
  bun: ({ projects, packages }) =>
    bunPackages({
      lockfileVersion: 1,
      workspaces: Object.fromEntries<object>([
        ['', { name: 'root' }],
        ...projects.map(
          (needed, number) => [projectFolder(number), { name: `p${number}`, dependencies: versions(needed) }] as const,
        ),
      ]),
      packages: Object.fromEntries(
        packages.map((needed, number) => {
          const name = packageName(number)
          return [name, [`${name}@${VERSION}`, '', { dependencies: versions(needed) }, integrity]]
        }),
      ),
    }),
}
