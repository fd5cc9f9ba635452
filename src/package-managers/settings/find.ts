import { BUN_1 } from '../bun/settings-1.ts'
import { DENO_2 } from '../deno/settings-2.ts'
import { NPM_11 } from '../npm/settings-11.ts'
import { NPM_12 } from '../npm/settings-12.ts'
import { pnpm10 } from '../pnpm/settings-10.ts'
import { pnpm11 } from '../pnpm/settings-11.ts'
import { pnpm12 } from '../pnpm/settings-12.ts'
import { BERRY_4 } from '../yarn-berry/settings-4.ts'
import { YARN_1 } from '../yarn-classic/settings-1.ts'
import type { SettingsList, SettingsManager, UnsafeSetting } from './types.ts'
import { type SettingsText, unsafeSettings } from './unsafe.ts'

const LISTS: readonly SettingsList[] = [pnpm10, pnpm11, pnpm12, NPM_11, NPM_12, YARN_1, BERRY_4, BUN_1, DENO_2]

/** What is known of a manager's settings, by its major versions. */
export function listsOf(manager: SettingsManager): readonly SettingsList[] {
  const own = LISTS.filter((list) => list.manager === manager)
  const lists = manager === 'yarn' ? [...own, ONLY_YAML] : own
  return manager === 'deno' ? lists : lists.map((list) => ({ ...list, files: { ...list.files, ...COREPACK } }))
}

/** Beside a lockfile of yarn 1, a newer yarn may be started all the same, and rewrites that lockfile. */
const ONLY_YAML: SettingsList = {
  ...BERRY_4,
  files: { '.yarnrc.yml': BERRY_4.files['.yarnrc.yml'] ?? { accepted: {}, refused: {} } },
}

/** What corepack reads before it starts a manager: from where it downloads it, and whether it compares signatures. */
const COREPACK: SettingsList['files'] = {
  '.corepack.env': {
    accepted: {},
    refused: { '*': 'may choose from where corepack takes the package manager, and whether it checks it' },
  },
}

/** The settings in files of a manager that are not known to be safe. */
export function findUnsafeSettings(manager: SettingsManager, texts: readonly SettingsText[]): readonly UnsafeSetting[] {
  const lists = listsOf(manager)
  return texts.flatMap((text) => unsafeSettings(text, lists))
}
