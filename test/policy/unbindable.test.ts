/** What no evidence can be compared with, and policies that hold nothing. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, type RefusalCode, type Result, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import type { Examined } from '../../src/policy/accept.ts'
import { draftPolicy } from '../../src/policy/draft.ts'
import { vainFindings } from '../../src/policy/findings.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { holdsNothing, unbindable, unbindableLines } from '../../src/policy/unbindable.ts'
import type { Proof } from '../../src/verify/types.ts'

const SHA512 = `sha512-${'A'.repeat(86)}==`
const ABSENT = refused('EVIDENCE_MISSING')
const PROVEN = ok({ provenance: [{} as never], publish: [] })

function refused(code: RefusalCode): Result<Proof> {
  return refuse(code, 'x', 'y')
}

function examined(name: string, more: Partial<LockedPackage> = {}, proof: Result<Proof> = ABSENT): Examined {
  const key = `${name}@1.0.0`
  return {
    pkg: {
      name,
      version: '1.0.0',
      integrity: SHA512,
      source: 'registry',
      origin: undefined,
      importers: ['.'],
      key,
      ...more,
    },
    proof,
  }
}

describe('what evidence can be compared with nothing of', () => {
  const NONE = { integrity: undefined }
  for (const [what, each, reason] of [
    ['a sha512', examined('a'), undefined],
    ['a sha512 that is proven', examined('a', {}, PROVEN), undefined],
    ['a sha512 whose attestations do not hold', examined('a', {}, refused('DIGEST_MISMATCH')), undefined],
    ['a checksum of yarn 2 to 4, without evidence', examined('a', { ...NONE, unbound: true }), 'archive'],
    ['the same with evidence', examined('a', { ...NONE, unbound: true }, refused('UNBOUND')), 'archive'],
    ['sha1 alone, without evidence', examined('a', { integrity: 'sha1-W4o6d2Xf4AEmHd6RVYnngvjJTR4=' }), 'digest'],
    ['the same with evidence', examined('a', { integrity: 'sha1-x' }, refused('INTEGRITY_MISSING')), 'digest'],
    ['no digest', examined('a', NONE), 'digest'],
    ['two sha512', examined('a', { integrity: `${SHA512} ${SHA512.replace('A', 'B')}` }), 'digest'],
    ['a sha512 that is none', examined('a', { integrity: 'sha512-x' }), 'digest'],
    ['what verification cannot compare for another reason', examined('a', {}, refused('INTEGRITY_MISSING')), 'digest'],
    [
      'an asset of a release without a digest',
      examined('a', { ...NONE, source: 'tarball' }, refused('INTEGRITY_MISSING')),
      'digest',
    ],
    ['an unknown source', examined('a', { ...NONE, source: 'unknown' }), 'source'],
    ['an unknown source with a sha512', examined('a', { source: 'unknown' }), 'source'],
    ['a folder', examined('a', { ...NONE, source: 'directory' }), undefined],
    ['a project', examined('a', { ...NONE, source: 'workspace' }), undefined],
    ['a git repository', examined('a', { ...NONE, source: 'git' }), undefined],
    ['a tarball without a digest', examined('a', { ...NONE, source: 'tarball' }), undefined],
    ['a runtime', examined('a', { ...NONE, source: 'runtime' }), undefined],
  ] as const) {
    it(`${what}: ${reason ?? 'none of that'}`, () => assert.equal(unbindable(each), reason))
  }

  it('is counted, named and told what to do about, by its reason', () => {
    const lines = unbindableLines([
      examined('fine'),
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((name) => examined(name, { unbound: true, integrity: undefined })),
      examined('old', { integrity: 'sha1-x' }),
      examined('odd', { source: 'unknown', key: 'odd@custom:1' }),
    ])
    assert.deepEqual(lines, [
      "7 packages have the checksum of yarn's own archive alone, so that no evidence can be compared with it: a@1.0.0, b@1.0.0, c@1.0.0, d@1.0.0, e@1.0.0, … and 2 more. Install with `provenance-gate run -- yarn install`, which looks at the bytes as they are fetched.",
      '1 package has no sha512 in the lockfile, so that no evidence can be compared with it: old@1.0.0. Remove its entry from the lockfile and install once more (with pnpm: from `packages`, and `pnpm install --fix-lockfile`), so that your package manager writes what the registry says today.',
      '1 package is of a source that is not known: odd@custom:1. Correct what asks for it.',
    ])
    assert.deepEqual(unbindableLines([examined('fine'), examined('a', { source: 'git', integrity: undefined })]), [])
  })

  it('is told shortly, whatever it is called, and however many there are', () => {
    const long = Array.from({ length: 50_000 }, (_, i) =>
      examined('x'.repeat(2_000), { key: `${i}${'x'.repeat(2_000)}`, integrity: undefined }),
    )
    const [line = '', ...others] = unbindableLines(long)
    assert.deepEqual(others, [])
    assert.ok(line.length < 2_000)
    assert.match(line, /and 49995 more/)
  })
})

describe('a first policy', () => {
  const drafted = (all: readonly Examined[]) => draftPolicy(all)
  const signed = (each: Examined): Examined => ({
    ...each,
    signed: ok({ provenance: [], publish: [], signature: { keyId: 'x' } }),
  })
  const old = examined('old', { integrity: 'sha1-x' })

  it('does not say that the registry has no signatures where the lockfile has nothing to compare them with', () => {
    for (const each of [old, examined('berry', { integrity: undefined, unbound: true })]) {
      const text = drafted([each])
      assert.doesNotMatch(text, /The registry has no signature/)
      assert.match(text, /Of the rest nothing is held: the lockfile has no sha512 of it/)
    }
    // Of one it is known.
    assert.match(drafted([old, examined('a')]), /The registry has no signatures/)
  })

  it('names both apart where others are signed, and a name of both kinds once', () => {
    const text = drafted([signed(examined('s')), examined('bare'), old, examined('old', { version: '2.0.0' })])
    const [unbound, unsigned, rest, ...more] = parsePolicy(text, '.sigstorerc').rules
    assert.deepEqual([unbound?.packages, unsigned?.packages, rest?.packages], [['old'], ['bare'], ['**']])
    assert.deepEqual(more, [])
    for (const rule of [unbound, unsigned])
      assert.deepEqual([rule?.source, rule?.require, rule?.unchanged], [['registry'], 'nothing', true])
    assert.match(text, /has no sha512 of these[\s\S]*- old[\s\S]*has no signature for these[\s\S]*- bare/)
  })
})

describe('a policy that holds nothing', () => {
  const identity = { published: [{ from: '1.0.0', line: 1, identity: {} as never }], unproven: [] }
  const findings = (rules: string, packages: readonly Examined[], known: readonly string[] = []) => {
    const policy = {
      ...parsePolicy(`rules: [${rules}]\n`, '.sigstorerc'),
      identities: new Map(known.map((name) => [name, identity])),
    }
    const list = packages.map(({ pkg }) => pkg)
    const found = vainFindings(policy, list)
    assert.equal(found.length > 0, holdsNothing(policy, list))
    return found
  }
  const ALL = "{ packages: '**', require: nothing }"
  const UNCHANGED = "{ packages: '**', require: nothing, unchanged: true }"
  const two = [examined('a'), examined('b')]

  for (const [what, rules, packages, known] of [
    ['one that requires nothing', ALL, two, ['a']],
    ['one that holds to an empty identity lock', UNCHANGED, two, []],
    ['one that holds to a lock of other packages', UNCHANGED, two, ['c']],
    ['one whose demands are of packages that are not there', `{ packages: c, require: signature }, ${ALL}`, two, []],
    ['one of which only folders are left', ALL, [...two, examined('f', { source: 'directory' })], []],
  ] as const) {
    it(`is ${what}`, () => {
      const [finding, ...others] = findings(rules, packages, known)
      assert.match(finding?.message ?? '', /^no rule requires anything of what the lockfile has from registries/)
      assert.deepEqual([finding?.place.file, finding?.place.line, others.length], ['.sigstorerc', 1, 0])
    })
  }

  for (const [what, rules, packages, known] of [
    ['one that asks for a signature of one', `{ packages: a, require: signature }, ${ALL}`, two, []],
    ['one that holds one to the identity lock', UNCHANGED, two, ['b']],
    ['one that has no rule for one, which is refused', '{ packages: a, require: nothing }', two, []],
    ['one for no package of a registry', ALL, [examined('f', { source: 'git' })], []],
    ['one for no package', ALL, [], []],
    [
      'one for a package that lies elsewhere',
      ALL,
      [examined('m', { outside: 'https://r.example/', origin: 'https://x.example/m.tgz' })],
      [],
    ],
  ] as const) {
    it(`is not ${what}`, () => assert.deepEqual(findings(rules, packages, known), []))
  }
})
