/**
 * Whatever path of a repository a command asks about: a pipe, a device, a folder or a gigabyte in its place ends it with a
 * sentence, or is nothing to it; at once, and without much memory. The paths are not listed here, but seen.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { projectsFor } from '../support/devices/projects.ts'
import { bareEnvironment } from '../support/environment.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { SPECIAL_FILES } from '../support/special-files.ts'
import { SIGNED_AT } from '../support/world.ts'

const WALK = fileURLToPath(new URL('../support/devices/walk.ts', import.meta.url))
const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'devices-')))
const registry = createServer((_, response) => response.writeHead(404).end('{}'))
await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`
after(() => {
  registry.close()
  registry.closeAllConnections()
  rmSync(root, { recursive: true, force: true })
})
const sigstore = await createSigstore({ now: SIGNED_AT })
writeFileSync(path.join(root, 'root.json'), JSON.stringify(sigstore.trustedRoot))
writeFileSync(path.join(root, 'keys.json'), JSON.stringify(sigstore.npmKeys))

/** Far more than one run takes. */
const SILENCE_MS = 60_000
const MOST_KILOBYTES = 700 * 1024
const isLinux = process.platform === 'linux' ? false : 'needs the devices of Linux'

interface Ran {
  readonly end: string
  readonly status: number
  readonly output: string
  readonly places?: readonly string[]
}

/** Every run, in its order. */
async function walk(manager: string, kinds: readonly string[], commands: readonly string[]) {
  const home = mkdtempSync(path.join(root, 'home-'))
  const env = bareEnvironment((name) => {
    mkdirSync(path.join(home, name), { recursive: true })
    return path.join(home, name)
  })
  const child = spawn(process.execPath, [WALK, manager, url, root, kinds.join(','), ...commands], {
    env: { ...env, npm_config_registry: url, BUN_CONFIG_REGISTRY: url, YARN_NPM_REGISTRY_SERVER: url },
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const ran: Ran[] = []
  let [begun, peak, errors, silent] = ['', 0, '', setTimeout(() => {}, 0)]
  let isStuck = false
  const wait = () => {
    clearTimeout(silent)
    silent = setTimeout(() => {
      isStuck = true
      child.kill('SIGKILL')
    }, SILENCE_MS)
  }
  wait()
  const [, , stderr, notes] = child.stdio as unknown as readonly [null, null, Readable, Readable]
  stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text
  })
  const lines = createInterface({ input: notes })
  lines.on('line', (line) => {
    wait()
    const said = JSON.parse(line) as Ran & { readonly begin?: string; readonly peak?: number }
    if (said.begin !== undefined) begun = said.begin
    if (said.end !== undefined) ran.push(said)
    if (said.peak !== undefined) peak = said.peak
  })
  const status = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(silent)
  assert.ok(!isStuck, `does not end: ${begun}`)
  assert.equal(status, 0, `${begun}: ${errors}`)
  return { ran, peak }
}

function assertSentences(ran: readonly Ran[]): void {
  for (const { end, status, output } of ran) {
    if (end === 'as it is') continue
    assert.ok(status === 0 || status === 1 || status === 2, `${end}: ${status}`)
    assert.doesNotMatch(output, /^ {4}at |node:internal|TypeError|please report|is not whole/m, end)
    if (status !== 0) assert.ok(output.trim().length > 0, `${end}: without a word`)
  }
}

const READING = [
  'verify',
  'verify --offline',
  'explain widget',
  'accept',
  'policy check',
  'check',
  'export --out ../out',
  'run -- PROGRAM install',
]
const WAITING = ['a pipe', 'a terminal']

for (const manager of Object.keys(projectsFor(url))) {
  describe(`a project of ${manager}`, { skip: isLinux }, () => {
    test('ends every command where whatever it asks about would keep a reader waiting', async () => {
      const { ran, peak } = await walk(manager, WAITING, READING)
      assertSentences(ran)
      assert.ok(ran.length > 100, `${ran.length} runs`)
      assert.ok(peak < MOST_KILOBYTES, `${peak} KB`)
    })

    test('ends verify whatever is in the place of whatever it asks about', async () => {
      const { ran, peak } = await walk(manager, Object.keys(SPECIAL_FILES), ['verify'])
      assertSentences(ran)
      assert.ok(peak < MOST_KILOBYTES, `${peak} KB`)
    })
  })
}
