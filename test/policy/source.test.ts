import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { ok, refuse } from '../../src/codes.ts'
import { GateError } from '../../src/errors.ts'
import type { LockedPackage, PackageSource } from '../../src/lockfile/types.ts'
import { parseCases, runCase } from '../../src/policy/cases.ts'
import { decide, needsProof } from '../../src/policy/decide.ts'
import { explain } from '../../src/policy/explain.ts'
import { findingsOf } from '../../src/policy/findings.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { RULE_SOURCES } from '../../src/policy/source.ts'
import type { Policy, Rule, Verdict } from '../../src/policy/types.ts'

const NOW = new Date('2026-06-01')
const A = `sha512-${Buffer.alloc(64, 1).toString('base64')}`
const B = `sha512-${Buffer.alloc(64, 2).toString('base64')}`
const NPMJS = 'https://registry.npmjs.org/'
const EVIL = 'https://evil.example/x.tgz'
const NONE = refuse('EVIDENCE_MISSING', 'no attestations', 'one')
const SIGNED = ok({ provenance: [], publish: [{ signedAt: '2026-01-01T00:00:00Z' }] })

const policyOf = (rules: string, more = '') =>
  parsePolicy(`${more}\nrules:\n${rules.replace(/^(?=.)/gm, '  - ')}`, '.sigstorerc')

type From = Partial<LockedPackage> & { readonly source: PackageSource }
function pkg(name: string, { source, ...more }: From): LockedPackage {
  const isVersioned = source === 'registry' || source === 'runtime'
  const version = isVersioned ? '1.0.0' : ''
  return {
    name,
    version,
    integrity: undefined,
    source,
    origin: undefined,
    importers: ['.'],
    key: `${name}@${source}`,
    ...more,
  }
}

/** A registry's name and version, at an address that is not the registry's. */
const OUTSIDE: From = { source: 'registry', origin: EVIL, outside: NPMJS }
const judge = (one: LockedPackage, policy: Policy, proof = NONE as typeof NONE | typeof SIGNED): Verdict =>
  decide(one, policy, needsProof(one, policy) ? proof : undefined, NOW)
const ends = ({ status, refusal }: Verdict) => refusal?.code ?? status

/** One of each place that a package can come from, without what is bundled. */
const FROM: Readonly<Record<string, From>> = {
  ...Object.fromEntries([...RULE_SOURCES, 'unknown' as const].map((source) => [source, { source }])),
  outside: OUTSIDE,
}

describe('a rule that requires nothing', () => {
  it('covers the registry and the workspace where it says no source, and refuses everything else', () => {
    const policy = policyOf(`{ packages: '**', require: nothing }`)
    const passing = Object.entries(FROM).flatMap(([name, from]) =>
      judge(pkg('x', from), policy).status === 'permitted' ? [name] : [],
    )
    assert.deepEqual(passing, ['registry', 'workspace'])
    for (const [name, from] of Object.entries(FROM))
      if (!passing.includes(name)) assert.equal(ends(judge(pkg('x', from), policy)), 'SOURCE_NOT_ALLOWED', name)
  })

  for (const source of RULE_SOURCES) {
    it(`covers ${source} alone where that is its source`, () => {
      const policy = policyOf(`{ packages: '**', source: ${source}, require: nothing }`)
      for (const [name, from] of Object.entries(FROM)) {
        const isCovered = name === source || (source === 'tarball' && name === 'outside')
        assert.equal(ends(judge(pkg('x', from), policy)), isCovered ? 'permitted' : 'SOURCE_NOT_ALLOWED', name)
      }
    })
  }

  it('covers each of a list', () => {
    const policy = policyOf('{ packages: x, source: [git, tarball], require: nothing }')
    assert.equal(ends(judge(pkg('x', { source: 'git' }), policy)), 'permitted')
    assert.equal(ends(judge(pkg('x', OUTSIDE), policy)), 'permitted')
    assert.equal(ends(judge(pkg('x', { source: 'registry' }), policy)), 'SOURCE_NOT_ALLOWED')
  })

  it('refuses before a later rule is asked, where it says no source', () => {
    const policy = policyOf(`{ packages: 'x*', require: nothing }\n{ packages: '**', source: git, require: nothing }`)
    assert.equal(ends(judge(pkg('x', { source: 'git' }), policy)), 'SOURCE_NOT_ALLOWED')
    assert.equal(ends(judge(pkg('y', { source: 'git' }), policy)), 'permitted')
  })

  it('leaves what is from elsewhere to the next rule, where it says a source', () => {
    const policy = policyOf(
      `{ packages: '@acme/*', source: workspace, require: nothing }\n{ packages: '@acme/*', require: signature }`,
    )
    assert.equal(ends(judge(pkg('@acme/x', { source: 'workspace' }), policy)), 'permitted')
    assert.equal(ends(judge(pkg('@acme/x', { source: 'registry' }), policy, SIGNED)), 'proven')
    for (const from of [OUTSIDE, FROM.tarball, FROM.git, FROM.unknown, FROM.directory] as const)
      assert.equal(ends(judge(pkg('@acme/x', from as From), policy)), 'EVIDENCE_MISSING')
  })

  it('does not take the version that a lockfile writes beside an address for one', () => {
    const policy = policyOf(`{ packages: 'x@^1.0.0', source: [registry, tarball], require: nothing }`)
    assert.equal(ends(judge(pkg('x', { source: 'registry' }), policy)), 'permitted')
    assert.equal(ends(judge(pkg('x', OUTSIDE), policy)), 'NO_RULE')
  })

  it('covers what is bundled as its bundler', () => {
    const policy = policyOf('{ packages: x, require: nothing }')
    for (const [from, expected] of [
      [{ source: 'registry' }, 'bundled'],
      [OUTSIDE, 'SOURCE_NOT_ALLOWED'],
      [{ source: 'git' }, 'SOURCE_NOT_ALLOWED'],
    ] as const)
      assert.equal(ends(judge(pkg('inner', { source: 'bundled', bundledIn: pkg('x', from) }), policy)), expected)
  })

  it('refuses what is installed under a name that is reserved for a project of the workspace', () => {
    const policy = policyOf(
      `{ packages: internal, source: workspace, require: nothing }\n{ packages: evil, require: nothing }`,
    )
    const evil = pkg('evil', { source: 'registry' })
    assert.equal(ends(judge(evil, policy)), 'permitted')
    const verdict = judge({ ...evil, aliases: ['internal'] }, policy)
    assert.equal(ends(verdict), 'SOURCE_NOT_ALLOWED')
    assert.match(verdict.refusal?.found ?? '', /; it is installed as "internal"$/)
  })

  it('of a project that names a package for other sources refuses it as well', () => {
    const projects = new Map([['app', policyOf('{ packages: x, source: registry, require: signature }')]])
    const policy = { ...policyOf(`{ packages: '**', source: [registry, git], require: nothing }`), projects }
    const one = { ...pkg('x', { source: 'git' }), importers: ['app'] }
    const verdict = judge(one, policy)
    assert.deepEqual([ends(verdict), verdict.projects], ['SOURCE_NOT_ALLOWED', ['app']])
    assert.equal(ends(judge({ ...one, importers: ['.'] }, policy)), 'permitted')
  })
})

describe('a rule that asks for proof', () => {
  it('is about every source where it says none, and lets nothing pass that cannot be proven', () => {
    const policy = policyOf(`{ packages: '**', require: signature }`)
    for (const [name, from] of Object.entries(FROM))
      assert.equal(ends(judge(pkg('x', from), policy)), 'EVIDENCE_MISSING', name)
    assert.equal(ends(judge(pkg('x', OUTSIDE), policy, SIGNED)), 'proven', 'the digest is what is proven')
  })

  it('with a source leaves the others to the next rule', () => {
    const policy = policyOf(
      `{ packages: '**', source: registry, require: signature }\n{ packages: '**', source: git, require: nothing }`,
    )
    assert.equal(ends(judge(pkg('x', { source: 'registry' }), policy)), 'EVIDENCE_MISSING')
    assert.equal(ends(judge(pkg('x', OUTSIDE), policy)), 'EVIDENCE_MISSING')
    assert.equal(ends(judge(pkg('x', OUTSIDE), policy, SIGNED)), 'proven')
    assert.equal(ends(judge(pkg('x', { source: 'git' }), policy)), 'permitted')
    assert.equal(ends(judge(pkg('x', { source: 'tarball' }), policy)), 'SOURCE_NOT_ALLOWED')
  })
})

describe('a rule with integrity', () => {
  const policy = policyOf(`{ packages: x@1.0.0, integrity: ${A}, require: nothing }`)

  it('covers those bytes from wherever, if a manager compares them', () => {
    for (const from of [
      { source: 'registry' },
      { source: 'tarball' },
      { source: 'tarball', version: '1.0.0' },
      OUTSIDE,
    ] as const)
      assert.equal(ends(judge(pkg('x', { ...from, integrity: A }), policy)), 'permitted')
    for (const source of ['git', 'directory', 'unknown', 'runtime', 'workspace'] as const)
      assert.equal(ends(judge(pkg('x', { source, integrity: A }), policy)), 'SOURCE_NOT_ALLOWED', source)
  })

  it('covers no other bytes, and neither another version nor another name', () => {
    for (const integrity of [B, undefined, `${A} ${B}`, 'sha1-AAAA', A.toLowerCase()])
      assert.equal(ends(judge(pkg('x', { ...OUTSIDE, integrity }), policy)), 'SOURCE_NOT_ALLOWED')
    assert.equal(ends(judge(pkg('x', { ...OUTSIDE, integrity: A, version: '1.0.1' }), policy)), 'NO_RULE')
    assert.equal(ends(judge(pkg('y', { ...OUTSIDE, integrity: A }), policy)), 'NO_RULE')
  })

  it('leaves other bytes to the next rule', () => {
    const two = policyOf(
      `{ packages: x@1.0.0, integrity: ${A}, require: nothing }\n{ packages: '**', require: signature }`,
    )
    assert.equal(ends(judge(pkg('x', { source: 'registry', integrity: B }), two)), 'EVIDENCE_MISSING')
  })
})

describe('an exception', () => {
  const rules = `{ packages: '**', require: signature }`
  const excepting = (integrity?: string) =>
    policyOf(
      rules,
      `exceptions: [{ package: x@1.0.0, reason: r, expires: '2026-12-31'${integrity === undefined ? '' : `, integrity: ${integrity}`} }]`,
    )

  it('without integrity is about what the registry has', () => {
    assert.equal(judge(pkg('x', { source: 'registry' }), excepting()).status, 'excepted')
    const verdict = judge(pkg('x', { ...OUTSIDE, integrity: A }), excepting())
    assert.equal(verdict.status, 'refused')
    assert.match(
      verdict.refusal?.found ?? '',
      /the exception at line 1 is for what the registry has, and this is a tarball \(https:\/\/evil/,
    )
    assert.equal(judge(pkg('x', { source: 'tarball', version: '1.0.0' }), excepting()).status, 'refused')
  })

  it('with integrity is about those bytes from wherever', () => {
    for (const from of [
      OUTSIDE,
      { source: 'registry' },
      { source: 'tarball', version: '1.0.0' },
      { source: 'tarball' },
    ] as const) {
      assert.equal(judge(pkg('x', { ...from, integrity: A }), excepting(A)).status, 'excepted')
      assert.equal(judge(pkg('x', { ...from, integrity: B }), excepting(A)).status, 'refused')
    }
    assert.equal(judge(pkg('x', { source: 'git', integrity: A }), excepting(A)).status, 'refused')
    assert.equal(judge(pkg('x', { source: 'tarball', version: '2.0.0', integrity: A }), excepting(A)).status, 'refused')
  })
})

describe('a refusal by source', () => {
  it('says what was found, what is covered, and which line to write before which', () => {
    const policy = policyOf(`{ packages: '**', require: nothing }`)
    const { refusal, rule } = judge(pkg('@acme/x', OUTSIDE), policy)
    assert.deepEqual(refusal, {
      code: 'SOURCE_NOT_ALLOWED',
      found: `a tarball (${EVIL}) that is not of ${NPMJS}, which the settings give for it`,
      expected:
        'a package of the registry or a project of the workspace; if it is meant, write before the rule at line 3 of .sigstorerc, indented as that rule is (between brackets without the dash, and with a comma behind it): - { packages: ["@acme/x"], source: tarball, require: nothing }',
    })
    assert.equal(rule?.place.line, 3)
  })

  it('names a line under which the package passes', () => {
    for (const [name, from] of Object.entries(FROM)) {
      if (['registry', 'workspace', 'unknown'].includes(name)) continue
      const rest = `{ packages: '**', require: nothing }`
      const { refusal } = judge(pkg('@acme/x', from), policyOf(rest))
      const [, at, line = ''] =
        /the rule at line (\d+) of .*: (- \{ packages: .*\})$/.exec(refusal?.expected ?? '') ?? assert.fail(name)
      const before = (text: string, written: (indentation: string) => string) => {
        const lines = text.split('\n')
        const indentation = /^ */.exec(lines[Number(at) - 1] ?? '')?.[0] ?? ''
        return parsePolicy(lines.toSpliced(Number(at) - 1, 0, written(indentation)).join('\n'), '.sigstorerc')
      }
      for (const indented of ['', '  ', '      ']) {
        const block = `\nrules:\n${indented}- ${rest}\n`
        assert.equal(
          ends(
            judge(
              pkg('@acme/x', from),
              before(block, (by) => by + line),
            ),
          ),
          'permitted',
          name,
        )
      }
      const flow = `\nrules: [\n  ${rest}\n]\n`
      assert.equal(
        ends(
          judge(
            pkg('@acme/x', from),
            before(flow, (by) => `${by}${line.slice(2)},`),
          ),
        ),
        'permitted',
        name,
      )
    }
  })

  it('of what is of unknown source names none', () => {
    const { refusal } = judge(
      pkg('x', { source: 'unknown', origin: 'why' }),
      policyOf(`{ packages: '**', require: nothing }`),
    )
    assert.match(refusal?.found ?? '', /^something of unknown source \(why\)$/)
    assert.match(refusal?.expected ?? '', /no rule permits what is of unknown source: correct the lockfile$/)
  })

  it("is the policy's to warn of, and not that of a rule which does not apply", () => {
    const rules = '{ packages: x, source: registry, require: signature, mode: warn }'
    assert.equal(judge(pkg('x', { source: 'git' }), policyOf(rules)).status, 'refused')
    assert.equal(judge(pkg('x', { source: 'git' }), policyOf(rules, 'mode: warn')).status, 'warned')
  })

  it('is explained rule by rule', () => {
    const policy = policyOf(
      `{ packages: x, source: workspace, require: nothing }\n{ packages: y, require: nothing }\n{ packages: '**', require: nothing }`,
    )
    const { rules } = explain(pkg('x', { source: 'git', origin: 'repo' }), policy, NONE, NOW)
    assert.deepEqual(
      rules.map(({ why }) => why),
      [
        'is about a project of the workspace, and this is a git repository (repo)',
        'no pattern is about this name',
        'decides',
      ],
    )
  })
})

describe('policy check', () => {
  it('names what a rule met before, and the line to write for it', () => {
    const policy = policyOf(`{ packages: a, require: nothing }\n{ packages: '**', require: nothing }`)
    const packages = [
      pkg('a', { source: 'registry' }),
      pkg('b', { source: 'git', origin: 'repo', aliases: ['c'] }),
      pkg('d', { source: 'git', origin: 'other' }),
      pkg('e', OUTSIDE),
      pkg('f', { source: 'unknown', origin: 'why' }),
    ]
    const found = findingsOf(policy, packages, NOW).map(({ place, message }) => `${place.line}: ${message}`)
    assert.deepEqual(found, [
      '4: this rule covers registry and workspace, and so not: b@git, a git repository (repo); d@git, a git repository (other). If this is meant, write before this rule: - { packages: ["b", "c", "d"], source: git, require: nothing }',
      `4: this rule covers registry and workspace, and so not: e@registry, a tarball (${EVIL}) that is not of ${NPMJS}, which the settings give for it. If this is meant, write before this rule: - { packages: ["e"], source: tarball, require: nothing }`,
      '4: this rule covers registry and workspace, and so not: f@unknown, something of unknown source (why). No rule permits what is of unknown source. Correct the lockfile',
    ])
  })

  it('says nothing where nothing is from elsewhere, and nothing of a last rule for everything that is to come', () => {
    const policy = policyOf(`{ packages: a, require: nothing }\n{ packages: '**', require: nothing }`)
    assert.deepEqual(findingsOf(policy, [pkg('a', { source: 'registry' })], NOW), [])
  })
})

describe('a policy', () => {
  const mistakes: readonly (readonly [string, string, RegExp])[] = [
    ['a source that is none', '{ packages: x, source: npm, require: nothing }', /expected "registry", "workspace"/],
    ['no rule permits the unknown', '{ packages: x, source: unknown, require: nothing }', /found "unknown"/],
    ['bundled', '{ packages: x, source: bundled, require: nothing }', /found "bundled"/],
    ['no source at all', '{ packages: x, source: [], require: nothing }', /name at least one source/],
    [
      'signature of what has none',
      '{ packages: x, source: git, require: signature }',
      /can never be met by what comes from git/,
    ],
    [
      'provenance of a folder',
      '{ packages: x, source: [workspace, directory], require: provenance, publisher: { owner: acme } }',
      /can never be met by what comes from workspace or directory/,
    ],
    ['a range of what has no versions', '{ packages: x@^1.0.0, source: git, require: nothing }', /remove the range/],
    ['integrity without a version', `{ packages: x, integrity: ${A}, require: nothing }`, /names no version/],
    ['integrity of a range', `{ packages: x@^1.0.0, integrity: ${A}, require: nothing }`, /not exactly one version/],
    ['integrity of several', `{ packages: [x@1.0.0, y@1.0.0], integrity: ${A}, require: nothing }`, /several patterns/],
    ['integrity that is none', '{ packages: x@1.0.0, integrity: sha1-AAAA, require: nothing }', /copy it from there/],
    [
      'integrity with a source',
      `{ packages: x@1.0.0, source: git, integrity: ${A}, require: nothing }`,
      /remove one of the two/,
    ],
    ['integrity beside proof', `{ packages: x@1.0.0, integrity: ${A}, require: signature }`, /remove it/],
    [
      'a rule behind one for every source',
      `{ packages: '**', require: nothing }\n{ packages: x, source: git, require: nothing }`,
      /can never decide/,
    ],
    [
      'a rule behind one for its source',
      `{ packages: 'x*', source: [git, tarball], require: nothing }\n{ packages: x1, source: git, require: nothing }`,
      /can never decide/,
    ],
  ]
  for (const [what, rules, problem] of mistakes) {
    it(`has not ${what}`, () =>
      assert.throws(
        () => policyOf(rules),
        (error) => error instanceof GateError && problem.test(error.message),
      ))
  }

  for (const [what, rules] of [
    [
      'another source',
      `{ packages: x, source: git, require: nothing }\n{ packages: x, source: tarball, require: nothing }`,
    ],
    [
      'all sources',
      `{ packages: x, source: [${RULE_SOURCES}], require: nothing }\n{ packages: x, require: signature }`,
    ],
    [
      'addresses that are not of the registry',
      `{ packages: x, source: registry, require: nothing }\n{ packages: x, source: registry, require: signature }`,
    ],
    [
      'other bytes',
      `{ packages: x@1.0.0, integrity: ${A}, require: nothing }\n{ packages: x@1.0.0, integrity: ${B}, require: nothing }`,
    ],
    [
      'bytes of no version',
      `{ packages: x@^1.0.0, require: nothing }\n{ packages: x@1.0.0, integrity: ${A}, require: nothing }`,
    ],
  ] as const) {
    it(`may have a rule behind one that leaves it ${what}`, () => assert.ok(policyOf(rules)))
  }

  it('is tried on cases of each source', () => {
    const policy = policyOf('{ packages: x, source: workspace, require: nothing }')
    const { cases } = parseCases(
      `cases:\n${RULE_SOURCES.map((source) => `  - { name: ${source}, package: x@1.0.0, source: ${source}, expect: ${source === 'workspace' ? 'permitted' : 'refused'} }`).join('\n')}`,
      'cases.yaml',
      [],
    )
    assert.deepEqual(
      cases.map((each) => runCase(each, policy, NOW).failure),
      cases.map(() => undefined),
    )
  })
})

describe('for every policy and package', () => {
  const name = fc.constantFrom('x', 'y', '@acme/x')
  const places = fc.constantFrom(...Object.values(FROM))
  const anyPackage: fc.Arbitrary<LockedPackage> = fc
    .record({
      name,
      from: places,
      integrity: fc.constantFrom(undefined, A, B),
      aliases: fc.constantFrom(undefined, ['x'], ['@acme/x', 'y']),
    })
    .map(({ name, from, integrity, aliases }) => pkg(name, { ...from, integrity, ...(aliases && { aliases }) }))
  const pattern = fc.constantFrom('x', 'y', '@acme/*', '**', '*', 'x@^1.0.0')
  const sources = fc.uniqueArray(fc.constantFrom(...RULE_SOURCES), { minLength: 1 })
  const place = { file: '.sigstorerc', line: 1, column: 1 }
  const anyRule: fc.Arbitrary<Rule> = fc
    .record({
      packages: fc.array(pattern, { minLength: 1, maxLength: 2 }),
      require: fc.constantFrom('nothing' as const, 'nothing' as const, 'signature' as const),
      source: fc.option(sources, { nil: undefined }),
      integrity: fc.option(fc.constantFrom(A, B), { nil: undefined, freq: 5 }),
    })
    .map(({ packages, require, source, integrity }) => {
      const common = { publishers: [], unchanged: false, enforcement: { mode: 'enforce' as const }, place }
      if (integrity !== undefined && require === 'nothing')
        return { ...common, packages: ['x@1.0.0'], require, integrity }
      return { ...common, packages, require, ...(source && { source }) }
    })
  const anyRules = fc.array(anyRule, { maxLength: 5 })
  const empty = policyOf(`{ packages: '**', require: nothing }`)
  const passes = (one: LockedPackage, rules: readonly Rule[]) =>
    judge({ ...one }, { ...empty, rules }, one.source === 'registry' ? SIGNED : NONE).status !== 'refused'

  it('nothing from elsewhere passes by rules without source and integrity', () => {
    fc.assert(
      fc.property(anyPackage, anyRules, (one, rules) => {
        const bare = rules.filter(({ source, integrity }) => source === undefined && integrity === undefined)
        const verdict = judge({ ...one }, { ...empty, rules: bare }, one.source === 'registry' ? SIGNED : NONE)
        const isUsual = one.source === 'workspace' || (one.source === 'registry' && one.outside === undefined)
        if (verdict.status === 'permitted') assert.ok(isUsual)
      }),
      { numRuns: 2000 },
    )
  })

  it('nothing of unknown source passes by any rule', () => {
    fc.assert(
      fc.property(anyPackage, anyRules, (one, rules) => {
        if (one.source === 'unknown') assert.ok(!passes(one, rules))
      }),
      { numRuns: 1000 },
    )
  })

  it('`source` on a rule that requires nothing lets nothing more pass than one for all sources would', () => {
    const everywhere: Rule['source'] = RULE_SOURCES
    fc.assert(
      fc.property(anyPackage, anyRules, sources, fc.nat(), (one, rules, source, at) => {
        const index = rules.length === 0 ? -1 : at % rules.length
        const rule = rules[index]
        if (rule === undefined || rule.require !== 'nothing' || rule.integrity !== undefined) return
        if (passes(one, rules.with(index, { ...rule, source })))
          assert.ok(passes(one, rules.with(index, { ...rule, source: everywhere })))
      }),
      { numRuns: 3000 },
    )
  })

  it('`source` changes no verdict on what comes from there, by its own name', () => {
    fc.assert(
      fc.property(anyPackage, anyRules, sources, fc.nat(), (given, rules, source, at) => {
        const { aliases: _, ...one } = given
        const index = rules.length === 0 ? -1 : at % rules.length
        const rule = rules[index]
        if (rule === undefined || rule.source !== undefined || rule.integrity !== undefined) return
        const isCovered = one.outside === undefined && (source as readonly string[]).includes(one.source)
        const isImplied = ['registry', 'workspace'].includes(one.source)
        if (isCovered && (isImplied || rule.require !== 'nothing'))
          assert.equal(passes(one, rules.with(index, { ...rule, source })), passes(one, rules))
      }),
      { numRuns: 3000 },
    )
  })

  it('a rule that is added behind changes no verdict of what a rule decided before', () => {
    fc.assert(
      fc.property(anyPackage, anyRules, anyRule, (given, rules, added) => {
        const { aliases: _, ...one } = given
        const before = judge({ ...one }, { ...empty, rules }, SIGNED)
        if (before.rule === undefined) return
        const after = judge({ ...one }, { ...empty, rules: [...rules, added] }, SIGNED)
        assert.deepEqual([after.status, after.rule], [before.status, before.rule])
      }),
      { numRuns: 2000 },
    )
  })
})
