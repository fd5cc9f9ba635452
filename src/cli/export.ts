import { lstat, mkdir } from 'node:fs/promises'
import path from 'node:path'
import pLimit from 'p-limit'
import { GateError } from '../errors.ts'
import { bundleFiles } from '../evidence/bundle-files.ts'
import { documentName, fileIn, releaseName, signaturesName } from '../evidence/directory.ts'
import type { EvidenceSource, SignatureDocument } from '../evidence/types.ts'
import { isVersion } from '../lockfile/dep-path.ts'
import type { GithubOrigin, LockedPackage } from '../lockfile/types.ts'
import { evidenceFrom } from '../policy/decide.ts'
import { loadWithoutLock } from '../policy/load.ts'
import { sayLine } from '../report/output.ts'
import { count } from '../report/summary.ts'
import { isPackageName } from '../util/package-name.ts'
import { lockedDigest } from '../verify/subject.ts'
import { replaceFile } from '../write.ts'
import type { ExitStatus } from './exit.ts'
import { chosenLockfiles } from './lockfiles.ts'
import {
  evidenceSource,
  forEachPackage,
  makeGivenFolder,
  onceIn,
  oneList,
  packagesOf,
  type SourceOptions,
} from './sources.ts'

export interface ExportOptions extends Pick<SourceOptions, 'lockfile' | 'attestations' | 'offline'> {
  readonly out: string
  /** Whose rules say where else evidence is (`evidenceFrom`). Nothing else of it is looked at. */
  readonly policy?: string
}

/** What became of one package: what was written for it, or why that could not be had. */
type Exported =
  | { readonly documents: number; readonly bundles: number; readonly signatures: number; readonly note?: string }
  | { readonly problem: string }

/** Packages at once: each has a few files open. */
const CONCURRENCY = 32

/**
 * `provenance-gate export --out DIR`: writes the evidence of a lockfile as a folder that `--attestations` reads and any web
 * server can offer as a mirror, and each bundle as a file for other tools. Nothing is verified: whoever reads it does that.
 * 2 where something could not be had, for then the mirror lacks it.
 *
 * @throws GateError
 */
export async function exportEvidence(options: ExportOptions): Promise<ExitStatus> {
  const { folder, files } = await chosenLockfiles(options.lockfile)
  const out = path.resolve(options.out)
  if (options.offline === true && options.attestations === undefined) {
    throw new GateError(
      '--offline leaves no source of evidence: name a folder of attestation documents with --attestations DIR.',
    )
  }
  const policy = options.policy && (await loadWithoutLock({ folder, file: path.resolve(options.policy) }, {}))
  const evidence = await evidenceSource(options, folder)
  const fromOf = (pkg: LockedPackage) => (policy ? evidenceFrom(pkg, policy) : undefined)
  // What is bundled has no evidence of its own.
  const lists = await Promise.all(files.map((file) => packagesOf(file, onceIn({}, folder))))
  const all = oneList(lists).filter(({ bundledIn }) => bundledIn === undefined)
  const packages = oncePerKey(all.filter(({ source, github }) => source === 'registry' || github !== undefined))
  makeGivenFolder('--out', options.out)
  const alike = namesThatCollide(packages.filter(({ github }) => github === undefined))
  const limit = pLimit(CONCURRENCY)
  const exported = await forEachPackage(
    packages,
    (pkg) => limit(() => exportPackage(pkg, evidence, fromOf(pkg), out, alike)),
    'exporting',
  )
  const strangers = all.filter(({ source, github }) => source !== 'registry' && github === undefined)
  return tell(exported, packages, strangers.length, out)
}

async function exportPackage(
  pkg: LockedPackage,
  evidence: EvidenceSource,
  from: string | undefined,
  out: string,
  alike: ReadonlySet<string>,
): Promise<Exported> {
  if (pkg.github !== undefined) return exportRelease(pkg, pkg.github, evidence, out)
  const name = documentName(pkg)
  if (!isPlain(pkg) || fileIn(out, name) === undefined)
    return { problem: 'its name and version are not those of a file' }
  // They may be one file, and the one would be served for the other.
  if (alike.has(name)) return { problem: 'a file of another package has the same name, or has it in other capitals' }
  const attestations = await evidence.attestations(pkg, from)
  if (!attestations.ok && attestations.refusal.code !== 'EVIDENCE_MISSING')
    return { problem: attestations.refusal.found }
  const bundles = attestations.ok ? bundleFiles(attestations.value) : []
  // When it was published is in a far larger document, and asked only of what has no attestation of its publication.
  const isAttested = bundles?.some(({ kind }) => kind === 'publish') === true
  const signatures = await evidence.signatures(pkg, !isAttested, from)
  if (!signatures.ok && signatures.refusal.code !== 'EVIDENCE_MISSING') return { problem: signatures.refusal.found }
  const signed = signatures.ok && hasSignatures(signatures.value) ? signatures.value : undefined
  const files = [
    ...(attestations.ok ? [[name, attestations.value] as const] : []),
    ...(signed === undefined ? [] : [[signaturesName(pkg), signed] as const]),
    ...(bundles ?? []).map((each) => [`bundles/${pkg.name}@${pkg.version}/${each.name}`, each.bundle] as const),
  ]
  const problem = await writeAll(out, files)
  if (problem !== undefined) return { problem }
  return {
    documents: attestations.ok ? 1 : 0,
    bundles: bundles?.length ?? 0,
    signatures: signed === undefined ? 0 : 1,
    ...(bundles === undefined && { note: 'its document is not a list of bundles, and is written as it is' }),
  }
}

/** What GitHub has signed of a release: of an asset by its sha256, for which its bytes are read. */
async function exportRelease(
  pkg: LockedPackage,
  origin: GithubOrigin,
  { releases }: EvidenceSource,
  out: string,
): Promise<Exported> {
  if (releases === undefined) return { problem: 'nobody is asked about releases' }
  let subject = 'commit' in origin ? `sha1:${origin.commit}` : ''
  if (subject === '') {
    const sha512 = lockedDigest(pkg)
    const digest = sha512.ok ? await releases.sha256(pkg, sha512.value) : sha512
    if (!digest.ok) return { problem: digest.refusal.found }
    subject = `sha256:${digest.value}`
  }
  const document = await releases.release(pkg, origin, subject)
  if (!document.ok && document.refusal.code !== 'EVIDENCE_MISSING') return { problem: document.refusal.found }
  const bundles = document.ok ? bundleFiles(document.value) : []
  const name = releaseName(origin.repository, subject)
  const problem = document.ok
    ? await writeAll(out, [
        [name, document.value],
        ...(bundles ?? []).map(
          (each) => [`bundles/${name.slice(0, -'.json'.length)}/${each.name}`, each.bundle] as const,
        ),
      ])
    : undefined
  if (problem !== undefined) return { problem }
  return { documents: document.ok ? 1 : 0, bundles: bundles?.length ?? 0, signatures: 0 }
}

/** Returns what is wrong with it, where that is the fault of who wrote the evidence. */
async function writeAll(out: string, files: readonly (readonly [string, unknown])[]): Promise<string | undefined> {
  try {
    const texts = files.map(([file, value]) => [file, `${JSON.stringify(value)}\n`] as const)
    for (const [file, text] of texts) await write(out, file, text)
    return undefined
  } catch (error) {
    // What was nested too deeply to be written again: nobody but an attacker makes such a thing.
    if (error instanceof RangeError) return 'its evidence is nested too deeply'
    throw error
  }
}

/** Nothing else is read as a registry's; but that is for another room to change, and here it would be a path. */
function isPlain({ name, version }: LockedPackage): boolean {
  return isPackageName(name) && isVersion(version) && name.length + version.length <= MAX_NAME
}

/** What is behind it (`.signatures.json.UUID.tmp`) has to fit into a name of 255 bytes as well. */
const MAX_NAME = 190

/**
 * Packages whose files would be those of others: `Name` and `name` on many disks, and on all of them one version from two
 * registries, and the signatures of 1.0.0-a and the document of 1.0.0-a.signatures.
 */
function namesThatCollide(packages: readonly LockedPackage[]): ReadonlySet<string> {
  const files = packages.flatMap((pkg) =>
    [documentName(pkg), signaturesName(pkg)].map((file) => ({ file, name: documentName(pkg) })),
  )
  const groups = [...Map.groupBy(files, ({ file }) => file.toLowerCase()).values()]
  return new Set(groups.filter(({ length }) => length > 1).flatMap((those) => those.map(({ name }) => name)))
}

/** Several lockfiles may have an entry, with other digests. What is known of it is in one document. */
function oncePerKey(packages: readonly LockedPackage[]): readonly LockedPackage[] {
  return [...new Map(packages.map((pkg) => [pkg.key, pkg])).values()]
}

function hasSignatures(document: unknown): document is SignatureDocument {
  const { signatures } = (document ?? {}) as Partial<SignatureDocument>
  return Array.isArray(signatures) && signatures.length > 0
}

/** Folders are made one by one: a link in the place of one would lead out of the folder that was named. */
async function write(out: string, name: string, text: string): Promise<void> {
  const file = path.join(out, name)
  try {
    const parts = path.dirname(name).split('/')
    for (const [index] of parts.entries()) {
      const folder = path.join(out, ...parts.slice(0, index + 1))
      await mkdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
      })
      if (folder !== out && !(await lstat(folder)).isDirectory()) throw new Error(`${folder} is a link, or no folder`)
    }
    await replaceFile(file, text)
  } catch (error) {
    throw new GateError(`${file} cannot be written (${(error as Error).message}).`, { cause: error })
  }
}

function tell(
  exported: readonly Exported[],
  packages: readonly LockedPackage[],
  strangers: number,
  out: string,
): ExitStatus {
  const sum = (key: 'documents' | 'bundles' | 'signatures') =>
    exported.reduce((total, each) => total + ('problem' in each ? 0 : each[key]), 0)
  const failed = exported.filter((each) => 'problem' in each).length
  for (const [index, each] of exported.entries()) {
    const about = packages[index]?.key ?? ''
    if ('problem' in each) sayLine(`! ${about}  could not be exported: ${each.problem}`)
    else if (each.note !== undefined) sayLine(`~ ${about}  ${each.note}`)
  }
  const documents = sum('documents')
  const missing = packages.length - failed - documents
  const left = strangers === 0 ? '' : `; ${strangers} from no registry left out`
  sayLine(
    `${count(packages.length)}: ${documents} with attestations, ${missing} without, ${failed} not exported${left}`,
  )
  sayLine(
    `${out}: ${documents} documents, ${sum('bundles')} bundles, ${sum('signatures')} signatures written. Nothing of it was verified: whoever reads it does that.`,
  )
  if (failed === 0) return 0
  sayLine('As a mirror the folder is not complete: it lacks what is named above.')
  return 2
}
