/** A real Verdaccio in front of the registry: what it passes on, and how its packages are proven all the same. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { type Project, runPnpm } from '../support/pnpm/index.ts'
import { startVerdaccio } from '../support/verdaccio/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, endings, report } from './support.ts'

const world = await startWorld()
const verdaccio = await startVerdaccio(world.registry.url)
after(() => Promise.all([verdaccio.close(), world.close()]))
beforeEach(() => world.registry.forgetRequests())

const published = await world.publish({ name: '@acme/widget', version: '1.0.0' })
const { integrity } = published
world.registry.setDist('@acme/widget', '1.0.0', {
  signatures: [world.sigstore.signature({ name: '@acme/widget', version: '1.0.0', integrity })],
})

const policyOf = (rule: string) =>
  `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\nrules:\n  - { packages: '@acme/*', ${rule} }\n`
const PROVENANCE = 'require: provenance, publisher: { repository: acme/widgets }'
const from = `evidenceFrom: '${world.registry.url}'`

/** A project whose lockfile pnpm has written with what Verdaccio says. */
async function installed(t: TestContext, rule: string): Promise<Project> {
  const project = cliProject(world, {
    registry: verdaccio.url,
    dependencies: { '@acme/widget': '1.0.0' },
    policy: policyOf(rule),
  })
  t.after(() => project.dispose())
  const run = await runPnpm(12, ['install', '--lockfile-only'], project)
  assert.equal(run.status, 0, run.output)
  assert.ok(readFileSync(path.join(project.dir, 'pnpm-lock.yaml'), 'utf8').includes(integrity))
  world.registry.forgetRequests()
  return project
}

const paths = () => world.registry.requests.map((request) => request.path.replace(/%2f/i, '/'))
const ATTESTATIONS = '/-/npm/v1/attestations/@acme/widget@1.0.0'

describe('what Verdaccio says', () => {
  const get = (what: string) => fetch(`${verdaccio.url}${what}`)

  test('of attestations: 404, and it asks nobody', async () => {
    const response = await get('-/npm/v1/attestations/@acme%2fwidget@1.0.0')
    assert.equal(response.status, 404)
    assert.deepEqual(await response.json(), { error: 'File not found' })
    assert.deepEqual(paths(), [])
  })

  test('of its keys: 404', async () => assert.equal((await get('-/npm/v1/keys')).status, 404))

  test('of a version: its own address of the tarball, the signatures of the origin, and where the origin has attestations', async () => {
    for (const what of ['@acme%2fwidget/1.0.0', '@acme/widget/1.0.0']) {
      const { dist } = (await (await get(what)).json()) as { dist: Readonly<Record<string, unknown>> }
      assert.equal(dist.tarball, `${verdaccio.url}@acme/widget/-/widget-1.0.0.tgz`)
      assert.equal(dist.integrity, integrity)
      assert.equal((dist.signatures as readonly unknown[]).length, 1)
      assert.deepEqual(dist.attestations, {
        url: `${world.registry.url}${ATTESTATIONS.slice(1).replace('@acme/', '@acme%2f')}`,
        provenance: { predicateType: 'https://slsa.dev/provenance/v1' },
      })
    }
  })
})

test('a package that comes through it is refused: there are no attestations', async (t) => {
  const project = await installed(t, PROVENANCE)
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'EVIDENCE_MISSING' })
  assert.ok(!paths().includes(ATTESTATIONS))
})

test('is proven with the evidence of the origin', async (t) => {
  const project = await installed(t, `${PROVENANCE}, ${from}`)
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
  assert.deepEqual(paths(), [ATTESTATIONS])
})

test('and refused where Verdaccio had other bytes', async (t) => {
  const project = await installed(t, `${PROVENANCE}, ${from}`)
  const lockfile = path.join(project.dir, 'pnpm-lock.yaml')
  writeFileSync(lockfile, readFileSync(lockfile, 'utf8').replace(integrity, `sha512-${'A'.repeat(86)}==`))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'DIGEST_MISMATCH' })
})

test('the signature of the origin is passed on, and met without asking it', async (t) => {
  const project = await installed(t, 'require: signature')
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
  assert.ok(!paths().includes(ATTESTATIONS))
})
