/** An entry without a sha512: what `verify` advises, followed with the real package managers. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { parse, stringify } from 'yaml'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { createProject, type PnpmVersion, runPnpm } from '../support/pnpm/index.ts'
import type { ProcessRun } from '../support/process.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { endings, reportOf, runCli } from './support.ts'

let world: World
let widget: PackedPackage
before(async () => {
  world = await startWorld()
  widget = createTarball({ name: 'widget', version: '1.0.0' })
  world.registry.publish(widget, { attestations: await world.attest(widget) })
})
after(() => world.close())

interface Installed {
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  install(): Promise<ProcessRun>
}

const MANIFEST = { dependencies: { widget: '1.0.0' } }

const by = (manager: Manager) => (t: TestContext) => {
  const project = createManagerProject({ registry: world.registry.url, manifest: MANIFEST, files: world.policyFiles() })
  t.after(() => project.dispose())
  const install = () => runManager(manager, ['install', '--ignore-scripts'], { cwd: project.dir, env: project.env })
  return { ...project, install }
}

const byPnpm = (version: PnpmVersion) => (t: TestContext) => {
  const project = createProject({ registry: world.registry.url, ...MANIFEST, files: world.policyFiles() })
  t.after(() => project.dispose())
  return { ...project, install: () => runPnpm(version, ['install', '--fix-lockfile'], project) }
}

type Row = readonly [
  name: string,
  open: (t: TestContext) => Installed,
  lockfile: string,
  without: (text: string) => string,
]

/** What a person does who removes the entry, and nothing else. */
const ofNpm = (text: string) => {
  const lockfile = JSON.parse(text) as { readonly packages: Record<string, unknown> }
  delete lockfile.packages['node_modules/widget']
  return JSON.stringify(lockfile)
}
const ofPnpm = (text: string) => {
  const lockfile = parse(text) as { readonly packages: Record<string, unknown> }
  delete lockfile.packages['widget@1.0.0']
  return stringify(lockfile)
}
const ofYarn = (text: string) => text.replace(/^"?widget@[^\n]*\n(?: .*\n)+/m, '')
const ofBun = (text: string) => text.replace(/^ {4}"widget": \[.*\n/m, '')

const ROWS: readonly Row[] = [
  ['npm 11', by('npm11'), 'package-lock.json', ofNpm],
  ['npm 12', by('npm12'), 'package-lock.json', ofNpm],
  ['yarn 1', by('yarn1'), 'yarn.lock', ofYarn],
  ['bun', by('bun'), 'bun.lock', ofBun],
  ['pnpm 10', byPnpm(10), 'pnpm-lock.yaml', ofPnpm],
  ['pnpm 11', byPnpm(11), 'pnpm-lock.yaml', ofPnpm],
  ['pnpm 12', byPnpm(12), 'pnpm-lock.yaml', ofPnpm],
]

const verify = async ({ dir, env }: Installed) =>
  endings(reportOf(await runCli(['verify', '--json'], { cwd: dir, env })))

describe('an entry without a sha512 is written with one', () => {
  for (const [name, open, lockfile, without] of ROWS) {
    test(`by ${name}, once it was removed`, async (t) => {
      const made = open(t)
      const first = await made.install()
      assert.equal(first.status, 0, first.output)
      const file = path.join(made.dir, lockfile)
      const sha1 = `sha1-${createHash('sha1').update(widget.bytes).digest('base64')}`
      writeFileSync(file, readFileSync(file, 'utf8').replace(widget.integrity, sha1))
      assert.deepEqual(await verify(made), { 'widget@1.0.0': 'INTEGRITY_MISSING' })
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, without(text))
      assert.notEqual(readFileSync(file, 'utf8'), text)
      const again = await made.install()
      assert.equal(again.status, 0, again.output)
      assert.ok(readFileSync(file, 'utf8').includes(widget.integrity), readFileSync(file, 'utf8'))
      assert.deepEqual(await verify(made), { 'widget@1.0.0': 'proven' })
    })
  }
})

describe('an entry with another sha512 is written with the right one', () => {
  for (const [name, manager, open, lockfile, without] of [
    ['npm install --package-lock-only', 'npm11', by('npm11'), 'package-lock.json', ofNpm],
    ['npm install --package-lock-only', 'npm12', by('npm12'), 'package-lock.json', ofNpm],
    ['pnpm install --fix-lockfile', undefined, byPnpm(11), 'pnpm-lock.yaml', ofPnpm],
    ['pnpm install --fix-lockfile', undefined, byPnpm(12), 'pnpm-lock.yaml', ofPnpm],
  ] as const) {
    test(`by ${name} of ${manager ?? 'pnpm'}, as explain advises, once it was removed`, async (t) => {
      const made = open(t)
      assert.equal((await made.install()).status, 0)
      const file = path.join(made.dir, lockfile)
      const other = createTarball({ name: 'widget', version: '1.0.0', files: { 'other.js': '' } }).integrity
      writeFileSync(file, readFileSync(file, 'utf8').replace(widget.integrity, other))
      const { stdout } = await runCli(['explain', 'widget'], { cwd: made.dir, env: made.env })
      assert.ok(stdout.includes(`found     an attestation about ${widget.integrity}\n`), stdout)
      assert.ok(stdout.includes(`expected  ${other}, as in the lockfile\n`), stdout)
      assert.match(stdout, new RegExp(`to pass .*remove the entry.*\`${name}\``))
      writeFileSync(file, without(readFileSync(file, 'utf8')))
      const again =
        manager === undefined
          ? await made.install()
          : await runManager(manager, name.split(' ').slice(1), { cwd: made.dir, env: made.env })
      assert.equal(again.status, 0, again.output)
      assert.deepEqual(await verify(made), { 'widget@1.0.0': 'proven' })
    })
  }
})
