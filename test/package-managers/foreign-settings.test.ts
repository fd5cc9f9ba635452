/** Keys of npm and pnpm in an `.npmrc`, which yarn 1 and bun read, too: the real ones obey none of those that are accepted. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { BUN_1 } from '../../src/package-managers/bun/settings-1.ts'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import { foreignSettings } from '../../src/package-managers/settings/foreign.ts'
import { hasForm } from '../../src/package-managers/settings/forms.ts'
import type { Form } from '../../src/package-managers/settings/types.ts'
import { YARN_1 } from '../../src/package-managers/yarn-classic/settings-1.ts'
import { createManagerProject, runManager } from '../support/managers/index.ts'
import { openFuzzer } from '../support/settings-fuzz/fuzz.ts'
import { settingsIn } from './lists.ts'

const NOTHING = { accepted: {}, refused: {} }
const SHARED = [
  'access=public',
  'dedupe-peer-dependents=false',
  'ignore-workspace-root-check=true',
  'install-links=false',
  'message=chore: release %s',
  'node-options=--max-old-space-size=4096',
  'resolution-mode=highest',
]
const VALUES = ['true', 'false', '1', '100', 'word', './elsewhere/x', 'http://127.0.0.1:9/', '--no-warnings']

/** Values in the order of `VALUES`, or backwards, that a form has. */
function pick(form: Form, isLast: boolean): string | undefined {
  const values = typeof form === 'string' ? VALUES : form.map(String)
  const fitting = values.filter((value) => hasForm(value === 'true' ? true : value === 'false' ? false : value, form))
  return fitting.at(isLast ? -1 : 0)
}

for (const [program, manager, list] of [
  ['yarn1', 'yarn', YARN_1],
  ['bun', 'bun', BUN_1],
] as const) {
  describe(`an .npmrc for npm and pnpm beside a lockfile of ${program}`, () => {
    const unsafe = (text: string) => findUnsafeSettings(manager, [{ kind: '.npmrc', file: '.npmrc', text }])

    for (const line of SHARED) it(`may have ${line}`, () => assert.deepEqual(unsafe(`${line}\n`), []))

    it('may have no key that npm or pnpm refuses, and none that neither knows', () => {
      for (const line of ['store-dir=x', 'nodedir=x', 'offline=true', 'node-options=--require ./x.cjs', 'brand-new=x'])
        assert.equal(unsafe(`${line}\n`).length, 1, line)
    })

    it('changes nothing of what is installed, nor whether it is compared with the lockfile', async () => {
      const { accepted } = settingsIn(list, '.npmrc')
      const foreign = Object.keys(foreignSettings(NOTHING)).filter(
        (key) => Object.hasOwn(accepted, key) && !key.includes('*') && key !== 'registry',
      )
      assert.ok(foreign.length > 150, String(foreign.length))
      const fuzzer = await openFuzzer(program)
      try {
        for (const isLast of [false, true]) {
          const lines = foreign.flatMap((key) => {
            const value = pick(accepted[key] ?? [], isLast)
            return value === undefined ? [] : [`${key}=${value}\n`]
          })
          assert.ok(lines.length > 150, String(lines.length))
          const text = `registry=${fuzzer.registry}\n${lines.join('')}`
          assert.deepEqual(unsafe(text), [])
          assert.equal(await fuzzer.try({ file: '.npmrc', key: 'all', value: isLast, text }), 'same')
        }
      } finally {
        await fuzzer.close()
      }
    })
  })
}

describe('a byte order mark in an .npmrc', () => {
  for (const [manager, isRead] of [
    ['npm11', true],
    ['npm12', true],
    ['yarn1', false],
  ] as const) {
    it(`is ${isRead ? 'left out by' : 'a part of the first key for'} ${manager}`, async () => {
      const registry = 'http://127.0.0.1:9/mark/'
      const project = createManagerProject({
        registry,
        files: { '.npmrc': `\ufeffregistry=${registry}\n`, '.yarnrc': '' },
      })
      try {
        const run = { cwd: project.dir, env: project.env }
        const { stdout } = await runManager(manager, ['config', 'get', 'registry'], run)
        assert.equal(stdout.includes(registry), isRead, stdout)
      } finally {
        project.dispose()
      }
    })
  }
})
