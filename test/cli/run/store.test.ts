/** A store is as trusted as the lockfile that pnpm keeps to, and as who filled it. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { startWorld } from '../../support/world.ts'
import { assertStopped, installBefore, manifest, PNPMS, WORKSPACE } from './stopped.ts'
import { marks, runProject, through, without } from './support.ts'

const world = await startWorld()
after(() => world.close())
world.publishUnproven({ name: 'bare', version: '1.0.0' })
await world.publish({ name: 'widget', version: '1.0.0' })
const RC = `registry=${world.registry.url}\n`

describe("pnpm's store is used only where the lockfile that was judged is the one that is kept to", () => {
  const CI = { CI: 'true' }
  for (const runner of PNPMS) {
    test(`not in CI that says it is none: ${runner}`, async (t) => {
      const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
      await installBefore(runner, project)
      const asking = readFileSync(path.join(project.dir, 'package.json'), 'utf8')
      project.write({ 'package.json': manifest('project', {}) })
      rmSync(path.join(project.dir, 'pnpm-lock.yaml'))
      await installBefore(runner, project)
      project.write({ 'package.json': asking, 'pnpm-workspace.yaml': `${WORKSPACE}ci: false\n` })
      await assertStopped(runner, project, /bare@1\.0\.0/, { env: CI })
    })
    for (const where of ['above', 'below'])
      test(`not with the workspace's root ${where} the lockfile's folder: ${runner}`, async (t) => {
        const project = runProject(t, world, { dependencies: { bare: '1.0.0' } })
        await installBefore(runner, project)
        const [lock, app] = [path.join(project.dir, 'pnpm-lock.yaml'), path.join(project.dir, 'app')]
        project.write({ 'package.json': manifest('project', {}) })
        rmSync(lock)
        await installBefore(runner, project)
        project.write({ 'app/package.json': manifest('app', { bare: '1.0.0' }), 'app/.npmrc': RC })
        if (where === 'above') {
          project.write({ 'app/pnpm-lock.yaml': readFileSync(lock, 'utf8') })
          rmSync(lock)
        }
        const root = where === 'above' ? 'pnpm-workspace.yaml' : 'app/pnpm-workspace.yaml'
        project.write({ [root]: `${WORKSPACE}packages: [app]\n${where === 'above' ? 'lockfile: false\n' : ''}` })
        await assertStopped(runner, project, /bare@1\.0\.0/, { env: CI, cwd: app })
      })
  }

  test('not one that the repository brings: in it, any bytes have any name', async (t) => {
    const project = runProject(t, world, {
      dependencies: { widget: '1.0.0' },
      files: { 'pnpm-workspace.yaml': `${WORKSPACE}storeDir: ./store\n` },
    })
    await installBefore('pnpm10', project)
    forge(path.join(project.dir, 'store/v10'), 'postinstall.cjs', 'throw new Error("forged")\n')
    assert.match((await without('pnpm10', ['install', '--frozen-lockfile'], project)).output, /forged/)
    rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
    const run = await through('pnpm10', ['install', '--frozen-lockfile'], project)
    assert.equal(run.status, 0, run.output)
    assert.doesNotMatch(run.output, /forged/)
    assert.deepEqual(marks(project), ['widget@1.0.0'])
  })
})

/** Puts other bytes in the place of a file of every package in a store of pnpm 10, and their digest in its list. */
function forge(store: string, name: string, text: string): void {
  const hex = createHash('sha512').update(text).digest('hex')
  const integrity = `sha512-${Buffer.from(hex, 'hex').toString('base64')}`
  mkdirSync(path.join(store, 'files', hex.slice(0, 2)), { recursive: true })
  writeFileSync(path.join(store, 'files', hex.slice(0, 2), hex.slice(2)), text)
  const lists = readdirSync(path.join(store, 'index'), { recursive: true, encoding: 'utf8' })
  for (const file of lists.filter((each) => each.endsWith('.json')).map((each) => path.join(store, 'index', each))) {
    const list = JSON.parse(readFileSync(file, 'utf8'))
    if (list.files[name] === undefined) continue
    list.files[name] = { ...list.files[name], integrity, size: text.length }
    writeFileSync(file, JSON.stringify(list))
  }
  assert.ok(existsSync(store))
}
