import assert from 'node:assert/strict'
import type { RequestListener } from 'node:http'
import { describe, it } from 'node:test'
import { attestationsFrom, DOCUMENT, found, LIMITS, locked, refused, serve, settings } from './support.ts'

/** Answers as many requests as `limit` says; then 429 with these headers, until `times` were refused. */
function limiting(limit: number, times: number, headers: Readonly<Record<string, string>>, status = 429) {
  let [answered, refusals] = [0, 0]
  const listener: RequestListener = (_, response) => {
    if (answered >= limit && refusals < times) {
      refusals += 1
      response.writeHead(status, { ...headers, 'content-length': 4 }).end('slow')
      return
    }
    answered += 1
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(DOCUMENT))
  }
  return { listener, counts: () => ({ answered, refusals }) }
}

describe('a registry that limits the rate', () => {
  for (const status of [429, 503]) {
    it(`and says with ${status} when it will answer is waited for, longer than there are retries`, async (t) => {
      const { listener, counts } = limiting(0, 2, { 'retry-after': '1' }, status)
      const { url } = await serve(t, listener)
      assert.deepEqual(found(await attestationsFrom(settings(url), { ...LIMITS, retries: 1 })(locked('a'))), DOCUMENT)
      assert.deepEqual(counts(), { answered: 1, refusals: 2 })
    })
  }

  it('is left alone by all requests together, and each is answered in the end', async (t) => {
    const { listener, counts } = limiting(3, 4, { 'retry-after': '1' })
    const { url } = await serve(t, listener)
    const ask = attestationsFrom(settings(url), { ...LIMITS, retries: 1 })
    const all = await Promise.all(Array.from({ length: 30 }, (_, index) => ask(locked(`package-${index}`))))
    for (const each of all) assert.deepEqual(found(each), DOCUMENT)
    assert.deepEqual(counts(), { answered: 30, refusals: 4 })
  })

  it('for longer than a package has is EVIDENCE_UNAVAILABLE', async (t) => {
    const { listener } = limiting(0, 1000, { 'retry-after': '3600' })
    const { url } = await serve(t, listener)
    const ask = attestationsFrom(settings(url), { ...LIMITS, retries: 1, total: 300 })
    assert.match(refused(await ask(locked('a')), 'EVIDENCE_UNAVAILABLE'), /^HTTP 429 from /)
  })

  it('for longer than a package has keeps no install waiting: each is told at once', async (t) => {
    const { listener, counts } = limiting(0, 1000, { 'retry-after': '3600' })
    const { url } = await serve(t, listener)
    const ask = attestationsFrom(settings(url), { ...LIMITS, retries: 1, total: 60_000, concurrency: 4 })
    const start = performance.now()
    const all = await Promise.all(Array.from({ length: 40 }, (_, index) => ask(locked(`package-${index}`))))
    for (const each of all) refused(each, 'EVIDENCE_UNAVAILABLE')
    assert.ok(performance.now() - start < 20_000)
    assert.equal(counts().refusals, 4)
  })

  it('does so for itself, and not for another registry', async (t) => {
    const [slow, quick] = [limiting(0, 1000, { 'retry-after': '3600' }), limiting(1000, 0, {})]
    const [{ url }, other] = [await serve(t, slow.listener), await serve(t, quick.listener)]
    const both = { ...settings(url), registries: { default: url, '@other': other.url } }
    const ask = attestationsFrom(both, { ...LIMITS, retries: 1 })
    refused(await ask(locked('a')), 'EVIDENCE_UNAVAILABLE')
    assert.deepEqual(found(await ask(locked('@other/a'))), DOCUMENT)
  })

  for (const said of ['0', '-1', 'soon', '99999999', 'Wed, 21 Oct 2026 07:28:00 GMT', '1e3']) {
    it(`and says ${JSON.stringify(said)} is asked as often as any that fails`, async (t) => {
      const { listener, counts } = limiting(0, 1000, { 'retry-after': said })
      const { url } = await serve(t, listener)
      refused(await attestationsFrom(settings(url), { ...LIMITS, retries: 2 })(locked('a')), 'EVIDENCE_UNAVAILABLE')
      assert.equal(counts().refusals, 3)
    })
  }

  it('is not asked twice where nothing is asked twice', async (t) => {
    const { listener, counts } = limiting(0, 1000, { 'retry-after': '1' })
    const { url } = await serve(t, listener)
    refused(await attestationsFrom(settings(url), LIMITS)(locked('a')), 'EVIDENCE_UNAVAILABLE')
    assert.equal(counts().refusals, 1)
  })
})

describe('a connection', () => {
  it('is used again, also after an answer that there is nothing', async (t) => {
    const sockets = new Set<unknown>()
    const { url } = await serve(t, (request, response) => {
      sockets.add(request.socket)
      response.writeHead(404, { 'content-length': 9 }).end('not found')
    })
    const ask = attestationsFrom(settings(url), LIMITS)
    for (let index = 0; index < 10; index += 1) refused(await ask(locked(`package-${index}`)), 'EVIDENCE_MISSING')
    assert.equal(sockets.size, 1)
  })

  it('with more to say than anybody wants to hear is not', async (t) => {
    const sockets = new Set<unknown>()
    const { url } = await serve(t, (request, response) => {
      sockets.add(request.socket)
      response.writeHead(404, { 'content-length': 1 << 30 })
      response.write(Buffer.alloc(100_000))
    })
    const ask = attestationsFrom(settings(url), LIMITS)
    for (let index = 0; index < 3; index += 1) refused(await ask(locked(`package-${index}`)), 'EVIDENCE_MISSING')
    assert.equal(sockets.size, 3)
  })
})
