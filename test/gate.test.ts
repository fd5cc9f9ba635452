/** The road from an entry to a verdict, with real documents of a local Sigstore. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { ok, refuse } from '../src/codes.ts'
import { GateError } from '../src/errors.ts'
import type { Evidence, EvidenceSource } from '../src/evidence/types.ts'
import { openGate } from '../src/gate.ts'
import type { LockedPackage, PackageSource } from '../src/lockfile/types.ts'
import { parsePolicy } from '../src/policy/parse.ts'
import type { Policy, Verdict } from '../src/policy/types.ts'
import { createTarball } from './support/registry/index.ts'
import { createSigstore } from './support/sigstore/index.ts'

const NOW = new Date('2026-01-15T12:00:00Z')
const sigstore = await createSigstore({ now: NOW })
const folder = mkdtempSync(join(tmpdir(), 'gate-'))
after(() => rmSync(folder, { recursive: true }))

function write(name: string, content: unknown): string {
  const file = join(folder, name)
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content))
  return file
}

const trust = {
  trustedRoot: write('trusted_root.json', sigstore.trustedRoot),
  npmKeys: write('keys.json', sigstore.npmKeys),
}

function policyOf(...rules: readonly string[]): Policy {
  return parsePolicy(`rules: [${rules.join(', ')}]`, join(folder, '.sigstorerc'))
}

const PROVENANCE = '{ packages: "**", require: provenance, publisher: { repository: acme/widgets } }'
const NOTHING = '{ packages: "**", require: nothing }'

function locked(name: string, version: string, more: Partial<LockedPackage> = {}): LockedPackage {
  const { integrity } = createTarball({ name, version })
  return {
    ...{ name, version, integrity, source: 'registry', origin: undefined, importers: ['.'], key: `${name}@${version}` },
    ...more,
  }
}

async function documentOf({ name, version, integrity }: LockedPackage, signedAt = NOW): Promise<Evidence> {
  return ok(await sigstore.document({ name, version, integrity: integrity ?? '', now: signedAt }))
}

/** Genuine evidence for whatever is asked, and what was asked. */
function recorded(source: Ask = (pkg) => documentOf(pkg)) {
  const asked: LockedPackage[] = []
  const evidence: Ask = (pkg) => {
    asked.push(pkg)
    return source(pkg)
  }
  return { asked, evidence }
}

type Ask = EvidenceSource['attestations']
const sourceOf = (attestations: Ask, signatures: EvidenceSource['signatures'] = none): EvidenceSource => ({
  attestations,
  signatures,
})
const none = async () => refuse('EVIDENCE_MISSING', 'nothing', 'something')
const open = (policy: Policy, evidence: Ask, signatures?: EvidenceSource['signatures']) =>
  openGate({ policy, evidence: sourceOf(evidence, signatures), trust, now: NOW })
const outcome = ({ status, refusal }: Verdict) => refusal?.code ?? status
const widget = locked('widget', '1.0.0')

describe('evidence', () => {
  test('is asked for once, however many calls there are of an entry and however they overlap', async () => {
    const { asked, evidence } = recorded()
    const gate = open(policyOf(PROVENANCE), evidence)
    const calls = Array.from({ length: 50 }, (_, i) => gate({ ...widget, importers: [`packages/${i}`] }))
    const verdicts = await Promise.all(calls)
    verdicts.push(await gate(widget), await gate({ ...widget, key: 'other' }))
    assert.deepEqual(new Set(verdicts.map(outcome)), new Set(['proven']))
    assert.equal(asked.length, 1)
    assert.deepEqual(
      verdicts[7]?.package.importers,
      ['packages/7'],
      'each verdict is about the entry that was asked about',
    )
  })

  test('is asked for once also where it was refused: one run, one answer', async () => {
    for (const code of ['EVIDENCE_MISSING', 'EVIDENCE_UNAVAILABLE'] as const) {
      const { asked, evidence } = recorded(async () => refuse(code, 'nothing', 'something'))
      const gate = open(policyOf(PROVENANCE), evidence)
      assert.deepEqual((await Promise.all([gate(widget), gate(widget)])).map(outcome), [code, code])
      assert.equal(outcome(await gate(widget)), code)
      assert.equal(asked.length, 1)
    }
  })

  test('of one entry is never that of another', async () => {
    const { asked, evidence } = recorded(() => documentOf(widget))
    const gate = open(policyOf(PROVENANCE), evidence)
    const others = [
      widget,
      { ...widget, integrity: locked('other', '1.0.0').integrity },
      { ...widget, integrity: undefined },
      { ...widget, version: '1.0.1' },
      { ...widget, name: 'wid' },
      { ...widget, source: 'tarball' as const },
    ]
    const expected = [
      ...['proven', 'DIGEST_MISMATCH', 'INTEGRITY_MISSING', 'SUBJECT_MISMATCH', 'SUBJECT_MISMATCH'],
      'EVIDENCE_MISSING',
    ]
    assert.deepEqual((await Promise.all(others.map(gate))).map(outcome), expected)
    assert.deepEqual((await Promise.all(others.map(gate))).map(outcome), expected)
    assert.equal(asked.length, 5)
  })

  test('is not asked for where nothing is required, or where there is no rule', async () => {
    const { asked, evidence } = recorded()
    const gate = open(policyOf('{ packages: free, require: nothing }'), evidence)
    assert.equal(outcome(await gate(locked('free', '1.0.0'))), 'permitted')
    assert.equal(outcome(await gate(widget)), 'NO_RULE')
    assert.deepEqual(asked, [])
  })

  const SOURCES = {
    tarball: /^a dependency from a tarball URL or file \(where\)$/,
    git: /^a dependency from a git repository \(where\)$/,
    workspace: /^a dependency from a project of the workspace \(where\)$/,
    directory: /^a dependency from a folder \(where\)$/,
    runtime: /^a dependency from a runtime download \(where\)$/,
    bundled: /^a dependency from another package's tarball \(where\)$/,
    unknown: /^an entry of unknown source \(where\)$/,
  } as const satisfies Record<Exclude<PackageSource, 'registry'>, RegExp>
  for (const [source, found] of Object.entries(SOURCES)) {
    test(`is not asked for, and missing, where a package comes from: ${source}`, async () => {
      const { asked, evidence } = recorded()
      const gate = open(policyOf(PROVENANCE), evidence)
      const verdict = await gate({ ...widget, source: source as PackageSource, origin: 'where' })
      assert.equal(outcome(verdict), 'EVIDENCE_MISSING')
      assert.match(verdict.refusal?.found ?? '', found)
      assert.deepEqual(asked, [])
      assert.equal(outcome(await gate(widget)), 'proven', 'its namesake from the registry')
    })
  }
})

describe('a source of evidence that is broken', () => {
  const thrown = [new Error('broken'), new TypeError(), 'text', undefined, null, { ok: true }]
  for (const what of thrown) {
    test(`and throws ${String(what)}`, async () => {
      for (const evidence of [
        () => {
          throw what
        },
        () => Promise.reject(what),
      ]) {
        const gate = open(policyOf(PROVENANCE), evidence)
        for (const verdict of [await gate(widget), await gate(widget)]) {
          assert.equal(outcome(verdict), 'INTERNAL_ERROR')
          assert.equal(verdict.status, 'refused')
          assert.match(verdict.refusal?.found ?? '', /^an error while deciding \(/)
        }
      }
    })
  }

  const broken =
    (value: unknown): Ask =>
    async () =>
      value as Evidence
  const RETURNED: Readonly<Record<string, readonly [value: unknown, code: string]>> = {
    nothing: [undefined, 'INTERNAL_ERROR'],
    'an empty object': [{}, 'INTERNAL_ERROR'],
    'a refusal without a reason': [{ ok: false }, 'INTERNAL_ERROR'],
    'a refusal with an unknown code': [{ ok: false, refusal: { code: 'toString' } }, 'INTERNAL_ERROR'],
    'a document that throws': [
      ok(Object.defineProperty({}, 'attestations', { get: () => assert.fail() })),
      'INTERNAL_ERROR',
    ],
    'no document': [{ ok: true }, 'EVIDENCE_MALFORMED'],
    'null as document': [ok(null), 'EVIDENCE_MALFORMED'],
    'a list as document': [ok([]), 'EVIDENCE_MALFORMED'],
    'a claim instead of a document': [ok({ status: 'proven', provenance: [{}] }), 'EVIDENCE_MALFORMED'],
    'a bundle that is none': [ok({ attestations: [{ bundle: {} }] }), 'EVIDENCE_MALFORMED'],
    'a promise in a document': [ok(documentOf(widget)), 'EVIDENCE_MALFORMED'],
    'no attestations': [ok({ attestations: [] }), 'EVIDENCE_MISSING'],
  }
  for (const [what, [value, code]] of Object.entries(RETURNED)) {
    test(`and returns ${what}`, async () => {
      const verdict = await open(policyOf(PROVENANCE), broken(value))(widget)
      assert.deepEqual([verdict.status, outcome(verdict), verdict.claims], ['refused', code, undefined])
    })
  }

  test('and returns anything', async () => {
    const anything = fc.oneof(
      fc.anything(),
      fc.record({ ok: fc.anything(), value: fc.anything(), refusal: fc.anything() }),
    )
    await fc.assert(
      fc.asyncProperty(anything, async (value) => {
        const verdict = await open(policyOf(PROVENANCE), broken(value))(widget)
        assert.equal(verdict.status, 'refused')
        assert.ok(verdict.refusal?.code)
      }),
    )
  })
})

test('an entry that is no entry is refused, whatever it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.anything(), async (entry) => {
      const verdict = await open(policyOf(PROVENANCE), () => documentOf(widget))(entry as LockedPackage)
      assert.equal(verdict.status, 'refused')
    }),
  )
})

describe('trust files that cannot be used', () => {
  const WRONG = {
    'a missing root': { ...trust, trustedRoot: join(folder, 'gone.json') },
    'a root that is not JSON': { ...trust, trustedRoot: write('text.json', 'text') },
    'a root without authorities': { ...trust, trustedRoot: write('empty.json', {}) },
    'a folder as keys': { ...trust, npmKeys: folder },
    'a root as keys': { ...trust, npmKeys: trust.trustedRoot },
  }
  for (const [what, wrong] of Object.entries(WRONG)) {
    test(`${what}: an error for every package that needs them, a verdict for those that do not`, async () => {
      const policy = policyOf('{ packages: free, require: nothing }', PROVENANCE)
      const gate = openGate({ policy, evidence: sourceOf(recorded().evidence), trust: wrong, now: NOW })
      const calls = await Promise.allSettled([gate(widget), gate(widget), gate(locked('other', '1.0.0'))])
      for (const call of calls) assert.ok(call.status === 'rejected' && call.reason instanceof GateError)
      await assert.rejects(gate(widget), GateError)
      assert.equal(outcome(await gate(locked('free', '1.0.0'))), 'permitted')
    })
  }

  test('of the policy are not looked at where others replace them, and each is replaced alone', async () => {
    const wrong = { trustedRoot: join(folder, 'gone.json'), npmKeys: join(folder, 'gone.json') }
    const policy = { ...policyOf(PROVENANCE), trust: wrong }
    const { evidence } = recorded()
    assert.equal(outcome(await openGate({ policy, evidence: sourceOf(evidence), trust, now: NOW })(widget)), 'proven')
    await assert.rejects(openGate({ policy, evidence: sourceOf(evidence), now: NOW })(widget), GateError)
    for (const half of [{ trustedRoot: trust.trustedRoot }, { npmKeys: trust.npmKeys }])
      await assert.rejects(openGate({ policy, evidence: sourceOf(evidence), trust: half, now: NOW })(widget), GateError)
  })

  test('none at all: the embedded ones, under which this Sigstore is a stranger', async () => {
    const gate = openGate({ policy: policyOf(PROVENANCE), evidence: sourceOf(recorded().evidence), now: NOW })
    assert.equal(outcome(await gate(widget)), 'EVIDENCE_UNKNOWN')
  })
})

describe('the policy decides each time', () => {
  test('by the range that a version lies in', async () => {
    const policy = policyOf(
      '{ packages: widget@<2, require: provenance, publisher: { repository: acme/widgets } }',
      '{ packages: widget@2, require: provenance, publisher: { repository: acme/gadgets } }',
      '{ packages: widget@3, require: nothing }',
    )
    const gate = open(policy, recorded().evidence)
    const versions = ['1.0.0', '2.0.0', '2.0.1-rc.1', '3.0.0', '4.0.0'].map((version) =>
      gate(locked('widget', version)),
    )
    const expected = ['proven', 'REPOSITORY_MISMATCH', 'REPOSITORY_MISMATCH', 'permitted', 'NO_RULE']
    assert.deepEqual((await Promise.all(versions)).map(outcome), expected)
  })

  test('also on what was proven before: facts are kept, decisions are not', async () => {
    const { asked, evidence } = recorded()
    const [strict, lax, other] = [PROVENANCE, NOTHING, PROVENANCE.replace('widgets', 'gadgets')].map((rule) =>
      policyOf(rule),
    )
    let current = strict
    const policy: Policy = {
      ...policyOf(NOTHING),
      get rules() {
        return current?.rules ?? assert.fail()
      },
    }
    const gate = open(policy, evidence)
    const seen: string[] = []
    for (current of [strict, other, lax, policyOf('{ packages: x, require: nothing }'), strict])
      seen.push(outcome(await gate(widget)))
    assert.deepEqual(seen, ['proven', 'REPOSITORY_MISMATCH', 'permitted', 'NO_RULE', 'proven'])
    assert.equal(asked.length, 1)
  })

  test('a refusal keeps what was proven, a permission claims nothing', async () => {
    const wrong = await open(policyOf(PROVENANCE.replace('widgets', 'gadgets')), recorded().evidence)(widget)
    assert.equal(wrong.claims?.repository, 'https://github.com/acme/widgets')
    assert.equal(wrong.rule?.place.line, 1)
    const free = await open(policyOf(NOTHING), recorded().evidence)(widget)
    assert.equal(free.claims, undefined)
  })
})

test('the clock is the one that was given', async () => {
  const later = new Date(NOW.getTime() + 3_600_000)
  const gateAt = (now: Date) =>
    openGate({ policy: policyOf(PROVENANCE), evidence: sourceOf((pkg) => documentOf(pkg, later)), trust, now })
  assert.equal(outcome(await gateAt(NOW)(widget)), 'TIMESTAMP_INVALID')
  assert.equal(outcome(await gateAt(later)(widget)), 'proven')
  assert.notEqual((await gateAt(new Date(Number.NaN))(widget)).status, 'proven')
})
