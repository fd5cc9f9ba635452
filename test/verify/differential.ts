import assert from 'node:assert/strict'
import type { Bundle } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { type Signer, type TrustMaterial, toSignedEntity, toTrustMaterial, Verifier } from '@sigstore/verify'
import type { Result } from '../../src/codes.ts'
import { type OpenDomain, openDomain } from '../../src/verify/domain.ts'
import { type SignatureContent, type VerifiedSignature, verifySignature } from '../../src/verify/signature.ts'
import { withoutStrangers } from '../../src/verify/unknown.ts'
import type { TrustedRootJSON } from '../support/sigstore/index.ts'
import { domainOf, NOW } from './support.ts'

/**
 * The library as it is, and the library with what `src/verify` gives it (certificates that keep their answers), side by side.
 * One of the second for all bundles, as in a run: what it keeps of one must not change what it says of another.
 */
export class Pair {
  /** How often they were asked, and how often they agreed on "yes". */
  compared = 0
  accepted = 0
  /** How many had entries or timestamps of strangers that are not looked at. */
  withStrangers = 0
  /** Of the refused ones: how often each reason was given. */
  readonly reasons = new Map<string, number>()
  readonly #stock: OpenDomain
  readonly #kept: OpenDomain
  readonly #now: Date

  /** `material` is asked twice, so that the two have no certificate in common. */
  constructor(material: () => TrustMaterial, { name = 'sigstore', now = NOW } = {}) {
    const domain = domainOf(material(), name)
    const { logEntries, certificateTimestamps } = domain.thresholds
    const options = { tlogThreshold: logEntries, ctlogThreshold: certificateTimestamps, timestampThreshold: 1 }
    this.#stock = { ...domain, among: [name], verifier: new Verifier(domain.material, options) }
    this.#kept = openDomain(domainOf(material(), name))
    this.#now = now
  }

  /** Asserts that both say the same of a bundle. Returns whether the library accepts it. */
  compare(whole: Bundle, content?: SignatureContent): boolean {
    const bundle = withoutStrangers(whole, this.#kept)
    // The one place where it is decided otherwise: the library refuses a bundle for a log entry or a timestamp of a stranger
    // next to enough that counts. Without it they say the same again.
    if (bundle !== whole) {
      assert.ok(
        'error' in outcome(() => readAndVerify(this.#stock.verifier, whole, content)),
        'refused with a stranger',
      )
      this.withStrangers += 1
    }
    const stock = outcome(() => readAndVerify(this.#stock.verifier, bundle, content))
    // Whatever `verifySignature` gives to the verifier, this one gets, and what it says is written down.
    let inside: Outcome | undefined
    const ours = this.#verify(this.#kept, bundle, content, (entity) => {
      inside = outcome(() => this.#kept.verifier.verify(entity))
      return inside
    })
    const theirs = this.#verify(this.#stock, bundle, content, () => stock)
    assert.deepEqual(described(ours), described(theirs))
    // Not asked: it could not be read, which both texts say, or it is refused before.
    if (inside !== undefined) assert.deepEqual(told(inside), told(stock))
    else if (!(ours.ok || /is a pattern$/.test(ours.refusal.found))) assert.match(ours.refusal.found, /cannot be read/)
    this.#count(stock)
    return 'signer' in stock
  }

  #verify(
    domain: OpenDomain,
    bundle: Bundle,
    content: SignatureContent | undefined,
    verify: (entity: Entity) => Outcome,
  ): Result<VerifiedSignature> {
    const verifier = { verify: (entity: Entity) => again(verify(entity)) } as unknown as Verifier
    return verifySignature(bundle, { ...domain, verifier }, this.#now, content)
  }

  #count(stock: Outcome): void {
    this.compared += 1
    if ('signer' in stock) this.accepted += 1
    else {
      const { code, message, cause } = toldError(stock.error)
      const reason = [code, cause?.message ?? message].join(': ')
      this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
    }
  }
}

/** Of a `trusted_root.json`. */
export function pairOf(root: TrustedRootJSON, options: { name?: string; now?: Date; keys?: KeyFinder } = {}): Pair {
  return new Pair(() => toTrustMaterial(TrustedRoot.fromJSON(structuredClone(root)), options.keys), options)
}

type KeyFinder = TrustMaterial['publicKey']
type Entity = ReturnType<typeof toSignedEntity>
type Outcome = { readonly signer: Signer } | { readonly error: unknown }

function readAndVerify(verifier: Verifier, bundle: Bundle, content: SignatureContent | undefined): Signer {
  const entity = toSignedEntity(bundle)
  return verifier.verify(content === undefined ? entity : { ...entity, signature: content })
}

function outcome(run: () => Signer): Outcome {
  try {
    return { signer: run() }
  } catch (error) {
    return { error }
  }
}

function again(given: Outcome): Signer {
  if ('signer' in given) return given.signer
  throw given.error
}

/** All that a caller can learn of an outcome: key and identity, or the error with what it was caused by. */
function told(given: Outcome): unknown {
  if ('error' in given) return toldError(given.error)
  const { key, identity } = given.signer
  return { key: key.export({ format: 'der', type: 'spki' }), identity }
}

interface ToldError {
  readonly kind: string
  readonly code: unknown
  readonly message: string
  readonly cause?: ToldError
}

function toldError(error: unknown): ToldError {
  assert.ok(error instanceof Error)
  const { message, cause, code } = error as Error & { code?: unknown }
  return { kind: error.constructor.name, code, message, ...(cause !== undefined && { cause: toldError(cause) }) }
}

function described(result: Result<VerifiedSignature>): unknown {
  if (!result.ok) return result
  const { certificate, signedAt } = result.value
  return { signedAt, certificate: certificate?.root.toDER() }
}
