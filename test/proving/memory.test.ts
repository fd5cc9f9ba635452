import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { ok, refuse } from '../../src/codes.ts'
import { type MemoryOptions, openMemory } from '../../src/proving/memory.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const UNTIL = new Date('2026-03-05T00:00:00Z')
const PROOF = ok({ provenance: [], publish: [{ signedAt: '2026-01-01T00:00:00.000Z' }] })

function options(t: TestContext): MemoryOptions {
  const root = mkdtempSync(join(tmpdir(), 'memory-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  return {
    cache: join(root, 'cache'),
    keyFile: join(root, 'data/key'),
    project: '/work/app',
    version: '1.0.0',
    seen: 'seen',
    now: NOW,
  }
}

/** What an earlier run has left: one proof, one absence. */
async function remembering(t: TestContext, until: Date = UNTIL): Promise<MemoryOptions> {
  const about = options(t)
  const memory = await openMemory(about)
  assert.equal(memory.isCurrent(), false)
  memory.confirm('trust', until)
  memory.remember('proven', { result: PROOF, digest: 'd' })
  memory.remember('absent', { result: refuse('EVIDENCE_MISSING', 'none', 'one'), since: NOW.getTime() })
  assert.equal(await memory.save(), true)
  return about
}

describe('what was proven in an earlier run', () => {
  it('holds without a look at the trust material, while nothing of it has changed', async (t) => {
    const memory = await openMemory(await remembering(t))
    assert.equal(memory.isCurrent(), true)
    assert.deepEqual(memory.recall('proven')?.result, PROOF)
    assert.equal(memory.recall('proven')?.since, undefined)
    assert.equal(memory.recall('absent')?.since, NOW.getTime())
    assert.equal(memory.recall('other'), undefined)
    assert.equal(await memory.save(), false, 'nothing is new')
  })

  const doubtful: readonly (readonly [string, Partial<MemoryOptions>])[] = [
    ['what is seen of it is other', { seen: 'other' }],
    ['its time is over', { now: UNTIL }],
  ]
  for (const [what, change] of doubtful) {
    it(`holds where ${what}, if the same is trusted`, async (t) => {
      const about = { ...(await remembering(t)), ...change }
      const memory = await openMemory(about)
      assert.equal(memory.isCurrent(), false)
      assert.equal(memory.recall('proven'), undefined)
      memory.confirm('trust', undefined)
      assert.deepEqual(memory.recall('proven')?.result, PROOF)
      assert.equal(await memory.save(), true)
      assert.equal((await openMemory(about)).isCurrent(), true)
    })

    it(`does not hold where ${what}, if something else is trusted`, async (t) => {
      const memory = await openMemory({ ...(await remembering(t)), ...change })
      memory.confirm('other', undefined)
      assert.equal(memory.recall('proven'), undefined)
    })
  }

  const never: readonly (readonly [string, Partial<MemoryOptions>])[] = [
    ['of another version of the gate', { version: '1.0.1' }],
    ['of another project', { project: '/work/other' }],
    ['written in the future', { now: new Date(NOW.getTime() - 3_600_000) }],
  ]
  for (const [what, change] of never) {
    it(`${what} does not hold, whatever is trusted`, async (t) => {
      const memory = await openMemory({ ...(await remembering(t)), ...change })
      assert.equal(memory.isCurrent(), false)
      memory.confirm('trust', undefined)
      assert.equal(memory.recall('proven'), undefined)
    })
  }

  it('is not believed of a cache that somebody else has filled', async (t) => {
    const [mine, theirs] = [await remembering(t), await remembering(t)]
    const file = ({ cache }: MemoryOptions) => join(cache, 'proofs', readdirSync(join(cache, 'proofs'))[0] ?? '')
    const own = readFileSync(file(mine), 'utf8')
    for (const text of [readFileSync(file(theirs), 'utf8'), own.replace('"proven"', '"absent"'), own.slice(65), '']) {
      assert.notEqual(text, own)
      writeFileSync(file(mine), text)
      const memory = await openMemory(mine)
      assert.equal(memory.isCurrent(), false)
      memory.confirm('trust', undefined)
      assert.equal(memory.recall('proven'), undefined)
    }
    writeFileSync(file(mine), own)
    assert.equal((await openMemory(mine)).isCurrent(), true)
  })

  it('is not written down where it is not sure what was trusted, and not before anything was', async (t) => {
    const about = options(t)
    const unsure = await openMemory(about)
    unsure.confirm('trust', UNTIL, false)
    unsure.remember('proven', { result: PROOF, digest: 'd' })
    assert.equal(await unsure.save(), false)
    const early = await openMemory(about)
    early.remember('proven', { result: PROOF, digest: 'd' })
    assert.equal(await early.save(), false)
    assert.equal((await openMemory(about)).isCurrent(), false)
  })

  it('is forgotten when nobody has asked for a month, and not while somebody does', async (t) => {
    const about = await remembering(t, new Date('2030-01-01T00:00:00Z'))
    const later = (days: number) => ({ ...about, now: new Date(NOW.getTime() + days * 86_400_000) })
    const asked = await openMemory(later(20))
    assert.ok(asked.recall('proven'))
    asked.remember('new', { result: PROOF, digest: 'd' })
    await asked.save()
    const last = await openMemory(later(40))
    last.remember('newer', { result: PROOF, digest: 'd' })
    await last.save()
    const memory = await openMemory(later(40))
    assert.ok(memory.recall('proven'))
    assert.equal(memory.recall('absent'), undefined)
  })

  it('of many at once one is kept, whole', async (t) => {
    const about = options(t)
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        const memory = await openMemory(about)
        memory.confirm('trust', UNTIL)
        memory.remember(`proven ${index}`, { result: PROOF, digest: 'd' })
        await memory.save()
      }),
    )
    const memory = await openMemory(about)
    assert.equal(memory.isCurrent(), true)
    const found = Array.from({ length: 8 }, (_, index) => memory.recall(`proven ${index}`)).filter(Boolean)
    // The last one's, and those that it had read before.
    assert.ok(found.length >= 1)
  })
})
