import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import packageJson from '../../package.json' with { type: 'json' }
import { markReplacedGate } from '../../src/lockfile/gate-entry.ts'
import type { LockedPackage, PackageSource } from '../../src/lockfile/types.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { GATE_NAME } from '../../src/util/gate-name.ts'

const NOW = new Date('2026-02-01T00:00:00Z')
const INTEGRITY = `sha512-${'A'.repeat(86)}==`
const OTHER = `sha512-${'B'.repeat(86)}==`
/** It permits everything, and has an exception for the gate. */
const LAX = parsePolicy(
  `rules: [{ packages: '**', require: nothing }]
exceptions: [{ package: '${GATE_NAME}@1.0.0', reason: x, expires: '2999-12-31' }]
`,
  '.sigstorerc',
)

const entry = (fields: Partial<LockedPackage> = {}): LockedPackage => ({
  name: GATE_NAME,
  version: '1.0.0',
  integrity: INTEGRITY,
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: `${GATE_NAME}@1.0.0`,
  ...fields,
})

const ending = (pkg: LockedPackage) => {
  const { status, refusal } = decide(pkg, LAX, undefined, NOW)
  return refusal?.code ?? status
}

test('the name is the one under which the gate is published', () => {
  assert.equal(packageJson.name, GATE_NAME)
})

describe('the gate in a lockfile, under a policy that permits everything', () => {
  test('is permitted from a registry, with a digest', () => {
    assert.equal(ending(entry()), 'permitted')
    assert.equal(ending(entry({ integrity: undefined, unbound: true })), 'permitted')
  })

  for (const source of ['tarball', 'git', 'directory', 'runtime', 'unknown'] satisfies readonly PackageSource[]) {
    test(`is refused as ${source}`, () => {
      assert.equal(ending(entry({ source })), 'GATE_REPLACED')
    })
  }

  test('is refused inside of another tarball', () => {
    const bundledIn = entry({ name: 'x', key: 'x@1.0.0' })
    assert.equal(ending(entry({ source: 'bundled', bundledIn })), 'GATE_REPLACED')
  })

  test('is refused without a digest', () => {
    assert.equal(ending(entry({ integrity: undefined })), 'GATE_REPLACED')
  })

  test('is refused where another package is installed as it, and not where it has another name itself', () => {
    assert.equal(ending(entry({ name: 'evil', key: 'evil@1.0.0', aliases: [GATE_NAME] })), 'GATE_REPLACED')
    assert.equal(ending(entry({ aliases: ['gate'] })), 'permitted')
    assert.equal(ending(entry({ name: 'evil', key: 'evil@1.0.0', aliases: ['gate'] })), 'permitted')
  })

  test('is not any other package', () => {
    for (const name of ['pnpm-plugin-provenance-gate-x', '@x/pnpm-plugin-provenance-gate', 'provenance-gate'])
      assert.notEqual(ending(entry({ name, source: 'git' })), 'GATE_REPLACED')
  })
})

describe('a pin of the gate', () => {
  const pin = entry({ origin: undefined })

  test('leaves the entry that it is about as it is', () => {
    assert.deepEqual(markReplacedGate([entry()], [pin]), [entry()])
    assert.deepEqual(markReplacedGate([entry({ integrity: undefined })], [pin]), [entry({ integrity: undefined })])
  })

  for (const [what, other] of Object.entries({
    'another digest': entry({ integrity: OTHER }),
    'another version': entry({ version: '1.0.1' }),
    'another source': entry({ source: 'tarball' }),
  })) {
    test(`makes an entry with ${what} one that is refused`, () => {
      const [marked, ...rest] = markReplacedGate([other, pin], [pin])
      assert.ok(marked !== undefined)
      assert.equal(ending(marked), 'GATE_REPLACED')
      assert.match(marked.origin ?? '', /^not 1\.0\.0 \(sha512-A+==\), which is pinned$/)
      assert.deepEqual(rest, [pin])
    })
  }

  test('says nothing of other packages, and is none without a digest', () => {
    const other = entry({ name: 'x', integrity: OTHER })
    assert.deepEqual(markReplacedGate([other], [pin]), [other])
    const packages = [entry({ integrity: OTHER })]
    assert.deepEqual(markReplacedGate(packages, [entry({ integrity: undefined })]), packages)
    assert.deepEqual(markReplacedGate(packages, [other]), packages)
  })
})
