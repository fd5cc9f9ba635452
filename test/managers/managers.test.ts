/** What each manager is given, and what a command is taken for. That it holds is tried with real ones in test/cli/run. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { recognise, yarnOf } from '../../src/managers/recognise.ts'
import type { Call, Manager, Road, Variables } from '../../src/managers/types.ts'

const ROAD: Road = {
  proxy: 'http://gate:secret@127.0.0.1:1234',
  bundle: '/t/bundle.pem',
  extra: '/t/extra.pem',
  fresh: '/t/fresh',
}
const WARM: Road = { ...ROAD, fresh: undefined }
const NONE = () => undefined

function known(command: string, env: Variables = {}, version = ''): { readonly manager: Manager; readonly call: Call } {
  const { manager, call } = recognise(command.split(' '), '/p', env)
  return { call, manager: manager === 'yarn' ? (yarnOf(version) ?? assert.fail()) : manager }
}

describe('recognise', () => {
  const PROGRAMS: Readonly<Record<string, string>> = {
    ...{
      npm: 'npm',
      npx: 'npm',
      'NPM.CMD': 'npm',
      '/opt/bin/npm': 'npm',
      'C:\\node\\npm.cmd': 'npm',
      'node /x/npm-cli.js': 'npm',
    },
    ...{
      pnpm: 'pnpm',
      pnpx: 'pnpm',
      'corepack pnpm': 'pnpm',
      'corepack pnpm@10.1.0': 'pnpm',
      'node /x/pnpm.mjs': 'pnpm',
    },
    ...{ bun: 'bun', bunx: 'bun', deno: 'deno', './bun.exe': 'bun' },
  }
  for (const [command, name] of Object.entries(PROGRAMS)) {
    it(command, () => assert.equal(known(`${command} install`).manager.name, name))
  }
  for (const command of ['yarn', 'yarnpkg', 'corepack yarn', 'corepack yarn@4.1.0', 'node /x/yarn.js']) {
    it(`${command}, of which only itself knows which it is`, () => {
      assert.equal(recognise(command.split(' '), '/p', {}).manager, 'yarn')
    })
  }
  for (const command of [
    'make',
    'sh -c npm',
    'node',
    'node x.js',
    'corepack',
    'env npm',
    'npmx',
    '',
    'sudo npm ci',
    'constructor',
    '__proto__',
  ]) {
    it(`refuses ${JSON.stringify(command)}`, () => {
      assert.throws(() => recognise(command === '' ? [] : command.split(' '), '/p', {}), GateError)
    })
  }

  it('finds the folder that an option names', () => {
    const folders: Readonly<Record<string, string>> = {
      ...{
        'npm ci': '/p',
        'npm --prefix a ci': '/p/a',
        'npm ci --prefix=/b': '/b',
        'npm -C a ci': '/p/a',
        'pnpm -C a i': '/p/a',
      },
      ...{ 'pnpm i --dir ../a': '/a', 'yarn --cwd a': '/p/a', 'bun i --cwd=a': '/p/a', 'npm exec -- --prefix a': '/p' },
    }
    for (const [command, folder] of Object.entries(folders))
      assert.equal(recognise(command.split(' '), '/p', {}).call.folder, path.resolve(folder), command)
  })

  it('knows yarns by their version', () => {
    assert.equal(yarnOf('1.22.22')?.name, 'yarn')
    for (const version of ['2.4.3', '3.0.0', '4.18.1-rc.1', '10.0.0']) assert.equal(yarnOf(version)?.name, 'berry')
    for (const version of ['', 'v1.22.22', 'yarn 1', 'x', '1']) assert.equal(yarnOf(version), undefined)
  })
})

describe('strictly from the lockfile', () => {
  const isStrict = (
    command: string,
    env: Variables = {},
    version = '1.22.22',
    read: (file: string) => string | undefined = NONE,
  ) => {
    const { manager, call } = known(command, env, version)
    return manager.isStrict(call, '/p', read)
  }
  const STRICT = [
    'npm ci',
    'npm clean-install --ignore-scripts',
    'npm cit',
    'pnpm install --frozen-lockfile',
    'pnpm i --frozen-lockfile --prod',
    'pnpm ci',
    'yarn install --frozen-lockfile',
    'yarn --frozen-lockfile',
    'bun ci',
    'bun install --frozen-lockfile',
  ]
  for (const command of STRICT) it(command, () => assert.ok(isStrict(command)))
  it('pnpm install in CI', () => assert.ok(isStrict('pnpm install', { CI: 'true' })))

  const LOOSE = [
    'npm install',
    'npm i x',
    'npm',
    'npm --foo ci install x',
    'npm -C x ci',
    'npm ci --prefix x',
    'npm ci --pref=x',
    'npx ci',
    'npm run ci',
    'npm exec ci',
    'pnpm install',
    'pnpm add x --frozen-lockfile',
    'pnpm install x --frozen-lockfile',
    'pnpm install --no-frozen-lockfile',
    'pnpm install --frozen-lockfile --no-frozen-lockfile',
    'pnpm install --frozen-lockfile=false',
    'pnpm -C x install --frozen-lockfile',
    'pnpm install --frozen-lockfile --lockfile-dir ..',
    'pnpm install --frozen-lockfile --no-lockfile',
    'pnpx ci',
    'yarn',
    'yarn add x --frozen-lockfile',
    'yarn install -- --frozen-lockfile',
    'bun install',
    'bun add x --frozen-lockfile',
    'bunx ci',
    'deno install --frozen',
  ]
  for (const command of LOOSE) it(`not ${command}`, () => assert.ok(!isStrict(command)))
  it('not yarn 4, whose checksums nothing can be compared with', () =>
    assert.ok(!isStrict('yarn install --immutable', {}, '4.0.0')))

  it('not pnpm where a setting is about lockfiles', () => {
    for (const command of ['pnpm install --frozen-lockfile', 'pnpm ci', 'pnpm install']) {
      const env = { CI: 'true', HOME: '/h' }
      assert.ok(isStrict(command, env))
      for (const name of ['npm_config_lockfile', 'PNPM_CONFIG_FROZEN_LOCKFILE', 'pnpm_config_lockfile_dir'])
        assert.ok(!isStrict(command, { ...env, [name]: 'x' }), name)
      for (const [file, text] of [
        ['/p/.npmrc', 'lockfile=false'],
        ['/p/pnpm-workspace.yaml', 'frozenLockfile: false'],
        ['/h/.npmrc', 'frozen-lockfile=false'],
        ['/h/.config/pnpm/rc', 'lockfile-dir=/x'],
      ] as const)
        assert.ok(!isStrict(command, env, '', (each) => (each === path.normalize(file) ? text : undefined)), file)
    }
    assert.ok(!isStrict('pnpm install', { CI: 'false' }))
  })

  it('caches are used by those alone that compare what they take out', () => {
    const names = ['npm ci', 'pnpm ci', 'yarn', 'bun ci', 'deno install'].map(
      (command) => known(command, {}, '1.0.0').manager,
    )
    assert.deepEqual(
      names.filter(({ bindsCaches }) => bindsCaches).map(({ name }) => name),
      ['npm', 'pnpm'],
    )
  })
})

describe('what it is started with', () => {
  const launch = (command: string, env: Variables, road = ROAD, version = '1.22.22') => {
    const { manager, call } = known(command, env, version)
    return manager.launch(call, road)
  }

  it('npm: settings of its own, in place of every other spelling', () => {
    const { env, args } = launch('npm ci --x', {
      npm_config_HTTPS_PROXY: 'a',
      NPM_CONFIG_NOPROXY: 'b',
      'npm_config_no-proxy': 'c',
      npm_config_registry: 'd',
      NO_PROXY: 'e',
      A: 'f',
      HOME: '/h',
    })
    assert.deepEqual(args, ['ci', '--x'])
    assert.deepEqual(env, {
      ...{ A: 'f', HOME: '/h', NO_PROXY: 'none.invalid', npm_config_registry: 'd' },
      ...{ npm_config_proxy: ROAD.proxy, npm_config_https_proxy: ROAD.proxy, npm_config_noproxy: 'none.invalid' },
      ...{ npm_config_cafile: ROAD.bundle, NODE_EXTRA_CA_CERTS: ROAD.extra },
      ...{ npm_config_cache: path.normalize('/t/fresh/npm'), npm_config_logs_dir: path.normalize('/h/.npm/_logs') },
    })
  })

  it('its own caches where they stay', () => {
    for (const command of ['npm ci', 'pnpm ci']) {
      const { env, args } = launch(command, { npm_config_cache: 'mine' }, WARM)
      assert.equal(env.npm_config_cache, 'mine')
      assert.ok(!JSON.stringify([env, args]).includes('/t/fresh'))
    }
  })

  it('no password of the gate on a command line, where every user of the machine can read it', () => {
    for (const command of [
      'npm ci',
      'pnpm install',
      'yarn install',
      'bun install',
      'deno install',
      'npx x',
      'bunx x',
      'pnpx x',
    ])
      for (const version of ['1.0.0', '4.0.0'])
        assert.ok(!JSON.stringify(launch(command, {}, ROAD, version).args).includes('secret'))
  })

  it('no variable of every program, where the manager has settings of its own', () => {
    for (const command of ['npm ci', 'pnpm install', 'yarn install']) {
      for (const version of ['1.0.0', '4.0.0']) {
        const { env } = launch(command, {}, ROAD, version)
        for (const name of Object.keys(env)) assert.doesNotMatch(name, /^(?:https?|all|no)_proxy$/i)
      }
    }
  })

  it('bun and deno: those variables, and what programs that inherit them have to trust', () => {
    for (const command of ['bun install', 'deno install']) {
      const { env } = launch(command, { https_proxy: 'mine', ALL_PROXY: 'mine', all_proxy: 'mine' })
      assert.ok(!Object.values(env).includes('mine'))
      for (const name of ['HTTPS_PROXY', 'https_proxy', 'HTTP_PROXY', 'http_proxy']) assert.equal(env[name], ROAD.proxy)
      for (const name of ['NO_PROXY', 'no_proxy']) assert.equal(env[name], 'none.invalid')
      for (const name of ['SSL_CERT_FILE', 'GIT_SSL_CAINFO', 'CURL_CA_BUNDLE']) assert.equal(env[name], ROAD.bundle)
    }
  })

  it('bun install: its authorities by option, for a file would be stronger than variables', () => {
    assert.deepEqual(launch('bun --silent install x', {}).args, ['--silent', 'install', '--cafile', ROAD.bundle, 'x'])
    assert.deepEqual(launch('bun run install', {}).args, ['run', 'install'])
    assert.deepEqual(launch('bunx install', {}).args, ['install'])
  })

  it('yarn 4 install: it downloads everything again and compares, with its own cache', () => {
    for (const [command, args] of [
      ['yarn', ['install', '--check-cache']],
      ['yarn install --immutable', ['install', '--check-cache', '--immutable']],
      ['yarn --immutable', ['install', '--immutable', '--check-cache']],
      ['yarn install --check-cache', ['install', '--check-cache']],
    ] as const) {
      const launched = launch(command, {}, ROAD, '4.0.0')
      assert.deepEqual(launched.args, args)
      assert.equal(launched.env.YARN_CACHE_FOLDER, undefined)
    }
    for (const command of ['yarn --version', 'yarn -h', 'yarn run install'])
      assert.deepEqual(launch(command, {}, ROAD, '4.0.0').args, command.split(' ').slice(1))
    const added = launch('yarn add x', { YARN_CACHE_FOLDER: 'mine', YARN_ENABLE_MIRROR: '1' }, ROAD, '4.0.0')
    assert.deepEqual(added.args, ['add', 'x'])
    assert.deepEqual(
      [added.env.YARN_CACHE_FOLDER, added.env.YARN_ENABLE_MIRROR],
      [path.normalize('/t/fresh/yarn'), 'false'],
    )
  })
})

describe('what a command asks for', () => {
  const CASES: Readonly<Record<string, readonly string[]>> = {
    ...{
      'npm ci': [],
      'npm install': [],
      'npm i -D x y@1': ['x', 'y@1'],
      'npm -w a add x': ['x'],
      'npm run x': [],
      'npm exec -- x y': ['x'],
    },
    ...{
      'npx x y': ['x'],
      'npx --package a -p b c': ['a', 'b'],
      'npx --package=a c': ['a'],
      'pnpm add x --filter y z': ['x', 'z'],
      'pnpm dlx x y': ['x'],
    },
    ...{
      'pnpx x y': ['x'],
      'pnpm up': [],
      'pnpm remove x': [],
      'bun add x': ['x'],
      'bunx x y': ['x'],
      'bun x a b': ['a'],
      'bun run x': [],
    },
    ...{ 'deno add npm:x@1 jsr:@a/b': ['x@1'], 'deno run x.ts': [] },
  }
  for (const [command, words] of Object.entries(CASES)) {
    it(command, () => {
      const { manager, call } = known(command)
      assert.deepEqual(manager.asked(call), words)
    })
  }
  it('yarn 1 and 4', () => {
    const words = (command: string, version: string) => {
      const { manager, call } = known(command, {}, version)
      return manager.asked(call)
    }
    assert.deepEqual(words('yarn add x y@1 @s/z ./x.tgz', '1.0.0'), ['x@latest', 'y@1', '@s/z@latest', './x.tgz'])
    assert.deepEqual(words('yarn global add x', '1.0.0'), ['x@latest'])
    assert.deepEqual(words('yarn workspace a add x', '1.0.0'), ['x@latest'])
    assert.deepEqual(words('yarn workspace a run add x', '1.0.0'), [])
    assert.deepEqual(words('yarn workspace a add x', '4.0.0'), ['x'])
    assert.deepEqual(words('yarn dlx x y', '4.0.0'), ['x'])
    assert.deepEqual(words('yarn', '4.0.0'), [])
  })
})

describe('options that lead past the gate', () => {
  const refuse = (
    command: string,
    isFresh = true,
    version = '1.22.22',
    read: (file: string) => string | undefined = NONE,
  ) => {
    const { manager, call } = known(command, {}, version)
    manager.refusePastGate(call, ['/p', '/'], read, isFresh)
  }
  const REFUSED = [
    'npm i --cache=x',
    'npm exec tool --cache=x',
    'npm exec --proxy=x -- tool',
    'npx --cache=x tool',
    'npx --proxy x tool',
    'pnpm add x -g',
    'pnpm dlx --store-dir=x tool',
    'yarn add x --offline',
    'bun add --cafile x y',
    'deno install --cert x',
  ]
  for (const command of REFUSED) it(`refused: ${command}`, () => assert.throws(() => refuse(command), GateError))
  const ALLOWED = [
    'npm i --save-dev x --prefer-offline',
    'npx tool --cache=x --proxy',
    'npm exec -- tool --cache=x',
    'npm run x -- --proxy',
    'pnpm add x -D --prefer-offline',
    'yarn add x --dev',
    'bun run x --cafile y',
    'bunx tool --cafile y',
    'deno install',
  ]
  for (const command of ALLOWED) it(`allowed: ${command}`, () => assert.doesNotThrow(() => refuse(command)))
  for (const option of ['--cached', '--no-check-cache'])
    it(`refused: yarn install ${option}, of yarn 4`, () =>
      assert.throws(() => refuse(`yarn install ${option}`, true, '4.0.0'), GateError))
  it('a cache of its own, where that is used anyway', () => {
    assert.doesNotThrow(() => refuse('npm ci --cache=x --offline', false))
    assert.doesNotThrow(() => refuse('pnpm ci --store-dir=x --offline', false))
    assert.throws(() => refuse('npm ci --proxy=x', false), GateError)
  })

  it('files of settings of any content are read, or refused as what they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        for (const [command, version] of [
          ['pnpm i', ''],
          ['yarn', '1.0.0'],
          ['yarn', '4.0.0'],
        ] as const) {
          try {
            refuse(command, true, version, () => text)
          } catch (error) {
            assert.ok(error instanceof GateError)
          }
        }
      }),
    )
  })
})
