import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pnpm10 } from '../../src/package-managers/pnpm/settings-10.ts'
import { pnpm11 } from '../../src/package-managers/pnpm/settings-11.ts'
import { pnpm12 } from '../../src/package-managers/pnpm/settings-12.ts'
import type { KnownSettings, SettingsFile, SettingsList } from '../../src/package-managers/settings/types.ts'
import { camelCased, knownTo10, knownTo11, knownTo12, UNLISTED_BY_12 } from '../support/pnpm/known-settings.ts'

const LISTS = [pnpm10, pnpm11, pnpm12]

function listOf(list: SettingsList, file: SettingsFile): KnownSettings {
  const known = list.files[file]
  assert.ok(known)
  return known
}

/** Those of `names` that are on neither list. One `*` stands for any characters. */
function unlisted({ accepted, refused }: KnownSettings, names: readonly string[]): readonly string[] {
  const patterns = [...Object.keys(accepted), ...Object.keys(refused)].map((name) => {
    const [before = '', after] = name.split('*')
    return (key: string) => (after === undefined ? key === before : key.startsWith(before) && key.endsWith(after))
  })
  return names.filter((name) => !patterns.some((matches) => matches(name)))
}

describe('the settings that pnpm knows', () => {
  test('the list of pnpm 10 has all that the installed pnpm 10 knows in .npmrc', () => {
    assert.deepEqual(unlisted(listOf(pnpm10, '.npmrc'), knownTo10().rc), [])
  })
  test('the list of pnpm 10 has all that the installed pnpm 10 knows, as pnpm-workspace.yaml spells it', () => {
    const { rc, manifest } = knownTo10()
    const names = [...rc.map(camelCased), ...manifest, 'packages', 'catalog', 'catalogs']
    assert.deepEqual(unlisted(listOf(pnpm10, 'pnpm-workspace.yaml'), names), [])
  })
  test('the list of pnpm 10 has all that the installed pnpm 10 takes from the field pnpm of package.json', () => {
    const names = knownTo10().manifest.map((name) => `pnpm.${name}`)
    assert.deepEqual(unlisted(listOf(pnpm10, 'package.json'), names), [])
  })
  test('the list of pnpm 11 has all that the installed pnpm 11 knows in pnpm-workspace.yaml', () => {
    assert.deepEqual(unlisted(listOf(pnpm11, 'pnpm-workspace.yaml'), knownTo11().workspace), [])
  })
  test('the lists of pnpm 11 and 12 have all that the installed pnpm 11 reads from .npmrc', () => {
    for (const list of [pnpm11, pnpm12]) assert.deepEqual(unlisted(listOf(list, '.npmrc'), knownTo11().rc), [])
  })
  test('the list of pnpm 12 has all that the installed pnpm 12 recognises in pnpm-workspace.yaml', async () => {
    const list = listOf(pnpm12, 'pnpm-workspace.yaml')
    const known = await knownTo12([...Object.keys(list.accepted), ...Object.keys(list.refused)])
    assert.deepEqual(unlisted(list, [...known, ...UNLISTED_BY_12]), [])
  })
})

describe('each list', () => {
  for (const { major, files } of LISTS)
    for (const [file, known] of Object.entries(files)) {
      test(`pnpm ${major} accepts no setting of ${file} that it refuses`, () => {
        assert.deepEqual(
          Object.keys(known.accepted).filter((name) => Object.hasOwn(known.refused, name)),
          [],
        )
      })
      test(`pnpm ${major} says of each setting of ${file} that it refuses how it is dangerous`, () => {
        for (const why of Object.values(known.refused)) assert.match(why, /^(?:makes|[a-z]+s) .{20,}[^.\s]$/)
      })
    }
})
