import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { refusals } from '../../src/report/refusal.ts'
import { refusalTable } from '../../src/report/table.ts'
import { anyVerdict, FOLDER, pkg, refusal, rule, STATUSES, UNSAFE, verdict } from './support.ts'

describe('a refusal in phrases', () => {
  const only = (changes: Parameters<typeof refusal>[0] = {}) => refusals([refusal(changes)], FOLDER)[0]

  it('has the package, the code, found, expected, the rule and who needs it', () => {
    assert.deepEqual(only(), {
      package: '@acme/widgets@1.2.3',
      code: 'REF_MISMATCH',
      found: 'the ref refs/heads/evil',
      expected: 'the ref refs/tags/v*',
      rule: '.sigstorerc:12',
      neededBy: 'the root project, packages/app',
      policyOf: undefined,
    })
  })

  it('is made of refusals only', () => {
    const reason = { code: 'NO_RULE', found: 'x', expected: 'y' } as const
    const others = STATUSES.filter((status) => status !== 'refused')
    assert.deepEqual(
      refusals(
        others.map((status) => verdict(status, { refusal: reason })),
        FOLDER,
      ),
      [],
    )
  })

  it('is made of every refusal, also of one without a reason', () => {
    const [without] = refusals([verdict('refused')], FOLDER)
    assert.equal(without?.code, 'INTERNAL_ERROR')
    assert.ok(without?.found && without.expected)
  })

  it('names an entry without a version by its key', () => {
    assert.equal(only({ package: pkg({ version: '', key: 'x@git+ssh://host/x' }) })?.package, 'x@git+ssh://host/x')
  })

  it('says where there is no rule, and leaves out who needs it where nobody is known to', () => {
    assert.equal(only({ rule: undefined })?.rule, 'none')
    assert.equal(only({ package: pkg({ importers: [] }) })?.neededBy, undefined)
  })

  const files: Readonly<Record<string, string>> = {
    [`${FOLDER}/.sigstorerc`]: '.sigstorerc:1',
    [`${FOLDER}/policy/main.yaml`]: 'policy/main.yaml:1',
    '/work/.sigstorerc': '/work/.sigstorerc:1',
    '/etc/policy.json': '/etc/policy.json:1',
  }
  for (const [file, shown] of Object.entries(files)) {
    it(`names ${file} as ${shown}`, () => assert.equal(only({ rule: rule(1, file) })?.rule, shown))
  }
})

describe('the table', () => {
  it('of no refusal is empty', () => {
    assert.equal(refusalTable([], FOLDER, 80), '')
    assert.equal(refusalTable([verdict('proven'), verdict('permitted'), verdict('warned')], FOLDER, 80), '')
  })

  it('has all that a refusal says', () => {
    const table = refusalTable([verdict('proven', { package: pkg({ name: 'fine' }) }), refusal()], FOLDER, 140)
    for (const phrase of [
      '@acme/widgets@1.2.3',
      'REF_MISMATCH',
      'found: the ref refs/heads/evil',
      'expected: the ref refs/tags/v*',
      'needed by: the root project, packages/app',
      '.sigstorerc:12',
    ]) {
      assert.ok(table.includes(phrase), phrase)
    }
    assert.ok(!table.includes('fine'))
    assert.ok(!table.includes('needed by: undefined'))
  })

  it('leaves out who needs it where nobody is known to', () => {
    assert.ok(!refusalTable([refusal({ package: pkg({ importers: [] }) })], FOLDER, 140).includes('needed by'))
  })

  it('has a row for each refusal, however many', () => {
    const many = Array.from({ length: 150 }, (_, i) => refusal({ package: pkg({ name: `pkg-${i}-` }) }))
    const table = refusalTable(many, FOLDER, 140)
    for (let i = 0; i < 150; i += 1) assert.ok(table.includes(`pkg-${i}-@1.2.3`), String(i))
  })

  for (const width of [0, 40, 60, 80, 100, 120, 200, 1000]) {
    it(`fits into ${width} columns (60 at the least), and loses nothing`, () => {
      const name = 'a-name-that-is-longer-than-any-column-of-the-table-would-be-on-a-small-screen'
      const table = refusalTable([refusal({ package: pkg({ name }) })], FOLDER, width)
      const lines = table.split('\n')
      for (const line of lines) assert.ok(line.length <= Math.max(width, 60), line)
      const column = (at: number) =>
        lines
          .map((line) => line.split('│')[at] ?? '')
          .join('')
          .replaceAll(' ', '')
      assert.ok(column(1).includes(`${name}@1.2.3`))
      assert.ok(column(2).includes('REF_MISMATCHfound:therefrefs/heads/evilexpected:therefrefs/tags/v*'))
      assert.ok(column(3).includes('.sigstorerc:12'))
    })
  }

  it('has no colours, and nothing of a lockfile, a certificate or a policy that acts on a terminal', () => {
    fc.assert(
      fc.property(fc.array(anyVerdict, { maxLength: 5 }), fc.integer({ min: 0, max: 300 }), (verdicts, width) => {
        const table = refusalTable(verdicts, FOLDER, width)
        assert.equal(
          table === '',
          verdicts.every(({ status }) => status !== 'refused'),
        )
        for (const line of table.split('\n')) assert.doesNotMatch(line, UNSAFE)
      }),
      { numRuns: 50 },
    )
  })

  it('counts what is beyond 200 refusals, and shows all of them up to there', () => {
    const many = (count: number) =>
      refusalTable(
        Array.from({ length: count }, (_, index) => refusal({ package: pkg({ name: `p${index}` }) })),
        FOLDER,
        120,
      )
    assert.doesNotMatch(many(200), /more/)
    assert.match(many(200), /p199/)
    assert.match(many(203), /and 3 more: --json lists them all/)
    assert.doesNotMatch(many(203), /p200/)
  })
})
