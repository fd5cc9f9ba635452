import { isDeepStrictEqual } from 'node:util'
import { GateError } from '../errors.ts'
import { type PackageId, parseId } from './dep-path.ts'
import { type Fields, field, isPlain } from './record.ts'

/**
 * Which pnpm may install from a lockfile. Since 11.20 pnpm tells packages of a named registry apart (`a@work:1.0.0` and
 * `b@work:1.0.0`); pnpm 10 and older releases of 11 know both by `work:1.0.0`.
 */
export type InstallingPnpm = 'any' | 'from-11.20'

/**
 * By what pnpm 10 and 11 know the bytes of an entry in their store, and while they download: its field `id`, else what
 * stands in its key. One entry that takes the identity of another gets its bytes, or gives it its own, whatever digests
 * are locked: then no verdict on the one would be about what is installed. No pnpm writes such a lockfile, but for
 * packages of a named registry, which an older pnpm then mixes up.
 */
export function openIdentities(pnpm: InstallingPnpm): {
  /** @param records what `packages` and `snapshots` say of the entry, which pnpm puts together */
  check(id: string, records: readonly Fields[]): void
} {
  const resolutions = new Map<string, { readonly id: string; readonly resolution: unknown }>()
  return {
    check: (id, records) => {
      const parsed = parseId(id)
      const { text } = parsed
      // As `tryGetPackageId` of pnpm 10 has it; that of 11.20 keeps the name of a package of a named registry as well.
      const isWhole = !id.includes(':') || text.startsWith('runtime:') || isToldApart(parsed, records, pnpm)
      const identity = isWhole ? id : text
      for (const record of records) {
        const own = field(record, 'id')
        if (own !== undefined && own !== id && own !== identity) {
          throw new GateError(
            `The entry ${JSON.stringify(id)} of the lockfile has an "id" of its own, by which pnpm would take its bytes for those of another. Restore the lockfile, or regenerate it with pnpm.`,
          )
        }
        const resolution = field(record, 'resolution')
        if (resolution === undefined) continue
        const before = resolutions.get(identity)
        // Two records under one name are judged under that name, each.
        if (before === undefined) resolutions.set(identity, { id, resolution })
        else if (before.id !== id && !isDeepStrictEqual(before.resolution, resolution)) {
          throw new GateError(
            `The entries ${JSON.stringify(before.id)} and ${JSON.stringify(id)} of the lockfile have one address and different resolutions, so that ${mixedUpBy(parsed)}`,
          )
        }
      }
    },
  }
}

/**
 * Whether each pnpm that may install the entry knows it by its whole key. An older pnpm fails on a package of a named
 * registry that has nothing but a digest ("Couldn't get tarball URL"); where the entry has an address or a `version`, it
 * installs it (tried with 10.34 and 11.19).
 */
function isToldApart({ reference }: PackageId, records: readonly Fields[], pnpm: InstallingPnpm): boolean {
  if (reference.kind !== 'named-registry') return false
  return pnpm === 'from-11.20' || records.every((record) => field(record, 'version') === undefined && isDigest(record))
}

function isDigest(record: Fields): boolean {
  const resolution = field(record, 'resolution')
  return (
    resolution === undefined || (isPlain(resolution) && Object.keys(resolution).every((key) => key === 'integrity'))
  )
}

function mixedUpBy({ reference }: PackageId): string {
  return reference.kind === 'named-registry'
    ? 'pnpm before 11.20 would take the bytes of the one for those of the other. Pin a newer pnpm in package.json, such as "packageManager": "pnpm@12.21.0", and leave managePackageManagerVersions as it is.'
    : 'pnpm would take the bytes of the one for those of the other. Restore the lockfile, or regenerate it with pnpm.'
}
