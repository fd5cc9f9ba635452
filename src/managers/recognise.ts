import path from 'node:path'
import { GateError } from '../errors.ts'
import { berry } from './berry.ts'
import { bun } from './bun.ts'
import { deno } from './deno.ts'
import { npm } from './npm.ts'
import { pnpm } from './pnpm.ts'
import type { Call, Manager, Variables } from './types.ts'
import { optionValue } from './words.ts'
import { yarn } from './yarn.ts'

/** Which manager a program is. Which yarn has to be asked: what files say of it need not be so. */
const PROGRAMS: ReadonlyMap<string, Manager | 'yarn'> = new Map<string, Manager | 'yarn'>([
  ['npm', npm],
  ['npx', npm],
  ['pnpm', pnpm],
  ['pnpx', pnpm],
  ['pnx', pnpm],
  ['yarn', 'yarn'],
  ['yarnpkg', 'yarn'],
  ['bun', bun],
  ['bunx', bun],
  ['deno', deno],
])

/** Scripts that start a manager with Node, as tests and some CI systems do. */
const SCRIPTS: ReadonlyMap<string, string> = new Map([
  ['npm-cli', 'npm'],
  ['npx-cli', 'npx'],
])

const FOLDER_OPTIONS: Readonly<Record<string, readonly string[]>> = {
  npm: ['--prefix', '-C'],
  pnpm: ['--dir', '-C'],
  yarn: ['--cwd'],
  bun: ['--cwd'],
}

/** The yarn with this version. */
export function yarnOf(version: string): Manager | undefined {
  const [, major] = /^(\d+)\./.exec(version) ?? []
  if (major === undefined) return undefined
  return Number(major) < 2 ? yarn : berry
}

/**
 * What a command line starts.
 *
 * @param cwd the folder that it is typed in
 * @throws GateError where it is none of a known package manager
 */
export function recognise(
  command: readonly string[],
  cwd: string,
  env: Variables,
): { readonly manager: Manager | 'yarn'; readonly call: Call } {
  const [program = '', ...rest] = command
  const before = beforeOf(program, rest)
  const name = nameOf(before.at(-1) ?? program)
  const manager = PROGRAMS.get(name)
  if (manager === undefined) {
    throw new GateError(
      `\`run\` does not know the program ${program === '' ? '(none)' : program}: expected ${[...PROGRAMS.keys()].join(', ')}, or one of them behind corepack. Write \`provenance-gate run -- npm ci\`. What other programs download, the gate cannot judge.`,
    )
  }
  const args = rest.slice(before.length)
  const told = optionValue(args, FOLDER_OPTIONS[manager === 'yarn' ? 'yarn' : manager.name] ?? [])
  return { manager, call: { program, before, args, env, folder: path.resolve(cwd, told ?? '') } }
}

/** `yarn` of `corepack yarn`, `…/npm-cli.js` of `node …/npm-cli.js`. */
function beforeOf(program: string, rest: readonly string[]): readonly string[] {
  const name = nameOf(program)
  return ['corepack', 'node'].includes(name) ? rest.slice(0, 1) : []
}

/** `yarn` of `/opt/bin/yarn.cmd`, and of `yarn@4.1.0`, which corepack takes. */
function nameOf(program: string): string {
  const base = path.win32.basename(program).toLowerCase()
  const bare = base.replace(/@.*$/, '').replace(/\.(?:cmd|exe|ps1|bat|js|cjs|mjs)$/, '')
  return SCRIPTS.get(bare) ?? bare
}
