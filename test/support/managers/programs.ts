import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The package managers other than pnpm that the gate is tried on: npm 11 and 12, yarn classic, yarn berry, bun. */
export type Manager = 'npm11' | 'npm12' | 'yarn1' | 'yarn4' | 'bun'

export const MANAGERS: readonly Manager[] = ['npm11', 'npm12', 'yarn1', 'yarn4', 'bun']

const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

const SCRIPTS: Readonly<Record<Exclude<Manager, 'bun'>, string>> = {
  npm11: 'npm11/bin/npm-cli.js',
  npm12: 'npm12/bin/npm-cli.js',
  yarn1: 'yarn1/bin/yarn.js',
  yarn4: '@yarnpkg/cli-dist/bin/yarn.js',
}

/** What to start: a script with Node, or bun's own program. */
export function managerCommand(manager: Manager): readonly [string, ...string[]] {
  return manager === 'bun' ? [bunProgram()] : [process.execPath, `${MODULES}${SCRIPTS[manager]}`]
}

/**
 * The program of this platform, from where npm put it: the package `bun` would link it by a postinstall script, which is not
 * approved here.
 */
function bunProgram(): string {
  const { arch, platform } = process
  const [os, cpu] = [platform === 'win32' ? 'windows' : platform, arch === 'arm64' ? 'aarch64' : arch]
  const file = platform === 'win32' ? 'bun.exe' : 'bun'
  const candidates = ['', '-musl', '-baseline', '-musl-baseline'].map(
    (kind) => `${MODULES}@oven/bun-${os}-${cpu}${kind}/bin/${file}`,
  )
  const found = candidates.find((candidate) => existsSync(candidate))
  if (found === undefined) throw new Error(`bun for ${os} ${cpu} is not installed: run npm install`)
  return found
}
