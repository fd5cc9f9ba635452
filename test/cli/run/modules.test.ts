/** pnpm notes in node_modules which store it is linked from: after a run, its own, whichever form the note has. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { storeNotes } from '../../../src/cli/run/modules.ts'
import { startWorld } from '../../support/world.ts'
import { type RunProject, runProject, through, without } from './support.ts'

const world = await startWorld()
after(() => world.close())
beforeEach(async () => {
  world.registry.reset()
  world.registry.setKeys(world.sigstore.npmKeys)
  await world.publish({ name: 'gizmo', version: '1.0.0' })
  await world.publish({ name: 'widget', version: '1.0.0' })
})

const noteIn = (dir: string) => path.join(dir, 'node_modules/.modules.yaml')
const storeIn = (dir: string): unknown => parse(readFileSync(noteIn(dir), 'utf8')).storeDir
const named = (name: string, dependencies: Readonly<Record<string, string>>) =>
  JSON.stringify({
    name: 'project',
    version: '0.0.0',
    private: true,
    dependencies: { ...dependencies, [name]: '1.0.0' },
  })

for (const runner of ['pnpm10.12', 'pnpm10.25'] as const) {
  const finds = async (project: RunProject) => {
    for (const args of [['install'], ['add', 'gizmo'], ['remove', 'gizmo']]) {
      const run = await without(runner, args, project)
      assert.equal(run.status, 0, run.output)
    }
  }
  describe(runner, () => {
    test('a later install without the gate finds its own store, in which nothing was', async (t) => {
      const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
      const run = await through(runner, ['install'], project)
      assert.equal(run.status, 0, run.output)
      assert.doesNotMatch(readFileSync(noteIn(project.dir), 'utf8'), /provenance-gate-run/)
      await finds(project)
    })

    test('a run in what was installed without the gate leaves the store as it was noted', async (t) => {
      const project = runProject(t, world, { dependencies: { widget: '1.0.0' } })
      assert.equal((await without(runner, ['install'], project)).status, 0)
      const before = storeIn(project.dir)
      project.write({ 'package.json': named('gizmo', { widget: '1.0.0' }) })
      const run = await through(runner, ['install', '--no-frozen-lockfile'], project)
      assert.equal(run.status, 0, run.output)
      assert.equal(storeIn(project.dir), before)
      await finds(project)
    })
  })
}

describe('a note', () => {
  function noted(t: TestContext, text: string) {
    const dir = mkdtempSync(path.join(tmpdir(), 'modules-'))
    t.after(() => rmSync(dir, { recursive: true }))
    mkdirSync(path.join(dir, 'node_modules'))
    writeFileSync(noteIn(dir), text)
    return { dir, read: () => readFileSync(noteIn(dir), 'utf8') }
  }
  const usual = async () => '/usual/store/v10'
  const STORES = ['/a/store/v10', "/it's a store/v10", '/with "quotes"/v10', '/ünï: #x/v10']

  test('has the private store during a run and its own afterwards, as JSON and as YAML', async (t) => {
    for (const store of STORES)
      for (const line of [`storeDir: ${JSON.stringify(store)}`, `storeDir: '${store.replaceAll("'", "''")}'`]) {
        const texts = [JSON.stringify({ a: 1, storeDir: store }), `a:\n  storeDir: /x\n${line}\nskipped: []\n`]
        for (const text of [...texts, `a: 1\r\n${line}\r\nb: 2\r\n`, line]) {
          const { dir, read } = noted(t, text)
          const was = parse(text)
          const notes = storeNotes([dir, dir], '/private/store')
          notes.point()
          assert.deepEqual(parse(read()), { ...was, storeDir: path.join('/private/store', path.basename(store)) })
          await notes.restore(usual)
          assert.deepEqual(parse(read()), was)
        }
      }
  })

  test('that pnpm has made during the run has afterwards what pnpm says is its store', async (t) => {
    for (const text of ['{"storeDir": "/private/store/v10"}', 'a: 1\nstoreDir: /private/store/v10\nb: 2\n']) {
      const { dir, read } = noted(t, text)
      await storeNotes([dir], '/private/store').restore(usual)
      assert.equal(parse(read()).storeDir, '/usual/store/v10')
    }
  })

  test('in which nobody can say what the store is stays as it is', async (t) => {
    for (const text of [
      ...[
        '',
        'null',
        '[]',
        '{}',
        '"x"',
        'a: 1\n',
        'storeDir: 1\n',
        'storeDir: [/a]\n',
        '{"storeDir": 1}',
        '{"storeDir": ',
      ],
      ...[
        'storeDir: /a\nstoreDir: /b\n',
        'storeDir: "/a\n',
        'storeDir: /a\n  b\n',
        'storeDir: *a\n',
        'storeDir: |\n  /a\n',
      ],
      ...[' storeDir: /a\n', '"storeDir": /a\n', 'a: |\n  storeDir: /a\n', '# storeDir: /a\n'],
    ]) {
      const { dir, read } = noted(t, text)
      const notes = storeNotes([dir], '/private/store')
      notes.point()
      await notes.restore(usual)
      assert.equal(read(), text)
    }
  })

  test('of megabytes is changed in its one line', async (t) => {
    const long = `hoisted:\n${"  /a@1.0.0:\n    a: 'private'\n".repeat(100_000)}`
    const { dir, read } = noted(t, `${long}storeDir: /a/v10\nz: 1\n`)
    storeNotes([dir], '/private/store').point()
    assert.equal(read(), `${long}storeDir: "/private/store/v10"\nz: 1\n`)
  })
})
