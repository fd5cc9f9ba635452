import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { readRegistrySettings, registryOf, statedRegistryOf, withRegistries } from '../../src/evidence/settings.ts'
import { folder, write } from './support.ts'

const PUBLIC = 'https://registry.npmjs.org/'

interface Machine {
  /** In `home/` and `project/`. */
  readonly files?: Readonly<Record<string, string | Buffer>>
  /** `ROOT` in a value is the folder above both. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly platform?: NodeJS.Platform
}

function read(t: TestContext, { files = {}, env = {}, platform = 'linux' }: Machine) {
  const root = folder(t, files)
  return readIn(root, env, platform)
}

function readIn(root: string, env: Machine['env'] = {}, platform: NodeJS.Platform = 'linux') {
  const variables = Object.entries(env).map(([name, value]) => [name, value?.replaceAll('ROOT', root)])
  const environment = { env: Object.fromEntries(variables), home: join(root, 'home'), platform }
  return readRegistrySettings(join(root, 'project'), environment)
}

const URL_OF = (source: string) => `https://${source.replaceAll(/[^a-z0-9]/gi, '-').toLowerCase()}.example/`

/** Every place that can name the default registry, weakest first. */
const REGISTRY_SOURCES: Readonly<Record<string, (url: string) => Machine>> = {
  rc: (url) => ({ files: { 'home/.config/pnpm/rc': `registry=${url}` } }),
  npmrc: (url) => ({ files: { 'home/.npmrc': `registry=${url}` } }),
  'auth.ini': (url) => ({ files: { 'home/.config/pnpm/auth.ini': `registry=${url}` } }),
  'project npmrc': (url) => ({ files: { 'project/.npmrc': `registry=${url}` } }),
  npm_config_registry: (url) => ({ env: { npm_config_registry: url } }),
  'config.yaml': (url) => ({ files: { 'home/.config/pnpm/config.yaml': `registries: { default: '${url}' }` } }),
  'pnpm-workspace.yaml': (url) => ({ files: { 'project/pnpm-workspace.yaml': `registries: { default: '${url}' }` } }),
  pnpm_config_registry: (url) => ({ env: { pnpm_config_registry: url } }),
  pnpm_config__auth: (url) => ({ env: { pnpm_config__auth: JSON.stringify({ [url]: { '@': { authToken: 'T' } } }) } }),
}

/** Every place that can hold a token, weakest first. */
const TOKEN_SOURCES: Readonly<Record<string, (token: string) => Machine>> = {
  rc: (token) => ({ files: { 'home/.config/pnpm/rc': `//host.example/:_authToken=${token}` } }),
  npmrc: (token) => ({ files: { 'home/.npmrc': `//host.example/:_authToken=${token}` } }),
  'auth.ini': (token) => ({ files: { 'home/.config/pnpm/auth.ini': `//host.example/:_authToken=${token}` } }),
  'project npmrc': (token) => ({ files: { 'project/.npmrc': `//host.example/:_authToken=${token}` } }),
  'npm_config_//': (token) => ({ env: { 'npm_config_//host.example/:_authToken': token } }),
  'pnpm_config_//': (token) => ({ env: { 'pnpm_config_//host.example/:_authToken': token } }),
  'config.yaml': (token) => ({
    files: { 'home/.config/pnpm/config.yaml': `_auth: { 'https://host.example': { '@': { authToken: ${token} } } }` },
  }),
  pnpm_config__auth: (token) => ({
    env: { PNPM_CONFIG__AUTH: JSON.stringify({ 'https://host.example/': { '@': { authToken: token } } }) },
  }),
}

function together(machines: readonly Machine[]): Machine {
  return {
    files: Object.assign({}, ...machines.map(({ files }) => files)),
    env: Object.assign({}, ...machines.map(({ env }) => env)),
  }
}

const whence = (name: string) => ({ name, key: `${name}@1.0.0` })

describe('precedence', () => {
  it('nothing set: the public registries, no credentials, no proxy', (t) => {
    const { registries, options } = read(t, {})
    assert.deepEqual(registries, { default: PUBLIC, '@jsr': 'https://npm.jsr.io/' })
    assert.deepEqual(
      Object.values(options).filter((value) => value !== undefined),
      [],
    )
  })

  for (const [source, machine] of Object.entries(REGISTRY_SOURCES)) {
    it(`the registry of ${source} alone counts`, (t) => {
      assert.equal(read(t, machine(URL_OF(source))).registries.default, URL_OF(source))
    })
  }

  for (const [source, machine] of Object.entries(TOKEN_SOURCES)) {
    it(`a token of ${source} alone counts`, (t) => {
      assert.equal(read(t, machine('T')).options['//host.example/:_authToken'], 'T')
    })
  }

  it('of any set of registries the strongest counts', (t) => {
    const sources = Object.keys(REGISTRY_SOURCES)
    const property = fc.property(fc.shuffledSubarray(sources, { minLength: 1 }), (set) => {
      const strongest = sources.findLast((source) => set.includes(source)) ?? ''
      const machines = set.map((source) => REGISTRY_SOURCES[source]?.(URL_OF(source)) ?? {})
      assert.equal(read(t, together(machines)).registries.default, URL_OF(strongest))
    })
    fc.assert(property, { numRuns: 100 })
  })

  it('of any set of tokens the strongest counts', (t) => {
    const sources = Object.keys(TOKEN_SOURCES)
    const property = fc.property(fc.shuffledSubarray(sources, { minLength: 1 }), (set) => {
      const strongest = sources.findLast((source) => set.includes(source)) ?? ''
      const machines = set.map((source) => TOKEN_SOURCES[source]?.(`token-${sources.indexOf(source)}`) ?? {})
      const { options } = read(t, together(machines))
      assert.equal(options['//host.example/:_authToken'], `token-${sources.indexOf(strongest)}`)
    })
    fc.assert(property, { numRuns: 100 })
  })

  it('a registry with a name is asked for what its key says, and no other is', (t) => {
    const settings = read(t, {
      files: {
        'home/.config/pnpm/config.yaml': 'namedRegistries: { mine: https://mine.example }\n',
        'project/pnpm-workspace.yaml':
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it must not be expanded
          'namedRegistries: { work: https://work.example/npm, leak: "https://${SECRET}.example" }\n',
      },
      env: { SECRET: 'hush' },
    })
    const at = (key: string, more = {}) => registryOf(settings, { name: '@acme/widget', key, ...more })
    assert.equal(at('@acme/widget@work:1.0.0'), 'https://work.example/npm/')
    assert.equal(at('@acme/widget@mine:1.0.0'), 'https://mine.example/')
    assert.equal(at('@acme/widget@other:1.0.0'), undefined)
    assert.equal(at('@acme/widget@leak:1.0.0'), undefined)
    assert.equal(at('@acme/widget@1.0.0'), PUBLIC)
    assert.equal(
      at('@acme/widget@1.0.0', { tarball: 'https://work.example/npm/@acme/widget/-/widget-1.0.0.tgz' }),
      'https://work.example/npm/',
    )
    assert.equal(at('@acme/widget@1.0.0', { tarball: 'https://evil.example/widget-1.0.0.tgz' }), PUBLIC)
    assert.equal(at('@acme/widget@1.0.0', { tarball: 'https://work.example/npm-evil/widget-1.0.0.tgz' }), PUBLIC)
  })

  it('a registry has the name that `registries` give it, which is stronger than namedRegistries', (t) => {
    const settings = read(t, {
      files: {
        'home/.config/pnpm/config.yaml': 'registries: { "https://mine.example": { prefix: mine } }\n',
        'project/pnpm-workspace.yaml': [
          'namedRegistries: { work: https://old.example, older: https://older.example }',
          'registries:',
          '  https://work.example/npm: { prefix: work, scopes: ["@acme"] }',
          '  https://gh.example/: { prefix: gh }',
          // biome-ignore lint/suspicious/noTemplateCurlyInString: it must not be expanded
          '  "https://${SECRET}.example": { prefix: leak }',
          '  https://list.example: { prefix: [listed] }',
          '  https://null.example:',
          '',
        ].join('\n'),
      },
      env: { SECRET: 'hush' },
    })
    const at = (key: string, more = {}) => registryOf(settings, { name: '@acme/x', key: `@acme/x@${key}`, ...more })
    assert.equal(at('mine:1.0.0'), 'https://mine.example/')
    assert.equal(at('work:1.0.0'), 'https://work.example/npm/')
    assert.equal(at('older:1.0.0'), 'https://older.example/')
    assert.equal(at('1.0.0'), 'https://work.example/npm/')
    assert.equal(at('gh:1.0.0'), 'https://gh.example/')
    for (const unknown of ['leak', 'listed', 'toString']) assert.equal(at(`${unknown}:1.0.0`), undefined)
  })

  it('gh and npmjs are names that pnpm has without any setting', (t) => {
    const settings = read(t, { files: { 'project/.npmrc': 'registry=https://all.example\n' } })
    const at = (key: string, more = {}) => registryOf(settings, { name: 'x', key: `x@${key}`, ...more })
    const stated = (key: string, more = {}) => statedRegistryOf(settings, { name: 'x', key: `x@${key}`, ...more })
    assert.equal(at('gh:1.0.0'), 'https://npm.pkg.github.com/')
    assert.equal(at('npmjs:1.0.0'), PUBLIC)
    // Where pnpm is about to download it there, it is asked for there; what a rule without proof covers stays as settings say.
    for (const tarball of [`${PUBLIC}x/-/x-1.0.0.tgz`, 'https://npm.pkg.github.com/download/x/1.0.0/ab']) {
      assert.equal(at('1.0.0', { tarball }), `${new URL(tarball).origin}/`)
      assert.equal(stated('1.0.0', { tarball }), 'https://all.example/')
    }
    for (const name of ['gh', 'npmjs', 'GH', 'npm', 'jsr']) {
      const isBuiltIn = name === 'gh' || name === 'npmjs'
      assert.equal(stated(`${name}:1.0.0`), isBuiltIn ? 'https://all.example/' : undefined)
    }
    const npm = { ...settings, named: undefined } as unknown as typeof settings
    assert.equal(registryOf(npm, { name: 'x', key: 'x@npmjs:1.0.0' }), undefined, 'other managers have no such names')
  })

  it('a scope is set apart from the default', (t) => {
    const settings = read(t, {
      files: { 'home/.npmrc': '@acme:registry=https://acme.example', 'project/.npmrc': 'registry=https://all.example' },
    })
    assert.equal(registryOf(settings, whence('@acme/widgets')), 'https://acme.example/')
    assert.equal(registryOf(settings, whence('@acmeX/widgets')), 'https://all.example/')
    assert.equal(registryOf(settings, whence('@acme')), 'https://all.example/')
    assert.equal(registryOf(settings, whence('@acmee')), 'https://all.example/', 'a name without a slash has no scope')
    assert.equal(registryOf(settings, whence('widgets')), 'https://all.example/')
    assert.equal(registryOf(settings, whence('@jsr/std__path')), 'https://npm.jsr.io/')
  })

  it('what pnpm has resolved and handed to a hook counts before all of it', (t) => {
    const settings = read(t, { env: { pnpm_config_registry: 'https://env.example/' } })
    const given = { default: 'https://cli.example', '@acme': 'https://acme.example/', '@bad': undefined, '@worse': 1 }
    const { registries } = withRegistries(settings, given)
    assert.deepEqual(registries, {
      default: 'https://cli.example/',
      '@acme': 'https://acme.example/',
      '@jsr': 'https://npm.jsr.io/',
    })
  })

  it('an empty value counts as none', (t) => {
    const files = { 'home/.npmrc': 'registry=', 'project/.npmrc': '@acme:registry=' }
    const { registries } = read(t, { files, env: { npm_config_registry: '', pnpm_config_registry: '' } })
    assert.deepEqual(registries, { default: PUBLIC, '@jsr': 'https://npm.jsr.io/' })
  })

  it('names that are inherited by every object name no scope', (t) => {
    const settings = read(t, { files: { 'home/.npmrc': '__proto__[registry]=https://evil.example/\n__proto__=x' } })
    assert.equal(registryOf(settings, whence('@constructor/x')), PUBLIC)
    assert.equal(registryOf(settings, whence('@__proto__/x')), PUBLIC)
    assert.equal(({} as Record<string, unknown>).registry, undefined)
  })
})

describe('where the files are', () => {
  const places: Readonly<Record<string, Machine & { readonly file: string }>> = {
    linux: { file: 'home/.config/pnpm/auth.ini' },
    'linux with XDG_CONFIG_HOME': { file: 'home/xdg/pnpm/auth.ini', env: { XDG_CONFIG_HOME: 'ROOT/home/xdg' } },
    'linux with an empty XDG_CONFIG_HOME': { file: 'home/.config/pnpm/auth.ini', env: { XDG_CONFIG_HOME: '' } },
    darwin: { file: 'home/Library/Preferences/pnpm/auth.ini', platform: 'darwin' },
    'darwin with XDG_CONFIG_HOME': {
      file: 'home/xdg/pnpm/auth.ini',
      env: { XDG_CONFIG_HOME: 'ROOT/home/xdg' },
      platform: 'darwin',
    },
    win32: { file: 'home/.config/pnpm/auth.ini', platform: 'win32' },
    'win32 with LOCALAPPDATA': {
      file: 'home/local/pnpm/config/auth.ini',
      env: { LOCALAPPDATA: 'ROOT/home/local' },
      platform: 'win32',
    },
    'linux with LOCALAPPDATA': {
      file: 'home/.config/pnpm/auth.ini',
      env: { LOCALAPPDATA: 'ROOT/home/local' },
    },
  }
  for (const [name, { file, ...machine }] of Object.entries(places)) {
    it(`${name}: ${file}`, (t) => {
      const elsewhere = Object.values(places).map((place) => [place.file, 'registry=https://elsewhere.example/'])
      const files = { ...Object.fromEntries(elsewhere), [file]: 'registry=https://here.example/' }
      assert.equal(read(t, { ...machine, files }).registries.default, 'https://here.example/')
    })
  }

  it("the user's npmrc is where the strongest of these says, and elsewhere none is read", (t) => {
    const strongestFirst = [
      'pnpm_config_npmrc_auth_file',
      'PNPM_CONFIG_NPMRC_AUTH_FILE',
      'pnpm_config_userconfig',
      'PNPM_CONFIG_USERCONFIG',
      'config.yaml',
      'npm_config_userconfig',
      'NPM_CONFIG_USERCONFIG',
    ]
    const root = folder(t, { 'home/.npmrc': 'registry=https://home.example/' })
    write(root, Object.fromEntries(strongestFirst.map((name, i) => [`home/${i}`, `registry=${URL_OF(name)}`])))
    for (const [i, name] of strongestFirst.entries()) {
      const set = strongestFirst.slice(i).filter((other) => other !== 'config.yaml')
      const yaml = i <= strongestFirst.indexOf('config.yaml') ? 'npmrcAuthFile: ~/4' : ''
      write(root, { 'home/.config/pnpm/config.yaml': yaml })
      const env = Object.fromEntries(set.map((other) => [other, `ROOT/home/${strongestFirst.indexOf(other)}`]))
      assert.equal(readIn(root, env).registries.default, URL_OF(name), name)
    }
    assert.equal(
      readIn(root, { npm_config_userconfig: '~/0' }).registries.default,
      URL_OF('pnpm_config_npmrc_auth_file'),
    )
    assert.equal(readIn(root, { npm_config_userconfig: '' }).registries.default, 'https://home.example/')
    assert.equal(readIn(root, { npm_config_userconfig: 'ROOT/nowhere' }).registries.default, PUBLIC)
  })
})

describe('a file of another form counts as empty', () => {
  const FILES = [
    'home/.npmrc',
    'home/.config/pnpm/rc',
    'home/.config/pnpm/auth.ini',
    'home/.config/pnpm/config.yaml',
    'project/.npmrc',
    'project/pnpm-workspace.yaml',
  ]
  it('absent, and all folders absent', (t) => {
    assert.equal(read(t, {}).registries.default, PUBLIC)
  })

  for (const file of FILES) {
    it(`but ${file} is an error where it is a folder: what is in its place is not known`, (t) => {
      const root = folder(t)
      mkdirSync(join(root, file), { recursive: true })
      assert.throws(
        () => readIn(root),
        (error) => error instanceof GateError && error.message.startsWith(`${join(root, file)} is a folder. `),
      )
    })

    for (const [what, content] of Object.entries({
      nothing: '',
      'a YAML list': '- a\n- b\n',
      'a YAML scalar': 'text',
      null: 'null',
      'broken YAML': 'registries: [\n',
      'two YAML documents': 'registry: https://a.example/\n---\nregistry: https://b.example/\n',
      'lists where there should be names': 'registries: [a]\n_auth: [b]\nregistry: [c]\n',
      'wrong types':
        'registries: { default: 1, "@a": { scopes: 3 }, "@b": null }\n_auth: { a: 1, "https://x": { "@": 7 } }\n',
      bytes: Buffer.from([0xff, 0xfe, 0x00, 0x80]),
    })) {
      it(`${file} holds ${what}`, (t) => {
        assert.equal(read(t, { files: { [file]: content } }).registries.default, PUBLIC)
      })
    }
  }

  it('an alias bomb in pnpm-workspace.yaml', (t) => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let i = 1; i < 12; i += 1) lines.push(`a${i}: &a${i} [${new Array(10).fill(`*a${i - 1}`).join(', ')}]`)
    const files = { 'project/pnpm-workspace.yaml': lines.join('\n'), 'home/.npmrc': 'registry=https://home.example/' }
    assert.equal(read(t, { files }).registries.default, 'https://home.example/')
  })

  it('nothing that is written into a file makes it throw but a cafile that is no file; registries stay strings with a slash', (t) => {
    const line = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('registry', '@a:registry', '//x/:_authToken', '[s]', '_auth', 'registries:', '  default:', '- x'),
      fc
        .tuple(fc.constantFrom('registry', '@a:registry', 'ca[]', '__proto__', 'cafile', `\${X}`), fc.string())
        .map((x) => x.join('=')),
      fc
        .tuple(fc.constantFrom('registry', 'registries', '_auth', 'proxy', '__proto__'), fc.json())
        .map((x) => x.join(': ')),
    )
    const file = fc.array(line, { maxLength: 6 }).map((lines) => lines.join('\n'))
    const files = fc.record(Object.fromEntries(FILES.map((name) => [name, file])), { requiredKeys: [] })
    const property = fc.property(
      files,
      fc.dictionary(fc.constantFrom('npm_config_registry', 'pnpm_config__auth', 'X'), fc.string()),
      (files, env) => {
        let settings: ReturnType<typeof read> | undefined
        try {
          settings = read(t, { files: files as Record<string, string>, env })
        } catch (error) {
          assert.ok(error instanceof GateError && JSON.stringify(files).includes('cafile'), String(error))
        }
        for (const url of Object.values(settings?.registries ?? {}))
          assert.ok(typeof url === 'string' && url.endsWith('/'))
      },
    )
    fc.assert(property, { numRuns: 150 })
  })
})
