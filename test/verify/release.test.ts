/** The genuine attestation of a release, and its assets: `bdehamer/delme@v6`. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { loadDomains } from '../../src/trust/load.ts'
import { createReleaseVerifier } from '../../src/verify/release.ts'
import { corpusFile, LATER, readCorpus, skip } from './corpus.ts'
import { accepted, refused } from './support.ts'

const ORIGIN = { repository: 'bdehamer/delme', tag: 'v6' }
const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
const document = () => ({ attestations: [{ bundle: readCorpus('github-release', 'bdehamer__delme@v6.json') }] })
const sha256 = (file: string) =>
  createHash('sha256')
    .update(readFileSync(corpusFile('github-release', file)))
    .digest('hex')

async function open(trustedRoot?: string) {
  const github = { trustedRoot: trustedRoot ?? corpusFile('trust', 'github', 'trusted_root.json') }
  return createReleaseVerifier(await loadDomains({ domains: new Map([['github', github]]) }, { now: LATER }))
}

describe('a genuine release', () => {
  test('is proven for its asset', { skip }, async () => {
    const verify = await open()
    const proof = accepted(verify(ORIGIN, sha256('github_release_artifact.zip'), document(), LATER))
    const [release, ...others] = proof.provenance
    assert.equal(others.length, 0)
    const { claims, predicateType, signedAt } = release ?? assert.fail()
    assert.equal(predicateType, 'https://in-toto.io/attestation/release/v0.1')
    assert.equal(signedAt, '2025-05-30T20:13:39.000Z')
    assert.deepEqual(Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined)), {
      domain: 'github',
      subjectAlternativeName: 'https://dotcom.releases.github.com',
      issuer: 'https://dotcom.releases.github.com',
      repository: 'https://github.com/bdehamer/delme',
      owner: 'https://github.com/bdehamer',
      ref: 'refs/tags/v6',
      commit: COMMIT,
      repositoryId: '905988044',
      ownerId: '398027',
    })
  })

  test('is refused for another', { skip }, async () => {
    const verify = await open()
    refused(verify(ORIGIN, sha256('github_release_artifact_invalid.zip'), document(), LATER), 'DIGEST_MISMATCH')
    refused(verify(ORIGIN, undefined, document(), LATER), 'DIGEST_MISMATCH')
    // That of the commit is no asset's.
    refused(verify(ORIGIN, COMMIT, document(), LATER), 'DIGEST_MISMATCH')
  })

  test('is proven for its commit, and for no other', { skip }, async () => {
    const verify = await open()
    const { repository } = ORIGIN
    accepted(verify({ repository, commit: COMMIT }, undefined, document(), LATER))
    refused(verify({ repository, commit: '0'.repeat(40) }, undefined, document(), LATER), 'DIGEST_MISMATCH')
    refused(verify({ repository: 'bdehamer/other', commit: COMMIT }, undefined, document(), LATER), 'SUBJECT_MISMATCH')
  })

  test('is refused for another tag or repository', { skip }, async () => {
    const verify = await open()
    const digest = sha256('github_release_artifact.zip')
    for (const other of [
      { tag: 'v7' },
      { tag: 'V6' },
      { repository: 'bdehamer/delme2' },
      { repository: 'other/delme' },
    ])
      refused(verify({ ...ORIGIN, ...other }, digest, document(), LATER), 'SUBJECT_MISMATCH')
    accepted(verify({ ...ORIGIN, repository: 'BDehamer/Delme' }, digest, document(), LATER))
  })

  test('is nothing that the public good vouches for', { skip }, async () => {
    const digest = sha256('github_release_artifact.zip')
    const alone = createReleaseVerifier(await loadDomains({}, { now: LATER }))
    refused(alone(ORIGIN, digest, document(), LATER), 'EVIDENCE_UNKNOWN')
    // GitHub's authorities under another name are not GitHub.
    const trustedRoot = corpusFile('trust', 'github', 'trusted_root.json')
    const thresholds = { logEntries: 0, certificateTimestamps: 0, signedTimestamps: 1 }
    const domains = new Map([['acme', { trustedRoot, thresholds }]])
    const renamed = createReleaseVerifier(await loadDomains({ domains }, { now: LATER }))
    refused(renamed(ORIGIN, digest, document(), LATER), 'CERTIFICATE_UNTRUSTED')
  })

  test('is not one before it was signed', { skip }, async () => {
    const verify = await open()
    const digest = sha256('github_release_artifact.zip')
    refused(verify(ORIGIN, digest, document(), new Date('2025-05-01')), 'TIMESTAMP_INVALID')
  })
})
