import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { CODES, type RefusalCode } from '../../src/codes.ts'
import type { Verdict } from '../../src/policy/types.ts'
import { type Origin, refusalText } from '../../src/report/text.ts'
import type { TrustFiles } from '../../src/trust/inputs.ts'
import { anyVerdict, FOLDER, pkg, refusal, STATUSES, UNSAFE, verdict } from './support.ts'

const ORIGINS: readonly Origin[] = ['locked', 'resolved', 'late']

const textOf = (verdicts: readonly Verdict[], origin: Origin = 'locked') => refusalText(verdicts, origin, FOLDER)

describe('the message of the hook', () => {
  for (const origin of ORIGINS) {
    it(`is none where nothing ${origin} is refused`, () => {
      assert.equal(textOf([], origin), undefined)
      const others = STATUSES.filter((status) => status !== 'refused').map((status) => verdict(status))
      assert.equal(textOf(others, origin), undefined)
    })

    it(`says of what is ${origin} what was refused, why, by which rule, who needs it, and what to do`, () => {
      const text = textOf([verdict('proven', { package: pkg({ name: 'fine' }) }), refusal()], origin) ?? ''
      const [head, block, advice, ...rest] = text.split('\n\n')
      assert.deepEqual(rest, [])
      assert.equal(head, 'provenance-gate refused 1 package.')
      assert.deepEqual(block?.split('\n'), [
        '@acme/widgets@1.2.3  REF_MISMATCH',
        '  found:     the ref refs/heads/evil',
        '  expected:  the ref refs/tags/v*',
        '  rule:      .sigstorerc:12',
        '  needed by: the root project, packages/app',
      ])
      assert.match(advice ?? '', /linked .*run.*change the rule, in a commit that somebody reviews\.$/s)
    })
  }

  it("says whose policy it is where it is not the root's, and what to do where nobody knows who needs it", () => {
    const known = textOf([refusal({ projects: ['apps/a', 'apps/b'] })], 'resolved') ?? ''
    assert.match(known, /^ {2}needed by: the root project, packages\/app\n {2}policy of: apps\/a, apps\/b$/m)
    assert.doesNotMatch(known, /repair/)
    const unknown = { package: pkg({ importers: [], forAnyone: true }), projects: ['apps/a'] }
    for (const origin of ORIGINS) {
      assert.match(textOf([refusal(unknown)], origin) ?? '', /^ {2}provenance-gate repair install /m)
      assert.doesNotMatch(textOf([refusal({ ...unknown, projects: undefined })], origin) ?? '', /repair install/)
    }
  })

  it('advises a repair only where a lockfile is there to be repaired', () => {
    assert.match(textOf([refusal()], 'locked') ?? '', /^ {2}provenance-gate repair update NAME /m)
    assert.doesNotMatch(textOf([refusal()], 'resolved') ?? '', /repair/)
  })

  it('leaves out who needs it where nobody is known to, and says where there is no rule', () => {
    const text = textOf([refusal({ package: pkg({ importers: [] }), rule: undefined }, 'NO_RULE')]) ?? ''
    assert.match(text, /\n {2}rule: {6}none\n\n/)
  })

  it('is there also where the only refusal has no reason', () => {
    assert.match(textOf([verdict('refused')]) ?? '', /@acme\/widgets@1\.2\.3 {2}INTERNAL_ERROR/)
  })

  for (const code of Object.keys(CODES) as RefusalCode[]) {
    it(`of ${code} says what to do`, () => {
      for (const origin of ORIGINS) {
        const text = textOf([refusal({}, code)], origin) ?? ''
        assert.ok(text.includes(`  ${code}\n`))
        // What could not be found out is not a reason to trust another version, nor to change a rule.
        assert.equal(text.includes('check the network and the registry'), code === 'EVIDENCE_UNAVAILABLE')
        assert.equal(text.includes('provenance-gate trust update'), code === 'EVIDENCE_UNKNOWN')
        const isUndecided = code === 'EVIDENCE_UNAVAILABLE' || code === 'EVIDENCE_UNKNOWN'
        assert.equal(text.includes('change the rule'), !isUndecided)
      }
    })
  }

  const FILES: readonly (readonly [what: string, trust: TrustFiles, said: string])[] = [
    ['no file', {}, 'run `provenance-gate trust update`, or renew the gate.'],
    ['a root', { trustedRoot: `${FOLDER}/t/root.json` }, 'renew t/root.json from where it came, or renew the gate.'],
    [
      "a registry's keys",
      { npmKeys: '/etc/keys.json', registries: new Map([['acme', `${FOLDER}/acme.json`]]) },
      'run `provenance-gate trust update`, or renew /etc/keys.json, acme.json from where it came, or renew the gate.',
    ],
    [
      'another domain without a file',
      { trustedRoot: `${FOLDER}/root.json`, domains: new Map([['github', {}]]) },
      'run `provenance-gate trust update --domain github`, or renew root.json from where it came, or renew the gate.',
    ],
    [
      'one file for two domains',
      { trustedRoot: '/r.json', domains: new Map([['acme', { trustedRoot: '/r.json' }]]) },
      'renew /r.json from where it came, or renew the gate.',
    ],
    [
      'a repository of its own',
      { tuf: { url: 'https://tuf.example/', root: '/1.root.json' }, domains: new Map([['sigstore', {}]]) },
      'run `provenance-gate trust update`, or renew the gate.',
    ],
    [
      'a name that moves the cursor',
      { trustedRoot: `${FOLDER}/\u001b[2K.json` },
      'renew \\u{1b}[2K.json from where it came, or renew the gate.',
    ],
  ]
  for (const [what, trust, said] of FILES) {
    it(`says how to renew what is trusted by ${what}`, () => {
      const text = refusalText([refusal({}, 'EVIDENCE_UNKNOWN')], 'locked', FOLDER, trust) ?? ''
      assert.ok(text.endsWith(`older than the evidence: ${said} Then install again.`), text)
    })
  }

  it('does not blame the network where something was found as well', () => {
    const text = textOf([refusal({}, 'EVIDENCE_UNAVAILABLE'), refusal({}, 'SIGNATURE_INVALID')]) ?? ''
    assert.ok(!text.includes('check the network'))
    assert.ok(text.includes('change the rule'))
  })

  const many = (length: number) =>
    textOf(Array.from({ length }, (_, i) => refusal({ package: pkg({ name: `pkg-${i}-` }) }))) ?? ''

  it('of 20 names each', () => {
    const text = many(20)
    for (let i = 0; i < 20; i += 1) assert.ok(text.includes(`pkg-${i}-@1.2.3  REF_MISMATCH`))
    assert.ok(!text.includes('more'))
  })

  it('of 21 names 20, and counts the other one', () => {
    const text = many(21)
    assert.match(text, /^provenance-gate refused 21 packages\.\n/)
    assert.ok(text.includes('pkg-19-@') && !text.includes('pkg-20-@'))
    assert.match(text, /^… and 1 more: `provenance-gate verify` lists them all\.$/m)
  })

  it('of 2,000 names 20, and counts the others', () => {
    const text = many(2000)
    assert.match(text, /^provenance-gate refused 2000 packages\.\n/)
    assert.match(text, /^… and 1980 more: /m)
    assert.ok(text.split('\n').length < 200)
  })

  it('blames the network by all refusals, not by those that are shown', () => {
    const unavailable = Array.from({ length: 25 }, () => refusal({}, 'EVIDENCE_UNAVAILABLE'))
    assert.ok(!textOf([...unavailable, refusal()])?.includes('check the network'))
    assert.ok(textOf(unavailable)?.includes('check the network'))
  })

  it('has nothing of a lockfile, a certificate or a policy that acts on a terminal or adds a line', () => {
    fc.assert(
      fc.property(fc.array(anyVerdict, { maxLength: 30 }), fc.constantFrom(...ORIGINS), (verdicts, origin) => {
        const refused = verdicts.filter(({ status }) => status === 'refused').length
        const text = textOf(verdicts, origin)
        assert.equal(text === undefined, refused === 0)
        const lines = text?.split('\n') ?? []
        for (const line of lines) assert.doesNotMatch(line, UNSAFE)
        const shown = lines.filter((line) => line.startsWith('  found:     '))
        assert.equal(shown.length, Math.min(refused, 20))
        // Counted by what this text writes itself: a package cannot add or hide one.
        if (refused > 0) assert.ok(lines[0]?.startsWith(`provenance-gate refused ${refused} package`))
        // Nor can it add a line, in which it could say anything.
        const harmless = verdicts.map((one) => ({ ...one, package: pkg({ importers: one.package.importers }) }))
        assert.equal(lines.length, textOf(harmless, origin)?.split('\n').length ?? 0)
      }),
      { numRuns: 100 },
    )
  })
})
