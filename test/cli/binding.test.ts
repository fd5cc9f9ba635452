/** What is judged is what the lockfile says will be installed: its names, its versions, its digests, all of its entries. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, digests, startRegistry } from '../support/registry/index.ts'
import { POLICY, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())
beforeEach(() => world.registry.reset())

const widget = { name: 'widget', version: '1.1.0' }

function project(t: TestContext, options: Parameters<typeof cliProject>[1]): Project {
  const made = cliProject(world, options)
  t.after(() => made.dispose())
  return made
}

/** Has real pnpm write a lockfile. */
async function lock(version: PnpmVersion, made: Project, args: readonly string[] = ['install', '--lockfile-only']) {
  const { status, output } = await runPnpm(version, args, made)
  assert.equal(status, 0, output)
}

function edit(made: Project, change: (lockfile: string) => string): void {
  const file = join(made.dir, 'pnpm-lock.yaml')
  const before = readFileSync(file, 'utf8')
  const after = change(before)
  assert.notEqual(after, before)
  writeFileSync(file, after)
}

describe('the digest is that of the lockfile', () => {
  test('swapped for that of another tarball it is refused, although metadata and attestation agree', async (t) => {
    const pkg = await world.publish(widget)
    const evil = createTarball({ ...widget, files: { 'index.js': 'evil()' } })
    const made = project(t, { dependencies: { widget: '1.1.0' } })
    await lock(12, made)
    assert.deepEqual(endings(await report(made)), { 'widget@1.1.0': 'proven' })

    edit(made, (text) => text.replace(pkg.integrity, evil.integrity))
    const { packages } = await report(made)
    assert.deepEqual(
      packages.map(({ code, integrity }) => [code, integrity]),
      [['DIGEST_MISMATCH', evil.integrity]],
    )
    assert.equal(packages[0]?.found, `an attestation about ${pkg.integrity}`)
    assert.equal(packages[0]?.expected, `${evil.integrity}, as in the lockfile`)
  })

  test('a registry that lies consistently, tarball and metadata, has no attestation for its lie', async (t) => {
    const pkg = await world.publish(widget)
    const bytes = Buffer.concat([pkg.bytes, Buffer.alloc(512)])
    world.registry.setTarball('widget', '1.1.0', bytes)
    world.registry.setIntegrity('widget', '1.1.0', digests(bytes).integrity)
    const made = project(t, { dependencies: { widget: '1.1.0' } })
    await lock(11, made)
    assert.deepEqual(endings(await report(made)), { 'widget@1.1.0': 'DIGEST_MISMATCH' })
  })

  test('swapped between two entries that are both proven, both are refused', async (t) => {
    const a = await world.publish({ name: 'a', version: '1.0.0' })
    const b = await world.publish({ name: 'b', version: '1.0.0' })
    const made = project(t, {
      files: {
        'pnpm-lock.yaml': lockfileOf([
          { ...a, integrity: b.integrity },
          { ...b, integrity: a.integrity },
        ]),
      },
    })
    assert.deepEqual(endings(await report(made)), { 'a@1.0.0': 'DIGEST_MISMATCH', 'b@1.0.0': 'DIGEST_MISMATCH' })
  })

  test('a tarball from elsewhere is no matter as long as its digest is the proven one', async (t) => {
    const pkg = await world.publish(widget)
    const elsewhere = (integrity: string) =>
      lockfileOf([{ ...pkg, integrity }]).replace(
        `integrity: ${integrity}`,
        `{ integrity: ${integrity}, tarball: https://evil.example/widget-1.1.0.tgz }`,
      )
    const honest = project(t, { files: { 'pnpm-lock.yaml': elsewhere(pkg.integrity) } })
    assert.deepEqual(endings(await report(honest)), { 'widget@1.1.0': 'proven' })
    const evil = createTarball({ ...widget, files: { 'index.js': 'evil()' } })
    const tampered = project(t, { files: { 'pnpm-lock.yaml': elsewhere(evil.integrity) } })
    assert.deepEqual(endings(await report(tampered)), { 'widget@1.1.0': 'DIGEST_MISMATCH' })
  })
})

describe('name and version are those of the lockfile', () => {
  test('the attestation of another version, served for this one', async (t) => {
    const old = await world.publish({ ...widget, version: '1.0.0' })
    const pkg = world.publishUnproven(widget)
    world.registry.setAttestations('widget', '1.1.0', await world.attest(old))
    const made = project(t, { files: { 'pnpm-lock.yaml': lockfileOf([pkg]) } })
    const { packages } = await report(made)
    assert.deepEqual(
      packages.map(({ code, found, expected }) => [code, found, expected]),
      [['SUBJECT_MISMATCH', 'attestation 1: an attestation about pkg:npm/widget@1.0.0', 'pkg:npm/widget@1.1.0']],
    )
  })

  describe('an alias is judged as what it is, and by the rule for what it is called', () => {
    const rule = (name: string, repository: string) =>
      `{ packages: ${name}, require: provenance, publisher: { repository: ${repository} } }`
    const [TRUST = ''] = /^trust:.*$/m.exec(POLICY) ?? []
    const CASES = [
      { rules: [rule('evil', 'acme/widgets')], ending: 'proven' },
      { rules: [rule('widget', 'acme/widgets')], ending: 'NO_RULE' },
      {
        rules: [rule('widget', 'acme/gadgets'), '{ packages: evil, require: nothing }'],
        ending: 'REPOSITORY_MISMATCH',
      },
      { rules: [rule('widget', 'acme/widgets'), '{ packages: evil, require: nothing }'], ending: 'proven' },
    ]
    for (const { rules, ending } of CASES) {
      test(`${rules.join(', ')}: ${ending}`, async (t) => {
        await world.publish({ name: 'evil', version: '1.0.0' })
        const policy = `${TRUST}\nrules: [${rules.join(', ')}]\n`
        const made = project(t, { policy, dependencies: { widget: 'npm:evil@1.0.0' } })
        await lock(12, made)
        assert.deepEqual(endings(await report(made)), { 'evil@1.0.0': ending })
      })
    }

    test('one that only the lockfile makes is refused, whatever the rules for its names say', async (t) => {
      await world.publish({ name: 'evil', version: '1.0.0' })
      const made = project(t, { dependencies: { widget: 'npm:evil@1.0.0' } })
      await lock(12, made)
      assert.equal((await verify(made)).status, 0)
      edit(made, (text) => text.replace('specifier: npm:evil@1.0.0', 'specifier: ^1.0.0'))
      assert.deepEqual(endings(await report(made)), { 'evil@1.0.0': 'proven', 'widget@': 'EVIDENCE_MISSING' })
    })
  })

  test('an entry that calls itself something else than its key passes under neither name', async (t) => {
    const pkg = await world.publish(widget)
    const lockfile = lockfileOf([pkg]).replace('    resolution:', '    name: other\n    resolution:')
    const made = project(t, { files: { 'pnpm-lock.yaml': lockfile } })
    const expected = { 'widget@1.1.0': 'EVIDENCE_MISSING', 'other@1.1.0': 'EVIDENCE_MISSING' }
    assert.deepEqual(endings(await report(made)), expected)
  })
})

describe('what comes from no registry cannot be proven', () => {
  const SOURCES: readonly [what: string, key: string, version: string, resolution: string, found: RegExp][] = [
    ['git', 'w@git+https://h/w.git#0a', '1.1.0', '{ commit: 0a, repo: https://h/w.git, type: git }', /git repository/],
    ['a tarball URL', 'w@https://h/w.tgz', '1.1.0', '{ integrity: sha512-AA==, tarball: https://h/w.tgz }', /tarball/],
    ['a folder', 'w@file:vendor/w', '1.1.0', '{ directory: vendor/w, type: directory }', /folder \(file:vendor\/w\)/],
    ['an unknown kind', 'w@1.1.0', '1.1.0', '{ integrity: sha512-AA==, type: custom:x }', /an entry of unknown source/],
  ]
  for (const [what, key, version, resolution, found] of SOURCES) {
    test(what, async (t) => {
      const pkg = await world.publish({ ...widget, name: 'w' })
      const lockfile = [
        `lockfileVersion: '9.0'`,
        `importers: { .: { dependencies: { w: { specifier: x, version: '${key.slice(2)}' } } } }`,
        `packages: { '${key}': { resolution: ${resolution}, version: ${version} } }`,
        `snapshots: { '${key}': {} }`,
      ].join('\n')
      const made = project(t, { files: { 'pnpm-lock.yaml': lockfile } })
      const { packages } = await report(made)
      assert.deepEqual(
        packages.map(({ name, code }) => [name, code]),
        [['w', 'EVIDENCE_MISSING']],
      )
      assert.match(packages[0]?.found ?? '', found)
      assert.deepEqual(world.registry.requests, [], 'the registry is not asked for a namesake')
      const neighbour = project(t, { files: { 'pnpm-lock.yaml': lockfileOf([pkg]) } })
      assert.equal((await verify(neighbour)).status, 0)
    })
  }

  test('a folder linked in the place of a package', async (t) => {
    const pkg = await world.publish(widget)
    const lockfile = lockfileOf([pkg]).replace('version: 1.1.0', 'version: link:./evil')
    const made = project(t, { files: { 'pnpm-lock.yaml': lockfile } })
    const { packages } = await report(made)
    assert.deepEqual(
      packages.map(({ name, version, status, importers }) => [name, version, status, importers]),
      [
        ['widget', '1.1.0', 'proven', []],
        ['widget', '', 'refused', ['.']],
      ],
    )
  })
})

test('two documents and two versions: every entry of both is counted once', async (t) => {
  const [plugin, first, second] = await Promise.all(
    [{ name: 'pnpm-plugin-x', version: '1.0.0' }, widget, { ...widget, version: '2.0.0' }].map((source) =>
      world.publish(source),
    ),
  )
  assert.ok(plugin && first && second)
  const made = project(t, { dependencies: { widget: '1.1.0', next: 'npm:widget@2.0.0' } })
  await lock(12, made)
  await lock(12, made, ['add', '--config', 'pnpm-plugin-x@1.0.0'])
  const { packages, summary } = await report(made)
  assert.equal(summary.total, 3)
  assert.deepEqual(
    packages.map(({ name, version, integrity }) => [name, version, integrity]),
    [plugin, first, second].map(({ manifest, integrity }) => [manifest.name, manifest.version, integrity]),
  )
})

describe('a rule for a range of versions', () => {
  const RANGE = `${POLICY.slice(0, POLICY.indexOf('rules:'))}rules:
  - { packages: widget@^1.0.0, require: provenance, publisher: { repository: acme/widgets } }
  - { packages: '**', require: nothing }
`
  const lockfile = (version: string, key: string, resolution: string, more = '') => `lockfileVersion: '9.0'

importers:

  .:
    dependencies:
      widget:
        specifier: ^1.1.0
        version: ${version}

packages:

  ${key}:
    resolution: ${resolution}
${more}
snapshots:

  ${key}: {}
`

  test('is not stepped over by what only calls itself another version, or is another package', async (t) => {
    const pkg = await world.publish(widget)
    const evil = world.publishUnproven({ name: 'evil', version: '9.9.9' })
    const url = `${world.registry.url}evil/-/evil-9.9.9.tgz`
    for (const [text, refused] of [
      [lockfile('1.1.0', 'widget@1.1.0', `{integrity: ${pkg.integrity}}`), 0],
      [lockfile('evil@9.9.9', 'evil@9.9.9', `{integrity: ${evil.integrity}}`), 2],
      [lockfile(url, `'widget@${url}'`, `{integrity: ${evil.integrity}, tarball: ${url}}`, '    version: 9.9.9\n'), 1],
    ] as const) {
      const made = project(t, { policy: RANGE, files: { 'pnpm-lock.yaml': text } })
      const { summary } = await report(made)
      assert.equal(summary.refused, refused, text)
    }
  })
})

describe('a registry that the project calls by a name', () => {
  test('is asked for what comes from it, and no other registry hears of it', async (t) => {
    const work = await startRegistry({ keys: world.sigstore.npmKeys })
    t.after(() => work.close())
    const pkg = await world.publish({ name: '@acme/widget', version: '1.1.0' })
    work.publish(pkg, { attestations: await world.attest(pkg) })
    world.registry.reset()
    const text = lockfileOf([pkg])
      .replaceAll('@acme/widget@1.1.0', '@acme/widget@work:1.1.0')
      .replace('version: 1.1.0', 'version: work:1.1.0')
    const made = project(t, {
      workspace: { namedRegistries: { work: work.url } },
      files: { 'pnpm-lock.yaml': text },
    })
    assert.deepEqual(endings(await report(made)), { '@acme/widget@1.1.0': 'proven' })
    assert.deepEqual(world.registry.requests, [])
    const unnamed = project(t, { files: { 'pnpm-lock.yaml': text } })
    assert.deepEqual(endings(await report(unnamed)), { '@acme/widget@1.1.0': 'EVIDENCE_UNAVAILABLE' })
    assert.deepEqual(world.registry.requests, [])
  })
})

describe('settings of the repository that lead to another lockfile', () => {
  for (const [what, options] of [
    ['lockfileDir', { workspace: { lockfileDir: 'evil' } }],
    ['lockfile-dir of pnpm 10', { npmrc: 'lockfile-dir=evil\n' }],
    ['lockfile: false', { workspace: { lockfile: false } }],
  ] as const) {
    test(`${what}: nothing is judged`, async (t) => {
      const pkg = await world.publish(widget)
      const made = project(t, { ...options, files: { 'pnpm-lock.yaml': lockfileOf([pkg]) } })
      const { status, stderr } = await verify(made)
      assert.equal(status, 2)
      assert.match(stderr, /SETTINGS_UNSAFE: .*\n.* "lockfile/)
    })
  }
})
