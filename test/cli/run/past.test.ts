/**
 * What a repository's files, the environment and the command line can say to lead a package manager past the gate, tried with
 * the real ones. Each would install the unproven package, if nothing were done about it.
 */
import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { startWorld } from '../../support/world.ts'
import {
  assertNothingLeft,
  installed,
  LOCKFILES,
  marks,
  type Runner,
  type RunProject,
  runProject,
  through,
  without,
} from './support.ts'

const world = await startWorld()
after(() => world.close())
world.publishUnproven({ name: 'bare', version: '1.0.0' })
await world.publish({ name: 'widget', version: '1.0.0' })

interface Way {
  readonly files?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Where the gate cannot be stronger, it says so, and names this. */
  readonly says?: RegExp
  /** With everything in the caches, node_modules and the lockfile gone. */
  readonly isWarm?: boolean
  readonly prepare?: (project: RunProject) => void
}

const NPM: Readonly<Record<string, Way>> = {
  'noproxy of .npmrc': { files: { '.npmrc': rc('noproxy=127.0.0.1') } },
  'proxy of .npmrc': { files: { '.npmrc': rc('proxy=http://127.0.0.1:1/\nhttps-proxy=http://127.0.0.1:1/') } },
  'a cache of .npmrc': { isWarm: true, files: { '.npmrc': rc('cache=../npm-cache\nprefer-offline=true') } },
  'offline of .npmrc': { isWarm: true, files: { '.npmrc': rc('offline=true') } },
  '--noproxy': { args: ['--noproxy=127.0.0.1'], says: /npm's option --noproxy=127\.0\.0\.1 / },
  'an abbreviation of it': { args: ['--noprox', '127.0.0.1'], says: /npm's option --noprox / },
  'it with one dash': { args: ['-noproxy', '127.0.0.1'], says: /npm's option -noproxy / },
  '--no-proxy': { args: ['--no-proxy'], says: /npm's option --no-proxy / },
  '--https-proxy': { args: ['--https-proxy', 'http://127.0.0.1:1/'], says: /npm's option --https-proxy / },
  '--cache': { isWarm: true, args: ['--cache=../npm-cache'], says: /npm's option --cache=/ },
  '--offline': { isWarm: true, args: ['--offline'], says: /npm's option --offline .*downloading/ },
  '--prefer-offline': { isWarm: true, args: ['--prefer-offline'] },
  NO_PROXY: { env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
  NPM_CONFIG_NOPROXY: { env: { NPM_CONFIG_NOPROXY: '127.0.0.1', npm_config_no_proxy: '127.0.0.1' } },
  npm_config_cache: { isWarm: true, env: { NPM_CONFIG_CACHE: '../npm-cache' } },
}

const PNPM: Readonly<Record<string, Way>> = {
  'noProxy of pnpm-workspace.yaml': { files: workspace('noProxy: 127.0.0.1') },
  'noproxy of it': { files: workspace('noproxy: 127.0.0.1') },
  'proxies of it': { files: workspace("httpProxy: ''"), says: /pnpm-workspace\.yaml sets httpProxy, / },
  'a proxy with escapes': { files: workspace('"http\\x50roxy": ""'), says: /pnpm-workspace\.yaml sets httpProxy, / },
  'a proxy behind another key': {
    files: { 'pnpm-workspace.yaml': '{"dangerouslyAllowAllBuilds": true, "http-proxy": ""}\n' },
    says: /pnpm-workspace\.yaml sets http-proxy, /,
  },
  'noproxy of .npmrc': { files: { '.npmrc': rc('noproxy=127.0.0.1\nno-proxy=127.0.0.1') } },
  'the store': { isWarm: true },
  'a store of pnpm-workspace.yaml': {
    isWarm: true,
    files: workspace('storeDir: ../other-store\ncacheDir: ../other-cache'),
  },
  'the global virtual store': { isWarm: true, files: workspace('enableGlobalVirtualStore: true') },
  'offline of pnpm-workspace.yaml': { isWarm: true, files: workspace('offline: true') },
  '--offline': { isWarm: true, args: ['--offline'], says: /pnpm's option --offline / },
  '--prefer-offline': { isWarm: true, args: ['--prefer-offline'] },
  '--store-dir': { isWarm: true, args: ['--store-dir=../store'], says: /pnpm's option --store-dir=/ },
  '--config.store-dir': {
    isWarm: true,
    args: ['--config.store-dir=../store'],
    says: /pnpm's option --config\.store-dir=/,
  },
  '--config.noproxy': { args: ['--config.noproxy=127.0.0.1'], says: /pnpm's option --config\.noproxy=/ },
  '--global': { args: ['--global'], says: /pnpm's option --global / },
  NO_PROXY: { env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
  pnpm_config_noproxy: { env: { PNPM_CONFIG_NOPROXY: '127.0.0.1', pnpm_config_no_proxy: '127.0.0.1' } },
}

const WAYS: Readonly<Partial<Record<Runner, Readonly<Record<string, Way>>>>> = {
  npm11: NPM,
  npm12: NPM,
  pnpm10: PNPM,
  pnpm11: PNPM,
  pnpm12: PNPM,
  yarn1: {
    'proxy of .yarnrc': { files: { '.yarnrc': yarnrc('proxy ""\nhttps-proxy ""') } },
    'an argument in .yarnrc': {
      files: { '.yarnrc': yarnrc('"--install.proxy" ""') },
      says: /\.yarnrc:2 sets --install\.proxy/,
    },
    'one for all commands': { files: { '.yarnrc': yarnrc('--proxy ""') }, says: /\.yarnrc:2 sets --proxy/ },
    'one with escapes': {
      files: { '.yarnrc': yarnrc('"--install\\u002eproxy" ""') },
      says: /SETTINGS_UNSAFE: .*\n\s*\.yarnrc:2: /,
    },
    'one behind another key': {
      files: { '.yarnrc': yarnrc('lastUpdateCheck, --install.proxy ""') },
      says: /SETTINGS_UNSAFE: .*\n\s*\.yarnrc:2: /,
    },
    'one in a folder above': {
      prepare: ({ root }) => writeFileSync(path.join(root, '.yarnrc'), '--*.cache-folder "/x"\n'),
      says: /\.yarnrc:1 sets --\*\.cache-folder/,
    },
    'an offline mirror in the repository': {
      isWarm: true,
      files: { '.yarnrc': yarnrc('yarn-offline-mirror "./mirror"') },
    },
    'the cache': { isWarm: true },
    'a cache of .yarnrc': { isWarm: true, files: { '.yarnrc': yarnrc('cache-folder "../yarn-cache"') } },
    '--cache-folder': {
      isWarm: true,
      args: ['--cache-folder', '../yarn-cache'],
      says: /yarn's option --cache-folder /,
    },
    '--offline': { isWarm: true, args: ['--offline'], says: /yarn's option --offline / },
    '--proxy': { args: ['--proxy', ''], says: /yarn's option --proxy / },
    NO_PROXY: { env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
  },
  yarn4: {
    'no proxy for a host of .yarnrc.yml': {
      files: berry("networkSettings: {'127.0.0.1': {httpProxy: ''}}"),
      says: /\.yarnrc\.yml sets httpProxy for 127\.0\.0\.1 under networkSettings/,
    },
    'another proxy for hosts': {
      files: berry("networkSettings:\n  '*':\n    httpsProxy: 'http://127.0.0.1:1/'"),
      says: /\.yarnrc\.yml sets httpsProxy for \*/,
    },
    'one in a folder above': {
      prepare: ({ root }) => writeFileSync(path.join(root, '.yarnrc.yml'), "networkSettings: {'*': {httpProxy: ''}}\n"),
      says: /sets httpProxy for \*/,
    },
    'one with escapes': {
      files: berry('"network\\x53ettings": {"127.0.0.1": {"http\\x50roxy": ""}}'),
      says: /sets httpProxy for 127\.0\.0\.1/,
    },
    'one by an anchor': {
      files: berry('unknown: &x {httpProxy: ""}\nnetworkSettings: {"127.0.0.1": *x}'),
      says: /expected a version|cannot be read as YAML/,
    },
    'one in the old syntax': {
      files: { '.yarnrc.yml': oldSyntax() },
      says: /\.yarnrc\.yml:3: no plain YAML/,
    },
    'no network, with everything in the cache': { isWarm: true, env: { YARN_ENABLE_NETWORK: 'false' } },
    'offline, with everything in the cache': { isWarm: true, env: { YARN_ENABLE_OFFLINE_MODE: 'true' } },
    'settings that nobody can read': { files: berry('a: [\n'), says: /\.yarnrc\.yml:\d+: no plain YAML/ },
    'httpProxy of .yarnrc.yml': { files: berry("httpProxy: ''") },
    'the cache': { isWarm: true },
    'a cache in the repository': { isWarm: true, files: berry('enableGlobalCache: false') },
    'an add from the cache': { isWarm: true, args: ['add', 'bare'] },
    'an add from the cache with Plug and Play': {
      ...{ isWarm: true, args: ['add', 'bare'], env: { YARN_NODE_LINKER: 'pnp' } },
      says: /yarn add with Plug'n'Play/,
    },
    NO_PROXY: { env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
  },
  bun: {
    'NO_PROXY of .env': { files: { '.env': 'NO_PROXY=127.0.0.1\nno_proxy=127.0.0.1\n' } },
    'a proxy of .env': { files: { '.env': 'HTTP_PROXY=http://127.0.0.1:1/\nhttp_proxy=http://127.0.0.1:1/\n' } },
    'the cache': { isWarm: true },
    'a cache of .env': { isWarm: true, files: { '.env': 'BUN_INSTALL_CACHE_DIR=../bun-cache\n' } },
    'a cache of bunfig.toml': { isWarm: true, files: bunfig('[install.cache]\ndir = "../bun-cache"') },
    'an authority of bunfig.toml': { files: bunfig('cafile = "/nonexistent"') },
    '--cache-dir': { isWarm: true, args: ['--cache-dir=../bun-cache'], says: /bun's option --cache-dir=/ },
    '--cafile': { args: ['--cafile', 'x'], says: /bun's option --cafile / },
    NO_PROXY: { env: { NO_PROXY: '127.0.0.1', no_proxy: '127.0.0.1' } },
  },
}

for (const [runner, ways] of Object.entries(WAYS) as [Runner, Readonly<Record<string, Way>>][]) {
  describe(`${runner} is not led past the gate by`, () => {
    for (const [what, way] of Object.entries(ways)) {
      test(what, async (t) => {
        const isAdd = way.args?.[0] === 'add'
        const project = runProject(t, world, {
          dependencies: { bare: '1.0.0' },
          ...(way.files === undefined ? {} : { files: way.files }),
        })
        if (way.isWarm) await warm(runner, project)
        if (isAdd) rewriteManifest(project)
        way.prepare?.(project)
        const args = isAdd ? (way.args ?? []) : ['install', ...(way.args ?? [])]
        const run = await through(runner, args, project, way.env === undefined ? {} : { env: way.env })
        assert.notEqual(run.status, 0, run.output)
        assert.deepEqual([installed(project, 'bare'), marks(project)], [[], []], run.output)
        if (way.says !== undefined) {
          assert.match(run.stderr, way.says)
          assert.equal(run.status, 2)
        }
        assertNothingLeft(project)
      })
    }
  })
}

/** Puts the package into every cache that this manager has by these settings, as an install without the gate would. */
async function warm(runner: Runner, project: RunProject): Promise<void> {
  mkdirSync(path.join(project.dir, 'mirror'), { recursive: true })
  const run = await without(runner, ['install'], project)
  // One that is told to be offline has to be online once.
  if (run.status !== 0) {
    const { dir } = project
    const files = ['.npmrc', 'pnpm-workspace.yaml'].filter((file) => readdirSync(dir).includes(file))
    for (const file of files) cpSync(path.join(dir, file), path.join(project.root, file))
    project.write({ '.npmrc': rc(''), ...workspace('') })
    const again = await without(runner, ['install'], project)
    assert.equal(again.status, 0, again.output)
    for (const file of files) cpSync(path.join(project.root, file), path.join(dir, file))
  }
  assert.ok(marks(project).includes('bare@1.0.0'))
  rmSync(path.join(project.markersDir, 'bare%401.0.0'))
  for (const name of ['node_modules', LOCKFILES[runner]])
    rmSync(path.join(project.dir, name), { recursive: true, force: true })
}

/** Nothing is asked for any more. */
function rewriteManifest({ dir, write }: RunProject): void {
  write({ 'package.json': JSON.stringify({ name: 'project', private: true, dependencies: {} }), 'yarn.lock': '' })
  rmSync(path.join(dir, 'node_modules'), { recursive: true, force: true })
}

function rc(lines: string): string {
  return `registry=${world.registry.url}\n${lines}\n`
}

function workspace(lines: string): Readonly<Record<string, string>> {
  const usual = 'dangerouslyAllowAllBuilds: true\nsideEffectsCache: false\npmOnFail: ignore\nfetchRetries: 0\n'
  return { 'pnpm-workspace.yaml': `${usual}${lines}\n` }
}

function yarnrc(lines: string): string {
  return `registry "${world.registry.url}"\n${lines}\n`
}

function berry(lines: string): Readonly<Record<string, string>> {
  const usual = [
    `npmRegistryServer: "${world.registry.url.replace(/\/$/, '')}"`,
    'unsafeHttpWhitelist: ["127.0.0.1"]\nenableTelemetry: false\nenableScripts: true\nhttpRetry: 0',
  ]
  return {
    '.yarnrc.yml': `${[...usual, lines.includes('linker') ? '' : 'nodeLinker: node-modules', lines].join('\n')}\n`,
  }
}

function bunfig(lines: string): Readonly<Record<string, string>> {
  return { 'bunfig.toml': `[install]\nregistry = "${world.registry.url}"\n${lines}\n` }
}

/** What yarn takes for a file in the syntax of yarn 1, by its first line. */
function oldSyntax(): string {
  const settings = ['httpProxy ""', 'httpsProxy ""'].map((line) => `    ${line}`)
  return [
    '# yarn lockfile v1',
    '',
    `npmRegistryServer "${world.registry.url.replace(/\/$/, '')}"`,
    'enableTelemetry false\nenableScripts true\nhttpRetry 0\nnodeLinker "node-modules"',
    'networkSettings:\n  "127.0.0.1":',
    ...settings,
    '',
  ].join('\n')
}
