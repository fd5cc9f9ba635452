/** What strangers wrote is in every report, and no line of any is a command to the CI runner that reads the log. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { pnpmError } from '../../hooks/pnpm.ts'
import type { Change, Explanation, Verdict } from '../../src/policy/types.ts'
import { refusalText as answerText } from '../../src/proxy/answers.ts'
import { changeLines } from '../../src/report/changes.ts'
import { unusedExceptions } from '../../src/report/exceptions.ts'
import { explanationLines } from '../../src/report/explanation.ts'
import { jsonPieces, jsonReport } from '../../src/report/json.ts'
import { answer, say, sayLine, warning } from '../../src/report/output.ts'
import { refusalTable } from '../../src/report/table.ts'
import { type Origin, refusalText, warningText } from '../../src/report/text.ts'
import { commandLike, isCommand } from '../support/runners.ts'
import { CLAIMS, FOLDER, pkg, refusal, rule } from './support.ts'

interface Written {
  readonly verdict: Verdict
  readonly texts: readonly string[]
}

/** A verdict of which a stranger wrote everything that is text. */
const written: fc.Arbitrary<Written> = fc
  .tuple(
    fc.array(commandLike, { minLength: 10, maxLength: 10 }),
    fc.constantFrom('refused' as const, 'warned' as const, 'excepted' as const),
  )
  .map(([texts, status]) => {
    const [
      name = '',
      version = '',
      origin = '',
      one = '',
      two = '',
      found = '',
      expected = '',
      file = '',
      reason = '',
    ] = texts
    const own = { ...rule(3, file), packages: [one] }
    const exception = {
      name,
      version,
      reason,
      expires: reason,
      place: { file, line: 1, column: 1 },
      integrity: undefined,
    }
    return {
      texts,
      verdict: {
        ...refusal(),
        package: pkg({
          name,
          version,
          key: texts[9] ?? '',
          origin,
          importers: [one, two],
          aliases: [two],
          integrity: one,
        }),
        status,
        refusal: { code: 'REF_MISMATCH', found, expected },
        rule: own,
        projects: [one, two],
        claims: { ...CLAIMS, repository: found, workflow: one },
        ...(status === 'excepted' && { exception: exception as unknown as NonNullable<Verdict['exception']> }),
      },
    }
  })

function assertNone(text: string): void {
  for (const line of text.split('\n')) assert.ok(!isCommand(line), JSON.stringify(line))
}

/** What is written to a stream while something runs. */
function streamed(name: 'stdout' | 'stderr', run: () => void): string {
  const { write } = process[name]
  let text = ''
  process[name].write = (chunk: string | Uint8Array) => {
    text += String(chunk)
    return true
  }
  try {
    run()
  } finally {
    process[name].write = write
  }
  return text
}

const REPORTS: Readonly<Record<string, (written: Written) => string>> = {
  'the message of the hook': ({ verdict }) =>
    (['locked', 'resolved', 'late'] as Origin[])
      .map((origin) => refusalText([verdict], origin, FOLDER) ?? '')
      .join('\n'),
  'the warning of the hook': ({ verdict }) => warningText([verdict], FOLDER) ?? '',
  'an error of the hook': ({ texts }) => pnpmError(`provenance-gate: ${texts.join('\n')}`).message,
  'the table of verify': ({ verdict }) =>
    [60, 80, 120].map((width) => refusalTable([verdict], FOLDER, width, 'refused')).join('\n'),
  'the JSON of verify': ({ verdict }) => [...jsonPieces(jsonReport([verdict]))].join(''),
  explain: ({ verdict, texts }) => {
    const [why = ''] = texts
    const explanation = {
      verdict,
      rules: [{ rule: verdict.rule, why }],
      projects: [{ project: why, rules: [{ rule: verdict.rule, why }] }],
      publishers: [{ publisher: 0, attestation: 0, differs: why }],
      locked: {
        since: { from: why, line: 1, identity: { repository: why, ref: why } },
        recorded: { version: why, integrity: why, line: 2 },
        mayLack: false,
      },
      publishedBy: [{ identity: { repository: why, ref: why }, difference: { found: why, expected: why } }],
      evidenceFrom: why,
      proof: { ok: false, refusal: { code: 'EVIDENCE_MISSING', found: why, expected: why } },
    } as unknown as Explanation
    return explanationLines(verdict.package, explanation, FOLDER).join('\n')
  },
  'the changes of accept': ({ texts: [name = '', version = '', found = '', expected = ''] }) => {
    const identity = { domain: name, repository: found, workflow: expected, ref: version }
    const all = (['added', 'renamed', 'changed', 'lost'] as const).map((kind) => ({
      ...{ kind, name, version, difference: { found, expected } },
      ...{ before: { from: version, identity }, after: identity },
    }))
    return changeLines(all as unknown as readonly Change[]).join('\n')
  },
  'exceptions that are not used': ({ verdict, texts: [name = '', version = '', file = ''] }) =>
    unusedExceptions(
      [
        { name, version, place: { file, line: 1, column: 1 } } as unknown as Parameters<
          typeof unusedExceptions
        >[0][number],
      ],
      [verdict],
      FOLDER,
    ).join('\n'),
  'the answer to a package manager': ({ verdict }) => answerText([verdict], FOLDER),
  'one line of any command': ({ texts: [text = ''] }) => streamed('stderr', () => sayLine(text)),
  'lines of any command': ({ texts }) => streamed('stderr', () => say(texts.join('\n'))),
  'the answer of a command': ({ texts }) => streamed('stdout', () => answer(texts)),
  'a warning': ({ texts }) => streamed('stderr', () => warning(texts.join(' '))),
}

describe('no command to a runner is in', () => {
  for (const [title, report] of Object.entries(REPORTS))
    it(title, () => {
      fc.assert(
        fc.property(written, (each) => assertNone(report(each))),
        { numRuns: title.startsWith('the table') ? 60 : 300 },
      )
    })

  it('what this test looks at, which finds one where it is', () => {
    const evil = '::error::x'
    assert.throws(() => assertNone(`a\n ${evil}`))
    assert.throws(() => assertNone('a ##vso[task.complete]'))
    assert.throws(() => assertNone('refused\r::error::x'))
    assert.match(refusalText([refusal({ package: pkg({ name: evil }) })], 'locked', FOLDER) ?? '', /\n\\u\{3a\}:error/)
  })
})
