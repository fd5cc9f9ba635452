/**
 * Files of a pull request from which a package manager installs something else than a reader of its lockfile would say. Each
 * is tried on the real manager: it does install it, and the gate has something to refuse.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, type TestContext, test } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { parseAny } from '../../src/lockfile/formats.ts'
import { formatOf } from '../../src/lockfile/kinds.ts'
import { readSettingsFiles } from '../../src/package-managers/settings/files.ts'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import type { SettingsManager } from '../../src/package-managers/settings/types.ts'
import { lockedDigest } from '../../src/verify/subject.ts'
import { type GitHost, startGitHost } from '../support/git-host.ts'
import { createManagerProject, type Manager, runManager } from '../support/managers/index.ts'
import { createTarball, type PackedPackage, type Registry, startRegistry } from '../support/registry/index.ts'

const PKG = { name: 'pkg', version: '1.0.0' }
const good = createTarball(PKG)
const evil = createTarball({ ...PKG, files: { 'evil.js': '' } })
const parent = createTarball({ name: 'parent', version: '1.0.0', dependencies: { pkg: '^1.0.0' } })

let registry: Registry
let host: GitHost
/** Where the evil bytes lie, under another package's address. */
let evilUrl: string
let repository: string
before(async () => {
  registry = await startRegistry()
  const other = createTarball({ name: 'elsewhere', version: '1.0.0' })
  const evilByName = createTarball({ name: 'evil', version: '1.0.0', files: { 'evil.js': '' } })
  for (const each of [good, parent, other, evilByName]) registry.publish(each)
  registry.setTarball('elsewhere', '1.0.0', evil.bytes)
  evilUrl = urlOf(other)
  host = await startGitHost()
  const [, owner, name, , commit] = new URL(host.serve('attacker', 'pkg', evil.bytes)).pathname.split('/')
  repository = `https://github.com/${owner}/${name}#${commit}`
})
after(async () => {
  await registry.close()
  await host.close()
})

const urlOf = ({ manifest: { name, version } }: PackedPackage) => `${registry.url}${name}/-/${name}-${version}.tgz`
const locked = (pkg: PackedPackage, more: object = {}) => ({
  version: pkg.manifest.version,
  resolved: urlOf(pkg),
  integrity: pkg.integrity,
  ...more,
})
const npmLock = (dependencies: object, packages: object) =>
  JSON.stringify({ lockfileVersion: 3, requires: true, packages: { '': { dependencies }, ...packages } })

const yarnLock = (pattern: string, resolved: string) =>
  `# yarn lockfile v1\n\n${pattern}:\n  version "1.0.0"\n  resolved "${resolved}"\n  integrity ${good.integrity}\n`

interface Files {
  readonly manifest: Readonly<Record<string, unknown>>
  readonly lockfile: string
  readonly files?: Readonly<Record<string, string>>
}

const FROZEN: Readonly<Record<Manager, readonly [string, ...string[]]>> = {
  npm11: ['package-lock.json', 'ci', '--ignore-scripts'],
  npm12: ['package-lock.json', 'ci', '--ignore-scripts'],
  yarn1: ['yarn.lock', 'install', '--frozen-lockfile', '--ignore-scripts'],
  yarn4: ['yarn.lock', 'install', '--immutable'],
  bun: ['bun.lock', 'install', '--frozen-lockfile', '--ignore-scripts'],
}

const SETTINGS: Readonly<Record<Manager, SettingsManager>> = {
  npm11: 'npm',
  npm12: 'npm',
  yarn1: 'yarn',
  yarn4: 'berry',
  bun: 'bun',
}

/** Whether the manager installs the evil bytes, and whether the gate would let all of the lockfile pass, were it all proven. */
async function outcome(manager: Manager, { manifest, lockfile, files }: Files) {
  const [name, ...args] = FROZEN[manager]
  const project = createManagerProject({ registry: registry.url, manifest, files: { ...files, [name]: lockfile } })
  try {
    const file = join(project.dir, name)
    const bytes = readFileSync(file)
    const isUnsafe =
      findUnsafeSettings(SETTINGS[manager], readSettingsFiles(SETTINGS[manager], project.dir, [])).length > 0
    const passes = await parseAny(formatOf(file, bytes), bytes, file).then(
      ({ packages }) =>
        packages.every((pkg) => {
          const isProvable = pkg.source === 'registry' || pkg.github !== undefined
          return isProvable && (pkg.integrity === undefined ? pkg.source === 'git' : lockedDigest(pkg).ok)
        }),
      (error: unknown) => {
        assert.ok(error instanceof GateError)
        return false
      },
    )
    const { httpsProxy, noProxy } = host.settings
    const settings = { https_proxy: httpsProxy, noproxy: noProxy, strict_ssl: false }
    // npm 12 wants to be told that there is something else than a registry's packages.
    const kinds = ['allow_remote', 'allow_git', 'allow_file', 'allow_directory'].map((key) => [key, 'all'])
    const env = Object.entries({ ...settings, ...Object.fromEntries(kinds) }).map(([key, value]) => [
      `npm_config_${key}`,
      String(value),
    ])
    const run = { cwd: project.dir, env: { ...project.env, ...Object.fromEntries(env) } }
    const { status, output } = await runManager(manager, args, run)
    const isEvil = ['', 'parent/node_modules/'].some((folder) =>
      existsSync(join(project.dir, 'node_modules', folder, 'pkg/evil.js')),
    )
    return { status, output, isEvil, passes: passes && !isUnsafe }
  } finally {
    project.dispose()
  }
}

/** Which has the evil bytes under a version whose manifest says that it is 1.0.0. */
async function attackersRegistry(t: TestContext, version: string): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('.tgz')) response.end(evil.bytes)
    else {
      const dist = { tarball: `${url}pkg.tgz`, integrity: evil.integrity }
      const versions = { [version]: { ...PKG, dist } }
      response.end(JSON.stringify({ name: 'pkg', 'dist-tags': { latest: version }, versions }))
    }
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`
  return url
}

function deceives(what: string, managers: readonly Manager[], files: () => Files): void {
  for (const manager of managers) {
    test(`${manager}: ${what}`, async () => {
      const { status, output, isEvil, passes } = await outcome(manager, files())
      assert.equal(status, 0, output)
      assert.equal(isEvil, true, 'the manager is deceived')
      assert.equal(passes, false, 'the gate is not')
    })
  }
}

const NPM = ['npm11', 'npm12'] as const
const ASKED = { dependencies: { pkg: '1.0.0' } }
const JUST_PKG = () => npmLock({ pkg: '1.0.0' }, { 'node_modules/pkg': locked(good) })

test('what is honest passes, and installs', async () => {
  const yarn = yarnLock('pkg@1.0.0', urlOf(good))
  const bun = { lockfileVersion: 1, workspaces: { '': { name: 'project', ...ASKED } } }
  const packages = { pkg: ['pkg@1.0.0', urlOf(good), {}, good.integrity] }
  for (const [manager, lockfile] of [
    ['npm11', JUST_PKG()],
    ['npm12', JUST_PKG()],
    ['yarn1', yarn],
    ['bun', JSON.stringify({ ...bun, packages }, null, 2)],
  ] as const) {
    const { status, output, isEvil, passes } = await outcome(manager, { manifest: ASKED, lockfile })
    assert.deepEqual({ status, isEvil, passes }, { status: 0, isEvil: false, passes: true }, output)
  }
})

describe('a text that is read in two ways', () => {
  deceives('merge conflict markers in texts, within lines', NPM, () => ({
    manifest: ASKED,
    lockfile: [
      '{"lockfileVersion":3,"requires":true,"packages":{"":{"dependencies":{"pkg":"1.0.0"}},"node_modules/pkg":{"version":"1.0.0"',
      `,"integrity":"${good.integrity}","resolved":"${urlOf(good)}","a":"<<<<<<<","b":{"c":1`,
      `,"integrity":"${evil.integrity}","resolved":"${evilUrl}"`,
      '},"d":"=======","e":{"f":1',
      `,"integrity":"${evil.integrity}","resolved":"${evilUrl}"`,
      '},"g":">>>>>>>"',
      '}}}',
    ].join('\n'),
  }))

  deceives('a digest in base64 that ends in bits which mean nothing', ['bun'], () => {
    const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
    const integrity = good.integrity.replace(/.(?===$)/, (last) => letters[letters.indexOf(last) + 1] ?? '')
    assert.deepEqual(Buffer.from(integrity.slice(7), 'base64'), Buffer.from(good.integrity.slice(7), 'base64'))
    const packages = { pkg: ['pkg@1.0.0', evilUrl, {}, integrity] }
    const workspaces = { '': { name: 'project', ...ASKED } }
    return { manifest: ASKED, lockfile: JSON.stringify({ lockfileVersion: 1, workspaces, packages }, null, 2) }
  })
})

describe('an address that is fetched in another way', () => {
  for (const write of [
    (url: string) => url,
    (url: string) => url.replace('#', '/tree/'),
    (url: string) => url.replace('https://github.com', 'https://user@www.GitHub.com:443').replace('#', '.git#'),
  ]) {
    deceives(`the page of a repository, ${write('https://github.com/a/b#c')}`, NPM, () => ({
      manifest: ASKED,
      lockfile: npmLock({ pkg: '1.0.0' }, { 'node_modules/pkg': locked(good, { resolved: write(repository) }) }),
    }))
  }
})

describe('a dependency that is asked for in another way than it is locked', () => {
  const THROUGH = () =>
    npmLock(
      { parent: '1.0.0' },
      { 'node_modules/parent': locked(parent, { dependencies: { pkg: '^1.0.0' } }), 'node_modules/pkg': locked(good) },
    )
  const overrides: readonly [string, (url: string) => Record<string, unknown>][] = [
    ['by an override', (url) => ({ pkg: url })],
    ['by an override for one package', (url) => ({ parent: { pkg: url } })],
    ['by an override of a package and what it needs', (url) => ({ pkg: { '.': url } })],
    ['by an override of some versions', (url) => ({ 'pkg@1': url })],
  ]
  for (const [how, write] of overrides) {
    deceives(how, NPM, () => ({
      manifest: { dependencies: { parent: '1.0.0' }, overrides: write(evilUrl) },
      lockfile: THROUGH(),
    }))
  }

  deceives('by an override that refers to what the project asks for', NPM, () => ({
    manifest: { dependencies: { parent: '1.0.0' }, devDependencies: { other: evilUrl }, overrides: { pkg: '$other' } },
    lockfile: npmLock(
      { parent: '1.0.0', other: evilUrl },
      {
        'node_modules/parent': locked(parent, { dependencies: { pkg: '^1.0.0' } }),
        'node_modules/pkg': locked(good),
        'node_modules/other': locked(evil, { name: 'pkg', resolved: evilUrl }),
      },
    ),
  }))

  deceives('by an override, for what only calls itself bundled', NPM, () => ({
    manifest: { dependencies: { parent: '1.0.0' }, overrides: { pkg: evilUrl } },
    lockfile: npmLock(
      { parent: '1.0.0' },
      {
        'node_modules/parent': locked(parent, { dependencies: { pkg: '^1.0.0' } }),
        'node_modules/pkg': locked(good, { inBundle: true }),
      },
    ),
  }))

  deceives('by another address than that of a release', NPM, () => ({
    manifest: { dependencies: { pkg: evilUrl } },
    lockfile: npmLock(
      { pkg: evilUrl },
      { 'node_modules/pkg': locked(good, { resolved: 'https://github.com/o/r/releases/download/v1/pkg.tgz' }) },
    ),
  }))

  deceives('by another repository than the one whose commit is locked', NPM, () => {
    const commit = repository.split('#')[1]
    return {
      manifest: { dependencies: { pkg: `attacker/pkg#${commit}` } },
      lockfile: npmLock(
        { pkg: `o/r#${commit}` },
        { 'node_modules/pkg': locked(good, { resolved: `git+ssh://git@github.com/o/r.git#${commit}` }) },
      ),
    }
  })

  for (const [what, asked, lied] of [
    ['a tag, where the lockfile has no address', 'latest', '1.0.0'],
    ['a range that it is not of', '^2.0.0', '2.0.0'],
  ] as const) {
    for (const manager of NPM) {
      test(`${manager}: ${what}, from the registry that an .npmrc names`, async (t) => {
        const url = await attackersRegistry(t, lied)
        const { resolved: _, ...entry } = locked(good)
        const { status, output, isEvil, passes } = await outcome(manager, {
          manifest: { dependencies: { pkg: asked } },
          lockfile: npmLock({ pkg: asked }, { 'node_modules/pkg': asked === 'latest' ? entry : locked(good) }),
          files: { '.npmrc': `registry=${url}\n` },
        })
        assert.deepEqual({ status, isEvil, passes }, { status: 0, isEvil: true, passes: false }, output)
      })
    }
  }
})

// npm 12 knows no such file any more.
deceives('versions in a file of a tarball', ['npm11'], () => {
  const packages = { '': { dependencies: { pkg: '^1.0.0' } }, 'node_modules/pkg': locked(evil, { resolved: evilUrl }) }
  const bringing = createTarball({
    ...{ name: 'parent', version: '2.0.0', dependencies: { pkg: '^1.0.0' } },
    files: { 'npm-shrinkwrap.json': JSON.stringify({ lockfileVersion: 3, requires: true, packages }) },
  })
  registry.publish(bringing)
  const entry = locked(bringing, { dependencies: { pkg: '^1.0.0' }, hasShrinkwrap: true })
  return {
    manifest: { dependencies: { parent: '2.0.0' } },
    lockfile: npmLock(
      { parent: '2.0.0' },
      { 'node_modules/parent': entry, 'node_modules/parent/node_modules/pkg': locked(good) },
    ),
  }
})

describe('a lockfile of yarn 1 that does not count', () => {
  for (const [how, write] of [
    ['for another address', (url) => ({ pkg: url })],
    ['for another address, of whoever needs it', (url) => ({ '**/pkg': url })],
    ['for another package', () => ({ pkg: 'npm:evil@1.0.0' })],
  ] as const satisfies readonly (readonly [string, (url: string) => object])[]) {
    deceives(`by resolutions ${how}`, ['yarn1'], () => {
      return { manifest: { ...ASKED, resolutions: write(evilUrl) }, lockfile: yarnLock('pkg@1.0.0', urlOf(good)) }
    })
  }

  deceives('by a folder of the project', ['yarn1'], () => ({
    manifest: { dependencies: { pkg: 'file:./vendor' } },
    lockfile: yarnLock('"pkg@file:./vendor"', 'https://github.com/o/r/releases/download/v1/pkg.tgz'),
    files: { 'vendor/package.json': JSON.stringify(PKG), 'vendor/evil.js': '' },
  }))

  for (const line of ['--install.update-checksums true', '"--*.update\\u002dchecksums" true']) {
    deceives(`by .yarnrc: ${line}`, ['yarn1'], () => ({
      manifest: ASKED,
      lockfile: yarnLock('pkg@1.0.0', evilUrl),
      files: { '.yarnrc': `${line}\n` },
    }))
  }

  test('yarn1: by .yarnrc: it is not read at all', async () => {
    const { status, output, passes } = await outcome('yarn1', {
      manifest: ASKED,
      // Bytes of another digest, which are not asked for.
      lockfile: yarnLock('pkg@1.0.0', evilUrl),
      files: { '.yarnrc': `registry "${registry.url}"\n--install.no-lockfile true\n` },
    })
    assert.deepEqual({ status, passes }, { status: 0, passes: false }, output)
  })
})

describe('a lockfile of npm whose digests do not count', () => {
  for (const line of [
    'install-strategy=linked',
    '"install-strategy" = "linked"',
    `\${NONE?}install-strategy=lin\${NONE?}ked`,
  ]) {
    deceives(`by .npmrc: ${line}`, NPM, () => ({
      manifest: ASKED,
      lockfile: npmLock({ pkg: '1.0.0' }, { 'node_modules/pkg': locked(good, { resolved: evilUrl }) }),
      files: { '.npmrc': `registry=${registry.url}\n${line}\n` },
    }))
  }
})
