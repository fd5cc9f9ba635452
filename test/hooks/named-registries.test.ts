/** Registries that settings give a name: keys such as `alpha@work:1.0.0`. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, type TestContext, test } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { readLockfile } from '../../src/lockfile/read.ts'
import { verify } from '../cli/support.ts'
import { createProject, markedPackage, type Project, runPnpm } from '../support/pnpm/index.ts'
import { type PackedPackage, type Registry, startRegistry } from '../support/registry/index.ts'
import { startWorld, type World } from '../support/world.ts'
import { good } from './stage.ts'

let world: World
/** The registry with a name. */
let work: Registry

before(async () => {
  world = await startWorld()
  work = await startRegistry({ keys: world.sigstore.npmKeys })
})
after(async () => {
  await work.close()
  await world.close()
})
beforeEach(() => {
  world.registry.reset()
  work.reset()
})

/** `alpha` and `beta`, attested, in the registry with a name. */
async function publish(): Promise<readonly PackedPackage[]> {
  const packages = ['alpha', 'beta'].map((name) => markedPackage(good(name)))
  for (const pkg of packages) work.publish(pkg, { attestations: await world.attest(pkg) })
  return packages
}

const SPECIFIERS = { alpha: 'work:1.0.0', beta: 'work:1.0.0', '@acme/widget': '1.0.0' }

/** Each way in which a project can give a registry its name. */
const NAMINGS: Readonly<Record<string, (url: string) => Readonly<Record<string, unknown>>>> = {
  namedRegistries: (url) => ({ namedRegistries: { work: url } }),
  'registries with a prefix': (url) => ({ registries: { [url]: { prefix: 'work' } } }),
  'a prefix that is stronger': (url) => ({
    namedRegistries: { work: 'http://127.0.0.1:9/' },
    registries: { [url]: { prefix: 'work', serverType: 'npm' } },
  }),
}

const installed = (project: Project, name: string): unknown =>
  JSON.parse(readFileSync(path.join(project.dir, 'node_modules', name, 'package.json'), 'utf8')).name

const lockfileIn = (project: Project): string => path.join(project.dir, 'pnpm-lock.yaml')

describe('two packages of a named registry that have one version', () => {
  for (const version of [11, 12] as const)
    for (const [naming, settings] of Object.entries(NAMINGS))
      for (const lockfileIncludeTarballUrl of [false, true])
        test(`pnpm ${version} installs them by ${naming}, ${lockfileIncludeTarballUrl ? 'with' : 'without'} addresses, each proven at its own registry`, async (t) => {
          await publish()
          await world.publish(good('@acme/widget'))
          const project = world.gatedProject({
            dependencies: SPECIFIERS,
            workspace: { ...settings(work.url), lockfileIncludeTarballUrl },
            manifest: { packageManager: 'pnpm@12.21.0' },
          })
          t.after(() => project.dispose())
          const made = await runPnpm(version, ['install', '--lockfile-only'], project)
          assert.equal(made.status, 0, made.output)
          const text = readFileSync(lockfileIn(project), 'utf8')
          assert.match(text, /^ {2}alpha@work:1\.0\.0:\n {4}resolution:/m)
          assert.equal(text.includes(`tarball: ${work.url}`), lockfileIncludeTarballUrl)

          for (const one of [work, world.registry]) one.forgetRequests()
          const workspaceFile = path.join(project.dir, 'pnpm-workspace.yaml')
          const workspace = readFileSync(workspaceFile, 'utf8')
          // Tests keep pnpm from starting another version; with that setting `verify` does not know which one installs.
          writeFileSync(workspaceFile, workspace.replace('pmOnFail: ignore\n', ''))
          const verified = await verify(project, '--cache', path.join(project.root, 'fresh'))
          writeFileSync(workspaceFile, workspace)
          assert.equal(verified.status, 0, verified.stderr)
          const asked = (one: Registry) => one.requests.map((request) => decodeURIComponent(request.path)).sort()
          assert.deepEqual(
            asked(work),
            ['alpha', 'beta'].map((name) => `/-/npm/v1/attestations/${name}@1.0.0`),
          )
          assert.deepEqual(asked(world.registry), ['/-/npm/v1/attestations/@acme/widget@1.0.0'])

          const run = await runPnpm(version, ['install', '--frozen-lockfile'], project)
          assert.equal(run.status, 0, run.output)
          for (const name of ['alpha', 'beta', '@acme/widget']) assert.equal(installed(project, name), name)
        })

  test('are refused each for itself where one is not proven', async (t) => {
    const [alpha, beta] = await publish()
    assert.ok(alpha && beta)
    work.reset()
    work.publish(alpha, { attestations: await world.attest(alpha) })
    work.publish(beta)
    const project = world.gatedProject({ dependencies: SPECIFIERS, workspace: { namedRegistries: { work: work.url } } })
    t.after(() => project.dispose())
    writeFileSync(lockfileIn(project), lockfileWith([alpha, beta], 'digest'))
    const verified = await verify(project)
    assert.equal(verified.status, 1, verified.stderr)
    assert.match(verified.stderr, /beta[\s\S]*EVIDENCE_MISSING/)
    assert.match(verified.stderr, /2 packages: 1 proven, [\s\S]*1 refused/)
  })
})

/** What an entry can have beside its digest. */
const FORMS = {
  digest: () => ({ tarball: '', version: '' }),
  'an address': (name: string) => ({
    tarball: `, tarball: ${world.registry.url}${name}/-/${name}-1.0.0.tgz`,
    version: '',
  }),
  'a relative address': (name: string) => ({ tarball: `, tarball: ${name}/-/${name}-1.0.0.tgz`, version: '' }),
  'a version': () => ({ tarball: '', version: '    version: 1.0.0\n' }),
} as const

/** A lockfile that no pnpm 10 has written. It alone leads away from the ranges of package.json. */
function lockfileWith(packages: readonly PackedPackage[], form: keyof typeof FORMS): string {
  const entry = ({ manifest: { name }, integrity }: PackedPackage) => {
    const { tarball, version } = FORMS[form](name)
    return `  ${name}@work:1.0.0:\n    resolution: {integrity: ${integrity}${tarball}}\n${version}`
  }
  const asked = ({ manifest: { name } }: PackedPackage) =>
    `      ${name}:\n        specifier: ${SPECIFIERS.alpha}\n        version: work:1.0.0\n`
  return [
    "lockfileVersion: '9.0'\nsettings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n",
    `importers:\n  .:\n    dependencies:\n${packages.map(asked).join('')}`,
    `packages:\n${packages.map(entry).join('')}`,
    `snapshots:\n${packages.map(({ manifest: { name } }) => `  ${name}@work:1.0.0: {}\n`).join('')}`,
  ].join('')
}

describe('an older pnpm takes one package of a named registry for another', () => {
  const dependencies = { alpha: SPECIFIERS.alpha, beta: SPECIFIERS.beta }

  async function project(t: TestContext, form: keyof typeof FORMS, options: object = {}): Promise<Project> {
    const packages = await publish()
    for (const pkg of packages) world.registry.publish(pkg)
    const made = createProject({
      registry: world.registry.url,
      dependencies,
      ...options,
      files: { ...world.policyFiles(), 'pnpm-lock.yaml': lockfileWith(packages, form) },
    })
    t.after(() => made.dispose())
    return made
  }

  test('pnpm 10 fails where the entries have nothing but digests, so the gate reads them', async (t) => {
    const made = await project(t, 'digest')
    const { status, output } = await runPnpm(10, ['install', '--frozen-lockfile'], made)
    assert.equal(status, 1)
    assert.match(output, /Couldn't get tarball URL/)
    const { packages } = await readLockfile(lockfileIn(made))
    assert.deepEqual(
      packages.map(({ key }) => key),
      ['alpha@work:1.0.0', 'beta@work:1.0.0'],
    )
  })

  for (const form of ['an address', 'a relative address', 'a version'] as const) {
    test(`pnpm 10 installs the bytes of the one as the other where they have ${form}, and the gate refuses that`, async (t) => {
      const made = await project(t, form)
      const { status, output } = await runPnpm(10, ['install', '--frozen-lockfile'], made)
      assert.equal(status, 0, output)
      assert.deepEqual(
        ['alpha', 'beta'].map((name) => installed(made, name)),
        ['alpha', 'alpha'],
      )
      await assert.rejects(
        readLockfile(lockfileIn(made)),
        (error) => error instanceof GateError && /pnpm before 11\.20 would take the bytes/.test(error.message),
      )
    })
  }

  const PINNED = { packageManager: 'pnpm@12.21.0' }
  const pins: readonly (readonly [string, object, number])[] = [
    ['no package.json names a pnpm', {}, 2],
    ['package.json names one that tells them apart', { manifest: PINNED }, 1],
    ['package.json names one that does not', { manifest: { packageManager: 'pnpm@11.19.0' } }, 2],
    [
      'a setting keeps pnpm 10 from starting it',
      { manifest: PINNED, npmrc: 'manage-package-manager-versions=false' },
      2,
    ],
    [
      'a setting of pnpm-workspace.yaml does',
      { manifest: PINNED, workspace: { managePackageManagerVersions: false } },
      2,
    ],
  ]
  for (const [what, options, status] of pins) {
    test(`verify reads them, and asks for evidence, only where it is sure which pnpm installs: ${what}`, async (t) => {
      const workspace = {
        pmOnFail: undefined,
        namedRegistries: { work: work.url },
        ...('workspace' in options ? (options.workspace as object) : {}),
      }
      const made = await project(t, 'an address', { ...options, workspace })
      const { status: ended, stderr } = await verify(made)
      assert.equal(ended, status === 1 ? 0 : 2, stderr)
      if (status === 2)
        assert.match(
          stderr,
          /pnpm before 11\.20 would take the bytes of the one for those of the other\. Pin a newer pnpm in package\.json/,
        )
    })
  }

  test('the hook of pnpm 10 refuses them', async (t) => {
    const packages = await publish()
    for (const pkg of packages) world.registry.publish(pkg)
    const made = world.gatedProject({ dependencies, workspace: { namedRegistries: { work: work.url } } })
    t.after(() => made.dispose())
    writeFileSync(lockfileIn(made), lockfileWith(packages, 'an address'))
    const { status, output } = await runPnpm(10, ['install', '--frozen-lockfile'], made)
    assert.equal(status, 1, output)
    assert.match(output, /pnpm before 11\.20 would take the bytes/)
  })
})
