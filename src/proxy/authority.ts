import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import 'reflect-metadata'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/**
 * Who vouches for the proxy in the place of hosts: made for one run, and known to nobody but the package manager that is
 * given its certificate. The key is in this process's memory alone.
 */
export interface Authority {
  /** PEM. */
  readonly certificate: string
  /** A key and a certificate for a host name or an IP address, both PEM. The same ones for the same host. */
  issue(host: string): Promise<{ readonly key: string; readonly cert: string }>
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const DAY = 24 * 60 * 60 * 1000

/** Valid from the day before, for clocks differ, and for as long as the longest install. */
export async function makeAuthority(now: Date): Promise<Authority> {
  const period = { notBefore: new Date(now.getTime() - DAY), notAfter: new Date(now.getTime() + 2 * DAY) }
  const own = await webcrypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify'])
  const name = 'CN=provenance-gate (this run only)'
  const root = await X509CertificateGenerator.createSelfSigned({
    ...period,
    serialNumber: serial(),
    name,
    keys: own,
    signingAlgorithm: ALGORITHM,
    extensions: [
      // Of length 0: nobody can issue for it.
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(own.publicKey),
    ],
  })
  // One key for all hosts: it is as secret as any, and as short-lived.
  const leaf = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const key = pem('PRIVATE KEY', await webcrypto.subtle.exportKey('pkcs8', leaf.privateKey))
  const issued = new Map<string, Promise<{ readonly key: string; readonly cert: string }>>()

  async function issueFor(host: string): Promise<{ readonly key: string; readonly cert: string }> {
    const certificate = await X509CertificateGenerator.create({
      ...period,
      serialNumber: serial(),
      // Without a name of its own: the alternative names alone count, and a host may be longer than a name can be.
      subject: '',
      issuer: name,
      publicKey: leaf.publicKey,
      signingKey: own.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension([{ type: isIP(host) === 0 ? 'dns' : 'ip', value: host }], true),
        await AuthorityKeyIdentifierExtension.create(own.publicKey),
        await SubjectKeyIdentifierExtension.create(leaf.publicKey),
      ],
    })
    return { key, cert: certificate.toString('pem') }
  }

  return {
    certificate: root.toString('pem'),
    issue: (host) => {
      const found = issued.get(host) ?? issueFor(host)
      issued.set(host, found)
      return found
    },
  }
}

/** Positive, and of the 20 bytes at most that RFC 5280 has for it. */
function serial(): string {
  return `40${randomBytes(15).toString('hex')}`
}

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
