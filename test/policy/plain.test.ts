import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { loadPolicy, type Once } from '../../src/policy/load.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { fromPlain, toPlain } from '../../src/policy/plain.ts'

const EXAMPLE = readFileSync(join(import.meta.dirname, '../../.sigstorerc.example'), 'utf8')
const FULL = `
trust:
  npmKeys: keys.json
  maxStaleness: 3d
  registries: { acme: acme.json }
  domains: { inner: { trustedRoot: inner.json, logEntries: 2 } }
attestations: { url: "https://mirror.example/{name}/{version}.json", fallback: registry }
mode: warn
enforceFrom: 2027-01-01
publishers: { us: [{ repository: acme/*, environment: [npm, release] }, { owner: acme, workflow: .github/workflows/a.yml }] }
exceptions: [{ package: left-pad@1.0.0, reason: old, expires: 2027-01-01 }]
rules:
  - { packages: ['@acme/*', '!@acme/x', 'constructor@^1.0.0'], require: provenance, publisher: us, minimumAge: 3d, unchanged: true }
  - { packages: inner, require: provenance, publisher: { domain: inner, repository: acme/inner, issuer: github } }
  - { packages: signed, require: signature, registry: acme, reason: theirs }
  - { packages: '**', require: nothing }
`

/** Text to text, as it lies in a file. */
const throughJson: Once = async (_what, _text, derive) => JSON.parse(JSON.stringify(await derive()))

function folder(t: TestContext, files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(tmpdir(), 'plain-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(root, name), text)
  return root
}

/** What is undefined, and what is not there, is the same to whoever asks. */
const comparable = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, each: unknown) =>
      each instanceof Map ? { map: [...each].map(([key, one]) => [key, one]) } : each,
    ),
  )

describe('a policy as plain data', () => {
  for (const [what, text] of [
    ['the example', EXAMPLE],
    ['one with everything', FULL],
  ] as const) {
    it(`is the same afterwards: ${what}`, () => {
      const policy = parsePolicy(text, '/work/.sigstorerc')
      const again = fromPlain(JSON.parse(JSON.stringify(toPlain(policy))))
      assert.deepEqual(comparable(again), comparable(policy))
      assert.deepEqual(Object.keys(again).toSorted(), Object.keys(policy).toSorted())
      assert.ok(again.publishers instanceof Map && again.projects instanceof Map)
      if (policy.trust.domains) assert.ok(again.trust.domains instanceof Map && again.trust.registries instanceof Map)
    })
  }

  it('is loaded from what is remembered as from the file, with the identity lock', async (t) => {
    const integrity = `sha512-${'A'.repeat(86)}==`
    const lock = `version: 2
packages:
  constructor:
    published: [{ from: [1.0.0], issuer: github, repository: acme/a, repositoryId: '1', ref: branch, branch: [main] }]
    unproven: { 0.1.0: ${integrity} }
`
    const files = { 'keys.json': '', 'acme.json': '', 'inner.json': '', 'provenance-lock.yaml': lock }
    const root = folder(t, { ...files, '.sigstorerc': FULL })
    const [plain, remembered] = [
      await loadPolicy({ folder: root }),
      await loadPolicy({ folder: root }, {}, throughJson),
    ]
    assert.deepEqual(comparable(remembered), comparable(plain))
    assert.deepEqual(remembered.identities?.get('constructor')?.unproven, [{ version: '0.1.0', integrity, line: 5 }])
    assert.equal(remembered.identities?.get('__proto__'), undefined)
  })

  it('that extends another is read anew, for what it says is not in its own text alone', async (t) => {
    const root = folder(t, {
      '.sigstorerc': 'extends: ./shared.yaml\nrules: [{ packages: a, require: nothing }]\n',
      'shared.yaml': 'rules: [{ packages: "**", require: provenance, publisher: { repository: acme/one } }]\n',
    })
    const known = new Map<string, unknown>()
    /** Remembers whatever it is asked, by the text alone. */
    const remembering: Once = async (what, text, derive) => {
      const id = JSON.stringify([what, text])
      if (!known.has(id)) known.set(id, JSON.parse(JSON.stringify(await derive())))
      return known.get(id) as Awaited<ReturnType<typeof derive>>
    }
    const repositories = async () =>
      (await loadPolicy({ folder: root }, {}, remembering)).rules.flatMap(({ publishers }) =>
        publishers.map(({ repository }) => repository),
      )
    assert.deepEqual(await repositories(), ['https://github.com/acme/one'])
    writeFileSync(join(root, 'shared.yaml'), readFileSync(join(root, 'shared.yaml'), 'utf8').replace('one', 'two'))
    assert.deepEqual(await repositories(), ['https://github.com/acme/two'])
  })

  it('with a mistake is a mistake each time', async (t) => {
    const root = folder(t, { '.sigstorerc': 'rules: [{ packages: a, require: everything }]\n' })
    for (let round = 0; round < 2; round += 1)
      await assert.rejects(loadPolicy({ folder: root }, {}, throughJson), GateError)
  })
})
