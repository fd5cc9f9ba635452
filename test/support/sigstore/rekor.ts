import { randomBytes } from 'node:crypto'
import { json } from '@sigstore/core'
import { ENTRY_VERSION } from './entry.ts'
import { generateKey, logId, type SigningKey, sign } from './keys.ts'
import { MerkleTree } from './merkle.ts'

/** A log entry as a bundle holds it, protobuf JSON: integers are strings. Not readonly: negative tests change it. */
export interface LogEntryJSON {
  logIndex: string
  logId: { keyId: string }
  kindVersion: { kind: string; version: string }
  integratedTime: string
  inclusionPromise?: { signedEntryTimestamp: string }
  inclusionProof?: {
    logIndex: string
    rootHash: string
    treeSize: string
    hashes: string[]
    checkpoint: { envelope: string }
  }
  canonicalizedBody: string
}

/** Entries of older shards: in Rekor an entry's index in the log is not its index in the tree, which trips verifiers. */
const EARLIER_SHARDS = 4_163_431

/** Strangers' entries that are there before the first of ours: with them every proof has about a dozen hashes. */
const ENTRIES_AT_START = 2_500

/**
 * Strangers' entries that come in between ours and the checkpoint. Without them ours would always be the last leaf, whose
 * proof has left siblings only; two of them, because an even step would leave all our indices of the same parity.
 */
const ENTRIES_BETWEEN = 2

/** A transparency log in the manner of Rekor v1: one tree, a promise and a proof for every entry. */
export class TransparencyLog {
  readonly baseUrl: string
  readonly key: SigningKey = generateKey('P-256')
  readonly #tree = new MerkleTree()
  readonly #treeId = randomBytes(8).readBigUInt64BE() >> 1n

  constructor(baseUrl: string) {
    this.baseUrl = baseUrl
    this.#appendStrangers(ENTRIES_AT_START)
  }

  append(kind: keyof typeof ENTRY_VERSION, body: Buffer, integratedTime: Date): LogEntryJSON {
    const index = this.#tree.append(body)
    this.#appendStrangers(ENTRIES_BETWEEN)
    const logIndex = EARLIER_SHARDS + index
    const seconds = Math.floor(integratedTime.getTime() / 1000)
    const rootHash = this.#tree.root().toString('base64')
    return {
      logIndex: String(logIndex),
      logId: { keyId: logId(this.key).toString('base64') },
      kindVersion: { kind, version: ENTRY_VERSION[kind] },
      integratedTime: String(seconds),
      inclusionPromise: { signedEntryTimestamp: this.#promise(body, logIndex, seconds).toString('base64') },
      inclusionProof: {
        logIndex: String(index),
        rootHash,
        treeSize: String(this.#tree.size),
        hashes: this.#tree.proof(index).map((hash) => hash.toString('base64')),
        checkpoint: { envelope: this.#checkpoint(rootHash) },
      },
      canonicalizedBody: body.toString('base64'),
    }
  }

  /** The signed entry timestamp: the only thing that vouches for the integrated time. */
  #promise(body: Buffer, logIndex: number, integratedTime: number): Buffer {
    const promised = { body: body.toString('base64'), integratedTime, logID: logId(this.key).toString('hex'), logIndex }
    return sign(this.key, Buffer.from(json.canonicalize(promised)))
  }

  /** A signed note over the tree's head: https://github.com/transparency-dev/formats/blob/main/log/README.md */
  #checkpoint(rootHash: string): string {
    const origin = new URL(this.baseUrl).host
    const note = `${origin} - ${this.#treeId}\n${this.#tree.size}\n${rootHash}\n`
    const keyHint = logId(this.key).subarray(0, 4)
    const signature = Buffer.concat([keyHint, sign(this.key, Buffer.from(note))])
    return `${note}\n\u2014 ${origin} ${signature.toString('base64')}\n`
  }

  #appendStrangers(count: number): void {
    for (let i = 0; i < count; i++) this.#tree.append(randomBytes(32))
  }
}
