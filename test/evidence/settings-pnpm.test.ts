import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { readRegistrySettings } from '../../src/evidence/settings.ts'
import { createProject, type PnpmVersion, runPnpm } from '../support/pnpm/index.ts'
import type { Registry } from '../support/registry/index.ts'
import { attestationsFrom, found, host, LIMITS, locked, registry, write } from './support.ts'

interface Case {
  readonly home?: string
  /** Files in pnpm's folder of settings. */
  readonly config?: Readonly<Record<string, string>>
  readonly project?: string
  readonly workspace?: Readonly<Record<string, unknown>>
  readonly env?: Readonly<Record<string, string>>
  /** The newest one if absent: 11 was found to do the same in every case, and is slow to start. */
  readonly versions?: readonly PnpmVersion[]
}

const NEWEST: readonly PnpmVersion[] = [12]

type Cases = (registries: Readonly<Record<'a' | 'b' | 'c', string>>) => Readonly<Record<string, Case>>

/** The registries are URLs; every case must lead to one of them, or pnpm would go to the public one. */
const cases: Cases = ({ a, b, c }) => ({
  "the user's npmrc, a scope, tokens": {
    home: `registry=${a}\n@acme:registry=${b}\n${host(a)}:_authToken=A\n${host(b)}:_authToken=B`,
    versions: [10, 11, 12],
  },
  'rc is weaker than npmrc': { home: `registry=${a}`, config: { rc: `registry=${b}` }, versions: [10] },
  'auth.ini is stronger than npmrc': {
    versions: [11, 12],
    home: `registry=${a}`,
    config: { 'auth.ini': `registry=${b}` },
  },
  'the project is stronger than auth.ini': { config: { 'auth.ini': `registry=${a}` }, project: `registry=${b}` },
  'npm_config_registry is stronger than the project': {
    project: `registry=${a}`,
    env: { npm_config_registry: b },
    versions: [10],
  },
  'pnpm-workspace.yaml is stronger than npm_config_registry': {
    workspace: { registries: { default: a } },
    env: { npm_config_registry: b },
    versions: [10],
  },
  'config.yaml is stronger than the project': {
    config: { 'config.yaml': JSON.stringify({ registries: { default: a, '@acme': b } }) },
    project: `registry=${c}\n@acme:registry=${c}`,
  },
  'pnpm-workspace.yaml is stronger than config.yaml': {
    config: { 'config.yaml': JSON.stringify({ registries: { default: a } }) },
    workspace: { registries: { default: b } },
  },
  'registry is stronger than registries': { workspace: { registry: a, registries: { default: b } } },
  'registries by URL': { workspace: { registries: { [a]: { scopes: ['@'] }, [b]: { scopes: ['@acme'] } } } },
  'pnpm_config_registry is stronger than pnpm-workspace.yaml': {
    versions: [11, 12],
    workspace: { registries: { default: a } },
    env: { pnpm_config_registry: b },
  },
  'tokens of variables are stronger than those of files, those of pnpm than those of npm': {
    home: `registry=${a}\n@acme:registry=${b}\n${host(a)}:_authToken=FILE\n${host(b)}:_authToken=FILE`,
    env: {
      [`npm_config_${host(a)}:_authToken`]: 'NPM',
      [`pnpm_config_${host(a)}:_authToken`]: 'PNPM',
      [`npm_config_${host(b)}:_authToken`]: 'NPM',
    },
  },
  'a login is stronger than a token of npmrc, and says where its registry is': {
    versions: [11, 12],
    home: `@acme:registry=${b}\n${host(a)}:_authToken=FILE`,
    config: { 'config.yaml': JSON.stringify({ _auth: { [a]: { '@': { authToken: 'LOGIN' } } } }) },
  },
  'a login for a scope': {
    home: `registry=${a}`,
    config: {
      'config.yaml': JSON.stringify({ _auth: { [a]: { '@': { authToken: 'A' }, '@acme': { authToken: 'S' } } } }),
    },
  },
  'a login at the registry of a scope': {
    home: `registry=${a}\n@acme:registry=${b}`,
    env: { pnpm_config__auth: JSON.stringify({ [b]: { '@': { authToken: 'B' } } }) },
  },
  'a login of the operator': {
    home: `registry=${a}`,
    env: {
      pnpm_config__auth: JSON.stringify({ [b]: { '@': { authToken: 'B' } }, [c]: { '@acme': { authToken: 'C' } } }),
    },
  },
  'variables in a file of the user': {
    home: `registry=\${URL}\n\${HOST}:_authToken=\${TOKEN}\n\${HOST}:@acme:_authToken=\${TOKEN-x}\${NONE?}`,
    env: { URL: a, HOST: host(a), TOKEN: 'T' },
  },
  'variables in the project': {
    home: `registry=${a}`,
    project: `${host(a)}:_authToken=\${TOKEN}\n//\${HOST}/:_authToken=x`,
    env: { HOST: new URL(a).host, TOKEN: 'SECRET' },
    versions: [10, 11, 12],
  },
  'a registry with a variable in the project': {
    home: `registry=${a}`,
    project: `registry=\${URL}`,
    env: { URL: b },
    versions: [10, 11],
  },
  'a token without host, and a project that names another registry': {
    home: `registry=${a}\n_authToken=T`,
    project: `@acme:registry=${b}`,
    versions: [10, 11, 12],
  },
  'a user and a password, a pair': {
    home: `registry=${a}\n@acme:registry=${b}\n${host(a)}:username=u\n${host(a)}:_password=${btoa('p')}\n${host(b)}:_auth=${btoa('v:q')}`,
    versions: [10, 11, 12],
  },
})

describe('settings are those of real pnpm: the same registry is asked, with the same credentials', {
  concurrency: 4,
}, () => {
  for (const [name, { versions = NEWEST }] of Object.entries(
    cases({ a: 'http://a/', b: 'http://b/', c: 'http://c/' }),
  )) {
    for (const version of versions) {
      it(`pnpm ${version}: ${name}`, async (t) => {
        const [a, b, c] = await Promise.all([registry(t), registry(t), registry(t)])
        const registries = { a, b, c }
        const {
          home = '',
          config = {},
          project = '',
          workspace = {},
          env = {},
        } = cases({ a: a.url, b: b.url, c: c.url })[name] ?? {}
        const there = createProject({
          registry: '',
          dependencies: { widgets: '1.0.0', '@acme/widgets': '1.0.0' },
          files: { '.npmrc': project },
          workspace,
        })
        t.after(() => there.dispose())
        write(join(there.root, 'home'), { '.npmrc': home })
        write(join(there.root, 'config/pnpm'), config)

        const run = await runPnpm(version, ['install', '--lockfile-only'], there, { env })
        assert.equal(run.status, 0, run.output)
        const byPnpm = asked(registries)
        for (const one of Object.values(registries)) one.forgetRequests()

        const environment = {
          env: { ...there.env, ...env },
          home: join(there.root, 'home'),
          platform: process.platform,
        }
        const ask = attestationsFrom(readRegistrySettings(there.dir, environment), LIMITS)
        for (const name of ['widgets', '@acme/widgets']) found(await ask(locked(name)))
        assert.deepEqual(asked(registries), byPnpm)
        assert.equal(byPnpm.length, 2)
      })
    }
  }
})

/** Which registry was asked for which package, and with what. */
function asked(registries: Readonly<Record<string, Registry>>): readonly string[] {
  const all = Object.entries(registries).flatMap(([name, { requests }]) =>
    requests.map(({ path, headers }) => {
      const [, pkg = path] = /(?:^|\/)((?:@acme\/)?widgets)(?:@1\.0\.0)?$/.exec(decodeURIComponent(path)) ?? []
      return `${pkg} of ${name} with ${headers.authorization}`
    }),
  )
  return [...new Set(all)].sort()
}
