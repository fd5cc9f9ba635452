import path from 'node:path'
import { GateError } from '../errors.ts'
import { NO_HOST, withoutExceptions, withSettings } from './environment.ts'
import type { Call, Manager } from './types.ts'
import { plainCommand, setsOneOf, wordsOf } from './words.ts'

/** `npm ci`, under all its names. */
const STRICT = ['ci', 'clean-install', 'ic', 'install-clean', 'isntall-clean', 'cit', 'install-ci-test', 'sit']
const ASKING = [
  'install',
  'add',
  'i',
  'in',
  'ins',
  'inst',
  'insta',
  'instal',
  'isnt',
  'isnta',
  'isntal',
  'isntall',
  'it',
]
const EXECUTING = ['exec', 'x']
/** Some commands that install nothing into the project. */
const NOT_INSTALLING = [...EXECUTING, 'run', 'run-script', 'test', 'start', 'pack', 'publish', 'view', 'ls', 'config']

/** What would put something in place of the gate: npm believes its command line before its environment. */
const NETWORK = ['proxy', 'https-proxy', 'http-proxy', 'noproxy', 'cafile', 'ca', 'local-address']

const WITH_VALUE = ['--prefix', '-C', '--workspace', '-w', '--registry', '--tag', '--loglevel', '--omit', '--include']

/**
 * npm, and npx. Its environment is stronger than any `.npmrc`, and weaker than its command line. Measured with 11 and 12: an
 * empty `npm_config_noproxy` counts as not set, and `noproxy=` of the project's `.npmrc` would hold.
 */
export const npm: Manager = {
  name: 'npm',
  title: 'npm',
  lockfiles: ['npm-shrinkwrap.json', 'package-lock.json'],
  note: 'node_modules/.package-lock.json',
  bindsCaches: true,
  clears: (call) => !isNpx(call) && STRICT.includes(plainCommand(call.args, ['prefix']) ?? ''),
  isStrict: (call) => !isNpx(call) && STRICT.includes(plainCommand(call.args, ['prefix']) ?? ''),
  refusePastGate(call, _folders, _read, isFresh) {
    const own = isNpx(call) ? ownOptions(call.args) : call.args
    const found = setsOneOf(own, isFresh ? [...NETWORK, 'cache', 'offline'] : NETWORK)
    if (found !== undefined) {
      throw new GateError(
        `npm's option ${found} would lead past the gate: expected none that sets a proxy, an authority${isFresh ? ', or a cache, or keeps npm from downloading' : ''}. Leave it out; the gate itself uses the proxies and authorities of your .npmrc and environment.`,
      )
    }
  },
  // Measured with 11 and 12: `resolved` of a yarn.lock decides what is installed, aliases and folders included.
  adopts: (call) => (isNpx(call) || NOT_INSTALLING.includes(plainCommand(call.args, []) ?? '') ? [] : ['yarn.lock']),
  launch: ({ args, env }, { proxy, bundle, extra, fresh }) => ({
    args,
    env: {
      ...withSettings(withoutExceptions(env), 'npm_config_', {
        proxy,
        https_proxy: proxy,
        noproxy: NO_HOST,
        cafile: bundle,
        ...(fresh === undefined ? {} : { cache: path.join(fresh, 'npm'), logs_dir: logs(env) }),
      }),
      NODE_EXTRA_CA_CERTS: extra,
    },
  }),
  asked(call) {
    if (isNpx(call)) return executed(call.args)
    const command = commandOf(call)
    if (EXECUTING.includes(command)) return executed(call.args.slice(call.args.indexOf(command) + 1))
    return ASKING.includes(command) ? wordsOf(call.args, WITH_VALUE).slice(1) : []
  },
}

function isNpx({ program, before }: Call): boolean {
  const name = before[0] ?? program
  return /^npx(?:-cli)?(?:\.(?:cmd|exe|ps1|js|cjs))?$/i.test(path.win32.basename(name))
}

function commandOf({ args }: Call): string {
  return wordsOf(args, WITH_VALUE)[0] ?? ''
}

/** npx hands everything behind the first word to the program that it runs; `npm exec` only what stands behind a `--`. */
function ownOptions(args: readonly string[]): readonly string[] {
  const [first] = wordsOf(args, [...WITH_VALUE, '--package', '-p', '--call', '-c'])
  return first === undefined ? args : args.slice(0, args.indexOf(first))
}

/** `npx --package x y`: x; else the first word. */
function executed(args: readonly string[]): readonly string[] {
  const packages = args.flatMap((word, index) => {
    if (word === '--package' || word === '-p') return [args[index + 1] ?? '']
    return word.startsWith('--package=') ? [word.slice('--package='.length)] : []
  })
  if (packages.length > 0) return packages
  return wordsOf(args, ['--call', '-c']).slice(0, 1)
}

/** The log that npm names when it fails has to be there when the private cache is gone. */
function logs(env: Call['env']): string {
  const cache = env.npm_config_cache || env.NPM_CONFIG_CACHE || path.join(env.HOME || env.USERPROFILE || '.', '.npm')
  return env.npm_config_logs_dir || env.NPM_CONFIG_LOGS_DIR || path.join(cache, '_logs')
}
