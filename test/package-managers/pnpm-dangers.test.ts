import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { pnpm10 } from '../../src/package-managers/pnpm/settings-10.ts'
import { pnpm11 } from '../../src/package-managers/pnpm/settings-11.ts'
import { pnpm12 } from '../../src/package-managers/pnpm/settings-12.ts'
import { createProject, type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type Registry, startRegistry } from '../support/registry/index.ts'

/** What refused settings really do. Each case is tried without the setting too, where it must not happen. */

type Major = 10 | 11 | 12

const LISTS = { 10: pnpm10, 11: pnpm11, 12: pnpm12 } as const
const FROZEN = ['install', '--frozen-lockfile']
const LOG_HOOKS = `const { writeFileSync } = require('node:fs')
module.exports = { hooks: { preResolution () { writeFileSync(process.env.HOOK_RAN, '') } } }
`

let registry: Registry

before(async () => {
  registry = await startRegistry()
})
after(async () => {
  for (const stage of stages.values()) (await stage).project.dispose()
  await registry.close()
})

function publish(...versions: readonly string[]): void {
  for (const version of versions) {
    const files = { 'index.js': `module.exports = 'part ${version}'` }
    registry.publish(createTarball({ name: 'part', version, files }))
  }
}

/** What a project is put back to before each case. */
const KEPT = ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml']

interface Staged {
  readonly project: Project
  /** Where a hook that ran leaves a mark. */
  readonly mark: string
  readonly files: ReadonlyMap<string, string>
}

const stages = new Map<string, Promise<Staged>>()

/**
 * A project with `part@1.0.0` in its lockfile, and without node_modules. `part@1.1.0` was published since. One for each
 * pnpm, put back for each case: to make one costs more than a case.
 */
async function staged(major: Major, pnpmfile?: string): Promise<Staged> {
  const key = `${major} ${pnpmfile ?? ''}`
  const stage = stages.get(key) ?? stageOf(major, pnpmfile)
  stages.set(key, stage)
  const { project, mark, files } = await stage
  for (const name of ['node_modules', '../hook-ran', 'vendored'])
    rmSync(path.join(project.dir, name), { recursive: true, force: true })
  for (const [name, text] of files) writeFileSync(path.join(project.dir, name), text)
  registry.reset()
  publish('1.0.0', '1.1.0')
  return { project, mark, files }
}

async function stageOf(major: Major, pnpmfile?: string): Promise<Staged> {
  registry.reset()
  publish('1.0.0')
  const project = createProject({
    registry: registry.url,
    dependencies: { part: '^1.0.0' },
    workspace: { minimumReleaseAge: 0 },
    ...(pnpmfile === undefined ? {} : { pnpmfile }),
  })
  const mark = path.join(project.root, 'hook-ran')
  const made = await runPnpm(major, ['install'], project, { env: { HOOK_RAN: mark } })
  assert.equal(made.status, 0, made.output)
  const files = new Map(KEPT.map((name) => [name, readFileSync(path.join(project.dir, name), 'utf8')]))
  return { project, mark, files }
}

/** Adds settings to pnpm-workspace.yaml, in place of what is there. */
function set({ dir }: Project, settings: Readonly<Record<string, unknown>>): void {
  const file = path.join(dir, 'pnpm-workspace.yaml')
  const kept = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !Object.keys(settings).some((key) => line.startsWith(`${key}:`)))
  writeFileSync(file, kept.join('\n') + stringify(settings))
}

function installed({ dir }: Project): string | undefined {
  const file = path.join(dir, 'node_modules/part/index.js')
  return existsSync(file) ? readFileSync(file, 'utf8') : undefined
}

function assertRefused(major: Major, settings: Readonly<Record<string, unknown>>): void {
  const known = LISTS[major].files['pnpm-workspace.yaml']
  for (const [key, value] of Object.entries(settings)) {
    const form = known?.accepted[key]
    const isAccepted = typeof form === 'string' ? form === 'boolean' : form?.some((each) => each === value)
    assert.ok(Object.hasOwn(known?.refused ?? {}, key) || (form !== undefined && !isAccepted), `${key} is not refused`)
  }
}

describe('settings that undo a frozen lockfile', () => {
  const CI = ['install']
  const CASES: readonly (readonly [readonly Major[], Readonly<Record<string, unknown>>, readonly string[]])[] = [
    [[10, 11], { dedupe: true }, FROZEN],
    [[10, 11], { fixLockfile: true }, FROZEN],
    [[10], { update: true }, FROZEN],
    [[10], { update: { ignoreDeps: ['other'] } }, FROZEN],
    [[10, 11], { ci: false }, CI],
    [[10, 11, 12], { frozenLockfile: false }, CI],
    [[10, 11, 12], { preferFrozenLockfile: false }, CI],
    [[10], { preferFrozenLockfile: true }, CI],
    [[10, 11], { frozenLockfileIfExists: false }, CI],
    [[10], { useLockfile: false }, CI],
    [[11, 12], { lockfile: false }, CI],
    [[11], { packageLock: {} }, CI],
  ]
  const stale = async (major: Major) => {
    const { project } = await staged(major)
    const manifest = path.join(project.dir, 'package.json')
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace('^1.0.0', '^1.1.0'))
    return project
  }
  const env = { CI: '1' }

  for (const major of [10, 11, 12] as const)
    for (const args of [FROZEN, CI])
      test(`pnpm ${major} refuses a lockfile that is out of date on ${args.join(' ')} in CI without such settings`, async () => {
        const project = await stale(major)
        const run = await runPnpm(major, args, project, { env })
        assert.notEqual(run.status, 0)
        assert.match(run.flat, /ERR_PNPM_OUTDATED_LOCKFILE/)
        assert.equal(installed(project), undefined)
      })
  for (const [majors, settings, args] of CASES)
    for (const major of majors)
      test(`${JSON.stringify(settings)} makes pnpm ${major} ${args.join(' ')} in CI what its lockfile does not have`, async () => {
        assertRefused(major, settings)
        const project = await stale(major)
        set(project, settings)
        const run = await runPnpm(major, args, project, { env })
        assert.equal(run.status, 0, run.output)
        assert.equal(installed(project), "module.exports = 'part 1.1.0'")
      })
})

describe('settings that keep the gate from being loaded', () => {
  const more = { 'more.yaml': 'ignorePnpmfile: true\n', 'other.cjs': 'module.exports = {}\n' }
  const CASES: readonly (readonly [readonly Major[], Readonly<Record<string, unknown>>])[] = [
    [[10, 11, 12], { ignorePnpmfile: true }],
    [[10, 11, 12], { pnpmfile: 'other.cjs' }],
    [[12], { include: { './more.yaml': ['ignorePnpmfile'] } }],
  ]
  for (const major of [10, 11, 12] as const)
    test(`pnpm ${major} calls the hook of .pnpmfile.cjs without such settings`, async () => {
      const { project, mark } = await staged(major, LOG_HOOKS)
      const run = await runPnpm(major, FROZEN, project, { env: { HOOK_RAN: mark } })
      assert.equal(run.status, 0, run.output)
      assert.ok(existsSync(mark))
    })
  for (const [majors, settings] of CASES)
    for (const major of majors)
      test(`${JSON.stringify(settings)} keeps pnpm ${major} from calling the hook of .pnpmfile.cjs`, async () => {
        assertRefused(major, settings)
        const { project, mark, files } = await staged(major, LOG_HOOKS)
        for (const [name, content] of Object.entries(more)) writeFileSync(path.join(project.dir, name), content)
        // A pull request with the setting takes the digest of the pnpmfile out of the lockfile too.
        const lockfile = (files.get('pnpm-lock.yaml') ?? '').replace(/^pnpmfileChecksum:.*\n\n?/m, '')
        writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfile)
        set(project, settings)
        const run = await runPnpm(major, FROZEN, project, { env: { HOOK_RAN: mark } })
        assert.equal(run.status, 0, run.output)
        assert.equal(installed(project), "module.exports = 'part 1.0.0'")
        assert.ok(!existsSync(mark))
      })
})

const CHANGED = "module.exports = 'something'"
const LATER = new Date('2099-01-01T00:00:00Z')

/** Changes the installed code in each file below a folder, as a repository could that brings the folder. */
function tamper(folder: string): void {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  let count = 0
  for (const entry of files) {
    const file = path.join(entry.parentPath, entry.name)
    if (readFileSync(file, 'utf8') !== "module.exports = 'part 1.0.0'") continue
    // Without its links: the store has the same file.
    rmSync(file)
    writeFileSync(file, CHANGED)
    // pnpm compares again what changed 100 ms or more after it last did.
    utimesSync(file, LATER, LATER)
    count += 1
  }
  assert.ok(count > 0)
}

/** The project of a user who names no store, so that the repository's setting says which. */
function withoutUserStore(project: Project): Project {
  const { npm_config_store_dir, pnpm_config_store_dir, ...env } = project.env
  return { ...project, env }
}

describe('settings that install what the lockfile does not have', () => {
  const inside = ({ dir }: Project, file: string) => path.join(dir, file)
  for (const major of [10, 11, 12] as const)
    test(`excludeLinksFromLockfile makes pnpm ${major} link a folder that the lockfile does not name`, async () => {
      assertRefused(major, { excludeLinksFromLockfile: true })
      const { project } = await staged(major)
      set(project, { excludeLinksFromLockfile: true })
      const manifest = JSON.parse(readFileSync(inside(project, 'package.json'), 'utf8'))
      manifest.dependencies.victim = 'link:../elsewhere'
      writeFileSync(inside(project, 'package.json'), JSON.stringify(manifest))
      const made = await runPnpm(major, ['install', '--lockfile-only', '--no-frozen-lockfile'], project)
      assert.equal(made.status, 0, made.output)
      assert.doesNotMatch(readFileSync(inside(project, 'pnpm-lock.yaml'), 'utf8'), /elsewhere/)
      const run = await runPnpm(major, FROZEN, project)
      assert.equal(run.status, 0, run.output)
      assert.equal(readlinkSync(inside(project, 'node_modules/victim')), '../../elsewhere')
    })

  test('skills.dirs makes pnpm 12 link a folder of a package under a name of its own', async () => {
    const { refused = {}, accepted = {} } = pnpm12.files['pnpm-workspace.yaml'] ?? {}
    assert.equal(accepted['skills.dirs'], 'skill-folders')
    assert.ok(!Object.hasOwn(refused, 'skills.dirs'))
    registry.reset()
    const files = { 'skills/victim/SKILL.md': '---\nname: victim\n---\n', 'skills/victim/index.js': CHANGED }
    registry.publish(createTarball({ name: 'kit', version: '1.0.0', files }))
    const project = createProject({
      registry: registry.url,
      dependencies: { kit: '1.0.0' },
      workspace: { minimumReleaseAge: 0, permissions: { kit: { skills: true } }, skills: { dirs: ['node_modules'] } },
    })
    const run = await runPnpm(12, ['install'], project)
    assert.equal(run.status, 0, run.output)
    assert.equal(readFileSync(inside(project, 'node_modules/victim/index.js'), 'utf8'), CHANGED)
    project.dispose()
  })
})

describe('settings that make pnpm take what was not compared with the lockfile', () => {
  for (const major of [10, 11, 12] as const)
    test(`verifyStoreIntegrity: false makes pnpm ${major} link a file of the store that was changed`, async () => {
      const settings = { verifyStoreIntegrity: false }
      assertRefused(major, settings)
      const { project } = await staged(major)
      set(project, { storeDir: './vendored' })
      const install = async () => {
        const run = await runPnpm(major, FROZEN, withoutUserStore(project))
        assert.equal(run.status, 0, run.output)
      }
      await install()
      const again = async () => {
        tamper(path.join(project.dir, 'vendored'))
        rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
        await install()
        return installed(project)
      }
      assert.equal(await again(), "module.exports = 'part 1.0.0'")
      set(project, settings)
      assert.equal(await again(), CHANGED)
    })

  const FOLDERS: readonly (readonly [Major, Readonly<Record<string, unknown>>])[] = [
    [12, { virtualStoreDir: './vendored' }],
    [12, { globalVirtualStoreDir: './vendored', enableGlobalVirtualStore: true }],
  ]
  for (const [major, settings] of FOLDERS)
    test(`${JSON.stringify(settings)} makes pnpm ${major} take packages that the repository has`, async () => {
      const [name = ''] = Object.keys(settings)
      assertRefused(major, { [name]: settings[name] })
      const { project } = await staged(major)
      set(project, settings)
      const first = await runPnpm(major, FROZEN, project)
      assert.equal(first.status, 0, first.output)
      tamper(path.join(project.dir, 'vendored'))
      rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
      const second = await runPnpm(major, FROZEN, project)
      assert.equal(second.status, 0, second.output)
      assert.equal(installed(project), CHANGED)
    })
})
