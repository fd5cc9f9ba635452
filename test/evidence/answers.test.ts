import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Limits } from '../../src/evidence/client.ts'
import { startRegistry } from '../support/registry/index.ts'
import {
  attestationsFrom,
  DOCUMENT,
  found,
  LIMITS,
  listen,
  locked,
  publish,
  refused,
  serve,
  settings,
} from './support.ts'

const registry = await startRegistry()
after(() => registry.close())
beforeEach(() => {
  registry.reset()
  publish(registry, 'widgets')
})

const URL_OF_WIDGETS = `${registry.url}-/npm/v1/attestations/widgets@1.0.0`

function ask(limits: Partial<Limits> = {}, name = 'widgets') {
  return attestationsFrom(settings(registry.url), { ...LIMITS, ...limits })(locked(name))
}

describe('an answer of the registry', () => {
  it('is the document, parsed and unjudged', async () => {
    assert.deepEqual(found(await ask()), DOCUMENT)
  })

  it('is the document, whatever JSON it is: judging it is not for here', async () => {
    for (const document of [null, [], 'text', 0, { attestations: 'none' }]) {
      registry.setAttestations('widgets', '1.0.0', document)
      assert.deepEqual(found(await ask()), document)
    }
  })

  it('is EVIDENCE_MISSING for a package that the registry does not know', async () => {
    const what = refused(await ask({}, 'gadgets'), 'EVIDENCE_MISSING')
    assert.equal(what, `no attestations at ${registry.url}-/npm/v1/attestations/gadgets@1.0.0 (HTTP 404)`)
  })

  it('is EVIDENCE_MISSING for a version without attestations', async () => {
    registry.setAttestations('widgets', '1.0.0', undefined)
    refused(await ask(), 'EVIDENCE_MISSING')
  })

  it('is EVIDENCE_MISSING for a web page with status 404, and for a 404 without a body', async (t) => {
    for (const body of ['<html>no such page', '']) {
      const server = await serve(t, (_, response) => response.writeHead(404, { 'content-type': 'text/html' }).end(body))
      refused(await attestationsFrom(settings(server.url), LIMITS)(locked('widgets')), 'EVIDENCE_MISSING')
    }
  })

  it('is the document where it has attestations beside an error', async () => {
    const both = { error: 'some', ...DOCUMENT }
    registry.setAttestations('widgets', '1.0.0', both)
    assert.deepEqual(found(await ask()), both)
  })

  it('is EVIDENCE_MISSING at the first 404: what is not there is not asked for again', async () => {
    refused(await ask({ retries: 3 }, 'gadgets'), 'EVIDENCE_MISSING')
    assert.equal(registry.requests.length, 1)
  })
})

describe('an answer that says nothing about the package is EVIDENCE_UNAVAILABLE', () => {
  for (const status of [204, 206, 304, 402, 408, 410, 429, 451, 500, 502, 503, 504]) {
    it(`HTTP ${status}`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status })
      assert.equal(refused(await ask(), 'EVIDENCE_UNAVAILABLE'), `HTTP ${status} from ${URL_OF_WIDGETS}`)
    })
  }

  for (const status of [400, 405, 406, 501]) {
    it(`HTTP ${status}: a registry that does not know the endpoint, which is not asked again`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status })
      assert.equal(
        refused(await ask({ retries: 2 }), 'EVIDENCE_UNAVAILABLE'),
        `HTTP ${status} from ${URL_OF_WIDGETS}: this registry does not serve such documents: name the one that does with "evidenceFrom" in the rule, or a mirror (docs/registries.md)`,
      )
      assert.equal(registry.requests.length, 1)
    })
  }

  for (const status of [401, 403]) {
    it(`HTTP ${status}: a login that is missing, or is not accepted`, async () => {
      registry.misbehave({ match: 'attestations', how: 'status', status })
      const { host: name } = new URL(registry.url)
      assert.equal(
        refused(await ask({ retries: 2 }), 'EVIDENCE_UNAVAILABLE'),
        `HTTP ${status} from ${URL_OF_WIDGETS}: the registry wants a login, and the user's settings have none for //${name}/, such as //${name}/:_authToken in .npmrc (docs/registries.md)`,
      )
      assert.equal(registry.requests.length, 1)
      for (const [url, options] of [
        [registry.url, { [`//${name}/:_authToken`]: 'T' }],
        [registry.url.replace('//', '//user:password@'), {}],
      ] as const) {
        const evidence = await attestationsFrom(settings(url, options), LIMITS)(locked('widgets'))
        assert.match(
          refused(evidence, 'EVIDENCE_UNAVAILABLE'),
          /: the registry does not accept the login that the settings have for/,
        )
      }
    })
  }

  for (const error of ['not found', { code: 'E404' }, null, true]) {
    it(`an error with status 200: ${JSON.stringify({ error })}`, async (t) => {
      const server = await serve(t, (_, response) => response.end(JSON.stringify({ error, status: 404 })))
      const evidence = await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))
      assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /: an error in the place of a document$/)
    })
  }

  it('a redirect to a page for logging in', async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/login')
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>')
      else response.writeHead(302, { location: '/login' }).end()
    })
    const evidence = await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))
    assert.match(
      refused(evidence, 'EVIDENCE_UNAVAILABLE'),
      /: the answer is not JSON but a web page: of a portal, a login/,
    )
  })

  it('a web page with status 200, as captive portals serve', async () => {
    registry.misbehave({ match: 'attestations', how: 'html' })
    const what = refused(await ask({ retries: 2 }), 'EVIDENCE_UNAVAILABLE')
    assert.equal(
      what,
      `no answer from ${URL_OF_WIDGETS}: the answer is not JSON but a web page: of a portal, a login, or a server that has no such documents`,
    )
    assert.equal(registry.requests.length, 1, 'a portal does not go away within a retry')
  })

  it('something that is announced as JSON and is not', async () => {
    registry.misbehave({ match: 'attestations', how: 'garbage-json' })
    assert.match(refused(await ask(), 'EVIDENCE_UNAVAILABLE'), /: the answer is not JSON$/)
  })

  it('an empty body', async (t) => {
    const server = await serve(t, (_, response) => response.end())
    const evidence = await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))
    assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /: the answer is not JSON$/)
  })

  it('a body that is cut off half way', async () => {
    registry.misbehave({ match: 'attestations', how: 'truncate' })
    assert.match(refused(await ask(), 'EVIDENCE_UNAVAILABLE'), /^no answer from .*: aborted$/)
  })

  it('a body that is longer than announced: what was announced is not the document', async () => {
    registry.misbehave({ match: 'attestations', how: 'wrong-length' })
    refused(await ask(), 'EVIDENCE_UNAVAILABLE')
  })

  it('a body that is cut off where it is still JSON, and had a length', async (t) => {
    const server = await serve(t, (_, response) => {
      response.writeHead(200, { 'content-length': 100 })
      response.write('{"attestations":[]}', () => response.destroy())
    })
    refused(await attestationsFrom(settings(server.url), LIMITS)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('a connection that is reset', async () => {
    registry.misbehave({ match: 'attestations', how: 'reset' })
    assert.match(refused(await ask(), 'EVIDENCE_UNAVAILABLE'), /^no answer from .*: (read ECONNRESET|socket hang up)$/)
  })

  it('a closed port', async () => {
    const gone = await startRegistry()
    await gone.close()
    const evidence = await attestationsFrom(settings(gone.url), LIMITS)(locked('widgets'))
    assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /^no answer from http:.*widgets@1\.0\.0: .*ECONNREFUSED/)
  })

  it('something that is not HTTP', async (t) => {
    const { port } = await listen(
      t,
      createServer((socket) => socket.end('SSH-2.0-OpenSSH_9.9\r\n')),
    )
    const evidence = await attestationsFrom(settings(`http://127.0.0.1:${port}/`), LIMITS)(locked('widgets'))
    assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /Parse Error/)
  })

  it('headers without end', async (t) => {
    const { port } = await listen(
      t,
      createServer((socket) => {
        const header = `x: ${'a'.repeat(8192)}\r\n`
        const pour = () => {
          while (!socket.destroyed && socket.write(header)) {}
        }
        socket.on('drain', pour).write('HTTP/1.1 200 OK\r\n')
        pour()
      }),
    )
    const evidence = await attestationsFrom(settings(`http://127.0.0.1:${port}/`), LIMITS)(locked('widgets'))
    assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), /overflow/i)
  })

  for (const url of ['not a URL', '', '/', 'file:///etc/', 'ftp://127.0.0.1/', 'data:application/json,{}']) {
    it(`a registry that is no http or https URL (${JSON.stringify(url)}): no exception`, async () => {
      const what = refused(await attestationsFrom(settings(url), LIMITS)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
      assert.equal(what, 'no http or https URL set as the registry of widgets')
    })
  }
})

describe('a compressed answer', () => {
  const packed = gzipSync(JSON.stringify(DOCUMENT))
  const answer = (encoding: string, body: Buffer) => (t: Parameters<typeof serve>[0]) =>
    serve(t, (_, response) => response.writeHead(200, { 'content-encoding': encoding }).end(body))

  for (const encoding of ['gzip', 'x-gzip']) {
    it(`${encoding} is unpacked`, async (t) => {
      const server = await answer(encoding, packed)(t)
      assert.deepEqual(found(await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))), DOCUMENT)
      assert.equal(server.requests[0]?.headers['accept-encoding'], 'gzip')
    })
  }

  const broken: Readonly<Record<string, readonly [string, Buffer, RegExp]>> = {
    'that is cut off': ['gzip', packed.subarray(0, -10), /broken gzip$/],
    'with a wrong checksum': ['gzip', Buffer.concat([packed.subarray(0, -8), Buffer.alloc(8, 1)]), /broken gzip$/],
    'that is none': ['gzip', Buffer.from('{}'), /broken gzip$/],
    'that was not asked for': ['br', Buffer.from('{}'), /a content-encoding that was not asked for$/],
    'twice over': ['gzip, gzip', gzipSync(packed), /a content-encoding that was not asked for$/],
  }
  for (const [what, [encoding, body, problem]] of Object.entries(broken)) {
    it(`${what} is EVIDENCE_UNAVAILABLE`, async (t) => {
      const server = await answer(encoding, body)(t)
      const evidence = await attestationsFrom(settings(server.url), LIMITS)(locked('widgets'))
      assert.match(refused(evidence, 'EVIDENCE_UNAVAILABLE'), problem)
    })
  }
})
