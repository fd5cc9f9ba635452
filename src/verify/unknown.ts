import type { Bundle } from '@sigstore/bundle'
import { RFC3161Timestamp, type X509Certificate } from '@sigstore/core'
import type { TrustMaterial, toSignedEntity, VerificationError } from '@sigstore/verify'
import { show } from '../util/text.ts'
import { authorityKeyId, hasAuthority, type OpenDomain } from './domain.ts'
import { isOfUnknownKind } from './log-entry.ts'

type SignedEntity = ReturnType<typeof toSignedEntity>
type LogEntry = SignedEntity['tlogEntries'][number]
type Timestamp = Extract<SignedEntity['timestamps'][number], { $case: 'timestamp-authority' }>['timestamp']
type Log = TrustMaterial['tlogs'][number]

/**
 * What a bundle names that the trust root does not have: an authority, a log or a key. A root is older than what was set up
 * after it, so that this says nothing about the bundle; everything else that does not hold does.
 *
 * To be called where the library refused, with its error. Undefined where the trust root has all that the error is about.
 */
export function unknownOf(
  { key, tlogEntries, timestamps }: SignedEntity,
  error: VerificationError,
  { material, keyIds, among }: OpenDomain,
): string | undefined {
  if (key.$case === 'public-key') {
    if (error.code === 'PUBLIC_KEY_ERROR' && !hasKey(material, key.hint) && keyIds?.has(key.hint) !== true)
      return `signed with the key ${show(key.hint)}, which the trust root does not have`
  } else {
    const authority = authorityKeyId(key.certificate)
    if (authority !== undefined && !hasAuthority(material, authority))
      return `a certificate of the authority ${authority.toString('hex')}, which no trust root has (${among.join(', ')})`
    if (error.code === 'CERTIFICATE_ERROR' && error.message === 'SCT verification failed') {
      const log = certificateLogs(key.certificate).find((id) => !hasLog(material.ctlogs, id))
      if (log !== undefined) return `a certificate of the certificate log ${log.toString('hex')}, ${NOT_THERE}`
    }
  }
  const entry = tlogEntries.find((each) => !isOfKnownLog(each, material))
  if (ENTRY_ERRORS.has(error.code) && entry !== undefined) return `an entry of the log ${logName(entry)}, ${NOT_THERE}`
  const kind = tlogEntries.find(isOfUnknownKind)?.kindVersion
  if (error.code === 'TLOG_BODY_ERROR' && kind !== undefined)
    return `a log entry of the kind ${show(kind.kind)} ${show(kind.version)}, which this gate does not know`
  const isStrange = timestamps.some(
    (each) => each.$case === 'timestamp-authority' && !isOfKnownAuthority(each.timestamp, material),
  )
  return error.code === 'TIMESTAMP_ERROR' && isStrange ? `a timestamp of an authority, ${NOT_THERE}` : undefined
}

/**
 * A bundle without the log entries and timestamps of whom the trust root does not have, where enough of the others is left: they
 * count for nothing, and whoever made the bundle could have left them out. The library refuses the whole bundle for one of them.
 * The same bundle where there is nothing to leave out.
 */
export function withoutStrangers(bundle: Bundle, { material, thresholds }: OpenDomain): Bundle {
  const entries: readonly LogEntry[] = bundle.verificationMaterial.tlogEntries
  const stamps = bundle.verificationMaterial.timestampVerificationData?.rfc3161Timestamps ?? []
  const known = entries.filter((each) => isOfKnownLog(each, material))
  const tlogEntries = known.length >= Math.max(1, thresholds.logEntries) ? known : entries
  // The times that the library counts: `toSignedEntity` takes no entry without one.
  const isTimed = tlogEntries.some(
    ({ inclusionPromise, integratedTime }) => inclusionPromise && integratedTime && integratedTime !== '0',
  )
  const stamped = stamps.filter(({ signedTimestamp }) => isNoStranger(signedTimestamp, material))
  const isEnough = stamped.length >= Math.max(isTimed ? 0 : 1, thresholds.signedTimestamps)
  const rfc3161Timestamps = isEnough ? stamped : stamps
  if (tlogEntries.length === entries.length && rfc3161Timestamps.length === stamps.length) return bundle
  return {
    ...bundle,
    verificationMaterial: {
      ...bundle.verificationMaterial,
      tlogEntries: [...tlogEntries],
      timestampVerificationData: { rfc3161Timestamps },
    },
  }
}

/** Of what cannot be read nobody knows whose it is: it stays, and is refused. */
function isNoStranger(timestamp: Buffer, material: TrustMaterial): boolean {
  try {
    return isOfKnownAuthority(RFC3161Timestamp.parse(Buffer.from(timestamp)), material)
  } catch {
    return true
  }
}

const NOT_THERE = 'which the trust root does not have'

/** With which of these the library says that an entry is not one of a log. */
const ENTRY_ERRORS: ReadonlySet<VerificationError['code']> = new Set([
  'TLOG_ERROR',
  'TLOG_INCLUSION_PROOF_ERROR',
  'TLOG_INCLUSION_PROMISE_ERROR',
  'TLOG_MISSING_INCLUSION_ERROR',
])

function isOfKnownLog({ logId }: LogEntry, { tlogs }: TrustMaterial): boolean {
  return hasLog(tlogs, logId.keyId)
}

/** As the library looks for it: by issuer and serial number of the certificate that signed. */
function isOfKnownAuthority(timestamp: Timestamp, { timestampAuthorities }: TrustMaterial): boolean {
  const { signerIssuer, signerSerialNumber } = timestamp
  return timestampAuthorities.some(
    ({ certChain: [leaf] }) => leaf?.issuer.equals(signerIssuer) && leaf.serialNumber.equals(signerSerialNumber),
  )
}

function hasLog(logs: readonly Log[], id: Buffer): boolean {
  return logs.some(({ logID }) => logID.equals(id))
}

function hasKey({ publicKey }: TrustMaterial, hint: string): boolean {
  try {
    publicKey(hint)
    return true
  } catch {
    return false
  }
}

function certificateLogs(certificate: X509Certificate): readonly Buffer[] {
  return certificate.extSCT?.signedCertificateTimestamps.map(({ logID }) => logID) ?? []
}

/** Its id, and the name that its checkpoint has: by it people find out which log it is. Nobody has signed either. */
function logName({ logId, inclusionProof }: LogEntry): string {
  const [name = ''] = (inclusionProof?.checkpoint?.envelope ?? '').split('\n', 1)
  const id = show(logId.keyId.toString('hex'))
  return name === '' ? id : `${show(name)} (${id})`
}
