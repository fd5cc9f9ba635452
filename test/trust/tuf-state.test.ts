/** What is kept of a TUF repository, and believed only as far as the pinned root vouches for it. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, describe, test } from 'node:test'
import seeds from '@sigstore/tuf/seeds.json' with { type: 'json' }
import fc from 'fast-check'
import { refreshState } from '../../src/trust/tuf-refresh.ts'
import { readState, storeFrom, type TufState, verifyState, writeState } from '../../src/trust/tuf-state.ts'
import { DELEGATE, startTufRepository } from '../support/tuf/index.ts'
import { corpusFile, skip } from '../verify/corpus.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const ROOT = Buffer.from('{"a": "trusted root"}')
const KEYS = Buffer.from('{"keys": []}')
const NAMES = { names: ['trusted_root.json', 'registry.npmjs.org/keys.json'], optional: [] }

const repository = await startTufRepository(NOW)
after(() => repository.close())
repository.publish({ 'trusted_root.json': ROOT, 'registry.npmjs.org/keys.json': KEYS })
repository.rotate()
repository.rotate('timestamp', 'root')
repository.publish()
const { pinned, url } = repository
const { state, verified } = await refreshState(
  { url, pinned, ...NAMES, now: NOW, signal: AbortSignal.timeout(20_000) },
  undefined,
)

const refused = (changed: Partial<TufState>, from = pinned) =>
  assert.rejects(verifyState({ ...state, ...changed }, from), (error) => error instanceof Error)

describe('a state of a TUF repository', () => {
  test('holds from the pinned root on, and says when its first part ends', () => {
    assert.deepEqual(verified.versions, { root: 3, timestamp: 2, snapshot: 2, targets: 2 })
    assert.equal(verified.expires.toISOString(), '2026-06-08T12:00:00.000Z')
    assert.deepEqual([...verified.files], [...state.files])
    assert.deepEqual(verified.files.get('trusted_root.json'), ROOT)
  })

  test('is written and read as it is', async () => {
    assert.deepEqual(readState(writeState(state)), state)
    assert.deepEqual(await verifyState(readState(writeState(state)), pinned), verified)
  })

  test('that expired long ago still says when', async () => {
    // How old a trust root may be is not for this to say.
    assert.ok((await verifyState(state, pinned)).expires < new Date('2036-01-01'))
  })

  test('has what the targets delegate, from whom they delegate it to', async () => {
    assert.deepEqual([...state.delegated.keys()], [DELEGATE])
    await refused({ delegated: new Map() })
    const old = repository.served.get(`1.${DELEGATE}.json`) as Buffer
    await refused({ delegated: new Map([[DELEGATE, old]]) })
    const foreign = repository.sign('delegate', repository.signed.delegate, repository.keys.timestamp)
    await refused({ delegated: new Map([[DELEGATE, foreign]]) })
    await refused({ delegated: new Map([...state.delegated, ['other', state.targets]]) })
    // Whose names they are not delegated they may not say.
    const more = {
      ...repository.signed.delegate,
      targets: { 'trusted_root.json': { length: 2, hashes: { sha256: '0' } } },
    }
    await refused({ delegated: new Map([[DELEGATE, repository.sign('delegate', more)]]) })
    assert.ok(
      await verifyState({ ...state, delegated: new Map(), files: new Map([['trusted_root.json', ROOT]]) }, pinned),
    )
  })

  test('is nothing without a root, with one too many, or with roots in another order', async () => {
    const [second = assert.fail(), third = assert.fail()] = state.roots
    for (const roots of [
      [],
      [second],
      [third],
      [third, second],
      [second, second, third],
      [second, third, third],
      [pinned, second, third],
    ])
      await refused({ roots })
  })

  test('is nothing from another root', async () => {
    const stranger = await startTufRepository(NOW)
    await stranger.close()
    await refused({}, stranger.pinned)
    await refused({}, Buffer.from('{}'))
  })

  test('does not hold with a part of another version', async () => {
    const first = (path: string) => repository.served.get(path) as Buffer
    await refused({ snapshot: first('1.snapshot.json') })
    await refused({ targets: first('1.targets.json') })
    await refused({ timestamp: first('2.snapshot.json') })
    await refused({ files: new Map([['trusted_root.json', KEYS]]) })
    await refused({ files: new Map([['other.json', ROOT]]) })
    await refused({ files: new Map([['__proto__', ROOT]]) })
  })

  test('does not hold with a target that has no digest', async () => {
    const bare = await startTufRepository(NOW)
    bare.publish({ 'trusted_root.json': ROOT })
    await bare.close()
    const targets = bare.sign('targets', {
      ...bare.signed.targets,
      targets: { 'trusted_root.json': { length: ROOT.length, hashes: {} } },
    })
    const meta = (name: string, version: number) => ({ [name]: { version } })
    const snapshot = bare.sign('snapshot', { ...bare.signed.snapshot, meta: meta('targets.json', 1) })
    const timestamp = bare.sign('timestamp', { ...bare.signed.timestamp, meta: meta('snapshot.json', 1) })
    const files = new Map([['trusted_root.json', ROOT]])
    await assert.rejects(
      verifyState({ roots: [], timestamp, snapshot, targets, delegated: new Map(), files }, bare.pinned),
    )
    const none = { delegated: new Map(), files: new Map() }
    assert.ok(await verifyState({ roots: [], timestamp, snapshot, targets, ...none }, bare.pinned))
  })

  test('does not hold with a changed byte, or says the same', async () => {
    const parts = ['timestamp', 'snapshot', 'targets'] as const
    const places = [
      ...parts.flatMap((part) => spread(state[part].length).map((at) => ({ part, at }))),
      ...state.roots.flatMap((root, index) => spread(root.length).map((at) => ({ part: index, at }))),
      ...[...state.files].flatMap(([name, bytes]) => spread(bytes.length).map((at) => ({ part: `file:${name}`, at }))),
    ]
    let isAccepted = 0
    for (const { part, at } of places) {
      const result = await verifyState(withChanged(part, at), pinned).catch(() => undefined)
      if (result === undefined) continue
      // White space between the parts of JSON, and what is said of a signature beside it, are not signed.
      isAccepted += 1
      assert.deepEqual(
        [result.versions, result.expires, [...result.files]],
        [verified.versions, verified.expires, [...state.files]],
      )
    }
    assert.ok(places.length > 300 && isAccepted < places.length / 3, `${isAccepted} of ${places.length}`)
  })

  test('of any other form is an error, and no crash', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        assert.throws(() => readState(text), Error)
      }),
    )
    const written = JSON.parse(writeState(state)) as Record<string, unknown>
    for (const change of [{ format: 'other' }, { roots: 1 }, { timestamp: '!' }, { files: {} }, { more: 1 }])
      assert.throws(() => readState(JSON.stringify({ ...written, ...change })), /is not of the form of a trust state/)
  })
})

function spread(length: number): readonly number[] {
  return Array.from({ length: Math.min(length, 60) }, (_, i) => Math.floor((i * length) / 60))
}

function withChanged(part: string | number, at: number): TufState {
  const flipped = (bytes: Buffer) => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(at) ^ 1, at)
    return copy
  }
  if (typeof part === 'number')
    return { ...state, roots: state.roots.map((root, i) => (i === part ? flipped(root) : root)) }
  if (part.startsWith('file:')) {
    const files = [...state.files].map(
      ([name, bytes]) => [name, `file:${name}` === part ? flipped(bytes) : bytes] as const,
    )
    return { ...state, files: new Map(files) }
  }
  const role = part as 'timestamp' | 'snapshot' | 'targets'
  return { ...state, [role]: flipped(state[role]) }
}

describe("the public instance's root", () => {
  const history = () =>
    Array.from({ length: 15 }, (_, i) =>
      readFileSync(corpusFile('trust', 'public-good', 'metadata', 'root_history', `${i + 1}.root.json`)),
    )
  const seed = Buffer.from(seeds['https://tuf-repo-cdn.sigstore.dev']['root.json'], 'base64')

  test('walks forward from version to version, to the one that is pinned', { skip }, () => {
    const [first = assert.fail(), ...rest] = history()
    for (let count = 0; count <= rest.length; count++)
      assert.equal(storeFrom(first, rest.slice(0, count)).root.signed.version, count + 1)
    assert.equal(storeFrom(first, [...rest, seed]).root.signed.version, 16)
  })

  test('walks over no version that is left out, and back to none', { skip }, () => {
    const all = [...history(), seed]
    for (let left = 1; left < all.length - 1; left++) {
      const [first = assert.fail(), ...rest] = all.filter((_, index) => index !== left)
      assert.throws(() => storeFrom(first, rest), /Expected version|was signed by/)
    }
    const [first = assert.fail(), second = assert.fail()] = all
    assert.throws(() => storeFrom(second, [first]))
    assert.throws(() => storeFrom(first, [first]))
  })

  test('walks over no version that was changed', { skip }, () => {
    const [first = assert.fail(), ...rest] = [...history(), seed]
    for (const [index, root] of rest.entries()) {
      const text = root.toString('utf8').replace(/"expires":\s*"20/, (found) => found.replace('20', '21'))
      assert.notEqual(text, root.toString('utf8'))
      assert.throws(() => storeFrom(first, [...rest.slice(0, index), Buffer.from(text)]), /was signed by/)
    }
  })
})
