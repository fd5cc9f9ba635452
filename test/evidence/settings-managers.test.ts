/** The settings of npm, yarn and bun: the real one is run, and the same registry is asked with the same credentials. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { readSettingsFor, type SettingsOf } from '../../src/evidence/settings-for.ts'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import type { Registry } from '../support/registry/index.ts'
import { attestationsFrom, found, host, LIMITS, locked, refused, registry, write } from './support.ts'

interface Case {
  /** In the project, beside package.json. */
  readonly files?: Readonly<Record<string, string>>
  readonly home?: Readonly<Record<string, string>>
  /** In the folder that the project lies in. */
  readonly above?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
}

type Cases = (urls: Readonly<Record<'a' | 'b' | 'c', string>>) => Readonly<Record<string, Case>>

const KINDS: Readonly<Record<Exclude<SettingsOf, 'pnpm' | 'deno'>, readonly [Manager, readonly string[]]>> = {
  npm: ['npm12', ['install', '--package-lock-only']],
  yarn: ['yarn1', ['install', '--non-interactive']],
  berry: ['yarn4', ['install']],
  bun: ['bun', ['install', '--lockfile-only']],
}

const BERRY =
  'unsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nhttpRetry: 0\nnodeLinker: node-modules\nnpmMinimalAgeGate: 0\n'
const NOTHING = { '.npmrc': '', '.yarnrc': '', '.yarnrc.yml': BERRY, 'bunfig.toml': '' }

const npmCases: Cases = ({ a, b, c }) => ({
  'the user, a scope, tokens': {
    home: { '.npmrc': `registry=${a}\n@acme:registry=${b}\n${host(a)}:_authToken=A\n${host(b)}:_authToken=B` },
  },
  'the project is stronger than the user': {
    home: { '.npmrc': `registry=${a}\n@acme:registry=${a}\n${host(b)}:_authToken=B` },
    files: { '.npmrc': `registry=${b}\n@acme:registry=${c}` },
  },
  'a variable is stronger than the project': {
    files: { '.npmrc': `registry=${b}` },
    env: { npm_config_registry: a, 'npm_config_@acme:registry': c, [`npm_config_${host(a)}:_authToken`]: 'E' },
  },
  'the machine is weaker than the user': {
    home: { 'global-npmrc': `registry=${a}\n@acme:registry=${b}\n`, '.npmrc': `@acme:registry=${c}` },
  },
  'pnpm-workspace.yaml and variables of pnpm are nothing to it': {
    home: { '.npmrc': `registry=${a}` },
    files: { 'pnpm-workspace.yaml': `registries: { default: '${b}' }` },
    env: { pnpm_config_registry: b },
  },
  'a user and a password, a pair': {
    home: {
      '.npmrc': `registry=${a}\n@acme:registry=${b}\n${host(a)}:username=u\n${host(a)}:_password=${btoa('p')}\n${host(b)}:_auth=${btoa('v:q')}`,
    },
  },
  'a variable in a file of the user': {
    home: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=\${TOKEN}` },
    env: { TOKEN: 'T' },
  },
  'without a slash at the end': {
    home: { '.npmrc': `registry=${a.slice(0, -1)}\n${host(a)}:_authToken=A` },
  },
})

const yarnCases: Cases = ({ a, b, c }) => ({
  '.yarnrc of the project': { files: { '.yarnrc': `registry "${a}"\n"@acme:registry" "${b}"\n` } },
  '.npmrc is stronger than .yarnrc': {
    files: { '.yarnrc': `registry "${b}"\n`, '.npmrc': `registry=${a}\n` },
  },
  '.npmrc of the user is stronger than .yarnrc of the project': {
    files: { '.yarnrc': `registry "${b}"\n` },
    home: { '.npmrc': `registry=${a}\n` },
  },
  '.yarnrc of the project is stronger than that of the user, and that than the one above': {
    files: { '.yarnrc': `registry "${a}"\n` },
    home: { '.yarnrc': `registry "${b}"\n"@acme:registry" "${c}"\n` },
    above: { '.yarnrc': `registry "${b}"\n"@acme:registry" "${b}"\n` },
  },
  'files above': { above: { '.yarnrc': `registry "${a}"\n`, '.npmrc': `@acme:registry=${b}\n` } },
  'tokens are sent for scopes': {
    files: { '.yarnrc': `registry "${a}"\n` },
    home: { '.npmrc': `@acme:registry=${b}\n${host(a)}:_authToken=A\n${host(b)}:_authToken=B\n` },
  },
  'tokens are sent for all with always-auth': {
    home: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=A\nalways-auth=true\n` },
  },
  'tokens are sent for all with always-auth for that host': {
    home: {
      '.npmrc': `registry=${a}\n@acme:registry=${b}\n${host(a)}:_authToken=A\n${host(b)}:_auth=${btoa('u:p')}\n${host(a)}:always-auth=true\n`,
    },
  },
  'variables of yarn are stronger than .npmrc, those of npm than those of yarn': {
    files: { '.npmrc': `registry=${c}\n` },
    env: { yarn_registry: a, 'yarn_@acme:registry': a, 'npm_config_@acme:registry': b },
  },
  'a token without host': { home: { '.npmrc': `registry=${a}\n_authToken=T\nalways-auth=true\n` } },
})

const berryCases: Cases = ({ a, b, c }) => {
  const yml = (text: string) => ({ '.yarnrc.yml': `${BERRY}${text}` })
  const home = (text: string) => ({ '.yarnrc.yml': text })
  return {
    'a token is sent for scopes': { files: yml(`npmRegistryServer: "${a}"\nnpmAuthToken: A`) },
    'a token is sent for all with npmAlwaysAuth': {
      files: yml(`npmRegistryServer: "${a}"\nnpmAuthToken: A\nnpmAlwaysAuth: true`),
    },
    'a scope with a login of its own': {
      files: yml(`npmRegistryServer: "${a}"\nnpmScopes: { acme: { npmRegistryServer: "${b}", npmAuthIdent: "u:p" } }`),
    },
    'the user and the project name a scope': {
      home: home(`npmRegistryServer: "${a}"\nnpmScopes: { acme: { npmRegistryServer: "${b}", npmAuthToken: B } }`),
      files: yml('npmScopes: { acme: { npmPublishRegistry: "https://publish.example" } }'),
    },
    'registries by address': {
      home: home(
        `npmRegistries: { "${host(a)}": { npmAuthToken: R, npmAlwaysAuth: true }, "${b}": { npmAuthIdent: "${btoa('v:q')}" } }`,
      ),
      files: yml(`npmRegistryServer: "${a}"\nnpmScopes: { acme: { npmRegistryServer: "${b}" } }`),
    },
    'variables are stronger than the project': {
      files: yml(`npmRegistryServer: "${b}"`),
      env: { YARN_NPM_REGISTRY_SERVER: a, YARN_NPM_AUTH_TOKEN: 'E', YARN_NPM_ALWAYS_AUTH: '1' },
    },
    'the project is stronger than what is above, and that than the user': {
      home: home(`npmRegistryServer: "${c}"\nnpmScopes: { acme: { npmRegistryServer: "${c}" } }`),
      above: { '.yarnrc.yml': `npmRegistryServer: "${c}"\nnpmScopes: { acme: { npmRegistryServer: "${b}" } }` },
      files: yml(`npmRegistryServer: "${a}"`),
    },
    'variables in a file of the user': {
      home: home(
        `npmRegistryServer: "\${NONE-${a}}"\nnpmAuthToken: "x\${TOKEN}\${EMPTY:-y\${TOKEN}}\${EMPTY-z}"\nnpmAlwaysAuth: true`,
      ),
      env: { TOKEN: 'T', EMPTY: '' },
    },
    'another name of the file': {
      files: { 'other.yml': `${BERRY}npmRegistryServer: "${a}"\n` },
      env: { YARN_RC_FILENAME: 'other.yml' },
    },
  }
}

const bunCases: Cases = ({ a, b, c }) => {
  const toml = (text: string) => ({ 'bunfig.toml': text })
  const home = (text: string) => ({ '.bunfig.toml': text })
  // Else that is where the user's file is looked for.
  const env = { XDG_CONFIG_HOME: '' }
  return {
    'an address': { files: toml(`[install]\nregistry = "${a}"\n`) },
    'tokens, scopes with and without @': {
      files: toml(
        `[install]\nregistry = { url = "${a}", token = "A" }\n[install.scopes]\nacme = { url = "${b}", token = "B" }\n"@other" = "${c}"\n`,
      ),
    },
    'user and password': {
      files: toml(
        `[install]\nregistry = "${a.replace('//', '//u:p@')}"\n[install.scopes]\nacme = { url = "${b}", username = "v", password = "q" }\n`,
      ),
    },
    'bunfig.toml is stronger than .npmrc, which has logins for it': {
      files: { ...toml(`[install]\nregistry = "${a}"\n`), '.npmrc': `registry=${c}\n@acme:registry=${b}\n` },
      home: { '.npmrc': `${host(a)}:_authToken=A\n${host(b)}:_authToken=B\n` },
    },
    'a login of bunfig.toml is stronger than one of .npmrc': {
      files: toml(`[install]\nregistry = { url = "${a}", token = "A" }\n`),
      home: { '.npmrc': `${host(a)}:_authToken=N\n` },
    },
    'the user, and the project over it': {
      env,
      home: home(
        `[install]\nregistry = { url = "${c}", token = "C" }\n[install.scopes]\nacme = { url = "${b}", token = "B" }\n`,
      ),
      files: toml(`[install]\nregistry = "${a}"\n`),
    },
    'the user is stronger than .npmrc of the project': {
      env,
      home: home(`[install]\nregistry = { url = "${a}", token = "A" }\n`),
      files: { '.npmrc': `registry=${b}\n` },
    },
    'the folder of settings in the place of the home folder': {
      home: { ...home(`[install]\nregistry = "${b}"\n`), '../config/.bunfig.toml': `[install]\nregistry = "${a}"\n` },
    },
    'a variable in a file of the user': {
      env: { ...env, SECRET: 'S' },
      home: home(
        `[install]\nregistry = { url = "${a}", token = "$SECRET" }\n[install.scopes]\nacme = { url = "${b}", token = "x$SECRET" }\n`,
      ),
    },
    'BUN_CONFIG_REGISTRY is stronger than files, and has none of their logins': {
      files: toml(`[install]\nregistry = { url = "${b}", token = "B" }\n`),
      env: { BUN_CONFIG_REGISTRY: a, NPM_CONFIG_REGISTRY: c },
    },
    npm_config_registry: { files: { '.npmrc': `registry=${b}\n` }, env: { npm_config_registry: a } },
    'BUN_CONFIG_TOKEN is stronger than .npmrc': {
      home: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=F\n@acme:registry=${b}\n` },
      env: { BUN_CONFIG_TOKEN: 'T' },
    },
  }
}

const ALL = { npm: npmCases, yarn: yarnCases, berry: berryCases, bun: bunCases } as const

for (const kind of ['npm', 'yarn', 'berry', 'bun'] as const) {
  const [manager, args] = KINDS[kind]
  describe(`settings are those of real ${manager}`, { concurrency: 2 }, () => {
    for (const name of Object.keys(ALL[kind]({ a: 'http://a/', b: 'http://b/', c: 'http://c/' }))) {
      it(name, async (t) => {
        const registries = await three(t)
        const there = machine(t, ALL[kind](urlsOf(registries))[name] ?? {})
        const run = await runManager(manager, args, { cwd: there.dir, env: there.env })
        assert.equal(run.status, 0, run.output)
        const byManager = asked(registries)
        assert.equal(byManager.length, 2, run.output)
        for (const one of Object.values(registries)) one.forgetRequests()
        for (const pkg of ['widgets', '@acme/widgets']) found(await ask(kind, there)(locked(pkg)))
        assert.deepEqual(asked(registries), byManager)
      })
    }
  })
}

describe('what a repository could steal with, and managers would give', { concurrency: 2 }, () => {
  const env = { SECRET: 'SECRET' }
  const thefts: Readonly<Record<Exclude<SettingsOf, 'pnpm' | 'deno'>, Cases>> = {
    npm: ({ a }) => ({
      'a variable in a token': { files: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=\${SECRET}` }, env },
      'a variable in the path of a registry': { files: { '.npmrc': `registry=${a}\${SECRET}/` }, env },
    }),
    yarn: ({ a }) => ({
      'a variable in a token': {
        files: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=\${SECRET}\nalways-auth=true` },
        env,
      },
      "the user's token without host": {
        files: { '.npmrc': `registry=${a}\nalways-auth=true` },
        home: { '.npmrc': '_authToken=SECRET\n' },
      },
      'a variable in the path of a registry': { files: { '.npmrc': `registry=${a}\${SECRET}/` }, env },
    }),
    berry: ({ a }) => ({
      'a variable in a token': {
        files: { '.yarnrc.yml': `${BERRY}npmRegistryServer: "${a}"\nnpmAuthToken: "\${SECRET}"\nnpmAlwaysAuth: true` },
        env,
      },
      "the user's token without registry": {
        files: { '.yarnrc.yml': `${BERRY}npmRegistryServer: "${a}"\nnpmAlwaysAuth: true` },
        home: { '.yarnrc.yml': 'npmAuthToken: SECRET\n' },
      },
      "the operator's token without registry": {
        files: { '.yarnrc.yml': `${BERRY}npmRegistryServer: "${a}"\nnpmAlwaysAuth: true` },
        env: { YARN_NPM_AUTH_TOKEN: 'SECRET' },
      },
      "the user's token for a scope": {
        files: {
          '.yarnrc.yml': `${BERRY}npmRegistryServer: "${a}"\nnpmScopes: { acme: { npmRegistryServer: "${a}" } }`,
        },
        home: { '.yarnrc.yml': 'npmScopes: { acme: { npmAuthToken: SECRET } }\n' },
      },
      'a variable in the path of a registry': {
        files: { '.yarnrc.yml': `${BERRY}npmRegistryServer: "${a}\${SECRET}"` },
        env,
      },
    }),
    bun: ({ a }) => ({
      'a variable in a token': {
        files: { 'bunfig.toml': `[install]\nregistry = { url = "${a}", token = "$SECRET" }\n` },
        env,
      },
      'a variable in a token of .npmrc': {
        files: { '.npmrc': `registry=${a}\n${host(a)}:_authToken=\${SECRET}` },
        env,
      },
      "the operator's token": {
        files: { 'bunfig.toml': `[install]\nregistry = "${a}"\n` },
        env: { BUN_CONFIG_TOKEN: 'SECRET' },
      },
    }),
  }
  for (const kind of ['npm', 'yarn', 'berry', 'bun'] as const) {
    for (const name of Object.keys(thefts[kind]({ a: 'http://a/', b: 'http://b/', c: 'http://c/' }))) {
      it(`${kind}: ${name}`, async (t) => {
        const registries = await three(t)
        const there = machine(t, thefts[kind](urlsOf(registries))[name] ?? {})
        const [manager, args] = KINDS[kind]
        await runManager(manager, args, { cwd: there.dir, env: there.env })
        const told = () =>
          Object.values(registries).flatMap(({ requests }) =>
            requests.map((each) => [each.path, each.headers.authorization]),
          )
        // The manager itself does: else this is about nothing.
        assert.match(JSON.stringify(told()), /SECRET/)
        for (const one of Object.values(registries)) one.forgetRequests()
        for (const pkg of ['widgets', '@acme/widgets']) await ask(kind, there)(locked(pkg))
        assert.doesNotMatch(JSON.stringify(told()), /SECRET/)
      })
    }
  }
})

describe('a registry that depends on a variable', () => {
  const cases: readonly (readonly [SettingsOf, Case])[] = [
    ['npm', { files: { '.npmrc': `registry=\${URL}\n` } }],
    ['npm', { home: { '.npmrc': `registry=\${UNSET}\n` } }],
    ['yarn', { files: { '.npmrc': `registry=\${URL}\n` } }],
    ['berry', { files: { '.yarnrc.yml': `npmRegistryServer: "\${URL}"\n` } }],
    ['berry', { home: { '.yarnrc.yml': `npmRegistryServer: "\${UNSET}"\n` } }],
    ['bun', { files: { 'bunfig.toml': '[install]\nregistry = "$URL"\n' } }],
    ['deno', { files: { '.npmrc': `registry=\${URL}\n` } }],
  ]
  for (const [kind, options] of cases) {
    it(`is none, and never the public one in its place: ${kind} ${JSON.stringify(options)}`, async (t) => {
      const there = machine(t, { ...options, env: { URL: 'https://registry.example/', XDG_CONFIG_HOME: '' } })
      assert.match(
        refused(await ask(kind, there)(locked('widgets')), 'EVIDENCE_UNAVAILABLE'),
        /^the registry of widgets depends on a variable/,
      )
    })
  }
})

interface There {
  readonly root: string
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
}

function machine(t: TestContext, { files = {}, home = {}, above = {}, env = {} }: Case): There {
  const { root, dir, ...project } = createManagerProject({
    registry: 'http://127.0.0.1:9/',
    manifest: { dependencies: { widgets: '1.0.0', '@acme/widgets': '1.0.0' } },
    files: { ...NOTHING, ...files },
  })
  t.after(() => project.dispose())
  write(join(root, 'home'), home)
  write(root, above)
  return { root, dir, env: { ...project.env, ...env } }
}

function ask(kind: SettingsOf, { root, dir, env }: There) {
  const environment = { env, home: join(root, 'home'), platform: process.platform, execPath: process.execPath }
  return attestationsFrom(readSettingsFor(kind, dir, environment), LIMITS)
}

async function three(t: TestContext): Promise<Readonly<Record<'a' | 'b' | 'c', Registry>>> {
  const [a, b, c] = await Promise.all([registry(t), registry(t), registry(t)])
  return { a, b, c }
}

function urlsOf({ a, b, c }: Readonly<Record<'a' | 'b' | 'c', Registry>>) {
  return { a: a.url, b: b.url, c: c.url }
}

/** Which registry was asked for which package, and with what. Tarballs are not: yarn and bun get them too. */
function asked(registries: Readonly<Record<string, Registry>>): readonly string[] {
  const all = Object.entries(registries).flatMap(([name, { requests }]) =>
    requests.flatMap(({ path, headers }) => {
      if (path.endsWith('.tgz')) return []
      const [, pkg = path] = /(?:^|\/)((?:@acme\/)?widgets)(?:@1\.0\.0)?$/.exec(decodeURIComponent(path)) ?? []
      return [`${pkg} of ${name} with ${headers.authorization}`]
    }),
  )
  return [...new Set(all)].sort()
}
