import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import type { UnsafeSetting } from '../../src/package-managers/settings/types.ts'
import { findingsOf } from '../../src/policy/findings.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { refuseUnsafeSettings } from '../../src/policy/settings.ts'
import { folderWith, messageOf } from './support.ts'

const RULES = 'rules: [{packages: "**", require: nothing}]\n'
const NOW = new Date('2026-11-30T12:00:00Z')

/** A policy that allows these settings, each in flow style. */
function allowing(...settings: readonly string[]) {
  return parsePolicy(`allowSettings:\n${settings.map((each) => `  - {${each}}\n`).join('')}${RULES}`, '.sigstorerc')
}

const STRATEGY: UnsafeSetting = {
  file: 'apps/web/.npmrc',
  line: 3,
  key: 'install-strategy',
  value: 'linked',
  isValueShown: true,
  why: 'makes npm compare no digest',
}
const WHY = 'reason: "linked by a script", expires: "2026-12-31"'
const ABOUT = `file: apps/web/.npmrc, key: install-strategy`

function refusal(unsafe: readonly UnsafeSetting[], policy = allowing(`${ABOUT}, ${WHY}`), now = NOW): string {
  try {
    refuseUnsafeSettings(unsafe, policy.allowSettings, '/app', now)
    return 'accepted'
  } catch (error) {
    assert.ok(error instanceof GateError)
    assert.equal(error.code, 'SETTINGS_UNSAFE')
    return error.message
  }
}

describe('unsafe settings', () => {
  it('pass where there are none', () => assert.equal(refusal([]), 'accepted'))

  it('pass where the policy allows them by file and key', () => assert.equal(refusal([STRATEGY]), 'accepted'))

  it('pass where the policy allows that very value', () => {
    assert.equal(refusal([STRATEGY], allowing(`${ABOUT}, value: linked, ${WHY}`)), 'accepted')
    assert.equal(refusal([{ ...STRATEGY, value: true }], allowing(`${ABOUT}, value: true, ${WHY}`)), 'accepted')
    assert.equal(refusal([{ ...STRATEGY, value: 1 }], allowing(`${ABOUT}, value: 1, ${WHY}`)), 'accepted')
  })

  const refused: Readonly<Record<string, UnsafeSetting>> = {
    'another file': { ...STRATEGY, file: '.npmrc' },
    'another spelling of the file': { ...STRATEGY, file: 'apps/web/../web/.npmrc' },
    'another key': { ...STRATEGY, key: 'install-strategy2' },
    'another spelling of the key': { ...STRATEGY, key: 'installStrategy' },
    'another value': { ...STRATEGY, value: 'nested' },
    'the same value of another type': { ...STRATEGY, value: ['linked'] },
    'a part of the file without a key': { file: STRATEGY.file, line: 1, why: 'a section' },
  }
  const policy = allowing(`${ABOUT}, value: linked, ${WHY}`)
  for (const [what, setting] of Object.entries(refused)) {
    it(`are refused where the policy allows ${what}`, () => {
      assert.match(refusal([setting], policy), /^SETTINGS_UNSAFE: \/app has a setting with which /)
    })
  }

  it('are refused from the day after the last on which the policy allows them', () => {
    assert.equal(refusal([STRATEGY], undefined, new Date('2026-12-31T23:59:59.999Z')), 'accepted')
    assert.match(
      refusal([STRATEGY], undefined, new Date('2027-01-01T00:00:00Z')),
      /makes npm compare no digest; \.sigstorerc:2 allowed it until 2026-12-31\nRemove it, or give its entry in the policy a later day\.$/,
    )
  })

  it('are named with file, line, key, value and reason, and with the entry that would allow the first', () => {
    const other = {
      file: '.npmrc',
      line: 9,
      key: 'ca',
      value: { a: 1 },
      isValueShown: true as const,
      why: 'changes whom npm trusts',
    }
    assert.deepEqual(refusal([STRATEGY, other], allowing(`file: x, key: x, ${WHY}`)).split('\n'), [
      'SETTINGS_UNSAFE: /app has 2 settings with which a package manager may install something that the gate has not judged:',
      'apps/web/.npmrc:3 "install-strategy" = "linked": makes npm compare no digest',
      '.npmrc:9 "ca" = {…}: changes whom npm trusts',
      'The brackets name a version that it is about: the gate does not know which version will run.',
      'Remove it. If you know why it is safe here, allow it in the policy:',
      'allowSettings: [{file: "apps/web/.npmrc", key: "install-strategy", value: "linked", reason: "why it is safe here", expires: "2027-02-28"}]',
    ])
  })

  it('are named without a value that may be a secret, in the line and in the entry', () => {
    const { isValueShown: _, ...setting } = STRATEGY
    const message = refusal([setting], allowing(`file: x, key: x, ${WHY}`))
    assert.match(message, /^apps\/web\/\.npmrc:3 "install-strategy" = \(not shown\): makes npm/m)
    assert.doesNotMatch(message, /linked|value/)
  })

  it('are named with their value where a list knows the key, and neither is a login', () => {
    const shown = (line: string) => {
      const [setting] = findUnsafeSettings('npm', [{ kind: '.npmrc', file: '.npmrc', text: `${line}\n` }])
      return setting?.isValueShown === true
    }
    for (const line of ['userconfig=./x', 'install-strategy=linked', 'proxy=http://x.example/'])
      assert.ok(shown(line), line)
    const hidden = [
      ...[
        '_authToken=x',
        '_auth=x',
        '_password=x',
        'username=x',
        'email=x',
        'cert=x',
        'key=x',
        'aws_secret_access_key=x',
      ],
      ...['//h.example/:tokenHelper=x', 'proxy=http://me:secret@x.example/', 'brand-new=x'],
    ]
    for (const line of hidden) assert.ok(!shown(line), line)
  })

  it('pass with the very entry that the refusal proposes', () => {
    const odd = fc.record({
      file: fc.constantFrom('.npmrc', 'apps/a b/.npmrc', "it's/.yarnrc.yml", 'x/{y}/.npmrc', '#/.npmrc'),
      key: fc.stringMatching(/^[!-~]{1,30}$/),
      value: fc.oneof(fc.stringMatching(/^[!-~]{0,100}$/), fc.boolean(), fc.nat(), fc.constant(null), fc.object()),
    })
    fc.assert(
      fc.property(odd, (each) => {
        const setting = { ...each, line: 1, why: 'is odd', isValueShown: true as const }
        const proposed = refusal([setting]).split('\n').at(-1)
        assert.equal(refusal([setting], parsePolicy(`${proposed}\n${RULES}`, '.sigstorerc')), 'accepted')
      }),
    )
  })

  it('say so where no policy can allow them', () => {
    const part = { file: '.npmrc', line: 1, why: 'a section in brackets' }
    assert.match(refusal([part]), /\nNo policy can allow that\. Correct the file\.$/)
  })

  it('are counted where they are more than a person reads', () => {
    const many = Array.from({ length: 10_000 }, (_, line) => ({
      ...STRATEGY,
      file: 'x',
      line,
      value: 'y'.repeat(100_000),
    }))
    const lines = refusal(many).split('\n')
    assert.equal(lines.length, 25)
    assert.ok(lines.includes('… and 9980 more'))
    assert.ok(lines.every((line) => line.length < 400))
  })

  it('cannot write lines of their own into a message', () => {
    const setting = { ...STRATEGY, file: 'a\n::error::/.npmrc', key: 'b\n::error::', value: 'c\n::error::' }
    assert.ok(
      refusal([setting])
        .split('\n')
        .every((line) => !line.startsWith('::')),
    )
  })
})

describe('allowSettings', () => {
  const wrong: Readonly<Record<string, readonly [string, RegExp]>> = {
    'no reason': ['file: .npmrc, key: x, expires: "2027-01-01"', /needs "reason"/],
    'no day': ['file: .npmrc, key: x, reason: y', /needs "expires"/],
    'no day that is one': [`file: .npmrc, key: x, reason: y, expires: "2027-02-31"`, /is not a day/],
    'no file': [`key: x, ${WHY}`, /needs "file"/],
    'an absolute file': [`file: /.npmrc, key: x, ${WHY}`, /is not a file as the gate names it/],
    'a file of the user': [`file: ~/.npmrc, key: x, ${WHY}`, /is not a file as the gate names it/],
    'a file with dots inside': [`file: a/../.npmrc, key: x, ${WHY}`, /is not a file as the gate names it/],
    'no key': [`file: .npmrc, ${WHY}`, /needs "key"/],
    'a list as value': [`file: .npmrc, key: x, value: [a], ${WHY}`, /leave it out for any value/],
    'a misspelt field': [`file: .npmrc, key: x, values: a, ${WHY}`, /unknown key "values"/],
  }
  for (const [what, [setting, message]] of Object.entries(wrong)) {
    it(`is refused with ${what}`, () => assert.throws(() => allowing(setting), { message }))
  }

  it('of shared policies counts as well, and that of a project is refused', async (t) => {
    const setting = `allowSettings: [{${ABOUT}, ${WHY}}]\n`
    const folder = folderWith(t, {
      '.sigstorerc': `extends: ./shared.yaml\n${RULES}`,
      'shared.yaml': `${setting}${RULES.replace('**', 'other')}`,
      'strict/.sigstorerc': `projects: [app]\n${RULES}`,
      'strict/app/.sigstorerc': `${setting}${RULES}`,
      'strict/app/package.json': '{}',
    })
    assert.deepEqual(
      (await loadPolicy({ folder })).allowSettings.map(({ key, place }) => [key, place.line]),
      [['install-strategy', 1]],
    )
    assert.match(
      await messageOf(folder, () => loadPolicy({ folder: `${folder}/strict` })),
      /^~\/strict\/app\/\.sigstorerc:1:17: "allowSettings", in a project's own policy/,
    )
  })

  it('is told before its last day, and after it', () => {
    const policy = allowing(`${ABOUT}, ${WHY}`)
    const told = (day: string) => findingsOf(policy, undefined, new Date(day)).map(({ message }) => message)
    assert.deepEqual(told('2026-11-01'), [])
    assert.match(told('2026-12-20')[0] ?? '', /is allowed until 2026-12-31 only/)
    assert.match(told('2027-01-01')[0] ?? '', /was allowed until 2026-12-31, and is refused now/)
  })
})
