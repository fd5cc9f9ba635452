import path from 'node:path'
import { GateError } from '../errors.ts'
import { upwards } from '../folders.ts'
import { NO_HOST, withoutExceptions, withSettings } from './environment.ts'
import { ownEntries } from './own.ts'
import type { Call, Manager, Reader } from './types.ts'
import { isSet, plainCommand, setsOneOf, wordsOf } from './words.ts'
import { settingsIn } from './yaml.ts'

const NETWORK = [
  ...['proxy', 'https-proxy', 'http-proxy', 'noproxy', 'no-proxy', 'cafile', 'ca', 'local-address'],
  ...['config.proxy', 'config.https-proxy', 'config.http-proxy', 'config.noproxy', 'config.no-proxy', 'config.cafile'],
  ...['config.httpsproxy', 'config.httpproxy', 'config.store-dir', 'config.storedir', 'config.cache-dir'],
]
const STORES = [
  'offline',
  'store-dir',
  'cache-dir',
  'virtual-store-dir',
  'global',
  'g',
  'use-store-server',
  'package-import-method',
]
/** They move what is installed, or where from, to a lockfile that was not looked at. */
const ELSEWHERE = [
  ...['lockfile-dir', 'lockfile', 'fix-lockfile', 'merge-git-branch-lockfiles', 'config.lockfile-dir'],
  ...['ignore-workspace', 'ci', 'config.ci'],
]

const WITH_VALUE = [
  '--dir',
  '-C',
  '--filter',
  '-F',
  '--registry',
  '--loglevel',
  '--reporter',
  '--workspace-concurrency',
]
const PLAIN = ['install', 'i']
const ASKING = ['add', 'update', 'up', 'upgrade', 'dlx', ...PLAIN]

/**
 * pnpm 10 to 12. pnpm 11 and 12 read `pnpm_config_*`, which are stronger than pnpm-workspace.yaml where they are not empty; pnpm
 * 10 reads `npm_config_*`, which are weaker than that file, and stronger than `.npmrc`. The command line is the strongest.
 */
export const pnpm: Manager = {
  name: 'pnpm',
  title: 'pnpm',
  lockfiles: ['pnpm-lock.yaml'],
  note: 'node_modules/.pnpm/lock.yaml',
  bindsCaches: true,
  isStrict(call, root, read) {
    const command = isExecuting(call) ? undefined : plainCommand(call.args, ['dir', 'c'])
    if (command === undefined || wordsOf(call.args, WITH_VALUE).length > 1) return false
    if (root !== lockfileFolder(call, read)) return false
    if (setsOneOf(call.args, ELSEWHERE) !== undefined || setsLockfile(call, root, read)) return false
    if (call.args.some((word) => /^-+config\..*lockfile/i.test(word))) return false
    if (['ci', 'clean-install', 'ic', 'install-clean'].includes(command)) return true
    if (!PLAIN.includes(command)) return false
    const isSaid = setsOneOf(call.args, ['frozen-lockfile', 'prefer-frozen-lockfile']) !== undefined
    return isSaid ? isSet(call.args, ['--frozen-lockfile']) : isCi(call.env)
  },
  refusePastGate({ args }, folders, read, isFresh) {
    const found = setsOneOf(args, isFresh ? [...NETWORK, ...STORES] : NETWORK)
    if (found !== undefined) {
      throw new GateError(
        `pnpm's option ${found} would lead past the gate: expected none that sets a proxy, an authority${isFresh ? ', a store or a cache, installs globally, or keeps pnpm from downloading' : ''}. Leave it out; the gate itself uses the proxies and authorities of your settings and environment.`,
      )
    }
    for (const file of folders.map((folder) => path.join(folder, 'pnpm-workspace.yaml'))) {
      // A proxy on the command line could be read by every user of this machine, and with it the gate's password.
      const key = ownEntries(settingsIn(file, read(file)))
        .map(([name]) => name)
        .find((name) => /^(?:https?)?proxy$/i.test(name.replaceAll(/[-_]/g, '')))
      if (key === undefined) continue
      throw new GateError(
        `${file} sets ${key}, which for pnpm 10 is stronger than what the gate can set, and would lead past it: expected no proxy in a file of the repository. Move it to the variable HTTPS_PROXY or to your own .npmrc, which the gate itself uses.`,
      )
    }
  },
  launch({ args, env }, { proxy, bundle, extra, fresh }) {
    const own =
      fresh === undefined
        ? {}
        : {
            store_dir: path.join(fresh, 'store'),
            cache_dir: path.join(fresh, 'cache'),
            // Linked from a store that goes away, node_modules would be empty.
            enable_global_virtual_store: 'false',
          }
    const settings = { proxy, https_proxy: proxy, noproxy: NO_HOST, cafile: bundle, ...own }
    const old = withSettings(env, 'npm_config_', settings)
    const current = withSettings(old, 'pnpm_config_', { ...settings, http_proxy: proxy })
    // For pnpm 10, whose pnpm-workspace.yaml is stronger than its environment.
    const strong = { ...own, cafile: bundle, noproxy: NO_HOST, no_proxy: NO_HOST }
    return {
      args: [
        ...Object.entries(strong).map(([name, value]) => `--config.${name.replaceAll('_', '-')}=${value}`),
        ...args,
      ],
      env: {
        ...withoutExceptions(current),
        // Spelled so much like `noproxy` that one would take the other away.
        npm_config_no_proxy: NO_HOST,
        pnpm_config_no_proxy: NO_HOST,
        NODE_EXTRA_CA_CERTS: extra,
      },
    }
  },
  asked(call) {
    const words = wordsOf(call.args, [...WITH_VALUE, '--package'])
    if (isExecuting(call)) return words.slice(0, 1)
    const [command = '', ...rest] = words
    if (command === 'dlx') return rest.slice(0, 1)
    return ASKING.includes(command) ? rest : []
  },
}

function isExecuting({ program, before }: Call): boolean {
  return /^(?:pnpx|pnx)\b/i.test(path.win32.basename(before[0] ?? program))
}

/** Where pnpm looks for its lockfile, and nowhere else: one in another folder is not what it installs. */
function lockfileFolder({ folder }: Call, read: Reader): string {
  const has = (name: string) => (each: string) => read(path.join(each, name)) !== undefined
  const above = upwards(folder)
  return above.find(has('pnpm-workspace.yaml')) ?? above.find(has('package.json')) ?? folder
}

/**
 * Whether a setting is about lockfiles (which one there is, whether there is one, whether it is kept to, as in CI), or one of
 * the repository is about the store: pnpm compares what it takes from there with a list of digests that lies there, too, so
 * whoever brings a store brings packages of any name.
 */
function setsLockfile({ env, folder }: Call, root: string, read: Reader): boolean {
  if (Object.keys(env).some((name) => /^p?npm_config_(?:.*lockfile|ci$|workspace_?dir)/i.test(name))) return true
  const home = env.HOME || env.USERPROFILE || '/'
  const config = path.join(env.XDG_CONFIG_HOME || path.join(home, '.config'), 'pnpm')
  const own = [root, folder].flatMap((each) => [path.join(each, 'pnpm-workspace.yaml'), path.join(each, '.npmrc')])
  const users = [path.join(home, '.npmrc'), path.join(config, 'rc'), path.join(config, 'config.yaml')]
  const sets = (file: string, pattern: RegExp) => {
    const text = read(file) ?? ''
    return keysIn(file, text).some((key) => pattern.test(key))
  }
  return (
    own.some((file) => sets(file, /lockfile|\\|^["']?ci\b|store|cache-?dir/i)) ||
    users.some((file) => sets(file, /lockfile|\\|^["']?ci\b/i))
  )
}

/** Of .npmrc all but registries' own; in quotes, a key may be spelled with escapes. */
function keysIn(file: string, text: string): readonly string[] {
  if (file.endsWith('.yaml')) return ownEntries(settingsIn(file, text)).map(([key]) => key)
  const keys = text.split(/\r\n?|\n/).map((line) => line.split('=', 1)[0]?.trim() ?? '')
  return keys.filter((key) => !/^(?:[#;@]|\/\/)/.test(key))
}

function isCi({ CI }: Call['env']): boolean {
  return CI === 'true' || CI === '1'
}
