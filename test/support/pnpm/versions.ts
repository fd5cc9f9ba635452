import { fileURLToPath } from 'node:url'

/**
 * The versions that the gate is tried on. 10.9 is the last one that asks no hook about a lockfile, 10.12 the last one that
 * loads no gate that is a config dependency, 10.25 is the last one that runs the scripts of any git repository without
 * being asked to, 12.15 the last one that calls no hook on a frozen install, and 12.16 the first one that does.
 */
export type PnpmVersion = 10 | 11 | 12 | '10.9' | '10.12' | '10.25' | '12.15' | '12.16'

export const PNPM_VERSIONS: readonly PnpmVersion[] = [10, 11, 12, '10.25', '12.15', '12.16']

const BINARIES: Readonly<Record<PnpmVersion, string>> = {
  10: 'pnpm10/bin/pnpm.cjs',
  11: 'pnpm11/bin/pnpm.mjs',
  12: 'pnpm12/bin/pnpm.mjs',
  '10.9': 'pnpm10-9/bin/pnpm.cjs',
  '10.12': 'pnpm10-12/bin/pnpm.cjs',
  '10.25': 'pnpm10-25/bin/pnpm.cjs',
  '12.15': 'pnpm12-15/bin/pnpm.mjs',
  '12.16': 'pnpm12-16/bin/pnpm.mjs',
}

/** The script to start with Node. From 12 on it starts the native binary. */
export function pnpmScript(version: PnpmVersion | `${PnpmVersion}`): string {
  return fileURLToPath(new URL(`../../../node_modules/${BINARIES[version]}`, import.meta.url))
}
