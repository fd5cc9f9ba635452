import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { X509Certificate } from '@sigstore/core'
import { certificateClaims } from '../../src/verify/claims.ts'
import type { CertificateClaims, Claims } from '../../src/verify/types.ts'
import { createSigstore, type ProvenanceOptions, type WorkflowIdentity } from '../support/sigstore/index.ts'
import { accepted, documentOf, locked, NOW, onlyProvenance, verifierFor, widgets } from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

const REPOSITORY = 'https://github.com/acme/widgets'
const CALLER = `${REPOSITORY}/.github/workflows/release.yml@refs/heads/main`

/** The claims of a proven provenance. */
async function proven(options: Partial<ProvenanceOptions>): Promise<Claims> {
  const bundle = await sigstore.provenance({ ...widgets, ...options })
  return onlyProvenance(verify(locked(), documentOf(bundle), NOW)).claims
}

/** What a certificate claims, whether or not its provenance agrees. */
async function claimed(options: Partial<ProvenanceOptions>): Promise<CertificateClaims> {
  const { certificate } = (await sigstore.provenance({ ...widgets, ...options })).verificationMaterial
  return accepted(certificateClaims(X509Certificate.parse(Buffer.from(certificate?.rawBytes ?? '', 'base64'))))
}

describe('claims of a certificate', () => {
  test('all of them, each in its place', async () => {
    const claims = await proven({
      identity: { environment: 'npm', tokenSubject: 'repo:acme/widgets:environment:npm', ref: 'refs/tags/v1.2.3' },
    })
    const uri = `${REPOSITORY}/.github/workflows/release.yml@refs/tags/v1.2.3`
    const commit = '4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3'
    assert.deepEqual(claims, {
      domain: 'sigstore',
      subjectAlternativeName: uri,
      issuer: 'https://token.actions.githubusercontent.com',
      buildSignerUri: uri,
      buildSignerDigest: commit,
      runnerEnvironment: 'github-hosted',
      repository: REPOSITORY,
      commit,
      ref: 'refs/tags/v1.2.3',
      repositoryId: '520031842',
      owner: 'https://github.com/acme',
      ownerId: '61840275',
      buildConfigUri: uri,
      buildConfigDigest: commit,
      trigger: 'push',
      runUri: `${REPOSITORY}/actions/runs/9116405766/attempts/1`,
      visibility: 'public',
      environment: 'npm',
      tokenSubject: 'repo:acme/widgets:environment:npm',
      workflow: '.github/workflows/release.yml',
    } satisfies Claims)
  })

  test('early certificates have the first six only; all others are absent', async () => {
    const claims = await proven({ legacyClaims: true, predicate: 'v0.2' })
    const present = Object.entries(claims).filter(([, value]) => value !== undefined)
    assert.deepEqual(Object.fromEntries(present), {
      domain: 'sigstore',
      subjectAlternativeName: CALLER,
      issuer: 'https://token.actions.githubusercontent.com',
      repository: REPOSITORY,
      commit: '4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3',
      ref: 'refs/heads/main',
      trigger: 'push',
      workflow: '.github/workflows/release.yml',
    })
  })

  test('the newer claim goes before the older one', async () => {
    const claims = await claimed({
      claims: { 1: 'https://old.example', 2: 'old', 3: 'old', 5: 'old/old', 6: 'refs/heads/old' },
    })
    const { issuer, trigger, commit, repository, ref } = claims
    assert.deepEqual(
      { issuer, trigger, commit, repository, ref },
      {
        issuer: 'https://token.actions.githubusercontent.com',
        trigger: 'push',
        commit: '4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3',
        repository: REPOSITORY,
        ref: 'refs/heads/main',
      },
    )
  })

  test("`owner/name` alone is GitHub's only where GitHub's issuer says it", async () => {
    assert.equal((await claimed({ claims: { 12: null } })).repository, REPOSITORY)
    for (const issuer of [
      'https://gitlab.com',
      'https://github.com/login/oauth',
      'https://token.actions.githubusercontent.com.evil.example',
    ]) {
      const claims = await claimed({ claims: { 1: issuer, 8: issuer, 12: null } })
      assert.equal(claims.issuer, issuer)
      assert.equal(claims.repository, undefined, issuer)
    }
  })

  test('a claim that is absent is undefined, and nothing stands in for it', async () => {
    const numbers: [number, keyof CertificateClaims][] = [
      [9, 'buildSignerUri'],
      [10, 'buildSignerDigest'],
      [11, 'runnerEnvironment'],
      [15, 'repositoryId'],
      [16, 'owner'],
      [17, 'ownerId'],
      [18, 'buildConfigUri'],
      [19, 'buildConfigDigest'],
      [21, 'runUri'],
      [22, 'visibility'],
      [23, 'environment'],
      [24, 'tokenSubject'],
    ]
    for (const [number, claim] of numbers)
      assert.equal((await claimed({ claims: { [number]: null } }))[claim], undefined)
    assert.equal((await claimed({ claims: { 18: null } })).workflow, undefined, 'not that of the called workflow')
  })

  test('an empty claim is not an absent one', async () => {
    const claims = await claimed({ claims: { 12: '', 23: '' } })
    assert.equal(claims.repository, '')
    assert.equal(claims.environment, '')
    assert.equal(claims.workflow, undefined)
  })
})

describe('the workflow', () => {
  const proofs: [string, WorkflowIdentity, string | undefined][] = [
    ['itself', {}, '.github/workflows/release.yml'],
    ['on a tag of a scoped package', { ref: 'refs/tags/@acme/widgets@1.2.3' }, '.github/workflows/release.yml'],
    ['on a branch that looks like two refs', { ref: 'refs/heads/x@refs/heads/main' }, '.github/workflows/release.yml'],
    ['on a pull request', { ref: 'refs/pull/7/merge' }, '.github/workflows/release.yml'],
    ['with an @ in its name', { workflow: '.github/workflows/release@v2.yml' }, '.github/workflows/release@v2.yml'],
    [
      'calling a reusable one of another repository',
      { buildSignerUri: 'https://github.com/acme/ci/.github/workflows/publish.yml@refs/tags/v2' },
      '.github/workflows/release.yml',
    ],
    [
      'calling a reusable one of its own repository',
      { buildSignerUri: `${REPOSITORY}/.github/workflows/reusable.yml@refs/heads/main` },
      '.github/workflows/release.yml',
    ],
    [
      'of another repository',
      { buildConfigUri: 'https://github.com/acme/ci/.github/workflows/release.yml@refs/heads/main' },
      undefined,
    ],
    [
      'of a repository whose name begins the same',
      { buildConfigUri: 'https://github.com/acme/widgets-evil/.github/workflows/release.yml@refs/heads/main' },
      undefined,
    ],
  ]
  for (const [name, identity, workflow] of proofs) {
    test(`${name}: ${workflow}`, async () => {
      const claims = await proven({ identity })
      assert.equal(claims.workflow, workflow)
      assert.equal(claims.ref, identity.ref ?? 'refs/heads/main')
      assert.equal(claims.buildSignerUri, claims.subjectAlternativeName)
    })
  }

  test('of an early certificate is the called one, as nothing else is known', async () => {
    const called = `${REPOSITORY}/.github/workflows/reusable.yml@refs/heads/main`
    assert.equal(
      (await claimed({ legacyClaims: true, identity: { buildSignerUri: called } })).workflow,
      '.github/workflows/reusable.yml',
    )
    const foreign = 'https://github.com/acme/ci/.github/workflows/reusable.yml@refs/heads/main'
    assert.equal((await claimed({ legacyClaims: true, identity: { buildSignerUri: foreign } })).workflow, undefined)
  })

  test('of GitLab', async () => {
    const repository = 'https://gitlab.com/acme/tools/widgets'
    const claims = await claimed({
      identity: {
        issuer: 'https://gitlab.com',
        repository,
        workflow: '/.gitlab-ci.yml',
        runnerEnvironment: 'gitlab-hosted',
      },
    })
    assert.equal(claims.buildConfigUri, `${repository}//.gitlab-ci.yml@refs/heads/main`)
    assert.equal(claims.workflow, '.gitlab-ci.yml')
    assert.equal(claims.repository, repository)
  })
})

describe('persons', () => {
  test('claim their address and who vouches for it, and nothing else', async () => {
    const emailIdentity = 'someone@example.com'
    for (const legacyClaims of [true, false]) {
      const claims = await claimed({ emailIdentity, legacyClaims })
      const present = Object.entries(claims).filter(([, value]) => value !== undefined)
      assert.deepEqual(Object.fromEntries(present), {
        subjectAlternativeName: emailIdentity,
        issuer: 'https://github.com/login/oauth',
      })
    }
  })
})
