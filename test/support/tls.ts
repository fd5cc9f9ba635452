import { basicConstraints, extension, signCertificate, toBeSigned } from './sigstore/certificate.ts'
import { implicit, sequence } from './sigstore/der.ts'
import { generateKey } from './sigstore/keys.ts'

/** A certificate for 127.0.0.1, or for these hosts, that nobody has vouched for, valid for longer than this code will be. PEM. */
export function selfSigned(hosts: readonly string[] = []): { readonly key: string; readonly cert: string } {
  const key = generateKey('P-384')
  const name = { organization: 'Local', commonName: 'registry' }
  const names = hosts.map((host) => implicit(2, Buffer.from(host, 'latin1')))
  const address = extension('2.5.29.17', sequence(implicit(7, Buffer.from([127, 0, 0, 1])), ...names))
  const period = { notBefore: new Date('2020-01-01'), notAfter: new Date('2120-01-01') }
  const extensions = [basicConstraints(undefined), address]
  const content = { serial: Buffer.from([1]), issuer: name, subject: name, ...period, spki: key.spki, extensions }
  const der = signCertificate(toBeSigned(content), key)
  const lines = der.toString('base64').replaceAll(/(.{64})/g, '$1\n')
  return {
    key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  }
}
