/** A registry behind TLS, by an authority that only the user's settings know, which wants a token from everybody. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, describe, type TestContext, test } from 'node:test'
import { issuedFor } from '../../support/tls.ts'
import { startWorld } from '../../support/world.ts'
import {
  assertNothingLeft,
  LOCKFILES,
  marks,
  RUNNERS,
  type Runner,
  type RunProject,
  result,
  runProject,
  through,
  without,
} from './support.ts'

const TOKEN = 'a-secret-of-the-user'
const world = await startWorld()
const { key, cert, ca } = issuedFor(['localhost'])
const asked: { readonly path: string; readonly authorization: string | undefined; readonly others: string }[] = []

/** In front of the world's registry, which speaks without TLS and without tokens. */
const front = https.createServer({ key, cert }, (request, response) => {
  const { authorization, ...others } = request.headers
  asked.push({ path: request.url ?? '', authorization, others: JSON.stringify(others) })
  if (authorization !== `Bearer ${TOKEN}`) {
    response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
    return
  }
  http.get(
    new URL(request.url ?? '', world.registry.url),
    { headers: { accept: request.headers.accept ?? '*/*' } },
    (answer) => {
      void bodyOf(answer).then((body) => {
        const type = answer.headers['content-type'] ?? ''
        const text = type.includes('json')
          ? Buffer.from(body.toString().replaceAll(world.registry.url, registry))
          : body
        response.writeHead(answer.statusCode ?? 500, { 'content-type': type, 'content-length': text.length }).end(text)
      })
    },
  )
})
await new Promise<void>((resolve) => front.listen(0, 'localhost', resolve))
const host = `localhost:${(front.address() as AddressInfo).port}`
const registry = `https://${host}/`
after(async () => {
  front.closeAllConnections()
  front.close()
  await world.close()
})
await world.publish({ name: 'gizmo', version: '1.0.0' })
await world.publish({ name: '@acme/gadget', version: '1.0.0', dependencies: { gizmo: '^1.0.0' } })
world.publishUnproven({ name: 'bare', version: '1.0.0' })

async function bodyOf(answer: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The user's own settings for that registry, where each manager looks for them. */
function project(
  t: TestContext,
  dependencies: Readonly<Record<string, string>>,
  withCa: 'variable' | 'cafile',
): RunProject {
  const made = runProject(t, world, {
    registry,
    dependencies,
    files: {
      '.yarnrc.yml': [
        `npmRegistryServer: "${registry.slice(0, -1)}"`,
        `npmAuthToken: "${TOKEN}"\nnpmAlwaysAuth: true`,
        'enableTelemetry: false\nenableScripts: true\nnodeLinker: node-modules\nhttpRetry: 0\n',
      ].join('\n'),
    },
  })
  const file = path.join(made.root, 'ca.pem')
  writeFileSync(file, ca)
  const authority = withCa === 'cafile' ? `cafile=${file}\n` : ''
  writeFileSync(
    path.join(made.env.HOME ?? '', '.npmrc'),
    `//${host}/:_authToken=${TOKEN}\n${authority}always-auth=true\n`,
  )
  return { ...made, env: { ...made.env, ...(withCa === 'variable' ? { NODE_EXTRA_CA_CERTS: file } : {}) } }
}

for (const runner of RUNNERS) {
  describe(runner, () => {
    test('installs as without the gate, and the token goes to its registry', async (t) => {
      const gated = project(t, { '@acme/gadget': '1.0.0' }, 'variable')
      asked.length = 0
      const run = await through(runner, ['install'], gated)
      assert.equal(run.status, 0, run.output)
      assert.match(run.stderr, /^2 packages: 2 proven/m)
      assert.deepEqual(marks(gated), ['@acme/gadget@1.0.0', 'gizmo@1.0.0'])
      assert.ok(asked.some(({ path: each }) => each.endsWith('.tgz')))
      // The gate's own password is not for registries.
      assert.doesNotMatch(JSON.stringify(asked), /proxy-auth/i)
      const plain = project(t, { '@acme/gadget': '1.0.0' }, 'variable')
      const ungated = await without(runner, ['install'], plain)
      assert.equal(ungated.status, 0, ungated.output)
      assert.deepEqual(result(runner, gated), result(runner, plain))
      assert.ok(result(runner, gated).lockfile.length > 0, LOCKFILES[runner])
      assertNothingLeft(gated)
    })

    test('is stopped at what is not proven', async (t) => {
      const made = project(t, { bare: '1.0.0' }, 'variable')
      const { status, stderr, output } = await through(runner, ['install'], made)
      assert.equal(status, 1, output)
      assert.match(stderr, /bare@1\.0\.0/)
      assert.deepEqual(marks(made), [])
      assert.ok(!output.includes(TOKEN))
    })
  })
}

describe('with `cafile` of .npmrc', () => {
  for (const runner of ['npm11', 'npm12', 'pnpm10', 'pnpm11', 'pnpm12', 'yarn1', 'bun'] as const satisfies Runner[]) {
    test(runner, async (t) => {
      const made = project(t, { '@acme/gadget': '1.0.0' }, 'cafile')
      const { status, output } = await through(runner, ['install'], made)
      assert.equal(status, 0, output)
      assert.deepEqual(marks(made), ['@acme/gadget@1.0.0', 'gizmo@1.0.0'])
    })
  }
})

test('a registry that the user does not trust is not trusted through the gate either', async (t) => {
  const made = project(t, { '@acme/gadget': '1.0.0' }, 'variable')
  const { NODE_EXTRA_CA_CERTS: _, ...env } = made.env
  asked.length = 0
  const { status, output } = await through('npm12', ['install'], { ...made, env })
  assert.notEqual(status, 0)
  assert.match(output, /certificate|issuer/i)
  assert.deepEqual([asked, marks(made)], [[], []])
})
