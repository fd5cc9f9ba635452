/** `evidenceFrom`: which registry has the evidence of a rule's packages. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GateError } from '../../src/errors.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { evidenceFrom } from '../../src/policy/decide.ts'
import { explain } from '../../src/policy/explain.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Policy } from '../../src/policy/types.ts'
import { replaceFile } from '../../src/write.ts'
import { write } from '../evidence/support.ts'

const ORIGIN = 'https://registry.npmjs.org/'

const rule = (value: string, rest = 'require: signature') =>
  parsePolicy(`rules: [{ packages: a, ${rest}, evidenceFrom: ${value} }]\n`, '.sigstorerc').rules[0]

const locked = (name: string, rest: Partial<LockedPackage> = {}): LockedPackage => ({
  name,
  version: '1.0.0',
  integrity: undefined,
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: `${name}@1.0.0`,
  ...rest,
})

describe('evidenceFrom', () => {
  const accepted: readonly (readonly [string, string])[] = [
    [ORIGIN, ORIGIN],
    ['https://registry.npmjs.org', ORIGIN],
    ['https://npm.example:8443/artifactory/api/npm/npm/', 'https://npm.example:8443/artifactory/api/npm/npm/'],
    ['https://npm.example/some/path', 'https://npm.example/some/path/'],
    ['http://127.0.0.1:4873/', 'http://127.0.0.1:4873/'],
    ['http://localhost', 'http://localhost/'],
  ]
  for (const [written, meant] of accepted) {
    it(`may be ${written}`, () => assert.equal(rule(`'${written}'`)?.evidenceFrom, meant))
  }

  it('may stand beside each that asks for something', () => {
    for (const rest of [
      'require: signature',
      'require: provenance, publisher: { repository: acme/widgets }',
      'require: provenance, unchanged: true',
      'require: nothing, unchanged: true',
    ])
      assert.equal(rule(ORIGIN, rest)?.evidenceFrom, ORIGIN, rest)
  })

  it('that is not there is none', () => {
    const [only] = parsePolicy('rules: [{ packages: a, require: signature }]\n', '.sigstorerc').rules
    assert.ok(only !== undefined && !('evidenceFrom' in only))
  })

  const refused: readonly (readonly [string, string])[] = [
    ['registry.npmjs.org', 'is no https:// URL'],
    ['//registry.npmjs.org/', 'is no https:// URL'],
    ['http://registry.npmjs.org/', 'is no https:// URL'],
    ['http://127.0.0.1.evil.example/', 'is no https:// URL'],
    ['file:///srv/registry/', 'is no https:// URL'],
    ['npm', 'is no https:// URL'],
    ['https://user:pass@registry.npmjs.org/', 'has more than host and path'],
    ['https://registry.npmjs.org/?a=b', 'has more than host and path'],
    ['https://registry.npmjs.org/#a', 'has more than host and path'],
    ['https://registry.npmjs.org/?', 'is not the URL of a registry'],
    ['https://registry.npmjs.org/#', 'is not the URL of a registry'],
    ['https:registry.npmjs.org', 'is not the URL of a registry'],
    ['https:///registry.npmjs.org', 'is not the URL of a registry'],
    ['HTTPS://registry.npmjs.org', 'is not the URL of a registry'],
    ['https://registry.npmjs.org//', 'is not the URL of a registry'],
    ['https://npm.example/../other/', 'is not the URL of a registry'],
    ['https://npm.example/./', 'is not the URL of a registry'],
    ['https://npm.example\\@evil.example/', 'is not the URL of a registry'],
    ['https://npm.example/{name}', 'is not the URL of a registry'],
    ['', 'an empty string says nothing'],
  ]
  for (const [url, message] of refused) {
    it(`may not be ${JSON.stringify(url)}`, () =>
      assert.throws(
        () => rule(`'${url}'`),
        (error) => {
          assert.ok(error instanceof GateError)
          assert.match(error.message, /^\.sigstorerc:1:\d+: [^\n]+$/)
          assert.ok(error.message.includes(message), error.message)
          return true
        },
      ))
  }

  for (const value of ['true', '1', '[https://registry.npmjs.org/]', '{ url: https://registry.npmjs.org/ }', '']) {
    it(`may not be ${value === '' ? 'nothing' : value}`, () => assert.throws(() => rule(value), GateError))
  }

  it('of a rule that asks for nothing would never be looked at', () => {
    assert.throws(() => rule(ORIGIN, 'require: nothing'), {
      message:
        '.sigstorerc:1:56: this rule requires "nothing", so its "evidenceFrom" would never be looked at: remove it',
    })
  })

  it('is a key of rules, and of nothing else', () => {
    assert.throws(
      () => parsePolicy(`evidenceFrom: ${ORIGIN}\nrules: [{ packages: a, require: nothing }]\n`, 'x'),
      /unknown key/,
    )
  })
})

describe('the registry that is asked', () => {
  const policy: Policy = parsePolicy(
    `rules:
  - { packages: left-pad, require: signature, evidenceFrom: 'https://left.example/' }
  - { packages: 'ranged@^2.0.0', require: signature, evidenceFrom: 'https://two.example/' }
  - { packages: '@acme/*', require: signature }
  - { packages: '**', require: signature, evidenceFrom: '${ORIGIN}' }
`,
    '.sigstorerc',
  )

  it('is that of the first rule about the package', () => {
    assert.equal(evidenceFrom(locked('left-pad'), policy), 'https://left.example/')
    assert.equal(evidenceFrom(locked('other'), policy), ORIGIN)
    assert.equal(evidenceFrom(locked('ranged'), policy), ORIGIN)
    assert.equal(evidenceFrom(locked('ranged', { version: '2.3.4' }), policy), 'https://two.example/')
  })

  it('is the one of the settings where that rule names none, whatever later rules say', () => {
    assert.equal(evidenceFrom(locked('@acme/a'), policy), undefined)
  })

  it('is none where no rule is about the package', () => {
    assert.equal(evidenceFrom(locked('left-pad'), { ...policy, rules: [] }), undefined)
  })

  it('is not told of a package that is only installed under a name of its rule', () => {
    assert.equal(evidenceFrom(locked('@acme/secret', { aliases: ['left-pad'] }), policy), undefined)
    assert.equal(evidenceFrom(locked('other', { aliases: ['left-pad', '@acme/a'] }), policy), ORIGIN)
    const alone = { ...policy, rules: policy.rules.slice(0, 1) }
    assert.equal(evidenceFrom(locked('left-pad'), alone), 'https://left.example/')
    assert.equal(evidenceFrom(locked('@acme/secret', { aliases: ['left-pad'] }), alone), undefined)
  })

  it('is named in an explanation, but not of what comes from no registry', () => {
    const proof = { ok: false, refusal: { code: 'EVIDENCE_MISSING', found: 'x', expected: 'y' } } as const
    const now = new Date('2026-01-01T00:00:00Z')
    assert.equal(explain(locked('other'), policy, proof, now).evidenceFrom, ORIGIN)
    assert.ok(!('evidenceFrom' in explain(locked('@acme/a'), policy, proof, now)))
    assert.ok(!('evidenceFrom' in explain(locked('other', { source: 'git' }), policy, proof, now)))
  })
})

describe('a policy that is loaded', () => {
  const RULE = `{ packages: x, require: signature, evidenceFrom: '${ORIGIN}' }`
  const REST = `{ packages: '**', require: nothing }`

  function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
    const root = mkdtempSync(path.join(tmpdir(), 'evidence-from-'))
    t.after(() => rmSync(root, { recursive: true, force: true }))
    write(root, files)
    return root
  }

  it('has that of a shared policy, which comes with its rules', async (t) => {
    const root = folder(t, {
      '.sigstorerc': `extends: ./shared.yaml\nrules: [{ packages: y, require: signature }]\n`,
      'shared.yaml': `rules: [${RULE}]\n`,
    })
    const policy = await loadPolicy({ folder: root })
    assert.equal(evidenceFrom(locked('x'), policy), ORIGIN)
    assert.equal(evidenceFrom(locked('y'), policy), undefined)
  })

  it('is refused in a project of the workspace, also where it comes of what that extends', async (t) => {
    const root = folder(t, {
      '.sigstorerc': `projects: [app]\nrules: [${REST}]\n`,
      'shared.yaml': `rules: [${RULE}]\n`,
      'app/package.json': '{}',
      'app/.sigstorerc': `rules: [${RULE}]\n`,
    })
    const refusal =
      /:1:9: "evidenceFrom", in a project's own policy or what it extends: where evidence comes from is for .*\.sigstorerc to say/
    await assert.rejects(loadPolicy({ folder: root }), refusal)
    await replaceFile(
      path.join(root, 'app/.sigstorerc'),
      `extends: ../shared.yaml\nrules: [{ packages: y, require: signature }]\n`,
    )
    await assert.rejects(loadPolicy({ folder: root }), refusal)
  })

  it('is refused beside a mirror that alone is asked, also where one of the two is shared', async (t) => {
    const mirror = `attestations: 'https://mirror.example/{name}@{version}.json'\n`
    const root = folder(t, {
      '.sigstorerc': `${mirror}rules: [${RULE}]\n`,
      'mirror.yaml': `${mirror}rules: [${REST}]\n`,
    })
    const refusal = /this rule's "evidenceFrom" would never be asked/
    await assert.rejects(loadPolicy({ folder: root }), refusal)
    await replaceFile(path.join(root, '.sigstorerc'), `extends: ./mirror.yaml\nrules: [${RULE}]\n`)
    await assert.rejects(loadPolicy({ folder: root }), refusal)
  })

  it('may have a mirror that is asked first', async (t) => {
    const root = folder(t, {
      '.sigstorerc': `attestations: { url: 'https://mirror.example/{name}@{version}.json', fallback: registry }\nrules: [${RULE}]\n`,
    })
    assert.equal(evidenceFrom(locked('x'), await loadPolicy({ folder: root })), ORIGIN)
  })
})
