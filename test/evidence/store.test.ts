import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { prune } from '../../src/evidence/prune.ts'
import { readStored, store, storedDigest, storedName } from '../../src/evidence/store.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const DOCUMENT = { attestations: [{ bundle: { é: '✓' } }] }

function folder(t: TestContext): string {
  const root = mkdtempSync(join(tmpdir(), 'store-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return join(root, 'cache')
}

const filesOf = (cache: string): readonly string[] =>
  existsSync(cache)
    ? readdirSync(cache, { recursive: true, encoding: 'utf8' })
        .map((name) => join(cache, name))
        .filter((file) => statSync(file).isFile())
    : []

const nameOf = (...about: readonly unknown[]) => storedName(about)

function stored(cache: string, name: string): unknown {
  const digest = storedDigest(cache, name)
  return digest === undefined ? undefined : readStored(cache, digest)
}

describe('a document that is kept', () => {
  it('is found by what it is about, and by nothing else', (t) => {
    const cache = folder(t)
    const digest = store(cache, nameOf('a', '1'), DOCUMENT) ?? ''
    assert.match(digest, /^[0-9a-f]{64}$/)
    assert.equal(storedDigest(cache, nameOf('a', '1')), digest)
    assert.deepEqual(stored(cache, nameOf('a', '1')), DOCUMENT)
    for (const other of [nameOf('a', '2'), nameOf('a1'), nameOf(['a', '1'])])
      assert.equal(stored(cache, other), undefined)
  })

  it('is none where somebody has put a pipe, a device or something huge in its place', {
    skip: process.platform === 'win32' && 'no such files',
  }, (t) => {
    const ways: readonly ((file: string) => void)[] = [
      (file) => execFileSync('mkfifo', [file]),
      (file) => symlinkSync('/dev/zero', file),
      (file) => symlinkSync(file, file),
      (file) => {
        writeFileSync(file, '')
        truncateSync(file, 9 << 20)
      },
    ]
    for (const put of ways) {
      const cache = folder(t)
      const digest = store(cache, nameOf('a'), DOCUMENT)
      for (const file of filesOf(cache)) {
        rmSync(file)
        put(file)
      }
      assert.equal(storedDigest(cache, nameOf('a')), undefined)
      assert.equal(readStored(cache, digest ?? assert.fail()), undefined)
      rmSync(cache, { recursive: true })
    }
  })

  it('is one file, however many are about it', (t) => {
    const cache = folder(t)
    store(cache, nameOf('a'), DOCUMENT)
    store(cache, nameOf('b'), DOCUMENT)
    assert.equal(filesOf(join(cache, 'evidence/documents')).length, 1)
    assert.equal(filesOf(join(cache, 'evidence/names')).length, 2)
  })

  it('is for this user alone', { skip: process.platform === 'win32' && 'no such permissions' }, (t) => {
    const cache = folder(t)
    store(cache, nameOf('a'), DOCUMENT)
    for (const file of filesOf(cache)) assert.equal(statSync(file).mode & 0o777, 0o600)
  })

  it('leaves nothing half or temporary beside it', async (t) => {
    const cache = folder(t)
    for (let round = 0; round < 50; round += 1) store(cache, nameOf('a'), { round })
    assert.ok(filesOf(cache).every((file) => !file.endsWith('.tmp')))
    assert.deepEqual(stored(cache, nameOf('a')), { round: 49 })
  })
})

describe('what is in the place of a document and is none', () => {
  const cases: readonly (readonly [string, (file: string) => void])[] = [
    ['half of it', (file) => writeFileSync(file, JSON.stringify(DOCUMENT).slice(0, 10))],
    ['an empty file', (file) => writeFileSync(file, '')],
    ['another document', (file) => writeFileSync(file, '{"attestations":[]}')],
    ['the same with a blank', (file) => writeFileSync(file, `${JSON.stringify(DOCUMENT)} `)],
    ['too much', (file) => writeFileSync(file, Buffer.alloc((8 << 20) + 1, 0x20))],
    [
      'a folder',
      (file) => {
        rmSync(file)
        mkdirSync(file)
      },
    ],
    ['nothing', (file) => rmSync(file)],
  ]
  for (const [what, spoil] of cases) {
    it(`${what} counts as nothing`, (t) => {
      const cache = folder(t)
      store(cache, nameOf('a'), DOCUMENT)
      const [file = ''] = filesOf(join(cache, 'evidence/documents'))
      spoil(file)
      assert.equal(stored(cache, nameOf('a')), undefined)
    })
  }

  it('and so does what leads to no document', (t) => {
    const cache = folder(t)
    for (const name of ['', 'x', '../../../../etc/passwd', 'a'.repeat(63), `${'a'.repeat(64)}\n`, 'A'.repeat(64)]) {
      store(cache, nameOf('a'), DOCUMENT)
      const [file = ''] = filesOf(join(cache, 'evidence/names'))
      writeFileSync(file, name)
      assert.equal(storedDigest(cache, nameOf('a')), undefined, name)
    }
  })

  it('where nothing can be kept, that is no error', (t) => {
    const cache = folder(t)
    writeFileSync(cache, 'a file')
    assert.match(store(cache, nameOf('a'), DOCUMENT) ?? '', /^[0-9a-f]{64}$/)
    assert.equal(stored(cache, nameOf('a')), undefined)
  })

  it('nor where the folder is full or closed', {
    skip: process.getuid?.() === 0 && 'this user may write everywhere',
  }, (t) => {
    const cache = folder(t)
    mkdirSync(cache)
    chmodSync(cache, 0o500)
    store(cache, nameOf('a'), DOCUMENT)
    assert.equal(stored(cache, nameOf('a')), undefined)
  })
})

describe('a cache', () => {
  /** Ten documents, each a minute older than the next. */
  function filled(t: TestContext): string {
    const cache = folder(t)
    for (let age = 9; age >= 0; age -= 1) {
      const before = new Set(filesOf(cache))
      store(cache, nameOf(age), { age, text: 'x'.repeat(20_000) })
      const time = new Date(NOW.getTime() - age * 60_000)
      for (const file of filesOf(cache)) if (!before.has(file)) utimesSync(file, time, time)
    }
    return cache
  }
  const kept = (cache: string) =>
    Array.from({ length: 10 }, (_, age) => age).filter((age) => stored(cache, nameOf(age)) !== undefined)

  it('that is small enough keeps everything', async (t) => {
    const cache = filled(t)
    await prune(cache, NOW, 1 << 20)
    assert.equal(kept(cache).length, 10)
  })

  it('that is too large loses what was written first', async (t) => {
    const cache = filled(t)
    await prune(cache, NOW, 100_000)
    assert.deepEqual(kept(cache), [0, 1, 2])
  })

  it('is looked at once a day', async (t) => {
    const cache = filled(t)
    await prune(cache, NOW, 1 << 20)
    const seen = statSync(join(cache, 'pruned')).mtime
    await prune(cache, new Date(seen.getTime() + 3_600_000), 1)
    assert.equal(kept(cache).length, 10)
    await prune(cache, new Date(seen.getTime() + 86_400_001), 1)
    assert.equal(kept(cache).length, 0)
  })

  it('takes away nothing but what it has written itself', async (t) => {
    const cache = filled(t)
    const [mine, elsewhere] = [join(cache, 'evidence/thesis.json'), join(cache, '..', 'home')]
    writeFileSync(mine, 'x'.repeat(20_000))
    mkdirSync(join(elsewhere, 'ab'), { recursive: true })
    const others = [join(elsewhere, 'letter.txt'), join(elsewhere, 'ab', `${'a'.repeat(64)}.json`)]
    for (const file of others) writeFileSync(file, 'x'.repeat(20_000))
    // A cache from elsewhere may have links in it.
    for (const folder of ['facts', 'evidence/more', 'evidence/names/ab'])
      if (!existsSync(join(cache, folder))) symlinkSync(elsewhere, join(cache, folder))
    symlinkSync(others[0] ?? '', join(cache, 'pruned'))
    await prune(cache, new Date('2030-01-01'), 1)
    assert.equal(kept(cache).length, 0)
    for (const file of [mine, ...others]) assert.equal(statSync(file).size, 20_000, file)
  })

  it('that is none, or that cannot be written, is no error', async (t) => {
    const cache = folder(t)
    await prune(cache, NOW)
    const file = join(folder(t), '..', 'file')
    writeFileSync(file, '')
    await prune(file, NOW)
  })

  it('follows no link: what it leads to is somebody else’s', {
    skip: process.platform === 'win32' && 'links need a right of their own',
  }, async (t) => {
    const cache = folder(t)
    const others = folder(t)
    mkdirSync(join(others, 'documents'), { recursive: true })
    const precious = ['precious', 'documents/precious'].map((name) => join(others, name))
    for (const file of precious) {
      writeFileSync(file, 'precious')
      utimesSync(file, new Date(0), new Date(0))
    }
    mkdirSync(join(cache, 'proofs'), { recursive: true })
    symlinkSync(others, join(cache, 'evidence'))
    symlinkSync(others, join(cache, 'proofs', 'more'))
    symlinkSync(precious[0] ?? '', join(cache, 'pruned'))
    await prune(cache, NOW, 1)
    for (const file of precious) assert.equal(readFileSync(file, 'utf8'), 'precious')
    assert.ok(lstatSync(join(cache, 'pruned')).isFile())
  })
})
