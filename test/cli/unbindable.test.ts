/** Lockfiles with nothing that evidence could be compared with: `init` and `accept` say so, and by name. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { stringify } from 'yaml'
import { createProject } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { endings, reportOf, runCli, TRUST_FLAGS, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const [good, old] = [
  createTarball({ name: 'good', version: '1.0.0' }),
  createTarball({ name: 'old', version: '1.0.0' }),
]
const MANIFEST = JSON.stringify({ name: 'app', version: '1.0.0', dependencies: { good: '1.0.0', old: '1.0.0' } })
const SHA1 = '5b8a3a7765dfe001261dde915589e782f8c94d1e'
const CHECKSUM = `10c0/${'a'.repeat(128)}`

const berry = `__metadata:
  version: 8
  cacheKey: 10c0

"app@workspace:.":
  version: 0.0.0-use.local
  resolution: "app@workspace:."
  dependencies:
    good: "npm:1.0.0"
    old: "npm:1.0.0"
  languageName: unknown
  linkType: soft
${['good', 'old']
  .map(
    (name) => `
"${name}@npm:1.0.0":
  version: 1.0.0
  resolution: "${name}@npm:1.0.0"
  checksum: ${CHECKSUM}
  languageName: node
  linkType: hard
`,
  )
  .join('')}`

const classic = `# yarn lockfile v1


good@1.0.0:
  version "1.0.0"
  resolved "${world.registry.url}good/-/good-1.0.0.tgz"
  integrity ${good.integrity}

old@1.0.0:
  version "1.0.0"
  resolved "${world.registry.url}old/-/old-1.0.0.tgz#${SHA1}"
`

const npm = (entry: object) =>
  JSON.stringify({
    name: 'app',
    version: '1.0.0',
    lockfileVersion: 3,
    packages: {
      '': JSON.parse(MANIFEST),
      'node_modules/good': {
        version: '1.0.0',
        resolved: `${world.registry.url}good/-/good-1.0.0.tgz`,
        integrity: good.integrity,
      },
      'node_modules/old': { version: '1.0.0', resolved: `${world.registry.url}old/-/old-1.0.0.tgz`, ...entry },
    },
  })

const pnpm = stringify({
  lockfileVersion: '9.0',
  importers: {
    '.': {
      dependencies: Object.fromEntries(['good', 'old'].map((name) => [name, { specifier: '1.0.0', version: '1.0.0' }])),
    },
  },
  packages: {
    'good@1.0.0': { resolution: { integrity: good.integrity } },
    'old@1.0.0': { resolution: { integrity: `sha1-${Buffer.from(SHA1, 'hex').toString('base64')}` } },
  },
  snapshots: { 'good@1.0.0': {}, 'old@1.0.0': {} },
})

const OLD =
  /^1 package has no sha512 in the lockfile, so that no evidence can be compared with it: old@1\.0\.0\. Remove its entry/m
const FORMATS: readonly (readonly [string, string, string, RegExp])[] = [
  [
    'yarn 4',
    'yarn.lock',
    berry,
    /^2 packages have the checksum of yarn's own archive alone, .*: good@1\.0\.0, old@1\.0\.0\. Install with `provenance-gate run -- yarn install`/m,
  ],
  ['yarn 1 with a sha1', 'yarn.lock', classic, OLD],
  [
    'npm with a sha1',
    'package-lock.json',
    npm({ integrity: `sha1-${Buffer.from(SHA1, 'hex').toString('base64')}` }),
    OLD,
  ],
  ['npm without a digest', 'package-lock.json', npm({}), OLD],
  ['pnpm with a sha1', 'pnpm-lock.yaml', pnpm, OLD],
]

function project(t: TestContext, name: string, text: string) {
  const { '.sigstorerc': _, ...trust } = world.policyFiles()
  const made = createProject({
    registry: world.registry.url,
    files: { ...trust, 'package.json': MANIFEST, [name]: text },
  })
  t.after(() => made.dispose())
  const run = (command: string, ...flags: readonly string[]) =>
    runCli([command, ...flags], { cwd: made.dir, env: made.env })
  return { ...made, run }
}

const attest = async (name: string, integrity: string) =>
  world.sigstore.document({ name, version: '1.0.0', integrity, now: SIGNED_AT })

describe('init and accept', () => {
  for (const [what, name, text, told] of FORMATS) {
    const isBerry = what === 'yarn 4'
    test(`name what cannot be compared: ${what}, without evidence and with`, async (t) => {
      for (const documents of [
        {},
        { 'old@1.0.0': await attest('old', old.integrity), 'good@1.0.0': await attest('good', good.integrity) },
      ]) {
        const made = project(t, name, text)
        writeDocuments(made, documents)
        const init = await made.run('init', ...TRUST_FLAGS)
        assert.equal(init.status, 0, init.stderr)
        assert.match(init.stderr, told)
        assert.match(init.stderr, new RegExp(`, ${isBerry ? 2 : 1} with nothing to compare evidence with\\. Read them`))
        const isProven = 'good@1.0.0' in documents && !isBerry
        const vain = /^This policy holds none of them: .* in a way that could be compared\.$/m
        if (isProven) assert.doesNotMatch(init.stderr, vain)
        else assert.match(init.stderr, vain)
        const accept = await made.run('accept', '--attestations', '../attestations')
        assert.equal(accept.status, 0, accept.stderr)
        assert.match(accept.stderr, told)
        const check = await runCli(['policy', 'check'], { cwd: made.dir, env: made.env })
        assert.equal(/no rule requires anything of what the lockfile has/.test(check.stderr), !isProven, check.stderr)
        assert.doesNotMatch(
          readFileSync(path.join(made.dir, '.sigstorerc'), 'utf8'),
          /The registry has no signature for these/,
        )
        // Nothing is refused by it, as before.
        const { summary, packages } = reportOf(await verify(made, '--json', '--attestations', '../attestations'))
        assert.equal(summary.refused, 0)
        assert.equal(packages.length, 2)
      }
    })
  }

  test('say nothing of the kind where all can be compared, and that a policy holds nothing where nothing is proven', async (t) => {
    const made = project(t, 'package-lock.json', npm({ integrity: old.integrity }))
    writeDocuments(made, {})
    const init = await made.run('init', ...TRUST_FLAGS)
    assert.equal(init.status, 0)
    assert.doesNotMatch(init.stderr, /compare/)
    assert.match(
      init.stderr,
      /^This policy holds none of them: .* proves nothing of it, and the registry was not asked .*\. It holds packages that come to have provenance/m,
    )
    assert.doesNotMatch((await made.run('accept', '--attestations', '../attestations')).stderr, /compare/)
    writeDocuments(made, { 'old@1.0.0': await attest('old', old.integrity) })
    assert.equal((await made.run('accept', '--attestations', '../attestations')).status, 0)
    const check = await runCli(['policy', 'check'], { cwd: made.dir, env: made.env })
    assert.equal(check.stderr, '.sigstorerc: 1 rule, no mistakes\n')
    writeFileSync(path.join(made.dir, 'package-lock.json'), npm({}))
    const ends = endings(reportOf(await verify(made, '--json', '--attestations', '../attestations')))
    assert.equal(ends['old@1.0.0'], 'INTEGRITY_MISSING')
  })
})
