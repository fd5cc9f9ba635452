import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { startRegistry } from '../support/registry/index.ts'
import {
  attestationsFrom,
  DOCUMENT,
  folder,
  found,
  host,
  LIMITS,
  locked,
  publish,
  refused,
  serve,
  settings,
} from './support.ts'

describe('credentials', () => {
  it('of the registry are sent, and without them it says no', async (t) => {
    const registry = await startRegistry({ token: 'SECRET' })
    t.after(() => registry.close())
    publish(registry, 'widgets')
    const options = { [`${host(registry.url)}:_authToken`]: 'SECRET' }
    assert.deepEqual(
      found(await attestationsFrom(settings(registry.url, options), LIMITS)(locked('widgets'))),
      DOCUMENT,
    )
    const what = refused(
      await attestationsFrom(settings(registry.url), LIMITS)(locked('widgets')),
      'EVIDENCE_UNAVAILABLE',
    )
    assert.match(what, /^HTTP 401 from /)
  })

  it('of a scope go to its registry, and those of others to theirs', async (t) => {
    const [all, acme] = [await startRegistry({ token: 'FOR-ALL' }), await startRegistry({ token: 'FOR-ACME' })]
    t.after(() => Promise.all([all.close(), acme.close()]))
    publish(all, 'widgets')
    publish(all, '@other/widgets')
    publish(acme, '@acme/widgets')
    const ask = attestationsFrom(
      {
        registries: { default: all.url, '@acme': acme.url },
        options: { [`${host(all.url)}:_authToken`]: 'FOR-ALL', [`${host(acme.url)}:_authToken`]: 'FOR-ACME' },
      },
      LIMITS,
    )
    for (const name of ['widgets', '@other/widgets', '@acme/widgets']) found(await ask(locked(name)))
    assert.deepEqual(
      [...all.requests, ...acme.requests].map(
        ({ path, headers }) => `${path.split('/').at(-1)} ${headers.authorization}`,
      ),
      [
        'widgets@1.0.0 Bearer FOR-ALL',
        '@other%2fwidgets@1.0.0 Bearer FOR-ALL',
        '@acme%2fwidgets@1.0.0 Bearer FOR-ACME',
      ],
    )
  })

  it('of a name that only begins like a scope are not those of the scope', async (t) => {
    const acme = await serve(t, (_, response) => response.end('{}'))
    const all = await serve(t, (_, response) => response.end('{}'))
    const ask = attestationsFrom({ registries: { default: all.url, '@acme': acme.url }, options: {} }, LIMITS)
    for (const name of ['@acme', '@acmeX/y', '@acm/y', 'acme/y', '@acme\\y']) found(await ask(locked(name)))
    assert.equal(acme.requests.length, 0)
    assert.equal(all.requests.length, 5)
  })

  /** What is sent where a registry below a path is asked for `@acme/widgets`, and for `widgets`. */
  const chosen: Readonly<Record<string, readonly [options: Record<string, unknown>, acme: string, other: string]>> = {
    'of the path before those of its host': [
      { '//HOST/:_authToken': 'H', '//HOST/npm/:_authToken': 'P' },
      'Bearer P',
      'Bearer P',
    ],
    'of the host where the path has none': [{ '//HOST/:_authToken': 'H' }, 'Bearer H', 'Bearer H'],
    'without a slash at the end': [{ '//HOST:_authToken': 'H' }, 'Bearer H', 'Bearer H'],
    'of a scope before those of all': [
      { '//HOST/npm/:_authToken': 'P', '//HOST/npm/:@acme:_authToken': 'A' },
      'Bearer A',
      'Bearer P',
    ],
    'of a scope at its host before those of all at the path': [
      { '//HOST/npm/:_authToken': 'P', '//HOST/:@acme:_authToken': 'A' },
      'Bearer A',
      'Bearer P',
    ],
    'of a scope to that scope only': [{ '//HOST/npm/:@acme:_authToken': 'A' }, 'Bearer A', 'undefined'],
    'as a user and a password': [
      { '//HOST/npm/:username': 'u', '//HOST/npm/:_password': btoa('p') },
      'Basic dTpw',
      'Basic dTpw',
    ],
    'as a pair': [{ '//HOST/npm/:_auth': 'dTpw' }, 'Basic dTpw', 'Basic dTpw'],
    'of another path not at all': [
      { '//HOST/other/:_authToken': 'X', '//HOST/np/:_authToken': 'X' },
      'undefined',
      'undefined',
    ],
    'of another port not at all': [
      { '//127.0.0.1:1/:_authToken': 'X', '//127.0.0.1/:_authToken': 'X' },
      'undefined',
      'undefined',
    ],
    'of no registry at all not at all': [{ _authToken: 'X', _auth: 'X', ':_authToken': 'X' }, 'undefined', 'undefined'],
    'that a repository smuggles in as an option of the library not at all': [
      {
        forceAuth: { _authToken: 'X' },
        registry: 'http://evil.example/',
        spec: '@acme/widgets',
        'false:_authToken': 'X',
      },
      'undefined',
      'undefined',
    ],
    'that are empty not at all': [{ '//HOST/npm/:_authToken': '' }, 'undefined', 'undefined'],
  }
  for (const [which, [options, acme, other]] of Object.entries(chosen)) {
    it(`${which}`, async (t) => {
      const server = await serve(t, (_, response) => response.end('{}'))
      const hosted = Object.entries(options).map(([key, value]) => [
        key.replace('HOST', new URL(server.url).host),
        value,
      ])
      const ask = attestationsFrom(settings(`${server.url}npm/`, Object.fromEntries(hosted)), LIMITS)
      for (const name of ['@acme/widgets', 'widgets']) found(await ask(locked(name)))
      assert.deepEqual(
        server.requests.map(({ headers }) => String(headers.authorization)),
        [acme, other],
      )
    })
  }

  it('in the registry URL are sent as such', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    const ask = attestationsFrom(settings(server.url.replace('//', '//us%40er:pass@')), LIMITS)
    found(await ask(locked('widgets')))
    assert.equal(server.requests[0]?.headers.authorization, `Basic ${btoa('us@er:pass')}`)
  })

  it('whose file cannot be read are EVIDENCE_UNAVAILABLE, not an exception', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    const own = host(server.url)
    const options = { [`${own}:certfile`]: folder(t), [`${own}:keyfile`]: folder(t) }
    refused(await attestationsFrom(settings(server.url, options), LIMITS)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('that no header can hold are EVIDENCE_UNAVAILABLE, and not shown', async (t) => {
    const server = await serve(t, (_, response) => response.end('{}'))
    const options = { [`${host(server.url)}:_authToken`]: 'SECRET\r\nX: y' }
    const what = refused(
      await attestationsFrom(settings(server.url, options), LIMITS)(locked('widgets')),
      'EVIDENCE_UNAVAILABLE',
    )
    assert.doesNotMatch(what, /SECRET/)
    assert.equal(server.requests.length, 0)
  })
})
