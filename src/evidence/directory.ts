import path from 'node:path'
import { ok, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { FileError, readBoundedFileSync } from '../util/files.ts'
import { isFolderAt } from '../util/stats.ts'
import type { DocumentFile, Evidence, EvidenceSource, ReleaseSource } from './types.ts'

/** As much as is read from a registry. */
const MAX_BYTES = 4 << 20

/**
 * Evidence from a folder that is laid out like the registry's endpoint: `DIR/@scope/name@1.0.0.json` for attestations,
 * `DIR/@scope/name@1.0.0.signatures.json` for the registry's signatures. A file that is absent is EVIDENCE_MISSING. One that
 * cannot be read or is not JSON is EVIDENCE_UNAVAILABLE, and so is every file of a folder that is not there.
 */
export function directoryEvidence(folder: string): EvidenceSource {
  return {
    attestations: async (pkg) => readDocument(attestationsIn(folder, pkg)),
    attestationsFile: (pkg) => attestationsIn(folder, pkg),
    signatures: async (pkg) =>
      readDocument({ folder, name: signaturesName(pkg), expected: "the registry's signatures" }),
  }
}

function attestationsIn(folder: string, pkg: LockedPackage): DocumentFile {
  return { folder, name: documentName(pkg), expected: 'an attestation document' }
}

/** Attestations of releases in the same folder: `DIR/github.com/owner/name/sha256-….json`, or `sha1-…` of a commit. */
export function directoryReleases(folder: string): ReleaseSource['release'] {
  return async (_, { repository }, subject) =>
    readDocument({ folder, name: releaseName(repository, subject), expected: "GitHub's attestation of a release" })
}

/** @param subject `sha256:…` or `sha1:…` */
export function releaseName(repository: string, subject: string): string {
  return `github.com/${repository}/${subject.replace(':', '-')}.json`
}

export function documentName({ name, version }: Pick<LockedPackage, 'name' | 'version'>): string {
  return `${name}@${version}.json`
}

export function signaturesName({ name, version }: Pick<LockedPackage, 'name' | 'version'>): string {
  return `${name}@${version}.signatures.json`
}

/** Reads one, at once: whoever has many to read asks a thread for it. */
export function readDocument({ folder, name, expected }: DocumentFile): Evidence {
  const root = path.resolve(folder)
  const file = fileIn(root, name)
  if (file === undefined) return refuse('EVIDENCE_MISSING', `a name that leaves ${folder}`, expected)
  try {
    const bytes = readBoundedFileSync(file, MAX_BYTES)
    if (bytes !== undefined) return ok(JSON.parse(bytes.toString('utf8')) as unknown)
  } catch (error) {
    const found = error instanceof FileError ? `${file} ${error.message}` : `${file}: ${(error as Error).message}`
    return refuse('EVIDENCE_UNAVAILABLE', found, expected)
  }
  return isFolderAt(root)
    ? refuse('EVIDENCE_MISSING', `no file ${file}`, expected)
    : refuse('EVIDENCE_UNAVAILABLE', `no folder ${root}`, expected)
}

/**
 * The file of that name in a folder. Names come from the lockfile: `../../x` must not lead to a file elsewhere, nor `x/../y`
 * to that of another package; then it is undefined.
 */
export function fileIn(root: string, name: string): string | undefined {
  const relative = name.replaceAll('/', path.sep)
  const file = path.resolve(root, relative)
  return path.relative(root, file) !== relative || relative.startsWith(`..${path.sep}`) ? undefined : file
}
