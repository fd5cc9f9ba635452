import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, refuse } from '../../src/codes.ts'
import { GateError } from '../../src/errors.ts'
import type { Examined } from '../../src/policy/accept.ts'
import { openLock } from '../../src/policy/lock-file.ts'
import { fromOldLock, parseOldLock } from '../../src/policy/lock-v1.ts'
import type { Claims } from '../../src/verify/types.ts'

const TEXT = `version: 1
packages:
  semver:
    - from: [7.5.0]
      issuer: github
      repository: npm/node-semver
      repositoryId: "1357199"
      workflow: .github/workflows/release.yml
      ref: branch
    - from: [7.6.0]
      provenance: none
    - from: [7.6.1]
      issuer: github
      repository: npm/node-semver
      repositoryId: "1357199"
      ref: tag
  never:
    - from: [1.0.0]
      provenance: none
`
const INTEGRITY = `sha512-${'A'.repeat(86)}==`

function examined(spec: string, isProven = false): Examined {
  const at = spec.indexOf('@', 1)
  const [name, version] = [spec.slice(0, at), spec.slice(at + 1)]
  const about = { name, version, integrity: INTEGRITY, origin: undefined, importers: ['.'], key: spec }
  const provenance = [{ predicateType: 'x', claims: {} as Claims, signedAt: 'x' }]
  const proof = isProven ? ok({ provenance, publish: [] }) : refuse('EVIDENCE_MISSING', 'x', 'y')
  return { pkg: { ...about, source: 'registry' }, proof }
}

const read = (text: string) => parseOldLock(openLock(text, 'provenance-lock.yaml').document)
const convert = (...all: readonly Examined[]) => fromOldLock(read(TEXT), all)

describe('an identity lock of the form of earlier versions', () => {
  it('is known by its version', () => {
    assert.equal(openLock(TEXT, 'x').isOld, true)
    assert.equal(openLock('version: 2\npackages: {}\n', 'x').isOld, false)
  })

  it('keeps every identity, and forgets what was never proven', () => {
    const lock = convert()
    assert.deepEqual([...lock.keys()], ['semver'])
    assert.deepEqual(
      lock.get('semver')?.published.map(({ from, identity }) => [from, identity.ref, identity.repositoryId]),
      [
        ['7.5.0', 'branch', '1357199'],
        ['7.6.1', 'tag', '1357199'],
      ],
    )
    assert.deepEqual(lock.get('semver')?.unproven, [])
  })

  it('records of the lockfile what it let in without provenance, and nothing that it refused', () => {
    const versions = ['5.7.2', '6.3.1', '7.4.9', '7.5.0', '7.5.9', '7.6.0', '7.6.2', '8.0.0']
    const lock = convert(...versions.map((version) => examined(`semver@${version}`)), examined('never@1.0.0'))
    assert.deepEqual(
      lock.get('semver')?.unproven.map(({ version }) => version),
      ['5.7.2', '6.3.1', '7.4.9', '7.6.0'],
    )
  })

  it('records no version that is proven, and none without bytes', () => {
    const weak = examined('semver@6.3.1')
    const lock = convert(examined('semver@5.7.2', true), { ...weak, pkg: { ...weak.pkg, integrity: undefined } })
    assert.deepEqual(lock.get('semver')?.unproven, [])
  })

  for (const [what, text, message] of [
    ['an unknown key', TEXT.replace('workflow:', 'workflo:'), /:8:7: unknown key "workflo"/],
    ['an unknown key at the top', `${TEXT}more: 1\n`, /unknown key "more" in the identity lock/],
    ['an entry without a repository', TEXT.replace('      repository: npm/node-semver\n', ''), /an entry has "issuer"/],
    ['a name that no package has', TEXT.replace('never:', 'a/b/c:'), /is no name of a package/],
    ['a package without entries', TEXT.replace(/never:\n(?: {4}.*\n)+/, 'constructor: []\n'), /says nothing/],
    ['no packages', 'version: 1\n', /./],
  ] as const) {
    it(`with a mistake is an error: ${what}`, () => {
      assert.throws(
        () => read(text),
        (error) => error instanceof GateError && message.test(error.message),
      )
    })
  }
})
