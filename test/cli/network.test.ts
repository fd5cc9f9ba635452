/** "Could not find out" is never a pass, and never taken for "is bad": exit status 2 where it is all there is. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Misbehaviour } from '../support/registry/index.ts'
import { startRegistry } from '../support/registry/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, verify } from './support.ts'

const world = await startWorld()
after(() => world.close())
const good = await world.publish({ name: 'good', version: '1.0.0' })
const unproven = world.publishUnproven({ name: 'unproven', version: '1.0.0' })

/** As in `Misbehaviour`, without those that only end when time is up: the limits have tests of their own. */
const FAILURES = {
  forbidden: { how: 'status', status: 403 },
  unauthorized: { how: 'status', status: 401 },
  gone: { how: 'status', status: 410 },
  empty: { how: 'status', status: 204 },
  broken: { how: 'status', status: 503 },
  reset: { how: 'reset' },
  portal: { how: 'html' },
  garbage: { how: 'garbage-json' },
  truncated: { how: 'truncate' },
  overlong: { how: 'endless' },
} as const satisfies Record<string, { how: Misbehaviour['how']; status?: number }>

describe('one package cannot be asked about, its neighbour can', { concurrency: true }, () => {
  for (const [name, failure] of Object.entries(FAILURES)) {
    test(`${name}: 2, and 1 beside a refusal`, async (t) => {
      const pkg = await world.publish({ name, version: '1.0.0' })
      world.registry.misbehave({ match: `/${name}@1.0.0`, ...failure })
      const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([pkg, good]) } })
      t.after(() => project.dispose())
      const { packages } = await report(project)
      assert.deepEqual(packages.map(({ status, code }) => code ?? status).sort(), ['EVIDENCE_UNAVAILABLE', 'proven'])
      const refused = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([pkg, good, unproven]) } })
      t.after(() => refused.dispose())
      assert.deepEqual(endings(await report(refused)), {
        [`${name}@1.0.0`]: 'EVIDENCE_UNAVAILABLE',
        'good@1.0.0': 'proven',
        'unproven@1.0.0': 'EVIDENCE_MISSING',
      })
    })
  }
})

test('no registry at all: 2, each package says so, and a rule that requires nothing still permits', async (t) => {
  const gone = await startRegistry()
  await gone.close()
  const policy = `rules:
  - { packages: unproven, require: nothing }
  - { packages: "**", require: provenance, publisher: { repository: acme/widgets } }
`
  const files = { 'pnpm-lock.yaml': lockfileOf([good, unproven]) }
  const project = cliProject(world, { registry: gone.url, policy, files })
  t.after(() => project.dispose())
  const made = await report(project)
  assert.deepEqual(endings(made), { 'good@1.0.0': 'EVIDENCE_UNAVAILABLE', 'unproven@1.0.0': 'permitted' })
  assert.match(made.packages[0]?.found ?? '', /ECONNREFUSED/)
})

test('no request is made for what no rule requires proof of', async (t) => {
  const policy = 'rules: [{ packages: good, require: nothing }]\n'
  const project = cliProject(world, { policy, files: { 'pnpm-lock.yaml': lockfileOf([good, unproven]) } })
  t.after(() => project.dispose())
  world.registry.forgetRequests()
  assert.deepEqual(endings(await report(project)), { 'good@1.0.0': 'permitted', 'unproven@1.0.0': 'NO_RULE' })
  assert.deepEqual(world.registry.requests, [])
})

for (const npmrc of ['registry=nonsense', 'registry=file:///etc/', 'https-proxy=nonsense']) {
  test(`settings that cannot be used (${npmrc}): 2`, async (t) => {
    const project = cliProject(world, { npmrc: `${npmrc}\n`, files: { 'pnpm-lock.yaml': lockfileOf([good]) } })
    t.after(() => project.dispose())
    const { status, stderr } = await verify(project)
    assert.equal(status, 2, stderr)
    assert.doesNotMatch(stderr, /please report/)
  })
}
