import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type JsonReport, jsonPieces, jsonReport } from '../../src/report/json.ts'
import { anyVerdict, CLAIMS, FOLDER, pkg, refusal, verdict } from './support.ts'

const FIELDS = [
  'name',
  'version',
  'integrity',
  'status',
  'code',
  'found',
  'expected',
  'rule',
  'exception',
  'claims',
  'importers',
  'bundledIn',
  'projects',
]
const SUMMARY = ['total', 'proven', 'permitted', 'bundled', 'warned', 'excepted', 'refused', 'codes']

/** The pieces, as a reader of standard output gets them. */
const jsonText = (report: JsonReport) => [...jsonPieces(report)].join('')

/** What a reader of the report gets. */
function written(verdicts: Parameters<typeof jsonReport>[0]): ReturnType<typeof jsonReport> {
  return JSON.parse(jsonText(jsonReport(verdicts)))
}

describe('the report for machines', () => {
  it('of nothing', () => {
    const summary = { total: 0, proven: 0, permitted: 0, bundled: 0, warned: 0, excepted: 0, refused: 0, codes: {} }
    assert.deepEqual(written([]), { summary, projectSets: [], packages: [] })
  })

  it('of a proven package', () => {
    const [proven] = written([verdict('proven', { claims: CLAIMS })]).packages
    assert.deepEqual(proven, {
      name: '@acme/widgets',
      version: '1.2.3',
      integrity: 'sha512-x',
      status: 'proven',
      code: null,
      found: null,
      expected: null,
      rule: { file: `${FOLDER}/.sigstorerc`, line: 12 },
      exception: null,
      claims: Object.fromEntries(Object.entries(CLAIMS).map(([claim, value]) => [claim, value ?? null])),
      importers: 0,
      bundledIn: null,
      projects: null,
    })
    assert.equal(proven.claims?.repository, 'https://github.com/acme/widgets')
    assert.equal(proven.claims?.commit, null)
  })

  it('of a refused package that has nothing that could be absent', () => {
    const none = pkg({ version: '', integrity: undefined, importers: [] })
    const [refused] = written([refusal({ package: none, rule: undefined }, 'NO_RULE')]).packages
    assert.deepEqual(refused, {
      name: '@acme/widgets',
      version: '',
      integrity: null,
      status: 'refused',
      code: 'NO_RULE',
      found: 'the ref refs/heads/evil',
      expected: 'the ref refs/tags/v*',
      rule: null,
      exception: null,
      claims: null,
      importers: 0,
      bundledIn: null,
      projects: null,
    })
  })

  it('keeps the order of the lockfile', () => {
    const names = ['c', 'a', 'b'].map((name) => verdict('permitted', { package: pkg({ name }) }))
    assert.deepEqual(
      written(names).packages.map(({ name }) => name),
      ['c', 'a', 'b'],
    )
  })

  it('has exactly the documented fields, and null for what is absent', () => {
    fc.assert(
      fc.property(fc.array(anyVerdict), (verdicts) => {
        const report = written(verdicts)
        assert.deepEqual(Object.keys(report), ['summary', 'projectSets', 'packages'])
        assert.deepEqual(Object.keys(report.summary), SUMMARY)
        assert.equal(report.packages.length, verdicts.length)
        for (const [i, found] of report.packages.entries()) {
          assert.deepEqual(Object.keys(found), FIELDS)
          assert.equal(found.name, verdicts[i]?.package.name)
          if (found.claims !== null) assert.deepEqual(Object.keys(found.claims), Object.keys(CLAIMS))
          assert.equal(found.code === null, found.status !== 'refused')
        }
        // Nothing is lost on the way: what is written is what was meant.
        assert.deepEqual(report, jsonReport(verdicts))
      }),
    )
  })

  it('is the same for a machine, and harmless where it is printed on a terminal', () => {
    const named = (name: string) => jsonText(jsonReport([verdict('proven', { package: pkg({ name }) })]))
    for (const [name, escaped] of [
      ['\u001b[2K', '\\u001b[2K'],
      ['\u009b2K', '\\u009b2K'],
      ['\u202eabc', '\\u202eabc'],
      ['a\u200bb', 'a\\u200bb'],
      ['\u2028', '\\u2028'],
      ['\u007f', '\\u007f'],
      ['\u{e0041}', '\\udb40\\udc41'],
    ] as const) {
      assert.ok(named(name).includes(`"name": "${escaped}"`), escaped)
    }
    assert.ok(named('ünï 👍').includes('"name": "ünï 👍"'))
    fc.assert(
      fc.property(fc.array(anyVerdict), (verdicts) => {
        const report = jsonReport(verdicts)
        const text = jsonText(report)
        assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(report)))
        for (const line of text.split('\n')) assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
      }),
    )
  })

  it('is the same in pieces as it would be as a whole', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '"', '\\', '\n', ' ', '$&', '"importers": []', '\u202e', ':') })
    const list = fc.array(text, { maxLength: 3 })
    fc.assert(
      fc.property(fc.array(fc.tuple(text, list), { maxLength: 4 }), (packages) => {
        const report = jsonReport(
          packages.map(([name, importers]) => verdict('permitted', { package: pkg({ name, importers }) })),
        )
        assert.deepEqual(JSON.parse(jsonText(report)), report)
        const whole = JSON.stringify(report, null, 2)
        assert.equal(jsonText(report).replaceAll('\\u202e', '\u202e'), whole)
      }),
    )
  })

  it('names projects by the place of their set, and has each set once', () => {
    const needed = (importers: readonly string[], projects?: readonly string[]) =>
      verdict('permitted', { package: pkg({ importers }), ...(projects && { projects }) })
    const [shared, other] = [['.', 'a'], ['b']]
    const { projectSets, packages } = written([needed(shared), needed(other, ['a']), needed(shared, ['a'])])
    assert.deepEqual(projectSets, [shared, other, ['a']])
    assert.deepEqual(
      packages.map(({ importers, projects }) => [importers, projects]),
      [
        [0, null],
        [1, 2],
        [0, 2],
      ],
    )
  })

  it('is never held as a whole: each piece is short, however many packages and projects there are', () => {
    const importers = (from: number) => Array.from({ length: 2000 }, (_, index) => `packages/p-${from + index}`)
    const verdicts = Array.from({ length: 50 }, (_, from) =>
      verdict('permitted', { package: pkg({ importers: importers(from) }) }),
    )
    const pieces = [...jsonPieces(jsonReport(verdicts))]
    assert.ok(pieces.length > 20)
    assert.ok(pieces.every(({ length }) => length < 200_000))
  })
})
