import path from 'node:path'
import { GateError } from '../errors.ts'
import { generalProxy } from './environment.ts'
import type { Call, Manager } from './types.ts'
import { isSet, setsOneOf, wordsOf } from './words.ts'

const WITH_VALUE = ['--cwd', '--config', '-c', '--registry', '--cafile', '--ca', '--backend', '--filter', '-F']
const INSTALLING = ['install', 'i', 'add', 'a', 'update', 'remove', 'rm', 'ci']
const ASKING = ['install', 'i', 'add', 'a', 'update']
const PAST = ['cafile', 'ca', 'cache-dir', 'backend']

/**
 * bun. It has no setting for proxies but the variables that every program reads, and takes from a repository's `.env` those
 * that are not set. Its cache holds unpacked packages by name and version, and nothing compares them with the lockfile's
 * digests: it is never used.
 */
export const bun: Manager = {
  name: 'bun',
  title: 'bun',
  lockfiles: ['bun.lock', 'bun.lockb'],
  bindsCaches: false,
  isStrict(call) {
    const [command = '', ...rest] = isExecuting(call) ? [] : wordsOf(call.args, WITH_VALUE)
    if (command === 'ci') return true
    return INSTALLING.slice(0, 2).includes(command) && rest.length === 0 && isSet(call.args, ['--frozen-lockfile'])
  },
  refusePastGate(call) {
    if (!isInstalling(call)) return
    const found = setsOneOf(call.args, PAST)
    if (found !== undefined) {
      throw new GateError(
        `bun's option ${found} would lead past the gate: expected none that sets an authority, a cache or a backend. Leave it out; the gate itself trusts the authorities of your .npmrc and of NODE_EXTRA_CA_CERTS.`,
      )
    }
  },
  // Measured with 1.4: it makes its own lockfile from those of others.
  adopts: (call) =>
    isInstalling(call) ? ['package-lock.json', 'npm-shrinkwrap.json', 'yarn.lock', 'pnpm-lock.yaml'] : [],
  launch(call, road) {
    const { args, env } = call
    const { fresh } = road
    // `cafile` of bunfig.toml or .npmrc would take the place of what the variables add; the option takes the place of that.
    const at = isInstalling(call) ? args.findIndex((word) => INSTALLING.includes(word)) + 1 : 0
    return {
      args: at === 0 ? args : [...args.slice(0, at), '--cafile', road.bundle, ...args.slice(at)],
      env: {
        ...generalProxy(env, road),
        ...(fresh === undefined
          ? {}
          : // bunx keeps what it has installed in the folder for temporary files, and takes it from there for a day.
            { BUN_INSTALL_CACHE_DIR: path.join(fresh, 'bun'), BUN_TMPDIR: path.join(fresh, 'bun-tmp') }),
      },
    }
  },
  asked(call) {
    const words = wordsOf(call.args, WITH_VALUE)
    if (isExecuting(call)) return words.slice(0, 1)
    const [command = '', ...rest] = words
    if (command === 'x') return rest.slice(0, 1)
    return ASKING.includes(command) ? rest : []
  },
}

function isExecuting({ program, before }: Call): boolean {
  return /^bunx\b/i.test(path.win32.basename(before[0] ?? program))
}

function isInstalling(call: Call): boolean {
  return !isExecuting(call) && INSTALLING.includes(wordsOf(call.args, WITH_VALUE)[0] ?? '')
}
