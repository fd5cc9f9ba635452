import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { importersFrom, reachedBy } from '../../src/lockfile/importers.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import { A, type Json, merged } from './support.ts'

const resolution = { integrity: A }

describe('reachedBy', () => {
  it('follows edges and ends in cycles', () => {
    const roots = new Map([
      ['a', [0]],
      ['b', [2, 2]],
      ['c', []],
    ])
    assert.deepEqual(reachedBy({ roots, edges: [[1], [0, 2, 1], [], [0]] }), [['a'], ['a'], ['a', 'b'], []])
  })

  it('agrees with a plain closure', () => {
    const node = fc.nat(7)
    const graph = fc.record({
      edges: fc.array(fc.array(node, { maxLength: 4 }), { minLength: 8, maxLength: 8 }),
      roots: fc.array(fc.array(node, { maxLength: 3 }), { maxLength: 4 }),
    })
    fc.assert(
      fc.property(graph, ({ edges, roots }) => {
        const named = new Map(roots.map((nodes, index) => [`p${index}`, nodes]))
        const expected = edges.map(() => new Set<string>())
        for (const [project, nodes] of named) {
          const closure = new Set(nodes)
          for (const member of closure) for (const next of edges[member] ?? []) closure.add(next)
          for (const member of closure) expected[member]?.add(project)
        }
        assert.deepEqual(
          reachedBy({ roots: named, edges }),
          expected.map((projects) => [...projects]),
        )
      }),
    )
  })
})

describe('importers of a lockfile', () => {
  const chain = (length: number): Json =>
    Object.fromEntries(
      Array.from({ length }, (_, index) => [
        `p${index}@1.0.0`,
        { resolution, dependencies: { [`p${(index + 1) % length}`]: '1.0.0' } },
      ]),
    )

  it('has all three kinds of dependencies, and none for what no project reaches', () => {
    const packages = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [`${name}@1.0.0`, { resolution }]))
    const importers = {
      z: { dependencies: { a: '1.0.0' }, devDependencies: { b: '1.0.0' }, optionalDependencies: { c: '1.0.0' } },
      y: { dependencies: { alias: 'd@1.0.0', a: '1.0.0(peer@1.0.0)' } },
    }
    const found = lockedPackages(merged(packages, { importers }))
    assert.deepEqual(Object.fromEntries(found.map(({ name, importers }) => [name, importers])), {
      a: ['y', 'z'],
      b: ['z'],
      c: ['z'],
      d: ['y'],
      e: [],
    })
  })

  it('ends in links between projects that form a cycle', () => {
    const importers = {
      a: { dependencies: { b: 'link:../b' } },
      b: { dependencies: { a: 'link:../a', x: '1.0.0' }, devDependencies: { y: '1.0.0' } },
    }
    const found = lockedPackages(merged({ 'x@1.0.0': { resolution }, 'y@1.0.0': { resolution } }, { importers }))
    assert.deepEqual(Object.fromEntries(found.map(({ name, importers }) => [name, importers])), {
      a: ['a', 'b'],
      b: ['a', 'b'],
      x: ['a', 'b'],
      y: ['b'],
    })
  })

  it('walks a chain of 50,000 entries that ends in a cycle', () => {
    const found = lockedPackages(merged(chain(50_000), { importers: { '.': { dependencies: { p7: '1.0.0' } } } }))
    assert.equal(found.length, 50_000)
    assert.ok(found.every(({ importers }) => importers[0] === '.'))
  })

  it('takes about twice the time for twice the entries', () => {
    const time = (length: number): number => {
      const packages = Object.fromEntries(
        Array.from({ length }, (_, index) => [
          `p${index}@1.0.0`,
          {
            resolution,
            dependencies: Object.fromEntries([2, 3, 5, 7, 11].map((n) => [`p${(index * n + 1) % length}`, '1.0.0'])),
          },
        ]),
      )
      const importers = Object.fromEntries(
        Array.from({ length: 20 }, (_, index) => [`w${index}`, { dependencies: { [`p${index}`]: '1.0.0' } }]),
      )
      const times = [1, 2, 3].map(() => {
        const start = performance.now()
        lockedPackages(merged(packages, { importers }))
        return performance.now() - start
      })
      return Math.min(...times)
    }
    const [small, large] = [time(5_000), time(20_000)]
    // Four times as many entries; sixteen times as long would be quadratic.
    assert.ok(large < Math.max(small, 20) * 10, `${small} ms, then ${large} ms`)
  })
})

describe('importersFrom', () => {
  const named = (from: string, to: string, ...importers: readonly string[]) => {
    const [pkg] = lockedPackages(merged({ 'x@1.0.0': { resolution } }))
    assert.ok(pkg !== undefined)
    return importersFrom([{ ...pkg, importers }], from, to)[0]?.importers
  }

  it('calls the projects of a lockfile as from another folder', () => {
    assert.deepEqual(named('/w/apps/a', '/w', '.', 'deep', '../b'), ['apps/a', 'apps/a/deep', 'apps/b'])
    assert.deepEqual(named('/', '/w', 'w', 'w/apps/a', '.'), ['.', 'apps/a', '..'])
  })

  it('leaves them as they are in their own', () => {
    assert.deepEqual(named('/w', '/w/', '.', 'apps/a', '../b'), ['.', 'apps/a', '../b'])
    assert.deepEqual(named('/w/a', '/w'), [])
  })
})
