import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { isFolderAt, linkStatsAt, statsAt } from '../../src/util/stats.ts'

const root = mkdtempSync(path.join(tmpdir(), 'stats-'))
after(() => rmSync(root, { recursive: true }))
const at = (name: string) => path.join(root, name)
writeFileSync(at('file'), '')
mkdirSync(at('folder'))
for (const [name, target] of [
  ['to-folder', 'folder'],
  ['to-file', 'file'],
  ['to-nothing', 'nothing'],
  ['circle', 'circle'],
] as const)
  symlinkSync(target, at(name))

describe('what is at a place', () => {
  for (const [name, found, itself, folder] of [
    ['file', true, true, false],
    ['folder', true, true, true],
    ['to-folder', true, true, true],
    ['to-file', true, true, false],
    ['to-nothing', false, true, false],
    ['circle', false, true, false],
    ['nothing', false, false, false],
    ['file/below', false, false, false],
    ['to-file/below', false, false, false],
    ['circle/below', false, false, false],
    ['to-nothing/below', false, false, false],
    ['x\0', false, false, false],
    ['x'.repeat(5_000), false, false, false],
  ] as const) {
    it(`is told without an error: ${name.slice(0, 20).replace('\0', '0')}`, () => {
      assert.equal(statsAt(at(name)) !== undefined, found)
      assert.equal(linkStatsAt(at(name)) !== undefined, itself)
      assert.equal(isFolderAt(at(name)), folder)
    })
  }
})
