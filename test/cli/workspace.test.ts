/** `verify` of a workspace of many projects, each of which needs every package, in a heap that is bounded. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { pnpmDocument, workspaceOf } from '../support/workspaces.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, runCli } from './support.ts'

const world = await startWorld()
after(() => world.close())

const [PROJECTS, PACKAGES] = [1000, 3000]
const HEAP = '--max-old-space-size=160'

const POLICY = "rules: [{ packages: '**', require: nothing }]\n"

describe('a thousand projects with three thousand packages', () => {
  const project = cliProject(world, {
    policy: POLICY,
    // JSON is YAML.
    files: { 'pnpm-lock.yaml': JSON.stringify(pnpmDocument(workspaceOf('shared', PROJECTS, PACKAGES))) },
  })
  after(() => project.dispose())
  const where = { cwd: project.dir, env: { ...project.env, NODE_OPTIONS: HEAP } }

  for (const run of ['first', 'second, from what is kept']) {
    test(`the ${run}`, async () => {
      const { status, stderr } = await runCli(['verify', '--offline'], where)
      assert.equal(status, 0, stderr)
      assert.match(stderr, new RegExp(`^${PACKAGES} packages: 0 proven, ${PACKAGES} permitted`, 'm'))
    })
  }

  test('a refusal names a few of the projects, and counts the others', async () => {
    const strict = cliProject(world, {
      files: { 'pnpm-lock.yaml': JSON.stringify(pnpmDocument(workspaceOf('shared', PROJECTS, 3))) },
    })
    const { stderr } = await runCli(['verify', '--offline'], { cwd: strict.dir, env: strict.env })
    strict.dispose()
    assert.match(stderr.replaceAll(/[\s│]+/g, ' '), /packages\/p000004, … and 995 more/)
    assert.doesNotMatch(stderr, /p000005/)
  })
})
