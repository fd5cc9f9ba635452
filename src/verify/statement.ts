import type { Bundle } from '@sigstore/bundle'
import { ok, type Result, refuse } from '../codes.ts'
import { show } from '../util/text.ts'
import { isRecord } from './document.ts'

/** in-toto Statement v0.1 or v1, as far as the gate reads it. */
export interface Statement {
  readonly predicateType: string
  readonly subject: readonly {
    /** Empty where it has none, so that it is the name of no package. */
    readonly name: string
    readonly uri?: string | undefined
    readonly sha1?: string | undefined
    readonly sha256?: string | undefined
    readonly sha512?: string | undefined
  }[]
  /** Empty where it has none. */
  readonly predicate: Record<string, unknown>
}

const DECODER = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const PAYLOAD_TYPE = 'application/vnd.in-toto+json'
const STATEMENT_V1 = 'https://in-toto.io/Statement/v1'
const STATEMENT_TYPES = ['https://in-toto.io/Statement/v0.1', STATEMENT_V1]

/**
 * Reads the in-toto statement out of a bundle's DSSE envelope. To be called on bundles whose signature was verified:
 * the payload type is covered by it (DSSE's pre-authentication encoding), and so is every byte read here.
 */
export function parseStatement(bundle: Bundle): Result<Statement> {
  if (bundle.content.$case !== 'dsseEnvelope') {
    return refuse(
      'EVIDENCE_MALFORMED',
      'a bundle with a message signature',
      'a DSSE envelope with an in-toto statement',
    )
  }
  const { payload, payloadType } = bundle.content.dsseEnvelope
  if (payloadType !== PAYLOAD_TYPE) {
    return refuse('EVIDENCE_MALFORMED', `payload type ${show(payloadType)}`, PAYLOAD_TYPE)
  }
  let statement: unknown
  try {
    statement = JSON.parse(DECODER.decode(payload))
  } catch {
    return refuse('EVIDENCE_MALFORMED', 'a payload that is not JSON in UTF-8', 'an in-toto statement')
  }
  // Compared as it is: a list of one string would pass for that string once it is converted.
  if (!isRecord(statement) || !STATEMENT_TYPES.some((type) => type === statement._type)) {
    return refuse(
      'EVIDENCE_MALFORMED',
      isRecord(statement) ? `statement type ${show(statement._type)}` : `${show(statement)} in place of a statement`,
      STATEMENT_TYPES.join(' or '),
    )
  }
  const { predicateType, subject } = statement
  if (typeof predicateType !== 'string' || !Array.isArray(subject)) {
    return refuse('EVIDENCE_MALFORMED', 'a statement without predicate type or subject', 'both')
  }
  // Both versions say that none is the same as an empty one. What a type of predicate needs is checked where it is read.
  const predicate = statement.predicate ?? {}
  if (!isRecord(predicate)) {
    return refuse('EVIDENCE_MALFORMED', `a statement whose predicate is ${show(predicate)}`, 'an object, or none')
  }
  const subjects: Statement['subject'][number][] = []
  for (const entry of subject) {
    // All three are of https://github.com/in-toto/attestation/blob/main/spec/v1/resource_descriptor.md
    const { name = null, uri, digest } = isRecord(entry) ? entry : {}
    const mayLackName = typeof uri === 'string' || (statement._type === STATEMENT_V1 && hasDigest(digest))
    if (typeof name !== 'string' && (name !== null || !mayLackName)) {
      return refuse('EVIDENCE_MALFORMED', 'a subject without a name', 'a name, or a digest in a statement of v1')
    }
    const { sha1, sha256, sha512 } = isRecord(digest) ? digest : {}
    subjects.push({
      name: name ?? '',
      ...(typeof uri === 'string' && { uri }),
      ...(typeof sha1 === 'string' && { sha1 }),
      ...(typeof sha256 === 'string' && { sha256 }),
      ...(typeof sha512 === 'string' && { sha512 }),
    })
  }
  return ok({ predicateType, predicate, subject: subjects })
}

function hasDigest(digest: unknown): boolean {
  return isRecord(digest) && Object.values(digest).some((each) => typeof each === 'string' && each !== '')
}
