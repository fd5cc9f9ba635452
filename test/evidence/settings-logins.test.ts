import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type RegistrySettings, readRegistrySettings } from '../../src/evidence/settings.ts'
import { folder } from './support.ts'

const PUBLIC = 'https://registry.npmjs.org/'

type Files = Readonly<Record<string, string>>

function read(t: TestContext, files: Files, env: Readonly<Record<string, string | undefined>> = {}): RegistrySettings {
  const root = folder(t, files)
  return readRegistrySettings(join(root, 'project'), { env, home: join(root, 'home'), platform: 'linux' })
}

describe('logins', () => {
  const login = (auth: unknown) => ({ 'home/.config/pnpm/config.yaml': JSON.stringify({ _auth: auth }) })
  const at = (scope: string) => ({ [scope]: { authToken: 'T' } })

  it('fill in a registry that nothing declares, a scope apart', (t) => {
    const files = login({ 'https://a.example': at('@'), 'https://b.example/npm': at('@acme') })
    const { registries, options } = read(t, files)
    assert.deepEqual(registries, {
      default: 'https://a.example/',
      '@jsr': 'https://npm.jsr.io/',
      '@acme': 'https://b.example/npm/',
    })
    assert.equal(options['//a.example/:_authToken'], 'T')
    assert.equal(options['//b.example/npm/:@acme:_authToken'], 'T')
    assert.equal(options['//b.example/npm/:_authToken'], undefined, 'a token for a scope is for no other package')
  })

  it('of the user do not change what is declared', (t) => {
    const declared = { 'home/.npmrc': 'registry=https://own.example/\n@acme:registry=https://acme.example/' }
    const { registries } = read(t, { ...declared, ...login({ 'https://a.example/': { ...at('@'), ...at('@acme') } }) })
    assert.equal(registries.default, 'https://own.example/')
    assert.equal(registries['@acme'], 'https://acme.example/')
  })

  it('at the registry of a scope do not make it the one for everything: public packages would be asked of it', (t) => {
    const scope = { 'home/.npmrc': '@acme:registry=https://acme.example/' }
    assert.equal(read(t, { ...scope, ...login({ 'https://acme.example/': at('@') }) }).registries.default, PUBLIC)
    const env = { pnpm_config__auth: JSON.stringify({ 'https://acme.example/': at('@') }) }
    assert.equal(read(t, scope, env).registries.default, PUBLIC)
  })

  it('of the environment are declared by the operator', (t) => {
    const declared = { 'project/pnpm-workspace.yaml': 'registry: https://own.example/' }
    const one = { pnpm_config__auth: JSON.stringify({ 'https://a.example/': { ...at('@'), ...at('@acme') } }) }
    assert.deepEqual(read(t, declared, one).registries, {
      default: 'https://a.example/',
      '@acme': 'https://a.example/',
      '@jsr': 'https://npm.jsr.io/',
    })
    const two = {
      pnpm_config__auth: JSON.stringify({ 'https://own.example/': at('@'), 'https://a.example/': at('@') }),
    }
    assert.equal(read(t, declared, two).registries.default, 'https://own.example/')
    assert.equal(read(t, {}, two).registries.default, 'https://a.example/')
  })

  const broken: Readonly<Record<string, unknown>> = {
    'no URL': { nonsense: at('@') },
    'no host': { 'file:///x': at('@') },
    'no token': { 'https://host.example/': { '@': {} } },
    'a token that is no text': { 'https://host.example/': { '@': { authToken: 1 } } },
    'a token with a variable that is not set': { 'https://host.example/': { '@': { authToken: `\${MISSING}` } } },
    'a scope that is none': {
      'https://host.example/': { acme: { authToken: 'T' }, '@a/b': { authToken: 'T' }, '@a:b': { authToken: 'T' } },
    },
    null: null,
    'a list': [at('@')],
  }
  for (const [what, auth] of Object.entries(broken)) {
    it(`with ${what} are passed over, in a file and in a variable`, (t) => {
      for (const { registries, options } of [
        read(t, login(auth)),
        read(t, {}, { pnpm_config__auth: JSON.stringify(auth) }),
      ]) {
        assert.deepEqual(Object.keys(registries), ['default', '@jsr'])
        assert.equal(registries.default, PUBLIC)
        assert.deepEqual(
          Object.values(options).filter((value) => value === 'T' || value === 1),
          [],
        )
      }
    })
  }

  it('of a variable that is not JSON are none', (t) => {
    assert.equal(read(t, {}, { pnpm_config__auth: '{' }).registries.default, PUBLIC)
  })
})

describe('proxies', () => {
  const cases: Readonly<
    Record<string, readonly [Files, Record<string, string>, https: unknown, http: unknown, no: unknown]>
  > = {
    none: [{}, {}, undefined, undefined, undefined],
    'variables, in either case': [
      {},
      { HTTPS_PROXY: 'http://s/', http_proxy: 'http://h/', NO_PROXY: 'n' },
      'http://s/',
      'http://s/',
      'n',
    ],
    'http_proxy alone is not for https': [{}, { http_proxy: 'http://h/' }, undefined, 'http://h/', undefined],
    'settings before variables': [
      { 'home/.npmrc': 'https-proxy=http://s/\nhttp-proxy=http://h/\nnoproxy=n' },
      { HTTPS_PROXY: 'http://x/', HTTP_PROXY: 'http://x/', NO_PROXY: 'x' },
      'http://s/',
      'http://h/',
      'n',
    ],
    'proxy is for both': [{ 'home/.npmrc': 'proxy=http://p/' }, {}, 'http://p/', 'http://p/', undefined],
    'false is none, whatever the variables say': [
      { 'home/.npmrc': 'proxy=false' },
      { HTTPS_PROXY: 'http://x/', HTTP_PROXY: 'http://x/' },
      undefined,
      undefined,
      undefined,
    ],
    'empty is not set': [
      { 'home/.npmrc': 'https-proxy=\nproxy=' },
      { HTTPS_PROXY: 'http://x/' },
      'http://x/',
      'http://x/',
      undefined,
    ],
    npm_config_https_proxy: [{}, { npm_config_https_proxy: 'http://s/' }, 'http://s/', 'http://s/', undefined],
  }
  for (const [what, [files, env, https, http, no]] of Object.entries(cases)) {
    it(`${what}`, (t) => {
      const { options } = read(t, files, env)
      assert.deepEqual([options['https-proxy'], options['http-proxy'], options['no-proxy']], [https, http, no])
    })
  }
})
