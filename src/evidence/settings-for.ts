import path from 'node:path'
import { readGivenSync } from '../read.ts'
import {
  type AskedWhence,
  type Environment,
  namedRegistryOf,
  type RegistrySettings,
  readRegistrySettings,
  statedRegistryOf,
  type Whence,
} from './settings.ts'
import { readBerrySettings } from './settings-berry.ts'
import { readBunSettings } from './settings-bun.ts'
import { readDenoSettings, readNpmSettings } from './settings-npm.ts'
import { readYarnSettings } from './settings-yarn.ts'

/** Whose settings say where a lockfile's packages come from. `yarn` is yarn classic, `berry` yarn 2 and later. */
export type SettingsOf = 'pnpm' | 'npm' | 'yarn' | 'berry' | 'bun' | 'deno'

const READERS: Readonly<Record<SettingsOf, (folder: string, environment: Environment) => RegistrySettings>> = {
  pnpm: readRegistrySettings,
  npm: readNpmSettings,
  yarn: readYarnSettings,
  berry: readBerrySettings,
  bun: readBunSettings,
  deno: readDenoSettings,
}

/** Where a manager with these settings looks for packages. npm looks in its own registry for what lies in the public one. */
export function registriesFor(manager: SettingsOf, settings: RegistrySettings) {
  return {
    of: (pkg: AskedWhence): string | undefined => statedRegistryOf(settings, pkg),
    named: (pkg: Whence): string | undefined => namedRegistryOf(settings, pkg),
    inPlaceOfPublic: manager === 'npm' ? settings.registries.default : undefined,
  }
}

/** The settings that a package manager reads in a folder: the lockfile's. */
export function readSettingsFor(manager: SettingsOf, folder: string, environment: Environment): RegistrySettings {
  return READERS[manager](folder, environment)
}

const BY_NAME: ReadonlyMap<string, SettingsOf> = new Map([
  ['package-lock.json', 'npm'],
  ['npm-shrinkwrap.json', 'npm'],
  ['bun.lock', 'bun'],
  ['bun.lockb', 'bun'],
  ['deno.lock', 'deno'],
])

/** Who writes a lockfile, by its name; yarn's two kinds by what is in it. Every other name is pnpm's. */
export function managerOf(lockfile: string): SettingsOf {
  const name = path.basename(lockfile)
  return name === 'yarn.lock' ? yarnOf(lockfile) : (BY_NAME.get(name) ?? 'pnpm')
}

/** In bytes: as much as is read of it elsewhere. */
const MAX_LOCKFILE = 64 * 1024 * 1024

function yarnOf(lockfile: string): SettingsOf {
  return /^__metadata:/m.test(readGivenSync(lockfile, MAX_LOCKFILE)?.toString('utf8') ?? '') ? 'berry' : 'yarn'
}
