/** `verify` over genuine packages with their real attestations, and over what people changed about them. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { endings, report } from '../cli/support.ts'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { digests } from '../support/registry/index.ts'
import { skipGenuine } from '../support/sigstore/genuine.ts'
import { describeUnless, GENUINE, type GenuinePackage, lockfileFor, policyFor } from './genuine-packages.ts'

const CORPUS = process.env.PROVENANCE_GATE_CORPUS ?? ''
const ATTESTATIONS = join(CORPUS, 'attestations')
const TRUST = {
  trustedRoot: join(CORPUS, 'trust/public-good/trusted_root.json'),
  npmKeys: join(CORPUS, 'trust/public-good/npm-keys.json'),
}

/** A lockfile of these packages, and a policy that names who published them. Its registry is one that nothing answers. */
function projectOf(t: TestContext, packages: readonly GenuinePackage[], policy = policyFor(packages)): Project {
  const files = { 'pnpm-lock.yaml': lockfileFor(packages), '.sigstorerc': policy }
  const project = createProject({ registry: 'http://127.0.0.1:1/', files })
  t.after(() => project.dispose())
  return project
}

/** A copy of the genuine documents, in which some are replaced. */
function documents({ root }: Project, replaced: Readonly<Record<string, unknown>>): string {
  const folder = join(root, 'attestations')
  cpSync(ATTESTATIONS, folder, { recursive: true })
  for (const [id, document] of Object.entries(replaced))
    writeFileSync(join(folder, `${id}.json`), JSON.stringify(document))
  return folder
}

function read(...path: readonly string[]): unknown {
  return JSON.parse(readFileSync(join(CORPUS, ...path), 'utf8'))
}

const idOf = ({ name, version }: GenuinePackage) => `${name}@${version}`
const all = (ending: string) => Object.fromEntries(GENUINE.map((pkg) => [idOf(pkg), ending]))

describeUnless(skipGenuine, 'genuine packages', () => {
  const offline = ['--offline', '--attestations', ATTESTATIONS]

  test('are all of those that the corpus has', () => {
    const files = readdirSync(ATTESTATIONS, { recursive: true, encoding: 'utf8' })
    const ids = files.filter((file) => file.endsWith('.json') && !file.startsWith('foreign-signer'))
    assert.deepEqual(ids.sort(), GENUINE.map((pkg) => `${idOf(pkg)}.json`).sort())
    for (const { name, version, integrity } of GENUINE) {
      const tarball = join(CORPUS, 'tarballs', `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
      if (existsSync(tarball)) assert.equal(digests(readFileSync(tarball)).integrity, integrity)
    }
  })

  test('are proven under the embedded trust root', async (t) => {
    assert.deepEqual(endings(await report(projectOf(t, GENUINE), ...offline)), all('proven'))
  })

  test('are proven under the one that the command line names', async (t) => {
    const options = ['--trusted-root', TRUST.trustedRoot, '--npm-keys', TRUST.npmKeys]
    assert.deepEqual(endings(await report(projectOf(t, GENUINE), ...offline, ...options)), all('proven'))
  })

  test('are proven under the one that the policy names', async (t) => {
    const policy = `${policyFor(GENUINE)}trust: ${JSON.stringify(TRUST)}\n`
    assert.deepEqual(endings(await report(projectOf(t, GENUINE, policy), ...offline)), all('proven'))
  })

  test('claim what the policy says of them', async (t) => {
    const { packages } = await report(projectOf(t, GENUINE), ...offline)
    for (const { name, version, claims } of packages) {
      const { publisher } = GENUINE.find((pkg) => pkg.name === name && pkg.version === version) ?? assert.fail()
      assert.equal(claims?.repository, `https://github.com/${publisher.repository}`)
      assert.equal(claims?.workflow, publisher.workflow)
      assert.equal(claims?.ref, publisher.ref)
    }
  })

  const WRONG = {
    ISSUER_MISMATCH: { issuer: 'https://accounts.google.com' },
    REPOSITORY_MISMATCH: { repository: 'acme/sigstore-js' },
    WORKFLOW_MISMATCH: { workflow: '.github/workflows/ci.yml' },
    REF_MISMATCH: { ref: 'refs/heads/v0.1.1' },
  }
  for (const [code, change] of Object.entries(WRONG)) {
    test(`under a rule that differs in one field: ${code}`, async (t) => {
      const changed = GENUINE.map((pkg) => ({ ...pkg, publisher: { ...pkg.publisher, ...change } }))
      assert.deepEqual(endings(await report(projectOf(t, changed), ...offline)), all(code))
    })
  }

  test('under the trust root of GitHub, which vouches for others', async (t) => {
    const root = join(CORPUS, 'trust/github/trusted_root.json')
    const { summary } = await report(projectOf(t, GENUINE), ...offline, '--trusted-root', root)
    assert.equal(summary.refused, GENUINE.length)
  })

  test('with the keys of a registry that is not theirs', async (t) => {
    const project = projectOf(t, GENUINE)
    const keys = join(project.root, 'keys.json')
    writeFileSync(keys, '{"keys": []}')
    const ended = endings(await report(project, ...offline, '--npm-keys', keys))
    // Of who built it the registry's keys say nothing: their attestations are left out.
    assert.deepEqual(ended, all('proven'))
  })
})

describeUnless(skipGenuine, 'genuine documents in the wrong place', () => {
  const next = (index: number): GenuinePackage => GENUINE[(index + 1) % GENUINE.length] ?? assert.fail()

  test('of another package or version', async (t) => {
    const project = projectOf(t, GENUINE)
    const stolen = GENUINE.map((pkg, index) => [idOf(pkg), read('attestations', `${idOf(next(index))}.json`)])
    const folder = documents(project, Object.fromEntries(stolen))
    assert.deepEqual(endings(await report(project, '--attestations', folder)), all('SUBJECT_MISMATCH'))
  })

  test('for other bytes', async (t) => {
    const swapped = GENUINE.map((pkg, index) => ({ ...pkg, integrity: next(index).integrity }))
    const ended = endings(await report(projectOf(t, swapped), '--attestations', ATTESTATIONS))
    assert.deepEqual(ended, all('DIGEST_MISMATCH'))
  })

  test('removed', async (t) => {
    const project = projectOf(t, GENUINE)
    const folder = documents(project, {})
    for (const pkg of GENUINE) rmSync(join(folder, `${idOf(pkg)}.json`))
    assert.deepEqual(endings(await report(project, '--attestations', folder)), all('EVIDENCE_MISSING'))
  })

  test("of a release on GitHub, in place of npm's", async (t) => {
    const release = { attestations: [{ predicateType: '', bundle: read('github-release', 'bdehamer__delme@v6.json') }] }
    const project = projectOf(t, GENUINE)
    const folder = documents(project, Object.fromEntries(GENUINE.map((pkg) => [idOf(pkg), release])))
    assert.equal((await report(project, '--attestations', folder)).summary.proven, 0)
  })
})

interface Tampered {
  readonly file: string
  readonly base: string
  readonly expected: string
}

describeUnless(skipGenuine, 'tampered documents', () => {
  const manifest = read('tampered', 'manifest.json') as readonly Tampered[]

  for (const { file, base, expected } of manifest) {
    const id = base.replace(/^attestations\/|\.json$/g, '')
    // The key id of an envelope is signed by nobody. It is not read, so changing it changes nothing.
    const ending = file.endsWith('pacote-mismatched-keyid.json') ? 'proven' : 'SIGNATURE_INVALID'

    test(`${basename(file)}: ${ending}, and the others are proven`, async (t) => {
      assert.equal(ending === 'proven', expected.startsWith('POLICY DECISION: cryptographically valid'), expected)
      const project = projectOf(t, GENUINE)
      const folder = documents(project, { [id]: read(file) })
      const ended = endings(await report(project, '--attestations', folder))
      assert.deepEqual(ended, { ...all('proven'), [id]: ending })
    })
  }

  test('are all in the manifest', () => {
    const files = readdirSync(join(CORPUS, 'tampered')).filter((file) => file !== 'manifest.json')
    assert.deepEqual(manifest.map(({ file }) => basename(file)).sort(), files.sort())
  })
})

describeUnless(skipGenuine, 'documents of a foreign signer, on which all mathematics holds', () => {
  const files = readdirSync(join(ATTESTATIONS, 'foreign-signer'))
  const victim: GenuinePackage = {
    name: 'sigstore',
    version: '1.0.0',
    integrity: 'sha512-e+qfbn/zf1+rCza/BhIA//Awmf0v1pa5HQS8Xk8iXrn9bgytytVLqYD0P7NSqZ6IELTgq+tcDvLPkQjNHyWLNg==',
    publisher: {
      repository: 'sigstore/sigstore-js',
      workflow: '.github/workflows/release.yml',
      ref: 'refs/heads/main',
    },
  }

  for (const file of files) {
    test(file, async (t) => {
      const project = projectOf(t, [victim])
      const folder = documents(project, { 'sigstore@1.0.0': read('attestations/foreign-signer', file) })
      const { packages } = await report(project, '--attestations', folder)
      assert.equal(packages[0]?.code, 'CERTIFICATE_UNTRUSTED')
      assert.match(packages[0]?.found ?? '', /^a publish attestation signed by .+@.+/)
    })
  }
})
