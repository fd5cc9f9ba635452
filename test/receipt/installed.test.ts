import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { changedSince } from '../../src/receipt/changed.ts'
import { installedIn } from '../../src/receipt/installed.ts'
import { modulesState, pnpmNotes } from '../../src/receipt/state.ts'

type Files = Readonly<Record<string, string | object>>

/** A folder with these files; a text that begins with `->` is a link, and an object JSON. */
function folder(t: TestContext, files: Files): string {
  const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'installed-')))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    const file = path.join(root, name)
    mkdirSync(path.dirname(file), { recursive: true })
    if (typeof content === 'string' && content.startsWith('->')) symlinkSync(content.slice(2), file)
    else writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  }
  return root
}

const pkg = (name: string, more: object = {}) => ({ name, version: '1.0.0', ...more })
const found = (root: string) =>
  installedIn([path.join(root, 'node_modules')], root)
    .map(({ at, kind, name }) => `${at} ${kind} ${name ?? ''}`.trim())
    .sort()

describe('what code can load from node_modules', () => {
  test('is everything that names lead to, in every layout', (t) => {
    const root = folder(t, {
      'node_modules/.pnpm/a@1.0.0/node_modules/a/package.json': pkg('a'),
      'node_modules/.pnpm/a@1.0.0/node_modules/b': '->../../b@1.0.0/node_modules/b',
      'node_modules/.pnpm/b@1.0.0/node_modules/b/package.json': pkg('b'),
      'node_modules/.pnpm/node_modules/hoisted': '->../h@1.0.0/node_modules/hoisted',
      'node_modules/.pnpm/h@1.0.0/node_modules/hoisted/package.json': pkg('hoisted'),
      'node_modules/.pnpm/left@1.0.0/node_modules/left/package.json': pkg('left'),
      'node_modules/a': '->.pnpm/a@1.0.0/node_modules/a',
      'node_modules/@s/c/package.json': pkg('@s/c'),
      'node_modules/@s/c/node_modules/d/package.json': pkg('d'),
      'node_modules/lib': '->../lib',
      'lib/package.json': pkg('lib'),
      'lib/node_modules/e/package.json': pkg('e'),
    })
    assert.deepEqual(found(root), [
      'lib/node_modules/e package e',
      'node_modules/.pnpm/a@1.0.0/node_modules/a package a',
      'node_modules/.pnpm/a@1.0.0/node_modules/b package b',
      'node_modules/.pnpm/b@1.0.0/node_modules/b package b',
      'node_modules/.pnpm/h@1.0.0/node_modules/hoisted package hoisted',
      'node_modules/.pnpm/node_modules/hoisted package hoisted',
      'node_modules/@s/c package @s/c',
      'node_modules/@s/c/node_modules/d package d',
      'node_modules/a package a',
      'node_modules/lib local lib',
    ])
  })

  test('is also a file, a folder without a manifest, and what nobody can read', (t) => {
    const root = folder(t, {
      'node_modules/file.js': '',
      'node_modules/@s/file.js': '',
      'node_modules/@file': '',
      'node_modules/bare/index.js': '',
      'node_modules/broken/package.json': '{',
      'node_modules/list/package.json': 'null',
      'node_modules/device/package.json': '->/dev/zero',
      'node_modules/large/package.json': ' '.repeat((4 << 20) + 1),
      'node_modules/folder/package.json/x': '',
    })
    assert.deepEqual(
      found(root),
      [
        ...['@file', '@s/file.js', 'bare', 'broken', 'device', 'file.js', 'folder', 'large', 'list'].map(
          (name) => `node_modules/${name} strange`,
        ),
      ].sort(),
    )
  })

  test('is not what is hidden, empty, bundled, or leads nowhere', (t) => {
    const root = folder(t, {
      'node_modules/.cache/x/package.json': pkg('x'),
      'node_modules/.bin/x': '',
      'node_modules/left/.cache/x': '',
      'node_modules/gone': '->./nowhere',
      'node_modules/loop': '->./loop',
      'node_modules/a/package.json': pkg('a', { bundledDependencies: ['b'] }),
      'node_modules/a/node_modules/b/package.json': pkg('b'),
    })
    assert.deepEqual(found(root), ['node_modules/a package a'])
  })

  test('is found once where links lead round in a circle, and where they lead out', (t) => {
    const root = folder(t, {
      'node_modules/a/package.json': pkg('a'),
      'node_modules/a/node_modules/self': '->../../a',
      'node_modules/a/node_modules/up': '->../../../node_modules',
      'node_modules/etc': '->/etc',
      'node_modules/root': '->/',
    })
    assert.ok(found(root).length < 12)
  })

  test('is not a package where a link leads to a folder of the repository that only calls itself node_modules', (t) => {
    const root = folder(t, {
      'node_modules/widget': '->../vendor/node_modules/widget',
      'node_modules/zz': '->../vendor/node_modules/zz',
      'vendor/node_modules/widget/package.json': pkg('widget'),
      'vendor/node_modules/zz/package.json': pkg('zz'),
    })
    assert.deepEqual(found(root).slice(0, 2), ['node_modules/widget local widget', 'node_modules/zz local zz'])
    const store = installedIn([path.join(root, 'node_modules')], root, [path.join(root, 'vendor')])
    assert.ok(store.every(({ kind }) => kind === 'package'))
  })

  test('is what lies in a folder of the repository, whatever it says that it bundles', (t) => {
    const root = folder(t, {
      'node_modules/lib': '->../lib',
      'lib/package.json': pkg('lib', { bundledDependencies: ['evil'] }),
      'lib/node_modules/evil/package.json': pkg('evil'),
    })
    assert.deepEqual(found(root), ['lib/node_modules/evil package evil', 'node_modules/lib local lib'])
  })

  test('is bounded', (t) => {
    const files = Object.fromEntries(
      Array.from({ length: 30 }, (_, i) => [`node_modules/p${i}/package.json`, pkg('p')]),
    )
    const root = folder(t, files)
    assert.equal(installedIn([path.join(root, 'node_modules')], root, [], 200).length, 30)
    assert.throws(() => installedIn([path.join(root, 'node_modules')], root, [], 20), GateError)
  })

  test('does not wait for a pipe', { skip: process.platform === 'win32' && 'no pipes among files' }, (t) => {
    const root = folder(t, { 'node_modules/a/index.js': '' })
    execFileSync('mkfifo', [path.join(root, 'node_modules/a/package.json'), path.join(root, 'node_modules/pipe')])
    assert.deepEqual(found(root), ['node_modules/a strange', 'node_modules/pipe strange'])
  })
})

describe('files that were written after the install', () => {
  const END = Date.parse('2099-05-01T12:00:00Z')
  const at = (file: string, time: number) => utimesSync(file, time / 1_000, time / 1_000)
  const changed = (root: string, maxFiles?: number) =>
    changedSince(installedIn([path.join(root, 'node_modules')], root), END, maxFiles).map(({ where }) => where)

  /** A package all of whose files are older. */
  function installed(t: TestContext, more: Files = {}, manifest: object = {}): string {
    const files: Files = {
      'node_modules/a/package.json': pkg('a', manifest),
      'node_modules/a/index.js': '',
      'node_modules/a/lib/deep.js': '',
      ...more,
    }
    const root = folder(t, files)
    for (const file of Object.keys(files)) at(path.join(root, file), END - 1_000)
    return root
  }

  test('are told, one for each package', (t) => {
    const root = installed(t)
    assert.deepEqual(changed(root), [])
    for (const file of ['node_modules/a/lib/deep.js', 'node_modules/a/index.js', 'node_modules/a/package.json']) {
      const whole = installed(t)
      at(path.join(whole, file), END + 1_000)
      assert.deepEqual(changed(whole), [file])
    }
    for (const file of ['lib/new.js', 'new.js']) {
      writeFileSync(path.join(root, 'node_modules/a', file), '')
      at(path.join(root, 'node_modules/a', file), END + 1_000)
    }
    assert.deepEqual(changed(root), ['node_modules/a/new.js'])
  })

  test('are no caches, and of a package with install scripts only its manifest', (t) => {
    const root = installed(t, { 'node_modules/a/.cache/x': '', 'node_modules/a/.y': '' })
    for (const file of ['.cache/x', '.y']) at(path.join(root, 'node_modules/a', file), END + 1_000)
    assert.deepEqual(changed(root), [])
    const built = installed(t, {}, { scripts: { postinstall: 'node x' } })
    at(path.join(built, 'node_modules/a/index.js'), END + 1_000)
    assert.deepEqual(changed(built), [])
    at(path.join(built, 'node_modules/a/package.json'), END + 1_000)
    assert.deepEqual(changed(built), ['node_modules/a/package.json'])
  })

  test('are told by their birth where an archive has given them another time', (t) => {
    const root = installed(t)
    if (statSync(root).birthtimeMs === 0) return t.skip('the file system notes no birth')
    const entries = installedIn([path.join(root, 'node_modules')], root)
    const past = Date.parse('2026-01-01T00:00:00Z')
    for (const file of ['package.json', 'index.js', 'lib/deep.js'])
      at(path.join(root, 'node_modules/a', file), past - 1_000)
    assert.equal(changedSince(entries, past).length, 1)
  })

  test('are told where one is a link: no package has any', (t) => {
    for (const file of ['package.json', 'lib/more.js', 'more']) {
      const root = installed(t, { 'node_modules/a/.hidden': JSON.stringify(pkg('a')) })
      rmSync(path.join(root, 'node_modules/a', file), { force: true })
      symlinkSync(file === 'more' ? '.' : '../a/.hidden', path.join(root, 'node_modules/a', file))
      assert.deepEqual(changed(root), [`node_modules/a/${file}`])
    }
  })

  test('are told where a name was linked later', (t) => {
    const root = installed(t, { 'node_modules/.store/b/node_modules/b/package.json': pkg('b') })
    symlinkSync('.store/b/node_modules/b', path.join(root, 'node_modules/b'))
    assert.deepEqual(changed(root), [])
    const entries = installedIn([path.join(root, 'node_modules')], root)
    const past = Date.parse('2026-01-01T00:00:00Z')
    assert.ok(
      changedSince(entries, past).some(({ where, found }) => where === 'node_modules/b' && /a link of/.test(found)),
    )
  })

  test('are bounded', (t) => {
    assert.throws(() => changed(installed(t), 2), GateError)
  })
})

describe('the state of a node_modules', () => {
  test('changes with the folder, and with each file in which a package manager notes what it has linked', (t) => {
    const root = folder(t, { 'node_modules/.modules.yaml': '' })
    const first = modulesState(root)
    assert.deepEqual(Object.keys(first.marks), ['.modules.yaml'])
    for (const name of ['.package-lock.json', '.yarn-integrity', '.yarn-state.yml'])
      writeFileSync(path.join(root, 'node_modules', name), '')
    const second = modulesState(root)
    assert.deepEqual(Object.keys(second.marks).sort(), ['.package-lock.json', '.yarn-integrity', '.yarn-state.yml'])
    assert.deepEqual(second.folder, first.folder)
    rmSync(path.join(root, 'node_modules'), { recursive: true })
    assert.deepEqual(modulesState(root), { isEmpty: true, marks: {}, notedAt: 0 })
  })

  test('is empty where a package manager finds nothing to keep', (t) => {
    const EMPTY = [{}, { 'node_modules/.vite/x': '' }, { 'node_modules/.pnpm-config/x/package.json': '' }]
    for (const files of EMPTY) assert.ok(modulesState(folder(t, files)).isEmpty, JSON.stringify(files))
    const FULL = ['a/x', '.pnpm/lock.yaml', '.bin/x', '.modules.yaml', '@s/a/x', 'file.js', '.package-lock.json']
    for (const file of FULL) assert.ok(!modulesState(folder(t, { [`node_modules/${file}`]: '' })).isEmpty, file)
  })

  test('is read without harm from what somebody has committed', (t) => {
    const HOSTILE: readonly Files[] = [
      { node_modules: 'a file' },
      { node_modules: '->./node_modules' },
      { node_modules: '->/dev/zero' },
      { 'node_modules/.pnpm': 'a file' },
      { 'node_modules/.pnpm/lock.yaml': '->/dev/zero' },
      { 'node_modules/.pnpm-workspace-state-v1.json': '->/dev/zero' },
      { 'node_modules/.pnpm-workspace-state-v1.json': '[' },
      { 'node_modules/.pnpm-workspace-state-v1.json': { projects: 1, pnpmfiles: [1, null] } },
      { 'node_modules/.pnpm-workspace-state-v1.json': 'null' },
    ]
    for (const files of HOSTILE) {
      const root = folder(t, files)
      assert.doesNotThrow(() => modulesState(root), JSON.stringify(files))
      assert.deepEqual(pnpmNotes(root)?.pnpmfiles ?? [], [])
    }
  })
})
