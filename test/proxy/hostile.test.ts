import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, describe, it } from 'node:test'
import { brotliCompressSync, gzipSync } from 'node:zlib'
import { bodyOf, patience } from '../../src/proxy/body.ts'
import { serve } from '../evidence/support.ts'
import { createTarball } from '../support/registry/index.ts'
import { ask, errorOf, type Stage, startStage, statuses } from './support.ts'

/** Short ones for what must fail by them; what must not has much less to do. */
const LIMITS = { stall: 400, total: 1_500, tarball: 1 << 20, metadata: 1 << 20, unpacked: 1 << 20 }

describe('a registry that misbehaves', () => {
  let stage: Stage
  before(async () => {
    stage = await startStage()
  })
  after(() => stage.close())
  beforeEach(() => stage.world.registry.reset())

  for (const where of ['free', 'free/-/free-1.0.0.tgz']) {
    const what = where.endsWith('.tgz') ? 'tarball' : 'metadata'
    for (const [how, problem] of [
      ['reset', /no answer from \S+: /],
      ['hang', /no answer from \S+: nothing came for 0\.4 s/],
      ['slow-drip', /not complete after 1\.5 s/],
      ['endless', /it has more than 1048576 bytes/],
      ['truncate', /aborted|the connection ended before/],
    ] as const) {
      it(`${how} of ${what} ends in bounded time, with nothing handed on`, async () => {
        const { registry } = stage.world
        // Long enough for a drip to take longer than it may.
        stage.world.publishUnproven({ name: 'free', version: '1.0.0', files: { x: 'x'.repeat(5_000) } })
        registry.misbehave({ match: where, how })
        const proxy = await stage.open({ limits: LIMITS })
        const answer = await ask(proxy, registry.url + where)
        assert.equal(answer.status, 502)
        assert.match(errorOf(answer), problem)
        assert.deepEqual(proxy.verdicts(), [])
      })
    }

    it(`wrong-length of ${what} is handed on as less than it is, or not at all`, async () => {
      const { registry } = stage.world
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      registry.misbehave({ match: where, how: 'wrong-length' })
      const proxy = await stage.open({ limits: LIMITS })
      const answer = await ask(proxy, registry.url + where, { headers: { accept: 'application/json' } })
      // Half a tarball is bytes like any others where nothing has to be proven; half of a JSON document is none.
      assert.ok(
        answer.status === 502 || (what === 'tarball' && statuses(proxy.verdicts())[0] === 'free@1.0.0 permitted'),
      )
    })

    it(`a page with status 200 in place of ${what} proves nothing`, async () => {
      const { registry } = stage.world
      registry.misbehave({ match: 'strict', how: 'html' })
      const proxy = await stage.open({ limits: LIMITS })
      const answer = await ask(proxy, registry.url + where.replaceAll('free', 'strict'))
      assert.equal(answer.status, what === 'tarball' ? 403 : 200)
      assert.deepEqual(
        statuses(proxy.verdicts()),
        what === 'tarball' ? ['strict@1.0.0 refused EVIDENCE_UNAVAILABLE'] : [],
      )
    })

    it(`429 of ${what} is for the client, with its Retry-After`, async (t) => {
      const { url } = await serve(t, (_, response) => response.writeHead(429, { 'retry-after': '60' }).end('later'))
      const proxy = await stage.open({ limits: LIMITS })
      const answer = await ask(proxy, url + where)
      assert.deepEqual([answer.status, answer.headers['retry-after'], answer.body.toString()], [429, '60', 'later'])
      assert.deepEqual(proxy.verdicts(), [])
    })

    it(`${what} packed a thousandfold is not unpacked beyond what it may have`, async (t) => {
      const bomb = gzipSync(Buffer.alloc(64 << 20, 0x20))
      const { url } = await serve(t, (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
      const proxy = await stage.open({ limits: LIMITS })
      const answer = await ask(proxy, url + where, { headers: { 'accept-encoding': 'gzip' } })
      assert.equal(answer.status, 502)
      assert.match(errorOf(answer), /it has more than 1048576 bytes/)
    })

    it(`${what} in an encoding that nobody asked for is read as what it is, or not handed on`, async (t) => {
      const body = where.endsWith('.tgz')
        ? createTarball({ name: 'free', version: '1.0.0' }).bytes
        : Buffer.from('{"a":1}')
      const encodings: Record<string, Buffer> = {
        br: brotliCompressSync(body),
        gzip: gzipSync(body),
        zstd: body,
        constructor: body,
        GZIP: gzipSync(body),
      }
      const { url } = await serve(t, (request, response) => {
        const encoding = new URL(request.url ?? '', 'http://x').searchParams.get('as') ?? ''
        response.writeHead(200, { 'content-encoding': encoding }).end(encodings[encoding])
      })
      const proxy = await stage.open({ limits: LIMITS })
      for (const [encoding, status] of [
        ['br', 200],
        ['gzip', 200],
        ['GZIP', 200],
        ['zstd', 502],
        ['constructor', 502],
      ] as const) {
        const answer = await ask(proxy, `${url + where}?as=${encoding}`)
        assert.equal(answer.status, status, encoding)
        if (status !== 200) continue
        assert.equal(answer.headers['content-encoding'], undefined)
        assert.ok(answer.body.equals(body), encoding)
      }
    })
  }

  it('what comes a byte at a time is kept in larger pieces', async (t) => {
    const large = Buffer.from('[0]'.padStart(70_000))
    const { url } = await serve(t, async (_, response) => {
      for (const byte of large)
        if (!response.write(Buffer.of(byte))) await new Promise((resolve) => response.once('drain', resolve))
      response.end()
    })
    const kept: number[] = []
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    get(url, async (response) => {
      const time = patience({ stall: 60_000, total: 60_000 })
      for await (const { length } of bodyOf(response, time)) kept.push(length)
      time.stop()
      resolve()
    }).on('error', reject)
    await promise
    assert.deepEqual(kept, [65_536, 4_464])
    assert.equal((await ask(await stage.open(), `${url}free`)).body.toString(), '[0]')
  })

  it('blanks without end are not kept', async (t) => {
    const { url } = await serve(t, async (_, response) => {
      response.writeHead(200)
      while (!response.destroyed) await new Promise((resolve) => response.write(Buffer.alloc(65_536, 0x20), resolve))
    })
    const proxy = await stage.open({ limits: { ...LIMITS, total: 20_000 } })
    assert.match(errorOf(await ask(proxy, `${url}free`)), /it has more than 1048576 bytes/)
  })

  it('an archive that unpacks without end is of nobody', async (t) => {
    const bomb = gzipSync(Buffer.alloc(64 << 20))
    const { url } = await serve(t, (_, response) => response.end(bomb))
    const proxy = await stage.open({ limits: { ...LIMITS, tarball: 1 << 26 } })
    const answer = await ask(proxy, `${url}somewhere`)
    assert.equal(answer.status, 403)
    assert.match(errorOf(answer), /EVIDENCE_MISSING/)
  })

  it('another status of success is looked at like 200, and none of them is a way around', async (t) => {
    const { bytes } = createTarball({ name: 'strict', version: '1.0.0' })
    const { url } = await serve(t, (request, response) => response.writeHead(Number(request.url?.slice(-3))).end(bytes))
    const proxy = await stage.open()
    for (const status of [200, 201, 203, 206, 226]) {
      assert.equal((await ask(proxy, `${url}strict/-/strict-1.0.0.tgz?${status}`)).status, 403, String(status))
      assert.equal((await ask(proxy, `${url}elsewhere?${status}`)).status, 403, String(status))
    }
  })

  it('whoever hangs up leaves nothing behind', async (t) => {
    const asked = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    const { url } = await serve(t, (request, response) => {
      response.writeHead(200).write(gzipSync('x'))
      request.on('close', () => closed.resolve())
      asked.resolve()
    })
    const proxy = await stage.open()
    const { promise, hangUp } = hanging(proxy.url, `${url}free/-/free-1.0.0.tgz`)
    await asked.promise
    hangUp()
    await promise
    // The registry is told, too.
    await closed.promise
  })

  it('what was kept is gone when the proxy is closed', async (t) => {
    // One of its own: other processes keep things in the machine's at the same time.
    const folder = mkdtempSync(path.join(tmpdir(), 'kept-'))
    const { TMPDIR } = process.env
    process.env.TMPDIR = folder
    t.after(() => {
      if (TMPDIR === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = TMPDIR
      rmSync(folder, { recursive: true })
    })
    const large = stage.world.publishUnproven({ name: 'free', version: '1.0.0', files: { x: randomText(3 << 20) } })
    const proxy = await stage.open()
    const answer = await ask(proxy, `${stage.world.registry.url}free/-/free-1.0.0.tgz`)
    assert.ok(answer.body.equals(large.bytes))
    assert.match(readdirSync(folder).join(), /^provenance-gate-/)
    await proxy.close()
    assert.deepEqual(readdirSync(folder), [])
  })
})

/** A request that is given up. */
function hanging(proxyUrl: string, url: string): { readonly promise: Promise<void>; hangUp(): void } {
  const controller = new AbortController()
  const { username, password, host } = new URL(proxyUrl)
  const login = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  const promise = new Promise<void>((resolve) => {
    const [hostname, port] = host.split(':')
    const headers = { 'proxy-authorization': login }
    get({ hostname, port, path: url, headers, signal: controller.signal }).on('error', () => resolve())
  })
  return { promise, hangUp: () => controller.abort() }
}

/** That does not get much smaller when it is packed. */
function randomText(length: number): string {
  let state = 1
  const next = () => {
    state = (state * 48_271) % 2_147_483_647
    return state.toString(36)
  }
  let text = ''
  while (text.length < length) text += next()
  return text
}
