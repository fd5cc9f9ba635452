/** Which lockfile real package managers take in a folder below a workspace, compared with what `refuseOtherRoot` refuses. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { refuseOtherRoot } from '../../src/cli/other-root.ts'
import { refuseUnclearLockfiles } from '../../src/lockfile/workspace.ts'
import { folderWith, messageOf } from '../policy/support.ts'
import { managerCommand, managerEnvironment } from '../support/managers/index.ts'
import { type PnpmVersion, pnpmScript } from '../support/pnpm/versions.ts'
import { runProcess } from '../support/process.ts'

const VERSIONS: readonly PnpmVersion[] = ['10.9', 10, 11, 12]
const RC = 'shared-workspace-lockfile=false\n'

/** By what the files say, which pnpm takes the lockfile of the folder in which it is started. */
const SETTINGS: Readonly<Record<string, readonly [Readonly<Record<string, string>>, readonly PnpmVersion[]]>> = {
  'nothing says otherwise': [{}, []],
  'pnpm-workspace.yaml says it': [{ yaml: 'sharedWorkspaceLockfile: false\n' }, VERSIONS],
  'pnpm-workspace.yaml says it, .npmrc does not': [
    { yaml: 'sharedWorkspaceLockfile: false\n', '.npmrc': 'shared-workspace-lockfile=true\n' },
    VERSIONS,
  ],
  '.npmrc says it': [{ '.npmrc': RC }, ['10.9', 10]],
  'the .npmrc of the project says it': [{ 'app/.npmrc': RC }, ['10.9', 10]],
  '.npmrc says it, pnpm-workspace.yaml does not': [{ yaml: 'sharedWorkspaceLockfile: true\n', '.npmrc': RC }, []],
  'package.json says it': [{ 'package.json': '{"name":"r","pnpm":{"sharedWorkspaceLockfile":false}}' }, []],
}

const APP = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { dep: 'link:./dep' } })

function workspace(t: TestContext, { yaml = '', ...files }: Readonly<Record<string, string>>): string {
  return folderWith(t, {
    '.git/HEAD': '',
    'package.json': '{"name":"r"}',
    'pnpm-workspace.yaml': `packages: [app]\npmOnFail: ignore\n${yaml}`,
    'app/package.json': APP,
    'app/dep/package.json': '{"name":"dep","version":"1.0.0"}',
    ...files,
  })
}

async function lock(version: PnpmVersion, root: string, cwd: string, ...options: readonly string[]): Promise<string> {
  const command = [
    process.execPath,
    pnpmScript(version),
    ...options,
    'install',
    '--lockfile-only',
    '--offline',
  ] as const
  const { output } = await runProcess([...command], { cwd, env: managerEnvironment(root) }, (why) => new Error(why))
  return output
}

describe('the lockfile of a project below pnpm-workspace.yaml', () => {
  for (const [what, [files, taking]] of Object.entries(SETTINGS)) {
    it(`is the project's for pnpm ${taking.join(', ') || 'of no version'} where ${what}`, async (t) => {
      for (const version of VERSIONS) {
        const root = workspace(t, files)
        const output = await lock(version, root, path.join(root, 'app'))
        assert.ok(existsSync(path.join(root, 'pnpm-lock.yaml')), output)
        assert.equal(
          existsSync(path.join(root, 'app/pnpm-lock.yaml')),
          taking.includes(version),
          `${version} ${output}`,
        )
      }
      const root = workspace(t, files)
      const isAccepted = (await messageOf(root, () => refuseOtherRoot('pnpm', path.join(root, 'app')))) === 'accepted'
      assert.equal(isAccepted, taking.length === VERSIONS.length)
      const isClear = await messageOf(root, () => refuseUnclearLockfiles(root, [path.join(root, 'app')]))
      assert.equal(isClear === 'accepted', [0, VERSIONS.length].includes(taking.length), isClear)
    })
  }

  it("is the workspace's where the folder is a link into it", async (t) => {
    for (const version of VERSIONS) {
      for (const options of [[], ['-C', 'app']]) {
        const root = folderWith(t, { '.git/HEAD': '' })
        const inner = workspace(t, {})
        symlinkSync(path.join(inner, 'app'), path.join(root, 'app'))
        const output = await lock(version, root, options.length > 0 ? root : path.join(root, 'app'), ...options)
        const isWhole = existsSync(path.join(inner, 'pnpm-lock.yaml'))
        if (options.length === 0) assert.ok(isWhole, `${version} ${output}`)
        const message = await messageOf(root, () => refuseOtherRoot('pnpm', path.join(root, 'app')))
        assert.match(message, /is part of the workspace in/)
      }
    }
  })
})

describe('the lockfile of a folder that the patterns above name in a way of one manager', () => {
  const PATTERNS = ['{app}', 'app', 'other']
  for (const pattern of PATTERNS) {
    it(`is taken from above by bun for ${pattern} only where it is refused`, async (t) => {
      const text = JSON.stringify({ name: 'r', private: true, workspaces: [pattern] })
      const root = folderWith(t, { '.git/HEAD': '', 'package.json': text, 'app/package.json': '{"name":"app"}' })
      const cwd = path.join(root, 'app')
      await runProcess(
        [...managerCommand('bun'), 'install'],
        { cwd, env: managerEnvironment(root) },
        (why) => new Error(why),
      )
      const isAbove = existsSync(path.join(root, 'bun.lock')) || existsSync(path.join(root, 'node_modules'))
      assert.equal(isAbove, pattern !== 'other', readdirSync(root).join())
      const message = await messageOf(root, () => refuseOtherRoot('bun', cwd))
      assert.equal(message !== 'accepted', isAbove)
    })
  }
})
