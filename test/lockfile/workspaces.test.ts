/** Who needs what in large workspaces: the same as a plain walk says, in memory that is bounded. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { projectsIn, reachedBy } from '../../src/lockfile/importers.ts'
import { acrossLockfiles } from '../../src/lockfile/links.ts'
import { mergePackages } from '../../src/lockfile/merge.ts'
import { packPackages, unpackPackages } from '../../src/lockfile/packed.ts'
import { SET_BOUNDS } from '../../src/lockfile/project-sets.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import {
  packageName,
  projectFolder,
  type Shape,
  WORKSPACE_FORMATS,
  type Workspace,
  workspaceOf,
} from '../support/workspaces.ts'

/** One walk for each project, with sets. */
function closure({ projects, packages }: Workspace): ReadonlyMap<string, readonly string[]> {
  const needed = new Map(packages.map((_, number) => [packageName(number), [] as string[]]))
  for (const [project, direct] of projects.entries()) {
    const reached = new Set(direct)
    for (const each of reached) for (const next of packages[each] ?? []) reached.add(next)
    for (const each of reached) needed.get(packageName(each))?.push(projectFolder(project))
  }
  return needed
}

/** With circles, packages that need themselves, and such that nothing needs. */
const workspace: fc.Arbitrary<Workspace> = fc.nat(12).chain((last) => {
  const needed = fc.uniqueArray(fc.nat(last), { maxLength: 3 })
  return fc.record({
    projects: fc.array(needed, { maxLength: 40 }),
    packages: fc.array(needed, { minLength: last + 1, maxLength: last + 1 }),
  })
})

for (const [format, read] of Object.entries(WORKSPACE_FORMATS)) {
  describe(`a workspace locked by ${format}`, () => {
    it('has for each package the projects that a plain walk finds', () => {
      fc.assert(
        fc.property(workspace, (each) => {
          const found = read(each).map(({ name, importers }) => [name, importers] as const)
          assert.deepEqual(new Map(found), closure(each))
        }),
      )
    })

    it('marks what no project reaches, unless pnpm has locked it', () => {
      const found = read({ projects: [[0], []], packages: [[1], [0], [2]] })
      const marked = found.flatMap(({ name, forAnyone }) => (forAnyone ? [name] : []))
      assert.deepEqual(marked, format === 'pnpm' ? [] : ['d2'])
    })

    it('has one list for all packages that the same projects need', () => {
      for (const [shape, most] of [
        ['shared', 1],
        ['chain', 50],
      ] as const) {
        const found = read(workspaceOf(shape, 50, 400))
        assert.equal(found.length, 400)
        const lists = new Set(found.map(({ importers }) => importers))
        assert.ok(lists.size <= most, `${shape}: ${lists.size}`)
      }
    })
  })
}

/** A heap in which one list for each package has no room. */
const BOUNDED: readonly (readonly [format: string, shape: Shape, projects: number, packages: number, heap: number])[] =
  [
    ...Object.keys(WORKSPACE_FORMATS).map((format) => [format, 'shared', 2000, 10_000, 160] as const),
    ['pnpm', 'shared', 3000, 20_000, 256],
    ['pnpm', 'mixed', 3000, 20_000, 512],
    ['npm', 'chain', 3000, 20_000, 512],
  ]

describe('large workspaces', () => {
  for (const [format, shape, projects, packages, heap] of BOUNDED) {
    it(`are read in a heap of ${heap} MB: ${format}, ${projects} projects and ${packages} packages, ${shape}`, () => {
      const file = path.join(import.meta.dirname, '../support/read-workspace.ts')
      const args = [`--max-old-space-size=${heap}`, file, format, shape, String(projects), String(packages)]
      const found = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))
      assert.equal(found.packages, packages)
      if (shape === 'shared') assert.deepEqual([found.lists, found.names], [1, projects])
    })
  }
})

describe('policies of projects', () => {
  it('are asked in a heap of 256 MB, where 500 projects have one and need 3,000 packages', { timeout: 120_000 }, () => {
    const file = path.join(import.meta.dirname, '../support/judge-projects.ts')
    const args = ['--max-old-space-size=256', file, '500', '3000']
    assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), '3000')
  })
})

describe('reachedBy beyond its bounds', () => {
  const bounds = fc.record({ words: fc.nat(12), work: fc.nat(60), names: fc.nat(60) })

  it('says of a package that all projects need it, or exactly those that do', () => {
    fc.assert(
      fc.property(workspace, bounds, (each, most) => {
        const roots = new Map(each.projects.map((needed, number) => [projectFolder(number), needed]))
        const all = [...roots].flatMap(([project, needed]) => (needed.length > 0 ? [project] : []))
        const exact = [...closure(each).values()]
        for (const [number, found] of reachedBy({ roots, edges: each.packages }, most).entries()) {
          if (found.length !== all.length) assert.deepEqual(found, exact[number])
          else assert.deepEqual(found, all)
        }
      }),
    )
  })

  it('keeps and does no more than they say', () => {
    const { projects, packages } = workspaceOf('mixed', 500, 2000)
    const roots = new Map(projects.map((needed, number) => [projectFolder(number), needed]))
    const named = (names: number) => {
      const lists = new Set(reachedBy({ roots, edges: packages }, { ...SET_BOUNDS, names }))
      return [...lists].reduce((sum, list) => sum + list.length, 0)
    }
    const whole = named(Number.POSITIVE_INFINITY)
    assert.ok(whole > 50_000)
    assert.ok(named(10_000) <= 10_000 + projects.length)
  })

  it('goes through chains and circles of any length without recursion', () => {
    const length = 200_000
    const chain = Array.from({ length }, (_, number) => (number + 1 < length ? [number + 1] : []))
    const roots = new Map([['a', [0]]])
    assert.equal(reachedBy({ roots, edges: chain }).at(-1)?.[0], 'a')
    assert.equal(reachedBy({ roots, edges: [...chain.slice(0, -1), [0]] }).at(-1)?.[0], 'a')
  })
})

const pkg = (name: string, importers: readonly string[], more: Partial<LockedPackage> = {}): LockedPackage => ({
  ...{ name, version: '1.0.0', integrity: undefined, source: 'registry', origin: undefined },
  ...{ importers, key: `${name}@1.0.0`, ...more },
})

describe('packages of several lists', () => {
  it('are united in a moment where a thousand lockfiles have hundreds of packages each', { timeout: 60_000 }, () => {
    const lists = Array.from({ length: 1000 }, (_, number) => [projectFolder(number)])
    const packages = lists.flatMap((list, project) =>
      Array.from({ length: 300 }, (_, index) => pkg(packageName((project * 7 + index * 11) % 1500), list)),
    )
    const merged = mergePackages(packages)
    assert.equal(merged.length, 1500)
    const names = merged.reduce((sum, { importers }) => sum + importers.length, 0)
    assert.equal(names, new Set(packages.map(({ name, importers }) => `${name} ${importers[0]}`)).size)
  })

  it('share the united list where they have shared both', () => {
    const [one, other] = [
      ['a', 'c'],
      ['b', 'c'],
    ]
    const names = Array.from({ length: 100 }, (_, number) => packageName(number))
    const merged = mergePackages([...names.map((name) => pkg(name, one)), ...names.map((name) => pkg(name, other))])
    assert.deepEqual(merged[0]?.importers, ['a', 'b', 'c'])
    assert.equal(new Set(merged.map(({ importers }) => importers)).size, 1)
  })

  it('have each project once, sorted, whatever the lists are', () => {
    const list = fc.array(fc.constantFrom('a', 'b', 'c', 'B', 'é', '.'), { maxLength: 6 })
    fc.assert(
      fc.property(fc.array(list, { minLength: 1, maxLength: 5 }), (lists) => {
        const [merged, ...rest] = mergePackages(lists.map((importers) => pkg('x', importers)))
        assert.deepEqual(rest, [])
        assert.deepEqual(merged?.importers, [...new Set(lists.flat())].sort())
        assert.deepEqual(projectsIn(lists.map((importers) => pkg('x', importers))), new Set(lists.flat()))
      }),
    )
  })

  it('keep who links whom across lockfiles, in circles too', () => {
    const folders = Array.from({ length: 6 }, (_, number) => `p${number}`)
    const links = fc.array(fc.tuple(fc.constantFrom(...folders), fc.constantFrom(...folders)), { maxLength: 12 })
    fc.assert(
      fc.property(links, (pairs) => {
        const lockfiles = folders.map((name) => ({
          folder: path.resolve('/repo', name),
          packages: [
            pkg(`only-${name}`, ['.']),
            ...pairs.flatMap(([from, to]) =>
              from === name ? [pkg(to, ['.'], { source: 'directory', origin: `link:../${to}` })] : [],
            ),
          ],
        }))
        const expected = folders.map((name) => {
          const linking = new Set([name])
          for (const each of linking) for (const [from, to] of pairs) if (to === each) linking.add(from)
          return [...linking].sort()
        })
        const found = acrossLockfiles(lockfiles, '/repo')
        assert.deepEqual(
          folders.map((name) => found.find((each) => each.name === `only-${name}`)?.importers),
          expected,
        )
      }),
    )
  })

  it('are the same after they were kept, and still share their lists', () => {
    fc.assert(
      fc.property(fc.array(fc.array(fc.string(), { maxLength: 3 }), { maxLength: 6 }), (lists) => {
        const packages = lists.flatMap((importers, index) => [
          pkg(`a${index}`, importers, { aliases: ['x'] }),
          pkg(`b${index}`, importers, { source: 'bundled', bundledIn: pkg('holder', importers) }),
        ])
        const kept = unpackPackages(JSON.parse(JSON.stringify(packPackages(packages))))
        assert.deepEqual(kept, JSON.parse(JSON.stringify(packages)))
        assert.equal(new Set(kept.map(({ importers }) => importers)).size, lists.length)
      }),
    )
  })
})
