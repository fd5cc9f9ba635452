/** docs/verification.md: every code, test and accepted difference that it names exists, and none of those is left out. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { CODES } from '../../src/codes.ts'
import { UNSIGNED } from './unsigned.ts'

const TEXT = readFileSync(path.join(import.meta.dirname, '../../docs/verification.md'), 'utf8')
const ROWS = TEXT.split('\n')
  .filter((line) => line.startsWith('|') && !/^\|(?:---| step )/.test(line))
  .map((line) =>
    line
      .slice(1, -1)
      .split(' | ')
      .map((cell) => cell.trim()),
  )

describe('docs/verification.md', () => {
  test('has a step, an attack, a code and a test in each row', () => {
    assert.ok(ROWS.length > 20)
    for (const row of ROWS) assert.equal(row.length, 4, row.join(' | '))
  })

  test('names codes that exist', () => {
    const named = [...TEXT.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map(([, code = '']) => code)
    assert.deepEqual(
      named.filter((code) => !Object.hasOwn(CODES, code)),
      [],
    )
  })

  for (const [step = '', , , named = ''] of ROWS) {
    test(`proves: ${step.slice(0, 80)}`, () => {
      const [, file = '', title = ''] = /^`((?:\w+\/)?[\w-]+\.test\.ts)`: (.+)$/.exec(named) ?? []
      const found = ['', '../trust', '..']
        .map((folder) => path.join(import.meta.dirname, folder, file))
        .find(existsSync)
      assert.ok(file !== '' && found !== undefined, named)
      assert.ok(readFileSync(found, 'utf8').includes(title), `${title} in ${file}`)
    })
  }

  test('lists what may differ, all of it', () => {
    const listed = [...TEXT.matchAll(/^- (.+?): (.+)$/gm)].map(([, what, why]) => ({ what, why }))
    assert.deepEqual(
      listed,
      UNSIGNED.map(({ what, why }) => ({ what, why })),
    )
  })
})
