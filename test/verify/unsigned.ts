import type { AttestationDocument } from '../support/sigstore/index.ts'
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
    what: 'the inclusion proof of a 0.1 bundle left out',
    why: 'bundles of early 2023 have none: the promise, which the log signed, is enough there',
    covers: ({ place, path, after, document }) =>
      place === `${ENTRY}.inclusionProof` &&
      (after === undefined || after === null) &&
      document.attestations[Number(path[1])]?.bundle.mediaType.endsWith('version=0.1') === true,
  },
  {
    what: 'what a checkpoint has beyond its note and the signature over it',
    why: "any witness may add a line of its own, and the log's name is a hint beside its key",
    covers: ({ place, before, after }) =>
      place === `${ENTRY}.inclusionProof.checkpoint.envelope` && noteOf(before) === noteOf(after),
  },
  {
    what: 'the certificates of a chain that stand behind the first',
    why: 'the path is built from the trust root; those of the bundle are not even parsed',
    covers: ({ place, path, before, after }) =>
      (place === CHAIN && JSON.stringify(first(before)) === JSON.stringify(first(after))) ||
      (place.startsWith(`${CHAIN}.#`) && path[5] !== 0),
  },
  {
    what: 'how an absence of timestamps is written',
    why: 'no list, or an empty one: whoever takes a timestamp away takes a proof away',
    covers: at(`${MATERIAL}.timestampVerificationData`, `${MATERIAL}.timestampVerificationData.rfc3161Timestamps`),
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

function first(list: unknown): unknown {
  return Array.isArray(list) ? list[0] : undefined
}
