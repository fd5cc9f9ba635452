import path from 'node:path'
import type { Result } from '../codes.ts'
import { openKey } from '../evidence/key.ts'
import type { Places } from '../evidence/places.ts'
import { readSealed, sealedName, writeSealed } from '../evidence/sealed.ts'
import type { Proof } from '../verify/types.ts'

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
  recall(id: string): Recalled | undefined
  remember(id: string, remembered: Omit<Remembered, 'day'>): void
  /** Writes it down where there is something new, and says whether there was. Never throws. */
  save(): Promise<boolean>
}

export interface Recalled {
  readonly result: Result<Proof>
  /** Of an absence: when it was found out, in milliseconds. */
  readonly since: number | undefined
}

/** One proof, with the digest of the document that proves it; or that there was none, with the time. */
interface Remembered {
  readonly result: Result<Proof>
  readonly digest?: string | undefined
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

interface Content {
  readonly version: string
  readonly seen: string
  readonly trust: string
  readonly written: number
  readonly until: number | null
  readonly proofs: readonly (readonly [string, Remembered])[]
}

const DAY = 86_400_000
/** What was not asked for so long is forgotten, in days. */
const KEPT_DAYS = 30
/** Some kilobytes a package. */
const MAX_BYTES = 256 << 20
/** How far a clock may go back, in milliseconds: what was signed by then was not in its future. */
const CLOCK_TOLERANCE = 5 * 60 * 1000

export async function openMemory({ cache, keyFile, project, version, seen, now }: MemoryOptions): Promise<Memory> {
  const key = await openKey(keyFile).catch(() => undefined)
  const about = ['proofs', project]
  const file = key && path.join(cache, 'proofs', `${sealedName(key, about)}.json`)
  const text = key && file && (await readSealed(file, key, about, MAX_BYTES))
  const kept = text === undefined ? undefined : (JSON.parse(text) as Content)
  const today = Math.floor(now.getTime() / DAY)
  // Of another version's verifier nothing is known, nor of one that had another time before it.
  const isOurs = kept?.version === version && now.getTime() >= kept.written - CLOCK_TOLERANCE
  const proofs = new Map<string, Remembered>(isOurs ? kept.proofs : [])
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
      if (!isOurs || kept.trust !== digest) proofs.clear()
      trusted = { digest, until: until?.getTime() ?? null }
      isNew = true
    },
    recall: (id) => {
      const found = trusted && proofs.get(id)
      if (found === undefined) return undefined
      if (found.day !== today) proofs.set(id, { ...found, day: today })
      return { result: withAbsent(found.result) as Result<Proof>, since: found.since }
    },
    remember: (id, remembered) => {
      if (trusted === undefined) return
      proofs.set(id, { ...remembered, day: today })
      isNew = true
    },
    save: async () => {
      if (!isNew || !mayWrite || trusted === undefined || key === undefined || file === undefined) return false
      isNew = false
      const content: Content = {
        version,
        seen,
        trust: trusted.digest,
        written: now.getTime(),
        until: trusted.until,
        proofs: [...proofs].filter(([, { day }]) => day >= today - KEPT_DAYS),
      }
      await writeSealed(
        file,
        key,
        about,
        JSON.stringify(content, (_, value) => (value === undefined ? null : value)),
      )
      return true
    },
  }
}

/** What is not there is written as null, so that a proof has the same fields afterwards. It has no null of its own. */
function withAbsent(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map(withAbsent)
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withAbsent(each)]))
}
