import {
  authorityKeyIdentifier,
  basicConstraints,
  extension,
  KEY_USAGE_AUTHORITY,
  KEY_USAGE_SIGNATURE,
  signCertificate,
  subjectKeyIdentifier,
  toBeSigned,
} from './sigstore/certificate.ts'
import { implicit, oid, sequence } from './sigstore/der.ts'
import { generateKey } from './sigstore/keys.ts'

/** Valid for longer than this code will be. */
const PERIOD = { notBefore: new Date('2020-01-01'), notAfter: new Date('2120-01-01') }
const serial = Buffer.from([1])

/** A certificate for 127.0.0.1 that nobody has vouched for. Both are PEM. */
export function selfSigned(): { readonly key: string; readonly cert: string } {
  const key = generateKey('P-384')
  const name = { organization: 'Local', commonName: 'registry' }
  const address = extension('2.5.29.17', sequence(implicit(7, Buffer.from([127, 0, 0, 1]))))
  const extensions = [basicConstraints(undefined), address]
  const content = { serial, issuer: name, subject: name, ...PERIOD, spki: key.spki, extensions }
  return { key: pem(key), cert: pemOf(signCertificate(toBeSigned(content), key)) }
}

/** A certificate for these hosts, and the one of the authority that vouches for it. All are PEM. */
export function issuedFor(hosts: readonly string[]): {
  readonly key: string
  readonly cert: string
  readonly ca: string
} {
  const authority = generateKey('P-384')
  const key = generateKey('P-384')
  const issuer = { organization: 'Local', commonName: 'authority' }
  const root = {
    ...{ serial, issuer, subject: issuer, ...PERIOD, spki: authority.spki },
    extensions: [KEY_USAGE_AUTHORITY, basicConstraints(undefined), subjectKeyIdentifier(authority.spki)],
  }
  const names = hosts.map((host) => implicit(2, Buffer.from(host, 'latin1')))
  const leaf = {
    ...{
      serial: Buffer.from([2]),
      issuer,
      subject: { organization: 'Local', commonName: 'hosts' },
      ...PERIOD,
      spki: key.spki,
    },
    extensions: [
      KEY_USAGE_SIGNATURE,
      extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
      subjectKeyIdentifier(key.spki),
      authorityKeyIdentifier(authority.spki),
      extension('2.5.29.17', sequence(...names)),
    ],
  }
  return {
    key: pem(key),
    cert: pemOf(signCertificate(toBeSigned(leaf), authority)),
    ca: pemOf(signCertificate(toBeSigned(root), authority)),
  }
}

function pem({ privateKey }: ReturnType<typeof generateKey>): string {
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function pemOf(der: Buffer): string {
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}
