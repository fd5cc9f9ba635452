/**
 * What has happened, replayed with attestations made for the purpose: under a policy as an organisation would write it,
 * each is refused by the rule that is meant for it, with the code that says why. docs/policy.md has the same table.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import {
  cliProject,
  endings,
  lockfileOf,
  reportOf,
  runCli,
  TRUST_FLAGS,
  verify,
  writeDocuments,
} from './cli/support.ts'
import type { Project } from './support/pnpm/index.ts'
import { createTarball } from './support/registry/index.ts'
import { startWorld } from './support/world.ts'

const world = await startWorld()
after(() => world.close())

type Signed = NonNullable<Parameters<typeof world.attest>[1]>

const TRUST = 'trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\n'
const IDENTITY = `      repository: acme/widgets
      ownerId: 61840275
      workflow: .github/workflows/release.yml
      ref: refs/heads/main
      trigger: [push, release]
      runner: hosted
      environment: npm
`
const POLICY = `${TRUST}rules:\n  - packages: "**"\n    require: provenance\n    publisher:\n${IDENTITY}`

/** What the organisation's own release is: everything below differs from it in one thing. */
const GENUINE = { environment: 'npm' } as const
const minutesAgo = (minutes: number) => new Date(Date.now() - minutes * 60_000)

async function project(t: TestContext, policy: string, version: string, signed: Signed | 'none'): Promise<Project> {
  const made = cliProject(world, { policy })
  t.after(() => made.dispose())
  await lock(made, version, signed)
  return made
}

async function lock(made: Project, version: string, signed: Signed | 'none'): Promise<void> {
  const pkg = createTarball({ name: 'widget', version })
  writeFileSync(path.join(made.dir, 'pnpm-lock.yaml'), lockfileOf([pkg]))
  writeDocuments(made, signed === 'none' ? {} : { [`widget@${version}`]: await world.attest(pkg, signed) })
}

async function endOf(made: Project): Promise<string | undefined> {
  return Object.values(endings(reportOf(await verify(made, '--json', '--attestations', '../attestations'))))[0]
}

const INCIDENTS: readonly (readonly [string, Signed | 'none', string])[] = [
  ['the genuine release, to compare with', { identity: GENUINE }, 'proven'],
  ['event-stream, ua-parser-js, chalk: published with a stolen token, no provenance ever', 'none', 'EVIDENCE_MISSING'],
  [
    'Red Hat, 2026: commits that belong to no branch anybody reviews',
    { identity: { ...GENUINE, ref: 'refs/heads/orphan' } },
    'REF_MISMATCH',
  ],
  [
    'AntV, 2026: provenance that a worm minted in a repository of its own',
    { identity: { ...GENUINE, repository: 'https://github.com/worm/widgets', ownerId: '666' } },
    'OWNER_MISMATCH',
  ],
  [
    'the name of an owner that was given up, and taken by another',
    { identity: { ...GENUINE, ownerId: '666', repositoryId: '666' } },
    'OWNER_MISMATCH',
  ],
  [
    'a machine of the attacker, registered as a runner',
    { identity: { ...GENUINE, runnerEnvironment: 'self-hosted' } },
    'RUNNER_MISMATCH',
  ],
  [
    'a pull request from a fork, which ran with the secrets of the repository',
    { identity: { ...GENUINE, trigger: 'pull_request_target' } },
    'TRIGGER_MISMATCH',
  ],
  ['an environment without reviewers', { identity: { environment: 'test' } }, 'ENVIRONMENT_MISMATCH'],
  ['no environment', {}, 'CLAIM_MISSING'],
  [
    'another workflow of the same repository',
    { identity: { ...GENUINE, workflow: '.github/workflows/lint.yml' } },
    'WORKFLOW_MISMATCH',
  ],
]

describe('under a policy that names the publisher', () => {
  for (const [what, signed, expected] of INCIDENTS) {
    test(`${what}: ${expected}`, async (t) => {
      assert.equal(await endOf(await project(t, POLICY, '1.0.0', signed)), expected)
    })
  }
})

describe('under a policy that holds on to what was', () => {
  const UNCHANGED = `${TRUST}rules: [{ packages: "**", require: nothing, unchanged: true }]\n`
  for (const [what, version, signed, expected] of [
    [
      'axios 1.14.1, Mastra, s1ngularity: no provenance, which earlier versions had',
      '1.14.1',
      'none',
      'PROVENANCE_LOST',
    ],
    ['axios 0.30.4: an old line, which the lock would have to record', '0.30.4', 'none', 'PROVENANCE_LOST'],
    [
      'AntV: valid, but minted elsewhere',
      '1.14.1',
      { identity: { ...GENUINE, repository: 'https://github.com/worm/widgets', ownerId: '666', repositoryId: '666' } },
      'IDENTITY_CHANGED',
    ],
    ['the next genuine release', '1.14.1', { identity: GENUINE }, 'proven'],
  ] as const) {
    test(`${what}: ${expected}`, async (t) => {
      const made = await project(t, UNCHANGED, '1.14.0', { identity: GENUINE })
      const accepted = await runCli(['accept', ...TRUST_FLAGS], { cwd: made.dir, env: made.env })
      assert.equal(accepted.status, 0, accepted.stderr)
      await lock(made, version, signed)
      assert.equal(await endOf(made), expected)
    })
  }
})

describe('TanStack, 2026: the right repository, workflow, branch, trigger, runner and environment', () => {
  const young = { identity: GENUINE, now: minutesAgo(30) }

  test('passes every rule about identity', async (t) => {
    assert.equal(await endOf(await project(t, POLICY, '1.0.0', young)), 'proven')
  })

  test('is held back by "minimumAge" alone, as long as it says', async (t) => {
    const held = `${POLICY}    minimumAge: 3d\n`
    assert.equal(await endOf(await project(t, held, '1.0.0', young)), 'TOO_YOUNG')
    const old = { ...young, now: minutesAgo(3 * 24 * 60 + 5) }
    assert.equal(await endOf(await project(t, held, '1.0.0', old)), 'proven')
  })
})
