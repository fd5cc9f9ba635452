/** docs/reference/settings.md: the policy in it is one, the refusal is what the gate prints, and the files are those that it reads. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { FILES_OF } from '../../src/package-managers/settings/files.ts'
import { findUnsafeSettings, listsOf } from '../../src/package-managers/settings/find.ts'
import type { SettingsManager } from '../../src/package-managers/settings/types.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { refuseUnsafeSettings } from '../../src/policy/settings.ts'

const TEXT = readFileSync(path.join(import.meta.dirname, '../../docs/reference/settings.md'), 'utf8')
const MANAGERS: readonly SettingsManager[] = ['pnpm', 'npm', 'yarn', 'berry', 'bun', 'deno']

describe('docs/reference/settings.md', () => {
  it('has a policy that is one, and allows what it says', () => {
    const [, policy = ''] = /```yaml\n(allowSettings.*?)```/s.exec(TEXT) ?? []
    assert.deepEqual(
      parsePolicy(policy, 'settings.md').allowSettings.map(({ key, value }) => [key, value]),
      [['script-shell', '/bin/bash']],
    )
  })

  it('shows the refusal that the gate prints', () => {
    const [, shown = ''] = /```\nprovenance-gate: (.*?)\n```/s.exec(TEXT) ?? []
    const unsafe = findUnsafeSettings('npm', [{ kind: '.npmrc', file: '.npmrc', text: '\n\nuserconfig=./x\n' }])
    assert.throws(
      () => refuseUnsafeSettings(unsafe, [], '/home/me/app', new Date('2026-11-30')),
      (error) => {
        assert.ok(error instanceof GateError)
        assert.equal(error.message, shown.replaceAll('\n  ', '\n'))
        return true
      },
    )
  })

  for (const manager of MANAGERS) {
    it(`is right in that ${manager} reads the files that its lists name`, () => {
      const named = new Set(listsOf(manager).flatMap(({ files }) => Object.keys(files)))
      assert.deepEqual([...named].sort(), [...FILES_OF[manager]].sort())
      const row = TEXT.split('\n').find((line) => line.startsWith(`| ${TITLES[manager]}`)) ?? ''
      for (const file of FILES_OF[manager]) assert.ok(row.includes(`\`${file}`), `${file} in ${row}`)
    })
  }
})

const TITLES: Readonly<Record<SettingsManager, string>> = {
  pnpm: 'pnpm',
  npm: 'npm',
  yarn: 'yarn 1',
  berry: 'yarn 4',
  bun: 'bun',
  deno: 'deno (',
}
