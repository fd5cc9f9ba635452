import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { type Loading, refuseUnloadedGate } from '../../src/lockfile/loading.ts'

const LOADS = 'module.exports = require("pnpm-plugin-provenance-gate")\n'

interface Given extends Partial<Omit<Loading, 'root'>> {
  readonly files?: Readonly<Record<string, string>>
}

async function check(t: TestContext, { files = {}, projects = [], ...given }: Given): Promise<void> {
  const root = mkdtempSync(path.join(tmpdir(), 'loading-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  const folders = projects.map((each) => path.join(root, each))
  await refuseUnloadedGate({ root, isConfigDependency: false, pnpm: [], ...given, projects: folders })
}

async function assertRefused(t: TestContext, given: Given, message: RegExp): Promise<void> {
  await assert.rejects(check(t, given), (error: unknown) => {
    assert.ok(error instanceof GateError)
    assert.equal(error.code, 'SETTINGS_UNSAFE')
    assert.match(error.message, message)
    return true
  })
}

const manifest = (fields: unknown) => ({ 'package.json': JSON.stringify(fields, null, 2) })

describe('a repository that does not load the gate', () => {
  for (const [what, given] of Object.entries({
    'is not asked about its pnpmfiles': { files: { '.pnpmfile.cjs': 'module.exports = {}', '.pnpmfile.mjs': '' } },
    'is not asked about its pnpm': { files: manifest({ packageManager: 'pnpm@10.0.0' }), pnpm: ['12.15.0'] },
    'is not asked about its projects': {
      files: { 'app/.npmrc': 'ignore-pnpmfile=true\n', 'app/pnpm-workspace.yaml': '' },
      projects: ['.', 'app'],
    },
  } satisfies Record<string, Given>)) {
    test(what, (t) => check(t, given))
  }
})

describe('an .pnpmfile.mjs', () => {
  for (const text of ['', 'export const hooks = {}\n', '\uFEFF']) {
    test(`that is ${JSON.stringify(text)} keeps the gate of .pnpmfile.cjs from being loaded`, (t) =>
      assertRefused(
        t,
        { files: { '.pnpmfile.cjs': LOADS, '.pnpmfile.mjs': text } },
        /\.pnpmfile\.mjs keeps the gate from being loaded: pnpm 11 and 12 load it in place of .*\.pnpmfile\.cjs/,
      ))
  }

  test('is found under a spelling that some file systems take for the same', (t) =>
    assertRefused(t, { files: { '.pnpmfile.cjs': LOADS, '.PnpmFile.MJS': '' } }, /\.PnpmFile\.MJS keeps the gate/))

  test('that is a folder is refused, for pnpm 11 fails and pnpm 12 ignores it', (t) =>
    assertRefused(t, { files: { '.pnpmfile.cjs': LOADS, '.pnpmfile.mjs/x': '' } }, /\.pnpmfile\.mjs is a folder/))

  test('keeps a gate from being loaded that .pnpmfile.cjs names by its file alone', (t) =>
    assertRefused(
      t,
      {
        files: {
          '.pnpmfile.cjs': "module.exports = require('./tools/pnpmfile.cjs')",
          '.pnpmfile.mjs': "import './tools/other.cjs'",
          'tools/pnpmfile.cjs': 'throw new Error("provenance-gate: …")',
          'tools/other.cjs': '',
        },
      },
      /\.pnpmfile\.mjs keeps the gate from being loaded/,
    ))

  test('that names the gate is not refused', (t) =>
    check(t, { files: { '.pnpmfile.cjs': LOADS, '.pnpmfile.mjs': 'export * from "pnpm-plugin-provenance-gate"' } }))

  test('is loaded with the gate, not in its place, where the gate is a config dependency', (t) =>
    check(t, { files: { '.pnpmfile.mjs': '' }, isConfigDependency: true }))

  test('is no matter where the gate is a config dependency of a root above the lockfile', (t) =>
    check(t, {
      files: {
        '.pnpmfile.cjs': LOADS,
        '.pnpmfile.mjs': '',
        'pnpm-workspace.yaml': 'configDependencies: { pnpm-plugin-provenance-gate: 1.0.0 }\n',
      },
    }))
})

describe('a pnpm that does not load the gate', () => {
  const PLUGIN = [
    '10.12.4',
    '10.0.0',
    '9.15.9',
    '12.0.0',
    '12.15.0',
    '12.0.0-rc.1',
    '10.9',
    '9',
    '>=12 <12.16',
    '^10.0 <10.13',
  ]
  for (const version of PLUGIN) {
    test(`${version} is refused where the gate is a config dependency, in package.json with its line`, async (t) => {
      const given = { isConfigDependency: true }
      const files = manifest({ name: 'x', packageManager: `pnpm@${version}+sha512.abc` })
      await assertRefused(t, { ...given, files }, /package\.json:3 names pnpm .*, which does not ask the gate/)
      const engines = manifest({ devEngines: { packageManager: { name: 'pnpm', version } } })
      await assertRefused(t, { ...given, files: engines }, /package\.json:2 names pnpm /)
      const several = manifest({ devEngines: { packageManager: [{ name: 'npm' }, { name: 'pnpm', version }] } })
      await assertRefused(t, { ...given, files: several }, /package\.json:2 names pnpm /)
    })
  }

  for (const version of [
    '10.13.0',
    '10.34.9',
    '11.0.0',
    '11.28.11',
    '12.16.0',
    '12.21.0',
    '13.0.0',
    '>=10',
    '^12.0.0',
    'latest',
    '*',
  ]) {
    test(`${version} is not refused`, (t) =>
      check(t, { files: manifest({ packageManager: `pnpm@${version}` }), isConfigDependency: true }))
  }

  test('10.10 to 10.12 load the gate from .pnpmfile.cjs, and 10.9 asks it nothing', async (t) => {
    const files = (version: string) => ({ '.pnpmfile.cjs': LOADS, ...manifest({ packageManager: `pnpm@${version}` }) })
    await check(t, { files: files('10.10.0') })
    await check(t, { files: files('10.12.4') })
    await assertRefused(t, { files: files('10.9.0') }, /before 10\.10\.0/)
  })

  test('is refused where the lockfile names it', (t) =>
    assertRefused(t, { isConfigDependency: true, pnpm: ['12.15.0'] }, /pnpm-lock\.yaml names pnpm 12\.15\.0/))

  test('is refused where a project names it, which corepack starts there', (t) =>
    assertRefused(
      t,
      {
        isConfigDependency: true,
        files: { 'app/package.json': '{"packageManager": "pnpm@10.0.0"}' },
        projects: ['.', 'app'],
      },
      /app.package\.json:1 names pnpm 10\.0\.0/,
    ))

  test('another package manager is no matter', (t) =>
    check(t, {
      isConfigDependency: true,
      files: manifest({ packageManager: 'npm@9.0.0', devEngines: { packageManager: { name: 'npm', version: '9' } } }),
    }))

  test('of two keys the last one counts, as for pnpm', (t) =>
    assertRefused(
      t,
      {
        isConfigDependency: true,
        files: { 'package.json': '{\n"packageManager": "pnpm@12.21.0",\n"packageManager": "pnpm@10.0.0"\n}' },
      },
      /package\.json:3 names pnpm 10\.0\.0/,
    ))
})

describe('settings in the folder of a project', () => {
  for (const line of [
    'ignore-pnpmfile=true',
    'ignore-pnpmfile',
    'ignorePnpmfile = yes',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what pnpm expands
    '${NOWHERE:-ignore-pnpmfile}=1',
  ]) {
    test(`${line} in its .npmrc is refused`, (t) =>
      assertRefused(
        t,
        { isConfigDependency: true, files: { 'app/.npmrc': `${line}\n` }, projects: ['.', 'app'] },
        /app.\.npmrc sets `.*`: pnpm 10 then loads no gate/,
      ))
  }

  test('ignore-pnpmfile=false is not', (t) =>
    check(t, {
      isConfigDependency: true,
      files: { 'app/.npmrc': 'ignore-pnpmfile=false\nregistry=http://127.0.0.1/\n' },
      projects: ['.', 'app'],
    }))

  test('a pnpm-workspace.yaml makes it a workspace of its own, without the gate', (t) =>
    assertRefused(
      t,
      { isConfigDependency: true, files: { 'app/pnpm-workspace.yaml': '' }, projects: ['.', 'app'] },
      /app.pnpm-workspace\.yaml makes another workspace of a project/,
    ))

  test('the pnpm-workspace.yaml of the root is not one of a project', (t) =>
    check(t, {
      isConfigDependency: true,
      files: { 'pnpm-workspace.yaml': 'packages: [app]\n' },
      projects: ['.', 'app'],
    }))
})
