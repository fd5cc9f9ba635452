import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pnpm10 } from '../../src/package-managers/pnpm/settings-10.ts'
import { pnpm11 } from '../../src/package-managers/pnpm/settings-11.ts'
import { pnpm12 } from '../../src/package-managers/pnpm/settings-12.ts'
import { camelCased, knownTo10, knownTo11, knownTo12, UNLISTED_BY_12 } from '../support/pnpm/known-settings.ts'
import { settingsIn, testList, unlisted } from './lists.ts'

const LISTS = [pnpm10, pnpm11, pnpm12]

describe('the settings that pnpm knows', () => {
  test('the list of pnpm 10 has all that the installed pnpm 10 knows in .npmrc', () => {
    assert.deepEqual(unlisted(settingsIn(pnpm10, '.npmrc'), knownTo10().rc), [])
  })
  test('the list of pnpm 10 has all that the installed pnpm 10 knows, as pnpm-workspace.yaml spells it', () => {
    const { rc, manifest } = knownTo10()
    const names = [...rc.map(camelCased), ...manifest, 'packages', 'catalog', 'catalogs']
    assert.deepEqual(unlisted(settingsIn(pnpm10, 'pnpm-workspace.yaml'), names), [])
  })
  test('the list of pnpm 10 has all that the installed pnpm 10 takes from the field pnpm of package.json', () => {
    const names = knownTo10().manifest.map((name) => `pnpm.${name}`)
    assert.deepEqual(unlisted(settingsIn(pnpm10, 'package.json'), names), [])
  })
  test('the list of pnpm 11 has all that the installed pnpm 11 knows in pnpm-workspace.yaml', () => {
    assert.deepEqual(unlisted(settingsIn(pnpm11, 'pnpm-workspace.yaml'), knownTo11().workspace), [])
  })
  test('the lists of pnpm 11 and 12 have all that the installed pnpm 11 reads from .npmrc', () => {
    for (const list of [pnpm11, pnpm12]) assert.deepEqual(unlisted(settingsIn(list, '.npmrc'), knownTo11().rc), [])
  })
  test('the list of pnpm 12 has all that the installed pnpm 12 recognises in pnpm-workspace.yaml', async () => {
    const list = settingsIn(pnpm12, 'pnpm-workspace.yaml')
    const known = await knownTo12([...Object.keys(list.accepted), ...Object.keys(list.refused)])
    assert.deepEqual(unlisted(list, [...known, ...UNLISTED_BY_12]), [])
  })
})

for (const list of LISTS) testList(list)
