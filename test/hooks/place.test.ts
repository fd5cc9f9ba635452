import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { type CommandPlace, installRoot, isDeployed, movedBySettings, movedLockfile, real } from '../../hooks/place.ts'

const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'place-')))
after(() => rmSync(root, { recursive: true }))

for (const file of [
  'work/pnpm-workspace.yaml',
  'work/package.json',
  'work/app/package.json',
  'work/app/src/x.js',
  'work/hidden/package.json',
  'other/pnpm-workspace.yaml',
  'alone/package.json',
  'alone/src/x.js',
  'bare/x',
]) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), '')
}
symlinkSync(path.join(root, 'work'), path.join(root, 'link'))

const at = (folder: string) => path.join(root, folder)
const place = (cwd: string, args: readonly string[] = [], env: CommandPlace['env'] = {}): CommandPlace => ({
  argv: ['/usr/bin/node', '/x/pnpm.cjs', ...args],
  cwd: at(cwd),
  env,
})

describe('the root', () => {
  for (const [cwd, args, expected] of [
    ['work', ['install'], 'work'],
    ['work/app', ['install'], 'work'],
    ['work/app/src', ['install'], 'work'],
    ['alone', ['install'], 'alone'],
    ['alone/src', ['install'], 'alone'],
    ['bare', ['install'], 'bare'],
    ['link/app', ['install'], 'work'],
    ['bare', ['--dir', '../work/app', 'install'], 'work'],
    ['bare', ['install', '-C', '../other'], 'other'],
    ['bare', ['-C=../other', 'install'], 'other'],
    ['bare', ['--prefix=../other', 'install'], 'other'],
    ['bare', ['--dir', '../other', '--dir', '../work'], 'work'],
    ['bare', ['--dir', '../link/app'], 'work'],
    ['work', ['add', 'dir', 'C'], 'work'],
    ['work', ['install', '--dir'], 'work'],
  ] as const) {
    test(`of \`pnpm ${args.join(' ')}\` in ${cwd} is ${expected}`, () => {
      assert.equal(installRoot(place(cwd, args)), at(expected))
    })
  }

  test('is what a variable of pnpm says, which no file of a repository sets', () => {
    for (const name of ['PNPM_CONFIG_WORKSPACE_DIR', 'NPM_CONFIG_WORKSPACE_DIR', 'npm_config_workspace_dir'])
      assert.equal(installRoot(place('bare', [], { [name]: at('work') })), at('work'), name)
    assert.equal(installRoot(place('bare', [], { NPM_CONFIG_WORKSPACE_DIR: '' })), at('bare'))
  })

  test('is a folder that has a node_modules and no manifest, as for pnpm', () => {
    mkdirSync(at('linked/node_modules'), { recursive: true })
    mkdirSync(at('linked/src'))
    assert.equal(installRoot(place('linked/src')), at('linked'))
  })
})

describe("pnpm's settings", () => {
  const moved = (settings: Parameters<typeof movedBySettings>[0], given: CommandPlace) =>
    movedBySettings(
      Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, path.resolve(given.cwd, String(value))])),
      given,
    )

  for (const [what, settings, given] of [
    ['of a workspace', { workspaceDir: '.', lockfileDir: '.' }, place('work')],
    ['of a project in it', { workspaceDir: '..', lockfileDir: '..' }, place('work/app')],
    ['of a project that has its own lockfile', { workspaceDir: '..', lockfileDir: '.' }, place('work/app')],
    ['of a project that is none of the workspace', { lockfileDir: '.' }, place('work/app')],
    ['of a folder in such a project', { lockfileDir: '..' }, place('work/app/src')],
    ['of no workspace', { lockfileDir: '.' }, place('alone')],
    ['that say nothing', {}, place('work')],
    ['through a link', { workspaceDir: at('link'), lockfileDir: at('link') }, place('work')],
    ['of a command line', { workspaceDir: at('other'), lockfileDir: at('other') }, place('work', ['-C', '../other'])],
    [
      'of a lockfile that the command line names',
      { lockfileDir: 'hidden' },
      place('work', ['--lockfile-dir', 'hidden']),
    ],
    ['of the same in one word', { lockfileDir: 'hidden' }, place('work', ['--config.lockfile-dir=hidden'])],
    [
      'of a lockfile that the environment names',
      { lockfileDir: 'hidden' },
      place('work', [], { pnpm_config_lockfile_dir: 'hidden' }),
    ],
    ['of a command that has such options itself', { workspaceDir: '.' }, place('work', ['exec', 'make', '-C', 'app'])],
  ] as const) {
    test(`${what} are believed`, () => {
      assert.equal(moved(settings, given), undefined)
    })
  }

  for (const [what, settings, given] of [
    ['the workspace below', { workspaceDir: 'hidden' }, place('work')],
    ['the workspace above', { workspaceDir: '..' }, place('work')],
    ['the lockfile below', { workspaceDir: '.', lockfileDir: 'hidden' }, place('work')],
    ['the lockfile above', { lockfileDir: '..' }, place('work')],
    ['the lockfile into another project', { lockfileDir: '../hidden' }, place('work/app')],
    ['the lockfile elsewhere', { lockfileDir: at('other') }, place('work')],
    ['the workspace to a word that is no option', { workspaceDir: 'hidden' }, place('work', ['add', 'hidden'])],
    ['the lockfile to a word that is no option', { lockfileDir: 'hidden' }, place('work', ['--filter', 'hidden'])],
    ['a relative workspace', { workspaceDir: 'x' }, place('work')],
  ] as const) {
    test(`that move ${what} are refused, with what to do`, () => {
      const message = moved(settings, given) ?? ''
      assert.match(message, /but the workspace's root is .*work,/)
      assert.match(message, /Remove `workspaceDir` and `lockfileDir` from pnpm-workspace\.yaml/)
    })
  }
})

test('no folder is believed but those from the root down to the command, without an option that names it', () => {
  const folder = fc.constantFrom(
    '.',
    '..',
    'app',
    'app/src',
    'hidden',
    '../other',
    '../alone',
    '../..',
    'app/../..',
    '/',
  )
  const word = fc.constantFrom(
    'install',
    'app',
    'hidden',
    '../other',
    '--filter',
    '-r',
    '--lockfile',
    '--frozen-lockfile',
  )
  fc.assert(
    fc.property(folder, fc.array(word), fc.constantFrom('work', 'work/app'), (given, words, cwd) => {
      const lockfileDir = path.resolve(at('work'), given)
      const isBelieved = movedBySettings({ lockfileDir }, place(cwd, words)) === undefined
      const isOnTheWay = lockfileDir === at('work') || lockfileDir === at(cwd)
      assert.equal(isBelieved, isOnTheWay)
      const workspaceDir = lockfileDir
      assert.equal(movedBySettings({ workspaceDir }, place(cwd, words)) === undefined, workspaceDir === at('work'))
    }),
  )
})

describe('the lockfile that pnpm is about to install', () => {
  test('may be that of the root, of a project in it, or of a folder that pnpm deploy makes there', () => {
    for (const folder of ['work', 'work/app', 'work/out/new', 'link/app'])
      assert.equal(movedLockfile(at(folder), place('work')), undefined, folder)
  })

  test('may be in a folder that the command line names', () => {
    for (const args of [
      ['deploy', '../out'],
      ['--filter', 'x', 'deploy', at('out')],
      ['--lockfile-dir=../out', 'install'],
    ])
      assert.equal(movedLockfile(at('out'), place('work', args)), undefined, args.join(' '))
  })

  test('is that of a deployed project where the command is `deploy` and names its folder', () => {
    assert.ok(isDeployed(at('out'), place('work', ['--filter', 'x', 'deploy', '../out'])))
    for (const args of [['deploy', '../other'], ['install', '../out'], ['deploy'], []])
      assert.ok(!isDeployed(at('out'), place('work', args)), args.join(' '))
  })

  test('may be in a folder of pnpm itself, where the command line says so', () => {
    for (const args of [
      ['add', '-g', 'x'],
      ['add', '--global', 'x'],
      ['dlx', 'x'],
      ['create', 'x'],
    ])
      assert.equal(movedLockfile(at('other'), place('work', args)), undefined, args.join(' '))
  })

  test('is refused elsewhere', () => {
    for (const folder of ['other', 'worker', 'bare', '.', 'alone'])
      assert.match(
        movedLockfile(at(folder), place('work', ['install'])) ?? '',
        /is about to install from the lockfile in/,
      )
  })
})

test('links are followed as far as the folder is there', () => {
  assert.equal(real(at('link/app')), at('work/app'))
  assert.equal(real(at('link/new/one')), at('work/new/one'))
  assert.equal(real('/'), path.resolve('/'))
})
