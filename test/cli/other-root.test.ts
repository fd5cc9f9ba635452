import assert from 'node:assert/strict'
import { mkdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { refuseOtherRoot } from '../../src/cli/other-root.ts'
import type { SettingsManager } from '../../src/package-managers/settings/types.ts'
import { refuseLinkedProject } from '../../src/project.ts'
import { folderWith, messageOf } from '../policy/support.ts'

const NPM_LIKE: readonly SettingsManager[] = ['npm', 'yarn', 'berry', 'bun']
const APP = { '.git/HEAD': '', 'app/package.json': '{}', 'app/sub/package.json': '{}' }

async function refusal(
  t: Parameters<typeof folderWith>[0],
  manager: SettingsManager,
  files: Readonly<Record<string, string>>,
  folder = 'app',
): Promise<string> {
  const root = folderWith(t, { ...APP, ...files })
  return messageOf(root, () => refuseOtherRoot(manager, path.join(root, folder)))
}

describe('a lockfile in a folder of a workspace', () => {
  for (const manager of NPM_LIKE) {
    for (const workspaces of ['["app"]', '{"packages":["app"]}', '["*"]', '["./app/"]', '["app/../app"]']) {
      it(`is not what ${manager} installs from where the root above has "workspaces": ${workspaces}`, async (t) => {
        const files = { 'package.json': `{"workspaces":${workspaces}}` }
        assert.match(await refusal(t, manager, files), /^~\/app is part of the workspace in ~, so a package manager/)
      })
    }
    it(`is what ${manager} installs from where the root above has no project there`, async (t) => {
      for (const text of ['{}', '{"workspaces":["other"]}', '{"workspaces":["app/*"]}', 'no JSON'])
        assert.equal(await refusal(t, manager, { 'package.json': text }), 'accepted', text)
    })
  }

  it('is not what pnpm installs from below a pnpm-workspace.yaml, whatever its patterns say', async (t) => {
    for (const text of ['packages: [app]\n', 'packages: [other]\n', '{}\n'])
      assert.match(
        await refusal(t, 'pnpm', { 'pnpm-workspace.yaml': text }, 'app/sub'),
        /is part of the workspace in ~,/,
      )
  })

  it('is what pnpm installs from where each project has a lockfile, or where no workspace is above', async (t) => {
    const separate = { 'pnpm-workspace.yaml': 'packages: [app]\nsharedWorkspaceLockfile: false\n' }
    assert.equal(await refusal(t, 'pnpm', separate), 'accepted')
    assert.equal(await refusal(t, 'pnpm', { 'package.json': '{"workspaces":["app"]}' }), 'accepted')
    const own = { 'pnpm-workspace.yaml': 'packages: [app]\n', 'app/pnpm-workspace.yaml': '' }
    assert.equal(await refusal(t, 'pnpm', own), 'accepted')
    const folder = { 'pnpm-workspace.yaml': 'packages: [app]\n', 'app/pnpm-workspace.yaml/x': '' }
    assert.match(await refusal(t, 'pnpm', folder), /is part of the workspace in ~,/)
  })

  it('is not what every pnpm installs from where .npmrc or package.json alone gives each project a lockfile', async (t) => {
    const rc = { '.npmrc': 'shared-workspace-lockfile=false\n' }
    const yaml = (text: string) => ({ 'pnpm-workspace.yaml': `packages: [app]\n${text}` })
    for (const files of [
      { ...yaml(''), ...rc },
      { ...yaml('sharedWorkspaceLockfile: true\n'), ...rc },
      { ...yaml('sharedWorkspaceLockfile: "false"\n'), ...rc },
      { ...yaml(''), 'app/.npmrc': rc['.npmrc'] },
      { ...yaml(''), 'package.json': '{"pnpm":{"sharedWorkspaceLockfile":false}}' },
    ])
      assert.match(await refusal(t, 'pnpm', files), /is part of the workspace in ~,/, JSON.stringify(files))
  })

  for (const manager of [...NPM_LIKE, 'pnpm'] as const) {
    it(`is looked for above a link, and above where the link leads, for ${manager}`, async (t) => {
      const above = { 'package.json': '{"workspaces":["app"]}', 'pnpm-workspace.yaml': '{}' }
      const within = (folder: string) =>
        Object.fromEntries(Object.entries(above).map(([name, text]) => [path.join(folder, name), text]))
      const files = { '.git/HEAD': '', 'x/app/package.json': '{}' }
      const real = folderWith(t, { ...files, ...within('x') })
      symlinkSync('x/app', path.join(real, 'app'))
      assert.match(
        await messageOf(real, () => refuseOtherRoot(manager, path.join(real, 'app'))),
        /^~\/app, which is ~\/x\/app, is part of the workspace in ~\/x,/,
      )
      const given = folderWith(t, { ...files, ...within('y') })
      mkdirSync(path.join(given, 'y'), { recursive: true })
      symlinkSync('../x/app', path.join(given, 'y/app'))
      assert.match(
        await messageOf(given, () => refuseOtherRoot(manager, path.join(given, 'y/app'))),
        /^~\/y\/app is part of the workspace in ~\/y,/,
      )
    })
  }

  it('is not read through a link into another workspace', async (t) => {
    const files = {
      '.git/HEAD': '',
      'x/pnpm-workspace.yaml': 'sharedWorkspaceLockfile: false\n',
      'x/app/package.json': '{}',
    }
    const root = folderWith(t, { ...files, 'y/pnpm-workspace.yaml': '' })
    const look = (folder: string) => messageOf(root, async () => refuseLinkedProject(path.join(root, folder)))
    symlinkSync('x/app', path.join(root, 'app'))
    symlinkSync('../x/app', path.join(root, 'y/app'))
    symlinkSync('x', path.join(root, 'z'))
    assert.match(
      await look('app'),
      /^~\/app leads by a link to ~\/x\/app, and pnpm takes ~\/x for the root there, not ~\/app\./,
    )
    assert.match(await look('y/app'), /takes ~\/x for the root there, not ~\/y\./)
    for (const folder of ['x', 'x/app', 'z', 'z/app', 'y', 'nowhere'])
      assert.equal(await look(folder), 'accepted', folder)
  })

  it('is what a manager installs from where the patterns above are hostile and clearly name others, at once', async (t) => {
    const workspaces = ['{a,b}', '**/', '{a,', '*', '{1..9999999}', '+(a|aa)'].map((each) => `b/${each.repeat(999)}`)
    const started = performance.now()
    assert.equal(
      await refusal(t, 'npm', { 'package.json': JSON.stringify({ workspaces: [workspaces[0]] }) }),
      'accepted',
    )
    await refusal(t, 'npm', { 'package.json': JSON.stringify({ workspaces }) })
    assert.ok(performance.now() - started < 2000)
  })

  it('is looked for no further up than the checkout', async (t) => {
    const root = folderWith(t, {
      'package.json': '{"workspaces":["repo"]}',
      'repo/.git/HEAD': '',
      'repo/package.json': '{}',
    })
    assert.equal(await messageOf(root, () => refuseOtherRoot('npm', path.join(root, 'repo'))), 'accepted')
  })
})
