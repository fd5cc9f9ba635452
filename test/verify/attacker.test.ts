import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createAuthority } from '../support/sigstore/authority.ts'
import { createSigstore, type ProvenanceOptions, type WorkflowIdentity } from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { openWorkshop } from './forge.ts'
import {
  accepted,
  bundlesOf,
  changed,
  documentOf,
  integrityOf,
  locked,
  minutesLater,
  NOW,
  onlyProvenance,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

// The attacker controls the registry's answers, or the lockfile, or has an identity at Fulcio like everybody else. The
// publisher's own builds are out of reach. What must not happen: the publisher's claims over bytes that are not theirs.

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

const VICTIM = 'https://github.com/acme/widgets'
const EVIL = 'https://github.com/evil/widgets'
const evil: WorkflowIdentity = { repository: EVIL, repositoryId: '666', ownerId: '666' }
const malware = integrityOf('malware')

/** The lockfile's entry once the attacker's tarball is in it. */
const compromised = locked({ integrity: malware })

const genuine = await sigstore.document(widgets)

async function forged(options: Partial<ProvenanceOptions>) {
  return documentOf(await sigstore.provenance({ ...widgets, integrity: malware, ...options }))
}

describe('who controls the registry', () => {
  test('cannot serve other bytes under genuine attestations', () => {
    refused(verify(compromised, genuine, NOW), 'DIGEST_MISMATCH')
  })

  test('cannot make an older release pass for a newer one', async () => {
    const older = await sigstore.document({ ...widgets, version: '1.2.2' })
    refused(verify(locked(), older, NOW), 'SUBJECT_MISMATCH')
    // Together with the newer one's own it is left out, as the registry could have left it out.
    const [publish, provenance] = bundlesOf(older)
    const { leftOut, ...proof } = accepted(
      verify(locked(), documentOf(publish, ...bundlesOf(genuine), provenance), NOW),
    )
    assert.deepEqual(proof, accepted(verify(locked(), genuine, NOW)))
    assert.deepEqual(
      leftOut?.map(({ code }) => code),
      ['SUBJECT_MISMATCH', 'SUBJECT_MISMATCH'],
    )
    refused(verify(compromised, documentOf(publish, ...bundlesOf(genuine)), NOW), 'DIGEST_MISMATCH')
  })

  test("cannot vouch for a build, even with the registry's own key", async () => {
    refused(verify(compromised, await forged({ signWith: 'registry-key' }), NOW), 'CERTIFICATE_UNTRUSTED')
    const published = await sigstore.publish({ ...widgets, integrity: malware })
    assert.deepEqual(accepted(verify(compromised, documentOf(published), NOW)).provenance, [])
    refused(verify(compromised, documentOf(published, bundlesOf(genuine)[1]), NOW), 'DIGEST_MISMATCH')
  })

  test('cannot take anything away that would be missed', () => {
    refused(verify(locked(), { attestations: [] }, NOW), 'EVIDENCE_MISSING')
    assert.deepEqual(accepted(verify(locked(), documentOf(bundlesOf(genuine)[0]), NOW)).provenance, [])
  })

  test('cannot bring trust of its own', async () => {
    const own = await createSigstore({ now: NOW })
    refused(verify(compromised, await own.document({ ...widgets, integrity: malware }), NOW), 'EVIDENCE_UNKNOWN')
    // The whole chain in the bundle, its own root included, is no trust root.
    const workshop = openWorkshop()
    const authority = createAuthority(
      'workshop.test',
      { start: new Date('2021-03-01'), end: new Date('2031-03-01') },
      workshop.ctLog,
    )
    const bundle = workshop.forge({ authority, bundleVersion: '0.1' })
    refused(verifierFor(workshop.trust)(locked(), documentOf(bundle), NOW), 'EVIDENCE_UNKNOWN', /authority/)
  })
})

describe('who has an identity of their own', () => {
  test('proves their own build, under their own name', async () => {
    const { claims } = onlyProvenance(verify(compromised, await forged({ identity: evil }), NOW))
    const { repository, owner, ownerId, repositoryId, subjectAlternativeName } = claims
    assert.deepEqual(
      { repository, owner, ownerId, repositoryId },
      { repository: EVIL, owner: 'https://github.com/evil', ownerId: '666', repositoryId: '666' },
    )
    assert.ok(subjectAlternativeName?.startsWith(`${EVIL}/`))
  })

  test("cannot write the publisher's provenance", async () => {
    // The statement is free text: here it is the publisher's, word for word, over the attacker's bytes.
    for (const predicate of ['v0.2', 'v1'] as const) {
      const theirs = await sigstore.provenance({ ...widgets, predicate })
      const statement = JSON.parse(Buffer.from(theirs.dsseEnvelope.payload, 'base64').toString())
      const options = { predicate, identity: evil, predicateOverrides: () => statement.predicate }
      refused(verify(compromised, await forged(options), NOW), 'PREDICATE_MISMATCH', /repository/)
      const { claims } = onlyProvenance(verify(compromised, await forged({ identity: evil, predicate }), NOW))
      assert.equal(claims.repository, EVIL)
    }
  })

  test("cannot borrow a name by calling the publisher's workflow", async () => {
    // A reusable workflow of the publisher, called from elsewhere: the subject alternative name is the publisher's.
    const buildSignerUri = `${VICTIM}/.github/workflows/release.yml@refs/heads/main`
    const { claims } = onlyProvenance(verify(compromised, await forged({ identity: { ...evil, buildSignerUri } }), NOW))
    assert.equal(claims.subjectAlternativeName, buildSignerUri)
    assert.equal(claims.repository, EVIL)
    assert.equal(claims.workflow, '.github/workflows/release.yml')
    assert.equal(claims.buildConfigUri, `${EVIL}/.github/workflows/release.yml@refs/heads/main`)
    // An early certificate says nothing of the caller's workflow, and then nothing is known of it.
    const early = { identity: { ...evil, buildSignerUri }, legacyClaims: true, predicate: 'v0.2' } as const
    const legacy = onlyProvenance(verify(compromised, await forged(early), NOW)).claims
    assert.equal(legacy.repository, EVIL)
    assert.equal(legacy.workflow, undefined)
  })

  test('cannot choose a repository whose name begins or ends like the other', async () => {
    for (const repository of [
      `${VICTIM}-evil`,
      `${VICTIM}.git`,
      'https://github.com/acme',
      'https://github.com/ACME/widgets',
      'https://github.com.evil.example/acme/widgets',
    ]) {
      const { claims } = onlyProvenance(verify(compromised, await forged({ identity: { repository } }), NOW))
      assert.equal(claims.repository, repository)
    }
  })

  test('cannot pass for the issuer that they are not from', async () => {
    // Some issuers let their users choose what is claimed. Such a certificate is good, and its issuer is in the claims.
    const issuer = 'https://ci.example'
    const { claims } = onlyProvenance(verify(compromised, await forged({ claims: { 1: issuer, 8: issuer } }), NOW))
    assert.equal(claims.issuer, issuer)
    assert.equal(claims.repository, VICTIM)
    // The old claim does not stand in for the new one.
    const both = onlyProvenance(verify(compromised, await forged({ claims: { 8: issuer } }), NOW))
    assert.equal(both.claims.issuer, issuer)
  })

  test('cannot make up an environment that is called like a reviewed one', async () => {
    for (const environment of ['\uFEFFnpm', 'npm ', 'npm\n', 'NPM', 'npm\0', '\u200Bnpm']) {
      const { claims } = onlyProvenance(verify(compromised, await forged({ identity: { environment } }), NOW))
      assert.equal(claims.environment, environment)
      assert.notEqual(claims.environment, 'npm')
    }
  })

  test("re-signs the publisher's bytes under their own name, beside the publisher", async () => {
    const theirs = await sigstore.provenance({ ...widgets, identity: evil })
    const { provenance } = accepted(verify(locked(), documentOf(theirs, ...bundlesOf(genuine)), NOW))
    assert.deepEqual(
      provenance.map(({ claims }) => claims.repository),
      [EVIL, VICTIM],
    )
  })

  test('cannot use an old certificate again', async () => {
    // A key that leaked after its ten minutes: the log writes down when it sees the entry.
    const bundle = await sigstore.provenance({ ...widgets, integrity: malware, integratedTime: minutesLater(60 * 24) })
    refused(verify(compromised, documentOf(bundle), minutesLater(60 * 48)), 'CERTIFICATE_UNTRUSTED', /expired/)
    const backdated = changed(bundle, ({ verificationMaterial: { tlogEntries } }) => {
      for (const entry of tlogEntries) entry.integratedTime = String(Math.floor(NOW.getTime() / 1000))
    })
    refused(verify(compromised, documentOf(backdated), minutesLater(60 * 48)), 'LOG_ENTRY_INVALID')
    const unpromised = changed(backdated, ({ verificationMaterial: { tlogEntries } }) => {
      for (const entry of tlogEntries) delete entry.inclusionPromise
    })
    refused(verify(compromised, documentOf(unpromised), minutesLater(60 * 48)), 'TIMESTAMP_INVALID')
  })

  test('cannot hide from those who watch the log', () => {
    const workshop = openWorkshop()
    const hidden = workshop.forge({ logged: ({ key }) => key })
    refused(verifierFor(workshop.trust)(locked(), documentOf(hidden), NOW), 'LOG_ENTRY_INVALID')
  })

  test('is not helped by an authority, log or certificate log that is somebody else’s', () => {
    const workshop = openWorkshop()
    const own = openWorkshop()
    for (const parts of [{ authority: own.authority }, { log: own.log }, { ctLog: generateKey('P-256') }]) {
      assert.ok(!verifierFor(workshop.trust)(locked(), documentOf(workshop.forge(parts)), NOW).ok)
    }
  })
})

describe('who controls the lockfile', () => {
  test('cannot name bytes beside those that are proven', () => {
    for (const integrity of [
      `${widgets.integrity} ${malware}`,
      `${malware} ${widgets.integrity}`,
      undefined,
      'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=',
    ]) {
      refused(verify(locked({ integrity }), genuine, NOW), 'INTEGRITY_MISSING')
    }
  })

  test('cannot give a package a name that reads like another', () => {
    for (const entry of [
      { name: '@acme/widgets@1.2.3', version: '' },
      { name: '@acme/widgets@1.2.3', version: '1.2.3' },
      { name: '@acme', version: 'widgets@1.2.3' },
      { name: 'widgets', version: '1.2.3' },
      { name: ' @acme/widgets', version: '1.2.3' },
      { name: '@acme\\widgets', version: '1.2.3' },
      // As the attestation writes it.
      { name: '%40acme/widgets', version: '1.2.3' },
      { name: '@acme/../acme/widgets', version: '1.2.3' },
      { name: '@acme/widgets', version: '1.2.3\n' },
    ]) {
      refused(verify(locked(entry), genuine, NOW), 'SUBJECT_MISMATCH')
    }
  })
})
