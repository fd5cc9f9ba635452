import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { GateError } from '../../src/errors.ts'
import { configDependencies, lockedPackages } from '../../src/lockfile/pnpm.ts'
import { A, fixture, raw } from './support.ts'

const manifest = (name: string): unknown => parse(readFileSync(fixture(name, 'pnpm-workspace.yaml'), 'utf8'))
const one = (name: string, value: unknown) => configDependencies({ configDependencies: { [name]: value } })[0]

describe('config dependencies of pnpm-workspace.yaml', () => {
  it('as pnpm 10 writes them: the same packages as those of the first document of pnpm 11 and 12', () => {
    const pinned = configDependencies(manifest('config-dependencies-10'))
    assert.deepEqual(pinned, lockedPackages(raw('config-dependencies')[0]))
    assert.deepEqual(
      pinned.map(({ key, source, importers }) => [key, source, importers]),
      [
        ['is-number@7.0.0', 'registry', ['.']],
        ['is-odd@3.0.1', 'registry', ['.']],
      ],
    )
  })

  it('as pnpm 11 and 12 write them: listed, without a digest', () => {
    const [number] = configDependencies(manifest('config-dependencies'))
    assert.deepEqual([number?.key, number?.version, number?.integrity], ['is-number@7.0.0', '7.0.0', undefined])
  })

  it('from a registry with a layout of its own', () => {
    const pkg = one('@s/a', { tarball: 'https://packages.example/a', integrity: `1.0.0+${A}` })
    assert.deepEqual(
      [pkg?.name, pkg?.version, pkg?.integrity, pkg?.source, pkg?.origin],
      ['@s/a', '1.0.0', A, 'registry', 'https://packages.example/a'],
    )
  })

  it('none', () => {
    for (const value of [undefined, null, {}, { packages: ['*'] }, { configDependencies: null }]) {
      assert.deepEqual(configDependencies(value), [])
    }
  })

  const strange: readonly (readonly [string, unknown])[] = [
    ...(['', '1', 'latest', '^1.0.0', 'v1.0.0', '1.0.0 ', `+${A}`, `latest+${A}`] as const).map(
      (v) => ['a', v] as const,
    ),
    ...[null, 7, true, [], ['1.0.0'], {}, { integrity: 7 }, { version: '1.0.0' }].map((v) => ['a', v] as const),
    ['a', { integrity: `1.0.0+${A}`, tarball: 7 }],
    ['a', { integrity: `1.0.0+${A}`, mirror: 'https://evil.example' }],
    ['../a', `1.0.0+${A}`],
    ['', `1.0.0+${A}`],
    ['a b', `1.0.0+${A}`],
  ]
  for (const [name, value] of strange) {
    it(`unknown, and listed: ${JSON.stringify({ [name]: value }).slice(0, 60)}`, () => {
      const pkg = one(name, value)
      assert.deepEqual([pkg?.source, pkg?.name], ['unknown', name])
    })
  }

  it('takes the first `+` for the end of the version, as pnpm does', () => {
    const pkg = one('a', `1.0.0+build+${A}`)
    assert.deepEqual([pkg?.version, pkg?.integrity], ['1.0.0', `build+${A}`])
  })

  for (const value of [
    'text',
    [],
    7,
    { configDependencies: [] },
    { configDependencies: 'a' },
    Object.create({ a: 1 }),
  ]) {
    it(`GateError: ${JSON.stringify(value)}`, () => assert.throws(() => configDependencies(value), GateError))
  }

  it('GateError: a key __proto__', () => {
    assert.throws(() => configDependencies({ configDependencies: JSON.parse('{"__proto__": "1.0.0"}') }), GateError)
  })
})
