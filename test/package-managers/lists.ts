import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownSettings, SettingsFile, SettingsList } from '../../src/package-managers/settings/types.ts'

/** What a list says of one of its manager's files. */
export function settingsIn(list: SettingsList, file: SettingsFile): KnownSettings {
  const known = list.files[file]
  assert.ok(known !== undefined, `${list.manager} ${list.major} has no list for ${file}`)
  return known
}

/** Those of the names that are on neither list of a file. One `*` in a list stands for any characters. */
export function unlisted({ accepted, refused }: KnownSettings, names: readonly string[]): readonly string[] {
  const listed = [...Object.keys(accepted), ...Object.keys(refused)].filter((each) => each !== '*')
  const isListed = (name: string) =>
    listed.some((each) => {
      const [before = '', after] = each.split('*')
      return after === undefined ? name === before : name.startsWith(before) && name.endsWith(after)
    })
  // A section is listed by what is in it: `npmScopes.*.npmRegistryServer`.
  const isSection = (name: string) => listed.some((each) => each.startsWith(`${name}.`))
  return names.filter((name) => !isListed(name) && !isSection(name))
}

/** What every list has to be, whichever manager it is about. */
export function testList(list: SettingsList): void {
  const title = `${list.manager} ${list.major}`
  for (const [file, { accepted, refused }] of Object.entries(list.files)) {
    test(`${title} has no name in ${file} both accepted and refused`, () => {
      assert.deepEqual(
        Object.keys(accepted).filter((name) => Object.hasOwn(refused, name)),
        [],
      )
    })
    test(`${title} says of each name that it refuses in ${file} how it is dangerous`, () => {
      for (const [name, how] of Object.entries(refused)) assert.match(how, /^[a-z]+ [\x20-\x7e]{4,119}[^.\s]$/, name)
    })
    test(`${title} accepts no empty choice of values in ${file}`, () => {
      for (const [name, form] of Object.entries(accepted)) assert.ok(form.length > 0, name)
    })
  }
}
