import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { readSettingsFiles } from '../../src/package-managers/settings/files.ts'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import type { SettingsManager } from '../../src/package-managers/settings/types.ts'
import { refuseUnsafeSettings } from '../../src/policy/settings.ts'

function folderWith(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'settings-')))
  t.after(() => rmSync(folder, { recursive: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), content)
  }
  return folder
}

describe('the settings files of a repository', () => {
  const RC = 'hoist=true\n'
  it('are those of the root, of each project, of the folders between, and of those above in the checkout', (t) => {
    const folder = folderWith(t, {
      '.npmrc': RC,
      'checkout/.git/HEAD': '',
      'checkout/.npmrc': RC,
      'checkout/sub/.git': '',
      'checkout/sub/.npmrc': RC,
      'checkout/sub/root/.npmrc': RC,
      'checkout/sub/root/apps/.npmrc': RC,
      'checkout/sub/root/apps/web/.npmrc': RC,
      'checkout/sub/root/apps/web/src/.npmrc': RC,
      'checkout/sub/root/other/.npmrc': RC,
      'checkout/sub/outside/.npmrc': RC,
    })
    const found = readSettingsFiles('pnpm', path.join(folder, 'checkout/sub/root'), ['.', 'apps/web', '../outside'])
    assert.deepEqual(found.map(({ file }) => file).sort(), [
      '../../.npmrc',
      '../.npmrc',
      '../outside/.npmrc',
      '.npmrc',
      'apps/.npmrc',
      'apps/web/.npmrc',
    ])
  })

  it('are of all folders above where there is no checkout to see', (t) => {
    const folder = folderWith(t, { '.npmrc': RC, 'a/b/package.json': '{}' })
    const found = readSettingsFiles('npm', path.join(folder, 'a/b'), [])
    assert.deepEqual(found.map(({ file }) => file).sort(), ['../../.npmrc', 'package.json'])
  })

  it('include the package.json of each project', (t) => {
    const folder = folderWith(t, {
      '.git/HEAD': '',
      'package.json': '{}',
      'app/package.json': '{}',
      'other/package.json': '{}',
    })
    assert.deepEqual(
      readSettingsFiles('pnpm', folder, ['app']).map(({ file }) => file),
      ['package.json', 'app/package.json'],
    )
  })

  it('include those above the folder that a link to the root, or to a project, leads to', (t) => {
    const folder = folderWith(t, {
      '.git/HEAD': '',
      'hidden/.npmrc': RC,
      'hidden/app/.npmrc': RC,
      'far/lib/.npmrc': RC,
    })
    symlinkSync('hidden/app', path.join(folder, 'app'))
    symlinkSync('../../far/lib', path.join(folder, 'hidden/app/lib'))
    const found = readSettingsFiles('npm', path.join(folder, 'app'), ['lib']).map(({ file }) => file)
    for (const file of ['.npmrc', '../hidden/.npmrc', '../hidden/app/.npmrc', '../far/lib/.npmrc'])
      assert.ok(found.includes(file), `${file} in ${found.join(' ')}`)
  })

  it('include every .env that bun reads', (t) => {
    const names = ['.env', '.env.local', '.env.production', '.env.production.local', '.env.development', '.env.test']
    const folder = folderWith(t, {
      '.git/HEAD': '',
      ...Object.fromEntries([...names, '.env.example', '.env.yarn'].map((name) => [name, ''])),
    })
    assert.deepEqual(
      readSettingsFiles('bun', folder, [])
        .map(({ file }) => file)
        .sort(),
      names.toSorted(),
    )
  })

  const unreadable: Readonly<Record<string, string>> = {
    'a link to an endless device': '/dev/zero',
    'a link to a terminal': '/dev/ptmx',
    'a link to a folder': '/',
  }
  for (const [what, target] of Object.entries(unreadable)) {
    it(`are refused where one is ${what}`, { skip: process.platform !== 'linux' }, (t) => {
      const folder = folderWith(t, { '.git/HEAD': '' })
      symlinkSync(target, path.join(folder, '.npmrc'))
      assert.throws(
        () => readSettingsFiles('pnpm', folder, []),
        isUnsafe(/\.npmrc is (?:a folder|not a regular file), so/),
      )
    })
  }

  it('are refused where one is a link that leads out of the repository, and not where it stays inside', (t) => {
    const folder = folderWith(t, {
      'home/secret': 'a=SECRET\n',
      'repo/.git/HEAD': '',
      'repo/.npmrc': RC,
      'plain/x': '',
    })
    const root = path.join(folder, 'repo')
    mkdirSync(path.join(root, 'app'))
    symlinkSync('../.npmrc', path.join(root, 'app/.npmrc'))
    assert.equal(readSettingsFiles('npm', root, ['app']).length, 2)
    for (const project of ['repo', 'plain']) {
      rmSync(path.join(folder, project, '.npmrc'), { force: true })
      symlinkSync('../home/secret', path.join(folder, project, '.npmrc'))
      assert.throws(
        () => readSettingsFiles('npm', path.join(folder, project), []),
        isUnsafe(/^SETTINGS_UNSAFE: \S+\.npmrc is a link that leads out of the repository, so (?!.*SECRET)/),
      )
    }
  })

  it('are judged, but not shown, where a folder leads out of the repository', (t) => {
    const folder = folderWith(t, { 'home/.npmrc': 'SECRET=x\n', 'repo/.git/HEAD': '' })
    symlinkSync('../home', path.join(folder, 'repo/app'))
    const texts = readSettingsFiles('npm', path.join(folder, 'repo'), ['app', '../home'])
    assert.ok(texts.length > 0)
    const unsafe = findUnsafeSettings('npm', texts)
    assert.ok(unsafe.every(({ isHidden }) => isHidden))
    assert.throws(
      () => refuseUnsafeSettings(unsafe, [], folder, new Date()),
      (error) => error instanceof GateError && /lies outside/.test(error.message) && !/SECRET/.test(error.message),
    )
  })

  it('are refused where one is too large, or no UTF-8', (t) => {
    const large = folderWith(t, { '.npmrc': '#'.repeat(1024 * 1024 + 1) })
    assert.throws(() => readSettingsFiles('pnpm', large, []), isUnsafe(/has more than 1048576 bytes/))
    const binary = folderWith(t, { '.npmrc': Buffer.from([0x68, 0xff, 0xfe]) })
    assert.throws(() => readSettingsFiles('pnpm', binary, []), isUnsafe(/is no text in UTF-8/))
  })

  function isUnsafe(message: RegExp): (error: unknown) => boolean {
    return (error) => error instanceof GateError && error.code === 'SETTINGS_UNSAFE' && message.test(error.message)
  }
})

describe('settings of pnpm that lead away from the lockfile', () => {
  const away: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'lockfileDir in pnpm-workspace.yaml': { 'pnpm-workspace.yaml': 'lockfileDir: evil\n' },
    'a lockfileDir above': { 'pnpm-workspace.yaml': 'lockfileDir: ..\n' },
    'a lockfileDir that is no text': { 'pnpm-workspace.yaml': 'lockfileDir: [evil]\n' },
    'lockfile-dir in .npmrc': { '.npmrc': 'lockfile-dir=evil\n' },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what pnpm expands
    'lockfile-dir with a variable in its name': { '.npmrc': '${NOWHERE:-lockfile-dir}=evil\n' },
    'lockfileDir in package.json': { 'package.json': '{"pnpm": {"lockfileDir": "evil"}}' },
    'hooks switched off': { 'pnpm-workspace.yaml': 'ignorePnpmfile: true\n' },
    'hooks switched off in .npmrc': { '.npmrc': 'ignore-pnpmfile=true\n' },
    'hooks switched off in the .npmrc of a project': { 'app/.npmrc': 'ignore-pnpmfile=true\n' },
    'no lockfile': { 'pnpm-workspace.yaml': 'lockfile: false\n' },
    'no lockfile, in .npmrc': { '.npmrc': 'lockfile=false\n' },
    'no lockfile, by its other name': { '.npmrc': 'package-lock=false\n' },
    'a workspace in the folder of a project': { 'app/pnpm-workspace.yaml': 'lockfileDir: evil\n' },
  }
  for (const [what, files] of Object.entries(away)) {
    it(`include ${what}`, (t) => {
      const folder = folderWith(t, { '.git/HEAD': '', ...files })
      assert.equal(findUnsafeSettings('pnpm', readSettingsFiles('pnpm', folder, ['app'])).length, 1)
    })
  }

  it('include none of these', (t) => {
    for (const files of [
      { 'pnpm-workspace.yaml': 'lockfile: true\nsharedWorkspaceLockfile: false\n' },
      { '.npmrc': 'lockfile=true\nregistry=http://127.0.0.1/\n' },
      { 'package.json': '{"lockfileDir": "evil", "pnpm": {"overrides": {"a": "1.0.0"}}}' },
      { 'other/.npmrc': 'ignore-pnpmfile=true\n' },
    ]) {
      const folder = folderWith(t, { '.git/HEAD': '', ...files })
      assert.deepEqual(findUnsafeSettings('pnpm', readSettingsFiles('pnpm', folder, ['app'])), [])
    }
  })
})

describe('a .yarnrc beside or above a lockfile of yarn 1', () => {
  const unsafe = (t: TestContext, file: string, text: string) => {
    const folder = folderWith(t, { '.git/HEAD': '', 'app/yarn.lock': '', [file]: text })
    return findUnsafeSettings('yarn', readSettingsFiles('yarn', path.join(folder, 'app'), []))
  }
  const refused: Readonly<Record<string, readonly [string, string]>> = {
    'takes any digest': ['app/.yarnrc', '--install.update-checksums true\n'],
    'takes any digest, as seen from below': ['.yarnrc', '--update-checksums true\n'],
    'takes any digest, quoted': ['app/.yarnrc', '"--*.update\\u002Dchecksums" true\n'],
    'does not read the lockfile': ['app/.yarnrc', 'registry "https://x.test/"\r\n--add.no-lockfile true\r\n'],
  }
  for (const [what, [file, text]] of Object.entries(refused)) {
    it(`is refused where it ${what}`, (t) => assert.equal(unsafe(t, file, text).length, 1))
  }

  it('may say that yarn keeps to its lockfile', (t) => {
    assert.deepEqual(unsafe(t, 'app/.yarnrc', '--install.frozen-lockfile true\n'), [])
  })
})

describe('settings that choose another program or runtime', () => {
  const cases: readonly (readonly [SettingsManager, Readonly<Record<string, string>>, RegExp | undefined])[] = [
    ['pnpm', { 'app/package.json': '{"pnpm":{"executionEnv":{"nodeVersion":"16.20.0"}}}' }, /runtime/],
    ['yarn', { 'package.json': '{"packageManager":"yarn@4.18.1"}' }, /no yarn from 2\.0\.0 on/],
    ['yarn', { 'package.json': '{"packageManager":"yarn@1.22.22+sha512.abc"}' }, undefined],
    ['yarn', { '.yarnrc.yml': 'enableImmutableInstalls: false\n' }, /another value than true \(yarn 4\)/],
    ['berry', { 'package.json': '{"packageManager":"yarn@1.22.22"}' }, /no yarn before 2\.0\.0/],
    ['berry', { 'app/package.json': '{"packageManager":"yarn@https://evil.test/y.tgz"}' }, /no yarn before/],
    ['berry', { '.yarnrc': '--install.cwd "./hidden"\n' }, /another folder/],
    ['berry', { '.env.yarn': 'HTTPS_PROXY=http://evil.test:1\n' }, /names who passes on/],
    ['berry', { '.env.yarn': 'NODE_OPTIONS=--require ./x.cjs\n' }, /./],
    ['berry', { '.env': 'HTTPS_PROXY=http://evil.test:1\n' }, undefined],
    ['npm', { '.corepack.env': 'COREPACK_INTEGRITY_KEYS=0\n' }, /corepack/],
    ['pnpm', { 'app/.corepack.env': 'COREPACK_NPM_REGISTRY=http://evil.test/\n' }, /corepack/],
  ]
  for (const [manager, files, why] of cases) {
    it(`${why === undefined ? 'include no' : 'include'} ${JSON.stringify(files)} beside a lockfile of ${manager}`, (t) => {
      const folder = folderWith(t, { '.git/HEAD': '', ...files })
      const found = findUnsafeSettings(manager, readSettingsFiles(manager, folder, ['app']))
      assert.equal(found.length > 0, why !== undefined, JSON.stringify(found))
      if (why !== undefined) assert.match(found[0]?.why ?? '', why)
    })
  }
})
