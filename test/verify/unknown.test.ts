/** What the trust root does not have is told from what does not hold: `src/verify/unknown.ts`. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import { verifyArtifact } from '../../src/verify/artifact.ts'
import { createAuthority } from '../support/sigstore/authority.ts'
import { createSigstore, type SerializedBundleJSON, type TrustedRootJSON } from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { TransparencyLog } from '../support/sigstore/rekor.ts'
import { createTimestampAuthority } from '../support/sigstore/tsa.ts'
import { corpusFile, LATER, readCorpus, skip } from './corpus.ts'
import { openWorkshop } from './forge.ts'
import {
  accepted,
  changed,
  documentOf,
  domainOf,
  entryOf,
  flipBit,
  locked,
  NOW,
  refused,
  signatureOf,
  type Trust,
  verifierFor,
  widgets,
} from './support.ts'

const lifetime = { start: new Date('2021-03-01'), end: new Date('2031-03-01') }
const workshop = openWorkshop()
const other = {
  authority: createAuthority('workshop.test', lifetime, generateKey('P-256')),
  ctLog: generateKey('P-256'),
  log: new TransparencyLog('https://rekor.workshop.test'),
  tsa: createTimestampAuthority(lifetime),
}
const sigstore = await createSigstore({ now: NOW })
const stranger = await createSigstore({ now: NOW })
const judge = (bundle: unknown, trust: Trust = workshop.trust) => verifierFor(trust)(locked(), documentOf(bundle), NOW)
/** Without the promise of the log, so that it is the timestamp that says when. */
const unpromised = (bundle: SerializedBundleJSON) =>
  changed(bundle, (copy) => {
    delete entryOf(copy).inclusionPromise
  })

const UNKNOWN: readonly (readonly [string, RegExp, unknown, Trust])[] = [
  [
    'an authority',
    /^a certificate of the authority [0-9a-f]{40}, which no trust root has \(sigstore\)$/,
    workshop.forge({ authority: other.authority }),
    workshop.trust,
  ],
  [
    'a certificate log',
    /^a certificate of the certificate log [0-9a-f]{64}, which the trust root does not have$/,
    workshop.forge({ ctLog: other.ctLog }),
    workshop.trust,
  ],
  [
    'a log',
    /^an entry of the log rekor\.workshop\.test - \d+ \([0-9a-f]{64}\), which the trust root does not have$/,
    workshop.forge({ log: other.log }),
    workshop.trust,
  ],
  [
    'a timestamp authority',
    /^a timestamp of an authority, which the trust root does not have$/,
    unpromised(workshop.forge({ timestamps: [{ at: NOW, by: other.tsa }] })),
    workshop.trust,
  ],
  [
    "a registry's key",
    /^signed with the key SHA256:\S+, which the trust root does not have$/,
    await stranger.publish(widgets),
    sigstore,
  ],
  [
    'a kind of log entry',
    /^a log entry of the kind dsse 0\.0\.9, which this gate does not know$/,
    await ofAnotherKind(),
    workshop.trust,
  ],
]

/** As a log of the future would write it; this one signs whatever it is given. */
async function ofAnotherKind(): Promise<SerializedBundleJSON> {
  const bundle = workshop.forge()
  const entry = entryOf(bundle)
  const body = JSON.parse(Buffer.from(entry.canonicalizedBody, 'base64').toString())
  const text = Buffer.from(JSON.stringify({ ...body, apiVersion: '0.0.9' }))
  const again = workshop.log.append('dsse', text, NOW)
  return changed(bundle, ({ verificationMaterial }) => {
    Object.assign(verificationMaterial, {
      tlogEntries: [{ ...again, kindVersion: { kind: 'dsse', version: '0.0.9' } }],
    })
  })
}

describe('what the trust root does not have', () => {
  for (const [what, found, bundle, trust] of UNKNOWN) {
    test(`${what}: names it, and points at the trust root`, () => {
      const { expected } = refused(judge(bundle, trust), 'EVIDENCE_UNKNOWN', found)
      assert.match(expected, /may be older than .*docs\/trust\.md/)
      // It may come from a file, which that renews not: who knows says so.
      assert.doesNotMatch(expected, /trust update/)
    })

    test(`${what}: a signature that does not hold is a false one all the same`, () => {
      const forged = changed(bundle as SerializedBundleJSON, (copy) => {
        const signature = signatureOf(copy)
        signature.sig = signatureOf(workshop.forge()).sig
      })
      const result = judge(forged, trust)
      assert.ok(!result.ok)
      // Without its key nobody can tell; a timestamp of nobody is about nothing.
      if (what !== "a registry's key") assert.equal(result.refusal.code, 'SIGNATURE_INVALID')
    })
  }

  test('is named once the root has it: then it holds', () => {
    const newer = openWorkshop()
    accepted(judge(newer.forge(), newer.trust))
    refused(judge(newer.forge()), 'EVIDENCE_UNKNOWN')
  })
})

describe('what the trust root has, and does not hold', () => {
  const genuine = workshop.forge()
  const expired = workshop.forge({ integratedTime: new Date('2027-01-01') })
  const cases: readonly (readonly [string, string, unknown])[] = [
    [
      'a promise of another entry',
      'LOG_ENTRY_INVALID',
      changed(genuine, (copy) =>
        Object.assign(entryOf(copy), { inclusionPromise: entryOf(workshop.forge()).inclusionPromise }),
      ),
    ],
    [
      'an entry that says another kind than its body',
      'LOG_ENTRY_INVALID',
      changed(genuine, (copy) => Object.assign(entryOf(copy).kindVersion, { version: '0.0.9' })),
    ],
    ['a certificate that was over', 'CERTIFICATE_UNTRUSTED', expired],
    [
      'a timestamp for another signature',
      'TIMESTAMP_INVALID',
      changed(workshop.forge({ timestamps: [{ at: NOW }] }), (copy) => {
        const from = workshop.forge({ timestamps: [{ at: NOW }] })
        copy.verificationMaterial.timestampVerificationData = from.verificationMaterial.timestampVerificationData
      }),
    ],
    [
      'a certificate that another authority has signed in its name',
      'CERTIFICATE_UNTRUSTED',
      workshop.forge({
        authority: { ...other.authority, key: { ...other.authority.key, spki: workshop.authority.key.spki } },
      }),
    ],
  ]
  for (const [what, code, bundle] of cases) {
    test(`${what}: ${code}`, () => {
      refused(verifierFor(workshop.trust)(locked(), documentOf(bundle), new Date('2028-01-01')), code as never)
    })
  }
})

describe('a genuine bundle of Rekor v2', () => {
  const digest = 'a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf'
  const signer = {
    identity: 'untrusted-sa@sigstore-conformance.iam.gserviceaccount.com',
    issuer: 'https://accounts.google.com',
  }
  const verify = (root: TrustedRootJSON, sha256 = digest) =>
    verifyArtifact(
      readCorpus('field', 'rekor-v2-dsse.json'),
      { sha256: Buffer.from(sha256, 'hex') },
      signer,
      domainOf(toTrustMaterial(TrustedRoot.fromJSON(root))),
      LATER,
    )

  test('is verified under a root that has its log', { skip }, () => {
    assert.ok(corpusFile('field', 'rekor-v2-dsse.json') !== '')
    accepted(verify(readCorpus('trust/public-good/trusted_root.json')))
    refused(verify(readCorpus('trust/public-good/trusted_root.json'), flipBit(digest)), 'DIGEST_MISMATCH')
  })

  test('is unknown, and not called forged, under a root that does not', { skip }, () => {
    const root = readCorpus<TrustedRootJSON>('field', 'trusted-root-without-rekor-v2.json')
    const { expected } = refused(verify(root), 'EVIDENCE_UNKNOWN', /^an entry of the log log20\d\d/)
    assert.match(expected, /may be older than the bundle/)
  })
})
