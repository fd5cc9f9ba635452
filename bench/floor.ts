/**
 * The signature floor: what any verifier has to compute, and nothing else. The signatures are those that the stock verifier
 * checks on the same documents, by listening to what it asks of `node:crypto`. Data, keys and signatures are there
 * before the clock starts.
 */
import crypto, { createPublicKey, type KeyObject, verify } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { AttestationDocument } from '../test/support/sigstore/index.ts'
import type { stockVerifier } from '../test/support/sigstore/stock.ts'

export interface SignatureCheck {
  readonly algorithm: string
  readonly data: Buffer
  readonly key: KeyObject
  readonly signature: Buffer
}

/**
 * Per package: the leaf certificate (P-384), SCT, SET, checkpoint and envelope of the provenance; SET, checkpoint and envelope
 * of the publish attestation. That the intermediate is the root's is one signature for all, and not counted.
 */
export const PER_PACKAGE = { 'P-384': 1, 'P-256': 7 } as const

export function signaturesOf(
  documents: readonly AttestationDocument[],
  stock: ReturnType<typeof stockVerifier>,
): readonly SignatureCheck[] {
  const checks = new Map<string, SignatureCheck>()
  const uses = new Map<string, number>()
  const original = crypto.verify
  // The library calls it as a property of the module, and so finds this one.
  crypto.verify = ((algorithm: string, data: Buffer, key: KeyObject, signature: Buffer) => {
    const id = signature.toString('base64')
    uses.set(id, (uses.get(id) ?? 0) + 1)
    if (!checks.has(id)) checks.set(id, { algorithm, data, key: asKey(key), signature })
    return original(algorithm, data, key, signature)
  }) as typeof crypto.verify
  try {
    for (const { attestations } of documents) for (const { bundle } of attestations) stock(bundle)
  } finally {
    crypto.verify = original
  }
  const own = [...checks].filter(([id]) => documents.length === 1 || (uses.get(id) ?? 0) < documents.length)
  const found = own.map(([, check]) => check)
  for (const [curve, expected] of Object.entries(PER_PACKAGE)) {
    const count = found.filter(({ key }) => curveOf(key) === curve).length
    if (count !== expected * documents.length)
      throw new Error(`${count} signatures of ${curve} in ${documents.length} documents, not ${expected} in each`)
  }
  return found
}

function asKey(key: KeyObject | Parameters<typeof createPublicKey>[0]): KeyObject {
  return key instanceof crypto.KeyObject ? key : createPublicKey(key)
}

function curveOf({ asymmetricKeyDetails }: KeyObject): string {
  return asymmetricKeyDetails?.namedCurve === 'secp384r1' ? 'P-384' : 'P-256'
}

export function computeFloor(checks: readonly SignatureCheck[]): void {
  for (const { algorithm, data, key, signature } of checks)
    if (!verify(algorithm, data, key, signature)) throw new Error('a signature of the world does not hold')
}

/** The same divided among workers that are there, with their share, before the clock starts. */
export async function openFloorWorkers(checks: readonly SignatureCheck[], count: number) {
  const share = Math.ceil(checks.length / count)
  const workers = Array.from({ length: count }, (_, index) => {
    const workerData = checks.slice(index * share, (index + 1) * share)
    return new Worker(new URL('./floor-worker.ts', import.meta.url), { workerData })
  })
  const answers = () =>
    Promise.all(
      workers.map(
        (worker) => new Promise<void>((resolve, reject) => worker.once('message', resolve).once('error', reject)),
      ),
    )
  await answers()
  return {
    run: async () => {
      const done = answers()
      for (const worker of workers) worker.postMessage('go')
      await done
    },
    close: () => Promise.all(workers.map((worker) => worker.terminate())),
  }
}
