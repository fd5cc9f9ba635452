import { bunPackages } from '../../src/lockfile/bun.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { yarnBerryPackages } from '../../src/lockfile/yarn-berry.ts'
import { yarnClassicPackages } from '../../src/lockfile/yarn-classic.ts'

const integrity = `sha512-${Buffer.alloc(64, 1).toString('base64')}`

/** Who asks for `good@1.0.0` under another name: the root project, or the package `parent@1.0.0`, which the root has. */
export type Asker = 'project' | 'package'

type Json = Readonly<Record<string, unknown>>

const place = (name: string) => `https://registry.npmjs.org/${name}/-/${name}-1.0.0.tgz`

/**
 * Lockfiles of each format in which `good@1.0.0` is installed as `alias`; `victim@1.0.0` is there too, under its own name.
 * Each is what its manager writes, but for the name.
 */
export const ALIASED: Readonly<
  Record<string, (alias: string, asker: Asker, kind: string) => readonly LockedPackage[]>
> = {
  'pnpm, a file': (alias, asker, kind) => {
    const resolution = { integrity }
    const own = asker === 'package' ? { [kind]: { [alias]: 'good@1.0.0' } } : {}
    const asked = { [alias]: { specifier: 'npm:good@1.0.0', version: 'good@1.0.0' } }
    const root = {
      victim: { specifier: '1.0.0', version: '1.0.0' },
      parent: { specifier: '1.0.0', version: '1.0.0' },
      ...(asker === 'project' && kind === 'dependencies' ? asked : {}),
    }
    const more = asker === 'project' && kind !== 'dependencies' ? { [kind]: asked } : {}
    return lockedPackages({
      lockfileVersion: '9.0',
      importers: { '.': { dependencies: root, ...more } },
      packages: { 'good@1.0.0': { resolution }, 'parent@1.0.0': { resolution }, 'victim@1.0.0': { resolution } },
      snapshots: { 'good@1.0.0': {}, 'parent@1.0.0': own, 'victim@1.0.0': {} },
    })
  },
  'pnpm, an object': (alias, asker, kind) => {
    const resolution = { integrity }
    const asked = { [kind]: { [alias]: 'good@1.0.0' } }
    const base = { victim: '1.0.0', parent: '1.0.0' }
    const root: Json = asker === 'project' ? merged({ dependencies: base }, asked) : { dependencies: base }
    return lockedPackages({
      lockfileVersion: '9.0',
      importers: { '.': { ...root, specifiers: { [alias]: 'npm:good@1.0.0', victim: '1.0.0', parent: '1.0.0' } } },
      packages: {
        'good@1.0.0': { resolution },
        'parent@1.0.0': { resolution, ...(asker === 'package' ? asked : {}) },
        'victim@1.0.0': { resolution },
      },
    })
  },
  'npm, version 3': (alias, asker, kind) => npmPackages(npmLock(alias, asker, kind, 3)),
  'npm, version 2': (alias, asker, kind) => {
    const legacy = (name: string) => ({ version: '1.0.0', resolved: place(name), integrity })
    return npmPackages({
      ...npmLock(alias, asker, kind, 2),
      dependencies: {
        parent: { ...legacy('parent'), requires: { [alias]: 'npm:good@1.0.0' } },
        victim: legacy('victim'),
        [alias]: { ...legacy('good'), version: 'npm:good@1.0.0' },
      },
    })
  },
  'yarn 1': (alias, asker, kind) => {
    const entry = (name: string, more: Json = {}) => ({
      version: '1.0.0',
      resolved: `${place(name)}#da39a3ee5e6b4b0d3255bfef95601890afd80709`,
      integrity,
      ...more,
    })
    const asked = { [kind]: { [alias]: 'npm:good@1.0.0' } }
    const root: Json = { dependencies: { victim: '1.0.0', parent: '1.0.0' } }
    return yarnClassicPackages(
      {
        [`${alias}@npm:good@1.0.0`]: entry('good'),
        'parent@1.0.0': entry('parent', asker === 'package' ? asked : {}),
        'victim@1.0.0': entry('victim'),
      },
      new Map([['.', asker === 'project' ? merged(root, asked) : root]]),
    )
  },
  'yarn 4': (alias, asker, kind) => {
    const entry = (name: string, more: Json = {}) => ({
      version: '1.0.0',
      resolution: `${name}@npm:1.0.0`,
      checksum: '10c0/00',
      linkType: 'hard',
      ...more,
    })
    const asked = { [alias]: 'npm:good@1.0.0' }
    const meta = kind === 'optionalDependencies' ? { dependenciesMeta: { [alias]: { optional: true } } } : {}
    const own = (base: Json, isAsker: boolean): Json =>
      isAsker ? { dependencies: { ...base, ...asked }, ...meta } : { dependencies: base }
    return yarnBerryPackages({
      __metadata: { version: 8 },
      [`${alias}@npm:good@1.0.0`]: { ...entry('good') },
      'parent@npm:1.0.0': entry('parent', own({}, asker === 'package')),
      'victim@npm:1.0.0': entry('victim'),
      'root@workspace:.': {
        version: '0.0.0-use.local',
        resolution: 'root@workspace:.',
        ...own({ victim: 'npm:1.0.0', parent: 'npm:1.0.0' }, asker === 'project'),
        linkType: 'soft',
      },
    })
  },
  bun: (alias, asker, kind) => {
    const asked = { [kind]: { [alias]: 'npm:good@1.0.0' } }
    const root: Json = { name: 'root', dependencies: { victim: '1.0.0', parent: '1.0.0' } }
    return bunPackages({
      lockfileVersion: 1,
      workspaces: { '': asker === 'project' ? merged(root, asked) : root },
      packages: {
        [alias]: ['good@1.0.0', '', {}, integrity],
        parent: ['parent@1.0.0', '', asker === 'package' ? asked : {}, integrity],
        victim: ['victim@1.0.0', '', {}, integrity],
      },
    })
  },
}

function npmLock(alias: string, asker: Asker, kind: string, lockfileVersion: number): Json {
  const entry = (name: string, more: Json = {}) => ({ version: '1.0.0', resolved: place(name), integrity, ...more })
  const asked = { [kind]: { [alias]: 'npm:good@1.0.0' } }
  const root: Json = { name: 'root', dependencies: { victim: '1.0.0', parent: '1.0.0' } }
  return {
    lockfileVersion,
    packages: {
      '': asker === 'project' ? merged(root, asked) : root,
      [`node_modules/${alias}`]: entry('good', { name: 'good' }),
      'node_modules/parent': entry('parent', asker === 'package' ? asked : {}),
      'node_modules/victim': entry('victim'),
    },
  }
}

/** Two records of which each value is a record itself. */
function merged(one: Json, other: Json): Json {
  const both = Object.entries(other).map(([key, value]) => [key, { ...(one[key] as Json), ...(value as Json) }])
  return { ...one, ...Object.fromEntries(both) }
}
