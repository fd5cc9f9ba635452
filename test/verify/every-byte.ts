import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { CODES, type Result } from '../../src/codes.ts'
import type { AttestationDocument } from '../support/sigstore/index.ts'
import { otherSignature } from './ecdsa.ts'
import { type Path, placesOf, valueAt } from './mutate.ts'
import { checkAlways, checkOnce } from './once.ts'
import { documentOf } from './support.ts'
import { type Change, placeOf, UNSIGNED } from './unsigned.ts'

// No byte of a bundle can be another one: it is refused, or nobody signed that byte, and then it has a name in `unsigned.ts`.

/** One bundle, and how bundles of its kind are verified. */
export interface Kind {
  readonly bundle: unknown
  readonly verify: (bundle: unknown) => Result<unknown>
}

/** A change that was accepted. */
export interface Accepted {
  readonly what: string
  /** As in `unsigned.ts`; undefined: it should have been refused. */
  readonly named: string | undefined
}

export interface Outcome {
  readonly tried: number
  readonly accepted: readonly Accepted[]
}

/** Fields of bytes in base64; all others are text. */
const BYTES: ReadonlySet<unknown> = new Set([
  ...['rawBytes', 'keyId', 'signedEntryTimestamp', 'rootHash', 'hashes', 'canonicalizedBody', 'signedTimestamp'],
  ...['payload', 'sig', 'digest', 'signature'],
])
/** Fields of an ECDSA signature, DER, that can be told from their place alone. */
const SIGNATURES: ReadonlySet<unknown> = new Set(['sig', 'signature', 'signedEntryTimestamp'])

/** Flips a bit of every byte, or of every nth, of every text of a bundle, base64 decoded, and verifies each time. */
export function flipEveryByte(kind: Kind, { stride = 1, remember = true } = {}): Outcome {
  if (remember) checkOnce()
  try {
    return flip(kind, stride)
  } finally {
    checkAlways()
  }
}

function flip({ bundle, verify }: Kind, stride: number): Outcome {
  return tryAll(bundle, verify, function* (path, before) {
    const encoding = isBytes(path) ? 'base64' : 'utf8'
    const bytes = Buffer.from(before, encoding)
    for (let index = 0; index < bytes.length; index += stride) {
      const other = Buffer.from(bytes)
      other.writeUInt8(bytes.readUInt8(index) ^ 1, index)
      yield [`byte ${index}`, other.toString(encoding)]
    }
  })
}

/** Puts the other signature in the place of each: of an (r, s) that is good, (r, n-s) is good too, and anybody can make it. */
export function swapSignatures({ bundle, verify }: Kind): Outcome {
  return tryAll(bundle, verify, function* (path, before) {
    if (SIGNATURES.has(path.at(-1))) yield ['the other signature', otherSignature(before)]
  })
}

type Changes = (path: Path, before: string) => Iterable<readonly [what: string, after: string]>

function tryAll(bundle: unknown, verify: Kind['verify'], changes: Changes): Outcome {
  const document = documentOf(structuredClone(bundle)) as AttestationDocument
  const inside = () => verify(document.attestations[0]?.bundle)
  const genuine = inside()
  assert.ok(genuine.ok, genuine.ok ? '' : genuine.refusal.found)
  const accepted: Accepted[] = []
  let tried = 0
  for (const path of placesOf(document).filter((place) => place[2] === 'bundle')) {
    const before = valueAt(document, path)
    if (typeof before !== 'string') continue
    const holder = valueAt(document, path.slice(0, -1)) as Record<string | number, unknown>
    for (const [what, after] of changes(path, before)) {
      holder[path.at(-1) ?? ''] = after
      const result = inside()
      tried += 1
      if (result.ok) {
        const change: Change = { place: placeOf(path), path, before, after, document }
        const same = isDeepStrictEqual(result, genuine)
        const named = same ? UNSIGNED.find(({ covers }) => covers(change))?.what : 'proves something else'
        accepted.push({ what: `${path.slice(3).join('.')}, ${what}`, named: same ? named : undefined })
      } else {
        const { code, found } = result.refusal
        assert.ok(
          Object.hasOwn(CODES, code) && code !== 'INTERNAL_ERROR',
          `${code}: ${found} (${path.join('.')}, ${what})`,
        )
      }
    }
    holder[path.at(-1) ?? ''] = before
  }
  return { tried, accepted }
}

function isBytes(path: Path): boolean {
  return BYTES.has(path.findLast((key) => typeof key === 'string'))
}

/** What was accepted and has no name. */
export function unnamed({ accepted }: Outcome): string[] {
  return accepted.filter(({ named }) => named === undefined).map(({ what }) => what)
}

export function describeEveryByte(name: string, skip: string | false, open: () => Promise<Kind>): void {
  describe(name, () => {
    test('every byte is another', { skip }, async (t) => {
      const kind = await open()
      const start = process.cpuUsage()
      const outcome = flipEveryByte(kind)
      assert.deepEqual(unnamed(outcome), [])
      const { user, system } = process.cpuUsage(start)
      const seconds = ((user + system) / 1e6).toFixed(1)
      t.diagnostic(`${outcome.tried} changes, ${outcome.accepted.length} of what nobody signed, ${seconds} s`)
    })

    test('the other signature of each', { skip }, async () => {
      const outcome = swapSignatures(await open())
      assert.deepEqual(unnamed(outcome), [])
      // That of the content is named, by the log or by a timestamp.
      assert.ok(outcome.accepted.every(({ what }) => what.includes('signedEntryTimestamp')))
    })
  })
}
