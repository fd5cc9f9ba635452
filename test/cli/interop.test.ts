/** docs/interop.md: its commands of the gate are run here as they stand, and the files that it names are there. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { startWorld } from '../support/world.ts'
import { serveFolder } from './static-server.ts'
import { cliProject, lockfileOf, runCli } from './support.ts'

const TEXT = readFileSync(path.join(import.meta.dirname, '../../docs/interop.md'), 'utf8')
const COMMANDS = [...TEXT.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, text = '']) => text.replaceAll('\\\n', ' ').trim())
const OURS = COMMANDS.filter((text) => text.startsWith('provenance-gate ')).map((text) => text.split(/ +/).slice(1))

const world = await startWorld()
after(() => world.close())

describe('docs/interop.md', () => {
  test('has commands of the gate, and of each tool', () => {
    assert.equal(OURS.length, 2)
    for (const tool of ['cosign', 'gh attestation', 'slsa-verifier', '@sigstore/cli'])
      assert.ok(
        COMMANDS.some((text) => text.includes(tool)),
        tool,
      )
  })

  test('its commands of the gate work, and every file of them and of the other tools is there', async (t) => {
    const pkg = await world.publish({ name: 'sigstore', version: '2.3.1' })
    const scoped = await world.publish({ name: '@scope/name', version: '1.0.0' })
    const project = cliProject(world, { files: { 'pnpm-lock.yaml': lockfileOf([pkg, scoped]) } })
    t.after(() => project.dispose())
    for (const args of OURS) {
      const { status, stderr } = await runCli(args, { cwd: project.dir, env: project.env })
      assert.equal(status, 0, stderr)
    }
    const named = COMMANDS.flatMap((text) => [...text.matchAll(/mirror\/\S+/g)].map(([file]) => file))
    assert.ok(named.length >= 4)
    for (const file of named) assert.ok(existsSync(path.join(project.dir, file)), file)

    // The registry is gone, and what the docs call a mirror is all there is.
    const mirror = await serveFolder(t, path.join(project.dir, 'mirror'))
    world.registry.reset()
    const [, policy = ''] = /^```yaml\n(.*?)^```$/ms.exec(TEXT) ?? assert.fail()
    writeFileSync(
      path.join(project.dir, '.sigstorerc'),
      `trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }\n${policy.replace('http://127.0.0.1:8080/', mirror.url)}`,
    )
    const { status, stderr } = await runCli(['verify'], { cwd: project.dir, env: project.env })
    assert.equal(status, 0, stderr)
    assert.equal(mirror.requests.length, 2)
    assert.deepEqual(world.registry.requests, [])
  })

  test('its links lead somewhere', () => {
    for (const [, to = ''] of TEXT.matchAll(/\]\((?!https?:)([^)#]+)/g))
      assert.ok(existsSync(path.join(import.meta.dirname, '../../docs', to)), to)
  })
})
