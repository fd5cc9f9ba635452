/**
 * Several digests in one entry of a lockfile. What is compared with what comes differs by package manager, so the real ones are
 * asked: npm and yarn 1 may write a sha1 beside the sha512. The table is in docs/lockfiles.md.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { createManagerProject, type Manager, managerCommand, runManager } from '../support/managers/index.ts'
import { createProject, type PnpmVersion, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import type { ProcessRun } from '../support/process.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { reportOf, runCli } from './support.ts'

let world: World
let proven: PackedPackage
let other: PackedPackage
before(async () => {
  world = await startWorld()
  proven = createTarball({ name: 'widget', version: '1.0.0', files: { 'good.js': '' } })
  other = createTarball({ name: 'widget', version: '1.0.0', files: { 'evil.js': '' } })
  world.registry.publish(proven, { attestations: await world.attest(proven) })
})
after(() => world.close())

interface Installer {
  readonly dir: string
  readonly env: Readonly<Record<string, string>>
  readonly lockfile: string
  readonly isQuoted: boolean
  /** Installs what the lockfile has, without what was there before, except for the cache where that is kept. */
  install(keepsCache?: boolean): Promise<ProcessRun>
}

async function npmLike(t: TestContext, manager: Manager): Promise<Installer> {
  const manifest = { dependencies: { widget: '1.0.0' } }
  const project = createManagerProject({ registry: world.registry.url, manifest, files: world.policyFiles() })
  t.after(() => project.dispose())
  const { root, dir, env } = project
  const run = (...args: readonly string[]) => runManager(manager, args, { cwd: dir, env })
  assert.equal((await run('install', '--ignore-scripts')).status, 0)
  const lockfile = { npm11: 'package-lock.json', npm12: 'package-lock.json', bun: 'bun.lock' }[manager as string]
  return {
    ...{ dir, env, lockfile: path.join(dir, lockfile ?? 'yarn.lock'), isQuoted: manager !== 'yarn1' },
    install: (keepsCache = false) => {
      const caches = keepsCache ? [] : ['npm-cache', 'yarn-cache', 'bun-cache'].map((each) => path.join(root, each))
      for (const each of [path.join(dir, 'node_modules'), ...caches]) rmSync(each, { recursive: true, force: true })
      return manager.startsWith('npm') ? run('ci') : run('install', '--frozen-lockfile')
    },
  }
}

async function pnpm(t: TestContext, version: PnpmVersion): Promise<Installer> {
  const dependencies = { widget: '1.0.0' }
  const project = createProject({ registry: world.registry.url, dependencies, files: world.policyFiles() })
  t.after(() => project.dispose())
  assert.equal((await runPnpm(version, ['install', '--lockfile-only'], project)).status, 0)
  return {
    ...{ dir: project.dir, env: project.env, lockfile: path.join(project.dir, 'pnpm-lock.yaml'), isQuoted: true },
    install: async () => {
      await prepareStore(version, project, 'cold')
      return runPnpm(version, ['install', '--frozen-lockfile'], project)
    },
  }
}

function serve({ bytes, integrity, shasum }: PackedPackage): void {
  world.registry.setTarball('widget', '1.0.0', bytes)
  world.registry.setDist('widget', '1.0.0', { integrity, shasum })
}

const sha1 = ({ bytes }: PackedPackage) => `sha1-${createHash('sha1').update(bytes).digest('base64')}`

const TEXTS = {
  'sha1 sha512': () => `${sha1(other)} ${proven.integrity}`,
  'sha512 sha1': () => `${proven.integrity} ${sha1(other)}`,
  'sha512 sha512': () => `${proven.integrity} ${other.integrity}`,
} as const

type Text = keyof typeof TEXTS

/** What is there after an install with that digest, from a registry that has the one or the other. */
async function installed(installer: Installer, served: PackedPackage, keepsCache = false): Promise<string> {
  serve(served)
  await installer.install(keepsCache)
  const has = (file: string) => existsSync(path.join(installer.dir, 'node_modules/widget', file))
  serve(proven)
  return has('good.js') ? 'proven' : has('evil.js') ? 'other' : 'nothing'
}

/** Writes the digest into the lockfile, and takes away the sha1 that yarn 1 has behind `#`. */
function lockAs(installer: Installer, original: string, text: string): void {
  const quoted = installer.isQuoted ? text : JSON.stringify(text)
  writeFileSync(installer.lockfile, original.replace(/#[0-9a-f]{40}/, '').replace(proven.integrity, quoted))
}

const STRONGEST = { 'sha1 sha512': ['proven', 'nothing'], 'sha512 sha1': ['proven', 'nothing'] } as const
const NEVER = { 'sha1 sha512': ['nothing', 'nothing'], 'sha512 sha1': ['nothing', 'nothing'] } as const
const ANY = { 'sha512 sha512': ['proven', 'other'] } as const

type Row = readonly [
  name: string,
  open: (t: TestContext) => Promise<Installer>,
  installs: Readonly<Record<Text, readonly [fromProven: string, fromOther: string]>>,
  isTaken: boolean,
]

const ROWS: readonly Row[] = [
  ['npm 11', (t) => npmLike(t, 'npm11'), { ...STRONGEST, ...ANY }, false],
  ['npm 12', (t) => npmLike(t, 'npm12'), { ...STRONGEST, ...ANY }, false],
  ['yarn 1', (t) => npmLike(t, 'yarn1'), { ...STRONGEST, ...ANY }, true],
  ['bun 1.4', (t) => npmLike(t, 'bun'), { ...STRONGEST, 'sha512 sha512': ['proven', 'nothing'] }, false],
  ['pnpm 10', (t) => pnpm(t, 10), { ...NEVER, 'sha512 sha512': ['nothing', 'nothing'] }, false],
  ['pnpm 11', (t) => pnpm(t, 11), { ...NEVER, 'sha512 sha512': ['nothing', 'nothing'] }, false],
  ['pnpm 12', (t) => pnpm(t, 12), { ...STRONGEST, ...ANY }, false],
]

describe('several digests of one entry', () => {
  for (const [name, open, installs, isTaken] of ROWS) {
    test(`${name}: what it installs, and what verify says`, async (t) => {
      const installer = await open(t)
      const original = readFileSync(installer.lockfile, 'utf8')
      for (const text of Object.keys(TEXTS) as readonly Text[]) {
        lockAs(installer, original, TEXTS[text]())
        const [fromProven, fromOther] = installs[text]
        assert.equal(await installed(installer, proven), fromProven, `${text}, the proven bytes`)
        assert.equal(await installed(installer, other), fromOther, `${text}, other bytes`)
        rmSync(path.join(installer.dir, 'node_modules'), { recursive: true, force: true })
        const { packages } = reportOf(await runCli(['verify', '--json'], { cwd: installer.dir, env: installer.env }))
        const seen = packages.map(({ status, code }) => code ?? status)
        assert.deepEqual(seen, [isTaken && text !== 'sha512 sha512' ? 'proven' : 'INTEGRITY_MISSING'], text)
      }
    })
  }

  // Within one install, too: an entry of another name with the same address may have filled the cache.
  for (const [manager, takesOther] of [
    ['npm11', true],
    ['npm12', true],
    ['yarn1', false],
  ] as const) {
    test(`${manager} ${takesOther ? 'installs' : 'does not install'} what its cache has with that sha1, and another sha512`, async (t) => {
      const installer = await npmLike(t, manager)
      const original = readFileSync(installer.lockfile, 'utf8')
      for (const text of ['sha1 sha512', 'sha512 sha1'] as const) {
        lockAs(installer, original, sha1(other))
        assert.equal(await installed(installer, other), 'other')
        lockAs(installer, original, TEXTS[text]())
        assert.equal(await installed(installer, other, true), takesOther ? 'other' : 'nothing')
        // With the sha512 alone none of them does.
        lockAs(installer, original, sha1(other))
        assert.equal(await installed(installer, other), 'other')
        lockAs(installer, original, proven.integrity)
        assert.equal(await installed(installer, other, true), 'nothing')
      }
    })
  }

  test('yarn 1 installs through the gate what has a sha1 beside its sha512', async (t) => {
    const installer = await npmLike(t, 'yarn1')
    const { dir, env } = installer
    lockAs(installer, readFileSync(installer.lockfile, 'utf8'), `${sha1(proven)} ${proven.integrity}`)
    rmSync(path.join(dir, 'node_modules'), { recursive: true, force: true })
    const args = ['run', '--', ...managerCommand('yarn1'), 'install', '--frozen-lockfile']
    const { status, stderr } = await runCli(args, { cwd: dir, env })
    assert.equal(status, 0, stderr)
    assert.ok(existsSync(path.join(dir, 'node_modules/widget/good.js')))
  })
})
