/**
 * Renovate resolves with `--ignore-pnpmfile`, where its administrator allows no scripts: a lockfile without
 * `pnpmfileChecksum` comes of it, which pnpm refuses in a frozen install of a project that has a pnpmfile.
 */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import fc from 'fast-check'
import { addChecksum, checksumOfGate } from '../../hooks/checksum.ts'
import { recipe } from '../support/ci/markdown.ts'
import {
  createProject,
  type PnpmVersion,
  type Project,
  type ProjectOptions,
  postinstallsRun,
  prepareStore,
  runPnpm,
} from '../support/pnpm/index.ts'
import type { PackedPackage } from '../support/registry/index.ts'
import { PNPMFILE, startWorld, type World } from '../support/world.ts'
import { packGate } from './packed.ts'
import { FOREIGN, good, linked, permitting, runCli, VERSIONS } from './stage.ts'

const GATE = 'pnpm-plugin-provenance-gate'

/** Renovate's commands (`lib/modules/manager/npm/post-update/pnpm.ts`), where its administrator allows no scripts. */
const INSTALL = ['install', '--lockfile-only', '--ignore-scripts', '--ignore-pnpmfile']
const DEDUPE = ['dedupe', '--lockfile-only', '--ignore-scripts', '--ignore-pnpmfile']
/** The same where it sets `allowScripts: true` (`ignoreScripts` of the repository is true by default), and what the page says. */
const [, ...ALLOWED] = recipe('Bots', 'sh').trim().split(' ')
assert.deepEqual(ALLOWED, ['install', '--lockfile-only', '--ignore-scripts'])

let world: World
let gate: PackedPackage

before(async () => {
  world = await startWorld()
  gate = (await packGate()).packed
  world.registry.publish(gate, { attestations: await world.attest(gate) })
  await world.publish(good('widget'))
  await world.publish(good('widget', '1.0.1'))
  await world.publish(good('widget', '1.0.2'), FOREIGN)
  await world.publish(good('extra'))
})
after(() => world.close())

type Loading = 'pnpmfile' | 'config dependency'

const read = (project: Project, file: string) => readFileSync(path.join(project.dir, file), 'utf8')
const write = (project: Project, file: string, text: string) => writeFileSync(path.join(project.dir, file), text)
const checksumIn = (project: Project) => /^pnpmfileChecksum: (.*)$/m.exec(read(project, 'pnpm-lock.yaml'))?.[1]

async function runs(version: PnpmVersion, project: Project, ...args: readonly string[]): Promise<void> {
  const { status, output } = await runPnpm(version, args, project)
  assert.equal(status, 0, `${args.join(' ')}: ${output}`)
}

/** A project whose lockfile was written with the gate, and has its digest. */
async function locked(
  t: TestContext,
  version: PnpmVersion,
  loading: Loading,
  options: Omit<ProjectOptions, 'registry' | 'pnpmfile'> = {},
): Promise<Project> {
  const policy = permitting('project', 'app')
  const dependencies = { widget: '1.0.0' }
  const project =
    loading === 'pnpmfile'
      ? world.gatedProject({ dependencies, ...options, policy })
      : createProject({
          dependencies,
          ...options,
          registry: world.registry.url,
          files: { ...world.policyFiles(policy), ...options.files },
        })
  t.after(() => project.dispose())
  if (loading === 'config dependency')
    await runs(version, project, 'add', '--config', `${GATE}@${gate.manifest.version}`)
  await runs(version, project, 'install', '--lockfile-only')
  assert.match(checksumIn(project) ?? '', /^sha256-/)
  return project
}

/** What a bot does: it writes another version into package.json, and lets pnpm resolve. */
async function bump(version: PnpmVersion, project: Project, to: string, args = INSTALL): Promise<void> {
  write(project, 'package.json', read(project, 'package.json').replace('"widget": "1.0.0"', `"widget": "${to}"`))
  await runs(version, project, ...args)
  assert.match(read(project, 'pnpm-lock.yaml'), new RegExp(`widget@${to.replaceAll('.', '\\.')}`))
}

async function assertInstalls(version: PnpmVersion, project: Project, ...args: readonly string[]): Promise<void> {
  const before = read(project, 'pnpm-lock.yaml')
  await prepareStore(version, project, 'cold')
  await runs(version, project, 'install', '--frozen-lockfile', ...args)
  assert.equal(read(project, 'pnpm-lock.yaml'), before)
  assert.deepEqual(postinstallsRun(project), ['widget@1.0.1'])
  const checked = await runCli(version, ['check'], project)
  assert.equal(checked.status, 0, checked.output)
}

async function assertMismatch(version: PnpmVersion, project: Project): Promise<void> {
  await prepareStore(version, project, 'cold')
  const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
  assert.notEqual(status, 0, flat)
  assert.match(flat, /ERR_PNPM_LOCKFILE_CONFIG_MISMATCH.*"pnpmfileChecksum"/)
  assert.deepEqual(postinstallsRun(project), [])
}

for (const version of [...VERSIONS, '10.25', '12.16'] as const) {
  for (const loading of ['pnpmfile', 'config dependency'] as const) {
    test(`pnpm ${version}: a lockfile of a bot that ignores pnpmfiles passes a frozen install with the gate as a ${loading}`, async (t) => {
      const project = await locked(t, version, loading)
      await bump(version, project, '1.0.1')
      assert.equal(checksumIn(project), undefined)
      await assertInstalls(version, project)
      await runs(version, project, 'install')
      await runs(version, project, '--config.verify-deps-before-run=error', 'exec', 'node', '--version')
    })
  }
}

for (const version of VERSIONS) {
  describe(`a lockfile of a bot that ignores pnpmfiles, on pnpm ${version}`, () => {
    for (const loading of ['pnpmfile', 'config dependency'] as const) {
      describe(`the gate is loaded by a ${loading}`, () => {
        test('is judged as ever', async (t) => {
          const project = await locked(t, version, loading)
          await bump(version, project, '1.0.2')
          assert.equal(checksumIn(project), undefined)
          for (const store of ['cold', 'warm'] as const) {
            await prepareStore(version, project, store)
            const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
            assert.notEqual(status, 0, flat)
            assert.match(flat, /widget@1\.0\.2 +WORKFLOW_MISMATCH/)
            assert.deepEqual(
              linked(project).filter((name) => name.startsWith('widget')),
              [],
            )
            assert.deepEqual(postinstallsRun(project), [])
          }
        })
      })
    }

    test('gets the digest again by an install that resolves', async (t) => {
      const project = await locked(t, version, 'pnpmfile')
      const checksum = checksumIn(project)
      await bump(version, project, '1.0.1')
      await runs(version, project, 'add', 'extra@1.0.0')
      assert.equal(checksumIn(project), checksum)
    })

    test('is deployed', async (t) => {
      const app = { name: 'app', version: '1.0.0', dependencies: { widget: '1.0.0' } }
      const project = await locked(t, version, 'pnpmfile', {
        dependencies: {},
        workspace: { packages: ['app'], injectWorkspacePackages: true },
        files: { 'app/package.json': JSON.stringify(app) },
      })
      await runs(version, project, ...DEDUPE)
      assert.equal(checksumIn(project), undefined)
      await runs(version, project, '--filter', 'app', 'deploy', 'out')
      assert.deepEqual(postinstallsRun(project), ['widget@1.0.0'])
    })

    // Hooks of the project may have led to other packages than the bot has found without them.
    test('is refused by pnpm where the project has hooks of its own; with `allowScripts` Renovate runs those', async (t) => {
      const project = await locked(t, version, 'pnpmfile')
      const hooks = `const gate = require(${JSON.stringify(PNPMFILE)})
      module.exports = { ...gate, hooks: { ...gate.hooks, readPackage: (pkg) => {
        if (pkg.name === 'widget') pkg.dependencies = { ...pkg.dependencies, extra: '1.0.0' }
        return gate.hooks.readPackage(pkg)
      } } }\n`
      write(project, '.pnpmfile.cjs', hooks)
      await bump(version, project, '1.0.1')
      await assertMismatch(version, project)
      await runs(version, project, ...ALLOWED)
      assert.match(read(project, 'pnpm-lock.yaml'), /extra@1\.0\.0/)
      await runs(version, project, 'install', '--frozen-lockfile')
      assert.deepEqual(postinstallsRun(project), ['extra@1.0.0', 'widget@1.0.1'])
    })

    test('is refused by pnpm where the project has hooks beside a gate that is a config dependency', async (t) => {
      const project = await locked(t, version, 'config dependency')
      write(project, '.pnpmfile.cjs', 'module.exports = { hooks: { readPackage: (pkg) => pkg } }\n')
      await bump(version, project, '1.0.1')
      await assertMismatch(version, project)
    })

    if (version === 10) {
      test('is what `--ignore-pnpmfile` needs: with the digest pnpm 10 refuses it', async (t) => {
        const project = await locked(t, version, 'pnpmfile')
        const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile', '--ignore-pnpmfile'], project)
        assert.notEqual(status, 0, flat)
        assert.match(flat, /ERR_PNPM_LOCKFILE_CONFIG_MISMATCH/)
      })
    }

    test('is refused by pnpm where the pnpmfile is a link, from whose place other hooks are loaded', async (t) => {
      const project = await locked(t, version, 'pnpmfile')
      await bump(version, project, '1.0.1')
      const at = (file: string) => path.join(project.dir, file)
      mkdirSync(at('sub'))
      write(project, 'sub/x.cjs', "module.exports = require('./gate.cjs')\n")
      write(
        project,
        'sub/gate.cjs',
        `const gate = require(${JSON.stringify(PNPMFILE)})
        module.exports = { hooks: { ...gate.hooks, readPackage: (pkg) => pkg } }\n`,
      )
      symlinkSync(PNPMFILE, at('gate.cjs'))
      rmSync(at('.pnpmfile.cjs'))
      symlinkSync('sub/x.cjs', at('.pnpmfile.cjs'))
      await assertMismatch(version, project)
    })

    test('is refused by pnpm where it has the digest of other hooks', async (t) => {
      const project = await locked(t, version, 'pnpmfile')
      write(
        project,
        'pnpm-lock.yaml',
        read(project, 'pnpm-lock.yaml').replace(
          /^pnpmfileChecksum: .*$/m,
          `pnpmfileChecksum: sha256-${'A'.repeat(43)}=`,
        ),
      )
      await assertMismatch(version, project)
    })
  })
}

for (const version of [11, 12] as const) {
  test(`pnpm ${version}: each project's own lockfile may lack the digest`, async (t) => {
    const app = { name: 'app', version: '1.0.0', dependencies: { widget: '1.0.0' } }
    const project = await locked(t, version, 'pnpmfile', {
      workspace: { packages: ['app'], sharedWorkspaceLockfile: false },
      files: { 'app/package.json': JSON.stringify(app) },
    })
    for (const file of ['pnpm-lock.yaml', 'app/pnpm-lock.yaml'])
      write(project, file, read(project, file).replace(/^pnpmfileChecksum: .*\n\n?/m, ''))
    await prepareStore(version, project, 'cold')
    await runs(version, project, 'install', '--frozen-lockfile')
    assert.deepEqual(postinstallsRun(project), ['widget@1.0.0'])
  })
}

describe('the digest of the gate', () => {
  let root: string
  let own: string
  before(() => {
    root = mkdtempSync(path.join(tmpdir(), 'pnpmfiles-'))
    own = path.join(root, 'tools', 'pnpmfile.cjs')
    mkdirSync(path.dirname(own))
    writeFileSync(own, 'module.exports = { hooks: {} }\r\n')
    writeFileSync(path.join(root, 'other.cjs'), 'module.exports = { hooks: {} }\r\n')
  })
  after(() => rmSync(root, { recursive: true }))

  const withText = (text: string) => {
    writeFileSync(path.join(root, '.pnpmfile.cjs'), text)
    return checksumOfGate(root, own)
  }

  test('is that of its own file where the project has no pnpmfile, with the line ends that pnpm counts', () => {
    rmSync(path.join(root, '.pnpmfile.cjs'), { force: true })
    // printf 'module.exports = { hooks: {} }\n' | openssl dgst -sha256 -binary | base64
    assert.equal(checksumOfGate(root, own), 'sha256-4G6+csDsF3uxNsN4W7t1UOQgtSHJroj4TMCDw4Auago=')
    assert.equal(checksumOfGate(root, path.join(root, 'none.cjs')), undefined)
  })

  for (const text of [
    "module.exports = require('./tools/pnpmfile.cjs')",
    "module.exports = require('./tools/pnpmfile.cjs')\n",
    'module.exports = require("./tools/pnpmfile.cjs");\r\n',
    "'use strict'\nmodule.exports = require('./tools/../tools/pnpmfile.cjs')\n",
    "\uFEFF// The gate\n\n'use strict';\n// loads it\nmodule.exports=require('./tools/pnpmfile.cjs') // only\n",
  ])
    test(`is that of a pnpmfile that only loads the gate: ${JSON.stringify(text)}`, () => {
      assert.match(withText(text) ?? '', /^sha256-/)
    })

  for (const text of [
    '',
    '// nothing\n',
    "module.exports = require('./other.cjs')",
    "module.exports = require('./none.cjs')",
    "module.exports = require('fs')",
    "require('./tools/pnpmfile.cjs')",
    "exports = require('./tools/pnpmfile.cjs')",
    "module.exports = { ...require('./tools/pnpmfile.cjs') }",
    "module.exports = require('./tools/pnpmfile.cjs').hooks",
    "module.exports = require('./tools/pnpmfile.cjs'), { hooks: {} }",
    "module.exports = require('./tools/pnpmfile.cjs')\nmodule.exports = {}",
    "module.exports = require('./tools/pnpmfile.cjs'); module.exports.hooks = {}",
    "require('./other.cjs'); module.exports = require('./tools/pnpmfile.cjs')",
    "const a = 1\nmodule.exports = require('./tools/pnpmfile.cjs')",
    "module.exports = require('./tools/pnpmfile.cjs' + '')",
    "module.exports = require('./tools/pnpm\\x66ile.cjs')",
    'module.exports = require(`./tools/pnpmfile.cjs`)',
    // JavaScript ends a line, and with it a comment, at these, too.
    "// \u2028require('./other.cjs')\nmodule.exports = require('./tools/pnpmfile.cjs')",
    "// \u2029require('./other.cjs')\nmodule.exports = require('./tools/pnpmfile.cjs')",
    "// \rrequire('./other.cjs')\nmodule.exports = require('./tools/pnpmfile.cjs')",
    "module.exports = require('./tools/pnpmfile.cjs') // \u2028module.exports = {}",
    "'use strict' + require('./other.cjs')\nmodule.exports = require('./tools/pnpmfile.cjs')",
  ])
    test(`is unknown where a pnpmfile does anything else: ${JSON.stringify(text)}`, () => {
      assert.equal(withText(text), undefined)
    })

  test('is unknown of a pnpmfile of any other text, which is no long work', () => {
    const most = 250_000
    for (const text of ['/', '// ', ' ', '\n', '//\n', "'use strict'\n", 'module.exports = ', "require('"])
      assert.equal(withText(`${text.repeat(most / text.length)}x`), undefined)
    assert.equal(withText(`module.exports = require('./tools/pnpmfile.cjs')${' '.repeat(most)}x`), undefined)
    assert.equal(withText(`module.exports = require('./tools/pnpmfile.cjs')${'// '.repeat(most / 3)}\nx`), undefined)
    assert.equal(withText(`module.exports = require('./tools/pnpmfile.cjs')${' '.repeat(300_000)}`), undefined)
    const unit = fc.constantFrom('/', ' ', '\n', "'", '"', 'use strict', ';', 'module.exports', '=', 'require(', ')')
    fc.assert(
      fc.property(fc.string({ unit }), (text) => withText(text) === undefined),
      { numRuns: 300 },
    )
  })

  test('is unknown where the pnpmfile is no regular file', () => {
    rmSync(path.join(root, '.pnpmfile.cjs'))
    mkdirSync(path.join(root, '.pnpmfile.cjs'))
    assert.equal(checksumOfGate(root, own), undefined)
    rmSync(path.join(root, '.pnpmfile.cjs'), { recursive: true })
  })

  describe('is unknown where Node may load something else than the gate', () => {
    const pnpmfile = () => path.join(root, '.pnpmfile.cjs')
    const linkTo = (target: string, text: string) => {
      mkdirSync(path.join(root, 'sub/tools'), { recursive: true })
      writeFileSync(path.join(root, 'sub/tools/pnpmfile.cjs'), 'module.exports = { hooks: {} }\n')
      rmSync(pnpmfile(), { force: true })
      writeFileSync(path.join(root, 'sub/x.cjs'), text)
      symlinkSync(target, pnpmfile())
    }
    after(() => rmSync(pnpmfile(), { force: true }))

    for (const [what, target, text] of [
      [
        'a link, from whose place another file is resolved',
        'sub/x.cjs',
        "module.exports = require('./tools/pnpmfile.cjs')\n",
      ],
      [
        'a link, from whose place the gate is resolved',
        'sub/x.cjs',
        "module.exports = require('../tools/pnpmfile.cjs')\n",
      ],
      ['a link to the gate itself', 'tools/pnpmfile.cjs', ''],
      ['a link that leads nowhere', 'none.cjs', ''],
    ] as const)
      test(`the pnpmfile is ${what}`, () => {
        linkTo(target, text)
        assert.equal(checksumOfGate(root, own), undefined)
        rmSync(pnpmfile())
      })

    test('it asks for a module of Node, and a file of that name is the gate', (t) => {
      const cwd = process.cwd()
      t.after(() => process.chdir(cwd))
      process.chdir(root)
      symlinkSync(own, path.join(root, 'fs'))
      for (const name of ['fs', 'node:fs'])
        assert.equal(withText(`module.exports = require('${name}')\n`), undefined, name)
    })

    test('a folder is asked for, and its package.json names another file', () => {
      writeFileSync(path.join(root, 'tools/package.json'), '{"main": "../other.cjs"}')
      assert.equal(withText("module.exports = require('./tools')\n"), undefined)
    })

    test('its folder is read by the way of a link, and the gate there is another one', () => {
      const link = `${root}-link`
      symlinkSync(path.join(root, 'sub'), link)
      writeFileSync(path.join(root, 'sub/.pnpmfile.cjs'), "module.exports = require('./tools/pnpmfile.cjs')\n")
      assert.equal(checksumOfGate(link, own), undefined)
      assert.match(checksumOfGate(link, path.join(root, 'sub/tools/pnpmfile.cjs')) ?? '', /^sha256-/)
      rmSync(link)
    })
  })

  test('is added to a lockfile that has none, and to nothing else', () => {
    const added = (lockfile: unknown, checksum: string | undefined) => {
      addChecksum(lockfile, () => checksum)
      return lockfile
    }
    assert.deepEqual(added({ lockfileVersion: '9.0' }, 'a'), { lockfileVersion: '9.0', pnpmfileChecksum: 'a' })
    assert.deepEqual(added({ lockfileVersion: '9.0' }, undefined), { lockfileVersion: '9.0' })
    assert.deepEqual(added({ lockfileVersion: '9.0', pnpmfileChecksum: 'b' }, 'a'), {
      lockfileVersion: '9.0',
      pnpmfileChecksum: 'b',
    })
    for (const value of [{}, [], null, undefined, 'text', 1]) assert.deepEqual(added(value, 'a'), value)
  })
})
