import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { describe, test } from 'node:test'
import { runPnpm } from '../support/pnpm/index.ts'
import { PNPMFILE, startWorld } from '../support/world.ts'
import { good, linked, VERSIONS } from './stage.ts'

/** Files of the package that are loaded after `code` has run with the hooks as `hooks`. */
function loadedAfter(code: string): readonly string[] {
  const script = `
    const { hooks } = require(${JSON.stringify(PNPMFILE)});
    Promise.resolve((async () => { ${code} })()).catch(() => {}).then(() => console.log(JSON.stringify(Object.keys(require.cache))))`
  return JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as string[]
}

/** So much of the script that pnpm 12.16 and newer give to Node for their hooks says that they are such. */
const AS_PNPM = "if (false && req.hook === 'preResolution') {}"

describe('pnpmfile.cjs', () => {
  test('loads nothing but itself until a hook must judge: pnpm evaluates it for every command', () => {
    assert.deepEqual(loadedAfter(''), [PNPMFILE])
    assert.deepEqual(loadedAfter(`${AS_PNPM}; await hooks.updateConfig({})`), [PNPMFILE])
  })

  test('refuses every command where it is not run by a pnpm that it knows', () => {
    const script = (code: string) => `${code};
      const { hooks } = require(${JSON.stringify(PNPMFILE)});
      (async () => hooks.updateConfig({ userAgent: 'pnpm/11.28.11' }))().then(() => console.log('passed'), ({ message }) => console.log(message))`
    const run = (code: string) => execFileSync(process.execPath, ['-e', script(code)], { encoding: 'utf8' })
    assert.match(run(''), /cannot find out which version of pnpm this is/)
    assert.match(run(AS_PNPM), /^passed$/m)
  })

  test('loads the gate when one must', () => {
    const loaded = loadedAfter(
      "await hooks.preResolution({ lockfileDir: '/nowhere', registries: {}, wantedLockfile: {} })",
    )
    assert.equal(loaded.length, 2)
    assert.match(loaded[1] ?? '', /dist.hook\.cjs$/)
  })
})

test('is loaded in a container where nobody knows the user, and HOME is not set', () => {
  const script = `
    const os = require('node:os')
    const { homedir } = os
    os.homedir = () => {
      if (process.env.HOME === undefined) throw new Error('uv_os_homedir returned ENOENT')
      return homedir()
    }
    const { hooks } = require(${JSON.stringify(PNPMFILE)})
    const lockfileDir = process.cwd() + '/nowhere'
    hooks.preResolution({ lockfileDir, registries: {}, wantedLockfile: {} }).catch(({ message }) => console.log(message))`
  const { HOME: _, ...env } = process.env
  assert.match(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8', env }), /the folder in which to look/)
})

for (const version of VERSIONS) {
  test(`pnpm ${version}: each package's evidence is asked for once, fresh and frozen, and never again`, async (t) => {
    const world = await startWorld()
    t.after(() => world.close())
    await world.publish({ ...good('widget'), dependencies: { part: '1.0.0' } })
    await world.publish({ ...good('part'), dependencies: { bit: '1.0.0' } })
    await world.publish(good('bit'))
    const project = world.gatedProject({ dependencies: { widget: '1.0.0', bit: '1.0.0' } })
    t.after(() => project.dispose())
    const all = ['bit', 'part', 'widget'].map((name) => `/-/npm/v1/attestations/${name}@1.0.0`)
    const frozen = ['install', '--frozen-lockfile', '--force']
    const forgetting = () => rmSync(project.env.XDG_CACHE_HOME ?? '', { recursive: true })
    for (const [args, expected, before] of [
      [['install'], all, () => {}],
      [frozen, [], () => {}],
      [frozen, all, forgetting],
      [frozen, [], () => {}],
    ] as const) {
      before()
      world.registry.forgetRequests()
      const { status, output } = await runPnpm(version, args, project)
      assert.equal(status, 0, output)
      const asked = world.registry.requests.map(({ path }) => path).filter((path) => path.includes('/attestations/'))
      assert.deepEqual(asked.sort(), expected)
      assert.ok(linked(project).includes('part@1.0.0'))
    }
  })
}
