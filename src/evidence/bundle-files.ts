import { asRecord } from './files.ts'

/** A bundle of an attestation document, and the file that it becomes. */
export interface BundleFile {
  readonly kind: 'provenance' | 'publish' | 'release' | 'attestation'
  /** `provenance.sigstore.json`; a second one is `provenance-2.sigstore.json`. */
  readonly name: string
  readonly bundle: object
}

/** As many as the gate looks at: a document of 4 MB could become a million files. */
export const MAX_BUNDLES = 16

/** The bundles of a document that nobody has verified. Undefined where it is not a list of some. */
export function bundleFiles(document: unknown): readonly BundleFile[] | undefined {
  const { attestations } = asRecord(document)
  if (!Array.isArray(attestations) || attestations.length > MAX_BUNDLES) return undefined
  const files: BundleFile[] = []
  for (const attestation of attestations) {
    const { bundle } = asRecord(attestation)
    if (typeof bundle !== 'object' || bundle === null || Array.isArray(bundle)) return undefined
    const kind = kindOf(bundle)
    const before = files.filter((each) => each.kind === kind).length
    files.push({ kind, name: `${kind}${before === 0 ? '' : `-${before + 1}`}.sigstore.json`, bundle })
  }
  return files
}

/** By what is signed, not by what stands beside it: a file must not be called what it is not. */
function kindOf(bundle: object): BundleFile['kind'] {
  const { payload } = asRecord(asRecord(bundle).dsseEnvelope)
  if (typeof payload !== 'string') return 'attestation'
  try {
    const { predicateType } = asRecord(JSON.parse(Buffer.from(payload, 'base64').toString('utf8')))
    if (typeof predicateType !== 'string') return 'attestation'
    if (predicateType.startsWith('https://slsa.dev/provenance/')) return 'provenance'
    if (predicateType.startsWith('https://in-toto.io/attestation/release/')) return 'release'
    return predicateType.startsWith('https://github.com/npm/attestation/tree/main/specs/publish/')
      ? 'publish'
      : 'attestation'
  } catch {
    return 'attestation'
  }
}
