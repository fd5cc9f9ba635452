import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { after, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { type Limits, LIMITS as REAL_LIMITS } from '../../src/evidence/client.ts'
import { startRegistry } from '../support/registry/index.ts'
import { attestationsFrom, DOCUMENT, found, LIMITS, locked, publish, refused, serve, settings } from './support.ts'

const registry = await startRegistry()
after(() => registry.close())
beforeEach(() => {
  registry.reset()
  publish(registry, 'widgets')
})

function ask(limits: Partial<Limits>) {
  return attestationsFrom(settings(registry.url), { ...LIMITS, ...limits })(locked('widgets'))
}

/** Sends as fast as it is read, until the connection goes. */
function pour(response: ServerResponse, status: number): void {
  const chunk = Buffer.alloc(64 * 1024, '[')
  response.writeHead(status, { 'content-type': 'application/json' })
  const more = () => {
    while (!response.destroyed && response.write(chunk)) {}
  }
  response.on('drain', more)
  more()
}

const MB = 1 << 20
/** What the two kernels hold of a connection that nobody reads is not the gate's memory. */
const KERNEL = 12 * MB

describe('a registry that takes its time', () => {
  it('that never answers is given up after the attempt', async () => {
    registry.misbehave({ match: 'attestations', how: 'hang' })
    const what = refused(await ask({ attempt: 50 }), 'EVIDENCE_UNAVAILABLE')
    assert.equal(what, `no answer from ${registry.url}-/npm/v1/attestations/widgets@1.0.0: not complete after 0.05 s`)
  })

  it('that never answers is asked again, each time for as long', async () => {
    registry.misbehave({ match: 'attestations', how: 'hang', times: 2 })
    assert.deepEqual(found(await ask({ attempt: 700, retries: 2 })), DOCUMENT)
    assert.equal(registry.requests.length, 3)
  })

  it('that never answers is given up after the total, whatever is left of attempts', async () => {
    registry.misbehave({ match: 'attestations', how: 'hang' })
    const what = refused(await ask({ total: 50, retries: 1000 }), 'EVIDENCE_UNAVAILABLE')
    assert.match(what, /: not complete after 0\.05 s$/)
    assert.equal(registry.requests.length, 1)
  })

  it('whose pause between two attempts would outlast the total is not waited for', async () => {
    registry.misbehave({ match: 'attestations', how: 'status', status: 503 })
    const what = refused(await ask({ total: 50, retries: 1, pause: 3_600_000 }), 'EVIDENCE_UNAVAILABLE')
    assert.match(what, /^HTTP 503 from /)
    assert.equal(registry.requests.length, 1)
  })

  it('that sends a byte now and then is not kept alive by them', async () => {
    registry.setAttestations('widgets', '1.0.0', 'a'.repeat(10_000))
    registry.misbehave({ match: 'attestations', how: 'slow-drip' })
    assert.match(refused(await ask({ attempt: 200 }), 'EVIDENCE_UNAVAILABLE'), /: not complete after 0\.2 s$/)
  })

  it('that sends headers and then nothing is given up', async (t) => {
    const server = await serve(t, (_, response) => void response.writeHead(200).write('{'))
    const ask = attestationsFrom(settings(server.url), { ...LIMITS, attempt: 50 })
    assert.match(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'), /: not complete after 0\.05 s$/)
    await server.closed(1)
  })

  it('leaves no connection open behind what was given up', async (t) => {
    const server = await serve(t, () => {})
    const ask = attestationsFrom(settings(server.url), { ...LIMITS, attempt: 50, retries: 2 })
    refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    await server.closed(3)
  })

  it('one package that hangs does not keep another from its answer', async () => {
    publish(registry, 'gadgets')
    registry.misbehave({ match: 'widgets', how: 'hang' })
    const ask = attestationsFrom(settings(registry.url), { ...LIMITS, attempt: 700, concurrency: 1 })
    const [widgets, gadgets] = await Promise.all([ask(locked('widgets')), ask(locked('gadgets'))])
    refused(widgets, 'EVIDENCE_UNAVAILABLE')
    assert.deepEqual(found(gadgets), DOCUMENT)
  })
})

describe('an answer that is too large', () => {
  it('of exactly the limit is taken, one byte more is not', async () => {
    registry.setAttestations('widgets', '1.0.0', 'a'.repeat(998))
    assert.equal(found(await ask({ size: 1000 })), 'a'.repeat(998))
    assert.match(refused(await ask({ size: 999 }), 'EVIDENCE_UNAVAILABLE'), /: the answer has more than 999 bytes$/)
  })

  it('is not asked for again', async () => {
    refused(await ask({ size: 1, retries: 3 }), 'EVIDENCE_UNAVAILABLE')
    assert.equal(registry.requests.length, 1)
  })

  it('without end is read up to the limit only', async (t) => {
    const server = await serve(t, (_, response) => pour(response, 200))
    const ask = attestationsFrom(settings(server.url), { ...LIMITS, size: MB })
    const what = refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.match(what, /: the answer has more than 1048576 bytes$/)
    await server.closed(1)
    assert.ok(server.written() < 2 * MB + KERNEL, `${server.written()} bytes`)
  })

  it('without end, from the local registry, is refused too', async () => {
    registry.misbehave({ match: 'attestations', how: 'endless' })
    assert.match(refused(await ask({ size: MB }), 'EVIDENCE_UNAVAILABLE'), /more than 1048576 bytes$/)
  })

  for (const status of [404, 403, 500, 503, 302]) {
    it(`without end and of status ${status} is not read at all, also while the next attempt waits`, async (t) => {
      const server = await serve(t, (_, response) => pour(response, status))
      const ask = attestationsFrom(settings(server.url), { ...LIMITS, retries: 2, pause: 20 })
      refused(await ask(locked('widgets')), status === 404 ? 'EVIDENCE_MISSING' : 'EVIDENCE_UNAVAILABLE')
      const attempts = status >= 500 ? 3 : 1
      assert.equal(server.requests.length, attempts)
      await server.closed(attempts)
      assert.ok(server.written() < attempts * KERNEL, `${server.written()} bytes`)
    })
  }

  it('of a few KB of gzip that stand for many MB is never unpacked', async (t) => {
    // In members, so that making it does not take what unpacking it must not take.
    const bomb = Buffer.concat(new Array(64).fill(gzipSync(Buffer.alloc(4 * MB, ' '))))
    assert.ok(bomb.length < MB)
    const server = await serve(t, (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb))
    const ask = attestationsFrom(settings(server.url), { ...LIMITS, size: 4 * MB })
    // Of the whole process, and not lowered by the collector: what was once allocated shows.
    const before = process.resourceUsage().maxRSS
    assert.match(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'), /more than 4194304 bytes$/)
    const grown = (process.resourceUsage().maxRSS - before) / 1024
    assert.ok(grown < 64, `${grown} MB`)
  })

  it('of gzip within the limit that unpacks to more than it', async (t) => {
    const answer = gzipSync(JSON.stringify('a'.repeat(LIMITS.size)))
    const server = await serve(t, (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(answer))
    assert.ok(answer.length < 1000)
    const evidence = await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))
    assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /the answer has more than 65536 bytes$/)
  })
})

describe('retries', () => {
  for (const status of [408, 420, 429, 500, 502, 503, 504]) {
    it(`HTTP ${status} twice, then the document`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status, times: 2 })
      assert.deepEqual(found(await ask({ retries: 2 })), DOCUMENT)
      assert.equal(registry.requests.length, 3)
    })

    it(`HTTP ${status} once more than there are retries`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status, times: 3 })
      assert.match(refused(await ask({ retries: 2 }), 'EVIDENCE_UNAVAILABLE'), new RegExp(`^HTTP ${status} `))
      assert.equal(registry.requests.length, 3)
    })
  }

  for (const how of ['reset', 'truncate'] as const) {
    it(`${how}, then the document`, async () => {
      registry.misbehave({ match: 'attestations', how, times: 1 })
      assert.deepEqual(found(await ask({ retries: 1 })), DOCUMENT)
    })

    it(`${how} for ever: never more attempts than allowed`, async () => {
      registry.misbehave({ match: 'attestations', how })
      refused(await ask({ retries: 3 }), 'EVIDENCE_UNAVAILABLE')
      assert.equal(registry.requests.length, 4)
    })
  }

  it('none where none are allowed', async () => {
    registry.misbehave({ match: 'attestations', how: 'status', status: 503, times: 1 })
    refused(await ask({ retries: 0 }), 'EVIDENCE_UNAVAILABLE')
    assert.equal(registry.requests.length, 1)
  })

  for (const status of [400, 401, 403, 405]) {
    it(`none of HTTP ${status}, which would be the same again`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status })
      refused(await ask({ retries: 3 }), 'EVIDENCE_UNAVAILABLE')
      assert.equal(registry.requests.length, 1)
    })
  }

  it('what comes after an error counts, also if that is "not there"', async () => {
    registry.setAttestations('widgets', '1.0.0', undefined)
    registry.misbehave({ match: 'attestations', how: 'reset', times: 1 })
    refused(await ask({ retries: 1 }), 'EVIDENCE_MISSING')
  })
})

describe('concurrency', () => {
  /** Holds requests until as many wait as may, gives others the time of three round trips to come, and answers. */
  async function barrier(t: Parameters<typeof serve>[0], cap: number, total: number) {
    const waiting: ServerResponse[] = []
    const seen = { most: 0, left: total }
    const server = await serve(t, async (request, response) => {
      if (request.url === '/ping') return void response.end()
      waiting.push(response)
      seen.most = Math.max(seen.most, waiting.length)
      if (waiting.length < Math.min(cap, seen.left)) return
      for (let turn = 0; turn < 3; turn += 1) await (await fetch(`${server.url}ping`)).text()
      seen.most = Math.max(seen.most, waiting.length)
      seen.left -= waiting.length
      for (const held of waiting.splice(0)) held.end('{}')
    })
    return { server, seen }
  }

  for (const cap of [1, 3]) {
    it(`of ${cap} is kept, and used`, async (t) => {
      const { server, seen } = await barrier(t, cap, 12)
      const ask = attestationsFrom(settings(server.url), { ...LIMITS, concurrency: cap })
      const answers = await Promise.all(Array.from({ length: 12 }, (_, i) => ask(locked(`pkg-${i}`))))
      for (const answer of answers) assert.deepEqual(found(answer), {})
      assert.equal(seen.most, cap)
    })
  }

  it('is of all registries together', async (t) => {
    const { server, seen } = await barrier(t, 2, 8)
    const { port } = new URL(server.url)
    const registries = { default: server.url, '@acme': `http://localhost:${port}/` }
    const ask = attestationsFrom({ registries, options: {} }, { ...LIMITS, concurrency: 2 })
    const names = Array.from({ length: 8 }, (_, i) => (i % 2 === 0 ? `pkg-${i}` : `@acme/pkg-${i}`))
    for (const answer of await Promise.all(names.map((name) => ask(locked(name))))) found(answer)
    assert.equal(seen.most, 2)
  })
})

describe('the limits in force', () => {
  it('leave room for the 30 seconds of pnpm 12, and for every genuine document', () => {
    assert.ok(REAL_LIMITS.total < 30_000)
    assert.ok(REAL_LIMITS.attempt < REAL_LIMITS.total)
    assert.ok(REAL_LIMITS.size >= 1 << 20)
    // Each request may hold a document twice, packed and unpacked.
    assert.ok(2 * REAL_LIMITS.size * REAL_LIMITS.concurrency <= 256 << 20)
  })
})
