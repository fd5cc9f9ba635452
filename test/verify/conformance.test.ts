import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { describe, test } from 'node:test'
import { bundleFromJSON } from '@sigstore/bundle'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import type { RefusalCode } from '../../src/codes.ts'
import { loadDomains } from '../../src/trust/load.ts'
import { openDomain } from '../../src/verify/domain.ts'
import { verifySignature } from '../../src/verify/signature.ts'
import { createDocumentVerifier } from '../../src/verify/verify.ts'
import type { SerializedBundleJSON, TrustedRootJSON } from '../support/sigstore/index.ts'
import { corpusFile, LATER, listCorpus, readCorpus, skip } from './corpus.ts'
import { documentOf, domainOf, locked, refused, statementOf } from './support.ts'

// The conformance suite of Sigstore's clients, https://github.com/sigstore/sigstore-conformance. Its bundles are about
// files and not about packages, so the gate must refuse all of them; those with a DSSE envelope for the right reason.

const DSSE: ReadonlyMap<string, RefusalCode> = new Map([
  // Two good signatures over the same payload, of which the log has the other one.
  ['dsse-mismatch-sig_fail', 'LOG_ENTRY_INVALID'],
  ['dsse-invalid-sig_fail', 'SIGNATURE_INVALID'],
  ['intoto-log-entry-mismatch_fail', 'LOG_ENTRY_INVALID'],
  ['intoto-set-outside-signing-cert-validity_fail', 'CERTIFICATE_UNTRUSTED'],
  ['intoto-with-custom-trust-root', 'SUBJECT_MISMATCH'],
  ['rekor2-dsse-invalid-sig_fail', 'SIGNATURE_INVALID'],
  ['rekor2-dsse-mismatch-sig_fail', 'LOG_ENTRY_INVALID'],
])

describe('bundles of the conformance suite', async () => {
  const cases = skip
    ? [...DSSE.keys()]
    : listCorpus('conformance', 'bundle-verify').filter((name) => existsSync(bundleFile(name)))

  test('those with an envelope are known', { skip }, () => {
    assert.deepEqual(
      cases.filter((name) => read(name).dsseEnvelope !== undefined),
      [...DSSE.keys()].sort(),
    )
  })

  for (const name of cases) {
    test(name, { skip }, async () => {
      const bundle = read(name)
      const trust = await loadDomains({ trustedRoot: trustedRoot(name) }, { now: LATER })
      const verify = createDocumentVerifier(trust)
      refused(verify(locked(), documentOf(bundle), LATER), DSSE.get(name) ?? 'EVIDENCE_MALFORMED')
      if (bundle.dsseEnvelope === undefined) return

      // Nor is it a package under the name that the statement does have.
      const [subject] = statementOf(bundle).subject
      const pkg = locked({ name: subject?.name ?? assert.fail(), version: '' })
      assert.ok(!verify(pkg, documentOf(bundle), LATER).ok)
    })
  }

  test('an envelope that is in order fails only on its subject', { skip }, async () => {
    const name = 'intoto-with-custom-trust-root'
    const material = toTrustMaterial(
      TrustedRoot.fromJSON(readCorpus<TrustedRootJSON>(...path(name), 'trusted_root.json')),
    )
    const result = verifySignature(bundleFromJSON(read(name)), openDomain(domainOf(material)), LATER)
    assert.ok(result.ok)
  })
})

function path(name: string): [string, string, string] {
  return ['conformance', 'bundle-verify', name]
}

function bundleFile(name: string): string {
  return corpusFile(...path(name), 'bundle.sigstore.json')
}

function trustedRoot(name: string): string | undefined {
  const file = corpusFile(...path(name), 'trusted_root.json')
  return existsSync(file) ? file : undefined
}

function read(name: string): SerializedBundleJSON {
  return readCorpus(...path(name), 'bundle.sigstore.json')
}
