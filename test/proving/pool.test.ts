/** Threads that verify: what they say is what this one would say, whatever becomes of them. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { GateError } from '../../src/errors.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { openPool } from '../../src/proving/pool.ts'
import type { DocumentRef } from '../../src/proving/verifiers.ts'
import type { TrustInputs } from '../../src/trust/inputs.ts'
import { createTarball } from '../support/registry/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'

const NOW = new Date('2026-01-15T12:00:00Z')
const sigstore = await createSigstore({ now: NOW })
const trust: TrustInputs = {
  domains: [
    {
      name: 'sigstore',
      root: { where: 'root.json', content: sigstore.trustedRoot },
      thresholds: { logEntries: 1, certificateTimestamps: 1, signedTimestamps: 0 },
    },
  ],
  keys: [{ keys: { where: 'keys.json', content: sigstore.npmKeys } }],
  until: undefined,
}

function locked(name: string): LockedPackage {
  const { integrity } = createTarball({ name, version: '1.0.0' })
  const key = `${name}@1.0.0`
  return { name, version: '1.0.0', integrity, source: 'registry', origin: undefined, importers: ['.'], key }
}

const packages = await Promise.all(
  Array.from({ length: 60 }, async (_, index) => {
    const pkg = locked(`package-${index}`)
    const { name, version, integrity = '' } = pkg
    const document = await sigstore.document({ name, version, integrity, now: NOW })
    return { pkg, ref: { from: 'network', document } satisfies DocumentRef }
  }),
)

describe('a pool', () => {
  test('answers each question with its own answer, in threads as without', async () => {
    const [threads, alone] = [openPool(trust), openPool(trust)]
    threads.start()
    // Every third one is about another package's document.
    const questions = packages.map(({ pkg }, index) => ({
      pkg,
      ref: packages[index % 3 === 0 ? (index + 1) % packages.length : index]?.ref ?? assert.fail(),
    }))
    const many = await Promise.all(questions.map(({ pkg, ref }) => threads.attestations(pkg, ref, NOW)))
    const few = []
    for (const { pkg, ref } of questions.slice(0, 12)) few.push(await alone.attestations(pkg, ref, NOW))
    assert.deepEqual(many.slice(0, 12), few)
    for (const [index, { result }] of many.entries()) {
      assert.equal(result.ok ? 'proven' : result.refusal.code, index % 3 === 0 ? 'SUBJECT_MISMATCH' : 'proven')
    }
  })

  test('answers other questions, and hands on what is thrown', async () => {
    const pool = openPool(trust)
    pool.start()
    const { pkg } = packages[0] ?? assert.fail()
    const integrity = pkg.integrity ?? ''
    const signed = { integrity, signatures: [sigstore.signature({ name: pkg.name, version: pkg.version, integrity })] }
    const judged = await pool.signature(pkg, { from: 'network', document: signed }, NOW)
    assert.ok(judged.result.ok)
    assert.equal(await pool.isBeyondKeys(signed, NOW), false)
    const odd = await pool.attestations(undefined as never, { from: 'network', document: {} }, NOW)
    assert.equal(odd.result.ok ? 'proven' : odd.result.refusal.code, 'INTERNAL_ERROR')
    await assert.rejects(pool.attestations(pkg, { from: 'file', file: undefined as never }, NOW), { name: 'TypeError' })
  })

  test('with unusable trust material says so to each, with threads and without', async () => {
    const broken = {
      ...trust,
      domains: [{ ...trust.domains[0], root: { where: 'root.json', content: {} } }],
    } as TrustInputs
    for (const isThreaded of [true, false]) {
      const pool = openPool(broken)
      if (isThreaded) pool.start()
      const asked = packages.slice(0, 30).map(({ pkg, ref }) => pool.attestations(pkg, ref, NOW))
      for (const { status, ...rest } of await Promise.allSettled(asked)) {
        assert.equal(status, 'rejected')
        assert.ok('reason' in rest && rest.reason instanceof GateError, String('reason' in rest && rest.reason))
        assert.match(rest.reason.message, /^root\.json is not a usable Sigstore trusted root/)
      }
    }
  })
})

describe('a process', () => {
  const folder = mkdtempSync(join(tmpdir(), 'pool-'))
  after(() => rmSync(folder, { recursive: true }))
  const data = join(folder, 'data.json')
  writeFileSync(data, JSON.stringify({ trust, packages }))

  /** A program with a pool, and what it says before it ends by itself. */
  async function run(body: string, flags: readonly string[] = []): Promise<string> {
    const file = join(folder, 'program.ts')
    writeFileSync(
      file,
      `import { readFileSync } from 'node:fs'
      import { openPool } from ${JSON.stringify(new URL('../../src/proving/pool.ts', import.meta.url).href)}
      const { trust, packages } = JSON.parse(readFileSync(${JSON.stringify(data)}, 'utf8'))
      const now = new Date(${NOW.getTime()})
      const pool = openPool(trust)
      const ask = (each) => pool.attestations(each.pkg, each.ref, now)
      ${body}`,
    )
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, file], { timeout: 60_000 })
    return stdout.trim()
  }

  test('waits for its answers, and for nothing else', async () => {
    assert.equal(await run('pool.start()'), '')
    assert.equal(
      await run('pool.start(); void Promise.all(packages.map(ask)).then((all) => console.log(all.length))'),
      '60',
    )
    assert.equal(await run("pool.start(); await ask(packages[0]); console.log('one')"), 'one')
    assert.equal(await run("for (const each of packages) await ask(each); console.log('in turn')"), 'in turn')
  })

  test('whose threads die answers by itself', async () => {
    // The first question of each thread is its last.
    const killing = `
      import { Worker } from 'node:worker_threads'
      const post = Worker.prototype.postMessage
      let killed = 0
      Worker.prototype.postMessage = function (...message) {
        post.apply(this, message)
        killed += 1
        void this.terminate()
      }
      pool.start()
      const all = await Promise.all(packages.map(ask))
      console.log(killed > 0, all.filter(({ result }) => result.ok).length)`
    assert.equal(await run(killing), 'true 60')
  })

  test('that cannot start a thread answers by itself', async () => {
    // Without `--allow-worker`.
    const flags = ['--permission', '--allow-fs-read=*']
    const all =
      'const all = await Promise.all(packages.map(ask)); console.log(all.filter(({ result }) => result.ok).length)'
    assert.equal(await run(`pool.start(); ${all}`, flags), '60')
  })
})
