import { ok, type Result, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { show } from '../util/text.ts'
import type { Statement } from './statement.ts'

/**
 * One sha512 and nothing beside it. npm and pnpm 12 accept bytes that match *any* hash of the strongest algorithm in an
 * integrity string, and npm takes bytes out of its cache by a weaker one, so a second one would let other bytes in than those
 * that were proven. The last character stands for
 * two bits, and the other four are zero: where they are not, decoders read the same digest, and bun 1.4 none at all, so that
 * it installs whatever comes (tried).
 */
const ONE_SHA512 = /^sha512-([A-Za-z0-9+/]{85}[AQgw]==)$/

/** The digest that the lockfile names, as lower-case hex, or INTEGRITY_MISSING, or UNBOUND. */
export function lockedDigest(pkg: LockedPackage): Result<string> {
  const base64 = ONE_SHA512.exec(pkg.integrity ?? '')?.[1]
  if (pkg.unbound === true) {
    return refuse(
      'UNBOUND',
      "no digest of what the registry serves: the lockfile's checksum is of yarn's own archive",
      'bytes to bind it to: `provenance-gate run -- yarn install` looks at them as they are fetched',
    )
  }
  if (base64 === undefined) {
    return refuse(
      'INTEGRITY_MISSING',
      pkg.integrity === undefined ? 'no integrity in the lockfile' : `integrity ${JSON.stringify(pkg.integrity)}`,
      'exactly one sha512 hash, `sha512-…`, and no other hash beside it',
    )
  }
  return ok(Buffer.from(base64, 'base64').toString('hex'))
}

/**
 * Package URL of an npm package as npm's attestations write it: the scope's `@` is percent-encoded, its `/` is not. What
 * no name and no version has (a `%`, another `@`) is encoded too, so that no two packages of a lockfile read the same.
 */
export function packageUrl(name: string, version: string): string {
  return `pkg:npm/${escaped(name)}@${escaped(version)}`
}

function escaped(text: string): string {
  return text.replace(/[%@]/g, encodeURIComponent)
}

/**
 * Binds a verified statement to the lockfile's entry: same name and version (answers an attestation moved from another
 * release), same sha512 (answers other bytes under the same name). The digest is the lockfile's, never the registry's:
 * whoever controls the metadata could make it agree with any attestation.
 */
export function checkSubject(pkg: LockedPackage, digest: string, statement: Statement): Result<undefined> {
  const expected = packageUrl(pkg.name, pkg.version)
  const subjects = statement.subject.filter((subject) => subject.name === expected)
  if (subjects.length === 0) {
    const names = statement.subject.flatMap(({ name }) => name || []).join(', ')
    const about =
      statement.subject.length === 0 ? 'without a subject' : `about ${show(names || 'bytes without a name')}`
    return refuse('SUBJECT_MISMATCH', `an attestation ${about}`, expected)
  }
  const other = subjects.find((subject) => subject.sha512?.toLowerCase() !== digest)
  if (other !== undefined) {
    return refuse(
      'DIGEST_MISMATCH',
      `an attestation about ${integrityText(other.sha512)}`,
      `${integrityText(digest)}, as in the lockfile`,
    )
  }
  return ok(undefined)
}

/** As lockfiles write it, so that it can be searched for there. @param digest in hex, or what a stranger gave out as that */
function integrityText(digest: string | undefined): string {
  return digest !== undefined && /^[0-9a-f]{128}$/i.test(digest)
    ? `sha512-${Buffer.from(digest, 'hex').toString('base64')}`
    : `sha512 ${show(digest)}`
}

/** Whether a statement names other bytes for the package: not where it names none, or is about another package. */
export function isOfOtherBytes(pkg: LockedPackage, digest: string, { subject }: Statement): boolean {
  const name = packageUrl(pkg.name, pkg.version)
  return subject.some((each) => each.name === name && each.sha512 !== undefined && each.sha512.toLowerCase() !== digest)
}
