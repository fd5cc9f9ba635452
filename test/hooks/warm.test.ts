/**
 * A second install, by the real pnpm, of what an earlier one has proven: nobody is asked, and nothing that has changed in
 * between, or that somebody else has put into the cache, is let in by what is remembered.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, postinstallsRun, runPnpm } from '../support/pnpm/index.ts'
import type { PackedPackage } from '../support/registry/index.ts'
import { createSigstore, type LocalSigstore } from '../support/sigstore/index.ts'
import { POLICY, SIGNED_AT, startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, linked, VERSIONS } from './stage.ts'

let world: World
let strangers: LocalSigstore
let part: PackedPackage
let evil: PackedPackage

before(async () => {
  world = await startWorld()
  strangers = await createSigstore({ now: SIGNED_AT })
  part = await world.publish(good('part'))
  await world.publish({ ...good('widget'), dependencies: { part: '1.0.0' } })
  evil = await world.publish(good('evil'), FOREIGN)
})
after(() => world.close())

const FROZEN = ['install', '--frozen-lockfile']
const cacheOf = ({ env }: Project) => path.join(env.XDG_CACHE_HOME ?? '', 'provenance-gate')
const dataOf = ({ env }: Project) => path.join(env.XDG_DATA_HOME ?? '', 'provenance-gate')
const asked = () =>
  world.registry.requests.map(({ path: each }) => each).filter((each) => each.includes('/attestations/'))

function change(project: Project, file: string, edit: (text: string) => string): void {
  const name = path.join(project.dir, file)
  const text = readFileSync(name, 'utf8')
  const changed = edit(text)
  assert.notEqual(changed, text, 'nothing was changed')
  writeFileSync(name, changed)
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((name) => path.join(folder, name))
    .filter((file) => statSync(file).isFile())

/** Has installed `widget`, and with it `part`, once. */
async function installed(t: TestContext, version: PnpmVersion): Promise<Project> {
  const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, workspace: { confirmModulesPurge: false } })
  t.after(() => project.dispose())
  await assertInstalls(version, project, ['install'])
  forgetModules(project)
  return project
}

function forgetModules(project: Project): void {
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true, force: true })
  for (const file of filesIn(project.markersDir)) rmSync(file)
}

async function assertInstalls(version: PnpmVersion, project: Project, args = FROZEN): Promise<void> {
  const { status, output } = await runPnpm(version, args, project)
  assert.equal(status, 0, output)
  assert.deepEqual(postinstallsRun(project), ['part@1.0.0', 'widget@1.0.0'])
}

async function assertRefuses(version: PnpmVersion, project: Project, what: RegExp, args = FROZEN): Promise<void> {
  const { status, flat } = await runPnpm(version, args, project)
  assert.notEqual(status, 0, flat)
  assert.match(flat, what)
  assert.deepEqual(postinstallsRun(project), [])
  assert.deepEqual(
    linked(project).filter((name) => /^(?:widget|part|evil|renamed)(?:@|$)/.test(name)),
    [],
  )
}

interface Change {
  readonly make: (project: Project) => void
  readonly code: RegExp
}

/** Each lets a frozen install with everything in the store ask for something else than what was proven. */
const CHANGES: Readonly<Record<string, Change>> = {
  'the policy': {
    make: (project) => change(project, '.sigstorerc', (text) => text.replace('acme/widgets', 'acme/gadgets')),
    code: /part@1\.0\.0 +REPOSITORY_MISMATCH/,
  },
  'the key of the registry, which is another, and a rule that asks for it': {
    make: (project) => {
      change(project, 'trust/keys.json', () => JSON.stringify(strangers.npmKeys))
      change(project, '.sigstorerc', (text) => text.replace(/require: provenance\n.*/s, 'require: signature\n'))
    },
    code: /part@1\.0\.0 +EVIDENCE_UNKNOWN/,
  },
  'the trust root': {
    make: (project) => change(project, 'trust/trusted_root.json', () => JSON.stringify(strangers.trustedRoot)),
    code: /part@1\.0\.0 +EVIDENCE_UNKNOWN/,
  },
  'a digest': {
    make: (project) => change(project, 'pnpm-lock.yaml', (text) => text.replaceAll(part.integrity, evil.integrity)),
    code: /part@1\.0\.0 +DIGEST_MISMATCH/,
  },
  'a version': {
    make: (project) =>
      change(project, 'pnpm-lock.yaml', (text) => text.replaceAll(/part(@|: )1\.0\.0/g, 'part$11.0.1')),
    code: /part@1\.0\.1 +EVIDENCE_MISSING/,
  },
  'a name': {
    make: (project) => change(project, 'pnpm-lock.yaml', toEvil),
    code: /evil@1\.0\.0 +WORKFLOW_MISMATCH/,
  },
  'where it is from, with the digest of what is proven': {
    make: (project) =>
      change(project, 'pnpm-lock.yaml', (text) => {
        const url = `${world.registry.url}part/-/part-1.0.0.tgz?`
        return text
          .replaceAll('part@1.0.0', `part@${url}`)
          .replaceAll('part: 1.0.0', `part: ${url}`)
          .replaceAll(
            `{integrity: ${part.integrity}}`,
            `{integrity: ${part.integrity}, tarball: ${url}}\n    version: 1.0.0`,
          )
      }),
    code: /part@\S+ +EVIDENCE_MISSING/,
  },
  'where it is from: a commit': {
    make: (project) =>
      change(project, 'pnpm-lock.yaml', (text) => {
        const commit = 'a'.repeat(40)
        const url = `git+https://host.invalid/part.git#${commit}`
        return text
          .replaceAll('part@1.0.0', `part@${url}`)
          .replaceAll('part: 1.0.0', `part: ${url}`)
          .replaceAll(
            `{integrity: ${part.integrity}}`,
            `{commit: ${commit}, repo: https://host.invalid/part.git, type: git}\n    version: 1.0.0`,
          )
      }),
    code: /part@\S+ +EVIDENCE_MISSING/,
  },
  'a name under which it is installed': {
    make: (project) => {
      change(project, 'pnpm-lock.yaml', (text) => text.replace(/^( +)part: 1\.0\.0$/m, '$1renamed: part@1.0.0'))
      change(project, '.sigstorerc', (text) =>
        text.replace(
          'rules:',
          'rules:\n  - packages: renamed\n    require: provenance\n    publisher: { repository: acme/renamed }',
        ),
      )
    },
    code: /part@1\.0\.0 +REPOSITORY_MISMATCH/,
  },
}

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    test('asks for no attestation, however it installs', async (t) => {
      const project = await installed(t, version)
      world.registry.forgetRequests()
      await assertInstalls(version, project)
      forgetModules(project)
      for (const folder of [project.storeDir, project.cacheDir]) rmSync(folder, { recursive: true, force: true })
      await assertInstalls(version, project)
      forgetModules(project)
      rmSync(path.join(project.dir, 'pnpm-lock.yaml'))
      await assertInstalls(version, project, ['install'])
      assert.deepEqual(asked(), [])
    })

    for (const [what, { make, code }] of Object.entries(CHANGES)) {
      test(`refuses what has changed in between: ${what}`, async (t) => {
        const project = await installed(t, version)
        // Also with everything remembered of the lockfile itself.
        await assertInstalls(version, project)
        forgetModules(project)
        make(project)
        for (let round = 0; round < 2; round += 1) await assertRefuses(version, project, code)
      })
    }

    test('does not believe proofs and lockfiles that somebody else has written into the cache', async (t) => {
      const project = await installed(t, version)
      const mine = cacheOf(project)
      const theirs: Project = {
        ...project,
        env: {
          ...project.env,
          XDG_CACHE_HOME: path.join(project.root, 'their-cache'),
          XDG_DATA_HOME: path.join(project.root, 'their-data'),
        },
      }
      // Under a policy of theirs, in the same folder, `evil` is proven and the lockfile is any.
      writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY.replace('release.yml', '*.yml'))
      change(project, 'pnpm-lock.yaml', toEvil)
      const their = await runPnpm(version, [...FROZEN, '--ignore-scripts'], theirs)
      assert.equal(their.status, 0, their.output)
      forgetModules(project)
      writeFileSync(path.join(project.dir, '.sigstorerc'), POLICY)
      for (const folder of ['proofs', 'derived']) {
        const bodies = filesIn(path.join(cacheOf(theirs), folder))
        assert.ok(bodies.length > 0)
        for (const file of filesIn(path.join(mine, folder)))
          for (const body of bodies) {
            cpSync(body, file)
            await assertRefuses(version, project, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
          }
      }
    })

    test('installs, and refuses, with a cache full of nonsense', async (t) => {
      for (const nonsense of ['', `${'0'.repeat(64)}\n[]`]) {
        const project = await installed(t, version)
        for (const file of filesIn(cacheOf(project))) writeFileSync(file, nonsense)
        await assertInstalls(version, project)
        forgetModules(project)
        for (const file of filesIn(cacheOf(project))) writeFileSync(file, nonsense)
        change(project, 'pnpm-lock.yaml', toEvil)
        await assertRefuses(version, project, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
      }
    })

    test('installs, and refuses, where nothing can be remembered', async (t) => {
      const project = await installed(t, version)
      for (const folder of [cacheOf(project), dataOf(project)]) {
        rmSync(folder, { recursive: true, force: true })
        writeFileSync(folder, 'a file')
      }
      await assertInstalls(version, project)
      forgetModules(project)
      change(project, 'pnpm-lock.yaml', toEvil)
      await assertRefuses(version, project, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
    })

    test('remembers for two projects that are installed at once', async (t) => {
      const [one, two] = [await installed(t, version), await installed(t, version)]
      const other: Project = {
        ...two,
        env: { ...two.env, XDG_CACHE_HOME: one.env.XDG_CACHE_HOME ?? '', XDG_DATA_HOME: one.env.XDG_DATA_HOME ?? '' },
      }
      for (const folder of [cacheOf(one), dataOf(one)]) rmSync(folder, { recursive: true })
      await Promise.all([one, other].map((each) => assertInstalls(version, each)))
      world.registry.forgetRequests()
      for (const each of [one, other]) forgetModules(each)
      await Promise.all([one, other].map((each) => assertInstalls(version, each)))
      assert.deepEqual(asked(), [])
    })

    test('is right after one that was killed, whenever that was', async (t) => {
      const project = await installed(t, version)
      for (const delay of [150, 300, 450, 600, 800, 1_000, 1_300]) {
        rmSync(cacheOf(project), { recursive: true, force: true })
        forgetModules(project)
        const signal = AbortSignal.timeout(delay)
        await runPnpm(version, FROZEN, project, { signal }).catch(() => {})
      }
      forgetModules(project)
      await assertInstalls(version, project)
      forgetModules(project)
      change(project, 'pnpm-lock.yaml', toEvil)
      await assertRefuses(version, project, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
    })
  })
}

function toEvil(text: string): string {
  return text.replaceAll(part.integrity, evil.integrity).replaceAll(/part(@|: )1\.0\.0/g, 'evil$11.0.0')
}
