import assert from 'node:assert/strict'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openFacts } from '../../src/evidence/facts.ts'

function places(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'facts-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return { cache: join(root, 'cache'), folder: join(root, 'cache/facts'), keyFile: join(root, 'data/key') }
}

describe('facts', () => {
  it('are remembered, by their kind and their id', async (t) => {
    const where = places(t)
    const facts = openFacts(where)
    assert.equal(await facts.get('sha256', 'a'), undefined)
    await facts.put('sha256', 'a', 'x')
    for (const each of [facts, openFacts(where)]) {
      assert.equal(await each.get('sha256', 'a'), 'x')
      assert.equal(await each.get('sha256', 'b'), undefined)
      assert.equal(await each.get('other', 'a'), undefined)
    }
    await facts.put('sha256', 'a', 'y')
    assert.equal(await facts.get('sha256', 'a'), 'y')
    assert.equal(statSync(where.keyFile).mode & 0o777, 0o600)
  })

  it('are not signed by the names of their files, which whoever fills the cache can see', async (t) => {
    const where = places(t)
    await openFacts(where).put('sha256', 'a', 'good')
    const [name = ''] = readdirSync(where.folder)
    writeFileSync(join(where.folder, name), `${name.replace('.txt', '')}\n`)
    assert.equal(await openFacts(where).get('sha256', 'a'), undefined)
  })

  it('are not remembered where the key would be restored with the cache', async (t) => {
    const { cache } = places(t)
    for (const keyFile of [join(cache, 'key'), join(cache, 'data/key'), join(cache, '..key')]) {
      const facts = openFacts({ cache, keyFile })
      await facts.put('sha256', 'a', 'x')
      assert.equal(await facts.get('sha256', 'a'), undefined, keyFile)
      assert.ok(!existsSync(keyFile), keyFile)
    }
    const beside = openFacts({ cache, keyFile: join(cache, '../..key') })
    await beside.put('sha256', 'a', 'x')
    assert.equal(await beside.get('sha256', 'a'), 'x')
  })

  it('of a cache that somebody else has filled are not believed', async (t) => {
    const [mine, theirs] = [places(t), places(t)]
    await openFacts(theirs).put('sha256', 'a', 'evil')
    await openFacts(mine).put('sha256', 'a', 'good')
    const [file = ''] = readdirSync(mine.folder)
    const [other = ''] = readdirSync(theirs.folder)
    assert.notEqual(file, other)
    const entry = readFileSync(join(mine.folder, file), 'utf8')
    const stranger = readFileSync(join(theirs.folder, other), 'utf8')
    const [signature = '', theirSignature = ''] = [entry, stranger].map((text) => text.split('\n')[0])
    for (const text of [
      stranger,
      `${signature}\nevil`,
      `${signature}\ngood `,
      `${signature}\n`,
      signature,
      `${signature} good`,
      `${signature.slice(1)}\ngood`,
      `${theirSignature}\ngood`,
      `${'0'.repeat(64)}\ngood`,
      'good',
      '',
      ' '.repeat(5_000),
    ]) {
      writeFileSync(join(mine.folder, file), text)
      assert.equal(await openFacts(mine).get('sha256', 'a'), undefined, text.slice(0, 80))
    }
    writeFileSync(join(mine.folder, file), entry)
    assert.equal(await openFacts(mine).get('sha256', 'a'), 'good')
  })

  it('moved to the place of others are not believed', async (t) => {
    const where = places(t)
    const facts = openFacts(where)
    await facts.put('sha256', 'a', 'x')
    const [file = ''] = readdirSync(where.folder)
    const text = readFileSync(join(where.folder, file))
    await facts.put('sha256', 'b', 'y')
    const [second = ''] = readdirSync(where.folder).filter((name) => name !== file)
    writeFileSync(join(where.folder, second), text)
    assert.equal(await facts.get('sha256', 'b'), undefined)
  })

  it('need a key that nobody else can read', {
    skip: process.platform === 'win32' && 'no such permissions',
  }, async (t) => {
    const where = places(t)
    await openFacts(where).put('sha256', 'a', 'x')
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(where.keyFile, mode)
      assert.equal(await openFacts(where).get('sha256', 'a'), undefined)
    }
    chmodSync(where.keyFile, 0o600)
    assert.equal(await openFacts(where).get('sha256', 'a'), 'x')
    for (const key of ['', 'short', Buffer.alloc(33)]) {
      writeFileSync(where.keyFile, key)
      assert.equal(await openFacts(where).get('sha256', 'a'), undefined)
    }
  })

  it('have one key, whoever comes first', async (t) => {
    const where = places(t)
    await Promise.all(Array.from({ length: 16 }, (_, index) => openFacts(where).put('sha256', String(index), 'x')))
    const all = openFacts(where)
    for (let index = 0; index < 16; index += 1) assert.equal(await all.get('sha256', String(index)), 'x')
    assert.deepEqual(readdirSync(join(where.keyFile, '..')), ['key'])
  })

  it('that cannot be kept stop nobody', async (t) => {
    const where = places(t)
    writeFileSync(join(where.folder, '../..', 'cache'), 'a file')
    const facts = openFacts(where)
    await facts.put('sha256', 'a', 'x')
    assert.equal(await facts.get('sha256', 'a'), undefined)
    const other = places(t)
    mkdirSync(other.keyFile, { recursive: true })
    await openFacts(other).put('sha256', 'a', 'x')
    assert.ok(!existsSync(other.folder))
  })
})
