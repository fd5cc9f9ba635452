/** A lockfile that sends a manager to a tarball without a manifest: nothing in it says what it is, and npm would build it. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { after, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { tar } from '../../support/registry/tar.ts'
import { startWorld } from '../../support/world.ts'
import { runProject, through } from './support.ts'

const world = await startWorld()
const bytes = gzipSync(
  tar(
    new Map([
      ['package/binding.gyp', Buffer.from('{"targets": []}')],
      ['package/index.js', Buffer.from('evil()')],
    ]),
  ),
)
let asked = 0
const elsewhere = http.createServer((_, response) => {
  asked += 1
  response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes)
})
await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
after(async () => {
  elsewhere.closeAllConnections()
  elsewhere.close()
  await world.close()
})

const place = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/strange`
const root = { name: 'project', version: '0.0.0', dependencies: { evil: '1.0.0' } }
const files = {
  'package-lock.json': JSON.stringify({
    ...{ name: 'project', version: '0.0.0', lockfileVersion: 3, requires: true },
    packages: { '': root, 'node_modules/evil': { version: '1.0.0', resolved: place, hasInstallScript: true } },
  }),
  'yarn.lock': `# yarn lockfile v1\n\n\nevil@1.0.0:\n  version "1.0.0"\n  resolved "${place}"\n`,
}

for (const runner of ['npm11', 'npm12', 'yarn1'] as const) {
  test(`${runner}: it is judged as what the lockfile says, and refused`, async (t) => {
    asked = 0
    const project = runProject(t, world, { dependencies: { evil: '1.0.0' }, files })
    // npm 12 would not fetch it by itself.
    const { status, output } = await through(runner, ['install'], project, { env: { npm_config_allow_remote: 'all' } })
    assert.equal(status, 1, output)
    assert.ok(asked > 0, output)
    assert.match(output, /evil@1\.0\.0[\s\S]*EVIDENCE_MISSING/)
    assert.ok(!existsSync(path.join(project.dir, 'node_modules/evil')))
  })
}
