import type { LockedPackage } from '../lockfile/types.ts'
import { listText } from '../util/text.ts'
import type { Examined } from './accept.ts'
import { needsProof, rulesOf, uncovered } from './decide.ts'
import { bytesOf } from './identity.ts'
import type { Policy } from './types.ts'

/**
 * Why evidence can be compared with nothing that the lockfile says of a package: it has the checksum of yarn's own archive, no
 * sha512, or a source that is not known.
 */
export type Unbindable = 'archive' | 'digest' | 'source'

/** Undefined where it can, and for what no evidence is about: folders, and git repositories that have not released it. */
export function unbindable({ pkg, proof }: Examined): Unbindable | undefined {
  const code = proof.ok ? undefined : proof.refusal.code
  if (pkg.source === 'unknown') return 'source'
  if (pkg.unbound === true || code === 'UNBOUND') return 'archive'
  const isWithout = pkg.source === 'registry' && bytesOf(pkg) === undefined
  return isWithout || code === 'INTEGRITY_MISSING' ? 'digest' : undefined
}

/** One line for each reason: how many packages, which, and what to do. */
export function unbindableLines(examined: readonly Examined[]): readonly string[] {
  const byReason = Map.groupBy(examined, unbindable)
  return REASONS.flatMap(([reason, words]) => {
    const members = byReason.get(reason) ?? []
    return members.length === 0 ? [] : [words(members.length, named(members))]
  })
}

const REASONS: readonly (readonly [Unbindable, (count: number, names: string) => string])[] = [
  [
    'archive',
    (count, names) =>
      `${packages(count, 'has', 'have')} the checksum of yarn's own archive alone, so that no evidence can be compared with it: ${names}. Install with \`provenance-gate run -- yarn install\`, which looks at the bytes as they are fetched.`,
  ],
  [
    'digest',
    (count, names) =>
      `${packages(count, 'has', 'have')} no sha512 in the lockfile, so that no evidence can be compared with it: ${names}. Remove ${count === 1 ? 'its entry' : 'their entries'} from the lockfile and install once more (with pnpm: from \`packages\`, and \`pnpm install --fix-lockfile\`), so that your package manager writes what the registry says today.`,
  ],
  [
    'source',
    (count, names) =>
      `${packages(count, 'is', 'are')} of a source that is not known: ${names}. Correct what asks for ${count === 1 ? 'it' : 'them'}.`,
  ],
]

function packages(count: number, one: string, several: string): string {
  return count === 1 ? `1 package ${one}` : `${count} packages ${several}`
}

/** So many are named. */
const MOST = 5

function named(examined: readonly Examined[]): string {
  return listText([...new Set(examined.map(({ pkg }) => pkg.key))], MOST)
}

/**
 * Whether nothing that is (or is not) proven of packages of a registry makes a difference: each has a rule, none of which
 * requires anything of it. False where there is no such package.
 */
export function holdsNothing(policy: Policy, packages: readonly LockedPackage[]): boolean {
  const judged = packages.filter(
    ({ source, bundledIn, outside }) => source === 'registry' && bundledIn === undefined && outside === undefined,
  )
  const passesAlways = (pkg: LockedPackage) =>
    rulesOf(pkg, policy).length > 0 && !needsProof(pkg, policy) && uncovered(pkg, policy).length === 0
  return judged.length > 0 && judged.every(passesAlways)
}
