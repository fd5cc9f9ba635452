import path from 'node:path'
import { GateError } from '../errors.ts'
import { generalProxy } from './environment.ts'
import type { Manager } from './types.ts'
import { setsOneOf, wordsOf } from './words.ts'

const WITH_VALUE = ['--config', '-c', '--cert', '--lock', '--import-map', '--node-modules-dir']

/** deno, for the npm packages that it downloads. Its cache holds them unpacked, compared with nothing: it is never used. */
export const deno: Manager = {
  name: 'deno',
  title: 'deno',
  // deno.lock is not read: what deno downloads is bound to its bytes alone.
  lockfiles: [],
  bindsCaches: false,
  isStrict: () => false,
  refusePastGate({ args }) {
    const found = setsOneOf(args, ['cert', 'unsafely-ignore-certificate-errors', 'cached-only'])
    if (found !== undefined) {
      throw new GateError(
        `deno's option ${found} would lead past the gate: expected none that sets an authority or keeps deno from downloading. Leave it out.`,
      )
    }
  },
  launch: ({ args, env }, road) => ({
    args,
    env: {
      ...generalProxy(env, road),
      DENO_CERT: road.extra,
      ...(road.fresh === undefined ? {} : { DENO_DIR: path.join(road.fresh, 'deno') }),
    },
  }),
  asked({ args }) {
    const [command = '', ...rest] = wordsOf(args, WITH_VALUE)
    if (!['add', 'install', 'i'].includes(command)) return []
    return rest.flatMap((word) => (word.startsWith('npm:') ? [word.slice('npm:'.length)] : []))
  },
}
