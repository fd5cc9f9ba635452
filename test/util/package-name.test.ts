import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { isPackageName, isProjectName, packageNameProblem } from '../../src/util/package-name.ts'
import { BAD_NAMES, GOOD_NAMES } from '../support/names.ts'

describe('packageNameProblem', () => {
  it('finds nothing wrong with names that the registry has, also with capitals', () => {
    for (const name of GOOD_NAMES) assert.equal(packageNameProblem(name), undefined, name)
    assert.equal(packageNameProblem('a'.repeat(214)), undefined)
  })

  for (const name of BAD_NAMES) {
    it(`refuses ${JSON.stringify(name.slice(0, 40))}`, () => {
      assert.equal(typeof packageNameProblem(name), 'string')
    })
  }

  it('refuses no name by the rules of the registry', () => {
    const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ')
    const inside = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz0123456789ABCXYZ-_.')
    const segment = fc
      .tuple(letter, fc.array(inside, { maxLength: 20 }), letter)
      .map(([first, rest, last]) => [first, ...rest, last].join(''))
    const name = fc.oneof(
      segment,
      fc.tuple(segment, segment).map(([scope, base]) => `@${scope}/${base}`),
    )
    fc.assert(fc.property(name, (each) => isPackageName(each)))
  })

  it('refuses every text that leads out of its own folder below node_modules, on any system', () => {
    const piece = fc.constantFrom(...['.', '..', '/', '\\', '//', 'victim', '@scope', 'a', ':', 'C:', '\0', ' ', '%2e'])
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary' }),
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    )
    fc.assert(
      fc.property(text, (name) => {
        const leadsOut = [path.posix, path.win32].some((each) => {
          const folder = each.relative('node_modules', each.join('node_modules', name)).split(each.sep)
          const isOwn = folder.length === 1 || (folder.length === 2 && folder[0]?.startsWith('@') === true)
          return !isOwn || folder.join('/') !== name || folder.includes('..') || folder.includes('')
        })
        return !(leadsOut && isPackageName(name))
      }),
      { numRuns: 5000 },
    )
  })

  it('refuses every name that Unicode, case or an escape makes another of', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const others = [name.normalize('NFC'), name.normalize('NFKC'), name.trim(), name.replace(/[. ]+$/, '')]
        return others.every((each) => each === name) || !isPackageName(name)
      }),
    )
  })
})

describe('the name of a project of a workspace', () => {
  it('is that of a package, or has a `$` in front', () => {
    for (const name of ['app', '@acme/app', '$repo-utils', '@acme/$tools', '$app']) assert.ok(isProjectName(name), name)
    for (const name of GOOD_NAMES) assert.ok(isProjectName(name), name)
  })

  it('leads to no other folder', () => {
    for (const name of [
      '',
      '$',
      '@a/$',
      '$$app',
      'a$',
      'a$b',
      '$../app',
      '$./a',
      '$/a',
      '$@a/b',
      '@$a/b',
      'a/$b',
      '$node_modules',
    ])
      assert.ok(!isProjectName(name), name)
    for (const name of ['$.a', '$a.', '$a~1', '$a b', '$a\n', '$é', '@a/$b/c', '$a:b'])
      assert.ok(!isProjectName(name), name)
  })

  it('is none of a package, where it has a `$`', () => {
    for (const name of ['$repo-utils', '@acme/$tools']) assert.ok(!isPackageName(name), name)
  })
})
