import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, test } from 'node:test'
import { parse } from 'yaml'
import { recipe } from '../support/ci/markdown.ts'
import type { ProcessRun } from '../support/process.ts'
import { stage } from './stage.ts'

const made = await stage()
after(() => made.dispose())

const HOOK = recipe('A git hook', 'sh')
const INSTALL = recipe('A git hook', 'bash')
const CONFIG = recipe('A git hook', 'yaml')
const POLICY = made.read('.sigstorerc')
const LOOSE = 'rules: [{ packages: "**", require: nothing }]\n'
const JUDGED = /^\d+ packages?: /m

await made.change('stolen', { good: '1.0.0', stolen: '1.0.0' })
const STOLEN = { 'package.json': made.read('package.json'), 'pnpm-lock.yaml': made.read('pnpm-lock.yaml') }
await made.git('checkout', '--quiet', 'main')
const GOOD = { 'pnpm-lock.yaml': made.read('pnpm-lock.yaml') }
await must(made.run(['bash', '-ec', INSTALL]))
const ORIGIN = (await made.git('rev-parse', 'HEAD')).stdout.trim()

async function must(running: Promise<ProcessRun>): Promise<ProcessRun> {
  const done = await running
  assert.equal(done.status, 0, done.output)
  return done
}

const commit = (...args: readonly string[]) => made.git('commit', '--message', 'a change', ...args)
const head = async () => (await made.git('rev-parse', 'HEAD')).stdout.trim()

/** Ended by the hook, with nothing committed and no folder left behind. */
async function assertStopped(run: ProcessRun, why = /1 refused/): Promise<void> {
  assert.equal(run.status, 1, run.output)
  assert.match(run.output, why)
  assert.equal(await head(), ORIGIN)
  assert.deepEqual(readdirSync(join(made.root, 'tmp')), [])
}

async function assertCommitted(run: ProcessRun): Promise<void> {
  assert.equal(run.status, 0, run.output)
  assert.notEqual(await head(), ORIGIN)
  assert.deepEqual(readdirSync(join(made.root, 'tmp')), [])
}

for (const by of ['git', 'pre-commit'] as const) {
  const skip = by === 'pre-commit' && spawnSync('pre-commit', ['--version']).error !== undefined
  describe(`the hook, by ${by}`, {
    skip: skip && 'pre-commit is not installed (Debian has a package of that name)',
  }, () => {
    beforeEach(async () => {
      await must(made.git('checkout', '--quiet', '--force', '-B', 'work', ORIGIN))
      await must(made.git('clean', '--quiet', '-d', '--force', '--exclude', 'node_modules'))
      rmSync(join(made.root, 'tmp'), { recursive: true })
      await must(made.run(['mkdir', join(made.root, 'tmp')]))
      made.write({ '.githooks/pre-commit': HOOK })
      chmodSync(join(made.dir, '.githooks/pre-commit'), 0o755)
      await made.git('config', '--unset', 'core.hooksPath')
      if (by === 'git') await must(made.git('config', 'core.hooksPath', '.githooks'))
      else {
        made.write({ '.pre-commit-config.yaml': CONFIG })
        await must(made.git('add', '.pre-commit-config.yaml', '.githooks'))
        await must(made.run(['pre-commit', 'install']))
      }
    })

    test('lets a commit pass whose lockfile is allowed', async () => {
      made.write({ 'pnpm-lock.yaml': `${GOOD['pnpm-lock.yaml']}# a comment\n` })
      const run = await commit('--all')
      await assertCommitted(run)
      if (by === 'git') assert.match(run.output, /1 package: 1 proven/)
    })

    test('stops one with a package that is refused, with the report', async () => {
      made.write(STOLEN)
      const run = await commit('--all')
      await assertStopped(run)
      assert.match(run.output, /stolen@1\.0\.0/)
      assert.match(run.output, /1 refused/)
    })

    test('judges what is staged, not what the work tree has', async () => {
      made.write(STOLEN)
      await made.git('add', '--update')
      made.write(GOOD)
      await assertStopped(await commit())
    })

    test('and lets pass what is staged where only the work tree is bad', async () => {
      made.write({ 'pnpm-lock.yaml': `${GOOD['pnpm-lock.yaml']}# a comment\n` })
      await made.git('add', '--update')
      made.write({ ...STOLEN, '.sigstorerc': 'broken: [' })
      await assertCommitted(await commit())
    })

    test('judges by the policy that is staged: a looser one in the work tree changes nothing', async () => {
      made.write(STOLEN)
      await made.git('add', '--update')
      made.write({ '.sigstorerc': LOOSE })
      await assertStopped(await commit())
    })

    test('looks at a policy that is staged alone', async () => {
      made.write({ '.sigstorerc': `${POLICY}      ref: refs/heads/other\n` })
      await assertStopped(await commit('--all'))
    })

    test('costs other commits nothing', async () => {
      made.write({ 'index.js': '' })
      await made.git('add', 'index.js')
      // What it would refuse, if it looked.
      made.write(STOLEN)
      const run = await commit()
      await assertCommitted(run)
      assert.doesNotMatch(run.output, JUDGED)
    })

    if (by === 'git') {
      test('judges the files that a partial commit names, and no others', async () => {
        made.write(STOLEN)
        await made.git('add', '--update')
        await assertCommitted(await commit('--only', '.sigstorerc', '--allow-empty'))
        await made.git('reset', '--quiet', '--soft', ORIGIN)
        await assertStopped(await commit('--only', 'pnpm-lock.yaml'))
      })

      test('guards the first commit of a repository, and a work tree of its own', async () => {
        await must(made.git('add', '--all'))
        await must(made.git('update-ref', '-d', 'HEAD'))
        const first = await commit()
        assert.equal(first.status, 0, first.output)
        assert.match(first.output, JUDGED)

        const other = join(made.root, 'other')
        await must(made.git('worktree', 'add', '--quiet', '--detach', other, 'stolen'))
        await must(made.run(['cp', '-R', 'tools/gate/node_modules', join(other, 'tools/gate')]))
        await must(made.run(['cp', '-R', '.githooks', other]))
        await must(made.run(['sh', '-c', 'echo "# a comment" >> pnpm-lock.yaml'], other))
        const run = await made.run(['git', '-c', 'user.name=x', '-c', 'user.email=x', 'commit', '-qam', 'x'], other)
        assert.equal(run.status, 1, run.output)
        assert.match(run.output, /stolen@1\.0\.0/)
        await must(made.git('worktree', 'remove', '--force', other))
      })

      test('stops a commit that it cannot judge, and says what to do', async (t) => {
        const modules = join(made.dir, 'tools/gate/node_modules')
        await must(made.run(['mv', modules, `${modules}.away`]))
        t.after(() => made.run(['mv', `${modules}.away`, modules]))
        made.write(STOLEN)
        const run = await commit('--all')
        await assertStopped(run, /npm ci --ignore-scripts --prefix tools\/gate/)
        assert.doesNotMatch(run.output, JUDGED)
      })

      test('runs nothing that a name has', async () => {
        const name = '$(touch pwned) `touch pwned` ";touch pwned;" .sigstorerc'
        made.write({ [name]: '', [`dir ${name}/pnpm-lock.yaml`]: 'x' })
        await must(made.git('add', '--all'))
        await assertCommitted(await commit())
        assert.equal(existsSync(join(made.dir, 'pwned')), false)
      })
    }
  })
}

for (const [manager, lockfile] of [
  ['npm11', 'package-lock.json'],
  ['yarn1', 'yarn.lock'],
  ['bun', 'bun.lock'],
] as const) {
  test(`the hook looks at ${lockfile}`, async () => {
    await must(made.git('config', 'core.hooksPath', '/dev/null'))
    await made.change(manager, { good: '1.0.0', stolen: '1.0.0' }, { '.githooks/pre-commit': HOOK }, manager)
    chmodSync(join(made.dir, '.githooks/pre-commit'), 0o755)
    await must(made.git('config', 'core.hooksPath', '.githooks'))
    await must(made.git('reset', '--quiet', '--soft', 'HEAD~1'))
    await must(made.git('restore', '--staged', '.'))
    await must(made.git('add', lockfile))
    await must(made.git('rm', '--quiet', '--cached', 'pnpm-lock.yaml'))
    const run = await commit()
    assert.equal(run.status, 1, run.output)
    assert.match(run.output, /stolen@1\.0\.0/)
  })
}

test('both look at the same files', () => {
  const [hook] = parse(CONFIG).repos[0].hooks
  const names =
    /^set -- ([^#]*?)\nfor/ms
      .exec(HOOK)?.[1]
      ?.split(/[\s\\']+/)
      .filter(Boolean) ?? []
  assert.ok(names.length > 5)
  for (const name of names) {
    const file = name.replace('*', '.yaml')
    assert.match(`a/b/${file}`, new RegExp(hook.files), name)
    assert.match(file, new RegExp(hook.files), name)
    assert.doesNotMatch(`x${file}.md`, new RegExp(hook.files), name)
  }
})
