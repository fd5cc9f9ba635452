/** Where the registry's signatures are read: its metadata, or a folder. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { directoryEvidence } from '../../src/evidence/directory.ts'
import { signaturesOfManifest, signaturesOfPackument } from '../../src/evidence/metadata.ts'
import { registryEvidence } from '../../src/evidence/registry.ts'
import { createTarball, startRegistry } from '../support/registry/index.ts'
import { found, LIMITS, locked, settings } from './support.ts'

const registry = await startRegistry()
after(() => registry.close())
const SIGNATURES = [{ keyid: 'SHA256:a', sig: 'AAAA' }]
const PUBLISHED = '2023-05-01T10:00:00.000Z'
const widgets = createTarball({ name: '@acme/widgets', version: '1.0.0' })
const { integrity } = widgets
const { signatures: ask } = registryEvidence(settings(registry.url), LIMITS)
const asked = () => registry.requests.map((request) => request.path)

beforeEach(() => {
  registry.reset()
  registry.publish(widgets, { signatures: SIGNATURES, time: PUBLISHED })
  registry.publish(createTarball({ name: '@acme/widgets', version: '2.0.0' }))
})

const pkg = locked('@acme/widgets')
const code = (evidence: Awaited<ReturnType<typeof ask>>) => (evidence.ok ? 'found' : evidence.refusal.code)

describe("a registry's signatures", () => {
  test('are in the metadata of the version', async () => {
    assert.deepEqual(found(await ask(pkg, false)), { integrity, signatures: SIGNATURES })
    assert.deepEqual(asked(), ['/@acme%2fwidgets/1.0.0'])
  })

  test('are in that of all versions where the time is asked for', async () => {
    assert.deepEqual(found(await ask(pkg, true)), { integrity, signatures: SIGNATURES, published: PUBLISHED })
    assert.deepEqual(asked(), ['/@acme%2fwidgets'])
  })

  test('are in that of all versions where the registry has no other', async () => {
    registry.misbehave({ match: '/@acme/widgets/1.0.0', how: 'status', status: 404 })
    assert.deepEqual(found(await ask(pkg, false)), { integrity, signatures: SIGNATURES, published: PUBLISHED })
    assert.deepEqual(asked(), ['/@acme%2fwidgets/1.0.0', '/@acme%2fwidgets'])
  })

  test('may be none', async () => {
    const other = createTarball({ name: '@acme/widgets', version: '2.0.0' })
    const none = { integrity: other.integrity, signatures: undefined }
    assert.deepEqual(found(await ask(locked('@acme/widgets', '2.0.0'), false)), none)
    assert.deepEqual(found(await ask(locked('@acme/widgets', '3.0.0'), true)), {
      integrity: undefined,
      signatures: undefined,
    })
  })

  test('of a package that the registry does not know are missing', async () => {
    for (const withTime of [false, true]) assert.equal(code(await ask(locked('gone'), withTime)), 'EVIDENCE_MISSING')
  })

  test('could not be found out where it gives no answer', async () => {
    for (const rule of [
      { match: '', how: 'status', status: 500 },
      { match: '', how: 'reset' },
      { match: '', how: 'html' },
      { match: '', how: 'garbage-json' },
      { match: '', how: 'truncate' },
      { match: '', how: 'endless' },
    ] as const) {
      registry.behave()
      registry.misbehave(rule)
      assert.equal(code(await ask(pkg, false)), 'EVIDENCE_UNAVAILABLE', rule.how)
    }
  })

  test('of all versions may take more room than one document', async () => {
    const small = registryEvidence(settings(registry.url), { ...LIMITS, size: 100 })
    assert.equal(code(await small.signatures(pkg, false)), 'EVIDENCE_UNAVAILABLE')
    assert.equal(code(await small.signatures(pkg, true)), 'found')
  })

  test('are asked for of no other path, whatever the lockfile calls the package', async () => {
    for (const [name, version] of [
      ['..', '1.0.0'],
      ['.', '..'],
      ['x', '..'],
      ['', '1.0.0'],
      ['x', ''],
    ] as const) {
      assert.equal(code(await ask(locked(name, version), false)), 'EVIDENCE_UNAVAILABLE', `${name}@${version}`)
    }
    assert.deepEqual(asked(), [])
    for (const [name, version] of [
      ['../../-/npm', '1.0.0'],
      ['x', '1.0.0/../../y'],
      ['x?y', '1#2'],
      ['@acme/../widgets', '1.0.0'],
    ] as const) {
      await ask(locked(name, version), false)
    }
    assert.deepEqual(
      asked().filter((each) => !/^\/[^/?#]+(?:\/[^/?#]+)?$/.test(each)),
      [],
    )
  })
})

describe('metadata', () => {
  test('of any shape is read for what is there', () => {
    for (const wrong of [undefined, null, 1, 'x', [], {}, { dist: null }, { dist: [] }]) {
      assert.deepEqual(signaturesOfManifest(wrong), { integrity: undefined, signatures: undefined })
      assert.deepEqual(signaturesOfPackument({ versions: { '1.0.0': wrong } }, '1.0.0'), {
        integrity: undefined,
        signatures: undefined,
      })
    }
  })

  test('is read for that version alone, also where its name is one of an object', () => {
    const full = { versions: { '1.0.0': { dist: { signatures: SIGNATURES } } }, time: { '1.0.0': PUBLISHED } }
    const none = { integrity: undefined, signatures: undefined }
    for (const version of ['__proto__', 'constructor', 'toString', '', '1.0'])
      assert.deepEqual(signaturesOfPackument(full, version), none)
  })
})

describe('a folder', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'signatures-'))
  after(() => rmSync(folder, { recursive: true }))
  mkdirSync(path.join(folder, '@acme'))
  writeFileSync(path.join(folder, '@acme/widgets@1.0.0.signatures.json'), JSON.stringify({ signatures: SIGNATURES }))

  test('has signatures beside attestations', async () => {
    const { signatures } = directoryEvidence(folder)
    assert.deepEqual(found(await signatures(pkg, true)), { signatures: SIGNATURES })
    assert.equal(code(await signatures(locked('gone'), false)), 'EVIDENCE_MISSING')
    assert.equal(code(await signatures(locked('../x'), false)), 'EVIDENCE_MISSING')
    assert.equal(
      code(await directoryEvidence(path.join(folder, 'gone')).signatures(pkg, false)),
      'EVIDENCE_UNAVAILABLE',
    )
  })
})
