import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { installingPnpm } from '../../src/lockfile/installing-pnpm.ts'

const NEW = JSON.stringify({ packageManager: 'pnpm@11.20.0' })

function installing(t: TestContext, files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(path.join(tmpdir(), 'installing-'))
  t.after(() => rmSync(root, { recursive: true }))
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
    writeFileSync(path.join(root, name), text)
  }
  return installingPnpm(root, [root, path.join(root, 'project')])
}

describe('which pnpm may install in a workspace', () => {
  const sure: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['11.20', { 'package.json': NEW }],
    ['12', { 'package.json': JSON.stringify({ packageManager: 'pnpm@12.21.0' }) }],
    ['a digest', { 'package.json': JSON.stringify({ packageManager: `pnpm@12.21.0+sha512.${'ab'.repeat(64)}` }) }],
    [
      'settings of pnpm-workspace.yaml that let it',
      { 'package.json': NEW, 'pnpm-workspace.yaml': 'pmOnFail: error\n' },
    ],
    ['settings of .npmrc that let it', { 'package.json': NEW, '.npmrc': 'manage-package-manager-versions=true\n' }],
    ['no word of it in a project', { 'package.json': NEW, 'project/.npmrc': 'registry=https://x.test/\n' }],
  ]
  for (const [what, files] of sure)
    it(`is known by packageManager: ${what}`, async (t) => assert.equal(await installing(t, files), 'from-11.20'))

  const pinned = (packageManager: unknown, more = {}) => ({
    'package.json': JSON.stringify({ packageManager, ...more }),
  })
  const unsure: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['no package.json', {}],
    ['no packageManager', { 'package.json': '{}' }],
    ['no JSON', { 'package.json': '{' }],
    ['a package.yaml', { 'package.yaml': 'packageManager: pnpm@12.21.0' }],
    ['no YAML', { 'package.json': NEW, 'pnpm-workspace.yaml': 'a: [' }],
    ['no map', { 'package.json': '[]' }],
    ['no text', pinned(['pnpm@12.21.0'])],
    ['pnpm 10', pinned('pnpm@10.34.9')],
    ['the release before', pinned('pnpm@11.19.0')],
    ['a pre-release of it', pinned('pnpm@11.20.0-rc.0')],
    ['a range', pinned('pnpm@^12.0.0')],
    ['a tag', pinned('pnpm@latest')],
    ['another manager', pinned('npm@12.2.1')],
    ['a URL', pinned('pnpm@https://evil.test/pnpm-12.0.0.tgz')],
    ['a longer version', pinned('pnpm@12.0.0\n')],
    ['a huge version', pinned(`pnpm@12.0.0-${'a'.repeat(100_000)}`)],
    ['devEngines, too', pinned('pnpm@12.21.0', { devEngines: { packageManager: { name: 'pnpm', version: '10' } } })],
    ['.npmrc of the root', { 'package.json': NEW, '.npmrc': 'manage-package-manager-versions=false\n' }],
    ['.npmrc of a project', { 'package.json': NEW, 'project/.npmrc': 'manage_package_manager_versions = false\n' }],
    ['an empty value', { 'package.json': NEW, '.npmrc': 'manage-package-manager-versions=\n' }],
    ['pnpm-workspace.yaml', { 'package.json': NEW, 'pnpm-workspace.yaml': 'managePackageManagerVersions: false\n' }],
    ['null', { 'package.json': NEW, 'pnpm-workspace.yaml': 'managePackageManagerVersions:\n' }],
    ['pnpm 11 that ignores it', { 'package.json': NEW, 'pnpm-workspace.yaml': 'pmOnFail: ignore\n' }],
    ['pnpm 11 that warns', { 'package.json': NEW, 'pnpm-workspace.yaml': 'pm-on-fail: warn\n' }],
  ]
  for (const [what, files] of unsure)
    it(`may be any: ${what}`, async (t) => assert.equal(await installing(t, files), 'any'))
})
