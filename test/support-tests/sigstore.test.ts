import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { describe, test } from 'node:test'
import { ValidationError } from '@sigstore/bundle'
import { X509Certificate as Certificate, EXTENSION_OID_SCT } from '@sigstore/core'
import { VerificationError } from '@sigstore/verify'
import { leafContent } from '../support/sigstore/authority.ts'
import { toBeSigned } from '../support/sigstore/certificate.ts'
import { entryBody } from '../support/sigstore/entry.ts'
import {
  genuineBundle,
  genuineBundles,
  genuineDocument,
  genuineIssuerKey,
  genuineNpmKey,
  genuineNpmKeys,
  genuineTrustedRoot,
  skipGenuine,
} from '../support/sigstore/genuine.ts'
import { resolveIdentity, type WorkflowIdentity } from '../support/sigstore/identity.ts'
import {
  createSigstore,
  type ProvenanceOptions,
  type PublishOptions,
  type SerializedBundleJSON,
} from '../support/sigstore/index.ts'
import { changed, claimsOf, entryOf, extensionIds, leafOf, payloadOf, proofOf } from '../support/sigstore/inspect.ts'
import { npmKeyId } from '../support/sigstore/keys.ts'
import { MerkleTree } from '../support/sigstore/merkle.ts'
import { provenanceStatement, publishStatement } from '../support/sigstore/statement.ts'
import { stockVerifier } from '../support/sigstore/stock.ts'

const NOW = new Date('2026-03-01T12:00:00.500Z')
const integrity = `sha512-${createHash('sha512').update('tarball').digest('base64')}`
const widgets = { name: '@acme/widgets', version: '1.2.3', integrity, now: NOW }
const WORKFLOW_URI = 'https://github.com/acme/widgets/.github/workflows/release.yml@refs/heads/main'

const sigstore = await createSigstore({ now: NOW })
const verify = stockVerifier(sigstore)

function refuses(bundle: SerializedBundleJSON, code: VerificationError['code'], by = verify): void {
  assert.throws(
    () => by(bundle),
    (error) => error instanceof VerificationError && error.code === code,
    `expected ${code}`,
  )
}

function minutesLater(minutes: number): Date {
  return new Date(NOW.getTime() + minutes * 60_000)
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

describe('a local Sigstore satisfies the stock verifier', () => {
  for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
    for (const entryKind of ['intoto', 'dsse'] as const) {
      for (const legacyClaims of [true, false]) {
        const predicate = legacyClaims ? 'v0.2' : 'v1'
        test(`provenance ${predicate}, ${legacyClaims ? 'old' : 'new'} claims, bundle ${bundleVersion}, ${entryKind}`, async () => {
          const options = { ...widgets, bundleVersion, entryKind, legacyClaims, predicate } as const
          const { identity } = verify(await sigstore.provenance(options))
          assert.equal(identity?.extensions?.issuer, 'https://token.actions.githubusercontent.com')
          assert.equal(identity?.subjectAlternativeName, WORKFLOW_URI)
        })
      }
      test(`publish attestation, bundle ${bundleVersion}, ${entryKind}`, async () => {
        assert.equal(verify(await sigstore.publish({ ...widgets, bundleVersion, entryKind })).identity, undefined)
      })
    }
  }

  test('documents, which are plain JSON', async () => {
    const document = await sigstore.document({ ...widgets, bundleVersion: '0.1', withoutProof: true })
    assert.deepEqual(JSON.parse(JSON.stringify(document)), document)
    for (const { bundle } of document.attestations) verify(bundle)
  })

  test('documents of which one attestation is different', async () => {
    const { attestations } = await sigstore.document({
      ...widgets,
      predicateOverrides: { buildDefinition: {} },
      publish: { version: '9.9.9' },
    })
    const [publish, provenance] = attestations.map(({ bundle }) => JSON.parse(payloadOf(bundle)).subject[0].name)
    assert.equal(publish, 'pkg:npm/%40acme/widgets@9.9.9')
    assert.equal(provenance, 'pkg:npm/%40acme/widgets@1.2.3')
  })

  test('nobody else trusts it', async () => {
    const other = stockVerifier(await createSigstore({ now: NOW }))
    refuses(await sigstore.provenance(widgets), 'CERTIFICATE_ERROR', other)
    refuses(await sigstore.publish(widgets), 'PUBLIC_KEY_ERROR', other)
  })
})

describe('certificates', () => {
  test('are chained like those of Fulcio, each with its own key and serial number', async () => {
    const [first, second] = await Promise.all([sigstore.provenance(widgets), sigstore.provenance(widgets)])
    const [leaf, next] = [new X509Certificate(leafOf(first)), new X509Certificate(leafOf(second))]
    const [intermediate, root] = (sigstore.trustedRoot.certificateAuthorities[0]?.certChain.certificates ?? []).map(
      ({ rawBytes }) => new X509Certificate(Buffer.from(rawBytes, 'base64')),
    )
    assert.ok(intermediate && root)
    for (const [certificate, issuer] of [
      [leaf, intermediate],
      [intermediate, root],
      [root, root],
    ] as const) {
      assert.ok(issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))
      assert.equal(issuer.publicKey.asymmetricKeyDetails?.namedCurve, 'secp384r1')
    }
    assert.equal(leaf.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1')
    assert.equal(leaf.ca, false)
    assert.equal(leaf.validFromDate.toISOString(), '2026-03-01T12:00:00.000Z')
    assert.equal(leaf.validToDate.toISOString(), '2026-03-01T12:10:00.000Z')
    assert.notEqual(leaf.serialNumber, next.serialNumber)
    assert.ok(!leaf.publicKey.equals(next.publicKey))
  })

  test('can hold every claim', async () => {
    const identity = { environment: 'npm', tokenSubject: 'repo:acme/widgets:environment:npm' }
    const claims = claimsOf(leafOf(await sigstore.provenance({ ...widgets, identity })))
    assert.deepEqual([...claims.keys()], [...range(1, 6), ...range(8, 24)])
    assert.equal(claims.get(5), 'acme/widgets')
    assert.equal(claims.get(12), 'https://github.com/acme/widgets')
    assert.equal(claims.get(16), 'https://github.com/acme')
    assert.equal(claims.get(23), 'npm')
    const legacy = claimsOf(leafOf(await sigstore.provenance({ ...widgets, identity, legacyClaims: true })))
    assert.deepEqual([...legacy.keys()], range(1, 6))
  })

  test('tell a reusable workflow from the one that calls it', async () => {
    const buildSignerUri = 'https://github.com/acme/ci/.github/workflows/publish.yml@refs/tags/v2'
    const bundle = await sigstore.provenance({ ...widgets, identity: { buildSignerUri } })
    const claims = claimsOf(leafOf(bundle))
    assert.equal(verify(bundle).identity?.subjectAlternativeName, buildSignerUri)
    assert.equal(claims.get(9), buildSignerUri)
    assert.equal(claims.get(18), WORKFLOW_URI)
  })
})

describe('the transparency log', () => {
  test('proves every leaf of trees of every size', () => {
    const sha256 = (...parts: Buffer[]) => createHash('sha256').update(Buffer.concat(parts)).digest()
    const tree = new MerkleTree()
    for (const size of range(1, 40)) {
      tree.append(Buffer.from([size - 1]))
      for (const leaf of range(0, size - 1)) {
        // The verifier's side as RFC 9162, 2.1.3.2, has it; the tree follows the definitions of RFC 6962.
        let [index, last, hash] = [leaf, size - 1, sha256(Buffer.from([0, leaf]))]
        for (const sibling of tree.proof(leaf, size)) {
          const isRight = index % 2 === 1 || index === last
          hash = isRight ? sha256(Buffer.from([1]), sibling, hash) : sha256(Buffer.from([1]), hash, sibling)
          while (isRight && index % 2 === 0 && index > 0) [index, last] = [index >> 1, last >> 1]
          ;[index, last] = [index >> 1, last >> 1]
        }
        assert.equal(last, 0)
        assert.deepEqual(hash, tree.root(size), `leaf ${leaf} of ${size}`)
      }
    }
    assert.throws(() => tree.proof(40), RangeError)
    assert.throws(() => tree.proof(0, 41), RangeError)
  })

  test('proves with every single hash', async () => {
    for (const bundle of [await sigstore.provenance(widgets), await sigstore.provenance(widgets)]) {
      verify(bundle)
      assert.notEqual(entryOf(bundle).logIndex, proofOf(bundle).logIndex, 'log and tree count differently')
      assert.ok(proofOf(bundle).hashes.length > 5)
      for (const [i, genuine] of proofOf(bundle).hashes.entries()) {
        const hash = Buffer.from(genuine, 'base64')
        hash.writeUInt8(hash.readUInt8() ^ 1)
        const flipped = changed(bundle, (copy) => proofOf(copy).hashes.splice(i, 1, hash.toString('base64')))
        refuses(flipped, 'TLOG_INCLUSION_PROOF_ERROR')
      }
    }
  })

  test('signs its checkpoints', async () => {
    const [bundle, other] = [await sigstore.provenance(widgets), await sigstore.provenance(widgets)]
    const forged = changed(bundle, (copy) => {
      const { checkpoint } = proofOf(copy)
      checkpoint.envelope = checkpoint.envelope.replace(/\n\d+\n/, '\n99999999\n')
    })
    refuses(forged, 'TLOG_INCLUSION_PROOF_ERROR')
    const mixed = changed(bundle, (copy) => {
      entryOf(copy).inclusionProof = proofOf(other)
    })
    refuses(mixed, 'TLOG_INCLUSION_PROOF_ERROR')
  })

  test('vouches for the time and the content of an entry', async () => {
    const [bundle, other] = [await sigstore.provenance(widgets), await sigstore.provenance(widgets)]
    const later = changed(bundle, (copy) => {
      entryOf(copy).integratedTime = String(Number(entryOf(copy).integratedTime) + 1)
    })
    refuses(later, 'TLOG_INCLUSION_PROMISE_ERROR')
    const borrowed = changed(bundle, ({ verificationMaterial }) => {
      verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries
    })
    refuses(borrowed, 'TLOG_BODY_ERROR')
  })
})

describe('on request, the stock verifier refuses', () => {
  const invalid: [string, Partial<ProvenanceOptions>, VerificationError['code']][] = [
    ['a certificate without SCT', { withoutSct: true }, 'CERTIFICATE_ERROR'],
    ['a 0.2 bundle without a signed time', { withoutPromise: true, bundleVersion: '0.2' }, 'TIMESTAMP_ERROR'],
    ['a 0.3 bundle without a signed time', { withoutPromise: true }, 'TIMESTAMP_ERROR'],
    ['a time after the certificate', { integratedTime: minutesLater(11) }, 'CERTIFICATE_ERROR'],
    ['a time before the certificate', { integratedTime: minutesLater(-1) }, 'CERTIFICATE_ERROR'],
    [
      'a time after a certificate of one minute',
      { certificateLifetimeMinutes: 1, integratedTime: minutesLater(2) },
      'CERTIFICATE_ERROR',
    ],
    ['a time before the authority', { now: new Date('2020-01-01') }, 'CERTIFICATE_ERROR'],
  ]
  for (const [what, options, code] of invalid) {
    test(what, async () => refuses(await sigstore.provenance({ ...widgets, ...options }), code))
  }

  const malformed: [string, Partial<ProvenanceOptions>][] = [
    ['a 0.1 bundle without promise', { bundleVersion: '0.1', withoutPromise: true }],
    ['a 0.2 bundle without proof', { bundleVersion: '0.2', withoutProof: true }],
    ['a 0.3 bundle without proof', { bundleVersion: '0.3', withoutProof: true }],
  ]
  for (const [what, options] of malformed) {
    test(what, async () => {
      const bundle = await sigstore.provenance({ ...widgets, ...options })
      assert.throws(() => verify(bundle), ValidationError)
    })
  }

  test('another payload, payload type or certificate than was signed', async () => {
    const bundle = await sigstore.provenance({ ...widgets, payloadType: 'text/plain' })
    verify(bundle)
    const retyped = changed(bundle, ({ dsseEnvelope }) => {
      dsseEnvelope.payloadType = 'application/vnd.in-toto+json'
    })
    refuses(retyped, 'SIGNATURE_ERROR')
    const rewritten = changed(bundle, ({ dsseEnvelope }) => {
      dsseEnvelope.payload = Buffer.from('{}').toString('base64')
    })
    refuses(rewritten, 'TLOG_BODY_ERROR')
    const rawBytes = leafOf(await sigstore.provenance(widgets)).toString('base64')
    const recertified = changed(bundle, ({ verificationMaterial }) => {
      verificationMaterial.certificate = { rawBytes }
    })
    refuses(recertified, 'SIGNATURE_ERROR')
  })

  test('certificates of an unknown log, or of an authority whose time is over', async () => {
    const bundle = await sigstore.provenance(widgets)
    const { npmKeys, trustedRoot } = sigstore
    const unlogged = { npmKeys, trustedRoot: { ...trustedRoot, ctlogs: [] } }
    refuses(bundle, 'CERTIFICATE_ERROR', stockVerifier(unlogged))
    const ended = changed({ npmKeys, trustedRoot }, (copy) => {
      for (const { validFor } of copy.trustedRoot.certificateAuthorities) validFor.end = '2026-02-28T00:00:00Z'
    })
    refuses(bundle, 'CERTIFICATE_ERROR', stockVerifier(ended))
  })

  test('registry keys outside of their validity or usage', async () => {
    const [began, expired, rotated] = [new Date('2019-01-01'), new Date('2025-01-29'), new Date('2025-01-13')]
    const rotation = await createSigstore({
      now: NOW,
      npmKeys: [{ start: began, end: expired }, { start: rotated }, { start: rotated, usages: ['npm:signatures'] }],
    })
    const check = stockVerifier(rotation)
    const publish = (options: Partial<PublishOptions>) => rotation.publish({ ...widgets, ...options })
    check(await publish({ npmKey: 0, now: new Date('2024-06-01') }))
    check(await publish({ npmKey: 1 }))
    refuses(await publish({ npmKey: 0 }), 'PUBLIC_KEY_ERROR', check)
    refuses(await publish({ npmKey: 1, now: new Date('2024-06-01') }), 'PUBLIC_KEY_ERROR', check)
    refuses(await publish({ npmKey: 2 }), 'PUBLIC_KEY_ERROR', check)
    // Within the key's time, but before there was a log.
    refuses(await publish({ npmKey: 0, now: new Date('2020-01-01') }), 'TLOG_INCLUSION_PROMISE_ERROR', check)
    await assert.rejects(publish({ npmKey: 3 }), RangeError)
  })
})

describe('on request, the stock verifier accepts what only this project can refuse', () => {
  test('a statement that lies', async () => {
    const bundle = await sigstore.provenance({
      ...widgets,
      predicateOverrides: { runDetails: { builder: { id: 'https://evil.example' }, metadata: undefined } },
      statementOverrides: (statement) => ({ ...statement, subject: [] }),
    })
    verify(bundle)
    const { predicate, subject } = JSON.parse(payloadOf(bundle))
    assert.deepEqual(predicate.runDetails, { builder: { id: 'https://evil.example' } })
    assert.equal(predicate.buildDefinition.externalParameters.workflow.repository, 'https://github.com/acme/widgets')
    assert.deepEqual(subject, [])
  })

  test('claims that contradict the statement, and claims that are missing', async () => {
    const bundle = await sigstore.provenance({
      ...widgets,
      claims: { 12: 'https://github.com/evil/widgets', 15: null },
    })
    verify(bundle)
    const claims = claimsOf(leafOf(bundle))
    assert.equal(claims.get(12), 'https://github.com/evil/widgets')
    assert.ok(!claims.has(15))
  })

  test('a person', async () => {
    const emailIdentity = 'someone@example.com'
    const bundle = await sigstore.publish({ ...widgets, signWith: 'certificate', emailIdentity })
    assert.equal(verify(bundle).identity?.subjectAlternativeName, emailIdentity)
    const issuer = 'https://github.com/login/oauth'
    assert.deepEqual(
      [...claimsOf(leafOf(bundle))],
      [
        [1, issuer],
        [8, issuer],
      ],
    )
  })

  test('provenance that the registry signed', async () => {
    assert.equal(verify(await sigstore.provenance({ ...widgets, signWith: 'registry-key' })).identity, undefined)
  })

  test('a 0.1 bundle without proof, a certificate that lives for an hour', async () => {
    verify(await sigstore.provenance({ ...widgets, bundleVersion: '0.1', withoutProof: true }))
    const late = { certificateLifetimeMinutes: 60, integratedTime: minutesLater(59) }
    verify(await sigstore.provenance({ ...widgets, ...late }))
  })
})

describe('compared with genuine documents', () => {
  // Skipped one by one, so that the summary counts what was not checked.
  const compare = (name: string, check: () => void | Promise<void>) => test(name, { skip: skipGenuine }, check)

  compare('leaf certificates are the same byte for byte', () => {
    const bundles = genuineBundles().filter(({ bundle }) => !bundle.verificationMaterial.publicKey)
    assert.ok(bundles.length > 10)
    for (const { file, bundle } of bundles) {
      const certificate = Certificate.parse(leafOf(bundle))
      const identity = certificate.subjectAltName ?? assert.fail(file)
      const promise = certificate.extensions.find(({ subs }) => subs[0]?.toOID() === EXTENSION_OID_SCT)
      const rebuilt = leafContent(
        {
          serial: certificate.serialNumber,
          issuer: { organization: 'sigstore.dev', commonName: 'sigstore-intermediate' },
          issuerSpki: genuineIssuerKey(),
          subject: identity.startsWith('https://') ? { uri: identity } : { email: identity },
          claims: claimsOf(leafOf(bundle)),
          notBefore: certificate.notBefore,
          lifetimeMinutes: 10,
          spki: certificate.publicKey,
        },
        promise?.toDER() ?? assert.fail(file),
      )
      assert.deepEqual(toBeSigned(rebuilt), certificate.tbsCertificate.toDER(), file)
    }
  })

  compare('certificates have the same extensions in the same order', async () => {
    const person = genuineBundles().find(({ file }) => file.startsWith('foreign-signer'))?.bundle ?? assert.fail()
    for (const [ours, theirs] of [
      [await sigstore.provenance(widgets), genuineBundle('@playwright/cli@0.1.1', 'provenance')],
      [await sigstore.provenance({ ...widgets, legacyClaims: true }), genuineBundle('tuf-js@1.0.0', 'provenance')],
      [await sigstore.provenance({ ...widgets, emailIdentity: 'someone@example.com' }), person],
    ] as const) {
      assert.deepEqual(extensionIds(leafOf(ours)), extensionIds(leafOf(theirs)))
    }
    const [ours, theirs] = [sigstore.trustedRoot, genuineTrustedRoot()].map(({ certificateAuthorities }) =>
      certificateAuthorities
        .at(-1)
        ?.certChain.certificates.map(({ rawBytes }) => extensionIds(Buffer.from(rawBytes, 'base64'))),
    )
    assert.deepEqual(ours, theirs)
  })

  compare('log entries are the same byte for byte', () => {
    // The intoto entries of early 2023 digest the envelope in another form, which nothing verifies and we do not write.
    const bundles = genuineBundles().filter(({ bundle }) => Number(entryOf(bundle).integratedTime) > 1_700_000_000)
    assert.ok(bundles.length >= 6)
    for (const { file, bundle } of bundles) {
      const { kindVersion, canonicalizedBody } = entryOf(bundle)
      const { publicKey } = bundle.verificationMaterial
      const verifier = publicKey
        ? ({ label: 'PUBLIC KEY', der: genuineNpmKey(publicKey.hint) } as const)
        : ({ label: 'CERTIFICATE', der: leafOf(bundle) } as const)
      const rebuilt = entryBody(kindVersion.kind === 'dsse' ? 'dsse' : 'intoto', bundle.dsseEnvelope, verifier)
      assert.equal(rebuilt.toString(), Buffer.from(canonicalizedBody, 'base64').toString(), file)
    }
  })

  for (const [name, version] of [
    ['@playwright/cli', '0.1.1'],
    ['gundam-visor', '1.0.1'],
    ['sigstore', '2.3.1'],
  ] as const) {
    compare(`statements of ${name}@${version} are the same byte for byte`, () => {
      const provenance = genuineBundle(`${name}@${version}`, 'provenance')
      const pkg = { name, version, integrity: integrityOf(provenance) }
      const rebuilt = provenanceStatement(pkg, resolveIdentity(identityOf(provenance)), 'v1')
      assert.equal(JSON.stringify(rebuilt), payloadOf(provenance))
      const published = publishStatement(pkg, 'https://registry.npmjs.org')
      assert.equal(JSON.stringify(published), payloadOf(genuineBundle(`${name}@${version}`, 'publish')))
    })
  }

  for (const [name, version] of [
    ['sigstore', '1.3.0'],
    ['@laurentsimon/provenance-npm-test', '1.0.3'],
  ] as const) {
    compare(`the statement of ${name}@${version} is the same byte for byte`, () => {
      const bundle = genuineBundle(`${name}@${version}`, 'provenance')
      const { environment } = JSON.parse(payloadOf(bundle)).predicate.invocation
      const identity = resolveIdentity({
        ...identityOf(bundle),
        // Certificates of that time do not say these.
        repositoryId: environment.GITHUB_REPOSITORY_ID,
        ownerId: environment.GITHUB_REPOSITORY_OWNER_ID,
        runUri: `/runs/${environment.GITHUB_RUN_ID}/attempts/${environment.GITHUB_RUN_ATTEMPT}`,
      })
      const rebuilt = provenanceStatement({ name, version, integrity: integrityOf(bundle) }, identity, 'v0.2')
      assert.equal(JSON.stringify(rebuilt), payloadOf(bundle))
    })
  }

  for (const [packageVersion, options] of [
    ['@playwright/cli@0.1.1', {}],
    ['gundam-visor@1.0.1', { bundleVersion: '0.2', entryKind: 'intoto' }],
    [
      'sigstore@0.4.0',
      { bundleVersion: '0.1', entryKind: 'intoto', withoutProof: true, publish: { withoutProof: true } },
    ],
  ] as const) {
    compare(`the document of ${packageVersion} has the same form`, async () => {
      const [ours, theirs] = [await sigstore.document({ ...widgets, ...options }), genuineDocument(packageVersion)].map(
        // The registry's newest answers also have an empty `signedAccessSignatureUrl` beside the bundle.
        ({ attestations }) => attestations.map(({ bundle }) => formOf(bundle)),
      )
      assert.deepEqual(new Set(ours), new Set(theirs))
    })
  }

  compare('trust material has the same form', () => {
    // The public root also lists services that are no longer, or not yet, the ones in use.
    const { tlogs, ctlogs, certificateAuthorities, ...root } = genuineTrustedRoot()
    const inUse = {
      tlogs: tlogs.slice(0, 1),
      ctlogs: ctlogs.slice(-1),
      certificateAuthorities: certificateAuthorities.slice(-1),
      timestampAuthorities: [],
    }
    assert.deepEqual(formOf(sigstore.trustedRoot), formOf({ ...root, ...inUse }))
    assert.deepEqual(formOf(sigstore.npmKeys), formOf({ keys: genuineNpmKeys().keys.slice(-2) }))
  })

  compare('registry keys are named in the same way', () => {
    for (const { keyId, publicKey } of genuineNpmKeys().keys) {
      assert.equal(npmKeyId(Buffer.from(publicKey.rawBytes, 'base64')), keyId)
    }
  })
})

function integrityOf(bundle: SerializedBundleJSON): string {
  const { sha512 } = JSON.parse(payloadOf(bundle)).subject[0].digest
  return `sha512-${Buffer.from(sha512, 'hex').toString('base64')}`
}

/** Whom a genuine certificate is about, in our terms. */
function identityOf(bundle: SerializedBundleJSON): WorkflowIdentity {
  const claims = claimsOf(leafOf(bundle))
  const repository = `https://github.com/${claims.get(5)}`
  const workflow = Certificate.parse(leafOf(bundle)).subjectAltName?.slice(`${repository}/`.length).split('@')[0]
  return {
    repository,
    workflow,
    ref: claims.get(6),
    commit: claims.get(3),
    trigger: claims.get(2),
    runnerEnvironment: claims.get(11),
    repositoryId: claims.get(15),
    ownerId: claims.get(17),
    runUri: claims.get(21),
  }
}

/** Types in place of values, except where the value is the form; a list becomes the set of its items' forms. */
function formOf(value: unknown): unknown {
  if (Array.isArray(value)) return new Set(value.map(formOf))
  if (typeof value !== 'object' || value === null) return typeof value
  const form = Object.entries(value).map(([key, item]) => [key, FORMAL.has(key) ? item : formOf(item)])
  return Object.fromEntries(form)
}

const FORMAL = new Set(['mediaType', 'kindVersion', 'keyDetails', 'hashAlgorithm', 'keyUsage'])
