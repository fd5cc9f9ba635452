import {
  BUNDLE_V01_MEDIA_TYPE,
  BUNDLE_V02_MEDIA_TYPE,
  BUNDLE_V03_LEGACY_MEDIA_TYPE,
  BUNDLE_V03_MEDIA_TYPE,
  type Bundle,
  bundleFromJSON,
  ValidationError,
} from '@sigstore/bundle'
import * as v from 'valibot'
import { ok, type Result, refuse } from '../codes.ts'
import { show } from '../util/text.ts'

/** More than any bundle has. The library's work grows with the square of these, before it has checked one signature. */
const MAX_ENTRIES = 4
const MAX_CERTIFICATES = 8
/** An inclusion proof has one hash per level of the log's tree. */
const MAX_HASHES = 64
/** Of a certificate, a timestamp, a checkpoint, in characters. Genuine ones have up to 3,000. */
const MAX_SIZE = 16_384
const MAX_TEXT = 1_024

/** Of https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_common.proto, those that are in use. */
const DIGESTS = ['SHA2_256', 'SHA2_384', 'SHA2_512'] as const

/**
 * Bytes have exactly one spelling. `Buffer.from(text, 'base64')`, which the library uses, skips whatever it does not
 * know, and makes bytes of other things than text too: of `{"length": 4000000000}` it makes four gigabytes.
 */
const bytes = v.pipe(
  v.string(),
  v.check((text) => Buffer.from(text, 'base64').toString('base64') === text, 'not base64'),
)
const small = v.pipe(v.string(), v.maxLength(MAX_SIZE), bytes)
const text = v.pipe(v.string(), v.maxLength(MAX_TEXT))
/** Protobuf's JSON writes 64-bit integers as strings and reads them as numbers too. */
const integer = v.union([
  v.pipe(v.string(), v.regex(/^(?:0|[1-9]\d{0,18})$/, 'not an integer')),
  v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
])
/** The library takes whatever begins like one of these, and treats every other version as the newest that it knows. */
const mediaType = v.picklist(
  [BUNDLE_V01_MEDIA_TYPE, BUNDLE_V02_MEDIA_TYPE, BUNDLE_V03_LEGACY_MEDIA_TYPE, BUNDLE_V03_MEDIA_TYPE],
  'not that of a known version',
)
/** The media type of a version that this gate does not read. */
const FUTURE = /^application\/vnd\.dev\.sigstore\.bundle(?:\.v\d{1,3}\.\d{1,3}\+json|\+json;version=\d{1,3}\.\d{1,3})$/
const certificate = v.object({ rawBytes: v.nullish(small) })

const LogEntrySchema = v.object({
  logIndex: v.nullish(integer),
  logId: v.nullish(v.object({ keyId: v.nullish(small) })),
  kindVersion: v.nullish(v.object({ kind: v.nullish(text), version: v.nullish(text) })),
  integratedTime: v.nullish(integer),
  inclusionPromise: v.nullish(v.object({ signedEntryTimestamp: v.nullish(small) })),
  inclusionProof: v.nullish(
    v.object({
      logIndex: v.nullish(integer),
      rootHash: v.nullish(small),
      treeSize: v.nullish(integer),
      hashes: v.nullish(v.pipe(v.array(small), v.maxLength(MAX_HASHES))),
      checkpoint: v.nullish(v.object({ envelope: v.nullish(v.pipe(v.string(), v.maxLength(MAX_SIZE))) })),
    }),
  ),
  canonicalizedBody: v.nullish(bytes),
})

/**
 * https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto: types and bounds of what is read.
 * What has to be there differs between versions and is the library's to know. Fields that are not named here are
 * dropped: the library is given only what was looked at.
 */
const shape = {
  mediaType: v.nullish(mediaType),
  verificationMaterial: v.nullish(
    v.object({
      publicKey: v.nullish(v.object({ hint: v.nullish(text) })),
      x509CertificateChain: v.nullish(
        v.object({ certificates: v.nullish(v.pipe(v.array(certificate), v.maxLength(MAX_CERTIFICATES))) }),
      ),
      certificate: v.nullish(certificate),
      tlogEntries: v.nullish(v.pipe(v.array(LogEntrySchema), v.maxLength(MAX_ENTRIES))),
      timestampVerificationData: v.nullish(
        v.object({
          rfc3161Timestamps: v.nullish(
            v.pipe(v.array(v.object({ signedTimestamp: v.nullish(small) })), v.maxLength(MAX_ENTRIES)),
          ),
        }),
      ),
    }),
  ),
  dsseEnvelope: v.nullish(
    v.object({
      payload: v.nullish(bytes),
      payloadType: v.nullish(text),
      signatures: v.nullish(v.array(v.object({ sig: v.nullish(small), keyid: v.nullish(text) }))),
    }),
  ),
}

/** With a statement. A message signature does not say what the bytes are that it signs, so it cannot be about a package. */
const StatementBundleSchema = v.object({
  ...shape,
  messageSignature: v.nullish(v.never('there in place of a DSSE envelope')),
})

const AnyBundleSchema = v.object({
  ...shape,
  messageSignature: v.nullish(
    v.object({
      messageDigest: v.nullish(v.object({ algorithm: v.nullish(v.picklist(DIGESTS)), digest: v.nullish(small) })),
      signature: v.nullish(small),
    }),
  ),
})

/**
 * Reads one Sigstore bundle with a DSSE envelope. Nothing in it is verified. `where` says in messages which bundle it is.
 * Errors: EVIDENCE_MALFORMED; EVIDENCE_UNKNOWN of a version of the future; SIGNATURE_INVALID where it is the signature that is
 * no base64.
 */
export function parseBundle(json: unknown, where: string): Result<Bundle> {
  return parse(StatementBundleSchema, json, where, 'a Sigstore bundle with a DSSE envelope')
}

/** The same for what may also sign a file's bytes. */
export function parseAnyBundle(json: unknown, where: string): Result<Bundle> {
  return parse(AnyBundleSchema, json, where, 'a Sigstore bundle')
}

type BundleSchema = typeof StatementBundleSchema | typeof AnyBundleSchema

function parse(schema: BundleSchema, json: unknown, where: string, expected: string): Result<Bundle> {
  const parsed = v.safeParse(schema, json, { abortEarly: true, abortPipeEarly: true })
  if (!parsed.success) {
    const [issue] = parsed.issues
    const found = `${where}: ${issueProblem(issue)}`
    const key = issue.path?.at(-1)?.key
    if (key === 'mediaType' && typeof issue.input === 'string' && FUTURE.test(issue.input))
      return refuse(
        'EVIDENCE_UNKNOWN',
        `${where}: a bundle of the kind ${show(issue.input)}`,
        'bundles up to version 0.3; a newer gate may know it',
      )
    return (key === 'sig' || key === 'signature') && issue.type === 'check'
      ? refuse('SIGNATURE_INVALID', found, 'a signature in base64')
      : refuse('EVIDENCE_MALFORMED', found, expected)
  }
  try {
    return ok(bundleFromJSON(withoutBareProofs(parsed.output)))
  } catch (error) {
    return refuse('EVIDENCE_MALFORMED', `${where}: ${libraryProblem(error)}`, expected)
  }
}

/**
 * Of a 0.1 bundle the promise proves that an entry is in the log. An inclusion proof without a checkpoint adds nothing to it: no
 * log has signed its root hash. The library reads the checkpoint all the same, and fails; bundles of 0.1 without a proof it takes.
 */
function withoutBareProofs<T extends v.InferOutput<BundleSchema>>(bundle: T): T {
  const { verificationMaterial: material, mediaType } = bundle
  if (mediaType !== BUNDLE_V01_MEDIA_TYPE || !material?.tlogEntries) return bundle
  const tlogEntries = material.tlogEntries.map((entry) =>
    entry.inclusionPromise && entry.inclusionProof && !entry.inclusionProof.checkpoint
      ? { ...entry, inclusionProof: undefined }
      : entry,
  )
  return { ...bundle, verificationMaterial: { ...material, tlogEntries } }
}

/** Without the value that was found: it can be megabytes of whatever a hostile registry likes. */
function issueProblem(issue: v.InferIssue<BundleSchema>): string {
  const path = v.getDotPath(issue) ?? 'the bundle'
  switch (issue.type) {
    case 'check':
    case 'regex':
    case 'never':
    case 'picklist':
      return `${path} is ${issue.message}`
    case 'max_length':
      return `${path} has more than ${issue.requirement} characters or items`
    default:
      return `${path} is not of type ${issue.expected}`
  }
}

/** The library names the fields of a bundle that are missing; for anything else that it throws, its message has to do. */
function libraryProblem(error: unknown): string {
  if (error instanceof ValidationError) return `${error.message} (${error.fields.join(', ')})`
  return `the bundle cannot be read (${error instanceof Error ? error.message : String(error)})`
}
