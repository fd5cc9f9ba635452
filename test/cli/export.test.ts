/** `export`: what it writes is read by `--attestations`, served by any web server, and nothing of it leaves its folder. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { createProject, type Project } from '../support/pnpm/index.ts'
import { createTarball, startRegistry } from '../support/registry/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { SIGNED_AT } from '../support/world.ts'
import { serveFolder } from './static-server.ts'
import { type CliRun, endings, lockfileOf, report, runCli, startCli, writeDocuments } from './support.ts'

const day = (iso: string) => new Date(`${iso}T00:00:00Z`)
const sigstore = await createSigstore({
  now: SIGNED_AT,
  npmKeys: [{ start: day('2022-12-01'), end: day('2025-01-29') }, { start: day('2025-01-13') }],
})
const registry = await startRegistry()
after(() => registry.close())
beforeEach(() => registry.reset())
const OLD = 0

const TRUST = 'trust: { trustedRoot: root.json, npmKeys: keys.json }\n'
const RULES = `rules:
  - { packages: ['built', '@acme/*'], require: provenance, publisher: { repository: acme/widgets } }
  - { packages: '**', require: signature }
`

type Packed = ReturnType<typeof createTarball>
const pack = (name: string, version = '1.0.0') => createTarball({ name, version })
const identity = ({ manifest: { name, version }, integrity }: Packed) => ({ name, version, integrity })
const attest = (pkg: Packed, repository = 'https://github.com/acme/widgets') =>
  sigstore.document({ ...identity(pkg), now: SIGNED_AT, identity: { repository } })

const built = pack('built')
const scoped = pack('@acme/scoped', '2.0.0-rc.1')
const foreign = pack('@acme/foreign')
const signed = pack('signed')
const old = pack('old')
const plain = pack('plain')
const ALL = [built, scoped, foreign, signed, old, plain]

/** One that is proven with every kind of evidence, one that somebody else has built, and one of which there is nothing. */
async function publishAll(): Promise<void> {
  registry.publish(built, { attestations: await attest(built) })
  registry.publish(scoped, { attestations: await attest(scoped), signatures: [sigstore.signature(identity(scoped))] })
  registry.publish(foreign, { attestations: await attest(foreign, 'https://github.com/evil/widgets') })
  registry.publish(signed, { signatures: [sigstore.signature(identity(signed))] })
  registry.publish(old, { signatures: [sigstore.signature(identity(old), OLD)], time: '2023-05-01T10:00:00.000Z' })
  registry.publish(plain)
}

function project(t: TestContext, lockfile: string, policy = TRUST + RULES): Project {
  const made = createProject({
    registry: registry.url,
    files: {
      '.sigstorerc': policy,
      'root.json': JSON.stringify(sigstore.trustedRoot),
      'keys.json': JSON.stringify(sigstore.npmKeys),
      'pnpm-lock.yaml': lockfile,
    },
  })
  t.after(() => made.dispose())
  return made
}

const OUT = '../mirror'
const outOf = ({ root }: Project) => path.join(root, 'mirror')

async function exportTo(made: Project, ...args: readonly string[]): Promise<CliRun> {
  const run = await runCli(['export', '--out', OUT, ...args], { cwd: made.dir, env: made.env })
  assert.equal(run.stdout, '')
  return run
}

/** Paths of all files below a folder, sorted. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
    .sort()
}

const read = (made: Project, file: string): unknown => JSON.parse(readFileSync(path.join(outOf(made), file), 'utf8'))

/** A lockfile with entries of any name and version. */
function hostileLockfile(keys: readonly string[]): string {
  const entry = (key: string, value: string) => `  ${JSON.stringify(key)}: ${value}\n`
  const resolution = `{ resolution: { integrity: ${built.integrity} } }`
  return `lockfileVersion: '9.0'\nimporters: { .: {} }\npackages:\n${keys.map((key) => entry(key, resolution)).join('')}snapshots:\n${keys.map((key) => entry(key, '{}')).join('')}`
}

describe('what is exported', () => {
  test('is a document for each package, its signatures, and each bundle', async (t) => {
    await publishAll()
    const made = project(t, lockfileOf(ALL))
    const { status, stderr } = await exportTo(made)
    assert.equal(status, 0, stderr)
    const bundles = (id: string) => [`bundles/${id}/provenance.sigstore.json`, `bundles/${id}/publish.sigstore.json`]
    assert.deepEqual(
      filesIn(outOf(made)),
      [
        ...['@acme/foreign@1.0.0', '@acme/scoped@2.0.0-rc.1', 'built@1.0.0'].flatMap((id) => [
          `${id}.json`,
          ...bundles(id),
        ]),
        ...['@acme/scoped@2.0.0-rc.1', 'old@1.0.0', 'signed@1.0.0'].map((id) => `${id}.signatures.json`),
      ].sort(),
    )
    assert.match(stderr, /^6 packages: 3 with attestations, 3 without, 0 not exported$/m)
    assert.match(stderr, /3 documents, 6 bundles, 3 signatures written\. Nothing of it was verified/)

    const { attestations } = await attest(built)
    const document = read(made, 'built@1.0.0.json') as typeof attestations extends unknown
      ? { attestations: unknown[] }
      : never
    assert.equal(document.attestations.length, attestations.length)
    for (const kind of ['provenance', 'publish']) {
      const bundle = read(made, `bundles/built@1.0.0/${kind}.sigstore.json`) as { dsseEnvelope: { payload: string } }
      const statement = Buffer.from(bundle.dsseEnvelope.payload, 'base64').toString('utf8')
      assert.equal(statement.includes('slsa.dev/provenance'), kind === 'provenance')
      assert.ok(document.attestations.some((each) => JSON.stringify(each).includes(JSON.stringify(bundle))))
    }
    assert.equal(
      (read(made, 'old@1.0.0.signatures.json') as { published?: string }).published,
      '2023-05-01T10:00:00.000Z',
    )
  })

  test('gives the same verdicts: from the registry, from the folder, and from a static server that is the mirror', async (t) => {
    await publishAll()
    const made = project(t, lockfileOf(ALL))
    const expected = {
      '@acme/foreign@1.0.0': 'REPOSITORY_MISMATCH',
      '@acme/scoped@2.0.0-rc.1': 'proven',
      'built@1.0.0': 'proven',
      'old@1.0.0': 'proven',
      'plain@1.0.0': 'EVIDENCE_MISSING',
      'signed@1.0.0': 'proven',
    }
    assert.deepEqual(endings(await report(made)), expected)
    assert.equal((await exportTo(made)).status, 0)
    registry.reset()
    assert.deepEqual(endings(await report(made, '--attestations', OUT, '--offline')), expected)

    const mirror = await serveFolder(t, outOf(made))
    for (const attestations of [`${mirror.url}{name}@{version}.json`, undefined]) {
      registry.forgetRequests()
      const policy =
        attestations === undefined
          ? `attestations: { url: '${mirror.url}{name}@{version}.json', fallback: registry }\n`
          : `attestations: '${attestations}'\n`
      writeFileSync(path.join(made.dir, '.sigstorerc'), policy + TRUST + RULES)
      assert.deepEqual(endings(await report(made)), expected)
      const asked = registry.requests.map(({ path }) => path)
      if (attestations !== undefined) assert.deepEqual(asked, [])
      else assert.ok(asked.length > 0 && asked.every((each) => !each.includes('built')), asked.join(' '))
    }
    assert.doesNotMatch(JSON.stringify(mirror.requests), /authorization/i)
  })

  test('can be exported again from the folder, without network, and into itself', async (t) => {
    await publishAll()
    const made = project(t, lockfileOf(ALL))
    await exportTo(made)
    const before = filesIn(outOf(made)).map((file) => [file, readFileSync(path.join(outOf(made), file), 'utf8')])
    registry.reset()
    const { status, stderr } = await exportTo(made, '--attestations', OUT, '--offline')
    assert.equal(status, 0, stderr)
    assert.deepEqual(registry.requests, [])
    assert.deepEqual(
      filesIn(outOf(made)).map((file) => [file, readFileSync(path.join(outOf(made), file), 'utf8')]),
      before,
    )
  })

  test('replaces what is of the same name, and leaves everything else alone', async (t) => {
    registry.publish(built, { attestations: await attest(built) })
    const made = project(t, lockfileOf([built]))
    mkdirSync(path.join(outOf(made), '@other'), { recursive: true })
    writeFileSync(path.join(outOf(made), 'built@1.0.0.json'), 'stale')
    writeFileSync(path.join(outOf(made), '@other/x@1.0.0.json'), 'another lockfile')
    assert.equal((await exportTo(made)).status, 0)
    assert.ok(read(made, 'built@1.0.0.json'))
    assert.equal(readFileSync(path.join(outOf(made), '@other/x@1.0.0.json'), 'utf8'), 'another lockfile')
  })

  test('needs no policy', async (t) => {
    registry.publish(built, { attestations: await attest(built) })
    const made = project(t, lockfileOf([built]))
    rmSync(path.join(made.dir, '.sigstorerc'))
    assert.equal((await exportTo(made)).status, 0)
  })

  test('numbers bundles of one kind, and calls them by what is signed and not by what stands beside it', async (t) => {
    const { attestations } = await attest(built)
    const lying = attestations.map((each) => ({ ...each, predicateType: '../../../evil' }))
    registry.publish(built, {
      attestations: {
        attestations: [...lying, ...lying, { bundle: {} }, { bundle: { dsseEnvelope: { payload: '%%%' } } }],
      },
    })
    const made = project(t, lockfileOf([built]))
    assert.equal((await exportTo(made)).status, 0)
    assert.deepEqual(readdirSync(path.join(outOf(made), 'bundles/built@1.0.0')).sort(), [
      ...['attestation-2.sigstore.json', 'attestation.sigstore.json', 'provenance-2.sigstore.json'],
      ...['provenance.sigstore.json', 'publish-2.sigstore.json', 'publish.sigstore.json'],
    ])
  })

  for (const [what, document] of Object.entries({
    'a text': 'nonsense',
    nothing: null,
    'bundles that are none': { attestations: [{ bundle: 'x' }] },
    'more than anybody has': { attestations: Array.from({ length: 17 }, () => ({ bundle: {} })) },
  })) {
    test(`of a document that is ${what} is the document alone, and told`, async (t) => {
      const made = project(t, lockfileOf([built]))
      const { status, stderr } = await exportTo(
        made,
        '--attestations',
        writeDocuments(made, { 'built@1.0.0': JSON.stringify(document) }),
      )
      assert.equal(status, 0)
      assert.match(stderr, /^~ built@1\.0\.0 {2}its document is not a list of bundles, and is written as it is$/m)
      assert.deepEqual(filesIn(outOf(made)), ['built@1.0.0.json'])
      assert.deepEqual(read(made, 'built@1.0.0.json'), document)
    })
  }
})

describe('what cannot be had', () => {
  for (const [what, how] of Object.entries({
    'HTTP 503': { how: 'status', status: 503 },
    'HTTP 401': { how: 'status', status: 401 },
    'a web page': { how: 'html' },
    'an answer without end': { how: 'endless' },
    'half an answer': { how: 'truncate' },
  } as const)) {
    test(`is named, and the status is 2: ${what}`, async (t) => {
      await publishAll()
      registry.misbehave({ match: '/built@1.0.0', ...how })
      const made = project(t, lockfileOf([built, scoped]))
      const { status, stderr } = await exportTo(made)
      assert.equal(status, 2)
      assert.match(stderr, /^! built@1\.0\.0 {2}could not be exported: /m)
      assert.match(stderr, /^2 packages: 1 with attestations, 0 without, 1 not exported$/m)
      assert.match(stderr, /^As a mirror the folder is not complete/m)
      assert.deepEqual(
        filesIn(outOf(made)).filter((file) => file.includes('built')),
        [],
      )
    })
  }

  test('also where it is the signatures', async (t) => {
    await publishAll()
    registry.misbehave({ match: /^\/signed/, how: 'status', status: 500 })
    const { status, stderr } = await exportTo(project(t, lockfileOf([signed])))
    assert.equal(status, 2)
    assert.match(stderr, /^! signed@1\.0\.0 {2}could not be exported: HTTP 500/m)
  })

  test('that does not exist is counted, and no error', async (t) => {
    registry.publish(plain)
    const made = project(t, lockfileOf([plain]))
    const { status, stderr } = await exportTo(made)
    assert.equal(status, 0)
    assert.match(stderr, /^1 package: 0 with attestations, 1 without, 0 not exported$/m)
    assert.deepEqual(filesIn(outOf(made)), [])
  })

  test('because it was nested to be unreadable is named', async (t) => {
    const made = project(t, lockfileOf([built]))
    const deep = `{"attestations":${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}}`
    const { status, stderr } = await exportTo(made, '--attestations', writeDocuments(made, { 'built@1.0.0': deep }))
    assert.equal(status, 2, stderr)
    assert.match(stderr, /^! built@1\.0\.0 {2}could not be exported: its evidence is nested too deeply$/m)
    assert.deepEqual(filesIn(outOf(made)), [])
  })
})

describe('a hostile lockfile', () => {
  const HOSTILE = [
    '../../outside@1.0.0',
    '../outside@1.0.0',
    '@x/../../outside@1.0.0',
    '@../outside@1.0.0',
    '/tmp/outside@1.0.0',
    'C:\\outside@1.0.0',
    '..\\outside@1.0.0',
    'bundles/x@1.0.0',
    '.hidden@1.0.0',
    'a b@1.0.0',
    'con:stream@1.0.0',
    `${'x'.repeat(300)}@1.0.0`,
    `${'x'.repeat(200)}@1.0.0`,
    '-@1.0.0/../../outside',
  ]
  for (const key of HOSTILE) {
    test(`${key.slice(0, 40)} writes nothing, and asks for nothing`, async (t) => {
      const made = project(t, hostileLockfile([key]))
      // What the lockfile has is remembered, under a name that nobody chooses.
      const written = () =>
        filesIn(made.root).filter((file) => !/provenance-gate\/(derived\/[0-9a-f]{64}\.json|key)$/.test(file))
      const before = written()
      const { stderr } = await exportTo(made)
      assert.match(stderr, / 1 not exported$|; 1 from no registry left out$/m)
      assert.match(stderr, /: 0 documents, 0 bundles, 0 signatures written/)
      assert.deepEqual(registry.requests, [])
      assert.deepEqual(written(), before)
      assert.ok(!existsSync('/tmp/outside@1.0.0.json'))
    })
  }

  test('with names that are one file on many disks exports none of them, and all others', async (t) => {
    const names = ['JSONStream', 'jsonstream', '@acme/Widget', '@acme/widget', 'other'].map((name) => pack(name))
    const made = project(t, lockfileOf(names))
    const documents = await Promise.all(names.map(async (pkg) => [`${pkg.manifest.name}@1.0.0`, await attest(pkg)]))
    const { status, stderr } = await exportTo(
      made,
      '--attestations',
      writeDocuments(made, Object.fromEntries(documents) as Record<string, unknown>),
    )
    assert.equal(status, 2)
    assert.equal(stderr.match(/could not be exported: a file of another package has the same name/g)?.length, 4)
    assert.deepEqual(
      filesIn(outOf(made)).filter((file) => !file.startsWith('bundles/')),
      ['other@1.0.0.json'],
    )
  })

  for (const keys of [
    ['x@1.0.0-a', 'x@1.0.0-a.signatures'],
    ['x@1.0.0', 'x@work:1.0.0'],
  ]) {
    test(`with ${keys.join(' and ')}, which would be one file, exports neither`, async (t) => {
      const made = project(t, hostileLockfile(keys))
      const documents = { 'x@1.0.0': {}, 'x@1.0.0-a': {}, 'x@1.0.0-a.signatures': {} }
      const { status, stderr } = await exportTo(made, '--attestations', writeDocuments(made, documents))
      assert.equal(status, 2, stderr)
      assert.equal(stderr.match(/could not be exported: /g)?.length, 2)
      assert.deepEqual(filesIn(outOf(made)), [])
    })
  }

  test('does not paint on a terminal', async (t) => {
    const { stderr } = await exportTo(project(t, hostileLockfile(['evil\u001b[2J@1.0.0'])))
    assert.ok(!stderr.includes('\u001b'))
  })
})

describe('the folder', () => {
  const POSIX = { skip: process.platform === 'win32' ? 'needs links' : false }

  for (const link of ['@acme', 'bundles', 'bundles/@acme', 'bundles/@acme/scoped@2.0.0-rc.1']) {
    test(`that has a link in the place of ${link} is not followed out of`, POSIX, async (t) => {
      await publishAll()
      const made = project(t, lockfileOf([scoped]))
      const outside = path.join(made.root, 'outside')
      mkdirSync(outside)
      mkdirSync(path.dirname(path.join(outOf(made), link)), { recursive: true })
      symlinkSync(outside, path.join(outOf(made), link), 'dir')
      const { status, stderr } = await exportTo(made)
      assert.equal(status, 2)
      assert.match(stderr, /is a link, or no folder/)
      assert.deepEqual(filesIn(outside), [])
    })
  }

  test(
    'that has a link in the place of a file has the file then, and what it led to is as it was',
    POSIX,
    async (t) => {
      await publishAll()
      const made = project(t, lockfileOf([built]))
      mkdirSync(outOf(made))
      writeFileSync(path.join(made.root, 'precious'), 'precious')
      symlinkSync(path.join(made.root, 'precious'), path.join(outOf(made), 'built@1.0.0.json'))
      assert.equal((await exportTo(made)).status, 0)
      assert.equal(readFileSync(path.join(made.root, 'precious'), 'utf8'), 'precious')
      assert.ok(read(made, 'built@1.0.0.json'))
    },
  )

  test('has whole files only, and those of both, where two exports write into it at once', async (t) => {
    await publishAll()
    const one = project(t, lockfileOf(ALL))
    const runs = await Promise.all([exportTo(one), exportTo(one), exportTo(one)])
    assert.deepEqual(
      runs.map(({ status }) => status),
      [0, 0, 0],
    )
    const files = filesIn(outOf(one))
    assert.equal(files.length, 12)
    for (const file of files) assert.ok(read(one, file))
  })

  test('has whole files only where the export was killed', async (t) => {
    const many = Array.from({ length: 40 }, (_, index) => pack(`p${index}`))
    for (const pkg of many) registry.publish(pkg, { attestations: await attest(built) })
    // The last one is never answered, so that the export cannot end by itself.
    registry.misbehave({ match: '/p39@1.0.0', how: 'hang' })
    const made = project(t, lockfileOf(many))
    mkdirSync(outOf(made))
    const child = startCli(['export', '--out', OUT], { cwd: made.dir, env: made.env })
    const closed = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)))
    const whole = () => filesIn(outOf(made)).filter((file) => file.endsWith('.json'))
    while (whole().length < 10) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGKILL')
    assert.equal(await closed, 'SIGKILL')
    for (const file of whole()) assert.ok(read(made, file), file)
  })

  test('that cannot be one is an error', async (t) => {
    const made = project(t, lockfileOf([built]))
    writeFileSync(path.join(made.root, 'mirror'), '')
    const { status, stderr } = await exportTo(made)
    assert.equal(status, 2)
    assert.match(stderr, /^provenance-gate: --out \.\.\/mirror cannot be made a folder /)
    assert.ok(statSync(path.join(made.root, 'mirror')).isFile())
  })

  test('has to be named', async (t) => {
    const made = project(t, lockfileOf([built]))
    const { status, stderr } = await runCli(['export'], { cwd: made.dir, env: made.env })
    assert.equal(status, 2)
    assert.match(stderr, /--out/)
  })
})

test('what no registry has is left out, and told', async (t) => {
  const made = project(
    t,
    `lockfileVersion: '9.0'
importers: { .: {} }
packages:
  x@https://example.com/x.tgz: { resolution: { integrity: ${built.integrity}, tarball: https://example.com/x.tgz }, version: 1.0.0 }
snapshots: { x@https://example.com/x.tgz: {} }
`,
  )
  const { status, stderr } = await exportTo(made)
  assert.equal(status, 0, stderr)
  assert.match(stderr, /^0 packages: 0 with attestations, 0 without, 0 not exported; 1 from no registry left out$/m)
})
