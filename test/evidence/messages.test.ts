import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { after, describe, it } from 'node:test'
import { startRegistry } from '../support/registry/index.ts'
import { attestationsFrom, host, LIMITS, listen, locked, publish, refused, serve, settings } from './support.ts'

const registry = await startRegistry({ token: 'T0KEN' })
after(() => registry.close())

describe('what is said of a failure', () => {
  const rules = [
    { how: 'status', status: 500 },
    { how: 'status', status: 401 },
    { how: 'redirect', location: 'http://user:p4ssw0rd@127.0.0.1:1/' },
    { how: 'redirect', location: 'gopher://user:p4ssw0rd@127.0.0.1/' },
    { how: 'redirect', location: '/loop' },
    { how: 'reset' },
    { how: 'hang' },
    { how: 'slow-drip' },
    { how: 'endless' },
    { how: 'html' },
    { how: 'garbage-json' },
    { how: 'truncate' },
    { how: 'wrong-length' },
  ] as const
  for (const rule of rules) {
    it(`names URL and reason, and no credentials (${Object.values(rule).join(' ')})`, async () => {
      const { url } = registry
      registry.reset()
      publish(registry, '@acme/widgets')
      registry.misbehave({ match: '/', ...rule })
      const secret = { [`${host(url)}:_authToken`]: 'T0KEN' }
      const ask = attestationsFrom(settings(url.replace('//', '//user:p4ssw0rd@'), secret), { ...LIMITS, attempt: 150 })
      const what = refused(await ask(locked('@acme/widgets')), 'EVIDENCE_UNAVAILABLE')
      assert.ok(what.includes(`${url}-/npm/v1/attestations/@acme%2fwidgets@1.0.0`), what)
      assert.match(
        what,
        /^(HTTP \d+ from \S+|HTTP 401 from \S+: the registry does not accept the login .+|no answer from \S+: .+)$/,
      )
      assertNoSecret(what)
    })
  }

  it('of 404 has no credentials either', async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(404).end())
    const url = server.url.replace('//', '//user:p4ssw0rd@')
    assertNoSecret(refused(await attestationsFrom(settings(url), LIMITS)(locked('widgets')), 'EVIDENCE_MISSING'))
  })

  it('of a registry setting that is no URL does not repeat it', async () => {
    const ask = attestationsFrom(settings('user:p4ssw0rd@registry.example/'), LIMITS)
    assertNoSecret(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'))
  })

  it('of something that is not HTTP does not repeat the request', async (t) => {
    const { port } = await listen(
      t,
      createServer((socket) => socket.on('data', (data) => socket.end(data))),
    )
    const options = { [`//127.0.0.1:${port}/:_authToken`]: 'T0KEN' }
    const ask = attestationsFrom(settings(`http://user:p4ssw0rd@127.0.0.1:${port}/`, options), LIMITS)
    assertNoSecret(refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE'))
  })

  function assertNoSecret(text: string): void {
    assert.doesNotMatch(text, /T0KEN|p4ssw0rd|user/)
    assert.ok(!text.includes(btoa('user:p4ssw0rd')))
  }
})
