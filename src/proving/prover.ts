import pLimit from 'p-limit'
import { ok, type Result } from '../codes.ts'
import { GITHUB_DOMAIN } from '../domains.ts'
import type { Places } from '../evidence/places.ts'
import { storedDigest, storedName } from '../evidence/store.ts'
import type { Evidence, EvidenceSource } from '../evidence/types.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { TrustContext, TrustFiles } from '../trust/inputs.ts'
import { seenOf } from '../trust/seen.ts'
import { lockedDigest } from '../verify/subject.ts'
import type { Proof } from '../verify/types.ts'
import { type Memory, openMemory } from './memory.ts'
import type { Verifying } from './pool.ts'
import { guarded, sound, unprovable, withoutSignature } from './refusals.ts'
import type { DocumentRef, Judged } from './verifiers.ts'

export interface ProverOptions extends TrustContext {
  readonly evidence: EvidenceSource
  /** The registry that has the evidence of a package, where it is not the one that the settings give. Of no meaning for what is proven. */
  readonly evidenceFrom?: ((pkg: LockedPackage) => string | undefined) | undefined
  /** Replaces the policy's own trust files, and those replace the embedded trust root. */
  readonly trust?: TrustFiles
  /** Where evidence and proofs are kept, and for which project; absent where nothing is to be remembered. */
  readonly remember?: Remember | undefined
}

export interface Remember extends Places {
  /** The folder of the lockfile. */
  readonly project: string
  /** Of the gate. */
  readonly version: string
}

/** What can be proven about an entry, whatever the policy says. */
export interface Prover {
  /**
   * Throws a GateError only, where trust is unusable.
   *
   * @param registries whose signature is asked for where no publish attestation says as much; undefined for the default one's
   * @param absence `brief`: that there was no evidence a short while ago will do
   */
  (pkg: LockedPackage, registries?: readonly (string | undefined)[], absence?: 'brief'): Promise<Result<Proof>>
  /**
   * Reads what is remembered, for `recalled`. Where nothing is that holds, makes ready to prove. Never throws.
   *
   * @param isMany whether many packages will be asked about
   */
  load(isMany: boolean): Promise<void>
  /**
   * What it would say at once, out of earlier runs, and without a promise: of thousands of packages these take longer than
   * all else. Undefined where that is not enough, or nothing is loaded.
   */
  recalled(pkg: LockedPackage, registries?: readonly (string | undefined)[]): Result<Proof> | undefined
  /** Writes down what was proven, for the next run. Never throws. */
  save(): Promise<void>
}

/** So many are fetched and verified at once: what waits for the other needs memory. */
const AT_ONCE = 64
/** For so long an absence is remembered, in milliseconds. */
const ABSENCE = 60 * 60 * 1000

const recalled = new WeakSet<object>()

/** Whether that is an absence out of an earlier run. */
export function isRecalled(proof: Result<Proof>): boolean {
  return recalled.has(proof)
}

/** Entry → evidence → proof: the first half of the road. */
export function openProver({ evidence, evidenceFrom, trust = {}, remember, ...context }: ProverOptions): Prover {
  const { now } = context
  const proofs = new Map<string, Promise<Result<Proof>>>()
  const limit = pLimit(AT_ONCE)
  let seen: string | undefined
  const remembered = once(async () => {
    if (remember === undefined) return undefined
    seen = seenOf(trust)
    return openMemory({ ...remember, seen, now })
  })
  /** Loaded only when something must be verified: the verifier is the heaviest part of the gate. */
  const opened = once(async (): Promise<{ readonly verifying: Verifying; readonly memory: Memory | undefined }> => {
    const [{ readTrust, digestOf }, { openPool }, memory] = await Promise.all([
      import('../trust/inputs.ts'),
      import('./pool.ts'),
      remembered(),
    ])
    const before = remember && seenOf(trust)
    const inputs = await readTrust(trust, context)
    // What is written down is about what was seen first: a file that was another one since then, be it for a moment, is not.
    memory?.confirm(digestOf(inputs), inputs.until, before === seen && seenOf(trust) === seen)
    return { verifying: openPool(inputs), memory }
  })

  type Fetch = () => Promise<Evidence> | DocumentRef
  type Verify<T> = (verifying: Verifying, document: DocumentRef) => Promise<Judged<T>>

  function judged<T>(about: readonly unknown[], fetch: Fetch, verify: Verify<T>): Promise<Judged<T>> {
    return limit(() => judge(about, fetch, verify))
  }

  /** What is kept proves something or nothing; then it is asked for anew. */
  async function judge<T>(about: readonly unknown[], fetch: Fetch, verify: Verify<T>): Promise<Judged<T>> {
    const name = remember && storedName(about)
    const digest = remember && name && storedDigest(remember.cache, name)
    if (remember && digest !== undefined) {
      const kept = await verify((await opened()).verifying, { from: 'store', cache: remember.cache, digest })
      if (kept.result.ok) return kept
    }
    const fetched = fetch()
    if ('from' in fetched) return verify((await opened()).verifying, fetched)
    const document = sound(await fetched)
    if (!document.ok) return { result: document, digest: undefined }
    const keep = remember && name !== undefined ? { cache: remember.cache, name } : undefined
    return verify((await opened()).verifying, { from: 'network', document: document.value, keep })
  }

  async function prove(pkg: LockedPackage): Promise<Judged<Proof>> {
    if (pkg.source !== 'registry') return proveRelease(pkg)
    return judged(
      ['attestations', ...identityOf(pkg)],
      () => {
        const file = evidence.attestationsFile?.(pkg)
        return file === undefined ? evidence.attestations(pkg, evidenceFrom?.(pkg)) : { from: 'file', file }
      },
      (verifying, document) => verifying.attestations(pkg, document, now),
    )
  }

  /** What is on GitHub, and no registry's, may be of a release that GitHub has signed. */
  async function proveRelease(pkg: LockedPackage): Promise<Judged<Proof>> {
    const { github } = pkg
    const { releases } = evidence
    if (github === undefined || releases === undefined) return unjudged(unprovable(pkg))
    let sha256: string | undefined
    if ('tag' in github) {
      const sha512 = lockedDigest(pkg)
      if (!sha512.ok) return unjudged(sha512)
      const digest = await releases.sha256(pkg, sha512.value)
      if (!digest.ok) return unjudged(digest)
      sha256 = digest.value
    }
    const subject = 'commit' in github ? `sha1:${github.commit}` : `sha256:${sha256}`
    return judged(
      ['release', github.repository, subject],
      () => releases.release(pkg, github, subject),
      (verifying, document) => verifying.release(github, sha256, document, now),
    )
  }

  async function proveBySignature(pkg: LockedPackage): Promise<Judged<Proof>> {
    const proof = await known(pkg, 'attestations', prove)
    const signature = await judged(
      ['signatures', ...identityOf(pkg)],
      async () => {
        const from = evidenceFrom?.(pkg)
        const signatures = sound(await evidence.signatures(pkg, false, from))
        if (!signatures.ok) return signatures
        const { verifying } = await opened()
        // Of a key that is over it is asked when it signed; that is in a much larger document.
        return (await verifying.isBeyondKeys(signatures.value, now)) ? evidence.signatures(pkg, true, from) : signatures
      },
      (verifying, document) => verifying.signature(pkg, document, now),
    )
    const { result, digest } = signature
    if (!result.ok) return unjudged(result.refusal.code === 'EVIDENCE_MISSING' ? withoutSignature(proof) : result)
    const attested = proof.ok
      ? proof.value
      : {
          provenance: [],
          publish: [],
          ...(proof.refusal.leftOut !== undefined && { leftOut: proof.refusal.leftOut }),
        }
    return { result: ok({ ...attested, signature: result.value }), digest }
  }

  /** That there was nothing was found out where it was asked; elsewhere there may be something. */
  const idOf = (what: string, pkg: LockedPackage): string => {
    const from = pkg.source === 'registry' ? evidenceFrom?.(pkg) : undefined
    return JSON.stringify([what, ...identityOf(pkg), ...(from === undefined ? [] : [from])])
  }

  async function known(
    pkg: LockedPackage,
    what: string,
    run: (pkg: LockedPackage) => Promise<Judged<Proof>>,
    absence?: 'brief',
  ): Promise<Result<Proof>> {
    const id = idOf(what, pkg)
    const before = proofs.get(id)
    if (before !== undefined) {
      const proof = await before
      if (absence === 'brief' || !isRecalled(proof)) return proof
    }
    const other = proofs.get(id)
    if (other !== before && other !== undefined) return other
    const proof = guarded(async () => {
      const found = await recall(id, absence)
      // What was attested beside a signature of an earlier run may be more by now: only `recallSigned` asks for no more.
      const isOld = what === 'signature' && found?.ok === true
      return found === undefined || isOld ? find(id, pkg, run) : found
    })
    proofs.set(id, proof)
    return proof
  }

  async function find(
    id: string,
    pkg: LockedPackage,
    run: (pkg: LockedPackage) => Promise<Judged<Proof>>,
  ): Promise<Result<Proof>> {
    const { result, digest } = await run(pkg)
    if (remember === undefined) return result
    if (result.ok && digest !== undefined) (await opened()).memory?.remember(id, { result, digest })
    if (!result.ok && result.refusal.code === 'EVIDENCE_MISSING')
      (await opened()).memory?.remember(id, { result, since: now.getTime() })
    return result
  }

  async function recall(id: string, absence: 'brief' | undefined): Promise<Result<Proof> | undefined> {
    const memory = await remembered()
    if (memory !== undefined && !memory.isCurrent()) await opened()
    return recallNow(memory, id, absence)
  }

  function recallNow(memory: Memory | undefined, id: string, absence: 'brief' | undefined): Result<Proof> | undefined {
    const found = memory?.recall(id)
    if (found === undefined || found.result.ok) return found?.result
    const age = now.getTime() - (found.since ?? 0)
    if (absence === undefined || !(age >= 0 && age < ABSENCE)) return undefined
    recalled.add(found.result)
    return found.result
  }

  /** A signature of an earlier run, with which nobody has to ask for attestations again. */
  function recallSigned(
    memory: Memory | undefined,
    pkg: LockedPackage,
    registries: readonly (string | undefined)[],
  ): Result<Proof> | undefined {
    const proof = registries.length === 0 ? undefined : recallNow(memory, idOf('signature', pkg), 'brief')
    if (!proof?.ok || registries.some((registry) => proof.value.signature?.registry !== registry)) return undefined
    // There may be attestations by now, for which another rule asks.
    recalled.add(proof)
    return proof
  }

  let ready: Memory | undefined
  const recallAll: Prover['recalled'] = (given, registries = []) => {
    const pkg = given.bundledIn ?? given
    if (ready === undefined || pkg.source !== 'registry') return undefined
    const signed = recallSigned(ready, pkg, registries)
    if (signed !== undefined) return signed
    const proof = recallNow(ready, idOf('attestations', pkg), 'brief')
    return proof === undefined || registries.some((registry) => lacks(proof, registry)) ? undefined : proof
  }

  const prover = async (
    given: LockedPackage,
    registries: readonly (string | undefined)[] = [],
    absence?: 'brief',
  ): Promise<Result<Proof>> => {
    // What is bundled has no evidence of its own.
    const pkg = given.bundledIn ?? given
    // Nobody is asked where no rule could be met by the answer.
    if (pkg.source !== 'registry' && (pkg.github === undefined || trust.domains?.has(GITHUB_DOMAIN) !== true))
      return unprovable(pkg)
    const signed = absence && recallSigned(await remembered(), pkg, registries)
    if (signed !== undefined) return signed
    const proof = await known(pkg, 'attestations', prove, absence)
    if (pkg.source !== 'registry') return proof
    const isLacking = registries.some((registry) => lacks(proof, registry))
    return isLacking ? known(pkg, 'signature', proveBySignature, absence) : proof
  }
  const save = async () => {
    const isNew = await (await remembered())?.save()
    if (remember === undefined || isNew !== true) return
    const { prune } = await import('../evidence/prune.ts')
    await prune(remember.cache, now)
  }
  const load = async (isMany: boolean) => {
    const memory = await remembered()
    if (memory?.isCurrent()) ready = memory
    // What is wrong with the trust material is said when somebody is asked about.
    else if (isMany)
      void opened().then(
        ({ verifying }) => verifying.start(),
        () => {},
      )
  }
  return Object.assign(prover, { save, load, recalled: recallAll })
}

/** Whether a signature of that registry has to be asked for. */
function lacks(proof: Result<Proof>, registry: string | undefined): boolean {
  return proof.ok
    ? !proof.value.publish.some((each) => each.registry === registry)
    : // Attestations that are all left out are as good as none.
      proof.refusal.code === 'EVIDENCE_MISSING' || proof.refusal.leftOut !== undefined
}

function identityOf({ name, version, integrity, source, origin, github, unbound }: LockedPackage): readonly unknown[] {
  return [name, version, integrity, source, origin, github, ...(unbound ? [unbound] : [])]
}

function unjudged<T>(result: Result<T>): Judged<T> {
  return { result, digest: undefined }
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}
