import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, test } from 'node:test'
import { X509Certificate } from '@sigstore/core'
import type { RefusalCode } from '../../src/codes.ts'
import { certificateClaims } from '../../src/verify/claims.ts'
import { checkProvenance } from '../../src/verify/predicate.ts'
import type { SerializedBundleJSON } from '../support/sigstore/index.ts'
import {
  corpusVerifier,
  fileOf,
  GENUINE,
  LATER,
  listCorpus,
  lockedGenuine,
  readCorpus,
  seedVerifier,
  skip,
} from './corpus.ts'
import {
  accepted,
  bundlesOf,
  changed,
  documentOf,
  integrityOf,
  locked,
  minutesLater,
  onlyProvenance,
  refused,
  statementOf,
} from './support.ts'

describe('genuine documents', () => {
  test('all that there are', { skip }, () => {
    const folders = [
      'attestations',
      'attestations/@laurentsimon',
      'attestations/@playwright',
      'field/npm/@laurentsimon',
    ]
    const files = folders.flatMap((folder) =>
      listCorpus(folder)
        .filter((file) => file.endsWith('.json'))
        .map((file) => path.posix.join(folder, file)),
    )
    assert.deepEqual(files.sort(), GENUINE.map(fileOf).sort())
  })

  for (const [trust, open] of [
    ['files', corpusVerifier],
    ['the embedded seed', seedVerifier],
  ] as const) {
    for (const genuine of GENUINE) {
      const { name, version, repository, workflow, ref, commit } = genuine
      test(`${name}@${version} is proven by ${trust}`, { skip }, async () => {
        const verify = await open()
        const result = verify(lockedGenuine(genuine), readCorpus(fileOf(genuine)), LATER)
        const { claims, predicateType, signedAt } = onlyProvenance(result)
        assert.equal(accepted(result).publish.length > 0, genuine.publish)
        assert.deepEqual(
          { predicateType, signedAt },
          { predicateType: genuine.predicateType, signedAt: genuine.signedAt },
        )
        const { issuer, delegatedBuilder } = claims
        assert.equal(delegatedBuilder, genuine.delegatedBuilder)
        assert.deepEqual(
          { issuer, repository: claims.repository, workflow: claims.workflow, ref: claims.ref, commit: claims.commit },
          { issuer: 'https://token.actions.githubusercontent.com', repository, workflow, ref, commit },
        )
      })
    }
  }
})

describe('genuine documents, in the wrong place', async () => {
  const verify = skip ? undefined : await corpusVerifier()
  const judge = (...args: Parameters<NonNullable<typeof verify>>) => (verify ?? assert.fail())(...args)

  for (const genuine of GENUINE) {
    const { name, version } = genuine
    const document = () => readCorpus(fileOf(genuine))

    test(`${name}@${version} proves no other bytes`, { skip }, () => {
      const elsewhere = GENUINE.filter((other) => other !== genuine).map((other) => lockedGenuine(other).integrity)
      for (const integrity of [...elsewhere, integrityOf('malware')]) {
        refused(judge({ ...lockedGenuine(genuine), integrity }, document(), LATER), 'DIGEST_MISMATCH')
      }
    })

    test(`${name}@${version} proves no other version or name`, { skip }, () => {
      for (const other of [
        { version: `${version}-0` },
        { version: '9.9.9' },
        { version: version.replaceAll('.', '@') },
        { name: `${name}s` },
        { name: name.replace('@', '') },
        { name: name.toUpperCase() },
      ]) {
        if (other.name === name) continue
        refused(judge({ ...lockedGenuine(genuine), ...other }, document(), LATER), 'SUBJECT_MISMATCH')
      }
    })

    test(`${name}@${version} proves nothing before it was signed`, { skip }, () => {
      const pkg = lockedGenuine(genuine)
      for (const now of [new Date(0), new Date('1990-01-01'), minutesLater(-6, new Date(genuine.signedAt))]) {
        refused(judge(pkg, document(), now), 'TIMESTAMP_INVALID', /future/)
      }
      // Clocks differ: the entry of the registry comes up to a minute after that of the build.
      accepted(judge(pkg, document(), minutesLater(-3, new Date(genuine.signedAt))))
    })

    for (const root of ['trust/github/trusted_root.json', 'trust/github/trusted_root.sigstore-rust.json']) {
      test(`${name}@${version} is not proven by ${root}`, { skip }, async () => {
        const github = await corpusVerifier(root)
        for (const bundle of bundlesOf(document())) {
          refused(
            github(lockedGenuine(genuine), documentOf(bundle), LATER),
            'EVIDENCE_UNKNOWN',
            unknownToGitHub(bundle),
          )
        }
      })
    }
  }

  test('documents of two packages, put together', { skip }, () => {
    const [one, other] = GENUINE
    assert.ok(one && other)
    const both = { attestations: [...readCorpus(fileOf(one)).attestations, ...readCorpus(fileOf(other)).attestations] }
    for (const genuine of [one, other]) {
      const { leftOut, ...proof } = accepted(judge(lockedGenuine(genuine), both, LATER))
      assert.deepEqual(proof, accepted(judge(lockedGenuine(genuine), readCorpus(fileOf(genuine)), LATER)))
      assert.ok(leftOut?.length && leftOut.every(({ code }) => code === 'SUBJECT_MISMATCH'))
      refused(judge({ ...lockedGenuine(genuine), version: '9.9.9' }, both, LATER), 'SUBJECT_MISMATCH')
    }
  })

  test('the attestation of an immutable release is not about a package', { skip }, async () => {
    const release = readCorpus<unknown>('github-release', 'bdehamer__delme@v6.json')
    const github = await corpusVerifier('trust/github/trusted_root.json')
    for (const verifier of [judge, github]) assert.ok(!verifier(locked(), documentOf(release), LATER).ok)
  })
})

/** GitHub's instance has other authorities, no transparency log and no registry. */
function unknownToGitHub(bundle: ReturnType<typeof bundlesOf>[number]): RegExp {
  return bundle.verificationMaterial.publicKey === undefined ? /of the authority/ : /of the log/
}

/** What the manifest's entries must give. An entry that is not here fails its test: somebody has to say what it is. */
const TAMPERED: ReadonlyMap<string, RefusalCode | 'proven'> = new Map([
  ['pacote-invalid-signature', 'SIGNATURE_INVALID'],
  ['pacote-malformed-subject', 'SIGNATURE_INVALID'],
  // The DSSE key id is not signed, and nothing is chosen by it.
  ['pacote-mismatched-keyid', 'proven'],
  // The subject is read only once the signature holds, and it does not.
  ['pacote-mismatched-subject-digest', 'SIGNATURE_INVALID'],
  ['pacote-mismatched-subject-name', 'SIGNATURE_INVALID'],
  ['pacote-no-keyid', 'SIGNATURE_INVALID'],
  ['pacote-payloadtype-changed', 'SIGNATURE_INVALID'],
  ['gundam-visor-cli-v1-tag-invalidsigprov', 'SIGNATURE_INVALID'],
  ['gundam-visor-cli-v1-tag-invalidsigpub', 'SIGNATURE_INVALID'],
  ['npm-att-prov-invalid-signature', 'SIGNATURE_INVALID'],
  ['npm-att-publish-nodigest', 'SIGNATURE_INVALID'],
  ['npm-stmt-mismatch-prov-predicatetype', 'SIGNATURE_INVALID'],
  ['npm-stmt-mismatch-prov-type', 'SIGNATURE_INVALID'],
])

interface Tampered {
  readonly file: string
  readonly base: string
  readonly mutation: string
}

/** Something to report as skipped where there is no manifest. */
function unread(): readonly Tampered[] {
  return [...TAMPERED.keys()].map((name) => ({ file: `tampered/${name}.json`, base: '', mutation: 'not read' }))
}

describe('tampered documents', async () => {
  const manifest = skip ? unread() : readCorpus<readonly Tampered[]>('tampered', 'manifest.json')
  const verify = skip ? undefined : await seedVerifier()

  test('each file has an entry, each entry a file', { skip }, () => {
    const files = listCorpus('tampered').filter((file) => file !== 'manifest.json')
    assert.deepEqual(files, manifest.map(({ file }) => path.basename(file)).sort())
    assert.equal(manifest.length, TAMPERED.size)
  })

  for (const { file, base, mutation } of manifest) {
    test(`${path.basename(file)}: ${mutation}`, { skip }, () => {
      const expected = TAMPERED.get(path.basename(file, '.json')) ?? assert.fail(`no expectation for ${file}`)
      const genuine = GENUINE.find((candidate) => fileOf(candidate) === base) ?? assert.fail(`no base ${base}`)
      const result = (verify ?? assert.fail())(lockedGenuine(genuine), readCorpus(file), LATER)
      if (expected === 'proven') accepted(result)
      else refused(result, expected)
    })
  }
})

describe('publish attestations that a person signed', async () => {
  const files = skip ? ['each of them'] : listCorpus('attestations', 'foreign-signer')
  const verify = skip ? undefined : await seedVerifier()
  const judge = (...args: Parameters<NonNullable<typeof verify>>) => (verify ?? assert.fail())(...args)
  // Both as the registry serves it: name, version and sha512 of the statement are right.
  const victim = locked({
    name: 'sigstore',
    version: '1.0.0',
    integrity: 'sha512-e+qfbn/zf1+rCza/BhIA//Awmf0v1pa5HQS8Xk8iXrn9bgytytVLqYD0P7NSqZ6IELTgq+tcDvLPkQjNHyWLNg==',
  })

  test('come in every shape', { skip }, () => assert.equal(files.length, 5))

  for (const file of files) {
    test(file, { skip }, () => {
      const document = readCorpus('attestations', 'foreign-signer', file)
      assert.equal(statementOf(bundlesOf(document)[0] ?? assert.fail()).subject[0]?.name, 'pkg:npm/sigstore@1.0.0')
      refused(judge(victim, document, LATER), 'CERTIFICATE_UNTRUSTED', /publish attestation signed by .*@/)
      // Nor is it any better together with another's attestations, or called something else.
      const [genuine] = GENUINE
      const mixed = {
        attestations: [...document.attestations, ...readCorpus(fileOf(genuine ?? assert.fail())).attestations],
      }
      assert.ok(!judge(victim, mixed, LATER).ok)
      const renamed = changed(document, ({ attestations }) => {
        for (const attestation of attestations) attestation.predicateType = 'https://slsa.dev/provenance/v1'
      })
      refused(judge(victim, renamed, LATER), 'CERTIFICATE_UNTRUSTED')
    })
  }
})

describe('the certificate of a build on CircleCI', () => {
  const certified = () => {
    const { verificationMaterial } = readCorpus<Pick<SerializedBundleJSON, 'verificationMaterial'>>(
      'field',
      'circleci.json',
    )
    const { rawBytes } = verificationMaterial.certificate ?? assert.fail()
    return accepted(certificateClaims(X509Certificate.parse(Buffer.from(rawBytes, 'base64'))))
  }

  test('says neither a commit nor the address of a repository, and the issuer of all organisations', { skip }, () => {
    const { issuer, repository, commit, ref, owner, ownerId, repositoryId, trigger, workflow } = certified()
    assert.deepEqual(
      { issuer, repository, ref },
      {
        issuer: 'https://oidc.circleci.com',
        repository: 'github.com/giantswarm/muster',
        ref: 'refs/tags/v5.13.0',
      },
    )
    for (const claim of [commit, owner, ownerId, repositoryId, trigger, workflow]) assert.equal(claim, undefined)
  })

  // So policies do not offer it as an issuer.
  test('confirms no provenance, whatever that says', { skip }, () => {
    const { repository, ref } = certified()
    const claims = { ...certified(), domain: 'sigstore' }
    for (const address of [repository, `https://${repository}`, undefined]) {
      for (const commit of ['4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3', '', undefined]) {
        const uri = address && `git+${address}@${ref}`
        const source = { uri, digest: { gitCommit: commit, sha1: commit } }
        const id = claims.buildSignerUri
        for (const [predicateType, predicate] of [
          [
            'https://slsa.dev/provenance/v1',
            { buildDefinition: { resolvedDependencies: [source] }, runDetails: { builder: { id } } },
          ],
          ['https://slsa.dev/provenance/v0.2', { invocation: { configSource: source }, builder: { id } }],
        ] as const)
          refused(checkProvenance({ predicateType, predicate, subject: [] }, claims), 'PREDICATE_MISMATCH')
      }
    }
  })
})
