/** Every output of lockfiles that are as bad as they can be: in time that grows with the input, and of a size that people read. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { explain } from '../../src/policy/explain.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Change, Exception, LockChange, Verdict } from '../../src/policy/types.ts'
import { refusalText as proxyText } from '../../src/proxy/answers.ts'
import { changeLines } from '../../src/report/changes.ts'
import { installedText } from '../../src/report/check.ts'
import { unusedExceptions } from '../../src/report/exceptions.ts'
import { explanationLines } from '../../src/report/explanation.ts'
import { jsonPieces, jsonReport } from '../../src/report/json.ts'
import { lockChangeLines } from '../../src/report/lock-changes.ts'
import { reasonLine } from '../../src/report/refusal.ts'
import { refusalTable } from '../../src/report/table.ts'
import { refusalText, warningText } from '../../src/report/text.ts'
import { wrapText } from '../../src/report/wrap.ts'
import { FOLDER, pkg, refusal, rule } from './support.ts'

/** Some seconds are enough, on a machine that has other things to do as well. What is not linear takes minutes. */
const LONG = { timeout: 60_000 }

const LENGTH = 100_000
const long = (text: string) => text.repeat(LENGTH / text.length)
const many = <T>(count: number, make: (index: number) => T) => Array.from({ length: count }, (_, index) => make(index))
const projects = (count: number) => many(count, (index) => `packages/astro/test/fixtures/project-${index}`)
const shared = projects(10_000)

/** Texts that break lines nowhere, or everywhere, or grow when they are escaped, or are wider than they are long. */
const TEXTS: Readonly<Record<string, string>> = {
  'one word': long('x'),
  'words of one letter': long('x '),
  blanks: long(' '),
  'line breaks': long('\n'),
  'what cannot be seen': long('\u202e'),
  'commands to a runner': long('::a'),
  'wide characters': long('漢'),
  'what is drawn onto another': long('\u0301'),
  pictures: long('😀'),
}

/** One refused package, of which one text is long. */
const PLACES: Readonly<Record<string, (text: string) => Verdict>> = {
  name: (name) => refusal({ package: pkg({ name }) }),
  version: (version) => refusal({ package: pkg({ version }) }),
  key: (key) => refusal({ package: pkg({ version: '', key }) }),
  'what was found, such as an address': (found) =>
    refusal({ refusal: { code: 'SOURCE_NOT_ALLOWED', found, expected: 'x' } }),
  'what was expected': (expected) => refusal({ refusal: { code: 'REF_MISMATCH', found: 'x', expected } }),
  origin: (origin) => refusal({ package: pkg({ source: 'tarball', origin }) }),
  alias: (alias) => refusal({ package: pkg({ aliases: [alias] }) }),
  project: (project) => refusal({ package: pkg({ importers: [project, ...shared] }), projects: [project, ...shared] }),
  'file of the rule': (file) => refusal({ rule: rule(1, `${FOLDER}/${file}`) }),
  bundler: (key) =>
    refusal({
      package: pkg({ source: 'bundled', bundledIn: pkg({ key }) }),
      refusal: { code: 'REF_MISMATCH', found: `x, of ${key}, whose tarball it is in`, expected: 'x' },
    }),
  'reason of an exception': (reason) => ({
    ...refusal({ exception: { ...exception(1), reason } }),
    status: 'excepted',
  }),
}

function exception(line: number): Exception {
  const { place } = rule(line)
  return { name: `p${line}`, version: '1.0.0', integrity: undefined, reason: 'x', expires: '2999-01-01', place }
}

const LISTS: Readonly<Record<string, () => readonly Verdict[]>> = {
  'one refusal that 10,000 projects need': () => [refusal({ package: pkg({ importers: shared }), projects: shared })],
  '5,000 refusals': () => many(5000, (index) => refusal({ package: pkg({ name: `p${index}` }) })),
  '5,000 refusals that the same 10,000 projects need': () =>
    many(5000, (index) =>
      refusal({ package: pkg({ name: `p${index}`, importers: shared }), projects: shared.slice() }),
    ),
  '5,000 refusals of one project each': () =>
    many(5000, (index) => refusal({ package: pkg({ name: `p${index}`, importers: [`packages/p${index}`] }) })),
  'a package under 10,000 other names': () => [refusal({ package: pkg({ aliases: projects(10_000) }) })],
  '5,000 packages in one tarball, whose name is long': () => many(5000, () => PLACES.bundler?.(long('x')) ?? refusal()),
  '200 refusals with long texts everywhere': () =>
    many(200, (index) =>
      refusal({
        package: pkg({ name: long(`n${index % 10}`), version: long('v'), importers: [long('i'), ...shared] }),
        refusal: { code: 'REF_MISMATCH', found: long('f '), expected: long('e') },
      }),
    ),
}

const RULES = parsePolicy('rules: [{ packages: "**", require: nothing }]', `${FOLDER}/.sigstorerc`)

function explained(given: Verdict): readonly string[] {
  const own = new Map((given.projects ?? []).map((project) => [project, RULES]))
  const proof = {
    ok: false,
    refusal: given.refusal ?? { code: 'EVIDENCE_MISSING', found: 'x', expected: 'y' },
  } as const
  const explanation = explain(given.package, { ...RULES, projects: own }, proof, new Date(0))
  return explanationLines(given.package, { ...explanation, verdict: given }, FOLDER)
}

/** What each output for people may take, in characters and lines. A screen has some 50 lines of 120. */
const OUTPUTS: Readonly<Record<string, (verdicts: readonly Verdict[]) => string>> = {
  'the table of verify and run': (verdicts) => refusalTable(verdicts, FOLDER, 120),
  'the table of a narrow terminal': (verdicts) => refusalTable(verdicts, FOLDER, 0),
  'the table of warnings': (verdicts) =>
    refusalTable(
      verdicts.map((each) => ({ ...each, status: 'warned' })),
      FOLDER,
      120,
      'warned',
    ),
  'the message of the hook': (verdicts) => refusalText(verdicts, 'locked', FOLDER) ?? '',
  'the warning of the hook': (verdicts) =>
    warningText(
      verdicts.map((each) => ({ ...each, status: 'warned' })),
      FOLDER,
    ) ?? '',
  'the answer of the proxy': (verdicts) => proxyText(verdicts, FOLDER),
  'what explain says of the first': ([first]) => (first === undefined ? [] : explained(first)).join('\n'),
  'the line of init and accept': ([first]) => (first === undefined ? '' : reasonLine(first.package, first.refusal)),
}

function json(verdicts: readonly Verdict[]): { readonly size: number; readonly longest: number } {
  let [size, longest] = [0, 0]
  for (const { length } of jsonPieces(jsonReport(verdicts))) {
    size += length
    longest = Math.max(longest, length)
  }
  return { size, longest }
}

describe('one long text', () => {
  for (const [where, make] of Object.entries(PLACES)) {
    for (const [what, text] of Object.entries(TEXTS)) {
      test(`${where}: ${what}`, LONG, () => {
        const verdicts = [make(text)]
        for (const [output, show] of Object.entries(OUTPUTS)) assert.ok(show(verdicts).length < 100_000, output)
        // A character is six when it is escaped. The name, the rule and the project are there once each.
        assert.ok(json(verdicts).size < 20 * LENGTH + 2 * 70 * shared.length)
      })
    }
  }
})

describe('long lists', () => {
  for (const [what, make] of Object.entries(LISTS)) {
    for (const [output, show] of Object.entries(OUTPUTS)) {
      test(`${what}: ${output}`, LONG, () => {
        const text = show(make())
        assert.ok(text.length < 3_000_000, String(text.length))
        if (what.startsWith('one ')) assert.ok(text.split('\n').length < 100)
      })
    }
  }

  test('are counted in words', () => {
    const [one = []] = [LISTS['one refusal that 10,000 projects need']?.()]
    for (const output of ['the table of verify and run', 'the message of the hook', 'what explain says of the first'])
      assert.match(OUTPUTS[output]?.(one).replace(/[\s│]+/g, ' ') ?? '', /project-4, .*… and 99[89][05] more /, output)
  })
})

describe('the report for machines', () => {
  const SIZES: Readonly<Record<string, number>> = {
    'one refusal that 10,000 projects need': 2_000_000,
    '5,000 refusals': 5_000_000,
    '5,000 refusals that the same 10,000 projects need': 6_000_000,
    '5,000 refusals of one project each': 6_000_000,
    'a package under 10,000 other names': 10_000,
    // Two texts of 4,000 characters for each.
    '5,000 packages in one tarball, whose name is long': 50_000_000,
    // What a lockfile says once is there once.
    '200 refusals with long texts everywhere': 500_000_000,
  }
  for (const [what, make] of Object.entries(LISTS)) {
    test(`${what}: it is short, and so are its pieces`, LONG, () => {
      const { size, longest } = json(make())
      assert.ok(size < (SIZES[what] ?? 0), String(size))
      assert.ok(longest < 3_000_000, String(longest))
    })
  }
})

describe('what is said of the identity lock and of exceptions', () => {
  const point = { from: '1.0.0', line: 1, identity: { repository: long('r') } } as never
  const change: Change = { kind: 'changed', name: long('n'), version: long('v'), before: point, after: point } as never
  const loosened: LockChange = {
    ...{ kind: 'removed', package: long('n'), found: long('f'), expected: long('e'), line: 1, baseLine: 1 },
    ...{ allowance: undefined, isAllowed: false },
  }

  test('of 1,000 changes', LONG, () => {
    const lines = changeLines(many(1000, () => change))
    assert.ok(lines.every(({ length }) => length < 20_000))
  })

  test('of 5,000 entries that ask for less', LONG, () => {
    const lines = lockChangeLines(
      many(5000, (index) => ({ ...loosened, package: `${index}${loosened.package}` })),
      { lock: `${FOLDER}/lock`, base: `${FOLDER}/base` },
      FOLDER,
    )
    assert.ok(lines.length < 210)
    assert.ok(lines.every(({ length }) => length < 20_000))
    assert.match(lines.at(-1) ?? '', /^5000 changes of the identity lock refused/)
  })

  test('of 10,000 exceptions that excuse nothing, among 10,000 packages', LONG, () => {
    const verdicts = many(10_000, (index) => refusal({ package: pkg({ name: `p${index}`, version: '1.0.0' }) }))
    const lines = unusedExceptions(many(10_000, exception), verdicts, FOLDER)
    assert.equal(lines.length, 201)
    assert.equal(lines.at(-1), '… and 9800 more')
  })

  test('of one exception that a thousand projects have from one file it is said once', () => {
    assert.equal(unusedExceptions([...many(1000, () => exception(1))], [], FOLDER).length, 1)
  })

  test('of 10,000 receipts', LONG, () => {
    const receipts = many(10_000, (index) => ({
      ...{ judgedAt: index, gate: 'g', manager: { name: 'pnpm', version: '12.0.0' } },
    }))
    assert.ok(installedText(receipts as never, 1).length < 4_100)
  })
})

describe('three refusals that each project of a large workspace needs', () => {
  const needed = (name: string): LockedPackage => pkg({ name, version: '1.0.0', importers: projects(547) })
  const found = { code: 'EVIDENCE_MISSING', found: 'no attestations', expected: 'an attestation document' } as const
  const three = ['a', 'b', 'c'].map((name) => refusal({ package: needed(name), refusal: found }))

  test('are on one screen of 40 lines', () => {
    assert.ok(refusalTable(three, FOLDER, 120).split('\n').length <= 40)
    assert.ok((refusalText(three, 'locked', FOLDER) ?? '').split('\n').length <= 40)
  })
})

describe('a text in lines', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '漢', '\u0301', '😀', '-'), maxLength: 80 })

  test('has all words in their order, and no line that is too wide', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 0, max: 30 }), (given, width) => {
        const lines = wrapText(given, width)
        assert.ok(lines.every(({ columns }) => columns <= Math.max(width, 2)))
        const bare = (each: string) => each.replaceAll(/\s/g, '')
        assert.equal(lines.map((line) => bare(line.text)).join(''), bare(given))
      }),
    )
  })

  test('has an accent that comes alone after a full line', () => {
    assert.deepEqual(
      wrapText('aaa \u0301', 3).map((line) => line.text),
      ['aaa', '\u0301'],
    )
  })

  test('cuts no word that has room in a line', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z@/.-]{1,12}$/)), (words) => {
        const found = wrapText(words.join(' '), 12).flatMap((line) => line.text.split(' '))
        assert.deepEqual(
          found.filter((each) => each !== ''),
          words,
        )
      }),
    )
  })

  test('cuts no character in two', () => {
    for (const { text: line } of wrapText('😀'.repeat(50), 5)) assert.equal(line, '😀😀'.slice(0, line.length))
  })
})
