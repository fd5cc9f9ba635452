/*
 * What people hand over in the place of a Sigstore bundle or a trusted root: files that look alike, come from the same
 * tools, or have the right one inside. Nothing of a file is quoted, for a pull request can name any file.
 */

type Fields = Readonly<Record<string, unknown>>

export type Wanted = 'bundle' | 'trusted root'

/** What a file is, and what to do; both are phrases without a full stop. */
export interface Mistaken {
  readonly found: string
  readonly advice: string
}

/**
 * What a file is that is not what was wanted, as far as its form says; undefined where the form is the right one, or none
 * that is known.
 *
 * @param name of the file, for commands
 */
export function mistakenForm(wanted: Wanted, bytes: Buffer, name: string): Mistaken | undefined {
  const file = /^[\w./@+][\w./@:+-]*$/.test(name) ? name : 'FILE'
  const coded = codedAs(bytes)
  if (coded !== undefined) return coded
  const text = withoutMark(bytes.toString('utf8'))
  const whole = parsed(text)
  if (whole !== undefined) return mistakenValue(wanted, whole.value, file)
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  const first = parsed(lines[0] ?? '')
  if (lines.length > 1 && first !== undefined && isObject(first.value) && parsed(lines[1] ?? '') !== undefined)
    return mistakenLines(wanted, lines, first.value, file)
  return plainText(wanted, text, file)
}

/** JSON, for those who wrote it with a byte order mark, too. Undefined where it is none. */
export function parseForm(bytes: Buffer): unknown {
  return parsed(withoutMark(bytes.toString('utf8')))?.value
}

const FILES: Readonly<Record<Wanted, string>> = { bundle: 'bundle.json', 'trusted root': 'trusted_root.json' }

function isWanted(wanted: Wanted, value: unknown): boolean {
  return isObject(value) && (wanted === 'bundle' ? isBundle(value) : isTrustedRoot(value))
}

function mistakenLines(wanted: Wanted, lines: readonly string[], first: Fields, file: string): Mistaken {
  const inside = wantedIn(wanted, first)
  if (inside !== undefined) {
    const command = inside.path === '' ? '' : ` | jq '${inside.path}'`
    return {
      found: `${lines.length} lines of JSON, each with a ${wanted} (gh writes such files)`,
      advice: `one ${wanted}: take the line that you mean, such as the first: sed -n 1p ${file}${command} > ${FILES[wanted]}`,
    }
  }
  const known = knownForm(wanted, first, file)
  return {
    found: `${lines.length} lines of JSON${known === undefined ? '' : `, the first of which is ${known.found}`}`,
    advice: known?.advice ?? `one Sigstore ${wanted}`,
  }
}

function mistakenValue(wanted: Wanted, value: unknown, file: string): Mistaken | undefined {
  if (isWanted(wanted, value)) return undefined
  const inside = wantedIn(wanted, value)
  if (inside !== undefined) {
    const { count, path } = inside
    const holder = Array.isArray(value) ? 'a list' : 'an object, such as the answer of an API,'
    const which = count === 1 ? '' : ', and likewise the others'
    return {
      found: `${holder} with ${count} ${wanted}${count === 1 ? '' : 's'} inside`,
      advice: `the ${wanted} alone: jq '${path}' ${file} > ${FILES[wanted]}${which}`,
    }
  }
  return knownForm(wanted, value, file)
}

/**
 * Where in a value the first one is, as jq calls it, and how many there are: the first that a certificate signs, for a registry's
 * own attestation is by a key and names no publisher. Of bounded work, whatever the value is.
 */
function wantedIn(wanted: Wanted, value: unknown): { readonly path: string; readonly count: number } | undefined {
  let [path, count, left, isSigned] = ['', 0, MOST_LOOKED_AT, false]
  const look = (at: unknown, place: string, depth: number): void => {
    left -= 1
    if (left < 0 || typeof at !== 'object' || at === null) return
    if (isWanted(wanted, at)) {
      if (count === 0 || (!isSigned && hasCertificate(at))) path = place
      isSigned ||= hasCertificate(at)
      count += 1
      return
    }
    if (depth === 0) return
    for (const [key, member] of Object.entries(at).slice(0, MOST_MEMBERS)) {
      if (Array.isArray(at)) look(member, `${place === '' ? '.' : place}[${key}]`, depth - 1)
      else if (/^[A-Za-z_]\w{0,40}$/.test(key)) look(member, `${place}.${key}`, depth - 1)
    }
  }
  look(value, '', 4)
  return count === 0 ? undefined : { path, count }
}

const MOST_LOOKED_AT = 10_000
const MOST_MEMBERS = 1_000

function hasCertificate(value: object): boolean {
  const { verificationMaterial: material } = value as Fields
  return isObject(material) && (isObject(material.certificate) || isObject(material.x509CertificateChain))
}

function isBundle(value: Fields): boolean {
  const { mediaType } = value
  if (typeof mediaType === 'string' && mediaType.startsWith('application/vnd.dev.sigstore.bundle')) return true
  return isObject(value.verificationMaterial) && (has(value, 'dsseEnvelope') || has(value, 'messageSignature'))
}

function isTrustedRoot(value: Fields): boolean {
  const { mediaType } = value
  if (typeof mediaType === 'string' && mediaType.startsWith('application/vnd.dev.sigstore.trustedroot')) return true
  return Array.isArray(value.certificateAuthorities)
}

const HOW_TO_GET_ONE =
  'a Sigstore bundle: gh attestation download, or provenance-gate export for the packages of a lockfile'

/** What is known by its keys. The first that fits. */
const KNOWN: readonly {
  readonly is: (value: Fields) => boolean
  readonly what: string
  /** What to do where a bundle is wanted. */
  readonly advice?: (file: string) => string
}[] = [
  {
    is: isTrustedRoot,
    what: 'a Sigstore trusted root',
    advice: () => 'a bundle here, and the trusted root after --trusted-root',
  },
  { is: isBundle, what: 'a Sigstore bundle' },
  {
    is: (value) => has(value, 'base64Signature', 'cert'),
    what: 'a bundle in the old format of cosign, before version 3',
    advice: (file) =>
      `a Sigstore bundle: cosign bundle create --artifact ARTIFACT --bundle ${file} --out bundle.json, or signed again with cosign 3`,
  },
  {
    is: (value) => has(value, 'SignedEntryTimestamp', 'Payload'),
    what: 'the log entry of a signature of cosign, without the signature',
    advice: () => 'a Sigstore bundle, as cosign 3 writes it',
  },
  {
    is: (value) => has(value, 'payload', 'payloadType', 'signatures'),
    what: 'a signed statement (DSSE envelope) without certificate and log entry, as cosign 2 and slsa-github-generator write it',
    advice: () => 'a Sigstore bundle, which has both; slsa-verifier verifies such a statement',
  },
  { is: (value) => has(value, '_type', 'predicateType'), what: 'an in-toto statement that has no signature' },
  { is: (value) => has(value, 'signed', 'signatures'), what: 'metadata of a TUF repository' },
  { is: (value) => Array.isArray(value.keys), what: 'a list of keys' },
  {
    is: (value) => has(value, 'attestation_bundles') || has(value, 'envelope', 'verification_material'),
    what: "an attestation in PyPI's own form",
    advice: () => 'a Sigstore bundle: Attestation.to_bundle() of the Python package pypi-attestations makes one',
  },
  {
    is: (value) => {
      const [entry, ...others] = Object.values(value)
      return others.length === 0 && isObject(entry) && has(entry, 'body', 'logIndex')
    },
    what: 'an entry of a transparency log',
  },
  {
    is: (value) => Array.isArray(value.attestations),
    what: 'an answer of an attestations API without what was wanted',
    advice: () => HOW_TO_GET_ONE,
  },
  {
    is: (value) => has(value, 'dist-tags') || has(value, 'name', 'dist'),
    what: 'metadata of a package',
    advice: () => 'a Sigstore bundle: provenance-gate export writes those of the packages of a lockfile',
  },
  { is: (value) => has(value, 'schemaVersion', 'mediaType'), what: 'a manifest of a container registry' },
  {
    is: (value) => has(value, 'spdxVersion') || has(value, 'bomFormat'),
    what: 'a bill of materials that has no signature',
  },
  {
    is: (value) => typeof value.message === 'string' || has(value, 'error'),
    what: 'an error that a server has answered',
    advice: () => 'a Sigstore bundle: fetch it once more',
  },
]

function knownForm(wanted: Wanted, value: unknown, file: string): Mistaken | undefined {
  if (Array.isArray(value)) {
    const [first] = value
    const known = isObject(first) ? knownForm(wanted, first, file) : undefined
    const found =
      known === undefined ? `a list of ${value.length}` : `a list of ${value.length}, the first ${known.found}`
    return { found, advice: known?.advice ?? `one Sigstore ${wanted}` }
  }
  if (!isObject(value))
    return { found: value === null ? 'null' : `a ${typeof value}`, advice: `one Sigstore ${wanted}` }
  const known = KNOWN.find(({ is }) => is(value))
  if (known === undefined) return undefined
  const advice = wanted === 'bundle' ? known.advice?.(file) : undefined
  return { found: known.what, advice: advice ?? `a Sigstore ${wanted}` }
}

/** What is no text in UTF-8. */
function codedAs(bytes: Buffer): Mistaken | undefined {
  if (bytes.length === 0) return EMPTY
  const start = bytes.subarray(0, 4).toString('latin1')
  if (start.startsWith('\x1f\x8b'))
    return { found: 'a file that gzip has compressed', advice: 'what gunzip makes of it' }
  if (start.startsWith('PK\x03\x04')) return { found: 'a zip archive', advice: 'a file that is in it' }
  if (start.startsWith('\xff\xfe') || start.startsWith('\xfe\xff'))
    return { found: 'text in UTF-16, as > of Windows PowerShell writes it', advice: 'the same text in UTF-8' }
  return bytes.subarray(0, 1024).includes(0) ? { found: 'binary data', advice: 'one file of JSON' } : undefined
}

function plainText(wanted: Wanted, text: string, file: string): Mistaken {
  const trimmed = text.trim()
  if (trimmed === '') return EMPTY
  const [, label] = /^-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(trimmed.slice(0, 64)) ?? []
  if (label === 'PUBLIC KEY') return { found: 'a public key', advice: 'a bundle here, and the key after --key' }
  if (label !== undefined) {
    const isSignature = label.endsWith('SIGNATURE') || label.endsWith('MESSAGE')
    const what = label === 'CERTIFICATE' ? 'a certificate' : isSignature ? 'a signature of another kind' : 'a key'
    return {
      found: `${what} in PEM`,
      advice: 'a Sigstore bundle, which has the signature, the certificate and the log entry',
    }
  }
  if (trimmed.length <= MOST_SIGNATURE && /^[A-Za-z0-9+/]{40,}={0,2}$/.test(trimmed))
    return {
      found: 'base64, such as a signature alone',
      advice: `a Sigstore bundle: cosign bundle create --artifact ARTIFACT --signature ${file} --certificate CERTIFICATE --out bundle.json`,
    }
  if (trimmed.startsWith('<')) return { found: 'a web page', advice: 'the file itself: download it once more' }
  if (/^[{[]/.test(trimmed.slice(0, 1)))
    return { found: 'JSON that is damaged, or that ends too early', advice: 'whole JSON' }
  return { found: 'text that is no JSON', advice: wanted === 'bundle' ? HOW_TO_GET_ONE : 'one file of JSON' }
}

const EMPTY: Mistaken = { found: 'an empty file', advice: 'a file with something in it' }

/** In characters of base64. */
const MOST_SIGNATURE = 4_000

function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

function parsed(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}

function has(value: Fields, ...keys: readonly string[]): boolean {
  return keys.every((key) => Object.hasOwn(value, key))
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
