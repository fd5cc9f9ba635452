/**
 * What docs/upstream.md says of `@sigstore/core`, `@sigstore/verify` and those that use them, measured on the versions that
 * are installed: `node bench/upstream.ts`. Needs no network and no corpus.
 */
import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { type Bundle, bundleFromJSON } from '@sigstore/bundle'
import { ASN1Obj, X509Certificate } from '@sigstore/core'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { getTrustedRoot } from '@sigstore/tuf'
import { toSignedEntity, toTrustMaterial, VerificationError, Verifier } from '@sigstore/verify'
import { openDomain } from '../src/verify/domain.ts'
import { verifySignature } from '../src/verify/signature.ts'
import { createSigstore, type SerializedBundleJSON } from '../test/support/sigstore/index.ts'
import { generateKey } from '../test/support/sigstore/keys.ts'
import { startTufRepository } from '../test/support/tuf/index.ts'
import { Mill } from '../test/verify/mill.ts'
import { domainOf, entryOf, minutesLater, NOW, widgets } from '../test/verify/support.ts'
import { TWISTS, twisted } from '../test/verify/twists.ts'

type Row = readonly (string | number)[]

function table(title: string, head: Row, rows: readonly Row[]): void {
  const line = (cells: Row) => `| ${cells.join(' | ')} |`
  const text = ['', title, '', line(head), line(head.map(() => '---')), ...rows.map(line), '']
  process.stdout.write(`${text.join('\n')}`)
}

/** Milliseconds of CPU for one run, the least of five times. */
function time(run: () => unknown, runs: number): number {
  const times = Array.from({ length: 5 }, () => {
    const start = process.cpuUsage()
    for (let index = 0; index < runs; index += 1) run()
    const { user, system } = process.cpuUsage(start)
    return (user + system) / 1_000 / runs
  })
  return Math.min(...times)
}

function ms(value: number): string {
  return `${value.toFixed(value < 0.1 ? 3 : 2)} ms`
}

/** Runs once, and counts what it allocates by `Buffer.alloc` and how many signatures it checks. */
function counted(run: () => unknown): { kilobytes: number; allocations: number; signatures: number } {
  const { alloc } = Buffer
  const { verify } = crypto
  const count = { kilobytes: 0, allocations: 0, signatures: 0 }
  Buffer.alloc = (size: number, ...fill: []) => {
    count.kilobytes += size / 1_024
    count.allocations += 1
    return alloc(size, ...fill)
  }
  crypto.verify = ((...args: Parameters<typeof verify>) => {
    count.signatures += 1
    return verify(...args)
  }) as typeof verify
  try {
    run()
  } finally {
    Buffer.alloc = alloc
    crypto.verify = verify
  }
  return { ...count, kilobytes: Math.round(count.kilobytes) }
}

/* Sketches of what is proposed, put in the place of the library's for as long as a measurement takes. */

const library = { toDER: ASN1Obj.prototype.toDER, verify: X509Certificate.prototype.verify }

/** One allocation for a whole tree. */
function encodeAtOnce(this: ASN1Obj): ReturnType<ASN1Obj['toDER']> {
  const lengths = new Map<ASN1Obj, number>()
  const sizeOf = (field: ASN1Obj): number => {
    const { subs, value } = field
    const body = subs.length > 0 ? subs.reduce((sum, sub) => sum + sizeOf(sub), 0) : value.length
    lengths.set(field, body)
    return 2 + octetsOf(body) + body
  }
  const out = Buffer.allocUnsafe(sizeOf(this))
  const write = (field: ASN1Obj, start: number): number => {
    const length = lengths.get(field) ?? 0
    const octets = octetsOf(length)
    let at = out.writeUInt8(field.tag.toDER(), start)
    at = out.writeUInt8(octets === 0 ? length : 0x80 | octets, at)
    if (octets > 0) at = out.writeUIntBE(length, at, octets)
    return field.subs.length > 0 ? field.subs.reduce((end, sub) => write(sub, end), at) : at + field.value.copy(out, at)
  }
  write(this, 0)
  return out as ReturnType<ASN1Obj['toDER']>
}

function octetsOf(length: number): number {
  return length < 0x80 ? 0 : length < 0x100 ? 1 : length < 0x10000 ? 2 : 3
}

/** Who signed whom of the trust root is found out once. */
function rememberingVerify(): X509Certificate['verify'] {
  const known = new WeakMap<X509Certificate, WeakMap<X509Certificate, boolean>>()
  return function (this: X509Certificate, issuer = this) {
    const of = known.get(this) ?? new WeakMap<X509Certificate, boolean>()
    known.set(this, of)
    const held = of.get(issuer) ?? library.verify.call(this, issuer)
    of.set(issuer, held)
    return held
  }
}

function withSketches<T>(sketches: { encode?: boolean; remember?: boolean; quiet?: boolean }, run: () => T): T {
  const { stackTraceLimit } = Error
  if (sketches.encode) ASN1Obj.prototype.toDER = encodeAtOnce
  if (sketches.remember) X509Certificate.prototype.verify = rememberingVerify()
  if (sketches.quiet) Error.stackTraceLimit = 0
  try {
    return run()
  } finally {
    ASN1Obj.prototype.toDER = library.toDER
    X509Certificate.prototype.verify = library.verify
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** The octet strings in a certificate that have no parts: in each of them the parser ends by an error. */
function withoutParts(der: Buffer): number {
  const opaque = ({ tag, value, subs }: ASN1Obj): number =>
    (tag.isOctetString() && subs.length === 0 && value.length > 0 ? 1 : 0) +
    subs.reduce((sum, sub) => sum + opaque(sub), 0)
  return opaque(ASN1Obj.parseBuffer(Buffer.from(der)))
}

const sigstore = await createSigstore({ now: NOW })
const bundle = bundleFromJSON(await sigstore.provenance(widgets))
const material = () => toTrustMaterial(TrustedRoot.fromJSON(structuredClone(sigstore.trustedRoot)))
const verifier = new Verifier(material())
const stock = () => verifier.verify(toSignedEntity(bundle))
const leaf = leafOf(bundle)
const parsed = X509Certificate.parse(leaf)

function leafOf({ verificationMaterial: { content } }: Bundle): Buffer<ArrayBuffer> {
  return Buffer.from(content.$case === 'certificate' ? content.certificate.rawBytes : assert.fail())
}

process.stdout.write(`Node ${process.version}, ${leaf.length} octets of certificate\n`)

{
  const encode = () => parsed.root.toDER()
  const row = (name: string, run: () => unknown) => [
    name,
    ms(time(run, 300)),
    counted(run).allocations,
    counted(run).kilobytes,
  ]
  table(
    'A certificate encoded (a)',
    ['', 'time', 'allocations', 'kilobytes'],
    [row('the library', encode), withSketches({ encode: true }, () => row('in one buffer', encode))],
  )
  assert.ok(encodeAtOnce.call(parsed.root).equals(encode()))
}

{
  const parse = () => X509Certificate.parse(leaf)
  const quiet = withSketches({ quiet: true }, () => time(parse, 300))
  table(
    'A certificate parsed (c)',
    ['', 'time'],
    [
      [`the library, ${withoutParts(leaf)} octet strings without parts`, ms(time(parse, 300))],
      ['the same errors without their stacks', ms(quiet)],
    ],
  )
}

{
  const run = () => time(stock, 60)
  const row = (name: string, sketches: Parameters<typeof withSketches>[0]) =>
    withSketches(sketches, () => {
      stock()
      const { signatures, kilobytes } = counted(stock)
      return [name, ms(run()), signatures, kilobytes]
    })
  const domain = openDomain(domainOf(material()))
  const ours = () => assert.ok(verifySignature(bundle, domain, minutesLater(1)).ok)
  ours()
  const kept = counted(ours)
  table(
    'A provenance verified, by one verifier that has verified before',
    ['', 'time', 'signatures', 'kilobytes'],
    [
      row('the library', {}),
      row('(a) encoded in one buffer', { encode: true }),
      row('(b) the trust root once', { remember: true }),
      row('(c) errors without stacks', { quiet: true }),
      row('all three', { encode: true, remember: true, quiet: true }),
      ['this project, whole', ms(time(ours, 60)), kept.signatures, kept.kilobytes],
    ],
  )
}

{
  const json = await sigstore.provenance(widgets)
  const rows = [250, 500, 1_000].map((count) => {
    const entry = entryOf(json)
    const many = structuredClone(json)
    many.verificationMaterial.tlogEntries = Array.from({ length: count }, (_, index) => ({
      ...entry,
      integratedTime: String(index + 1),
    }))
    const entity = toSignedEntity(bundleFromJSON(many))
    const before = counted(() => assert.throws(() => verifier.verify(entity)))
    return [count, ms(time(() => assert.throws(() => verifier.verify(entity)), 1)), before.signatures]
  })
  table('A bundle padded with entries, refused', ['entries', 'time', 'signatures checked'], rows)
}

{
  const repository = await startTufRepository(new Date())
  const folder = mkdtempSync(path.join(tmpdir(), 'provenance-gate-upstream-'))
  try {
    const rootPath = path.join(folder, 'root.json')
    writeFileSync(rootPath, repository.pinned)
    repository.publish({ 'trusted_root.json': Buffer.from(JSON.stringify(sigstore.trustedRoot)) })
    const options = {
      mirrorURL: repository.url,
      rootPath,
      cachePath: path.join(folder, 'cache'),
      forceCache: true,
      retry: 0,
    }
    await getTrustedRoot(options)
    const requests = repository.requests.length
    const times: number[] = []
    for (let index = 0; index < 20; index += 1) {
      const start = process.cpuUsage()
      new Verifier(toTrustMaterial(await getTrustedRoot(options)))
      const { user, system } = process.cpuUsage(start)
      times.push((user + system) / 1_000)
    }
    times.sort((a, b) => a - b)
    const root = structuredClone(sigstore.trustedRoot)
    table(
      'What pacote does again for each attestation',
      ['', 'time'],
      [
        [
          `TUF client with its cache (${(repository.requests.length - requests) / 20} requests), trust root, verifier`,
          ms(times[10] ?? 0),
        ],
        [
          'of that, trust root and verifier',
          ms(time(() => new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root))), 50)),
        ],
      ],
    )
  } finally {
    await repository.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

{
  const mill = new Mill()
  const root = mill.trustedRoot()
  const open = (options: ConstructorParameters<typeof Verifier>[1], change: (copy: typeof root) => void = () => {}) => {
    const copy = structuredClone(root)
    change(copy)
    return new Verifier(toTrustMaterial(TrustedRoot.fromJSON(copy)), options)
  }
  const logged = open({})
  const stamped = open({ tlogThreshold: 0, ctlogThreshold: 0 })
  const says = (judge: Verifier, json: SerializedBundleJSON, policy?: Parameters<Verifier['verify']>[1]) => {
    try {
      judge.verify(toSignedEntity(bundleFromJSON(json)), policy)
      return 'accepted'
    } catch (error) {
      assert.ok(error instanceof Error)
      return `${error.constructor.name}${error instanceof VerificationError ? ` ${error.code}` : ''}: ${error.message}`
    }
  }
  const seal = (id: Buffer, digest: string) => (tbs: Buffer) =>
    der(0x30, tbs, der(0x30, id), der(0x03, Buffer.alloc(1), crypto.sign(digest, tbs, mill.authority.key.privateKey)))
  const keyUsage = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x0f])
  const usual = mill.leaf()
  const withStatus = (status: number) => {
    const stamp = mill.timestamp()
    const at = stamp.indexOf(Buffer.from([0x02, 0x01, 0x00]))
    stamp.writeUInt8(status, at + 2)
    return stamp
  }
  const otherEntry = mill.bundle(mill.leaf({ content: { spki: generateKey('P-256').spki } }))
  const mixed = mill.bundle(usual)
  mixed.verificationMaterial.tlogEntries = otherEntry.verificationMaterial.tlogEntries
  const left = (index: number) => {
    const keyless = TWISTS.find(({ name }) => name === 'left out') ?? assert.fail()
    return mill.leaf({ change: (tbs) => twisted(tbs, [index], keyless) ?? tbs })
  }
  const two = open({ tlogThreshold: 0, ctlogThreshold: 0, timestampThreshold: 2 })
  const later = mill.timestamp({}, minutesLater(1))
  const codeSigning = Buffer.from('0603551d25', 'hex')
  table(
    'What the library says',
    ['of', 'it says'],
    [
      [
        'a certificate whose signature algorithm is the identifier of an extension, signed with SHA-256',
        says(logged, mill.bundle(mill.leaf({ seal: seal(keyUsage, 'sha256') }))),
      ],
      ['the same signed with SHA-384', says(logged, mill.bundle(mill.leaf({ seal: seal(keyUsage, 'sha384') })))],
      [
        'a certificate without an extended key usage',
        says(
          logged,
          mill.bundle(mill.leaf({ extensions: (all) => all.filter((each) => !each.includes(codeSigning)) })),
        ),
      ],
      [
        'a timestamp response with status 2, rejection',
        says(stamped, mill.bundle(usual, { timestamps: [withStatus(2)] })),
      ],
      ['a log entry that names another certificate', says(logged, mixed)],
      [
        'two timestamps of one authority, where two are asked for',
        says(two, mill.bundle(usual, { timestamps: [mill.timestamp(), later] })),
      ],
      [
        'two timestamps of one authority in one second',
        says(stamped, mill.bundle(usual, { timestamps: [mill.timestamp(), mill.timestamp()] })),
      ],
      ['since when a log without a start of validity vouches', startless().toISOString()],
      ['a certificate whose octets are an object with a length of 100,000,000', hugeCertificate(mill.bundle(usual))],
      ['a field whose parts were all taken out, encoded', emptied()],
      [
        'a certificate of acme/mill, where the policy says https://github.com/acme/mi',
        says(logged, mill.bundle(usual), { subjectAlternativeName: 'https://github.com/acme/mi' }),
      ],
      ['a key that cannot be read', says(logged, mill.bundle(mill.leaf({ content: { spki: der(0x30) } })))],
      ['a certificate without a subject', says(logged, mill.bundle(left(5)))],
      ['a timestamp that is an empty SEQUENCE', says(stamped, mill.bundle(usual, { timestamps: [der(0x30)] }))],
      [
        'no time of signing, where none is asked for',
        says(open({ timestampThreshold: 0 }), withoutTime(mill.bundle(usual))),
      ],
    ],
  )
}

function startless(): Date {
  const root = structuredClone(sigstore.trustedRoot)
  for (const { publicKey } of root.tlogs) Object.assign(publicKey, { validFor: {} })
  return toTrustMaterial(TrustedRoot.fromJSON(root)).tlogs[0]?.validFor.start ?? assert.fail()
}

/** What is made of JSON that is no text. */
function hugeCertificate(json: SerializedBundleJSON): string {
  const { certificate } = json.verificationMaterial
  Object.assign(certificate ?? assert.fail(), { rawBytes: { length: 100_000_000 } })
  return `${leafOf(bundleFromJSON(json)).length} octets`
}

function emptied(): string {
  const list = ASN1Obj.parseBuffer(Buffer.from('30020500', 'hex'))
  list.subs.splice(0)
  return list.toDER().toString('hex')
}

function withoutTime(json: SerializedBundleJSON): SerializedBundleJSON {
  Object.assign(entryOf(json), { integratedTime: '0', inclusionPromise: undefined })
  return json
}

function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content)
  const octets = octetsOf(value.length)
  const head = Buffer.alloc(2 + octets)
  head[0] = tag
  head[1] = octets === 0 ? value.length : 0x80 | octets
  if (octets > 0) head.writeUIntBE(value.length, 2, octets)
  return Buffer.concat([head, value])
}
