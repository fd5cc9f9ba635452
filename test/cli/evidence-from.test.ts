/** A registry that passes packages on, without their evidence: `evidenceFrom` names the one that has it. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { openJudge } from '../../hooks/judge.ts'
import { readLockfile } from '../../src/lockfile/read.ts'
import type { Project } from '../support/pnpm/index.ts'
import { createTarball, startRegistry } from '../support/registry/index.ts'
import { startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, runCli, verify, writeDocuments } from './support.ts'

/** Its registry is the origin; what pnpm is set to is the proxy. */
/** Nothing is installed here. */
const NO_RECEIPT = { insidePnpm: false, version: '', linksNothing: true }
const world = await startWorld()
const proxy = await startRegistry()
after(() => Promise.all([world.close(), proxy.close()]))
beforeEach(() => {
  world.registry.reset()
  proxy.reset()
})

const widget = createTarball({ name: '@acme/widget', version: '1.0.0' })
const trust = 'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\n'
const publisher = 'publisher: { repository: acme/widgets, workflow: .github/workflows/release.yml }'

const rule = (extra = '', packages = '@acme/*') =>
  `{ packages: '${packages}', require: provenance, ${publisher}${extra} }`
const from = () => `, evidenceFrom: '${world.registry.url}'`
const policyOf = (...rules: readonly string[]) => `${trust}rules:\n${rules.map((each) => `  - ${each}\n`).join('')}`

async function behindProxy(t: TestContext, policy: string): Promise<Project> {
  world.registry.publish(widget, { attestations: await world.attest(widget) })
  // Answered anew from another host, without what the origin has beside it.
  proxy.publish(widget)
  const project = cliProject(world, {
    registry: proxy.url,
    policy,
    files: { 'pnpm-lock.yaml': lockfileOf([widget]) },
  })
  t.after(() => project.dispose())
  return project
}

const asked = (registry: typeof proxy) => registry.requests.map((request) => request.path)
const ATTESTATIONS = '/-/npm/v1/attestations/@acme%2fwidget@1.0.0'

test('without it the package is refused: the proxy has no evidence', async (t) => {
  const project = await behindProxy(t, policyOf(rule()))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'EVIDENCE_MISSING' })
  assert.deepEqual(asked(world.registry), [])
})

test('with it the package is proven, and the proxy is not asked', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
  assert.deepEqual(asked(world.registry), [ATTESTATIONS])
  assert.deepEqual(asked(proxy), [])
})

test('the digest of the lockfile decides: other bytes of the proxy are refused', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const other = createTarball({ name: '@acme/widget', version: '1.0.0', files: { 'evil.js': '1' } })
  writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfileOf([other]))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'DIGEST_MISMATCH' })
})

test('what the other says of another package, or with another key, is refused', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const other = createTarball({ name: 'other', version: '1.0.0' })
  world.registry.setAttestations('@acme/widget', '1.0.0', await world.attest(other))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'SUBJECT_MISMATCH' })
})

test('that there was nothing at the proxy is not remembered of the other registry', async (t) => {
  // A warning stands on what is remembered, where a refusal would be asked for anew.
  const project = await behindProxy(t, policyOf(rule(', mode: warn')))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'warned' })
  const before = asked(proxy).length
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'warned' })
  assert.equal(asked(proxy).length, before, 'it is remembered of the proxy')
  writeFileSync(path.join(project.dir, '.sigstorerc'), policyOf(rule(`, mode: warn${from()}`)))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
})

test('what was proven is remembered, and holds offline', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
  world.registry.forgetRequests()
  assert.deepEqual(endings(await report(project, '--offline')), { '@acme/widget@1.0.0': 'proven' })
  assert.deepEqual(asked(world.registry), [])
})

test('--offline asks nobody', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const { status, stderr } = await verify(project, '--offline')
  assert.equal(status, 2)
  assert.match(stderr, /nothing that is kept on this machine/)
  assert.deepEqual([...asked(world.registry), ...asked(proxy)], [])
})

test('--attestations takes its place', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  writeDocuments(project, { '@acme/widget@1.0.0': await world.attest(widget) })
  assert.equal((await verify(project, '--attestations', '../attestations')).status, 0)
  assert.deepEqual([...asked(world.registry), ...asked(proxy)], [])
})

test('a signature comes from there as well', async (t) => {
  const policy = policyOf(`{ packages: '**', require: signature${from()} }`)
  const project = await behindProxy(t, policy)
  world.registry.reset()
  const pkg = { name: '@acme/widget', version: '1.0.0', integrity: widget.integrity }
  world.registry.publish(widget, { signatures: [world.sigstore.signature(pkg)] })
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'proven' })
  assert.deepEqual(asked(proxy), [])
})

test('explain and accept ask there, and explain says so', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const where = { cwd: project.dir, env: project.env }
  const explained = await runCli(['explain', '@acme/widget'], where)
  assert.equal(explained.status, 0, explained.stderr)
  assert.ok(explained.stdout.includes(`    from ${world.registry.url}, as the rule for its name says\n`))
  const accepted = await runCli(['accept'], where)
  assert.equal(accepted.status, 0, accepted.stderr)
  assert.match(readFileSync(path.join(project.dir, 'provenance-lock.yaml'), 'utf8'), /acme\/widgets/)
  assert.deepEqual(asked(proxy), [])
})

test('the hook asks there', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const { packages } = await readLockfile(path.join(project.dir, 'pnpm-lock.yaml'))
  await openJudge(project.dir, NO_RECEIPT, () => false).locked(packages, project.dir)
  assert.deepEqual(asked(world.registry), [ATTESTATIONS])
  assert.deepEqual(asked(proxy), [])
})

test('a package that is installed under a name of the rule is not told there', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from(), 'left-pad'), rule('', '@acme/*')))
  const lockfile = lockfileOf([widget]).replace(
    /'?"?@acme\/widget"?'?:\n {8}specifier: 1\.0\.0\n {8}version: 1\.0\.0/,
    `left-pad:\n        specifier: npm:@acme/widget@1.0.0\n        version: '@acme/widget@1.0.0'`,
  )
  assert.match(lockfile, /left-pad/)
  writeFileSync(path.join(project.dir, 'pnpm-lock.yaml'), lockfile)
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'EVIDENCE_MISSING' })
  assert.deepEqual(asked(world.registry), [])
  assert.deepEqual(asked(proxy), [ATTESTATIONS])
})

test('export fills a mirror from there, where it is told the policy', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const where = { cwd: project.dir, env: project.env }
  const without = await runCli(['export', '--out', '../without'], where)
  assert.match(without.stderr, /^1 package: 0 with attestations, 1 without, 0 not exported$/m)
  assert.deepEqual(asked(world.registry), [])
  proxy.forgetRequests()
  const told = await runCli(['export', '--out', '../out', '--policy', '.sigstorerc'], where)
  assert.equal(told.status, 0, told.stderr)
  assert.match(told.stderr, /^1 package: 1 with attestations, 0 without, 0 not exported$/m)
  assert.deepEqual(asked(proxy), [])
  const { status, stderr } = await verify(project, '--attestations', '../out')
  assert.equal(status, 0, stderr)
})

test('export with a policy that is none ends with 2, and asks nobody', async (t) => {
  const project = await behindProxy(t, policyOf(rule(from())))
  const where = { cwd: project.dir, env: project.env }
  assert.equal((await runCli(['export', '--out', '../out', '--policy', 'gone.yaml'], where)).status, 2)
  assert.equal((await runCli(['export', '--out', '../out', '--policy', 'package.json'], where)).status, 2)
  assert.deepEqual([...asked(world.registry), ...asked(proxy)], [])
})
