/** Text that an attacker wrote ends up on a terminal, and in logs that people read: it must not speak for the gate. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { createTarball } from '../support/registry/index.ts'
import type { DocumentOptions } from '../support/sigstore/index.ts'
import { POLICY, startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, report, reportOf, runCli, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const widget = createTarball({ name: 'widget', version: '1.0.0' })

const SUMMARY = '1 package: 1 proven, 0 permitted, 0 warned, 0 excepted, 0 refused'
/** Erases lines (7 and 8 bit), reverses text, hides it, breaks lines, ends a table's cell. */
const EVIL = `\u001b[2K\u001b]0;x\u0007\u009b1A\u202e\u200b\u2028\u{e0041}\r\n${SUMMARY}\n│`
const EFFECTIVE = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u

/** Neither stream obeys, and no line is what the gate itself would have said. */
function assertHarmless(...streams: readonly string[]): void {
  for (const text of streams) {
    assert.doesNotMatch(text, EFFECTIVE)
    assert.ok(!text.split('\n').some((line) => line.startsWith(SUMMARY)), text)
  }
}

/** YAML in which every character of a text is written in ASCII, as `lockfileOf` takes it for granted. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

describe('lockfile', () => {
  const entry = { resolution: { integrity: widget.integrity } }
  const base = { lockfileVersion: '9.0', importers: {} }
  const one = (key: string, info: unknown) => ({ ...base, packages: { [key]: info }, snapshots: { [key]: {} } })
  const LOCKFILES: Readonly<Record<string, unknown>> = {
    name: one(`${EVIL}@1.0.0`, entry),
    scope: one(`@${EVIL}/x@1.0.0`, entry),
    version: one(`widget@${EVIL}`, entry),
    'name field': one('widget@1.0.0', { ...entry, name: EVIL }),
    'version field': one('widget@1.0.0', { ...entry, version: EVIL }),
    integrity: one('widget@1.0.0', { resolution: { integrity: EVIL } }),
    'resolution type': one('widget@1.0.0', { resolution: { type: EVIL } }),
    'resolution field': one('widget@1.0.0', { resolution: { ...entry.resolution, [EVIL]: 1 } }),
    tarball: one('widget@1.0.0', { resolution: { ...entry.resolution, tarball: EVIL } }),
    repository: one('widget@1.0.0', { resolution: { type: 'git', repo: EVIL, commit: EVIL } }),
    folder: one('widget@file:x', { resolution: { type: 'directory', directory: EVIL } }),
    link: {
      ...one('widget@1.0.0', entry),
      importers: { '.': { dependencies: { [EVIL]: { specifier: 'x', version: `link:${EVIL}` } } } },
    },
    importer: {
      ...one('widget@1.0.0', entry),
      importers: { [EVIL]: { dependencies: { widget: { specifier: '1.0.0', version: '1.0.0' } } } },
    },
    'dangling reference': {
      ...one('widget@1.0.0', entry),
      importers: { '.': { dependencies: { [EVIL]: { specifier: 'x', version: EVIL } } } },
    },
    'config dependency': {
      ...one('widget@1.0.0', entry),
      importers: { '.': { configDependencies: { [EVIL]: { specifier: 'x', version: '1.0.0' } } } },
    },
  }
  for (const [where, lockfile] of Object.entries(LOCKFILES)) {
    test(where, async (t) => {
      const project = cliProject(world, { files: { 'pnpm-lock.yaml': ascii(lockfile) } })
      t.after(() => project.dispose())
      const run = await verify(project, '--json', '--attestations', writeDocuments(project, {}))
      assert.equal(run.status, 1, run.stderr)
      assertHarmless(run.stdout, run.stderr)
      assert.equal(reportOf(run).summary.proven, 0)
    })
  }

  test('programs get the text itself: it is escaped in the report, not replaced', async (t) => {
    const project = cliProject(world, { files: { 'pnpm-lock.yaml': ascii(LOCKFILES.name) } })
    t.after(() => project.dispose())
    const [pkg] = (await report(project, '--attestations', writeDocuments(project, {}))).packages
    assert.equal(pkg?.name, EVIL)
  })

  const BROKEN: Readonly<Record<string, unknown>> = {
    'lockfile version': { ...base, lockfileVersion: EVIL },
    'project that is none': { ...base, importers: { [EVIL]: 1 } },
    'dependencies that are none': { ...one('widget@1.0.0', entry), importers: { [EVIL]: { dependencies: 1 } } },
  }
  for (const [where, lockfile] of Object.entries(BROKEN)) {
    test(where, async (t) => {
      const project = cliProject(world, { files: { 'pnpm-lock.yaml': ascii(lockfile) } })
      t.after(() => project.dispose())
      const run = await verify(project)
      assert.equal(run.status, 2, run.stderr)
      assertHarmless(run.stderr)
    })
  }
})

describe('evidence', () => {
  const CLAIMS: Readonly<Record<string, (evil: string) => Partial<DocumentOptions>>> = {
    repository: (evil) => ({ identity: { repository: `https://github.com/acme/${evil}` } }),
    workflow: (evil) => ({ identity: { workflow: `.github/workflows/${evil}.yml` } }),
    ref: (evil) => ({ identity: { ref: `refs/heads/${evil}` } }),
    issuer: (evil) => ({ identity: { issuer: `https://${evil}` } }),
    subject: (evil) => ({ statementOverrides: { subject: [{ name: evil, digest: {} }] } }),
    'statement type': (evil) => ({ statementOverrides: { _type: evil } }),
    'payload type': (evil) => ({ payloadType: evil }),
    predicate: (evil) => ({ predicateOverrides: { runDetails: { builder: { id: evil } } } }),
    'published name': (evil) => ({ publish: { predicateOverrides: { name: evil } } }),
  }
  for (const [where, signed] of Object.entries(CLAIMS)) {
    test(where, async (t) => {
      const policy = `${POLICY}      ref: refs/heads/main\n`
      const project = cliProject(world, { policy, files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
      t.after(() => project.dispose())
      const folder = writeDocuments(project, { 'widget@1.0.0': await world.attest(widget, signed(EVIL)) })
      const run = await verify(project, '--json', '--attestations', folder)
      assert.equal(run.status, 1, run.stderr)
      assertHarmless(run.stdout, run.stderr)
      assert.notEqual(reportOf(run).summary.codes.INTERNAL_ERROR, 1)
    })
  }

  test('the signer of an attestation that is left out, which explain tells', async (t) => {
    const project = cliProject(world, { policy: POLICY, files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
    t.after(() => project.dispose())
    const signed: Partial<DocumentOptions> = { publish: { signWith: 'certificate', emailIdentity: EVIL } }
    const folder = writeDocuments(project, { 'widget@1.0.0': await world.attest(widget, signed) })
    const run = await runCli(['explain', 'widget', '--attestations', folder], { cwd: project.dir, env: project.env })
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stdout, /left out: .*publish attestation signed by/)
    assertHarmless(run.stdout, run.stderr)
  })

  test('a document that is not JSON', async (t) => {
    const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
    t.after(() => project.dispose())
    const run = await verify(project, '--json', '--attestations', writeDocuments(project, { 'widget@1.0.0': EVIL }))
    assert.equal(run.status, 2, run.stderr)
    assertHarmless(run.stdout, run.stderr)
  })
})

describe('files beside them', () => {
  const FILES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'policy, as it is': { '.sigstorerc': EVIL },
    'policy, escaped': { '.sigstorerc': ascii({ [EVIL]: EVIL, rules: [{ packages: EVIL, require: EVIL }] }) },
    'package.json': { 'package.json': EVIL },
    'trust root': { 'trust/trusted_root.json': EVIL },
    'registry keys': { 'trust/keys.json': `{"keys": ${ascii(EVIL)}}` },
    'pnpm-workspace.yaml': { 'pnpm-workspace.yaml': `${EVIL}: [` },
  }
  for (const [where, files] of Object.entries(FILES)) {
    test(where, async (t) => {
      const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]), ...files } })
      t.after(() => project.dispose())
      const folder = writeDocuments(project, { 'widget@1.0.0': await world.attest(widget) })
      const run = await verify(project, '--attestations', folder)
      assert.equal(run.status, 2, run.stderr)
      assertHarmless(run.stderr)
    })
  }

  test('the name of the folder', async (t) => {
    const name = `x\u001b[2K\u202e\n${SUMMARY}\n`
    const there = { ...world.policyFiles(), 'pnpm-workspace.yaml': '', 'pnpm-lock.yaml': lockfileOf([widget]) }
    const files = Object.fromEntries(Object.entries(there).map(([file, text]) => [`${name}/${file}`, text]))
    const project = cliProject(world, { files })
    t.after(() => project.dispose())
    const where = { cwd: project.dir, env: project.env }
    const folder = writeDocuments(project, {})
    const refused = await runCli(['verify', '--lockfile', `${name}/pnpm-lock.yaml`, '--attestations', folder], where)
    assert.equal(refused.status, 1)
    assertHarmless(refused.stderr)
    assertHarmless((await runCli(['verify', '--lockfile', `${name}/gone`, '--attestations', folder], where)).stderr)
  })
})
