/**
 * Every reason for a refusal, from the command line. Each lockfile holds two packages: `bad`, refused for exactly that
 * reason, and its neighbour `good`, which differs as little as it can and passes.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { CODES, type RefusalCode, UNDECIDED } from '../../src/codes.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { createGithub } from '../support/sigstore/github.ts'
import { createSigstore, type DocumentOptions, type Statement } from '../support/sigstore/index.ts'
import { POLICY, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, reportOf, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const stranger = await createSigstore({ now: SIGNED_AT })
const github = createGithub({ now: SIGNED_AT })
const acme = await createSigstore({ now: SIGNED_AT })
const bad = createTarball({ name: 'bad', version: '2.0.0' })
const good = createTarball({ name: 'good', version: '2.0.0' })

type Signed = Partial<Omit<DocumentOptions, 'name' | 'version'>>
type Document = Awaited<ReturnType<typeof stranger.document>>

/** What is done to one of the two packages. */
interface Change {
  /** What is signed. */
  readonly signed?: Signed
  /** What happens to the signed document; a string is what the file then holds. */
  readonly document?: (document: Document, pkg: PackedPackage) => unknown
  /** The text of its digest in the lockfile. */
  readonly integrity?: string | undefined
}

interface Case {
  readonly code: RefusalCode
  readonly why: string
  readonly bad: Change
  readonly good?: Change
  readonly policy?: string
  /** Further files of evidence. */
  readonly beside?: Readonly<Record<string, unknown>>
  /** Packages of the identity lock, from version 1.0.0 on. */
  readonly known?: readonly string[]
}

const identity = (who: NonNullable<Signed['identity']>): Change => ({ signed: { identity: who } })
const document = (change: NonNullable<Change['document']>): Change => ({ document: change })
const STRICT = `${POLICY}      ref: refs/heads/main\n`
const UNCHANGED = `${POLICY.slice(0, POLICY.indexOf('rules:'))}rules: [{ packages: '**', require: provenance, unchanged: true }]\n`
const GITLAB = 'https://gitlab.com'
const CALLED = 'https://github.com/acme/ci/.github/workflows/build.yml'

/** Changes one of the two attestations: 0 is the registry's, 1 the provenance. */
function bundle(index: 0 | 1, change: (bundle: Document['attestations'][number]['bundle']) => void): Change {
  return document((made) => {
    const attestation = made.attestations[index] ?? assert.fail()
    change(attestation.bundle)
    return made
  })
}

/** Another last character of base64, so that at least one bit differs. */
function flip(base64: string): string {
  const at = base64.length - 5
  return `${base64.slice(0, at)}${base64[at] === 'A' ? 'B' : 'A'}${base64.slice(at + 1)}`
}

const CASES: readonly Case[] = [
  { code: 'EVIDENCE_MISSING', why: 'an empty list', bad: document(() => ({ attestations: [] })) },
  {
    code: 'EVIDENCE_MISSING',
    why: "the registry's own attestation alone",
    bad: document(({ attestations: [publish] }) => ({ attestations: [publish] })),
    good: document(({ attestations: [, provenance] }) => ({ attestations: [provenance] })),
  },
  { code: 'EVIDENCE_UNAVAILABLE', why: 'a file that is not JSON', bad: document(() => '{"attestations": [') },
  {
    code: 'EVIDENCE_MALFORMED',
    why: 'JSON, but no such document',
    bad: document(({ attestations }) => attestations),
    good: document((made) => ({ ...made, unknown: [null] })),
  },
  {
    code: 'EVIDENCE_MALFORMED',
    why: 'a bundle that lacks a field',
    bad: bundle(1, (made) => Reflect.deleteProperty(made.dsseEnvelope, 'payload')),
    good: bundle(1, (made) => Object.assign(made.dsseEnvelope, { unknown: 1 })),
  },
  {
    code: 'SIGNATURE_INVALID',
    why: 'a changed payload',
    bad: bundle(1, (made) => Object.assign(made.dsseEnvelope, { payload: flip(made.dsseEnvelope.payload) })),
    // The key id is signed by nobody, and so decides nothing.
    good: bundle(1, (made) => Object.assign(made.dsseEnvelope.signatures[0] ?? {}, { keyid: 'somebody' })),
  },
  {
    code: 'SIGNATURE_INVALID',
    why: "a changed payload of the registry's attestation, beside a provenance that holds",
    bad: bundle(0, (made) => Object.assign(made.dsseEnvelope, { payload: flip(made.dsseEnvelope.payload) })),
  },
  {
    code: 'EVIDENCE_UNKNOWN',
    why: 'another Sigstore',
    bad: document((_, { manifest, integrity }) => foreign(manifest.version, integrity)),
  },
  { code: 'CERTIFICATE_UNTRUSTED', why: 'no promise of a CT log', bad: { signed: { withoutSct: true } } },
  {
    code: 'CERTIFICATE_UNTRUSTED',
    why: 'a provenance under the key of the registry',
    bad: { signed: { signWith: 'registry-key' } },
    good: { signed: { publish: { signWith: 'registry-key' } } },
  },
  {
    code: 'LOG_ENTRY_INVALID',
    why: 'the log entry of another attestation',
    bad: document((made) => {
      const [publish, provenance] = made.attestations
      if (publish === undefined || provenance === undefined) assert.fail()
      provenance.bundle.verificationMaterial.tlogEntries = publish.bundle.verificationMaterial.tlogEntries
      return made
    }),
  },
  {
    code: 'TIMESTAMP_INVALID',
    why: 'signed in the future, by more than clocks differ',
    bad: { signed: { now: minutesFromNow(30), publish: { now: SIGNED_AT } } },
    good: { signed: { now: minutesFromNow(1), publish: { now: SIGNED_AT } } },
  },
  {
    code: 'SUBJECT_MISMATCH',
    why: 'an attestation of the version before, stolen',
    bad: document((_, { integrity }) => world.sigstore.document(about('bad', '1.9.9', integrity))),
  },
  {
    code: 'SUBJECT_MISMATCH',
    why: 'an attestation of the scoped package of that name',
    bad: document((_, { integrity }) => world.sigstore.document(about('@acme/bad', '2.0.0', integrity))),
  },
  {
    code: 'DIGEST_MISMATCH',
    why: 'an attestation about other bytes',
    bad: document(() => world.sigstore.document(about('bad', '2.0.0', good.integrity))),
    good: { signed: { statementOverrides: withSubjectBeside } },
  },
  { code: 'INTEGRITY_MISSING', why: 'no digest', bad: { integrity: undefined } },
  { code: 'INTEGRITY_MISSING', why: 'sha1 only', bad: { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' } },
  {
    code: 'INTEGRITY_MISSING',
    why: 'a second sha512, which pnpm would accept as well',
    bad: { integrity: `${bad.integrity} ${good.integrity}` },
  },
  {
    code: 'PREDICATE_MISMATCH',
    why: 'the build says another repository than its certificate',
    bad: { signed: { identity: { repository: 'https://github.com/acme/widgets' }, predicateOverrides: claimEvil } },
    good: { signed: { predicate: 'v0.2' } },
  },
  {
    code: 'PREDICATE_MISMATCH',
    why: 'the registry published another version',
    bad: { signed: { publish: { predicateOverrides: { version: '1.9.9' } } } },
  },
  {
    code: 'DOMAIN_MISMATCH',
    why: "the same names, in GitHub's own trust domain",
    bad: document((_, { manifest, integrity }) => ({
      attestations: [{ predicateType: '', bundle: github.provenance({ ...manifest, integrity }, { now: SIGNED_AT }) }],
    })),
    policy: POLICY.replace('trust: { ', 'trust: { domains: { github: { trustedRoot: github.json } }, '),
  },
  {
    code: 'REGISTRY_MISMATCH',
    why: 'signed by the public registry, which serves what anybody publishes',
    bad: {},
    beside: {
      'good@2.0.0.signatures': { signatures: [acme.signature({ ...good.manifest, integrity: good.integrity })] },
    },
    policy:
      `${POLICY.slice(0, POLICY.indexOf('rules:'))}rules: [{ packages: '**', require: signature, registry: acme }]\n`.replace(
        'trust: { ',
        'trust: { registries: { acme: acme-keys.json }, ',
      ),
  },
  {
    code: 'ISSUER_MISMATCH',
    why: 'the same names, vouched for by another issuer',
    bad: identity({ issuer: GITLAB }),
    policy: STRICT,
  },
  {
    code: 'REPOSITORY_MISMATCH',
    why: 'a repository whose name begins alike',
    bad: identity({ repository: 'https://github.com/acme/widgets-evil' }),
    policy: STRICT,
  },
  {
    code: 'WORKFLOW_MISMATCH',
    why: 'another workflow of the right repository',
    bad: identity({ workflow: '.github/workflows/pull-request.yml' }),
    policy: STRICT,
  },
  {
    code: 'REF_MISMATCH',
    why: 'a tag that is called like the branch',
    bad: identity({ ref: 'refs/tags/main' }),
    policy: STRICT,
  },
  {
    code: 'OWNER_MISMATCH',
    why: 'the name of an owner that another has taken since',
    bad: identity({ ownerId: '99999999' }),
    policy: POLICY.replace('repository: acme/widgets', 'repository: acme/widgets\n      ownerId: 61840275'),
  },
  {
    code: 'REPOSITORY_MISMATCH',
    why: 'a repository of the right name, made anew',
    bad: identity({ repositoryId: '99999999' }),
    policy: `${POLICY}      repositoryId: 520031842\n`,
  },
  {
    code: 'BUILDER_MISMATCH',
    why: 'the called workflow at a branch in place of a tag',
    bad: identity({ buildSignerUri: `${CALLED}@refs/heads/main` }),
    good: identity({ buildSignerUri: `${CALLED}@refs/tags/v1.2.3` }),
    policy: `${POLICY}      builder: acme/ci/.github/workflows/build.yml@refs/tags/v*\n`,
  },
  {
    code: 'TRIGGER_MISMATCH',
    why: 'a pull request of anybody, which runs with the rights of the repository',
    bad: identity({ trigger: 'pull_request_target' }),
    policy: `${POLICY}      trigger: [push, release]\n`,
  },
  {
    code: 'RUNNER_MISMATCH',
    why: "a machine of somebody's own",
    bad: identity({ runnerEnvironment: 'self-hosted' }),
    policy: `${POLICY}      runner: hosted\n`,
  },
  {
    code: 'ENVIRONMENT_MISMATCH',
    why: 'an environment that nobody reviews',
    bad: identity({ environment: 'test' }),
    good: identity({ environment: 'npm' }),
    policy: `${POLICY}      environment: npm\n`,
  },
  {
    code: 'COMMIT_MISMATCH',
    why: 'another commit than the one that was reviewed',
    bad: identity({ commit: 'f'.repeat(40) }),
    policy: `${POLICY}      commit: 4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3\n`,
  },
  {
    code: 'VISIBILITY_MISMATCH',
    why: 'a private repository, which nobody else could look into',
    bad: identity({ visibility: 'private' }),
    policy: `${POLICY}      visibility: public\n`,
  },
  {
    code: 'CLAIM_MISSING',
    why: 'a certificate of before there were such claims',
    bad: { signed: { legacyClaims: true } },
    policy: `${POLICY}      runner: hosted\n`,
  },
  {
    code: 'IDENTITY_UNKNOWN',
    why: 'proven, but nobody has looked at by whom',
    bad: {},
    policy: UNCHANGED,
    known: ['good'],
  },
  {
    code: 'IDENTITY_CHANGED',
    why: 'a repository of the right name, made anew',
    bad: identity({ repositoryId: '99999999' }),
    policy: UNCHANGED,
    known: ['bad', 'good'],
  },
  {
    code: 'PROVENANCE_LOST',
    why: 'a downgrade: the version before was proven',
    bad: document(() => ({ attestations: [] })),
    policy: UNCHANGED.replace('provenance', 'nothing'),
    known: ['bad', 'good'],
  },
  {
    code: 'TOO_YOUNG',
    why: 'signed ten minutes ago: a worm that has taken over the right workflow is as young',
    bad: { signed: { now: minutesFromNow(-10) } },
    policy: `${POLICY}    minimumAge: 1d\n`,
  },
  {
    code: 'EXCEPTION_EXPIRED',
    why: 'an exception for a time that is over',
    bad: document(() => ({ attestations: [] })),
    policy: `exceptions: [{ package: bad@2.0.0, reason: to be replaced, expires: '2026-01-31' }]\n${POLICY}`,
  },
  {
    code: 'SOURCE_NOT_ALLOWED',
    why: 'a name that is for a project of the workspace alone',
    bad: {},
    policy: POLICY.replace('"**"', 'good').replace(
      'rules:',
      'rules:\n  - { packages: bad, source: workspace, require: nothing }',
    ),
  },
  { code: 'NO_RULE', why: 'nobody thought of it', bad: {}, policy: POLICY.replace('"**"', 'good') },
]

/** Whom a policy may trust beside. */
const OTHERS = {
  'github.json': JSON.stringify(github.trustedRoot),
  'acme-keys.json': JSON.stringify(acme.npmKeys),
}

function identityLock(known: readonly string[] | undefined): Readonly<Record<string, string>> {
  if (known === undefined) return {}
  const entry =
    '{ published: [{ from: [1.0.0], issuer: github, repository: acme/widgets, repositoryId: 520031842, workflow: .github/workflows/release.yml, ref: branch }] }'
  const packages = known.map((name) => `  ${name}: ${entry}\n`)
  return { 'provenance-lock.yaml': `version: 2\npackages:\n${packages.join('')}` }
}

function about(name: string, version: string, integrity: string): DocumentOptions {
  return { name, version, integrity, now: SIGNED_AT }
}

function foreign(version: string, integrity: string): Promise<unknown> {
  return stranger.document(about('bad', version, integrity))
}

function claimEvil(predicate: unknown): unknown {
  return JSON.parse(JSON.stringify(predicate).replaceAll('acme/widgets', 'acme/gadgets'))
}

/** A second subject beside the right one, as builds of several packages have. */
function withSubjectBeside(statement: Statement): unknown {
  return {
    ...statement,
    subject: [{ name: 'pkg:npm/other@1.0.0', digest: { sha512: 'ab'.repeat(64) } }, ...statement.subject],
  }
}

function minutesFromNow(minutes: number): Date {
  return new Date(Date.now() + minutes * 60_000)
}

async function documentOf(pkg: PackedPackage, { signed, document: change }: Change): Promise<unknown> {
  const made = (await world.attest(pkg, signed)) as Document
  return change === undefined ? made : change(made, pkg)
}

describe('each code, beside a neighbour that passes', () => {
  for (const { code, why, policy, known, beside, ...changes } of CASES) {
    test(`${code}: ${why}`, async (t) => {
      const changed = { ...bad, ...('integrity' in changes.bad ? { integrity: changes.bad.integrity ?? '' } : {}) }
      const lockfile = lockfileOf([changed, good]).replace('integrity: ""', '{}')
      const project = cliProject(world, {
        files: { 'pnpm-lock.yaml': lockfile, ...identityLock(known), ...OTHERS },
        ...(policy ? { policy } : {}),
      })
      t.after(() => project.dispose())
      const folder = writeDocuments(project, {
        'bad@2.0.0': await documentOf(bad, changes.bad),
        'good@2.0.0': await documentOf(good, changes.good ?? {}),
        ...beside,
      })
      const run = await verify(project, '--json', '--attestations', folder)
      const made = reportOf(run)
      assert.deepEqual(endings(made), { 'bad@2.0.0': code, 'good@2.0.0': 'proven' })
      assert.deepEqual(made.summary.codes, { [code]: 1 })
      assert.equal(run.status, UNDECIDED.has(code) ? 2 : 1)
      assert.match(run.stderr, new RegExp(`│ bad@2\\.0\\.0 +│ ${code} `))
    })
  }

  test('all of them, but for those of the gate itself, of verify-bundle, yarn and names, and of the identity lock itself', () => {
    // `formats.test.ts` has what yarn's lockfile leads to, `names.test.ts` what names do, `base-lock.test.ts` what a changed
    // identity lock does, `gate-entry.test.ts` what is in the gate's own place.
    const own = ['INTERNAL_ERROR', 'GATE_REPLACED', 'LOCK_LOOSENED']
    const elsewhere = [...own, 'SIGNER_MISMATCH', 'PREDICATE_TYPE_MISMATCH', 'UNBOUND', 'ALIAS_INVALID']
    const all = Object.keys(CODES).filter((code) => !elsewhere.includes(code))
    assert.deepEqual([...new Set(CASES.map(({ code }) => code))].sort(), all.sort())
  })
})
