import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { GateError } from '../../src/errors.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { lockfilesOf, pinnedConfigDependencies, refuseUnclearLockfiles } from '../../src/lockfile/workspace.ts'

const INTEGRITY = `sha512-${'A'.repeat(86)}==`

function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'workspace-'))
  t.after(() => rmSync(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true })
    writeFileSync(path.join(dir, name), content)
  }
  return dir
}

const names = (packages: readonly LockedPackage[]) => packages.map(({ name, version }) => `${name}@${version}`)
const NONE: ReadonlyMap<string, string> = new Map()

describe('config dependencies beside a lockfile', () => {
  test('are none without the files, or without the setting', async (t) => {
    assert.deepEqual(await pinnedConfigDependencies(folder(t, {}), NONE), [])
    assert.deepEqual(
      await pinnedConfigDependencies(folder(t, { 'pnpm-workspace.yaml': '', 'package.json': '{}' }), NONE),
      [],
    )
  })

  test('are found in both files, however YAML writes them', async (t) => {
    const pin = (name: string) => `${name}: 1.0.0+${INTEGRITY}`
    const cases: Readonly<Record<string, Readonly<Record<string, string>>>> = {
      'block style': { 'pnpm-workspace.yaml': `configDependencies:\n  ${pin('a')}\n` },
      'a merge key': { 'pnpm-workspace.yaml': `<<: { configDependencies: { ${pin('a')} } }\n` },
      'a merge key inside': { 'pnpm-workspace.yaml': `configDependencies: { <<: { ${pin('a')} } }\n` },
      'package.json': { 'package.json': JSON.stringify({ pnpm: { configDependencies: { a: `1.0.0+${INTEGRITY}` } } }) },
    }
    for (const [what, files] of Object.entries(cases)) {
      assert.deepEqual(names(await pinnedConfigDependencies(folder(t, files), NONE)), ['a@1.0.0'], what)
    }
  })

  test('that the lockfile has already, without a digest here, are not listed again', async (t) => {
    const dir = folder(t, { 'pnpm-workspace.yaml': 'configDependencies: { a: 1.0.0, b: ^2.0.0, c: 3.0.0 }\n' })
    const locked = new Map([
      ['a', '1.0.0'],
      ['b', '^2.0.0'],
      ['c', '3.0.1'],
    ])
    const found = await pinnedConfigDependencies(dir, locked)
    assert.deepEqual(names(found), ['c@3.0.0'])
  })

  const broken: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'no YAML': { 'pnpm-workspace.yaml': 'a: [' },
    'two documents': { 'pnpm-workspace.yaml': 'a: 1\n---\nconfigDependencies: {}\n' },
    'a lone carriage return': { 'pnpm-workspace.yaml': '# x\rconfigDependencies: {}\n' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what pnpm expands
    'a variable in a name': { 'pnpm-workspace.yaml': '"${X:-configDependencies}": {}\n' },
    'a list as the key, which js-yaml makes text of': {
      'pnpm-workspace.yaml': '? [configDependencies]\n: { pnpm-plugin-x: 1.0.0 }\n',
    },
    'a list as the name': { 'pnpm-workspace.yaml': 'configDependencies:\n  ? [pnpm-plugin-x]\n  : 1.0.0\n' },
    'another form of package.json': { 'package.yaml': 'pnpm: { configDependencies: { a: 1.0.0 } }\n' },
    'one more form of it': { 'package.json5': '{}' },
    'a list in its place': { 'pnpm-workspace.yaml': 'configDependencies: []\n' },
    'no JSON': { 'package.json': '{' },
  }
  for (const [what, files] of Object.entries(broken)) {
    test(`${what} is an error, not an empty list`, async (t) => {
      await assert.rejects(pinnedConfigDependencies(folder(t, files), NONE), GateError)
    })
  }
})

describe('the lockfiles that pnpm could install from', () => {
  test('are those of all branches, beside the one that is named', async (t) => {
    const dir = folder(t, {
      'pnpm-lock.yaml': '',
      'pnpm-lock.feature!x.yaml': '',
      'pnpm-lock.yaml.bak': '',
      'other.yaml': '',
    })
    const found = await lockfilesOf(path.join(dir, 'pnpm-lock.yaml'))
    assert.deepEqual(
      found.map((file) => path.basename(file)),
      ['pnpm-lock.yaml', 'pnpm-lock.feature!x.yaml'],
    )
  })

  test('are those of all projects, where each has its own', async (t) => {
    const files = { 'pnpm-lock.yaml': '', 'pnpm-workspace.yaml': 'sharedWorkspaceLockfile: false\n' }
    const dir = folder(t, files)
    for (const below of ['packages/a', 'packages/b/c', 'node_modules/x', 'empty']) {
      mkdirSync(path.join(dir, below), { recursive: true })
      if (below !== 'empty') writeFileSync(path.join(dir, below, 'pnpm-lock.yaml'), '')
    }
    const relative = async () =>
      (await lockfilesOf(path.join(dir, 'pnpm-lock.yaml'))).map((file) => path.relative(dir, file)).sort()
    const below = ['packages/a/pnpm-lock.yaml', 'packages/b/c/pnpm-lock.yaml']
    assert.deepEqual(await relative(), [...below, 'pnpm-lock.yaml'])
    rmSync(path.join(dir, 'pnpm-lock.yaml'))
    assert.deepEqual(await relative(), below)
    writeFileSync(path.join(dir, 'pnpm-lock.b.yaml'), '')
    assert.deepEqual(await relative(), [...below, 'pnpm-lock.b.yaml'], "nor is the root's own for a branch left out")
    rmSync(path.join(dir, 'pnpm-lock.b.yaml'))
    writeFileSync(path.join(dir, 'pnpm-workspace.yaml'), 'sharedWorkspaceLockfile: true\n')
    assert.deepEqual(await relative(), ['pnpm-lock.yaml'])
    writeFileSync(path.join(dir, '.npmrc'), 'shared-workspace-lockfile=false\n')
    assert.deepEqual(await relative(), ['pnpm-lock.yaml'], 'pnpm-workspace.yaml decides')
  })

  const RC = 'shared-workspace-lockfile=false\n'
  const unclear: Readonly<Record<string, readonly [string, Readonly<Record<string, string>>]>> = {
    'the root': ['.npmrc:2', { 'pnpm-workspace.yaml': 'packages: [app]\n', '.npmrc': `a=b\n${RC}` }],
    'a project': ['app/.npmrc:1', { 'pnpm-workspace.yaml': '{}\n', 'app/.npmrc': RC }],
    'the root, as another value': [
      '.npmrc:1',
      { 'pnpm-workspace.yaml': '', '.npmrc': 'shared-workspace-lockfile=0\n' },
    ],
  }
  for (const [what, [where, files]] of Object.entries(unclear)) {
    test(`are not known where only the .npmrc of ${what} says that there are several`, async (t) => {
      const dir = folder(t, files)
      await assert.rejects(refuseUnclearLockfiles(dir, [path.join(dir, 'app')]), (error: Error) => {
        assert.ok(
          error.message.startsWith(`SETTINGS_UNSAFE: ${path.join(dir, where)} sets \`shared-workspace-lockfile\``),
          error.message,
        )
        return error instanceof GateError && error.code === 'SETTINGS_UNSAFE'
      })
    })
  }

  test('are known where pnpm-workspace.yaml says it, or no .npmrc does', async (t) => {
    for (const files of [
      { 'pnpm-workspace.yaml': 'sharedWorkspaceLockfile: true\n', '.npmrc': RC, 'app/.npmrc': RC },
      { 'pnpm-workspace.yaml': 'sharedWorkspaceLockfile: false\n', '.npmrc': RC },
      { 'pnpm-workspace.yaml': '{}\n', '.npmrc': 'shared-workspace-lockfile=true\n' },
      { 'pnpm-workspace.yaml': '{}\n', 'package.json': '{"pnpm":{"sharedWorkspaceLockfile":false}}' },
      { '.npmrc': RC },
    ]) {
      const dir = folder(t, files)
      await refuseUnclearLockfiles(dir, [path.join(dir, 'app')])
    }
  })

  test('is the one file that is named otherwise', async (t) => {
    const file = path.join(folder(t, { 'pnpm-lock.b.yaml': '', 'pnpm-lock.yaml': '' }), 'pnpm-lock.b.yaml')
    assert.deepEqual(await lockfilesOf(file), [file])
  })

  test('is still the one that is named where it is not there: reading it says so', async (t) => {
    const file = path.join(folder(t, {}), 'nowhere', 'pnpm-lock.yaml')
    assert.deepEqual(await lockfilesOf(file), [file])
    mkdirSync(path.dirname(file))
    assert.deepEqual(await lockfilesOf(file), [file])
  })
})
