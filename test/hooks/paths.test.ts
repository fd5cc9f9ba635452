import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { postinstallsRun, prepareStore, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, digests } from '../support/registry/index.ts'
import { POLICY, startWorld, type World } from '../support/world.ts'
import { FOREIGN, good, linked, lockedProject, permitting, VERSIONS } from './stage.ts'

/** Paths beside the matrix by which something refused could get in, or something good could be kept out. */
let world: World

before(async () => {
  world = await startWorld()
})
after(() => world.close())
beforeEach(() => world.registry.reset())

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    test('the integrity of an entry is swapped for another tarball, with which the registry agrees: refused', async (t) => {
      const pkg = await world.publish(good('widget'))
      const project = await lockedProject(world, version, { dependencies: { widget: '1.0.0' } })
      t.after(() => project.dispose())
      const evil = createTarball({ ...good('widget'), files: { 'evil.js': 'evil()' } })
      world.registry.setTarball('widget', '1.0.0', evil.bytes)
      const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
      writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(pkg.integrity, digests(evil.bytes).integrity))
      const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /widget@1\.0\.0 +DIGEST_MISMATCH/)
      assert.deepEqual(linked(project), [])
    })

    test('an optional dependency that is refused does not vanish silently', async (t) => {
      await world.publish(good('widget'))
      await world.publish(good('evil'), FOREIGN)
      const manifest = { optionalDependencies: { evil: '1.0.0' } }
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' }, manifest })
      t.after(() => project.dispose())
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /evil@1\.0\.0 +WORKFLOW_MISMATCH/)
      assert.ok(!linked(project).some((name) => name.startsWith('evil')))
      assert.ok(!postinstallsRun(project).includes('evil@1.0.0'))
    })

    test('a tarball that claims the name, the version and the digest of a proven package is not one', async (t) => {
      const pkg = await world.publish(good('widget'))
      const evil = createTarball({
        ...good('widget'),
        dist: { integrity: pkg.integrity, tarball: `${world.registry.url}widget/-/widget-1.0.0.tgz` },
      })
      for (const store of ['cold', 'warm'] as const) {
        const project = world.gatedProject({
          dependencies: { widget: 'file:widget.tgz' },
          workspace: { blockExoticSubdeps: false },
        })
        t.after(() => project.dispose())
        writeFileSync(path.join(project.dir, 'widget.tgz'), evil.bytes)
        await prepareStore(version, project, store)
        rmSync(path.join(project.dir, 'pnpm-lock.yaml'), { force: true })
        const { status, flat } = await runPnpm(version, ['install'], project)
        assert.notEqual(status, 0, store)
        assert.match(flat, /EVIDENCE_MISSING/)
        assert.ok(!linked(project).includes('widget'), store)
      }
    })

    test('a rule that only warns lets a package in, and tells it once', async (t) => {
      await world.publish(good('evil'), FOREIGN)
      const project = world.gatedProject({ dependencies: { evil: '1.0.0' }, policy: `${POLICY}    mode: warn\n` })
      t.after(() => project.dispose())
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.equal(status, 0, flat)
      assert.ok(linked(project).includes('evil'))
      assert.equal(
        [...flat.matchAll(/provenance-gate warns of 1 package.* evil@1\.0\.0 +WORKFLOW_MISMATCH/g)].length,
        1,
      )
      assert.equal([...flat.matchAll(/WORKFLOW_MISMATCH/g)].length, 1, flat)
    })

    test('an exception lets in what it names, and nothing else', async (t) => {
      await world.publish(good('evil'), FOREIGN)
      await world.publish(good('worse'), FOREIGN)
      const policy = `exceptions: [{ package: evil@1.0.0, reason: known, expires: '2999-12-31' }]\n${POLICY}`
      const project = world.gatedProject({ dependencies: { evil: '1.0.0' }, policy })
      t.after(() => project.dispose())
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.equal(status, 0, flat)
      assert.ok(linked(project).includes('evil'))
      const added = await runPnpm(version, ['add', 'worse@1.0.0'], project)
      assert.notEqual(added.status, 0, added.flat)
      assert.ok(!linked(project).includes('worse'))
    })

    test('a policy in a folder of the workspace does not take the place of the root, whatever moves the lockfile', async (t) => {
      await world.publish(good('evil'), FOREIGN)
      const nothing = { rules: [{ packages: '**', require: 'nothing' }] }
      const app = { name: 'app', version: '1.0.0', dependencies: { evil: '1.0.0' }, sigstore: nothing }
      const project = world.gatedProject({
        workspace: { packages: ['packages/*'], sharedWorkspaceLockfile: false },
        files: { 'packages/app/package.json': JSON.stringify(app) },
      })
      t.after(() => project.dispose())
      const folder = path.join(project.dir, 'packages/app')
      const made = await runPnpm(version, ['install', '--lockfile-only', '--ignore-pnpmfile'], project)
      assert.equal(made.status, 0, made.output)
      for (const args of [['install'], ['install', '--frozen-lockfile']]) {
        for (const store of ['cold', 'warm'] as const) {
          await prepareStore(version, project, store)
          const { status, flat } = await runPnpm(version, args, project)
          assert.notEqual(status, 0, flat)
          assert.deepEqual(postinstallsRun(project), [])
          assert.ok(!existsSync(path.join(folder, 'node_modules/evil')))
        }
      }
    })

    test('without a policy nothing is installed, and the message says what to do', async (t) => {
      await world.publish(good('widget'))
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      t.after(() => project.dispose())
      rmSync(path.join(project.dir, '.sigstorerc'))
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /no policy here.*\.sigstorerc/)
      assert.deepEqual(linked(project), [])
    })

    test('a registry that answers no attestations stops the install, and nothing is called invalid', async (t) => {
      await world.publish(good('widget'))
      const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
      t.after(() => project.dispose())
      world.registry.misbehave({ match: '/attestations/', how: 'status', status: 401 })
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0)
      assert.match(flat, /widget@1\.0\.0 +EVIDENCE_UNAVAILABLE.*HTTP 401.*check the network/)
      assert.deepEqual(linked(project), [])
    })
  })
}

test('pnpm 12.15 is refused by name, with the way out, whatever the command', async (t) => {
  await world.publish(good('widget'))
  const project = world.gatedProject({ dependencies: { widget: '1.0.0' } })
  t.after(() => project.dispose())
  for (const args of [['install'], ['fetch'], ['add', 'widget@1.0.0']]) {
    const { status, flat } = await runPnpm('12.15', args, project)
    assert.notEqual(status, 0)
    assert.match(flat, /cannot guard pnpm 12\.15\.0.*Use pnpm 12\.16 or newer/)
    assert.deepEqual(linked(project), [])
  }
})

for (const version of VERSIONS) {
  test(`pnpm ${version}: a project of the workspace that a range leads to is judged before it is linked`, async (t) => {
    const evil = JSON.stringify({ name: 'evil', version: '1.0.0' })
    const app = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { evil: '^1.0.0' } })
    const project = world.gatedProject({
      workspace: { packages: ['packages/*'], linkWorkspacePackages: true },
      files: { 'packages/evil/package.json': evil, 'packages/app/package.json': app },
    })
    t.after(() => project.dispose())
    const refused = await runPnpm(version, ['install'], project)
    assert.notEqual(refused.status, 0, refused.flat)
    assert.match(refused.flat, /evil@.* EVIDENCE_MISSING/)
    assert.ok(!existsSync(path.join(project.dir, 'packages/app/node_modules/evil')))
    writeFileSync(path.join(project.dir, '.sigstorerc'), permitting('evil'))
    const { status, output } = await runPnpm(version, ['install'], project)
    assert.equal(status, 0, output)
    assert.ok(existsSync(path.join(project.dir, 'packages/app/node_modules/evil')))
  })
}
