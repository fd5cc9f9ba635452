import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { refuseUnlockedProjects } from '../../src/cli/project-lockfiles.ts'
import { folderWith, messageOf } from '../policy/support.ts'

const NEEDS = '{"dependencies":{"widget":"1.0.0"}}'

describe('a workspace in which each project has a lockfile', () => {
  const files = {
    'pnpm-workspace.yaml': 'packages: [apps/*]\nsharedWorkspaceLockfile: false\n',
    'package.json': NEEDS,
    'apps/web/package.json': NEEDS,
    'apps/empty/package.json': '{}',
    'apps/loose/package.json': '{"devDependencies":{"widget":"1.0.0"}}',
    'elsewhere/package.json': NEEDS,
  }

  it('is judged where each project with dependencies has one', async (t) => {
    const folder = folderWith(t, files)
    const locked = ['', 'apps/web', 'apps/loose'].map((each) => path.join(folder, each, 'pnpm-lock.yaml'))
    await refuseUnlockedProjects(folder, locked)
  })

  it('is refused where one has none, for pnpm resolves it from the registry', async (t) => {
    const folder = folderWith(t, files)
    const locked = ['', 'apps/web'].map((each) => path.join(folder, each, 'pnpm-lock.yaml'))
    assert.match(
      await messageOf(folder, () => refuseUnlockedProjects(folder, locked)),
      /^~ has `sharedWorkspaceLockfile: false`, .* no pnpm-lock\.yaml: apps\/loose\. pnpm resolves them/,
    )
  })

  it('is told of no more projects than a person reads', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`apps/p${index}/package.json`, NEEDS]))
    const folder = folderWith(t, { 'pnpm-workspace.yaml': files['pnpm-workspace.yaml'], ...many })
    assert.match(await messageOf(folder, () => refuseUnlockedProjects(folder, [])), / and 15 more\. /)
  })
})
