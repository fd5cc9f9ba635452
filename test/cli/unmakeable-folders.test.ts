/** Folders that somebody has named and that cannot be made: an error at once, or nothing that is remembered. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import type { Project } from '../support/pnpm/index.ts'
import { startWorld } from '../support/world.ts'
import { type CliRun, cliProject, endings, lockfileOf, reportOf, runCli, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())
const packed = await world.publish({ name: 'widget', version: '1.0.0' })

function project(t: TestContext): Project {
  const made = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([packed]), file: '' } })
  t.after(() => made.dispose())
  return made
}

/** Node's own `mkdir` never returns for these of Linux. */
const PLACES = ['file', 'file/a', 'x'.repeat(300), ...(process.platform === 'linux' ? ['/proc/x', '/proc/x/y'] : [])]

const COMMANDS: Readonly<Record<string, (made: Project, place: string) => Promise<CliRun>>> = {
  'verify --cache': (made, place) => verify(made, '--cache', place),
  'run --cache': ({ dir: cwd, env }, place) => runCli(['run', '--cache', place, '--', 'npm', 'ci'], { cwd, env }),
  'export --out': ({ dir: cwd, env }, place) => runCli(['export', '--out', place], { cwd, env }),
}

for (const [command, run] of Object.entries(COMMANDS)) {
  test(`${command} of a folder that cannot be made ends with 2, and says so`, async (t) => {
    const made = project(t)
    for (const place of PLACES) {
      const { status, stdout, stderr } = await run(made, place)
      assert.deepEqual([status, stdout], [2, ''], `${place}: ${stderr}`)
      assert.match(
        stderr,
        /^provenance-gate: --(?:cache|out) \S+ cannot be made a folder \(E[A-Z]+: .*\)\. Name a folder/,
      )
    }
  })
}

describe("the user's own folders that cannot be made", () => {
  for (const variable of ['XDG_CACHE_HOME', 'XDG_DATA_HOME'])
    test(`${variable}: everything is proven, and nothing is remembered`, {
      skip: process.platform === 'linux' ? false : 'other systems have other variables',
    }, async (t) => {
      const made = project(t)
      writeFileSync(path.join(made.root, 'file'), '')
      for (const place of [path.join(made.root, 'file'), '/proc/x']) {
        const run = await verify({ ...made, env: { ...made.env, [variable]: place } }, '--json')
        assert.equal(run.status, 0, run.stderr)
        assert.deepEqual(endings(reportOf(run)), { 'widget@1.0.0': 'proven' })
      }
    })
})
