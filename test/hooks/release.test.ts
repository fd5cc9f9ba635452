/** Assets and commits of GitHub releases, installed by real pnpm from GitHub's hosts on loopback. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { allowSettings, setPolicy } from '../support/allow-settings.ts'
import { startGithubHost } from '../support/github-host.ts'
import {
  markedPackage,
  type PnpmVersion,
  type Project,
  postinstallsRun,
  prepareStore,
  runPnpm,
} from '../support/pnpm/index.ts'
import { createGithub } from '../support/sigstore/github.ts'
import { SIGNED_AT, startWorld } from '../support/world.ts'
import { good, linked, VERSIONS } from './stage.ts'

const host = await startGithubHost()
const world = await startWorld()
after(() => Promise.all([host.close(), world.close()]))
const github = createGithub({ now: SIGNED_AT })
const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
const tool = markedPackage(good('tool'))
const ASSET = 'https://github.com/acme/tool/releases/download/v1.0.0/tool-1.0.0.tgz'
/** Some other address, of a package that the policy lets in as it is. */
const OTHER = 'https://store.blob.test/aaa-1.0.0.tgz'
const API = 'https://api.github.com/repos/acme/tool/attestations'
const SHA256 = createHash('sha256').update(tool.bytes).digest('hex')

beforeEach(() => {
  host.answers.clear()
  host.requests.length = 0
  const bundle = github.release({
    now: SIGNED_AT,
    repository: 'acme/tool',
    tag: 'v1.0.0',
    commit: COMMIT,
    assets: [{ name: 'tool-1.0.0.tgz', bytes: tool.bytes }],
  })
  const listing = { body: JSON.stringify({ attestations: [{ bundle }] }) }
  host.answers.set(ASSET, { body: tool.bytes })
  host.answers.set('https://github.com/acme/tool', { body: 'a page' })
  host.answers.set(`https://codeload.github.com/acme/tool/tar.gz/${COMMIT}`, { body: tool.bytes })
  host.answers.set(`${API}/sha256:${SHA256}`, listing)
  host.answers.set(`${API}/sha1:${COMMIT}`, listing)
})

const TRUST =
  'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json, domains: { github: { trustedRoot: github.json } } }\n'
const policy = (tag: string) =>
  `${TRUST}rules: [{ packages: tool, require: provenance, publisher: { release: acme/tool, tag: '${tag}' } }]\n`

function projectWith(t: TestContext, specifier: string, rules: string, others = {}): Project {
  const project = world.gatedProject({
    dependencies: { tool: specifier, ...others },
    policy: rules,
    npmrc: `https-proxy=${host.proxy}\ncafile=ca.pem\n`,
    files: { 'github.json': JSON.stringify(github.trustedRoot), 'ca.pem': host.ca },
  })
  t.after(() => project.dispose())
  allowSettings(project.dir)
  return project
}

/** Locked while its rule only warns, as docs/policy.md says. */
async function locked(
  t: TestContext,
  version: PnpmVersion,
  specifier: string,
  rules: string,
  others = {},
): Promise<Project> {
  const project = projectWith(t, specifier, rules.replace('require:', 'mode: warn, require:'), others)
  const { status, output } = await runPnpm(version, LOCK, project)
  assert.equal(status, 0, output)
  assert.deepEqual(postinstallsRun(project), [])
  setPolicy(project.dir, rules)
  return project
}

const LOCK = ['install', '--lockfile-only', '--ignore-scripts']

const COMMIT_URL = `https://codeload.github.com/acme/tool/tar.gz/${COMMIT}`
const KINDS = [
  ['an asset', ASSET],
  ['a commit', COMMIT_URL],
] as const

for (const version of VERSIONS) {
  describe(`pnpm ${version}`, () => {
    for (const [how, change] of [
      ['its id', (lock: string) => lock.replace(`aaa@${OTHER}:\n`, `aaa@${OTHER}:\n    id: ${ASSET}\n`)],
      [
        'its key',
        (lock: string) =>
          lock.replaceAll(`aaa@${OTHER}`, `aaa@${ASSET}`).replace(`version: ${OTHER}`, `version: ${ASSET}`),
      ],
    ] as const) {
      test(`a permitted entry does not give its bytes to a proven one by ${how}`, async (t) => {
        host.answers.set(OTHER, { body: markedPackage({ ...good('aaa'), files: { 'evil.js': '' } }).bytes })
        const rules = `${policy('v*').trimEnd().slice(0, -1)}, { packages: aaa, source: tarball, require: nothing }]\n`
        const project = await locked(t, version, ASSET, rules, { aaa: OTHER })
        const file = path.join(project.dir, 'pnpm-lock.yaml')
        const lock = readFileSync(file, 'utf8')
        const changed = change(lock)
        assert.notEqual(changed, lock)
        writeFileSync(file, changed)
        await runPnpm(version, ['install', '--frozen-lockfile'], project)
        assert.equal(existsSync(path.join(project.dir, 'node_modules/tool/evil.js')), false)
        // The control: without the change both are installed.
        writeFileSync(file, lock)
        const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
        assert.equal(status, 0, output)
        assert.ok(existsSync(path.join(project.dir, 'node_modules/aaa/evil.js')))
        assert.equal(existsSync(path.join(project.dir, 'node_modules/tool/evil.js')), false)
      })
    }

    test('an asset that is new to the lockfile', async (t) => {
      for (const tag of ['v*', 'w*']) {
        const project = projectWith(t, ASSET, policy(tag))
        const { status, flat } = await runPnpm(version, ['install'], project)
        // pnpm 12 tells too late of which bytes it is: there it is locked first, as below.
        const isInstalled = version !== 12 && tag === 'v*'
        assert.equal(status === 0, isInstalled, flat)
        if (!isInstalled) assert.match(flat, version === 12 ? /EVIDENCE_MISSING/ : /REF_MISMATCH/)
        assert.equal(linked(project).includes('tool'), isInstalled)
        assert.deepEqual(postinstallsRun(project), isInstalled ? ['tool@1.0.0'] : [])
      }
    })

    test('a commit that is new to the lockfile is refused, and runs nothing', async (t) => {
      const project = projectWith(t, COMMIT_URL, policy('v*'))
      const { status, flat } = await runPnpm(version, ['install'], project)
      assert.notEqual(status, 0, flat)
      assert.match(flat, /EVIDENCE_MISSING/)
      assert.deepEqual(postinstallsRun(project), [])
    })

    for (const [what, specifier] of KINDS) {
      test(`${what} of the release that the policy names is installed, cold and warm`, async (t) => {
        const project = await locked(t, version, specifier, policy('v*'))
        for (const store of ['cold', 'warm'] as const) {
          await prepareStore(version, project, store)
          const { status, output } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
          assert.equal(status, 0, output)
          assert.ok(linked(project).includes('tool'), output)
        }
      })

      test(`${what} of another is neither linked nor run`, async (t) => {
        const project = await locked(t, version, specifier, policy('w*'))
        for (const store of ['cold', 'warm'] as const) {
          await prepareStore(version, project, store)
          const { status, flat } = await runPnpm(version, ['install', '--frozen-lockfile'], project)
          assert.notEqual(status, 0, flat)
          assert.match(flat, /REF_MISMATCH/)
          assert.deepEqual(postinstallsRun(project), [])
          assert.ok(!linked(project).includes('tool'))
        }
      })
    }
  })
}
