/** Trust domains in a policy: GitHub's own, and an organisation's. */
import assert from 'node:assert/strict'
import { after, describe, type TestContext, test } from 'node:test'
import { createProject } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { createGithub } from '../support/sigstore/github.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { startTufRepository } from '../support/tuf/index.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { endings, lockfileOf, report, runCli, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const acme = await createSigstore({ now: SIGNED_AT, baseUrl: 'https://sigstore.acme.test' })
const github = createGithub({ now: SIGNED_AT })
const [widget, internal, hidden] = ['widget', 'internal', 'hidden'].map((name) =>
  createTarball({ name, version: '1.0.0' }),
) as [ReturnType<typeof createTarball>, ReturnType<typeof createTarball>, ReturnType<typeof createTarball>]
const packageOf = ({ manifest, integrity }: typeof widget) => ({
  name: manifest.name,
  version: manifest.version,
  integrity,
  now: SIGNED_AT,
})
const attested = (bundle: unknown) => ({ attestations: [{ predicateType: '', bundle }] })
const DOCUMENTS = {
  'widget@1.0.0': attested(await world.sigstore.provenance(packageOf(widget))),
  'internal@1.0.0': attested(await acme.provenance(packageOf(internal))),
  'hidden@1.0.0': attested(github.provenance(packageOf(hidden), { now: SIGNED_AT })),
}
const FILES = 'trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json'
const DOMAINS = '{ acme: { trustedRoot: acme.json }, github: { trustedRoot: github.json } }'

function project(t: TestContext, rules: string, trust = `{ ${FILES}, domains: ${DOMAINS} }`, files = {}) {
  const made = createProject({
    registry: world.registry.url,
    files: {
      ...world.policyFiles(`trust: ${trust}\nrules:\n${rules}`),
      'acme.json': JSON.stringify(acme.trustedRoot),
      'github.json': JSON.stringify(github.trustedRoot),
      'pnpm-lock.yaml': lockfileOf([widget, internal, hidden]),
      ...files,
    },
  })
  t.after(() => made.dispose())
  writeDocuments(made, DOCUMENTS)
  return made
}

const by = (domain?: string) =>
  `  - { packages: '**', require: provenance, publisher: { repository: acme/widgets${domain === undefined ? '' : `, domain: ${domain}`} } }\n`
const whereOf = ({ dir, env }: ReturnType<typeof project>) => ({ cwd: dir, env })
const EVIDENCE = ['--attestations', '../attestations']

describe('a rule is bound to one trust domain', () => {
  for (const [domain, proven] of [
    [undefined, 'widget'],
    ['sigstore', 'widget'],
    ['acme', 'internal'],
    ['github', 'hidden'],
  ] as const) {
    test(domain ?? 'sigstore, where it names none', async (t) => {
      const made = project(t, by(domain))
      const ends = endings(await report(made, ...EVIDENCE))
      for (const name of ['widget', 'internal', 'hidden'])
        assert.equal(ends[`${name}@1.0.0`], name === proven ? 'proven' : 'DOMAIN_MISMATCH', name)
    })
  }

  test('and says which one was found, and which line asks for another', async (t) => {
    const { status, stderr } = await runCli(['verify', ...EVIDENCE], whereOf(project(t, by('acme'))))
    assert.equal(status, 1)
    assert.match(stderr, /DOMAIN_MISMATCH/)
    assert.match(stderr, /trust domain "sigstore"/)
    assert.match(stderr, /\.sigstorerc:3/)
  })

  test('of one that the policy does not know nothing is proven', async (t) => {
    const made = project(t, by(), `{ ${FILES} }`)
    const ends = endings(await report(made, ...EVIDENCE))
    assert.deepEqual([ends['internal@1.0.0'], ends['hidden@1.0.0']], ['EVIDENCE_UNKNOWN', 'EVIDENCE_UNKNOWN'])
  })

  test('each asks for what the policy says', async (t) => {
    const asking = `{ ${FILES}, domains: { acme: { trustedRoot: acme.json, signedTimestamps: 1 }, sigstore: { logEntries: 2 } } }`
    const ends = endings(await report(project(t, by(), asking), ...EVIDENCE))
    assert.deepEqual([ends['internal@1.0.0'], ends['widget@1.0.0']], ['TIMESTAMP_INVALID', 'LOG_ENTRY_INVALID'])
  })

  test('the identity lock remembers it', async (t) => {
    const made = project(t, "  - { packages: '**', require: provenance, unchanged: true }\n", undefined, {
      'provenance-lock.yaml': 'version: 2\npackages: {}\n',
    })
    const where = whereOf(made)
    assert.equal((await runCli(['accept', ...EVIDENCE], where)).status, 0)
    assert.equal((await runCli(['verify', ...EVIDENCE], where)).status, 0)
    // The same package, as the same workflow, vouched for by somebody else.
    writeDocuments(made, { 'widget@1.0.0': attested(await acme.provenance(packageOf(widget))) })
    const ends = endings(await report(made, ...EVIDENCE))
    assert.equal(ends['widget@1.0.0'], 'IDENTITY_CHANGED')
    assert.equal(ends['internal@1.0.0'], 'proven')
  })
})

describe('mistakes', () => {
  for (const [what, trust, rules, message] of [
    [
      'a domain that nobody declares',
      `{ ${FILES} }`,
      by('acmee'),
      /:3:5: .*trust domain "acmee", which "trust" does not name/,
    ],
    ['a typo', `{ ${FILES}, domains: ${DOMAINS} }`, by('gihtub'), /Did you mean "github"\?/],
    [
      'a file that is not there',
      `{ ${FILES}, domains: { acme: { trustedRoot: none.json } } }`,
      by(),
      /none\.json is not there/,
    ],
    ['no trust root', `{ ${FILES}, domains: { acme: {} } }`, by(), /"acme" has no trust root/],
    [
      'two trust roots',
      `{ ${FILES}, domains: { acme: { trustedRoot: acme.json, tuf: { url: 'https://a.test', root: acme.json } } } }`,
      by(),
      /"acme" has two trust roots/,
    ],
    [
      'the default one here',
      `{ ${FILES}, domains: { sigstore: { trustedRoot: acme.json } } }`,
      by(),
      /stands under "trust" itself/,
    ],
    ['half a log', `{ ${FILES}, domains: { github: { logEntries: 0.5 } } }`, by(), /whole number from 0 to 8/],
    [
      'fewer than none',
      `{ ${FILES}, domains: { github: { signedTimestamps: -1 } } }`,
      by(),
      /whole number from 0 to 8/,
    ],
    ['another key', `{ ${FILES}, domains: { github: { scts: 0 } } }`, by(), /unknown key "scts"/],
    [
      'one authority in two',
      `{ ${FILES}, domains: { acme: { trustedRoot: trust/trusted_root.json } } }`,
      by(),
      /"sigstore" and "acme" have a certificate authority in common/,
    ],
  ] as const) {
    test(what, async (t) => {
      const { status, stderr } = await runCli(['verify', ...EVIDENCE], whereOf(project(t, rules, trust)))
      assert.equal(status, 2, stderr)
      assert.match(stderr, message)
    })
  }

  test("a project's own policy names domains, and declares none", async (t) => {
    const app = (text: string) => ({
      'apps/web/package.json': '{"name":"web"}',
      'apps/web/.sigstorerc': text,
      '.sigstorerc': `projects: [apps/web]\ntrust: { ${FILES}, domains: ${DOMAINS} }\nrules:\n${by()}`,
    })
    const run = (text: string) => runCli(['verify', ...EVIDENCE], whereOf(project(t, by(), undefined, app(text))))
    const declares = await run(`trust: { domains: { github: {} } }\nrules:\n${by()}`)
    assert.equal(declares.status, 2)
    assert.match(declares.stderr, /"trust", in a project's own policy/)
    const unknown = await run(`rules:\n${by('other')}`)
    assert.match(unknown.stderr, /apps\/web\/\.sigstorerc:2:5: .*trust domain "other"/)
    assert.equal((await run(`rules:\n${by('acme')}`)).status, 1)
  })
})

describe('a domain with a TUF repository of its own', () => {
  test('is asked, kept, and shown by its name', async (t) => {
    const repository = await startTufRepository(new Date())
    t.after(() => repository.close())
    repository.publish({ 'trusted_root.json': Buffer.from(JSON.stringify(acme.trustedRoot)) })
    const trust = `{ ${FILES}, domains: { acme: { tuf: { url: '${repository.url}', root: acme-root.json } } } }`
    const made = project(t, by('acme'), trust, { 'acme-root.json': repository.pinned.toString() })
    const where = { cwd: made.dir, env: { ...made.env, XDG_CACHE_HOME: `${made.root}/kept` } }
    const first = await runCli(['verify', ...EVIDENCE], where)
    assert.match(first.stderr, /1 proven/)
    await repository.close()
    const offline = await runCli(['verify', '--offline', ...EVIDENCE], where)
    assert.match(offline.stderr, /1 proven/)
    const shown = await runCli(['trust', 'status', '--domain', 'acme'], where)
    assert.match(shown.stdout, new RegExp(`^${repository.url}: good until `))
    const pinned = await runCli(['trust', 'status'], where)
    assert.match(pinned.stdout, /tuf-repo-cdn\.sigstore\.dev/)
    const none = await runCli(['trust', 'update', '--domain', 'none'], where)
    assert.equal(none.status, 2)
    assert.match(none.stderr, /There is no trust domain "none"/)
  })
})
