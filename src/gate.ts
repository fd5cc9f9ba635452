import { CODES, ok, type Refusal, type Result, refuse } from './codes.ts'
import { GITHUB_DOMAIN } from './domains.ts'
import { GateError } from './errors.ts'
import type { Evidence, EvidenceSource } from './evidence/types.ts'
import type { LockedPackage } from './lockfile/types.ts'
import { acceptedRegistries, decide, needsProof } from './policy/decide.ts'
import type { Policy, Verdict } from './policy/types.ts'
import type { TrustContext, TrustFiles } from './trust/load.ts'
import type { Proof } from './verify/types.ts'

/**
 * Judges one entry of a lockfile. What goes wrong while deciding is a refusal. The one thing that it throws is a
 * GateError, where the trust material is unusable: then the gate could not do its job, which is no package's fault.
 */
export type Gate = (pkg: LockedPackage) => Promise<Verdict>

export interface GateOptions {
  readonly policy: Policy
  readonly evidence: EvidenceSource
  /** Replaces the policy's own trust files, and those replace the embedded trust root. */
  readonly trust?: TrustFiles
  readonly now: Date
  /** Whether no request may be made for a trust root. */
  readonly offline?: boolean
  /** Told what does not stop anything: a trust root that could not be renewed. */
  readonly warn?: (text: string) => void
}

/**
 * The road: entry → rule → evidence → proof → verdict. Evidence is fetched and verified only where the rule needs it,
 * and once per entry, however often and from however many sides it is asked for. What is kept between calls are facts
 * (proofs); the policy decides each time.
 */
export function openGate({ policy, trust, ...options }: GateOptions): Gate {
  return gateBy(policy, openProver({ ...options, trust: { ...policy.trust, ...trust } }), options.now)
}

/** A gate whose proofs others share: those with other policies, which trust the same. */
export function gateBy(policy: Policy, prove: Prover, now: Date): Gate {
  return async (pkg) => {
    try {
      const proof = needsProof(pkg, policy) ? await prove(pkg, acceptedRegistries(pkg, policy)) : undefined
      return decide(pkg, policy, proof, now)
    } catch (error) {
      if (error instanceof GateError) throw error
      const { refusal } = broken(error)
      return { package: pkg, status: 'refused', refusal, rule: undefined, claims: undefined }
    }
  }
}

/**
 * What can be proven about an entry, whatever the policy says. Throws a GateError only, where trust is unusable.
 *
 * @param registries whose signature is asked for where no publish attestation says as much; undefined for the default one's
 */
export type Prover = (pkg: LockedPackage, registries?: readonly (string | undefined)[]) => Promise<Result<Proof>>

/** Entry → evidence → proof: the first half of the road. */
export function openProver({ evidence, trust = {}, ...context }: Omit<GateOptions, 'policy'>): Prover {
  const { now } = context
  const proofs = new Map<string, Promise<Result<Proof>>>()
  const verifiers = once(() => openVerifiers(trust, context))
  const signatureVerifier = once(() => openSignatureVerifier(trust, context))

  async function prove(pkg: LockedPackage): Promise<Result<Proof>> {
    if (pkg.source !== 'registry') return proveRelease(pkg)
    const document = sound(await evidence.attestations(pkg))
    return document.ok ? (await verifiers()).verifyDocument(pkg, document.value, now) : document
  }

  /** What is on GitHub, and no registry's, may be of a release that GitHub has signed. */
  async function proveRelease(pkg: LockedPackage): Promise<Result<Proof>> {
    const { releases } = evidence
    // Nobody is asked where no rule could be met by the answer.
    if (pkg.github === undefined || releases === undefined || trust.domains?.has(GITHUB_DOMAIN) !== true)
      return unprovable(pkg)
    let sha256: string | undefined
    if ('tag' in pkg.github) {
      const { lockedDigest } = await verifiers()
      const sha512 = lockedDigest(pkg)
      if (!sha512.ok) return sha512
      const digest = await releases.sha256(pkg, sha512.value)
      if (!digest.ok) return digest
      sha256 = digest.value
    }
    const subject = 'commit' in pkg.github ? `sha1:${pkg.github.commit}` : `sha256:${sha256}`
    const document = sound(await releases.release(pkg, pkg.github, subject))
    return document.ok ? (await verifiers()).verifyRelease(pkg.github, sha256, document.value, now) : document
  }

  async function proveBySignature(pkg: LockedPackage): Promise<Result<Proof>> {
    const proof = await remembered(pkg, 'attestations', prove)
    const signatures = sound(await evidence.signatures(pkg, false))
    if (!signatures.ok) return signatures.refusal.code === 'EVIDENCE_MISSING' ? proof : signatures
    const { verify, isBeyondKeys } = await signatureVerifier()
    // Of a key that is over it is asked when it signed; that is in a much larger document.
    const dated = isBeyondKeys(signatures.value, now) ? sound(await evidence.signatures(pkg, true)) : signatures
    const signature = dated.ok ? verify(pkg, dated.value, now) : dated
    if (!signature.ok) return signature.refusal.code === 'EVIDENCE_MISSING' ? proof : signature
    return ok({ ...(proof.ok ? proof.value : { provenance: [], publish: undefined }), signature: signature.value })
  }

  function remembered(pkg: LockedPackage, what: string, run: typeof prove): Promise<Result<Proof>> {
    const id = JSON.stringify([what, pkg.name, pkg.version, pkg.integrity, pkg.source, pkg.origin, pkg.github])
    const proof =
      proofs.get(id) ??
      run(pkg).catch((error: unknown) => {
        if (error instanceof GateError) throw error
        return broken(error)
      })
    proofs.set(id, proof)
    return proof
  }

  return async (pkg, registries = []) => {
    const proof = await remembered(pkg, 'attestations', prove)
    if (pkg.source !== 'registry') return proof
    const isLacking = (registry: string | undefined) =>
      proof.ok
        ? proof.value.publish === undefined || proof.value.publish.registry !== registry
        : proof.refusal.code === 'EVIDENCE_MISSING'
    return registries.some(isLacking) ? remembered(pkg, 'signature', proveBySignature) : proof
  }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

/** A source that refuses without a reason is broken. Nobody could tell what the refusal is about. */
function sound(evidence: Evidence): Evidence {
  if (evidence.ok || Object.hasOwn(CODES, evidence.refusal.code)) return evidence
  throw new TypeError('the source of evidence gave no reason')
}

function broken(error: unknown): { readonly ok: false; readonly refusal: Refusal } {
  const what = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return refuse('INTERNAL_ERROR', `an error while deciding (${what})`, 'none; please report this')
}

function unprovable({ source, origin }: LockedPackage): Result<Proof> {
  return refuse(
    'EVIDENCE_MISSING',
    `a dependency from ${SOURCES[source]}${origin === undefined ? '' : ` (${origin})`}`,
    'a package of a registry, or of a release that GitHub has signed (docs/policy.md)',
  )
}

const SOURCES: Readonly<Record<LockedPackage['source'], string>> = {
  registry: 'a registry',
  tarball: 'a tarball URL or file',
  git: 'a git repository',
  directory: 'a folder',
  runtime: 'a runtime download',
  unknown: 'an unknown source',
}

/** Loaded only when something must be verified: the verifier is the heaviest part of the gate. */
async function openVerifiers(files: TrustFiles, context: TrustContext) {
  const [{ loadDomains }, { createDocumentVerifier }, { createReleaseVerifier }, { lockedDigest }] = await Promise.all([
    import('./trust/load.ts'),
    import('./verify/verify.ts'),
    import('./verify/release.ts'),
    import('./verify/subject.ts'),
  ])
  const domains = await loadDomains(files, context)
  return {
    verifyDocument: createDocumentVerifier(domains),
    verifyRelease: createReleaseVerifier(domains),
    lockedDigest,
  }
}

/** Loaded only where a rule is content with a signature, and there is nothing better. */
async function openSignatureVerifier(files: TrustFiles, context: TrustContext) {
  const [{ loadSignatureKeys }, { isBeyondKeys, verifySignatures }] = await Promise.all([
    import('./trust/load.ts'),
    import('./verify/registry-signature.ts'),
  ])
  const keys = await loadSignatureKeys(files, context)
  return {
    verify: (pkg: LockedPackage, document: unknown, now: Date) => verifySignatures(pkg, document, keys, now),
    isBeyondKeys: (document: unknown, now: Date) => isBeyondKeys(document, keys, now),
  }
}
