import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { ok, refuse } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Evidence, EvidenceSource, ReleaseSource } from './types.ts'

/** As much as is read from a registry. */
const MAX_BYTES = 4 << 20

/**
 * Evidence from a folder that is laid out like the registry's endpoint: `DIR/@scope/name@1.0.0.json` for attestations,
 * `DIR/@scope/name@1.0.0.signatures.json` for the registry's signatures. A file that is absent is EVIDENCE_MISSING. One that
 * cannot be read or is not JSON is EVIDENCE_UNAVAILABLE, and so is every file of a folder that is not there.
 */
export function directoryEvidence(folder: string): EvidenceSource {
  return {
    attestations: (pkg) => readDocument(folder, documentName(pkg), 'an attestation document'),
    signatures: (pkg) => readDocument(folder, signaturesName(pkg), "the registry's signatures"),
  }
}

/** Attestations of releases in the same folder: `DIR/github.com/owner/name/sha256-….json`, or `sha1-…` of a commit. */
export function directoryReleases(folder: string): ReleaseSource['release'] {
  return (_, { repository }, subject) =>
    readDocument(folder, releaseName(repository, subject), "GitHub's attestation of a release")
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

async function readDocument(folder: string, name: string, expected: string): Promise<Evidence> {
  const root = path.resolve(folder)
  const file = fileIn(root, name)
  if (file === undefined) return refuse('EVIDENCE_MISSING', `a name that leaves ${folder}`, expected)
  try {
    // Before it is opened: a pipe would wait for somebody to write into it.
    const stats = await stat(file)
    if (!stats.isFile()) return refuse('EVIDENCE_UNAVAILABLE', `${file} is not a file`, expected)
    if (stats.size > MAX_BYTES) {
      return refuse('EVIDENCE_UNAVAILABLE', `${file} has more than ${MAX_BYTES} bytes`, expected)
    }
    return ok(JSON.parse(await readFile(file, 'utf8')) as unknown)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      return refuse('EVIDENCE_UNAVAILABLE', `${file}: ${(error as Error).message}`, expected)
    }
    return (await isFolder(root))
      ? refuse('EVIDENCE_MISSING', `no file ${file}`, expected)
      : refuse('EVIDENCE_UNAVAILABLE', `no folder ${root}`, expected)
  }
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

async function isFolder(file: string): Promise<boolean> {
  return stat(file).then(
    (stats) => stats.isDirectory(),
    () => false,
  )
}
