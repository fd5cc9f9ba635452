import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { derivedIn } from '../../src/evidence/derived.ts'

function places(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'derived-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return { cache: join(root, 'cache'), keyFile: join(root, 'data/key') }
}

describe('what follows from a text', () => {
  it('is found out once, for each text, each subject and each version', async (t) => {
    const where = places(t)
    let times = 0
    const length = (what: readonly string[], text: string) =>
      derivedIn(where, '1')(what, text, () => {
        times += 1
        return { length: text.length }
      })
    assert.deepEqual(await length(['lockfile', '1'], 'abc'), { length: 3 })
    assert.deepEqual(await length(['lockfile', '1'], 'abc'), { length: 3 })
    assert.equal(times, 1)
    for (const [what, text] of [
      [['lockfile', '1'], 'abcd'],
      [['lockfile', '2'], 'abc'],
      [['lockfile1'], 'abc'],
    ] as const) {
      const before: number = times
      await length(what, text)
      assert.equal(times, before + 1)
    }
  })

  it('is not believed where somebody else has written it, and is found out again', async (t) => {
    const [mine, theirs] = [places(t), places(t)]
    await derivedIn(theirs, '1')(['x'], 'text', () => 'evil')
    await derivedIn(mine, '1')(['x'], 'text', () => 'good')
    const file = (where: typeof mine) => {
      const folder = join(where.cache, 'derived')
      return join(folder, readdirSync(folder)[0] ?? '')
    }
    const own = readFileSync(file(mine), 'utf8')
    for (const text of [readFileSync(file(theirs), 'utf8'), own.replace('good', 'evil'), own.slice(65), '', '"evil"']) {
      writeFileSync(file(mine), text)
      assert.equal(await derivedIn(mine, '1')(['x'], 'text', () => 'again'), 'again')
    }
  })

  it('that is an error is one each time', async (t) => {
    const where = places(t)
    for (let round = 0; round < 2; round += 1)
      await assert.rejects(
        derivedIn(where, '1')(['x'], 'text', () => {
          throw new RangeError('no')
        }),
        RangeError,
      )
  })

  it('is found out without a place to keep it', async (t) => {
    const where = places(t)
    writeFileSync(join(where.cache, '..', 'cache'), 'a file')
    assert.equal(await derivedIn(where, '1')(['x'], 'text', () => 1), 1)
    assert.equal(await derivedIn({ ...where, keyFile: join(where.cache, 'key') }, '1')(['x'], 'text', () => 2), 2)
  })
})
