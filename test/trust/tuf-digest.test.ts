/** A TUF repository of which only the digest of a root is known, as of GitHub's. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { importState, keptState, type TufRepository, trustedFiles, updateState } from '../../src/trust/tuf.ts'
import { startTufRepository } from '../support/tuf/index.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const cache = mkdtempSync(join(tmpdir(), 'tuf-'))
process.env.XDG_CACHE_HOME = cache
after(() => rmSync(cache, { recursive: true, force: true }))

/** Known by its third root, though there is a fifth. */
async function open(t: TestContext) {
  const served = await startTufRepository(NOW)
  t.after(() => served.close())
  served.publish({ 'trusted_root.json': Buffer.from('{}') })
  for (let version = 2; version <= 5; version += 1) served.rotate()
  served.publish()
  const third = served.served.get('3.root.json')
  assert.ok(Buffer.isBuffer(third))
  const sha256 = createHash('sha256').update(third).digest('hex')
  const repository: TufRepository = { url: served.url, pinned: { version: 3, sha256 } }
  return { served, repository, third }
}

const keptFile = () => {
  const folder = join(cache, 'provenance-gate/tuf')
  const [name = assert.fail()] = readdirSync(folder)
  return join(folder, name)
}
const options = { now: NOW, maxStaleness: 0, offline: true, warn: () => {} }

describe('a repository known by a digest', () => {
  test('is asked for that root once, and goes on from it', async (t) => {
    const { served, repository, third } = await open(t)
    const { state, verified } = await updateState(repository, NOW)
    assert.deepEqual(state.first, third)
    assert.equal(verified.versions.root, 5)
    assert.equal(served.requests[0], '3.root.json')
    await updateState(repository, NOW)
    assert.equal(served.requests.filter((path) => path === '3.root.json').length, 1)
    await served.close()
    assert.ok((await trustedFiles(repository, options))?.files.has('trusted_root.json'))
    rmSync(cache, { recursive: true })
  })

  test('takes no other root under that number', async (t) => {
    const { served, repository } = await open(t)
    const fourth = served.served.get('4.root.json')
    assert.ok(fourth)
    for (const other of [fourth, Buffer.from('{}'), Buffer.alloc(0)]) {
      served.served.set('3.root.json', other)
      await assert.rejects(
        updateState(repository, NOW),
        /does not begin with the root by which this repository is known/,
      )
    }
    assert.equal(await keptState(repository), undefined)
  })

  test('takes no endless root', async (t) => {
    const { served, repository } = await open(t)
    served.served.set('3.root.json', 'endless')
    await assert.rejects(updateState(repository, NOW))
  })

  test('is not what is kept with another root, or none', async (t) => {
    const { repository } = await open(t)
    await updateState(repository, NOW)
    const file = keptFile()
    const text = readFileSync(file, 'utf8')
    const state = JSON.parse(text)
    for (const first of [undefined, state.roots[0], '', Buffer.from('{}').toString('base64')]) {
      writeFileSync(file, JSON.stringify({ ...state, first }))
      await assert.rejects(keptState(repository), /does not begin with the root/)
      await assert.rejects(importState(repository, JSON.stringify({ ...state, first })), /does not begin with the root/)
    }
    writeFileSync(file, text)
    assert.ok(await keptState(repository))
    assert.ok(await importState(repository, text))
    rmSync(cache, { recursive: true })
  })
})
