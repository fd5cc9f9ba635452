/**
 * Attacks of the TUF specification (section 1.5.2 and 5), against a repository on loopback. What is refused is refused by
 * tuf-js; these tests are why that can be relied upon, in the version and with the options that are used here.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { refreshState } from '../../src/trust/tuf-refresh.ts'
import { readState, verifyState, writeState } from '../../src/trust/tuf-state.ts'
import { startTufRepository, type TufRepository } from '../support/tuf/index.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const later = (days: number) => new Date(NOW.getTime() + days * 86_400_000)
const FIRST = Buffer.from('{"trusted": "root"}')
const SECOND = Buffer.from('{"trusted": "root", "newer": true}')
const NAME = 'trusted_root.json'

type Known = Awaited<ReturnType<typeof refreshState>>

async function started(t: TestContext): Promise<TufRepository> {
  const repository = await startTufRepository(NOW)
  t.after(() => repository.close())
  repository.publish({ [NAME]: FIRST })
  return repository
}

const refresh = ({ url, pinned }: TufRepository, known?: Known, more: object = {}) =>
  refreshState(
    {
      url,
      pinned,
      names: [NAME],
      optional: ['registry.npmjs.org/keys.json'],
      now: NOW,
      signal: AbortSignal.timeout(20_000),
      ...more,
    },
    known,
  )

const rejects = (repository: TufRepository, known: Known | undefined, message: RegExp, more: object = {}) =>
  assert.rejects(refresh(repository, known, more), (error) => {
    assert.ok(error instanceof Error)
    assert.match(String(error), message)
    return true
  })

const served = (repository: TufRepository, path: string) => repository.served.get(path) ?? assert.fail(path)

describe('refreshing', () => {
  test('takes what is new, and goes on from what is known', async (t) => {
    const repository = await started(t)
    const first = await refresh(repository)
    assert.deepEqual(first.verified.files.get(NAME), FIRST)
    repository.requests.length = 0
    repository.publish({ [NAME]: SECOND, 'registry.npmjs.org/keys.json': FIRST })
    repository.rotate('root')
    repository.rotate('timestamp', 'snapshot', 'targets')
    repository.publish()
    const second = await refresh(repository, first)
    assert.deepEqual(second.verified.files.get(NAME), SECOND)
    assert.deepEqual(second.verified.files.get('registry.npmjs.org/keys.json'), FIRST)
    assert.equal(second.verified.versions.root, 3)
    assert.deepEqual(await verifyState(second.state, repository.pinned), second.verified)
    assert.deepEqual(
      repository.requests.filter((path) => path.endsWith('.root.json')),
      ['2.root.json', '3.root.json', '4.root.json'],
    )
    const third = await refresh(repository, second)
    assert.deepEqual(third.verified.versions, second.verified.versions)
  })

  test('goes on over many rotations of the root', async (t) => {
    const repository = await started(t)
    for (let i = 0; i < 30; i++) repository.rotate('root')
    assert.equal((await refresh(repository)).verified.versions.root, 31)
  })

  test('leaves out a target that may be missing, and no other', async (t) => {
    const repository = await started(t)
    assert.deepEqual([...(await refresh(repository)).state.files.keys()], [NAME])
    await rejects(repository, undefined, /has no target "other\.json"/, { names: ['other.json'] })
  })
})

describe('an attack is refused', () => {
  test('arbitrary software: metadata and files that nobody signed', async (t) => {
    const repository = await started(t)
    const stranger = await started(t)
    for (const [path, role] of [
      ['timestamp.json', 'timestamp'],
      ['1.snapshot.json', 'snapshot'],
      ['1.targets.json', 'targets'],
    ] as const) {
      const before = served(repository, path)
      repository.served.set(path, repository.sign(role, repository.signed[role], stranger.keys[role]))
      await rejects(repository, undefined, /was signed by 0\/1 keys|hash|length/i)
      repository.served.set(path, before)
    }
    for (const path of [...repository.served.keys()].filter((each) => each.startsWith('targets/'))) {
      repository.served.set(path, Buffer.from('{"trusted": "evil"}'))
      await rejects(repository, undefined, /hash|length/i)
    }
  })

  test('rollback of the timestamp, the snapshot and the targets', async (t) => {
    const repository = await started(t)
    const old = served(repository, 'timestamp.json')
    repository.publish({ [NAME]: SECOND })
    const known = await refresh(repository)
    repository.served.set('timestamp.json', old)
    await rejects(repository, known, /version 1 is less than current version 2/)

    const meta = (name: string, version: number) => ({ [name]: { version } })
    const timestamp = { ...repository.signed.timestamp, version: 3, meta: meta('snapshot.json', 1) }
    repository.served.set('timestamp.json', repository.sign('timestamp', timestamp))
    await rejects(repository, known, /snapshot version 1 is less than current version 2/)

    const snapshot = { ...repository.signed.snapshot, version: 3, meta: meta('targets.json', 1) }
    repository.served.set('3.snapshot.json', repository.sign('snapshot', snapshot))
    const next = { ...repository.signed.timestamp, version: 3, meta: meta('snapshot.json', 3) }
    repository.served.set('timestamp.json', repository.sign('timestamp', next))
    await rejects(repository, known, /version 1 of targets\.json is less than current version 2/)
  })

  test('freeze: an old timestamp that nobody renews', async (t) => {
    const repository = await started(t)
    const known = await refresh(repository)
    await rejects(repository, undefined, /timestamp\.json is expired/, { now: later(8) })
    await rejects(repository, known, /timestamp\.json is expired/, { now: later(7) })
    assert.ok(await refresh(repository, known, { now: later(6.9) }))
  })

  for (const [role, days] of [
    ['snapshot', 31],
    ['targets', 61],
    ['root', 366],
  ] as const) {
    test(`expired: a ${role} that is over`, async (t) => {
      const repository = await started(t)
      const at = later(days)
      for (const each of ['timestamp', 'snapshot', 'targets'] as const) {
        if (each === role) continue
        const path = each === 'timestamp' ? 'timestamp.json' : `1.${each}.json`
        const meta = each === 'timestamp' ? { meta: { 'snapshot.json': { version: 1 } } } : {}
        const plain = each === 'snapshot' ? { meta: { 'targets.json': { version: 1 } } } : meta
        repository.served.set(
          path,
          repository.sign(each, { ...repository.signed[each], ...plain, expires: '2030-01-01T00:00:00Z' }),
        )
      }
      await rejects(repository, undefined, /expired/i, { now: at })
    })
  }

  test('mix-and-match: a snapshot, or targets, of another time', async (t) => {
    const repository = await started(t)
    const old = { snapshot: served(repository, '1.snapshot.json'), targets: served(repository, '1.targets.json') }
    repository.publish({ [NAME]: SECOND })
    for (const role of ['snapshot', 'targets'] as const) {
      const before = served(repository, `2.${role}.json`)
      repository.served.set(`2.${role}.json`, old[role])
      await rejects(repository, undefined, /hash|length|version/i)
      repository.served.set(`2.${role}.json`, before)
    }
    assert.ok(await refresh(repository))
  })

  test('wrong threshold: a root with one signature too few, of the old keys or the new', async (t) => {
    const repository = await started(t)
    const old = repository.keys.root
    repository.rotate('root')
    const [first = assert.fail(), second = assert.fail()] = repository.keys.root
    const [before = assert.fail()] = old
    for (const keys of [
      [before, first, second],
      [...old, first],
      [before, before, first, second],
      old,
      [first, second],
    ]) {
      repository.served.set('2.root.json', repository.sign('root', repository.signed.root, keys))
      await rejects(repository, undefined, /root was signed by [01]\/2 keys/)
    }
    repository.served.set('2.root.json', repository.sign('root', repository.signed.root, [...old, first, second]))
    assert.equal((await refresh(repository)).verified.versions.root, 2)
  })

  test('a snapshot that lacks a role', async (t) => {
    const repository = await started(t)
    const snapshot = { ...repository.signed.snapshot, meta: { 'targets.json': { version: 1 } } }
    repository.served.set('1.snapshot.json', repository.sign('snapshot', snapshot))
    const timestamp = { ...repository.signed.timestamp, meta: { 'snapshot.json': { version: 1 } } }
    repository.served.set('timestamp.json', repository.sign('timestamp', timestamp))
    await rejects(repository, undefined, /a part of its metadata is missing/)
  })

  test('a root of another version than the next', async (t) => {
    const repository = await started(t)
    repository.rotate()
    repository.rotate()
    repository.served.set('2.root.json', served(repository, '3.root.json'))
    await rejects(repository, undefined, /Expected version 2, got 3/)
  })

  test('endless data, and an answer that does not come', async (t) => {
    for (const path of ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json']) {
      const repository = await started(t)
      repository.served.set(path, 'endless')
      await rejects(repository, undefined, /Max length|length/i)
      repository.served.set(path, 'hang')
      await rejects(repository, undefined, /timeout|aborted/i, { signal: AbortSignal.timeout(300) })
    }
    const repository = await started(t)
    const [target = assert.fail()] = [...repository.served.keys()].filter((each) => each.startsWith('targets/'))
    repository.served.set(target, 'endless')
    await rejects(repository, undefined, /Max length|length/i)
  })
})

test('what is delegated is refused from anybody else, and from another time', async (t) => {
  const repository = await started(t)
  repository.publish({ 'registry.npmjs.org/keys.json': FIRST })
  const known = await refresh(repository)
  assert.deepEqual(known.verified.files.get('registry.npmjs.org/keys.json'), FIRST)
  repository.publish({ 'registry.npmjs.org/keys.json': SECOND })
  const path = '3.registry.npmjs.org.json'
  const before = served(repository, path)
  for (const wrong of [
    served(repository, '2.registry.npmjs.org.json'),
    repository.sign('delegate', repository.signed.delegate, repository.keys.targets),
  ]) {
    repository.served.set(path, wrong)
    await rejects(repository, known, /Unable to load targets/)
  }
  repository.served.set(path, before)
  assert.deepEqual((await refresh(repository, known)).verified.files.get('registry.npmjs.org/keys.json'), SECOND)
})

describe('fast-forward', () => {
  test('is recovered from by a root with new keys', async (t) => {
    const repository = await started(t)
    // Somebody has the keys of timestamp and snapshot, and makes versions that no honest one could ever exceed.
    const highest = 2 ** 31 - 1
    const snapshot = {
      ...repository.signed.snapshot,
      version: highest,
      meta: { 'targets.json': { version: 1 }, 'registry.npmjs.org.json': { version: 1 } },
    }
    repository.served.set(`${highest}.snapshot.json`, repository.sign('snapshot', snapshot))
    const timestamp = {
      ...repository.signed.timestamp,
      version: highest,
      meta: { 'snapshot.json': { version: highest } },
    }
    repository.served.set('timestamp.json', repository.sign('timestamp', timestamp))
    const known = await refresh(repository)
    assert.equal(known.verified.versions.timestamp, highest)

    repository.publish({ [NAME]: SECOND })
    await rejects(repository, known, /is less than current version/)
    repository.rotate('timestamp', 'snapshot')
    repository.publish()
    const recovered = await refresh(repository, known)
    assert.deepEqual(recovered.verified.files.get(NAME), SECOND)
    assert.ok(recovered.verified.versions.timestamp < 10)
  })
})

test('any number of roots is followed, at once and later', async (t) => {
  const repository = await started(t)
  for (let version = 2; version <= 300; version += 1) repository.rotate()
  const known = await refresh(repository)
  assert.equal(known.verified.versions.root, 300)
  for (let version = 301; version <= 330; version += 1) repository.rotate()
  const later = await refresh(repository, { ...known, state: readState(writeState(known.state)) })
  assert.equal(later.verified.versions.root, 330)
  assert.equal(readState(writeState(later.state)).roots.length, 329)
})
