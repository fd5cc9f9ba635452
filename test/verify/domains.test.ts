/** Several trust domains at once: whose word is whose. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import { keyFinder, registryKeys } from '../../src/trust/keys.ts'
import { thresholdsOf } from '../../src/trust/thresholds.ts'
import type { Thresholds, TrustDomain } from '../../src/verify/types.ts'
import { createDocumentVerifier } from '../../src/verify/verify.ts'
import { authorityKeyIdentifier } from '../support/sigstore/certificate.ts'
import { createGithub } from '../support/sigstore/github.ts'
import { createSigstore, type SerializedBundleJSON, type TrustedRootJSON } from '../support/sigstore/index.ts'
import { TransparencyLog } from '../support/sigstore/rekor.ts'
import { createTimestampAuthority } from '../support/sigstore/tsa.ts'
import { openWorkshop } from './forge.ts'
import { accepted, documentOf, locked, minutesLater, NOW, onlyProvenance, refused, widgets } from './support.ts'

const LIFETIME = { start: new Date('2021-03-01'), end: new Date('2031-03-01') }

const sigstore = await createSigstore({ now: NOW })
const acme = await createSigstore({ now: NOW, baseUrl: 'https://sigstore.acme.test' })
const github = createGithub({ now: NOW })

function domain(name: string, trustedRoot: TrustedRootJSON, own: Partial<Thresholds> = {}): TrustDomain {
  const keys = name === 'sigstore' ? sigstore.npmKeys : { keys: [] }
  const material = toTrustMaterial(TrustedRoot.fromJSON(trustedRoot), keyFinder(registryKeys(keys, 'npm:attestations')))
  return { name, material, thresholds: thresholdsOf(name, own) }
}

const first = domain('sigstore', sigstore.trustedRoot)
const others = [domain('github', github.trustedRoot), domain('acme', acme.trustedRoot)]
const verify = createDocumentVerifier([first, ...others])
const judge = (bundle: unknown, by = verify, now = minutesLater(20)) => by(locked(), documentOf(bundle), now)

describe('a certificate holds in the domain of its authority', () => {
  const bundles: readonly (readonly [string, () => Promise<SerializedBundleJSON> | SerializedBundleJSON])[] = [
    ['sigstore', () => sigstore.provenance(widgets)],
    ['acme', () => acme.provenance(widgets)],
    ['github', () => github.provenance(widgets, widgets)],
  ]
  for (const [name, make] of bundles) {
    test(name, async () => {
      const { claims } = onlyProvenance(judge(await make()))
      assert.equal(claims.domain, name)
      // What it claims is the same everywhere: it is the domain that tells them apart.
      assert.equal(claims.repository, 'https://github.com/acme/widgets')
    })

    test(`${name}, and in no other`, async () => {
      const rest = [first, ...others].filter((each) => each.name !== name)
      const [one, ...more] = rest
      const { found } = refused(
        judge(await make(), createDocumentVerifier([one ?? assert.fail(), ...more])),
        'EVIDENCE_UNKNOWN',
      )
      assert.ok(found.endsWith(`which no trust root has (${rest.map((each) => each.name).join(', ')})`), found)
    })
  }

  test('whatever issuer it names', () => {
    const workshop = openWorkshop()
    const own = domain('workshop', workshop.trust.trustedRoot)
    const both = createDocumentVerifier([first, own])
    assert.equal(onlyProvenance(judge(workshop.forge(), both)).claims.domain, 'workshop')
    const spki = first.material.certificateAuthorities[0]?.certChain[0]?.publicKey ?? assert.fail()
    for (const [named, code] of [
      [spki, 'CERTIFICATE_UNTRUSTED'],
      [Buffer.from('nobody'), 'EVIDENCE_UNKNOWN'],
    ] as const) {
      const lie = workshop.forge({
        extensions: (usual) => usual.map((each, index) => (index === 3 ? authorityKeyIdentifier(named) : each)),
      })
      refused(judge(lie, both), code)
    }
  })

  test('of one document each attestation in its own', async () => {
    const document = documentOf(
      await sigstore.publish(widgets),
      await acme.provenance(widgets),
      await sigstore.provenance(widgets),
    )
    const proof = accepted(verify(locked(), document, minutesLater(20)))
    assert.deepEqual(
      proof.provenance.map(({ claims }) => claims.domain),
      ['acme', 'sigstore'],
    )
  })

  test("the registry's keys vouch in the default one alone", async () => {
    const publish = await sigstore.publish(widgets)
    accepted(judge(publish))
    refused(
      judge(publish, createDocumentVerifier([domain('acme', acme.trustedRoot), first])),
      'EVIDENCE_UNKNOWN',
      /key/,
    )
  })
})

describe('what a domain asks for', () => {
  const workshop = openWorkshop()
  const secondLog = new TransparencyLog('https://rekor2.workshop.test')
  const secondTsa = createTimestampAuthority(LIFETIME, 'second.test')
  const root = structuredClone(workshop.trust.trustedRoot)
  const [tlog] = root.tlogs
  const [tsa] = root.timestampAuthorities
  assert.ok(tlog && tsa)
  root.tlogs.push({
    ...tlog,
    publicKey: { ...tlog.publicKey, rawBytes: secondLog.key.spki.toString('base64') },
    logId: { keyId: secondLog.append('dsse', Buffer.from('{}'), NOW).logId.keyId },
    baseUrl: 'https://rekor2.workshop.test',
  })
  root.timestampAuthorities.push({
    ...tsa,
    certChain: { certificates: secondTsa.chain.map((der) => ({ rawBytes: der.toString('base64') })) },
  })
  const asking = (thresholds: Partial<Thresholds>) => createDocumentVerifier([domain('workshop', root, thresholds)])
  const withEntriesOf = (...logs: readonly TransparencyLog[]) => {
    const bundle = workshop.forge()
    const [entry] = bundle.verificationMaterial.tlogEntries
    const body = Buffer.from(entry?.canonicalizedBody ?? '', 'base64')
    bundle.verificationMaterial.tlogEntries = logs.map((log) => log.append('dsse', body, NOW))
    return bundle
  }

  test('one log entry, and no more, where nothing else is said', () => {
    accepted(judge(withEntriesOf(workshop.log), asking({})))
    refused(judge(withEntriesOf(), asking({})), 'TIMESTAMP_INVALID')
  })

  test('entries of two logs: two of one are the word of one', () => {
    const two = asking({ logEntries: 2 })
    refused(judge(withEntriesOf(workshop.log), two), 'LOG_ENTRY_INVALID')
    refused(judge(withEntriesOf(workshop.log, workshop.log), two), 'TIMESTAMP_INVALID', /duplicate/)
    const later = withEntriesOf(workshop.log, workshop.log)
    const [, again] = later.verificationMaterial.tlogEntries
    assert.ok(again)
    delete again.inclusionPromise
    refused(judge(later, two), 'LOG_ENTRY_INVALID', /duplicate/)
    // Logs take a signature in more than one form: another entry, and the same log.
    const other = withEntriesOf(workshop.log)
    const [entry] = other.verificationMaterial.tlogEntries
    const body = JSON.parse(Buffer.from(entry?.canonicalizedBody ?? '', 'base64').toString())
    body.spec.envelopeHash = body.spec.payloadHash
    const another = workshop.log.append('dsse', Buffer.from(JSON.stringify(body)), minutesLater(1))
    other.verificationMaterial.tlogEntries.push(another)
    accepted(judge(other, asking({})))
    refused(judge(other, two), 'LOG_ENTRY_INVALID', /entries of 1 logs/)
    accepted(judge(withEntriesOf(workshop.log, secondLog), two))
    refused(judge(withEntriesOf(workshop.log, secondLog), asking({ logEntries: 3 })), 'LOG_ENTRY_INVALID')
  })

  test('an entry that is there holds, also where none is asked for', () => {
    const none = asking({ logEntries: 0, signedTimestamps: 1 })
    const stranger = new TransparencyLog('https://rekor.workshop.test')
    const bundle = workshop.forge({ timestamps: [{ at: NOW }], log: stranger })
    refused(judge(bundle, none), 'EVIDENCE_UNKNOWN', /of the log/)
    accepted(judge(workshop.forge({ timestamps: [{ at: NOW }] }), none))
  })

  test('an entry of a log that the root does not have counts for nothing next to enough others, and spoils nothing', () => {
    const stranger = new TransparencyLog('https://rekor3.test')
    for (const logs of [
      [workshop.log, stranger],
      [stranger, workshop.log],
      [stranger, workshop.log, stranger],
    ])
      accepted(judge(withEntriesOf(...logs), asking({})))
    refused(judge(withEntriesOf(stranger), asking({})), 'EVIDENCE_UNKNOWN')
    refused(judge(withEntriesOf(workshop.log, stranger), asking({ logEntries: 2 })), 'EVIDENCE_UNKNOWN')
    accepted(judge(withEntriesOf(workshop.log, stranger, secondLog), asking({ logEntries: 2 })))
    // Its time is nobody's: with the promise of that log alone there is none.
    const untimed = withEntriesOf(workshop.log, stranger)
    delete untimed.verificationMaterial.tlogEntries[0]?.inclusionPromise
    refused(judge(untimed, asking({})), 'TIMESTAMP_INVALID')
    // One that the root has must hold.
    const wrong = withEntriesOf(workshop.log, secondLog)
    Object.assign(wrong.verificationMaterial.tlogEntries[1] ?? {}, { logIndex: '1' })
    refused(judge(wrong, asking({})), 'LOG_ENTRY_INVALID')
  })

  test('timestamps of strangers next to enough others', () => {
    const nobody = createTimestampAuthority(LIFETIME, 'nobody.test')
    const stampedBy = (...by: readonly (typeof nobody)[]) =>
      workshop.forge({ timestamps: by.map((each) => ({ at: NOW, by: each })) })
    accepted(judge(stampedBy(workshop.tsa, nobody), asking({ signedTimestamps: 1 })))
    refused(judge(stampedBy(nobody), asking({ signedTimestamps: 1 })), 'EVIDENCE_UNKNOWN')
    refused(judge(stampedBy(workshop.tsa, nobody), asking({ signedTimestamps: 2 })), 'EVIDENCE_UNKNOWN')
  })

  test('promises of certificate logs', async () => {
    const bundle = await acme.provenance({ ...widgets, withoutSct: true })
    refused(judge(bundle, createDocumentVerifier([domain('acme', acme.trustedRoot)])), 'CERTIFICATE_UNTRUSTED')
    accepted(judge(bundle, createDocumentVerifier([domain('acme', acme.trustedRoot, { certificateTimestamps: 0 })])))
    refused(judge(workshop.forge(), asking({ certificateTimestamps: 2 })), 'CERTIFICATE_UNTRUSTED')
  })

  test('signed timestamps: the time of a log is none, and two of one authority are the word of one', () => {
    const stamped = (...by: readonly (typeof secondTsa)[]) =>
      workshop.forge({ timestamps: by.map((each, index) => ({ at: minutesLater(index), by: each })) })
    const one = asking({ signedTimestamps: 1 })
    refused(judge(stamped(), one), 'TIMESTAMP_INVALID')
    accepted(judge(stamped(workshop.tsa), one))
    const two = asking({ signedTimestamps: 2 })
    refused(judge(stamped(workshop.tsa, workshop.tsa), two), 'TIMESTAMP_INVALID')
    accepted(judge(stamped(workshop.tsa, secondTsa), two))
  })

  test("GitHub's: a timestamp, no logs; without one nothing says when it was signed", () => {
    const bundle = github.provenance(widgets, widgets)
    accepted(judge(bundle))
    bundle.verificationMaterial.timestampVerificationData.rfc3161Timestamps = []
    refused(judge(bundle), 'TIMESTAMP_INVALID')
  })
})
