/** By what it is seen that something else is trusted now: proofs of an earlier run must not outlive any of it. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { digestOf, readTrust, type TrustFiles, type TrustInputs } from '../../src/trust/inputs.ts'
import { SEED_EXPIRES } from '../../src/trust/instances.ts'
import { seenOf } from '../../src/trust/seen.ts'
import { stateFile } from '../../src/trust/tuf-cache.ts'
import { GITHUB_URL, PUBLIC_URL } from '../../src/trust/urls.ts'

function setUp(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'seen-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  process.env.XDG_CACHE_HOME = path.join(folder, 'cache')
  const file = (name: string) => path.join(folder, name)
  const tuf = (name: string) => ({ url: `https://${name}.example`, root: file(`${name}-first.json`) })
  const files: TrustFiles = {
    trustedRoot: file('root.json'),
    npmKeys: file('keys.json'),
    tuf: tuf('own'),
    maxStaleness: 1,
    registries: new Map([['work', file('work.json')]]),
    domains: new Map([
      ['acme', { trustedRoot: file('acme.json'), tuf: tuf('acme'), thresholds: { logEntries: 1 } }],
      ['github', {}],
    ]),
  }
  return { files, file }
}

describe('what is seen of trust', () => {
  const texts: readonly (readonly [string, (name: (name: string) => string) => string])[] = [
    ...['root.json', 'keys.json', 'own-first.json', 'work.json', 'acme.json', 'acme-first.json'].map(
      (name) => [`the file ${name}`, (file: (name: string) => string) => file(name)] as const,
    ),
    ...['https://own.example', 'https://acme.example', GITHUB_URL].map(
      (url) => [`what is kept of ${url}`, () => stateFile(url)] as const,
    ),
  ]
  for (const [what, where] of texts) {
    it(`is other where ${what} is there, says something else, or is none`, (t) => {
      const { files, file } = setUp(t)
      const place = where(file)
      mkdirSync(path.dirname(place), { recursive: true })
      const seen = [seenOf(files)]
      for (const text of ['a', 'b']) {
        writeFileSync(place, text)
        seen.push(seenOf(files))
      }
      rmSync(place)
      mkdirSync(place)
      seen.push(seenOf(files))
      assert.equal(new Set(seen).size, 4)
    })
  }

  it('is other where the public repository is kept, and no files are named', (t) => {
    setUp(t)
    const before = seenOf({})
    mkdirSync(path.dirname(stateFile(PUBLIC_URL)), { recursive: true })
    writeFileSync(stateFile(PUBLIC_URL), 'state')
    assert.notEqual(seenOf({}), before)
  })

  it('is other where something else is named, or nothing', (t) => {
    const { files } = setUp(t)
    const acme = files.domains?.get('acme') ?? assert.fail()
    const domains = (change: object) => ({ domains: new Map([['acme', { ...acme, ...change }]]) })
    const changes: readonly TrustFiles[] = [
      {},
      { trustedRoot: undefined },
      { npmKeys: '/other.json' },
      { tuf: undefined },
      { maxStaleness: 2 },
      { registries: new Map() },
      { registries: new Map([['other', [...(files.registries?.values() ?? [])][0] ?? '']]) },
      { domains: new Map() },
      domains({}),
      domains({ thresholds: { logEntries: 2 } }),
      domains({ trustedRoot: undefined }),
    ]
    assert.equal(new Set(changes.map((change) => seenOf({ ...files, ...change }))).size, changes.length)
  })
})

describe('the digest of what is trusted', () => {
  const thresholds = { logEntries: 1, certificateTimestamps: 1, signedTimestamps: 0 }
  const root = { where: 'root.json', content: { logs: [1] } }
  const trust: TrustInputs = {
    domains: [{ name: 'sigstore', root, thresholds }],
    keys: [{ keys: { where: 'keys.json', content: { keys: [] } } }],
    until: undefined,
  }
  const [domain] = trust.domains
  const [keys] = trust.keys
  if (domain === undefined || keys === undefined) assert.fail()

  it('is other for another root, name, threshold, key, or registry', () => {
    const others: readonly TrustInputs[] = [
      trust,
      { ...trust, domains: [{ ...domain, name: 'acme' }] },
      { ...trust, domains: [{ ...domain, root: { ...root, content: { logs: [2] } } }] },
      { ...trust, domains: [domain, { ...domain, name: 'acme' }] },
      ...Object.keys(thresholds).map((each) => ({
        ...trust,
        domains: [{ ...domain, thresholds: { ...thresholds, [each]: 2 } }],
      })),
      { ...trust, keys: [{ ...keys, registry: 'work' }] },
      { ...trust, keys: [{ keys: { ...keys.keys, content: { keys: [1] } } }] },
      { ...trust, keys: [keys, { ...keys, registry: 'work' }] },
    ]
    assert.equal(new Set(others.map(digestOf)).size, others.length)
  })

  it('is the same wherever it was found', () => {
    assert.equal(
      digestOf({ ...trust, domains: [{ ...domain, root: { ...root, where: 'elsewhere' } }] }),
      digestOf(trust),
    )
  })
})

describe('when it has to be looked at again', () => {
  it('is the end of what came with the gate, where no file takes its place', async (t) => {
    setUp(t)
    const now = new Date('2026-01-01T00:00:00Z')
    assert.ok(now < SEED_EXPIRES)
    assert.deepEqual((await readTrust({}, { now })).until, SEED_EXPIRES)
  })
})
