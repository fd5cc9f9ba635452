/** Genuine, tampered and conformance documents, and whatever a local Sigstore makes: the library says of them what it says without our part. */
import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { type TrustMaterial, toSignedEntity } from '@sigstore/verify'
import fc from 'fast-check'
import { keyFinder, registryKeys } from '../../src/trust/keys.ts'
import { createGithub } from '../support/sigstore/github.ts'
import {
  type AttestationDocument,
  type BlobBundleJSON,
  createSigstore,
  type ProvenanceOptions,
  type SerializedBundleJSON,
  type TrustedRootJSON,
} from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { type ByteChange, byteChange, changeBytes } from './byte-changes.ts'
import { corpusFile, fileOf, GENUINE, LATER, listCorpus, readCorpus, skip } from './corpus.ts'
import { type Pair, pairOf } from './differential.ts'
import { byteMutation, mutate } from './mutate.ts'
import { checkAlways, checkOnce } from './once.ts'
import { bundlesOf, minutesLater, NOW, widgets } from './support.ts'

before(checkOnce)
after(checkAlways)

type BundleJSON = SerializedBundleJSON | BlobBundleJSON

/** Whether both accept it; undefined for what is no bundle. */
function compare(pair: Pair, json: unknown, artifact?: Buffer): boolean | undefined {
  const bundle = read(json)
  if (bundle === undefined) return undefined
  return pair.compare(bundle, artifact && contentOf(bundle, artifact))
}

/** What is signed, whether the rest can be read or not. */
function contentOf(bundle: Bundle, artifact: Buffer) {
  const content = { $case: 'publicKey', publicKey: { hint: '' } } as const
  const verificationMaterial = { content, tlogEntries: [], timestampVerificationData: undefined }
  return toSignedEntity({ ...bundle, verificationMaterial } as Bundle, artifact).signature
}

function read(json: unknown) {
  try {
    return bundleFromJSON(json as BundleJSON)
  } catch {
    return undefined
  }
}

const npmKeys = () => keyFinder(registryKeys(readCorpus('trust/public-good/npm-keys.json'), 'npm:attestations'))
const publicGood = (name = 'sigstore') =>
  pairOf(readCorpus<TrustedRootJSON>('trust/public-good/trusted_root.json'), { name, now: LATER, keys: npmKeys() })

describe('documents of the corpus', () => {
  test('genuine ones', { skip }, (t) => {
    const pair = publicGood()
    for (const genuine of GENUINE) {
      for (const bundle of bundlesOf(readCorpus(fileOf(genuine)))) assert.equal(compare(pair, bundle), true)
    }
    for (const file of listCorpus('attestations', 'foreign-signer')) {
      const document = readCorpus('attestations', 'foreign-signer', file)
      for (const bundle of bundlesOf(document)) assert.equal(compare(pair, bundle), true, file)
    }
    t.diagnostic(`${pair.compared} bundles`)
    assert.ok(pair.accepted > 20)
  })

  test('tampered ones', { skip }, (t) => {
    const pair = publicGood()
    let unread = 0
    for (const file of listCorpus('tampered').filter((name) => name !== 'manifest.json')) {
      for (const { bundle } of readCorpus<AttestationDocument>('tampered', file).attestations) {
        if (compare(pair, bundle) === undefined) unread += 1
      }
    }
    t.diagnostic(`${pair.compared} bundles, ${unread} that were none`)
    assert.ok(pair.compared > 20 && pair.accepted < pair.compared)
  })

  test('a release of GitHub, under each trust root of its', { skip }, () => {
    const release = readCorpus<SerializedBundleJSON>('github-release', 'bdehamer__delme@v6.json')
    const roots = listCorpus('trust', 'github')
      .filter((file) => !file.startsWith('tuf-'))
      .flatMap((file) => rootsIn(corpusFile('trust', 'github', file)))
    const accepted = roots.map((root) => compare(pairOf(root, { name: 'github', now: LATER }), release))
    assert.ok(roots.length > 3 && accepted.includes(true) && accepted.includes(false))
  })

  test('the conformance suite', { skip }, (t) => {
    let unread = 0
    let accepted = 0
    const cases = listCorpus('conformance', 'bundle-verify').filter((name) => existsSync(conformanceFile(name, BUNDLE)))
    for (const name of cases) {
      for (const domain of ['sigstore', 'github']) {
        const answer = compare(conformancePair(name, domain), json(conformanceFile(name, BUNDLE)), artifactOf(name))
        if (answer === undefined) unread += 1
        if (answer) accepted += 1
      }
    }
    t.diagnostic(`${cases.length} cases, each in two ways; ${unread} of those no bundles`)
    assert.ok(cases.length > 30 && accepted > 15)
  })

  test('changed at random', { skip }, (t) => {
    const release = readCorpus<SerializedBundleJSON>('github-release', 'bdehamer__delme@v6.json')
    const github = pairOf(readCorpus<TrustedRootJSON>('trust/github/trusted_root.json'), { name: 'github', now: LATER })
    const npm = publicGood()
    const genuine = GENUINE.flatMap((each) => bundlesOf(readCorpus(fileOf(each))))
    const stamped = ['rekor2-checkpoint-multiple-cosigs', 'rekor2-timestamp-without-embedded-cert', 'happy-path-v0.3']
    const subjects: readonly (readonly [Pair, BundleJSON, Buffer?])[] = [
      ...genuine.map((bundle) => [npm, bundle] as const),
      [github, release],
      ...stamped.map(
        (name) => [conformancePair(name), json<BundleJSON>(conformanceFile(name, BUNDLE)), artifactOf(name)] as const,
      ),
    ]
    let compared = 0
    for (const [pair, bundle, artifact] of subjects) {
      const before = pair.compared
      changeAtRandom(bundle, 60, (changed) => compare(pair, changed, artifact))
      compared += pair.compared - before
      assert.ok(compare(pair, bundle, artifact), 'still accepted')
    }
    t.diagnostic(`${compared} documents`)
    assert.ok(compared > 1_000)
  })
})

describe('documents of a local Sigstore', async () => {
  const sigstore = await createSigstore({ now: NOW })
  const { trustedRoot, npmKeys: keys } = sigstore
  const open = (name = 'sigstore') =>
    pairOf(trustedRoot, { name, keys: keyFinder(registryKeys(keys, 'npm:attestations')) })

  test('of all kinds and versions', async (t) => {
    const pairs = [open(), open('github')]
    const variants = await everyVariant()
    for (const bundle of variants) for (const pair of pairs) compare(pair, bundle)
    t.diagnostic(`${variants.length} bundles, each in two ways`)
    assert.ok(pairs.every(({ accepted, compared }) => accepted > 30 && accepted < compared))
  })

  async function everyVariant(): Promise<BundleJSON[]> {
    const bundles: BundleJSON[] = []
    for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
      for (const entryKind of ['dsse', 'intoto'] as const) {
        for (const options of OPTIONS) {
          bundles.push(await sigstore.provenance({ ...widgets, bundleVersion, entryKind, ...options }))
        }
        bundles.push(await sigstore.publish({ ...widgets, bundleVersion, entryKind }))
      }
    }
    return bundles
  }

  test('over files, by a certificate and by a key', async () => {
    const bytes = Buffer.from('a file\n')
    const key = generateKey('P-256')
    const publicKey = createPublicKey({ key: key.spki, format: 'der', type: 'spki' })
    const pair = pairOf(trustedRoot, { keys: () => ({ publicKey, validFor: () => true }) })
    for (const bundleVersion of ['0.1', '0.2', '0.3'] as const) {
      for (const signer of [{}, { key }]) {
        const bundle = await sigstore.blob(bytes, { now: NOW, bundleVersion, ...signer })
        assert.equal(compare(pair, bundle, bytes), true)
        assert.equal(compare(pair, bundle, Buffer.from('another')), false)
        changeAtRandom(bundle, 30, (changed) => compare(pair, changed, bytes))
      }
    }
  })

  test('of GitHub', () => {
    const github = createGithub({ now: NOW })
    const pairs = [pairOf(github.trustedRoot, { name: 'github' }), pairOf(github.trustedRoot)]
    const asset = { name: 'a.tgz', bytes: Buffer.from('bytes') }
    const release = { now: NOW, repository: 'acme/widgets', tag: 'v1', commit: '0'.repeat(40), assets: [asset] }
    for (const bundle of [
      github.release(release),
      github.release({ ...release, predicate: 'v0.1', claims: new Map([[8, 'https://issuer.test']]) }),
      github.provenance(widgets, { now: NOW }),
      createGithub({ now: NOW }).release(release),
    ]) {
      const answers = pairs.map((pair) => compare(pair, bundle))
      assert.equal(answers[1], false, 'without a log entry')
      for (const pair of pairs) changeAtRandom(bundle, 40, (changed) => compare(pair, changed))
    }
  })

  test('of one trust root under another', async () => {
    const stranger = await createSigstore({ now: NOW })
    const pair = open()
    for (const options of OPTIONS) {
      assert.notEqual(compare(pair, await stranger.provenance({ ...widgets, ...options })), true)
    }
  })
})

const OPTIONS: readonly Partial<ProvenanceOptions>[] = [
  {},
  { legacyClaims: true },
  { predicate: 'v0.2' },
  { emailIdentity: 'somebody@example.test' },
  { signWith: 'registry-key' },
  { withoutSct: true },
  { withoutPromise: true },
  { withoutProof: true },
  { withoutPromise: true, withoutProof: true },
  { certificateLifetimeMinutes: 0 },
  { integratedTime: minutesLater(10) },
  { integratedTime: minutesLater(11) },
  { integratedTime: minutesLater(-1) },
  { now: minutesLater(60) },
  { now: new Date('2040-01-01T00:00:00Z') },
]

/** Its certificate or timestamp, byte by byte; and whatever else there is. */
function changeAtRandom(bundle: BundleJSON, numRuns: number, see: (changed: unknown) => void): void {
  const ofDer = fc.array(byteChange, { minLength: 1, maxLength: 2 })
  const { publicKey } = bundle.verificationMaterial
  const change = publicKey === undefined ? fc.oneof(ofDer, byteMutation(bundle)) : byteMutation(bundle)
  const property = fc.property(change, (changes) => {
    see('path' in changes ? mutate(bundle, changes) : withOtherDer(bundle, changes))
  })
  fc.assert(property, { numRuns })
}

function withOtherDer(bundle: BundleJSON, changes: readonly ByteChange[]): BundleJSON {
  const copy = structuredClone(bundle)
  const { certificate, x509CertificateChain, timestampVerificationData } = copy.verificationMaterial
  const other = (base64: string) => changes.reduce(changeBytes, Buffer.from(base64, 'base64')).toString('base64')
  const leaf = certificate ?? x509CertificateChain?.certificates[0]
  const [timestamp] = timestampVerificationData?.rfc3161Timestamps ?? []
  if (timestamp !== undefined && (changes.length > 1 || leaf === undefined))
    timestamp.signedTimestamp = other(timestamp.signedTimestamp)
  else if (leaf !== undefined) leaf.rawBytes = other(leaf.rawBytes)
  return copy
}

const BUNDLE = 'bundle.sigstore.json'

function conformanceFile(name: string, file: string): string {
  return corpusFile('conformance', 'bundle-verify', name, file)
}

function artifactOf(name: string): Buffer {
  const own = conformanceFile(name, 'artifact')
  return readFileSync(existsSync(own) ? own : corpusFile('conformance', 'bundle-verify', 'a.txt'))
}

function conformancePair(name: string, domain = 'sigstore'): Pair {
  const own = conformanceFile(name, 'trusted_root.json')
  const root = json<TrustedRootJSON>(existsSync(own) ? own : corpusFile('trust/public-good/trusted_root.json'))
  const key = conformanceFile(name, 'key.pub')
  const publicKey = existsSync(key) ? createPublicKey(readFileSync(key)) : undefined
  const keys: TrustMaterial['publicKey'] =
    publicKey === undefined ? npmKeys() : () => ({ publicKey, validFor: () => true })
  return pairOf(root, { name: domain, now: LATER, keys })
}

function rootsIn(file: string): TrustedRootJSON[] {
  const text = readFileSync(file, 'utf8')
  return path.extname(file) === '.jsonl'
    ? text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
    : [JSON.parse(text)]
}

function json<T>(file: string): T {
  return JSON.parse(readFileSync(file, 'utf8'))
}
