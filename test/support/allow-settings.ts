import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { FILES_OF, readSettingsFiles } from '../../src/package-managers/settings/files.ts'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import type { SettingsManager } from '../../src/package-managers/settings/types.ts'

const MANAGERS = Object.keys(FILES_OF) as readonly SettingsManager[]

/**
 * Has the policy of a project allow all settings that are there, so that a test sees what is behind the list of settings: an
 * operator may allow each of them.
 */
export function allowSettings(dir: string, projects: readonly string[] = ['.']): void {
  const policy = path.join(dir, '.sigstorerc')
  if (!existsSync(policy) || readFileSync(policy, 'utf8').includes('allowSettings')) return
  // A file is named from the folder of the lockfile, and each folder could have it.
  const roots = new Set([dir, ...projects.map((project) => path.resolve(dir, project))])
  const unsafe = MANAGERS.flatMap((manager) =>
    [...roots].flatMap((root) => findUnsafeSettings(manager, readSettingsFiles(manager, root, projects))),
  )
  const named = unsafe.flatMap(({ file, key }) => (key === undefined ? [] : [{ file, key }]))
  const entries = [...new Set(named.map((each) => JSON.stringify({ ...each, reason: 'tried', expires: '2099-12-31' })))]
  if (entries.length > 0) appendFileSync(policy, `\nallowSettings: [${entries.join(', ')}]\n`)
}

/** Gives a project another policy, which allows the settings that are there. */
export function setPolicy(dir: string, policy: string): void {
  writeFileSync(path.join(dir, '.sigstorerc'), policy)
  allowSettings(dir)
}
