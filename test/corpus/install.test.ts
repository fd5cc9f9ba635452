/**
 * Real packages from the npm registry, installed by real pnpm behind the built hook, with their real attestations and the
 * embedded trust root. What is fetched from the network is fetched once: the loopback registry keeps it, and refusals
 * begin with a lockfile, which is judged before pnpm asks for anything.
 */
import assert from 'node:assert/strict'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { createProject, type Project, type ProjectOptions, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type Registry, startRegistry, whyNoUpstream } from '../support/registry/index.ts'
import { skipGenuine } from '../support/sigstore/genuine.ts'
import { PNPMFILE } from '../support/world.ts'
import { describeUnless, GENUINE, type GenuinePackage, lockfileFor } from './genuine-packages.ts'

const CORPUS = process.env.PROVENANCE_GATE_CORPUS ?? ''
const ATTESTATIONS = join(CORPUS, 'attestations')

const find = (id: string) => GENUINE.find(({ name, version }) => `${name}@${version}` === id) ?? assert.fail(id)
const SIGSTORE = find('sigstore@2.3.1')
const PLAYWRIGHT = find('@playwright/cli@0.1.1')
const BOTH = [SIGSTORE, PLAYWRIGHT]

async function whyNot(): Promise<false | string> {
  if (skipGenuine) return skipGenuine
  for (const { name } of BOTH) {
    const reason = await whyNoUpstream(name)
    if (reason !== false) return reason
  }
  return false
}

type Publisher = Partial<GenuinePackage['publisher'] & { readonly issuer: string }>

/** Proof for these two by name, nothing for what they depend on. */
function policy(change: Publisher = {}, whose: GenuinePackage = SIGSTORE): string {
  const rules = BOTH.map((pkg) => ({
    packages: pkg.name,
    require: 'provenance',
    publisher: { ...pkg.publisher, ...(pkg === whose ? change : {}) },
  }))
  return stringify({ rules: [...rules, { packages: '**', require: 'nothing' }] })
}

function projectOf(t: TestContext, registry: Registry, rules: string, options: Partial<ProjectOptions> = {}): Project {
  const project = createProject({
    registry: registry.url,
    dependencies: Object.fromEntries(BOTH.map(({ name, version }) => [name, version])),
    pnpmfile: `module.exports = require(${JSON.stringify(PNPMFILE)})\n`,
    ...options,
    files: { '.sigstorerc': rules, ...options.files },
  })
  t.after(() => project.dispose())
  return project
}

function installed({ dir }: Project, { name }: GenuinePackage): string | undefined {
  const manifest = join(dir, 'node_modules', name, 'package.json')
  if (!existsSync(manifest)) return undefined
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}

describeUnless(await whyNot(), 'real packages, real attestations, real pnpm', () => {
  const folder = mkdtempSync(join(tmpdir(), 'misattesting-'))
  const open: Registry[] = []
  after(async () => {
    await Promise.all(open.map((registry) => registry.close()))
    rmSync(folder, { recursive: true })
  })
  const passThrough = async (attestations: string): Promise<Registry> => {
    const registry = await startRegistry({ passThrough: { attestations } })
    open.push(registry)
    return registry
  }
  const genuine = passThrough(ATTESTATIONS)
  // The genuine document of another version in the place of sigstore 2.3.1's.
  cpSync(ATTESTATIONS, folder, { recursive: true })
  cpSync(join(ATTESTATIONS, 'sigstore@2.1.0.json'), join(folder, 'sigstore@2.3.1.json'))
  const stolen = passThrough(folder)

  for (const version of [10, 11, 12] as const) {
    describe(`pnpm ${version}`, () => {
      /** As the install that passes has written it. */
      let lockfile = lockfileFor(BOTH)

      const assertRefused = async (project: Project, code: string, who = SIGSTORE) => {
        const { status, flat } = await runPnpm(version, ['install'], project)
        assert.notEqual(status, 0)
        assert.ok(flat.includes(`${who.name}@${who.version} ${code}`), flat)
        assert.match(flat, /provenance-gate refused 1 package\./)
        for (const pkg of BOTH) assert.equal(installed(project, pkg), undefined)
      }

      test('passes under the policy that names who published them', async (t) => {
        const served = await genuine
        served.forgetRequests()
        const project = projectOf(t, served, policy())
        const { status, output } = await runPnpm(version, ['install'], project)
        assert.equal(status, 0, output)
        for (const pkg of BOTH) assert.equal(installed(project, pkg), pkg.version)
        lockfile = readFileSync(join(project.dir, 'pnpm-lock.yaml'), 'utf8')
        for (const { integrity } of BOTH) assert.ok(lockfile.includes(integrity))
        const asked = served.requests.map(({ path }) => path).filter((path) => path.includes('/attestations/'))
        const expected = ['@playwright%2fcli@0.1.1', 'sigstore@2.3.1'].map((id) => `/-/npm/v1/attestations/${id}`)
        assert.deepEqual([...new Set(asked)].sort(), expected, 'what requires nothing is not asked about')
      })

      const WRONG: readonly [code: string, whose: GenuinePackage, change: Publisher][] = [
        ['ISSUER_MISMATCH', SIGSTORE, { issuer: 'https://accounts.google.com' }],
        ['REPOSITORY_MISMATCH', PLAYWRIGHT, { repository: 'microsoft/playwright' }],
        ['WORKFLOW_MISMATCH', SIGSTORE, { workflow: '.github/workflows/publish.yml' }],
        ['REF_MISMATCH', PLAYWRIGHT, { ref: 'refs/tags/v0.1.2' }],
      ]
      for (const [code, whose, change] of WRONG) {
        test(`refuses a lockfile under another policy: ${code}`, async (t) => {
          const served = await genuine
          served.forgetRequests()
          const project = projectOf(t, served, policy(change, whose), { files: { 'pnpm-lock.yaml': lockfile } })
          await assertRefused(project, code, whose)
          assert.deepEqual(
            served.requests.filter(({ path }) => path.endsWith('.tgz')),
            [],
            'nothing was downloaded',
          )
        })
      }

      test('refuses without a lockfile, too', async (t) => {
        const dependencies = { [SIGSTORE.name]: SIGSTORE.version }
        const rules = policy({ repository: 'acme/sigstore-js' })
        await assertRefused(projectOf(t, await genuine, rules, { dependencies }), 'REPOSITORY_MISMATCH')
      })

      test('refuses a genuine document that is about another version: SUBJECT_MISMATCH', async (t) => {
        const project = projectOf(t, await stolen, policy(), { files: { 'pnpm-lock.yaml': lockfile } })
        await assertRefused(project, 'SUBJECT_MISMATCH')
      })

      test('refuses other bytes under a genuine document: DIGEST_MISMATCH', async (t) => {
        const evil = await startRegistry()
        t.after(() => evil.close())
        const { name, version: itsVersion } = SIGSTORE
        const attestations: unknown = JSON.parse(readFileSync(join(ATTESTATIONS, 'sigstore@2.3.1.json'), 'utf8'))
        evil.publish(createTarball({ name, version: itsVersion, files: { 'index.js': 'evil()' } }), { attestations })
        const project = projectOf(t, evil, policy(), { dependencies: { [name]: itsVersion } })
        await assertRefused(project, 'DIGEST_MISMATCH')
      })
    })
  }
})
