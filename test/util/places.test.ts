import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { isInside, isReachedFrom, wayTo } from '../../src/util/places.ts'

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'places-')))
after(() => rmSync(root, { recursive: true }))
const at = (...names: readonly string[]) => path.join(root, ...names)

for (const folder of ['cache/deep', 'home', 'other/inner']) mkdirSync(at(folder), { recursive: true })
const LINKS = {
  'home/into': '../cache/deep',
  'home/absolute': at('cache'),
  'cache/out': at('other'),
  'home/through': '../cache/out/inner',
  'home/twice': 'through',
  'home/dangling': '../cache/not-yet/data',
  'home/loop': 'pool',
  'home/pool': 'loop',
  // As text that is `home/up`; the link leads to what the folder behind it lies in.
  'home/back': 'absolute/../home/up',
  'home/up': '..',
}
for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, at(name))

describe('the way to a file', () => {
  it('ends where the system says', () => {
    for (const name of [
      'home',
      'home/into',
      'home/absolute/deep',
      'home/through',
      'home/twice',
      'home/back',
      'cache/out',
    ])
      assert.equal(wayTo(at(name))?.at(-1), realpathSync.native(at(name)), name)
  })

  it('of what is not there ends as it is written, behind the links that are there', () => {
    assert.equal(wayTo(at('home/new/file'))?.at(-1), at('home/new/file'))
    assert.equal(wayTo(at('home/into/new/file'))?.at(-1), at('cache/deep/new/file'))
    assert.equal(wayTo(at('home/dangling/key'))?.at(-1), at('cache/not-yet/data/key'))
  })

  it('is not known of a loop of links', () => {
    assert.equal(wayTo(at('home/loop')), undefined)
    assert.equal(wayTo(at('home/pool/key')), undefined)
  })
})

describe('a place', () => {
  it('is reached from a folder that it lies in, through whatever links', () => {
    for (const name of [
      'cache',
      'cache/key',
      'home/into/key',
      'home/absolute/x',
      'home/dangling/key',
      'cache/../cache/x',
    ])
      assert.ok(isReachedFrom(at('cache'), at(name)), name)
  })

  it('is reached from a folder that has a link on the way to it', () => {
    for (const name of ['home/through/key', 'home/twice/key', 'home/absolute/out/key'])
      assert.ok(isReachedFrom(at('cache'), at(name)), name)
  })

  it('is reached from a folder that is named by a link', () => {
    assert.ok(isReachedFrom(at('home/absolute'), at('cache/key')))
    assert.ok(isReachedFrom(at('home/into'), at('cache/deep/key')))
  })

  it('counts as reached where that cannot be found out', () => {
    assert.ok(isReachedFrom(at('other'), at('home/loop/key')))
    assert.ok(isReachedFrom(at('home/loop'), at('other/key')))
  })

  it('is reached on a system that folds case', () => {
    assert.ok(isReachedFrom(at('cache'), at('CACHE/key')))
    assert.ok(isInside('/home/Ünal/cache', '/home/U\u0308NAL/Cache/key'))
  })

  it('is not reached from elsewhere, whatever its name begins with', () => {
    for (const name of ['home/key', 'cache-2/key', 'other/key', 'cache/../home/key', 'home/back/x'])
      assert.ok(!isReachedFrom(at('cache/deep'), at(name)), name)
    assert.ok(!isInside('/a/b', '/a/b-c'))
    assert.ok(!isInside('/a/b', '/a'))
    assert.ok(isInside('/a/b', '/a/b/..c'))
  })

  it('below a folder is always reached from it', () => {
    const names = fc.array(
      fc.stringMatching(/^[a-zA-Z.-]{1,8}$/).filter((name) => !/^\.+$/.test(name)),
      {
        maxLength: 5,
      },
    )
    fc.assert(
      fc.property(names, names, (folder, below) =>
        isReachedFrom(at('x', ...folder), at('x', ...folder.map((name) => name.toUpperCase()), ...below)),
      ),
    )
  })
})
