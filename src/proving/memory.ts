import path from 'node:path'
import type { Result } from '../codes.ts'
import { keyOnce } from '../evidence/key.ts'
import type { Places } from '../evidence/places.ts'
import { readSealed, sealedName, writeSealed } from '../evidence/sealed.ts'
import type { Proof } from '../verify/types.ts'
import { type Packed, type PackedValue, packer, unpack } from './packed.ts'

/**
 * What was proven in earlier runs about the entries of one project: facts, and no decisions. It is signed by a key that lies
 * outside of the cache, so that of a cache from elsewhere nothing is believed, and holds as long as the same is trusted by
 * the same version of the gate.
 */
export interface Memory {
  /** Whether what is remembered holds, without looking at the trust material. */
  isCurrent(): boolean
  /**
   * Tells what is trusted. What is remembered holds from here on, if it was the same.
   *
   * @param until when it has to be looked at again
   * @param isKept whether what comes of it may be written down
   */
  confirm(trust: string, until: Date | undefined, isKept?: boolean): void
  /** Undefined where nothing is remembered, or what is does not hold. */
  recall(id: string): Remembered | undefined
  remember(id: string, remembered: Omit<Remembered, 'day'>): void
  /** Writes it down where there is something new, and says whether there was. Never throws. */
  save(): Promise<boolean>
}

/** One proof, with the digest of the document that proves it; or that there was none. */
export interface Remembered {
  readonly result: Result<Proof>
  readonly digest?: string | undefined
  /** Of an absence: when it was found out, in milliseconds. */
  readonly since?: number | undefined
  /** The last day on which it was of use, in days since 1970. */
  readonly day: number
}

export interface MemoryOptions extends Places {
  /** What they are about: the folder of the lockfile. */
  readonly project: string
  /** Of the gate. */
  readonly version: string
  /** Digest of everything by which could be found out what is trusted: files, and what is kept of repositories. */
  readonly seen: string
  readonly now: Date
}

interface Content extends Packed {
  readonly version: string
  readonly seen: string
  readonly trust: string
  readonly written: number
  readonly until: number | null
  readonly proofs: readonly Row[]
}

/** Of one entry: its id, the day, since when it is absent (or null), and what is `Remembered` of it beside. */
type Row = readonly [id: string, day: number, since: number | null, packed: PackedValue]

const DAY = 86_400_000
/** What was not asked for so long is forgotten, in days. */
const KEPT_DAYS = 30
/** Some kilobytes a package. */
const MAX_BYTES = 256 << 20
/** How far a clock may go back, in milliseconds: what was signed by then was not in its future. */
const CLOCK_TOLERANCE = 5 * 60 * 1000

export async function openMemory({ cache, keyFile, project, version, seen, now }: MemoryOptions): Promise<Memory> {
  const key = await keyOnce({ cache, keyFile })()
  const about = ['proofs', project]
  const file = key && path.join(cache, 'proofs', `${sealedName(key, about)}.json`)
  const text = key && file && (await readSealed(file, key, about, MAX_BYTES))
  const kept = text === undefined ? undefined : (JSON.parse(text) as Content)
  const today = Math.floor(now.getTime() / DAY)
  // Of another version's verifier nothing is known, nor of one that had another time before it.
  const isOurs = kept?.version === version && now.getTime() >= kept.written - CLOCK_TOLERANCE
  const rows = new Map<string, Row>(isOurs ? kept.proofs.map((row) => [row[0], row]) : [])
  /** Those that were asked for, or are new. */
  const proofs = new Map<string, Remembered>()
  let trusted: { readonly digest: string; readonly until: number | null } | undefined =
    isOurs && kept.seen === seen && now.getTime() < (kept.until ?? Number.POSITIVE_INFINITY)
      ? { digest: kept.trust, until: kept.until }
      : undefined
  let isNew = false
  let mayWrite = true

  return {
    isCurrent: () => trusted !== undefined,
    confirm: (digest, until, isKept = true) => {
      mayWrite = isKept
      if (trusted?.digest === digest) return
      if (!isOurs || kept.trust !== digest) {
        rows.clear()
        proofs.clear()
      }
      trusted = { digest, until: until?.getTime() ?? null }
      isNew = true
    },
    recall: (id) => {
      if (trusted === undefined) return undefined
      const found = proofs.get(id) ?? unpacked(rows.get(id))
      if (found !== undefined) proofs.set(id, { ...found, day: today })
      return found
    },
    remember: (id, remembered) => {
      if (trusted === undefined) return
      proofs.set(id, { ...remembered, day: today })
      isNew = true
    },
    save: async () => {
      if (!isNew || !mayWrite || trusted === undefined) return false
      isNew = false
      // The evidence of it is kept all the same, and has to be bounded.
      if (key === undefined || file === undefined) return true
      // What nobody has asked for this time is there once more, as long as it is not too old.
      for (const [id, row] of rows) {
        const found = row[1] >= today - KEPT_DAYS && !proofs.has(id) ? unpacked(row) : undefined
        if (found !== undefined) proofs.set(id, found)
      }
      const { pack, packed } = packer()
      const written = [...proofs].map(
        ([id, { day, since, result, digest }]): Row => [
          ...([id, day, since ?? null] as const),
          pack({ result, digest }),
        ],
      )
      const content: Content = {
        version,
        seen,
        trust: trusted.digest,
        written: now.getTime(),
        until: trusted.until,
        proofs: written,
        ...packed(),
      }
      await writeSealed(file, key, about, JSON.stringify(content))
      return true
    },
  }

  function unpacked(row: Row | undefined): Remembered | undefined {
    if (row === undefined || kept === undefined) return undefined
    const [, day, since, packed] = row
    return { ...(unpack(kept, packed) as Pick<Remembered, 'result' | 'digest'>), since: since ?? undefined, day }
  }
}
