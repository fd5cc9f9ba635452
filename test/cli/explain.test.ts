/** `explain` says of a package what `verify` says, and why. */
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { directoryEvidence } from '../../src/evidence/directory.ts'
import { readLockfile } from '../../src/lockfile/read.ts'
import { explain } from '../../src/policy/explain.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { openProver } from '../../src/proving/prover.ts'
import { createTarball } from '../support/registry/index.ts'
import { POLICY, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, lockfileOf, reportOf, runCli, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const widget = createTarball({ name: 'widget', version: '1.0.0' })

async function explained(
  t: TestContext,
  wanted: string,
  policy = POLICY,
  signed: Parameters<typeof world.attest>[1] = {},
) {
  const project = cliProject(world, { policy, files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
  t.after(() => project.dispose())
  writeDocuments(project, { 'widget@1.0.0': await world.attest(widget, signed) })
  return runCli(['explain', wanted, '--attestations', '../attestations'], { cwd: project.dir, env: project.env })
}

describe('explain', () => {
  test('shows entry, evidence, every claim with its OID, rules, and the verdict, on standard output', async (t) => {
    const run = await explained(t, 'widget@1.0.0', `${POLICY}      ref: refs/heads/main\n`)
    assert.equal(run.status, 0)
    assert.equal(run.stderr, '')
    for (const line of [
      /^widget@1\.0\.0$/m,
      /^ {4}integrity {3}sha512-/m,
      /^ {4}needed by {3}the root project$/m,
      /^ {4}provenance \(https:\/\/slsa\.dev\/provenance\/v1\), signed at 2026-01-15T12:00:00\.000Z$/m,
      /^ {6}repository {13}https:\/\/github\.com\/acme\/widgets {2}\(OID 12, or 5\)$/m,
      /^ {6}environment {12}– {2}\(OID 23\)$/m,
      /^ {4}publish attestation by the registry, signed at /m,
      /^ {4}\.sigstorerc:4 {2}\*\*: decides$/m,
      /^ {4}1: met$/m,
      /^ {4}proven$/m,
    ]) {
      assert.match(run.stdout, line)
    }
  })

  test('lists the attestations that are left out, and what each is about', async (t) => {
    const project = cliProject(world, { policy: POLICY, files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
    t.after(() => project.dispose())
    const made = (await world.attest(widget)) as { attestations: unknown[] }
    const other = (await world.attest(widget, {
      statementOverrides: { predicateType: 'https://spdx.dev/\u202eDocument' },
    })) as typeof made
    writeDocuments(project, { 'widget@1.0.0': { attestations: [null, ...made.attestations, other.attestations[1]] } })
    const run = await runCli(['explain', 'widget', '--attestations', '../attestations'], {
      cwd: project.dir,
      env: project.env,
    })
    assert.equal(run.status, 0, run.stdout)
    assert.match(run.stdout, /^ {4}left out: attestation 1 has no bundle \(EVIDENCE_MALFORMED\)$/m)
    assert.match(
      run.stdout,
      /^ {4}left out: attestation 4: an attestation of the type https:\/\/spdx\.dev\/\\u\{202e\}Document \(EVIDENCE_MISSING\)$/m,
    )
    assert.match(run.stdout, /^ {4}proven$/m)
    // Without the other two it is refused for what could not be read, and both are listed.
    writeDocuments(project, { 'widget@1.0.0': { attestations: [other.attestations[1], null] } })
    const refused = await runCli(['explain', 'widget', '--attestations', '../attestations'], {
      cwd: project.dir,
      env: project.env,
    })
    assert.equal(refused.status, 1)
    assert.match(refused.stdout, /^ {4}EVIDENCE_MALFORMED: found attestation 2 has no bundle; expected /m)
    assert.equal([...refused.stdout.matchAll(/^ {4}left out: attestation [12]/gm)].length, 2)
  })

  test('says why it is refused, and what would make it pass', async (t) => {
    const run = await explained(t, 'widget', POLICY, { identity: { workflow: '.github/workflows/x.yml' } })
    assert.equal(run.status, 1)
    assert.match(run.stdout, /^ {4}1: workflow "\.github\/workflows\/x\.yml", expected workflow/m)
    assert.match(
      run.stdout,
      /^ {4}refused: WORKFLOW_MISMATCH\n {4}found {5}workflow .*\n {4}expected {2}workflow .*\n {4}to pass {3}if what was found is right/m,
    )
  })

  test('of what could not be found out ends with 2, as verify does', async (t) => {
    const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([widget]) } })
    t.after(() => project.dispose())
    writeDocuments(project, { 'widget@1.0.0': '{' })
    const run = await runCli(['explain', 'widget', '--attestations', '../attestations'], {
      cwd: project.dir,
      env: project.env,
    })
    assert.equal(run.status, 2)
    assert.match(run.stdout, /EVIDENCE_UNAVAILABLE/)
  })

  test('needs no trust root where the verdict needs none', async (t) => {
    const broken = "trust: { trustedRoot: package.json }\nrules: [{ packages: '**', require: nothing }]\n"
    const run = await explained(t, 'widget', broken)
    assert.equal(run.status, 0, run.stderr)
    assert.match(run.stdout, /EVIDENCE_UNAVAILABLE: found .*package\.json is not a usable Sigstore trusted root/)
    assert.match(run.stdout, /verdict\n {4}permitted/)
    assert.equal((await explained(t, 'widget', broken.replace('nothing', 'signature'))).status, 2)
  })

  test('of a package that is not there is a mistake', async (t) => {
    for (const wanted of ['widgte', 'widget@2.0.0', 'WIDGET', '']) {
      const run = await explained(t, wanted)
      assert.equal(run.status, 2)
      assert.match(run.stderr, /has no package/)
    }
  })

  test('agrees with verify on every package of a large lockfile', async (t) => {
    const policy = POLICY.replace(
      'rules:',
      `exceptions: [{ package: axios@1.20.0, reason: x, expires: '2999-01-01' }]
rules:
  - { packages: ['@types/*'], require: nothing }
  - { packages: '@jest/*', require: signature, mode: warn }
  - { packages: '@babel/*', require: provenance, publisher: { repository: acme/widgets }, minimumAge: 1d }`,
    )
    const project = cliProject(world, { policy })
    t.after(() => project.dispose())
    const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
    copyFileSync(path.join(import.meta.dirname, '../../fixtures/lockfiles/large/pnpm-lock.yaml'), lockfile)
    const { packages } = await readLockfile(lockfile)
    const some = packages.filter(({ name }) => /^@babel|^[a-e]/.test(name))
    const documents = some.map(async ({ name, version, integrity = '' }) => {
      const about = { name, version, integrity, now: SIGNED_AT }
      const who = name < '@babel/m' || name > 'c' ? {} : { workflow: '.github/workflows/x.yml' }
      return [`${name}@${version}`, await world.sigstore.document({ ...about, identity: who })] as const
    })
    const folder = writeDocuments(project, Object.fromEntries(await Promise.all(documents)))
    const report = reportOf(await verify(project, '--json', '--attestations', folder))

    const loaded = await loadPolicy({ folder: project.dir })
    const now = new Date()
    const prove = openProver({ evidence: directoryEvidence(folder), trust: loaded.trust, now })
    const statuses = new Set<string>()
    for (const [index, pkg] of packages.entries()) {
      const { verdict } = explain(pkg, loaded, await prove(pkg), now)
      const said = report.packages[index]
      assert.deepEqual(
        [pkg.name, pkg.version, verdict.status, verdict.refusal?.code ?? null, verdict.rule?.place.line ?? null],
        [said?.name, said?.version, said?.status, said?.code, said?.rule?.line ?? null],
      )
      statuses.add(verdict.refusal?.code ?? verdict.status)
    }
    assert.ok(statuses.size >= 4, [...statuses].join(' '))

    const examples = Map.groupBy(report.packages, ({ status, code }) => `${status} ${code}`)
    for (const [pkg] of examples.values()) {
      const run = await runCli(['explain', `${pkg?.name}@${pkg?.version}`, '--attestations', folder], {
        cwd: project.dir,
        env: project.env,
      })
      assert.match(run.stdout, new RegExp(`\\n  verdict\\n    ${pkg?.status}${pkg?.code ? `: ${pkg.code}` : ''}`))
    }
  })
})
