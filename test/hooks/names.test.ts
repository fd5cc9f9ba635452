import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { openNames } from '../../hooks/names.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { BAD_NAMES, GOOD_NAMES } from '../support/names.ts'

const LENIENT = parsePolicy("rules: [{ packages: '**', require: nothing }]\n", '.sigstorerc')
const codes = (packages: readonly LockedPackage[]) =>
  packages.map((pkg) => decide(pkg, LENIENT, undefined, new Date('2026-06-01T00:00:00Z')).refusal?.code)

const locked = (name: string, more: Partial<LockedPackage> = {}): LockedPackage => ({
  ...{ name, version: '1.0.0', integrity: undefined, source: 'registry', origin: undefined },
  ...{ importers: ['.'], key: `${name}@1.0.0`, ...more },
})

describe('names that pnpm is about to resolve', () => {
  it('are judged where they are no names of packages, whatever they ask for', () => {
    // pnpm says '' where there is no name.
    for (const name of BAD_NAMES.filter((each) => each !== '')) {
      for (const target of [name, 'other', undefined]) {
        assert.deepEqual(codes(openNames().want(name, '1.0.0', target)), ['ALIAS_INVALID'], name)
      }
    }
  })

  it('are not judged where they are', () => {
    for (const name of GOOD_NAMES)
      for (const target of [name, 'other', undefined]) assert.deepEqual(openNames().want(name, '1.0.0', target), [])
  })

  it('are judged where an alias differs by case alone from a name, whichever comes first', () => {
    const first = openNames()
    assert.deepEqual(first.want('victim', '1.0.0', 'victim'), [])
    assert.deepEqual(codes(first.want('VICTIM', 'npm:other@1', 'other')), ['ALIAS_INVALID'])
    const second = openNames()
    assert.deepEqual(second.want('VICTIM', 'npm:other@1', 'other'), [])
    assert.deepEqual(codes(second.want('victim', '1.0.0', 'victim')), ['ALIAS_INVALID'])
    const third = openNames()
    third.lock([locked('victim')])
    assert.deepEqual(codes(third.want('Victim', 'file:x', undefined)), ['ALIAS_INVALID'])
    const fourth = openNames()
    fourth.lock([locked('other', { aliases: ['VICTIM'] })])
    assert.deepEqual(codes(fourth.want('victim', '1.0.0', 'victim')), ['ALIAS_INVALID'])
  })

  it('are not judged where two packages of a registry have them as their own', () => {
    const names = openNames()
    names.lock([locked('JSONStream')])
    assert.deepEqual(names.want('jsonstream', '1.0.0', 'jsonstream'), [])
  })
})
