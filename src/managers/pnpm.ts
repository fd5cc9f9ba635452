import path from 'node:path'
import { GateError } from '../errors.ts'
import { NO_HOST, withSettings } from './environment.ts'
import type { Call, Manager, Reader } from './types.ts'
import { isSet, plainCommand, setsOneOf, wordsOf } from './words.ts'

const NETWORK = [
  ...['proxy', 'https-proxy', 'http-proxy', 'noproxy', 'no-proxy', 'cafile', 'ca', 'local-address'],
  ...['config.proxy', 'config.https-proxy', 'config.http-proxy', 'config.noproxy', 'config.no-proxy', 'config.cafile'],
  ...['config.httpsproxy', 'config.httpproxy', 'config.store-dir', 'config.storedir', 'config.cache-dir'],
]
const STORES = [
  'store-dir',
  'cache-dir',
  'virtual-store-dir',
  'global',
  'g',
  'use-store-server',
  'package-import-method',
]
/** They move what is installed, or where from, to a lockfile that was not looked at. */
const ELSEWHERE = ['lockfile-dir', 'lockfile', 'fix-lockfile', 'merge-git-branch-lockfiles', 'config.lockfile-dir']

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
 * pnpm 10 to 12. Its environment is stronger than `.npmrc` and pnpm-workspace.yaml, and weaker than its command line; measured
 * with all three: `noProxy` of pnpm-workspace.yaml holds where the variable is empty. pnpm 10 reads `npm_config_*`, 11 and 12
 * read `pnpm_config_*`.
 */
export const pnpm: Manager = {
  name: 'pnpm',
  title: 'pnpm',
  lockfiles: ['pnpm-lock.yaml'],
  bindsCaches: true,
  isStrict(call, root, read) {
    const command = isExecuting(call) ? undefined : plainCommand(call.args, ['dir', 'c'])
    if (command === undefined || wordsOf(call.args, WITH_VALUE).length > 1) return false
    if (setsOneOf(call.args, ELSEWHERE) !== undefined) return false
    if (['ci', 'clean-install', 'ic', 'install-clean'].includes(command)) return true
    if (!PLAIN.includes(command)) return false
    if (setsOneOf(call.args, ['frozen-lockfile', 'prefer-frozen-lockfile']) !== undefined)
      return isSet(call.args, ['--frozen-lockfile'])
    return (
      isCi(call.env) &&
      !Object.keys(call.env).some((name) => FROZEN.test(name)) &&
      !saysOtherwise(call.folder, root, read)
    )
  },
  refusePastGate({ args }, _folders, _read, isFresh) {
    const found = setsOneOf(args, isFresh ? [...NETWORK, ...STORES] : NETWORK)
    if (found !== undefined) {
      throw new GateError(
        `pnpm's option ${found} would lead past the gate: expected none that sets a proxy, an authority${isFresh ? ', a store or a cache, or installs globally' : ''}. Leave it out; the gate itself uses the proxies and authorities of your settings and environment.`,
      )
    }
  },
  launch({ args, env }, { proxy, bundle, extra, fresh }) {
    const settings = {
      proxy,
      https_proxy: proxy,
      noproxy: NO_HOST,
      cafile: bundle,
      // Linked from a store that goes away, node_modules would be empty.
      ...(fresh === undefined
        ? {}
        : {
            store_dir: path.join(fresh, 'store'),
            cache_dir: path.join(fresh, 'cache'),
            enable_global_virtual_store: 'false',
          }),
    }
    const old = withSettings(env, 'npm_config_', settings)
    const current = withSettings(old, 'pnpm_config_', { ...settings, http_proxy: proxy })
    // Spelled like `noproxy`, which would take it away.
    return { args, env: { ...current, pnpm_config_no_proxy: NO_HOST, NODE_EXTRA_CA_CERTS: extra } }
  },
  asked(call) {
    const words = wordsOf(call.args, [...WITH_VALUE, '--package'])
    if (isExecuting(call)) return words.slice(0, 1)
    const [command = '', ...rest] = words
    if (command === 'dlx') return rest.slice(0, 1)
    return ASKING.includes(command) ? rest : []
  },
}

const FROZEN = /^p?npm_config_(?:prefer_)?frozen_lockfile$/i

function isExecuting({ program, before }: Call): boolean {
  return /^(?:pnpx|pnx)\b/i.test(path.win32.basename(before[0] ?? program))
}

/** In CI pnpm installs strictly from the lockfile, unless a setting of the repository says that it does not. */
function saysOtherwise(folder: string, root: string, read: Reader): boolean {
  return [root, folder].some((each) =>
    ['pnpm-workspace.yaml', '.npmrc'].some((file) =>
      /frozen-?lockfile|shared-?workspace-?lockfile|lockfile-?dir|git-?branch-?lockfile/i.test(
        read(path.join(each, file)) ?? '',
      ),
    ),
  )
}

function isCi({ CI }: Call['env']): boolean {
  return CI === 'true' || CI === '1'
}
