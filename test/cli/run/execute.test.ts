/** Programs that are downloaded to be run at once: npx, pnpm dlx, yarn dlx, bunx. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { runProcess } from '../../support/process.ts'
import { CLI, startWorld } from '../../support/world.ts'
import { assertNothingLeft, commandOf, type RunProject, runProject } from './support.ts'

const world = await startWorld()
after(() => world.close())
const program = (name: string) => ({
  ...{ name, version: '1.0.0', bin: { [name]: 'run.cjs' } },
  files: {
    'run.cjs': `#!/usr/bin/env node\nrequire('node:fs').writeFileSync('ran-${name}', process.argv.slice(2).join())\n`,
  },
})
await world.publish(program('tool'))
world.publishUnproven(program('bare'))

const npx = (version: 11 | 12) => [
  process.execPath,
  fileURLToPath(new URL(`../../../node_modules/npm${version}/bin/npx-cli.js`, import.meta.url)),
  '--yes',
]
const EXECUTING: Readonly<Record<string, readonly string[]>> = {
  'npx of npm 11': npx(11),
  'npx of npm 12': npx(12),
  'npm exec': [...commandOf('npm12'), 'exec', '--yes', '--'],
  'pnpm 10 dlx': [...commandOf('pnpm10'), 'dlx'],
  'pnpm 11 dlx': [...commandOf('pnpm11'), 'dlx'],
  'pnpm 12 dlx': [...commandOf('pnpm12'), 'dlx'],
  'yarn 4 dlx': [...commandOf('yarn4'), 'dlx'],
  'bun x': [...commandOf('bun'), 'x'],
}

for (const [what, command] of Object.entries(EXECUTING)) {
  describe(what, () => {
    const execute = (project: RunProject, args: readonly string[], isGated: boolean) => {
      const gate = isGated ? [process.execPath, CLI, 'run', '--'] : []
      // bunx looks at no file of the project for its registry.
      const env = { ...project.env, NPM_CONFIG_REGISTRY: world.registry.url }
      const [first = '', ...rest] = [...gate, ...command, ...args]
      return runProcess([first, ...rest], { cwd: project.dir, env }, (why, output) => new Error(`${why}: ${output}`))
    }
    const hasRun = ({ dir }: RunProject, name: string) => existsSync(path.join(dir, `ran-${name}`))

    test('what is proven is run, with its arguments', async (t) => {
      const project = runProject(t, world)
      const { status, output } = await execute(project, ['tool', 'a', '--help'], true)
      assert.equal(status, 0, output)
      assert.ok(hasRun(project, 'tool'))
      assertNothingLeft(project)
    })

    test('what is not is not, also where it was run without the gate before', async (t) => {
      const project = runProject(t, world)
      for (const isWarm of [false, true]) {
        const { status, stderr } = await execute(project, ['bare'], true)
        assert.equal(status, 1, stderr)
        assert.match(stderr, /bare@1\.0\.0[\s\S]*EVIDENCE_MISSING/)
        assert.ok(!hasRun(project, 'bare'))
        if (isWarm) continue
        assert.equal((await execute(project, ['bare'], false)).status, 0)
        assert.ok(hasRun(project, 'bare'))
        const { rmSync } = await import('node:fs')
        rmSync(path.join(project.dir, 'ran-bare'))
      }
      assertNothingLeft(project)
    })
  })
}
