import assert from 'node:assert/strict'
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { buildImage, whyNoBuildah } from '../support/ci/buildah.ts'
import { type Built, build, instructions } from '../support/ci/dockerfile.ts'
import { recipe, recipeFor, rows } from '../support/ci/markdown.ts'
import { LOCKERS, type Machine, stage } from './stage.ts'

const made = await stage()
after(() => made.dispose())

await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' })

const DOCKERFILE = recipe('A Dockerfile', 'dockerfile')
const SECRET = 'npm_0123456789abcdef'

interface Ran extends Built {
  readonly machine: Machine
  /** A file of a stage. */
  in(stage: string, file: string): string
}

/** A machine with the build's context and the user's settings. */
async function prepared(ref: string) {
  const machine = made.machine()
  const context = join(machine.root, 'context')
  const cloned = await made.run(['git', 'clone', '--quiet', '--branch', ref, made.dir, context])
  assert.equal(cloned.status, 0, cloned.output)
  rmSync(join(context, '.git'), { recursive: true })
  const npmrc = join(machine.root, 'secret')
  writeFileSync(npmrc, `registry=${made.world.registry.url}\n//registry.example/:_authToken=${SECRET}\n`)
  return { machine, context, npmrc }
}

async function image(ref: string, dockerfile = DOCKERFILE): Promise<Ran> {
  const { machine, context, npmrc } = await prepared(ref)
  // Nothing of the machine's folders: a container has none of them.
  const { PATH = '', POSTINSTALL_MARKERS = '', YARN_CACHE_FOLDER = '' } = machine.env
  // Yarn's cache of root is outside of the home folder.
  const env = { PATH, POSTINSTALL_MARKERS, YARN_CACHE_FOLDER, NO_COLOR: '1', CI: 'true' }
  const built = await build(dockerfile, { root: machine.root, context, secrets: { npmrc }, args: { DAY: '1' }, env })
  return { ...built, machine, in: (name, file) => join(machine.root, 'stages', name, file) }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => join(folder, file))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
}

describe('the Dockerfile', () => {
  test('installs what is proven, keeps what the page says, and leaves no secret', async () => {
    const ran = await image('main')
    assert.equal(ran.status, 0, ran.log)
    assert.match(ran.log, /^1 package: 1 proven/m)
    assert.deepEqual(ran.stages, ['judged', 'installed'])
    assert.ok(existsSync(ran.in('installed', 'app/node_modules/good')))
    assert.equal(existsSync(ran.in('judged', 'app/node_modules')), false)
    assert.deepEqual(ran.machine.scriptsRun(), ['good@1.0.0'])

    const kept = (folder: string) => filesBelow(join(ran.machine.root, 'mounted/root', folder))
    for (const folder of ['.cache/provenance-gate', '.local/share/pnpm/store', '.npm'])
      assert.ok(kept(folder).length > 0, folder)
    assert.ok(existsSync(ran.in('judged', 'root/.local/share/provenance-gate/key')))
    assert.equal(existsSync(ran.in('installed', 'root/.local/share/provenance-gate')), false)

    const layers = filesBelow(join(ran.machine.root, 'stages'))
    assert.ok(layers.length > 10)
    for (const file of [...layers, ...kept('')]) assert.ok(!(await readFile(file)).includes(SECRET), file)
  })

  test('ends at a package that is refused, and the stage that installs is not begun', async () => {
    const ran = await image('stolen')
    assert.equal(ran.status, 1, ran.log)
    assert.match(ran.log, /stolen@1\.0\.0/)
    assert.match(ran.log, /1 refused/)
    assert.deepEqual(ran.stages, ['judged'])
    assert.deepEqual(ran.machine.scriptsRun(), [])
  })

  test('ends where the gate is not the one that is pinned', async () => {
    const lock = made.read('tools/gate/package-lock.json')
    const other = lock.replace(/sha512-.{8}/, 'sha512-AAAAAAAA')
    assert.notEqual(other, lock)
    await made.change('pin', { good: '1.0.0' }, { 'tools/gate/package-lock.json': other })
    const ran = await image('pin')
    assert.notEqual(ran.status, 0)
    assert.match(ran.log, /EINTEGRITY/)
    assert.deepEqual(ran.stages, ['judged'])
  })

  test('installs from the stage that judges, asks anew where an argument changes, and names images by digest', () => {
    const all = instructions(DOCKERFILE)
    const second = all.findIndex(({ name, text }) => name === 'FROM' && text.endsWith(' AS installed'))
    const copies = all.slice(second).filter(({ name }) => name === 'COPY')
    assert.deepEqual(
      copies.map(({ text }) => text),
      ['--from=judged /app ./'],
    )
    const verify = all.findIndex(({ text }) => text.endsWith(' verify'))
    const day = all.findIndex(({ name }) => name === 'ARG')
    assert.ok(day > 0 && day < verify && verify < second)
    for (const { name, text } of all) {
      if (name === 'FROM') assert.match(text, /@sha256:DIGEST AS /)
      assert.notEqual(name, 'ENV')
      if (name === 'ARG') assert.equal(text, 'DAY')
      // Whoever asks a registry does so with the user's settings, which are in no layer.
      if (name === 'RUN') assert.match(text, /--mount=type=secret,id=npmrc,target=\/root\/\.npmrc /)
    }
  })

  test('is not run in part where something of it is not understood', async () => {
    for (const line of ['ENV A=1', 'ADD x y', 'RUN --security=insecure true', 'COPY --chown=0:0 . .', 'FROM node']) {
      await assert.rejects(
        image('main', `FROM x@sha256:DIGEST AS a\n${line}\n`),
        /not known here|not what the recipe/,
        line,
      )
    }
  })
})

for (const row of rows().slice(1)) {
  test(`the Dockerfile for ${row.manager}`, async () => {
    const locker = LOCKERS[row.manager] ?? assert.fail()
    const text = recipeFor(row, DOCKERFILE)
    await made.change('good', { good: '1.0.0' }, {}, locker)
    const passed = await image('good', text)
    assert.equal(passed.status, 0, passed.log)
    assert.match(passed.log, /^1 package: 1 proven/m)
    assert.deepEqual(passed.machine.scriptsRun(), ['good@1.0.0'])

    await made.change('bad', { good: '1.0.0', stolen: '1.0.0' }, {}, locker)
    const stopped = await image('bad', text)
    assert.equal(stopped.status, 1, stopped.log)
    assert.match(stopped.log, /1 refused/)
    assert.deepEqual([stopped.stages, stopped.machine.scriptsRun()], [['judged'], []])
  })
}

describe('the Dockerfile, by buildah', { skip: whyNoBuildah() }, () => {
  async function realImage(ref: string) {
    const { machine, ...rest } = await prepared(ref)
    const markers = machine.env.POSTINSTALL_MARKERS ?? assert.fail()
    const toolbox = join(made.root, 'toolbox')
    const built = await buildImage({ root: machine.root, dockerfile: DOCKERFILE, toolbox, markers, ...rest })
    return { ...built, machine }
  }

  test('installs what is proven, and no layer has the secret', async () => {
    const { status, output, machine } = await realImage('main')
    assert.equal(status, 0, output)
    assert.match(output, /1 package: 1 proven/)
    assert.match(output, /AS installed/)
    assert.deepEqual(machine.scriptsRun(), ['good@1.0.0'])
    const layers = filesBelow(join(machine.root, 'storage'))
    assert.ok(layers.some((file) => file.endsWith('/app/node_modules/.pnpm/good@1.0.0/node_modules/good/package.json')))
    for (const file of layers) assert.ok(!(await readFile(file)).includes(SECRET), file)
  })

  test('ends at a package that is refused, and the stage that installs is not begun', async () => {
    const { status, output, machine } = await realImage('stolen')
    assert.notEqual(status, 0, output)
    assert.match(output, /stolen@1\.0\.0/)
    assert.match(output, /1 refused/)
    assert.doesNotMatch(output, /AS installed/)
    assert.deepEqual(machine.scriptsRun(), [])
  })
})
