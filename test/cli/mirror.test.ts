/** A mirror that the policy names is used by all that look at evidence: verify, explain, accept, and the hook. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, type TestContext, test } from 'node:test'
import { openJudge } from '../../hooks/judge.ts'
import { readLockfile } from '../../src/lockfile/read.ts'
import type { Project } from '../support/pnpm/index.ts'
import { createTarball } from '../support/registry/index.ts'
import { POLICY, startWorld } from '../support/world.ts'
import { type StaticServer, serveFolder } from './static-server.ts'
import { cliProject, endings, lockfileOf, report, runCli, verify, writeDocuments } from './support.ts'

/** Nothing is installed here. */
const NO_RECEIPT = { insidePnpm: false, version: '', linksNothing: true }
const world = await startWorld()
after(() => world.close())
const widget = createTarball({ name: '@acme/widget', version: '1.0.0' })
const missing = createTarball({ name: 'missing', version: '1.0.0' })
beforeEach(() => world.registry.reset())

interface Mirrored {
  readonly project: Project
  readonly mirror: StaticServer
}

/** The mirror has what the registry has not. */
async function mirrored(t: TestContext, packages = [widget], isShared = false): Promise<Mirrored> {
  const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf(packages) } })
  t.after(() => project.dispose())
  const folder = writeDocuments(project, { '@acme/widget@1.0.0': await world.attest(widget) })
  const mirror = await serveFolder(t, folder)
  const key = `attestations: '${mirror.url}{name}@{version}.json'\n`
  if (isShared) writeFileSync(path.join(project.dir, 'shared.yaml'), key + POLICY)
  writeFileSync(
    path.join(project.dir, '.sigstorerc'),
    isShared ? 'extends: ./shared.yaml\nrules: [{ packages: other, require: nothing }]\n' : key + POLICY,
  )
  return { project, mirror }
}

const asked = ({ requests }: StaticServer) => requests.map(({ path: each }) => each)

for (const isShared of [false, true]) {
  test(`verify asks it, and not the registry${isShared ? ', also where a shared policy names it' : ''}`, async (t) => {
    const { project, mirror } = await mirrored(t, [widget, missing], isShared)
    assert.deepEqual(endings(await report(project)), {
      '@acme/widget@1.0.0': 'proven',
      'missing@1.0.0': 'EVIDENCE_MISSING',
    })
    assert.deepEqual(asked(mirror).sort(), ['/@acme/widget@1.0.0.json', '/missing@1.0.0.json'])
    assert.deepEqual(world.registry.requests, [])
  })
}

test('explain asks it', async (t) => {
  const { project, mirror } = await mirrored(t)
  const { status, stderr } = await runCli(['explain', '@acme/widget'], { cwd: project.dir, env: project.env })
  assert.equal(status, 0, stderr)
  assert.deepEqual(asked(mirror), ['/@acme/widget@1.0.0.json'])
  assert.deepEqual(world.registry.requests, [])
})

test('accept asks it', async (t) => {
  const { project, mirror } = await mirrored(t)
  const { status, stderr } = await runCli(['accept'], { cwd: project.dir, env: project.env })
  assert.equal(status, 0, stderr)
  assert.match(readFileSync(path.join(project.dir, 'provenance-lock.yaml'), 'utf8'), /acme\/widgets/)
  assert.deepEqual(asked(mirror), ['/@acme/widget@1.0.0.json'])
  assert.deepEqual(world.registry.requests, [])
})

test('the hook asks it', async (t) => {
  const { project, mirror } = await mirrored(t, [widget, missing])
  const { packages } = await readLockfile(path.join(project.dir, 'pnpm-lock.yaml'))
  const judge = openJudge(project.dir, NO_RECEIPT, () => false)
  const of = (name: string) => packages.filter((each) => each.name === name)
  await judge.locked(of('@acme/widget'), project.dir)
  await assert.rejects(judge.locked(of('missing'), project.dir), /EVIDENCE_MISSING/)
  assert.deepEqual(asked(mirror), ['/@acme/widget@1.0.0.json', '/missing@1.0.0.json'])
  assert.deepEqual(world.registry.requests, [])
})

test('--attestations takes its place', async (t) => {
  const { project, mirror } = await mirrored(t)
  const { status } = await verify(project, '--attestations', '../attestations')
  assert.equal(status, 0)
  assert.deepEqual(asked(mirror), [])
})

test('--offline does not ask it', async (t) => {
  const { project, mirror } = await mirrored(t)
  const { status, stderr } = await verify(project, '--offline')
  assert.equal(status, 2)
  assert.match(stderr, /nothing that is kept on this machine/)
  assert.deepEqual(asked(mirror), [])
})

test('export does not ask it: it fills it', async (t) => {
  const { project, mirror } = await mirrored(t)
  const { stderr } = await runCli(['export', '--out', '../out'], { cwd: project.dir, env: project.env })
  assert.match(stderr, /^1 package: 0 with attestations, 1 without, 0 not exported$/m)
  assert.deepEqual(asked(mirror), [])
})

test('that serves the evidence of another package, or changed evidence, is refused for it', async (t) => {
  const { project } = await mirrored(t)
  const other = createTarball({ name: 'other', version: '1.0.0' })
  writeDocuments(project, { '@acme/widget@1.0.0': await world.attest(other) })
  assert.deepEqual(endings(await report(project)), { '@acme/widget@1.0.0': 'SUBJECT_MISMATCH' })
  const genuine = JSON.stringify(await world.attest(widget))
  writeDocuments(project, { '@acme/widget@1.0.0': genuine.replace(/"sig":"..../, '"sig":"AAAA') })
  const [ending] = Object.values(endings(await report(project)))
  assert.ok(ending === 'SIGNATURE_INVALID' || ending === 'LOG_ENTRY_INVALID', ending)
})
