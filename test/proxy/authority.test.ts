import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { makeAuthority } from '../../src/proxy/authority.ts'

const NOW = new Date('2026-03-01T12:00:00Z')

describe('an authority for one run', async () => {
  const authority = await makeAuthority(NOW)
  const root = new X509Certificate(authority.certificate)

  it('vouches for hosts and addresses, and for nothing else', async () => {
    for (const [host, altName] of [
      ['registry.npmjs.org', 'DNS:registry.npmjs.org'],
      ['127.0.0.1', 'IP Address:127.0.0.1'],
      ['::1', 'IP Address:0:0:0:0:0:0:0:1'],
      [`${'long-'.repeat(12)}name.${'example.'.repeat(20)}test`, undefined],
    ] as const) {
      const { cert } = await authority.issue(host)
      const leaf = new X509Certificate(cert)
      assert.ok(leaf.checkIssued(root) && leaf.verify(root.publicKey), host)
      assert.equal(leaf.ca, false)
      assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1'])
      if (altName !== undefined) assert.equal(leaf.subjectAltName, altName)
      else assert.equal(leaf.checkHost(host), host)
    }
  })

  it('is valid for days, and issues nothing that is valid for longer', async () => {
    const leaf = new X509Certificate((await authority.issue('registry.test')).cert)
    for (const certificate of [root, leaf]) {
      assert.ok(certificate.validFromDate < NOW)
      assert.ok(certificate.validToDate.getTime() - NOW.getTime() <= 3 * 24 * 60 * 60 * 1000)
    }
  })

  it('issues the same certificate for a host each time', async () => {
    const [first, second] = await Promise.all([authority.issue('a.test'), authority.issue('a.test')])
    assert.equal(first.cert, second.cert)
    assert.notEqual(first.cert, (await authority.issue('b.test')).cert)
  })

  it('is another one in each run', async () => {
    const other = await makeAuthority(NOW)
    assert.notEqual(other.certificate, authority.certificate)
    const leaf = new X509Certificate((await other.issue('a.test')).cert)
    assert.equal(leaf.verify(root.publicKey), false)
  })
})
