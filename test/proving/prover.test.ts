/** What is remembered from one run to the next, with real documents of a local Sigstore. */
import assert from 'node:assert/strict'
import { copyFileSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { ok, type Result, refuse } from '../../src/codes.ts'
import { GateError } from '../../src/errors.ts'
import type { Evidence } from '../../src/evidence/types.ts'
import { type Gate, openGate } from '../../src/gate.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Verdict } from '../../src/policy/types.ts'
import { openProver } from '../../src/proving/prover.ts'
import type { Proof } from '../../src/verify/types.ts'
import { createTarball } from '../support/registry/index.ts'
import { createSigstore, type LocalSigstore } from '../support/sigstore/index.ts'

const NOW = new Date('2026-01-15T12:00:00Z')
const HOUR = 3_600_000
const PROVENANCE = '{ packages: "**", require: provenance, publisher: { repository: acme/widgets } }'
const sigstore = await createSigstore({ now: NOW })

type Trust = Pick<LocalSigstore, 'trustedRoot' | 'npmKeys'>

function locked(name: string): LockedPackage {
  const { integrity } = createTarball({ name, version: '1.0.0' })
  return {
    name,
    version: '1.0.0',
    integrity,
    source: 'registry',
    origin: undefined,
    importers: ['.'],
    key: `${name}@1.0.0`,
  }
}

const widget = locked('widget')

async function documentOf({ name, version, integrity = '' }: LockedPackage, by = sigstore): Promise<Evidence> {
  return ok(await by.document({ name, version, integrity, now: NOW }))
}

const missing: Evidence = refuse('EVIDENCE_MISSING', 'nothing', 'something')
const silent: Evidence = refuse('EVIDENCE_UNAVAILABLE', 'nobody answers', 'an answer')

/** A machine: its cache, its key, the trust files of one project, and what a registry says and was asked. */
function machine(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'prover-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const file = (name: string) => join(root, name)
  const trustWith = ({ trustedRoot, npmKeys }: Trust) => {
    writeFileSync(file('root.json'), JSON.stringify(trustedRoot))
    writeFileSync(file('keys.json'), JSON.stringify(npmKeys))
  }
  trustWith(sigstore)
  const asked: string[] = []
  const registry = {
    attestations: (pkg: LockedPackage): Promise<Evidence> => documentOf(pkg),
    signatures: async (): Promise<Evidence> => missing,
  }
  const options = (now: Date) => ({
    evidence: {
      attestations: (pkg: LockedPackage) => {
        asked.push(`attestations ${pkg.name}`)
        return registry.attestations(pkg)
      },
      signatures: (pkg: LockedPackage) => {
        asked.push(`signatures ${pkg.name}`)
        return registry.signatures()
      },
    },
    trust: { trustedRoot: file('root.json'), npmKeys: file('keys.json') },
    remember: { cache: file('cache'), keyFile: file('key'), project: '/work/app', version: '1.0.0' },
    now,
  })
  return {
    file,
    trustWith,
    asked,
    registry,
    /** One run of the gate, and what it has asked the registry for. */
    async run(rules: string = PROVENANCE, { now = NOW, packages = [widget] } = {}) {
      asked.length = 0
      const policy = parsePolicy(`rules: [${rules}]`, file('.sigstorerc'))
      const gate: Gate = openGate({ policy, ...options(now) })
      const verdicts = await Promise.all(packages.map(gate))
      await gate.save()
      return { ends: verdicts.map(outcome), asked: [...asked], verdicts }
    },
    prover: (now = NOW) => openProver(options(now)),
  }
}

/** One that trusts a Sigstore of its own, and whose registry has what that one signs. */
async function evilMachine(t: TestContext) {
  const evil = await createSigstore({ now: NOW })
  const made = machine(t)
  made.trustWith(evil)
  made.registry.attestations = (pkg) => documentOf(pkg, evil)
  return made
}

const outcome = ({ status, refusal }: Verdict) => refusal?.code ?? status
const later = (time: number) => new Date(NOW.getTime() + time)

describe('a second run', () => {
  test('asks nobody and needs no trust material: the policy alone decides anew', async (t) => {
    const { run } = machine(t)
    const first = await run()
    assert.deepEqual(first.asked, ['attestations widget'])
    const second = await run()
    assert.deepEqual(second.asked, [])
    const claims = ({ verdicts }: typeof first) => JSON.stringify(verdicts.map((verdict) => verdict.claims))
    assert.equal(claims(second), claims(first))
    const stricter = await run(PROVENANCE.replace('acme/widgets', 'acme/other'))
    assert.deepEqual([stricter.ends, stricter.asked], [['REPOSITORY_MISMATCH'], []])
  })

  test('of other bytes, another version or another name knows nothing', async (t) => {
    const { run } = machine(t)
    await run()
    const others = [{ integrity: locked('other').integrity }, { version: '1.0.1' }, { name: 'gadget' }] as const
    for (const other of others) {
      const { ends, asked } = await run(PROVENANCE, { packages: [{ ...widget, ...other }] })
      assert.deepEqual([ends, asked.length], [['proven'], 1])
    }
  })

  test('verifies what is kept, and asks nobody, where the trust root has changed', async (t) => {
    const { run, trustWith } = machine(t)
    await run()
    const { trustedRoot } = sigstore
    const more = await createSigstore({ now: NOW })
    trustWith({
      ...sigstore,
      trustedRoot: { ...trustedRoot, tlogs: [...trustedRoot.tlogs, ...more.trustedRoot.tlogs] },
    })
    assert.deepEqual(await run().then(({ ends, asked }) => [ends, asked]), [['proven'], []])
  })

  test('refuses what was proven by an authority, a log or a key that is trusted no more', async (t) => {
    const { trustedRoot, npmKeys } = sigstore
    const other = await createSigstore({ now: NOW })
    const { certificateAuthorities } = other.trustedRoot
    const revoked: readonly (readonly [Trust, string])[] = [
      [{ trustedRoot: { ...trustedRoot, tlogs: other.trustedRoot.tlogs }, npmKeys }, 'EVIDENCE_UNKNOWN'],
      [{ trustedRoot: { ...trustedRoot, certificateAuthorities }, npmKeys }, 'EVIDENCE_UNKNOWN'],
      [{ trustedRoot: { ...trustedRoot, ctlogs: other.trustedRoot.ctlogs }, npmKeys }, 'EVIDENCE_UNKNOWN'],
      [{ trustedRoot, npmKeys: { ...npmKeys, keys: [] } }, 'EVIDENCE_UNKNOWN'],
    ]
    for (const [trust, code] of revoked) {
      const { run, trustWith } = machine(t)
      // The registry's key is for what the registry signs: of the build it says nothing.
      const rule = trust.npmKeys.keys.length === 0 ? '{ packages: "**", require: signature }' : PROVENANCE
      assert.deepEqual((await run(rule)).ends, ['proven'])
      trustWith(trust)
      assert.deepEqual((await run(rule)).ends, [code])
      trustWith(sigstore)
      assert.deepEqual((await run(rule)).ends, ['proven'])
    }
  })

  test('with a broken trust root stops, as the first one would', async (t) => {
    const { run, file } = machine(t)
    await run()
    writeFileSync(file('root.json'), '{}')
    await assert.rejects(run(), GateError)
  })

  test('proves what cannot be kept, and asks for it again', async (t) => {
    const { run, registry } = machine(t)
    const nested: unknown = JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`)
    registry.attestations = async (pkg) => {
      const document = await documentOf(pkg)
      return document.ok ? ok({ ...(document.value as object), nested }) : document
    }
    for (let round = 0; round < 2; round += 1) {
      const { ends, asked } = await run()
      assert.deepEqual([ends, asked], [['proven'], ['attestations widget']])
    }
  })

  test('does not take over what another trust root, that was there for a moment, has proven', async (t) => {
    const { prover, trustWith, registry, asked } = machine(t)
    const evil = await createSigstore({ now: NOW })
    registry.attestations = (pkg) => documentOf(pkg, evil)
    const prove = prover()
    await prove.load(false)
    // Another branch was checked out, or a file of this one is written anew, while the lockfile is read.
    trustWith(evil)
    assert.equal((await prove(widget)).ok, true)
    await prove.save()
    trustWith(sigstore)
    const next = prover()
    await next.load(false)
    asked.length = 0
    assert.equal(next.recalled(widget), undefined)
    assert.equal((await next(widget)).ok, false)
    assert.deepEqual(asked, ['attestations widget'])
  })

  test('of another version of the gate verifies what is kept', async (t) => {
    const here = machine(t)
    await here.run()
    const proofs = here.file('cache/proofs')
    for (const name of readdirSync(proofs)) rmSync(join(proofs, name))
    here.registry.attestations = async () => silent
    const { ends, asked } = await here.run()
    assert.deepEqual([ends, asked], [['proven'], []])
  })
})

describe('a cache from elsewhere', () => {
  test('is verified from its documents', async (t) => {
    const [theirs, mine] = [machine(t), machine(t)]
    await theirs.run()
    cpSync(theirs.file('cache'), mine.file('cache'), { recursive: true })
    mine.registry.attestations = async () => silent
    assert.deepEqual((await mine.run()).ends, ['proven'])
  })

  test('proves nothing with documents of its own making: the registry is asked', async (t) => {
    const [theirs, mine] = [await evilMachine(t), machine(t)]
    assert.deepEqual((await theirs.run()).ends, ['proven'])
    cpSync(theirs.file('cache'), mine.file('cache'), { recursive: true })
    const { ends, asked } = await mine.run()
    assert.deepEqual([ends, asked], [['proven'], ['attestations widget']])
    cpSync(theirs.file('cache'), mine.file('cache'), { recursive: true })
    rmSync(mine.file('cache/proofs'), { recursive: true })
    mine.registry.attestations = async () => missing
    assert.deepEqual((await mine.run()).ends, ['EVIDENCE_MISSING'])
  })

  test('with proofs in the place of mine is not believed, whoever has written them', async (t) => {
    const [theirs, mine] = [await evilMachine(t), machine(t)]
    await theirs.run()
    await mine.run()
    const proofs = (of: typeof mine) => of.file(join('cache/proofs', readdirSync(of.file('cache/proofs'))[0] ?? ''))
    copyFileSync(proofs(theirs), proofs(mine))
    rmSync(mine.file('cache/evidence'), { recursive: true })
    mine.registry.attestations = async () => missing
    assert.deepEqual((await mine.run()).ends, ['EVIDENCE_MISSING'])
  })

  test('cut off anywhere is as good as none', async (t) => {
    const { run, file, registry } = machine(t)
    await run()
    const whole = new Map(
      readdirSync(file('cache'), { recursive: true, encoding: 'utf8' })
        .map((name) => join(file('cache'), name))
        .filter((path) => statSync(path).isFile())
        .map((path) => [path, readFileSync(path)] as const),
    )
    for (const [path, bytes] of whole) {
      for (const length of [0, 1, bytes.length >> 1, bytes.length - 1]) {
        for (const [other, content] of whole) writeFileSync(other, content)
        writeFileSync(path, bytes.subarray(0, length))
        assert.deepEqual((await run()).ends, ['proven'])
      }
    }
    registry.attestations = async () => missing
    for (const path of whole.keys()) writeFileSync(path, '')
    assert.deepEqual((await run()).ends, ['EVIDENCE_MISSING'])
  })
})

describe('that there is no evidence', () => {
  const WARN = PROVENANCE.replace('}', '}, mode: warn')

  test('is remembered for an hour where it stops nothing', async (t) => {
    const { run, registry } = machine(t)
    registry.attestations = async () => missing
    assert.deepEqual((await run(WARN)).asked, ['attestations widget'])
    const soon = await run(WARN, { now: later(HOUR - 1) })
    assert.deepEqual([soon.ends, soon.asked], [['EVIDENCE_MISSING'], []])
    assert.deepEqual((await run(WARN, { now: later(HOUR) })).asked, ['attestations widget'])
  })

  test('is never remembered where it refuses', async (t) => {
    const { run, registry } = machine(t)
    registry.attestations = async () => missing
    await run(WARN)
    assert.deepEqual(await run().then(({ ends, asked }) => [ends, asked]), [
      ['EVIDENCE_MISSING'],
      ['attestations widget'],
    ])
    await run(WARN)
    registry.attestations = (pkg) => documentOf(pkg)
    assert.deepEqual((await run()).ends, ['proven'])
  })

  test('is asked anew by whoever does not say that a while ago will do', async (t) => {
    const { run, registry, prover, asked } = machine(t)
    registry.attestations = async () => missing
    await run(WARN)
    asked.length = 0
    const prove = prover()
    const code = (proof: Result<Proof>) => (proof.ok ? 'proof' : proof.refusal.code)
    assert.equal(code(await prove(widget, [], 'brief')), 'EVIDENCE_MISSING')
    assert.equal(asked.length, 0)
    registry.attestations = (pkg) => documentOf(pkg)
    const both = await Promise.all([prove(widget), prove(widget)])
    assert.deepEqual(both.map(code), ['proof', 'proof'])
    assert.deepEqual(asked, ['attestations widget'])
    assert.equal(code(await prove(widget, [], 'brief')), 'proof')
  })

  test('that nobody answers is never remembered', async (t) => {
    const { run, registry } = machine(t)
    registry.attestations = async () => silent
    await run(WARN)
    assert.deepEqual((await run(WARN)).asked, ['attestations widget'])
  })
})

describe("a registry's signature", () => {
  const SIGNATURE = '{ packages: "**", require: signature }'

  test('is remembered, and that there were no attestations with it', async (t) => {
    const { run, registry } = machine(t)
    registry.attestations = async () => missing
    const { integrity = '' } = widget
    registry.signatures = async () =>
      ok({ integrity, signatures: [sigstore.signature({ name: 'widget', version: '1.0.0', integrity })] })
    const first = await run(SIGNATURE)
    assert.deepEqual([first.ends, first.asked], [['proven'], ['attestations widget', 'signatures widget']])
    const second = await run(SIGNATURE, { now: later(2 * HOUR) })
    assert.deepEqual([second.ends, second.asked], [['proven'], []])
    // Another rule may ask for more than there was.
    registry.attestations = (pkg) => documentOf(pkg)
    assert.deepEqual((await run(PROVENANCE, { now: later(2 * HOUR) })).ends, ['proven'])
  })

  test('is asked for where all attestations are left out, as where there are none', async (t) => {
    const { integrity = '' } = widget
    const other = (await sigstore.document({ name: 'widget', version: '0.9.0', integrity, now: NOW })).attestations
    for (const attestations of [[null], [{ bundle: {} }], other]) {
      const { run, registry } = machine(t)
      registry.attestations = async () => ok({ attestations })
      assert.notDeepEqual((await run(SIGNATURE)).ends, ['proven'], 'nothing is signed yet')
      registry.signatures = async () =>
        ok({ integrity, signatures: [sigstore.signature({ name: 'widget', version: '1.0.0', integrity })] })
      const { ends, asked } = await run(SIGNATURE)
      assert.deepEqual([ends, asked], [['proven'], ['attestations widget', 'signatures widget']])
      // From memory as well.
      assert.deepEqual((await run(SIGNATURE)).ends, ['proven'])
      assert.notDeepEqual((await run()).ends, ['proven'])
    }
  })

  test('is not asked for where one attestation contradicts', async (t) => {
    const { run, registry } = machine(t)
    const { integrity = '' } = widget
    const { integrity: otherBytes = '' } = locked('malware')
    const wrong = await sigstore.document({ name: 'widget', version: '1.0.0', integrity: otherBytes, now: NOW })
    registry.attestations = async () => ok({ attestations: [null, ...wrong.attestations] })
    registry.signatures = async () =>
      ok({ integrity, signatures: [sigstore.signature({ name: 'widget', version: '1.0.0', integrity })] })
    assert.deepEqual((await run(SIGNATURE)).ends, ['DIGEST_MISMATCH'])
  })

  test('of one registry is not taken for that of another, nor a publish attestation', async (t) => {
    const { run, prover } = machine(t)
    const recalled = async () => {
      const prove = prover()
      await prove.load(false)
      return [[], [undefined], ['work'], [undefined, 'work']].map((each) => prove.recalled(widget, each)?.ok)
    }
    assert.deepEqual(await recalled(), [undefined, undefined, undefined, undefined])
    await run()
    assert.deepEqual(await recalled(), [true, true, undefined, undefined])
    const here = machine(t)
    here.registry.attestations = async () => missing
    const { integrity = '' } = widget
    here.registry.signatures = async () =>
      ok({ integrity, signatures: [sigstore.signature({ name: 'widget', version: '1.0.0', integrity })] })
    await here.run(SIGNATURE)
    const prove = here.prover()
    await prove.load(false)
    assert.equal(prove.recalled(widget, [undefined])?.ok, true)
    for (const each of [['work'], [undefined, 'work']]) assert.equal(prove.recalled(widget, each), undefined)
  })

  test('holds no more when its key is gone', async (t) => {
    const { run, registry, trustWith } = machine(t)
    registry.attestations = async () => missing
    const { integrity = '' } = widget
    registry.signatures = async () =>
      ok({ integrity, signatures: [sigstore.signature({ name: 'widget', version: '1.0.0', integrity })] })
    await run(SIGNATURE)
    trustWith({ ...sigstore, npmKeys: { ...sigstore.npmKeys, keys: [] } })
    assert.deepEqual((await run(SIGNATURE)).ends, ['EVIDENCE_UNKNOWN'])
  })
})

describe('attestations that are left out', () => {
  test('are remembered with what the others prove', async (t) => {
    const { run, prover, registry } = machine(t)
    registry.attestations = async (pkg) => {
      const { integrity = '' } = pkg
      const { attestations } = await sigstore.document({ name: pkg.name, version: pkg.version, integrity, now: NOW })
      return ok({ attestations: [...attestations, { bundle: { mediaType: 'x' } }] })
    }
    const leftOut = async () => {
      const proof = await prover()(widget)
      return proof.ok ? proof.value.leftOut : proof.refusal
    }
    const expected = [
      {
        code: 'EVIDENCE_MALFORMED',
        found: 'attestation 3: mediaType is not that of a known version',
        expected: 'a Sigstore bundle with a DSSE envelope',
      },
    ]
    assert.deepEqual(await leftOut(), expected)
    assert.deepEqual((await run()).ends, ['proven'])
    const again = await run()
    assert.deepEqual([again.ends, again.asked], [['proven'], []])
    assert.deepEqual(await leftOut(), expected)
  })
})

describe('many packages', () => {
  const many = Array.from({ length: 100 }, (_, index) => locked(`package-${index}`))

  test('end in threads as they do without', async (t) => {
    const { run, registry } = machine(t)
    const evil = await createSigstore({ now: NOW })
    const odd = (pkg: LockedPackage) => Number(pkg.name.slice(8)) % 10
    registry.attestations = async (pkg) => {
      if (odd(pkg) === 1) return missing
      if (odd(pkg) === 2) return documentOf(pkg, evil)
      if (odd(pkg) === 3) return documentOf(widget)
      return odd(pkg) === 4 ? ok(undefined) : documentOf(pkg)
    }
    const threads = await run(PROVENANCE, { packages: many })
    const alone: string[] = []
    for (const pkg of many) alone.push(...(await run(PROVENANCE, { packages: [pkg] })).ends)
    assert.deepEqual(threads.ends, alone)
    assert.deepEqual(
      new Set(threads.ends),
      new Set(['proven', 'EVIDENCE_MISSING', 'EVIDENCE_UNKNOWN', 'SUBJECT_MISMATCH', 'EVIDENCE_MALFORMED']),
    )
  })

  test('of which one has evidence that cannot be handed to a thread end all the same', async (t) => {
    const { run, registry } = machine(t)
    const deep: unknown = JSON.parse(`{"attestations":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    registry.attestations = async (pkg) => (pkg.name === 'package-7' ? ok(deep) : documentOf(pkg))
    const { ends } = await run(PROVENANCE, { packages: many })
    assert.deepEqual(
      ends,
      many.map(({ name }) => (name === 'package-7' ? 'EVIDENCE_MALFORMED' : 'proven')),
    )
  })

  test('with an unusable trust root stop, once and for all', async (t) => {
    const { run, trustWith } = machine(t)
    trustWith({ ...sigstore, trustedRoot: { ...sigstore.trustedRoot, certificateAuthorities: [] } })
    await assert.rejects(run(PROVENANCE, { packages: many }), GateError)
  })

  test('of which one is proven over and over cost one question each', async (t) => {
    const { run, asked } = machine(t)
    await run(PROVENANCE, { packages: [...many, ...many] })
    assert.equal(asked.length, many.length)
  })
})
