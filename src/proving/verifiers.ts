import type { Result } from '../codes.ts'
import { readDocument } from '../evidence/directory.ts'
import { readStored, store } from '../evidence/store.ts'
import type { DocumentFile, Evidence } from '../evidence/types.ts'
import type { GithubOrigin, LockedPackage } from '../lockfile/types.ts'
import type { TrustInputs } from '../trust/inputs.ts'
import { openSignatureKeys, openTrust } from '../trust/load.ts'
import { isBeyondKeys, verifySignatures } from '../verify/registry-signature.ts'
import { createReleaseVerifier } from '../verify/release.ts'
import type { Proof, ProvenSignature } from '../verify/types.ts'
import { createDocumentVerifier } from '../verify/verify.ts'

/** A document, or where it is: what has only to be read here is not copied from one thread to another. */
export type DocumentRef =
  | { readonly from: 'network'; readonly document: unknown; readonly keep?: Kept | undefined }
  | { readonly from: 'file'; readonly file: DocumentFile }
  | { readonly from: 'store'; readonly cache: string; readonly digest: string }

/** Where a document is kept, once it has proven something. */
export interface Kept {
  readonly cache: string
  readonly name: string
}

/** A verdict on a document, and the digest (hex) under which it is kept; undefined where it is not. */
export interface Judged<T> {
  readonly result: Result<T>
  readonly digest: string | undefined
}

/** Everything that verifies; pure but for reading and keeping documents. Plain data in and out, as threads need it. */
export interface Verifiers {
  attestations(pkg: LockedPackage, document: DocumentRef, now: Date): Judged<Proof>
  /** @param sha256 of an asset's bytes, hex */
  release(origin: GithubOrigin, sha256: string | undefined, document: DocumentRef, now: Date): Judged<Proof>
  signature(pkg: LockedPackage, document: DocumentRef, now: Date): Judged<ProvenSignature>
  /** Whether it has to be asked when a signature was made, for its key is over by now. */
  isBeyondKeys(document: unknown, now: Date): boolean
}

/** @throws GateError where the trust material is not what it should be */
export function openVerifiers(trust: TrustInputs): Verifiers {
  const domains = openTrust(trust)
  const verifyDocument = createDocumentVerifier(domains)
  const verifyRelease = createReleaseVerifier(domains)
  const [{ keyIds }] = domains
  let signatureKeys: ReturnType<typeof openSignatureKeys> | undefined
  const keys = () => {
    signatureKeys ??= openSignatureKeys(trust)
    return signatureKeys
  }
  return {
    attestations: (pkg, document, now) => judge(document, (each) => verifyDocument(pkg, each, now)),
    release: (origin, sha256, document, now) => judge(document, (each) => verifyRelease(origin, sha256, each, now)),
    signature: (pkg, document, now) => judge(document, (each) => verifySignatures(pkg, each, keys(), now, keyIds)),
    isBeyondKeys: (document, now) => isBeyondKeys(document, keys(), now),
  }
}

function judge<T>(ref: DocumentRef, verify: (document: unknown) => Result<T>): Judged<T> {
  const evidence = read(ref)
  if (!evidence.ok) return { result: evidence, digest: undefined }
  const result = verify(evidence.value)
  if (ref.from === 'store') return { result, digest: ref.digest }
  if (ref.from === 'file' || ref.keep === undefined || !result.ok) return { result, digest: undefined }
  return { result, digest: store(ref.keep.cache, ref.keep.name, evidence.value) }
}

function read(ref: DocumentRef): Evidence {
  switch (ref.from) {
    case 'network':
      return { ok: true, value: ref.document }
    case 'file':
      return readDocument(ref.file)
    case 'store':
      // Undefined is no document, and is refused as such.
      return { ok: true, value: readStored(ref.cache, ref.digest) }
  }
}
