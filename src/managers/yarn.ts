import path from 'node:path'
import { GateError } from '../errors.ts'
import { withoutExceptions, withVariables } from './environment.ts'
import type { Manager, Reader } from './types.ts'
import { isSet, setsOneOf, wordsOf } from './words.ts'

const PAST = ['proxy', 'https-proxy', 'cache-folder', 'offline', 'use-yarnrc', 'preferred-cache-folder', 'cafile']
const WITH_VALUE = ['--cwd', '--registry', '--modules-folder', '--mutex', '--network-timeout', '--use-yarnrc']
const ASKING = ['add', 'upgrade', 'global']

/**
 * yarn 1. Its environment is stronger than `.yarnrc` and `.npmrc`, but a line `--install.proxy` of `.yarnrc` is an argument, and
 * those are stronger still. `--frozen-lockfile` installs what a workspace's package.json asks for and the lockfile has not
 * (measured with 1.22.22): so its cache is never used, and all that is installed comes through the gate.
 */
export const yarn: Manager = {
  name: 'yarn',
  title: 'yarn 1',
  lockfiles: ['yarn.lock'],
  bindsCaches: false,
  isStrict({ args }) {
    const [command = 'install', ...rest] = wordsOf(args, WITH_VALUE)
    return command === 'install' && rest.length === 0 && isSet(args, ['--frozen-lockfile', '--pure-lockfile'])
  },
  refusePastGate({ args, env }, folders, read) {
    const found = setsOneOf(args, PAST)
    if (found !== undefined) {
      throw new GateError(
        `yarn's option ${found} would lead past the gate: expected none that sets a proxy, an authority or a cache, or keeps yarn from downloading. Leave it out.`,
      )
    }
    const home = env.HOME || env.USERPROFILE
    const places = home === undefined ? folders : [...folders, home]
    for (const file of new Set(places.map((folder) => path.join(folder, '.yarnrc')))) refuseArguments(file, read)
  },
  launch: ({ args, env }, { proxy, bundle, extra, fresh }) => ({
    args,
    env: withVariables(withoutExceptions(env), {
      YARN_PROXY: proxy,
      YARN_HTTPS_PROXY: proxy,
      YARN_CAFILE: bundle,
      // Tarballs in a folder of the repository would be taken as they are.
      YARN_YARN_OFFLINE_MIRROR: 'false',
      NODE_EXTRA_CA_CERTS: extra,
      ...(fresh === undefined ? {} : { YARN_CACHE_FOLDER: path.join(fresh, 'yarn') }),
    }),
  }),
  asked({ args }) {
    const words = wordsOf(args, WITH_VALUE)
    // `yarn workspace NAME add x` runs the rest in the folder of that project.
    const [command = '', ...rest] = words[0] === 'workspace' ? words.slice(2) : words
    if (!ASKING.includes(command)) return []
    return (command === 'global' ? rest.slice(1) : rest).map(withTag)
  },
}

/** A name alone asks for `latest`, which may be a folder. */
function withTag(word: string): string {
  return /^(?:@[^@/:]+\/)?[^@/:.][^@/:]*$/.test(word) ? `${word}@latest` : word
}

/**
 * Lines such as `--install.cache-folder "./x"`. Wherever in a line: a value may have several keys, and in quotes a key may be
 * spelled with escapes. @throws GateError
 */
function refuseArguments(file: string, read: Reader): void {
  for (const [index, line] of (read(file) ?? '').split(/\r\n?|\n/).entries()) {
    if (/^\s*#/.test(line)) continue
    const plain = line.replaceAll(/\\u([\da-f]{4})/gi, (_, code: string) =>
      String.fromCharCode(Number.parseInt(code, 16)),
    )
    const keys = plain.match(/--[^\s"',:]+/g) ?? []
    const key = keys.find(
      (each) => setsOneOf([`--${each.slice(each.lastIndexOf('.') + 1).replace(/^--/, '')}`], PAST) !== undefined,
    )
    if (key === undefined) continue
    throw new GateError(
      `${file}:${index + 1} sets ${key}, which is stronger than what the gate can set, and would lead past it: expected no setting there of a proxy, an authority or a cache, nor one that keeps yarn from downloading. Remove the line; the gate itself uses the proxies and authorities of your .npmrc and environment.`,
    )
  }
}
