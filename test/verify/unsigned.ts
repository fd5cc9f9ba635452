import { ASN1Obj, RFC3161Timestamp } from '@sigstore/core'
import type { AttestationDocument } from '../support/sigstore/index.ts'
import { otherSignature } from './ecdsa.ts'
import type { Path } from './mutate.ts'

/** What may differ from a genuine document without a refusal, and why that is harmless. Nothing else may. */
export interface Unsigned {
  readonly what: string
  readonly why: string
  readonly covers: (change: Change) => boolean
}

export interface Change {
  /** The place with its indexes as `#`: `attestations.#.predicateType`. */
  readonly place: string
  readonly path: Path
  readonly before: unknown
  readonly after: unknown
  readonly document: AttestationDocument
}

const BUNDLE = 'attestations.#.bundle'
const MATERIAL = `${BUNDLE}.verificationMaterial`
const ENTRY = `${MATERIAL}.tlogEntries.#`
const STAMPS = `${MATERIAL}.timestampVerificationData.rfc3161Timestamps`
const CHAIN = `${MATERIAL}.x509CertificateChain.certificates`

function at(...places: readonly string[]): (change: Change) => boolean {
  return ({ place }) => places.includes(place)
}

export const UNSIGNED: readonly Unsigned[] = [
  {
    what: 'the outer predicate type',
    why: "the registry's word, which is not read: the signed statement has its own",
    covers: at('attestations.#.predicateType'),
  },
  {
    what: 'the access address beside an attestation of the public registry',
    why: 'beside the bundle, and not read',
    covers: at('attestations.#.signedAccessSignatureUrl'),
  },
  {
    what: 'attestations in another order, one of them twice, or left out',
    why: 'each is judged alone; a registry that holds one back proves less, and without provenance nothing',
    covers: at('attestations', 'attestations.#'),
  },
  {
    what: 'the version of a bundle',
    why: 'it says what has to be there, which is checked for that version, and not what any of it proves',
    covers: ({ place, after }) =>
      place === `${BUNDLE}.mediaType` && typeof after === 'string' && /(version=|\.v)0\.[123](\+json)?$/.test(after),
  },
  {
    what: "the envelope's key id",
    why: 'a hint that DSSE does not sign; the key is chosen by the certificate or by the hint of the bundle',
    covers: at(`${BUNDLE}.dsseEnvelope.signatures.#.keyid`),
  },
  {
    what: 'root hash and size beside an inclusion proof',
    why: 'repeated from the checkpoint; the proof is checked against those that the log signed there',
    covers: at(`${ENTRY}.inclusionProof.rootHash`, `${ENTRY}.inclusionProof.treeSize`),
  },
  {
    what: 'the inclusion proof of a 0.1 bundle left out, or without a checkpoint',
    why: 'bundles of early 2023 have none, or one that no log has signed: the promise, which the log signed, is enough there',
    covers: (change) => {
      const { place, path, after, document } = change
      const checkpoint = place === `${ENTRY}.inclusionProof` ? checkpointOf(after) : after
      const isLeftOut =
        (checkpoint === undefined || checkpoint === null) &&
        (place === `${ENTRY}.inclusionProof` || place === `${ENTRY}.inclusionProof.checkpoint`)
      // Of two changes the other one has taken it away.
      const isBare = place.startsWith(`${ENTRY}.inclusionProof.`) && entryOf(change)?.inclusionProof?.checkpoint == null
      return (
        (isLeftOut || isBare) &&
        document.attestations[Number(path[1])]?.bundle.mediaType.endsWith('version=0.1') === true
      )
    },
  },
  {
    what: 'what a checkpoint has beyond its note and the signature over it',
    why: "any witness may add a line of its own, and the log's name is a hint beside its key",
    covers: (change) =>
      change.place === `${ENTRY}.inclusionProof.checkpoint.envelope` &&
      noteOf(change.before) === noteOf(change.after) &&
      logSignatures(change, change.before).some((one) => logSignatures(change, change.after).includes(one)),
  },
  {
    what: 'the certificates of a chain that stand behind the first',
    why: 'the path is built from the trust root; those of the bundle are not even parsed',
    covers: ({ place, path, before, after }) =>
      (place === CHAIN && JSON.stringify(first(before)) === JSON.stringify(first(after))) ||
      (place.startsWith(`${CHAIN}.#`) && path[5] !== 0),
  },
  {
    what: 'the index in the log of an entry without a promise',
    why: 'only a promise signs it, and Rekor v2 makes none; the index that counts is that of the inclusion proof',
    covers: (change) => change.place === `${ENTRY}.logIndex` && entryOf(change)?.inclusionPromise == null,
  },
  {
    what: 'the other signature of a promise',
    why: 'of an (r, s) of ECDSA that is good, (r, n-s) is good too, by the same key over the same; that of the content is named in the log or by a timestamp, and cannot be another',
    covers: ({ place, before, after }) =>
      place === `${ENTRY}.inclusionPromise.signedEntryTimestamp` && after === otherSignature(String(before)),
  },
  {
    what: 'what stands in a timestamp beside what its authority signed',
    why: 'status, versions, certificates, and how it is put together: the time, what it is about, the signed attributes, who signed and the signature are the same',
    covers: ({ place, before, after }) => {
      const signed = signedOf(before)
      return place === `${STAMPS}.#.signedTimestamp` && signed !== undefined && signed === signedOf(after)
    },
  },
  {
    what: 'who has signed a timestamp, next to the promise of a log',
    why: 'one of a stranger is not looked at where a log has signed the time; whoever changes it could have left it out',
    covers: ({ place, path, before, after, document }) => {
      const entries = document.attestations[Number(path[1])]?.bundle.verificationMaterial.tlogEntries ?? []
      const [one, other] = [stamperOf(before), stamperOf(after)]
      const isStranger = one !== undefined && other !== undefined && one !== other
      return (
        place === `${STAMPS}.#.signedTimestamp` &&
        isStranger &&
        entries.some(({ inclusionPromise }) => inclusionPromise != null)
      )
    },
  },
  {
    what: 'how a certificate is put together around what its issuer signed, where no log entry names it',
    why: 'the certificate proper and the signature over it are the same; an entry names every byte, but a release has none',
    covers: (change) => {
      const { place, path, before, after, document } = change
      const leaf = place === `${MATERIAL}.certificate.rawBytes` || (place === `${CHAIN}.#.rawBytes` && path[5] === 0)
      const entries = document.attestations[Number(path[1])]?.bundle.verificationMaterial.tlogEntries
      const signed = issuedOf(before)
      return leaf && !entries?.length && signed !== undefined && signed === issuedOf(after)
    },
  },
  {
    what: 'the hint beside a signature over a file by a key',
    why: 'the key is the one that was named to `verify-bundle`, whatever the bundle calls it',
    covers: ({ place, path, document }) => {
      const bundle = document.attestations[Number(path[1])]?.bundle
      return place === `${MATERIAL}.publicKey.hint` && bundle !== undefined && 'messageSignature' in bundle
    },
  },
  {
    what: 'how an absence of timestamps is written',
    why: 'no list, or an empty one: whoever takes a timestamp away takes a proof away',
    covers: at(`${MATERIAL}.timestampVerificationData`, STAMPS),
  },
  {
    what: 'a 64-bit integer as a JSON number',
    why: "protobuf's JSON allows both, for the same value",
    covers: ({ place, before, after }) =>
      [`${ENTRY}.logIndex`, `${ENTRY}.integratedTime`, `${ENTRY}.inclusionProof.logIndex`].includes(place) &&
      typeof after === 'number' &&
      String(after) === before,
  },
]

export function placeOf(path: Path): string {
  return path.map((key) => (typeof key === 'number' ? '#' : key)).join('.')
}

/** What the log signs of a checkpoint. */
function noteOf(checkpoint: unknown): unknown {
  return typeof checkpoint === 'string' ? checkpoint.slice(0, checkpoint.indexOf('\n\n')) : undefined
}

function checkpointOf(proof: unknown): unknown {
  return typeof proof === 'object' && proof !== null ? Reflect.get(proof, 'checkpoint') : proof
}

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}

function entryOf({ path, document }: Change) {
  return document.attestations[Number(path[1])]?.bundle.verificationMaterial.tlogEntries[Number(path[5])]
}

/** Signatures below a checkpoint that are said to be by the key of the entry's log, however their base64 is written. */
function logSignatures(change: Change, checkpoint: unknown): string[] {
  const hint = Buffer.from(entryOf(change)?.logId.keyId ?? '', 'base64').subarray(0, 4)
  return [...String(checkpoint).matchAll(/\u2014 \S+ (\S+)\n/g)]
    .map(([, signature = '']) => Buffer.from(signature, 'base64'))
    .filter((signature) => signature.subarray(0, 4).equals(hint))
    .map((signature) => signature.toString('hex'))
}

/** RFC 3161 and RFC 5652: TSTInfo, signer, signed attributes and signature. */
function signedOf(token: unknown): string | undefined {
  return readable(() => {
    const timestamp = RFC3161Timestamp.parse(Buffer.from(String(token), 'base64'))
    const attributes = Reflect.get(timestamp, 'signedAttrsObj') as ASN1Obj
    const { tstInfo, signerIssuer, signerSerialNumber, signatureValue } = timestamp
    return [tstInfo.raw, signerIssuer, signerSerialNumber, attributes.toDER(), signatureValue]
  })
}

/** By what a timestamp says who its authority is. */
function stamperOf(token: unknown): string | undefined {
  return readable(() => {
    const { signerIssuer, signerSerialNumber } = RFC3161Timestamp.parse(Buffer.from(String(token), 'base64'))
    return [signerIssuer, signerSerialNumber]
  })
}

/** RFC 5280: tbsCertificate, and the signature without the count of its unused bits, which is always zero. */
function issuedOf(certificate: unknown): string | undefined {
  return readable(() => {
    const [issued, , signature] = ASN1Obj.parseBuffer(Buffer.from(String(certificate), 'base64')).subs
    return issued && signature ? [issued.toDER(), signature.value.subarray(1)] : []
  })
}

function readable(read: () => readonly Buffer[]): string | undefined {
  try {
    return read()
      .map((part) => part.toString('hex'))
      .join(' ')
  } catch {
    return undefined
  }
}
