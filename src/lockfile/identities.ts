import { isDeepStrictEqual } from 'node:util'
import { GateError } from '../errors.ts'
import { parseId } from './dep-path.ts'
import { type Fields, field } from './record.ts'

/**
 * By what pnpm 10 and 11 know the bytes of an entry in their store, and while they download: its field `id`, else what
 * stands in its key. One entry that takes the identity of another gets its bytes, or gives it its own, whatever digests
 * are locked: then no verdict on the one would be about what is installed. No pnpm writes such a lockfile.
 */
export function openIdentities(): { check(id: string, record: Fields): void } {
  const resolutions = new Map<string, { readonly id: string; readonly resolution: unknown }>()
  return {
    check: (id, record) => {
      const { text } = parseId(id)
      // As pnpm's `tryGetPackageId` has it.
      const identity = id.includes(':') && !text.startsWith('runtime:') ? text : id
      const own = field(record, 'id')
      if (own !== undefined && own !== id && own !== identity) {
        throw new GateError(
          `The entry ${JSON.stringify(id)} of the lockfile has an "id" of its own, by which pnpm would take its bytes for those of another. Restore the lockfile, or regenerate it with pnpm.`,
        )
      }
      const resolution = field(record, 'resolution')
      if (resolution === undefined) return
      const before = resolutions.get(identity)
      // Two records under one name are judged under that name, each.
      if (before === undefined) resolutions.set(identity, { id, resolution })
      else if (before.id !== id && !isDeepStrictEqual(before.resolution, resolution)) {
        throw new GateError(
          `The entries ${JSON.stringify(before.id)} and ${JSON.stringify(id)} of the lockfile have one address and different resolutions, so that pnpm would take the bytes of the one for those of the other. Restore the lockfile, or regenerate it with pnpm.`,
        )
      }
    },
  }
}
