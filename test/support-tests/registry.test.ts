import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  createTarball,
  digests,
  type Misbehaviour,
  type Registry,
  type RegistryOptions,
  readTarball,
  startRegistry,
  whyNoUpstream,
} from '../support/registry/index.ts'

const PLAIN = createTarball({ name: 'plain', version: '1.0.0', files: { 'index.js': 'module.exports = 1\n' } })
const SCOPED = createTarball({
  name: '@scope/name',
  version: '2.0.0-rc.1',
  scripts: { postinstall: 'node -e 0', test: 'exit 1' },
  dependencies: { plain: '^1.0.0' },
  readme: 'long',
})
const PROVENANCE = 'https://slsa.dev/provenance/v1'
const ATTESTATIONS = { attestations: [{ predicateType: PROVENANCE, bundle: { any: 'thing' } }] }
const ABBREVIATED = { headers: { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8' } }

/** Loosely typed on purpose: tests state what they expect of the JSON. */
type Json = { [key: string]: Json } & string

async function started(t: TestContext, options?: RegistryOptions): Promise<Registry> {
  const registry = await startRegistry(options)
  t.after(() => registry.close())
  registry.publish(PLAIN)
  registry.publish(SCOPED, { attestations: ATTESTATIONS })
  return registry
}

async function getJson(url: string, init?: RequestInit): Promise<Json> {
  const response = await fetch(url, init)
  assert.equal(response.status, 200)
  return (await response.json()) as Json
}

async function getBytes(url: string): Promise<Buffer> {
  return Buffer.from(await (await fetch(url)).arrayBuffer())
}

function temporaryFolder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'registry-test-'))
  t.after(() => rmSync(dir, { recursive: true }))
  return dir
}

test('tarball', async (t) => {
  await t.test('the same source makes the same bytes', () => {
    const again = createTarball({ name: 'plain', version: '1.0.0', files: { 'index.js': 'module.exports = 1\n' } })
    assert.deepEqual(again.bytes, PLAIN.bytes)
    assert.match(PLAIN.integrity, /^sha512-[A-Za-z0-9+/]{86}==$/)
    assert.match(PLAIN.shasum, /^[0-9a-f]{40}$/)
  })

  await t.test('a change of content, file name or manifest changes the integrity', () => {
    const others = [
      { files: { 'index.js': 'module.exports = 2\n' } },
      { files: { 'other.js': 'module.exports = 1\n' } },
      { files: { 'index.js': 'module.exports = 1\n' }, license: 'MIT' },
    ].map((change) => createTarball({ name: 'plain', version: '1.0.0', ...change }).integrity)
    assert.equal(new Set([PLAIN.integrity, ...others]).size, 4)
  })

  await t.test('pacote reads it', async () => {
    const file = join(temporaryFolder(t), 'package.tgz')
    writeFileSync(file, SCOPED.bytes)
    const read = await readTarball(file)
    assert.equal(read.integrity, SCOPED.integrity)
    assert.equal(read.manifest.name, '@scope/name')
    assert.deepEqual(read.manifest.dependencies, { plain: '^1.0.0' })
  })

  await t.test('a path that ustar cannot hold is refused, not cut', () => {
    const long = `${'a'.repeat(101)}.js`
    assert.throws(() => createTarball({ name: 'p', version: '1.0.0', files: { [long]: '' } }), RangeError)
    const nested = `${'dir/'.repeat(30)}file.js`
    assert.ok(createTarball({ name: 'p', version: '1.0.0', files: { [nested]: '' } }).bytes.length > 0)
  })
})

test('metadata', async (t) => {
  const registry = await started(t)

  await t.test('full', async () => {
    const full = await getJson(`${registry.url}plain`)
    const dist = { integrity: PLAIN.integrity, shasum: PLAIN.shasum, tarball: `${registry.url}plain/-/plain-1.0.0.tgz` }
    assert.deepEqual(full.versions?.['1.0.0']?.dist, dist)
    assert.deepEqual(full['dist-tags'], { latest: '1.0.0' })
    assert.ok(Date.parse(String(full.time?.['1.0.0'])) < Date.parse('2021-01-01'), 'published long ago')
    assert.deepEqual(await getBytes(dist.tarball), PLAIN.bytes)
  })

  await t.test('abbreviated: no scripts, no readme, no times of versions', async () => {
    const short = await getJson(`${registry.url}@scope%2fname`, ABBREVIATED)
    const manifest = short.versions?.['2.0.0-rc.1']
    assert.equal(manifest?.hasInstallScript, true)
    assert.deepEqual(manifest?.dependencies, { plain: '^1.0.0' })
    assert.equal(manifest?.scripts, undefined)
    assert.equal(manifest?.readme, undefined)
    assert.equal(short.time, undefined)
    assert.equal(short.modified, '2020-01-01T00:00:00.000Z')
  })

  await t.test('every way to write a scope', async () => {
    for (const name of ['@scope/name', '@scope%2fname', '@scope%2Fname', '%40scope%2fname']) {
      assert.equal((await getJson(registry.url + name)).name, '@scope/name')
      const attestations = await getJson(`${registry.url}-/npm/v1/attestations/${name}@2.0.0-rc.1`)
      assert.deepEqual(attestations, ATTESTATIONS)
      assert.deepEqual(await getBytes(`${registry.url}${name}/-/name-2.0.0-rc.1.tgz`), SCOPED.bytes)
    }
  })

  await t.test('points to attestations where there are some, only', async () => {
    const attestations = async (name: string, version: string) =>
      (await getJson(registry.url + name)).versions?.[version]?.dist?.attestations
    assert.deepEqual(await attestations('@scope/name', '2.0.0-rc.1'), {
      url: `${registry.url}-/npm/v1/attestations/@scope%2fname@2.0.0-rc.1`,
      provenance: { predicateType: PROVENANCE },
    })
    assert.equal(await attestations('plain', '1.0.0'), undefined)
  })

  await t.test('what is unknown is 404, with JSON', async () => {
    const unknown = [
      'unknown',
      '@scope/unknown',
      'plain/-/plain-9.9.9.tgz',
      'plain/-/other-1.0.0.tgz',
      'plain/9.9.9',
      'unknown/1.0.0',
      '-/npm/v1/attestations/plain@1.0.0',
      '-/npm/v1/attestations/@scope%2fname@9.9.9',
      '-/npm/v1/attestations/plain',
      '%E0%A4%A',
      '',
    ]
    for (const path of unknown) {
      const response = await fetch(registry.url + path)
      assert.equal(response.status, 404, path)
      assert.deepEqual(await response.json(), { error: 'Not found' })
    }
  })

  await t.test('nothing is written to it', async () => {
    assert.equal((await fetch(`${registry.url}plain`, { method: 'PUT', body: '{}' })).status, 405)
    assert.throws(() => registry.publish(PLAIN), /published before/)
    assert.throws(() => registry.setTarball('plain', '9.9.9', PLAIN.bytes), /not been published/)
  })

  await t.test('times, tags, signatures and keys are what the test says', async () => {
    const signatures = [{ keyid: 'SHA256:x', sig: 'MEU=' }]
    const next = createTarball({ name: 'plain', version: '2.0.0' })
    registry.publish(next, { time: '2026-01-02T03:04:05.000Z', tag: 'next', signatures })
    registry.setKeys({ keys: [{ keyid: 'SHA256:x' }] })
    const full = await getJson(`${registry.url}plain`)
    assert.deepEqual(full['dist-tags'], { latest: '1.0.0', next: '2.0.0' })
    assert.equal(full.time?.['2.0.0'], '2026-01-02T03:04:05.000Z')
    assert.equal(full.time?.modified, '2026-01-02T03:04:05.000Z')
    assert.deepEqual(full.versions?.['2.0.0']?.dist?.signatures, signatures)
    assert.deepEqual(await getJson(`${registry.url}-/npm/v1/keys`), { keys: [{ keyid: 'SHA256:x' }] })
  })
})

test('tampering', async (t) => {
  const evil = createTarball({ name: 'plain', version: '1.0.0', files: { 'index.js': 'steal()' } })
  const dist = async (registry: Registry) =>
    (await getJson(`${registry.url}plain`)).versions?.['1.0.0']?.dist ?? assert.fail('no dist')

  await t.test('other bytes under the old claims', async (t) => {
    const registry = await started(t)
    registry.setTarball('plain', '1.0.0', evil.bytes)
    const { integrity, tarball } = await dist(registry)
    assert.equal(integrity, PLAIN.integrity)
    assert.equal(digests(await getBytes(String(tarball))).integrity, evil.integrity)
  })

  await t.test('other claims about the old bytes', async (t) => {
    const registry = await started(t)
    registry.setIntegrity('plain', '1.0.0', evil.integrity)
    const { integrity, tarball } = await dist(registry)
    assert.equal(integrity, evil.integrity)
    assert.deepEqual(await getBytes(String(tarball)), PLAIN.bytes)
  })

  await t.test('no integrity, and a tarball from elsewhere', async (t) => {
    const registry = await started(t)
    registry.setIntegrity('plain', '1.0.0', undefined)
    registry.setDist('plain', '1.0.0', { tarball: 'http://elsewhere.test/x.tgz' })
    assert.deepEqual(await dist(registry), { shasum: PLAIN.shasum, tarball: 'http://elsewhere.test/x.tgz' })
  })

  await t.test('attestations replaced, and taken away', async (t) => {
    const registry = await started(t)
    const url = `${registry.url}-/npm/v1/attestations/@scope%2fname@2.0.0-rc.1`
    for (const document of [null, [], 'text', { attestations: [null, { predicateType: 1 }] }]) {
      registry.setAttestations('@scope/name', '2.0.0-rc.1', document)
      assert.deepEqual(await getJson(url), document)
      assert.equal((await fetch(`${registry.url}@scope/name`)).status, 200)
    }
    registry.setAttestations('@scope/name', '2.0.0-rc.1', undefined)
    assert.equal((await fetch(url)).status, 404)
  })
})

test('mounting and authentication', async (t) => {
  await t.test('serves below the base path only', async (t) => {
    const registry = await started(t, { basePath: '/npm/' })
    const full = await getJson(`${registry.url}plain`)
    assert.match(registry.url, /^http:\/\/127\.0\.0\.1:\d+\/npm\/$/)
    assert.equal(full.versions?.['1.0.0']?.dist?.tarball, `${registry.url}plain/-/plain-1.0.0.tgz`)
    assert.equal((await fetch(new URL('/plain', registry.url))).status, 404)
    assert.equal((await fetch(new URL('/npmplain', registry.url))).status, 404)
    await assert.rejects(startRegistry({ basePath: 'npm' }), /slash/)
    await assert.rejects(startRegistry({ basePath: '/npm' }), /slash/)
  })

  await t.test('a token is demanded on every path', async (t) => {
    const registry = await started(t, { token: 'secret' })
    const paths = ['plain', 'plain/-/plain-1.0.0.tgz', '-/npm/v1/keys', '-/npm/v1/attestations/plain@1.0.0', 'unknown']
    for (const path of paths) {
      for (const authorization of [undefined, 'Bearer wrong', 'secret', 'Basic secret']) {
        const response = await fetch(registry.url + path, authorization ? { headers: { authorization } } : {})
        assert.equal(response.status, 401, path)
      }
    }
    await getJson(`${registry.url}plain`, { headers: { authorization: 'Bearer secret' } })
  })
})

test('the log of requests', async (t) => {
  const registry = await started(t)
  await fetch(`${registry.url}@scope%2fname?a=b`, { headers: { 'x-test': 'yes' } })
  await fetch(`${registry.url}unknown`, { method: 'POST' })
  const log = registry.requests.map(({ method, path, headers }) => [method, path, headers['x-test']])
  assert.deepEqual(log, [
    ['GET', '/@scope%2fname?a=b', 'yes'],
    ['POST', '/unknown', undefined],
  ])
  registry.forgetRequests()
  assert.deepEqual(registry.requests, [])
  assert.equal((await fetch(`${registry.url}plain`)).status, 200)
  registry.reset()
  assert.deepEqual(registry.requests, [])
  assert.equal((await fetch(`${registry.url}plain`)).status, 404)
})

test('misbehaviour', async (t) => {
  const path = '-/npm/v1/attestations/@scope%2fname@2.0.0-rc.1'
  const honest = Buffer.from(JSON.stringify(ATTESTATIONS))

  /** The answer to a request for attestations under one rule. */
  async function underRule(t: TestContext, rule: object, init?: RequestInit): Promise<Response> {
    const registry = await started(t)
    registry.misbehave({ match: '/attestations/@scope/name', ...rule } as Misbehaviour)
    assert.equal((await fetch(`${registry.url}plain`)).status, 200, 'other paths are served as ever')
    return fetch(registry.url + path, init)
  }

  await t.test('status', async (t) => {
    assert.equal((await underRule(t, { how: 'status', status: 503 })).status, 503)
  })

  await t.test('reset', async (t) => {
    await assert.rejects(underRule(t, { how: 'reset' }), ({ cause }: Error) => {
      assert.equal((cause as NodeJS.ErrnoException).code, 'ECONNRESET')
      return true
    })
  })

  await t.test('hang, until the registry is closed', async () => {
    const registry = await startRegistry()
    registry.publish(PLAIN)
    registry.misbehave({ match: /^\/-\//, how: 'hang' })
    const hanging = fetch(registry.url + path)
    const other = fetch(`${registry.url}plain`).then(({ status }) => status)
    assert.equal(await Promise.race([hanging, other]), 200)
    await Promise.all([assert.rejects(hanging, TypeError), registry.close()])
    await assert.rejects(fetch(`${registry.url}plain`), TypeError)
  })

  await t.test('slow-drip', async (t) => {
    const response = await underRule(t, { how: 'slow-drip' })
    assert.equal(response.headers.get('content-length'), String(honest.length))
    const reader = response.body?.getReader() ?? assert.fail('no body')
    const first = await reader.read()
    const second = await reader.read()
    const received = Buffer.concat([first.value ?? [], second.value ?? []].map((chunk) => Buffer.from(chunk)))
    assert.ok(received.length >= 2 && received.length < honest.length)
    assert.deepEqual(received, honest.subarray(0, received.length))
    await reader.cancel()
  })

  await t.test('slow-drip ends with the whole answer', async (t) => {
    const registry = await started(t)
    registry.misbehave({ match: 'keys', how: 'slow-drip' })
    assert.deepEqual(await getJson(`${registry.url}-/npm/v1/keys`), { keys: [] })
  })

  await t.test('endless', async (t) => {
    const response = await underRule(t, { how: 'endless' })
    const reader = response.body?.getReader() ?? assert.fail('no body')
    let received = 0
    while (received < 10_000_000) received += (await reader.read()).value?.length ?? assert.fail('it ended')
    await reader.cancel()
  })

  await t.test('html', async (t) => {
    const response = await underRule(t, { how: 'html' })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'text/html')
    await assert.rejects(response.json(), SyntaxError)
  })

  await t.test('garbage-json', async (t) => {
    const response = await underRule(t, { how: 'garbage-json' })
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'application/json')
    await assert.rejects(response.json(), SyntaxError)
  })

  await t.test('truncate', async (t) => {
    const response = await underRule(t, { how: 'truncate' })
    assert.equal(response.headers.get('content-length'), String(honest.length))
    await assert.rejects(response.text(), TypeError)
  })

  await t.test('wrong-length', async (t) => {
    const response = await underRule(t, { how: 'wrong-length' })
    assert.equal(response.headers.get('content-length'), String(honest.length >> 1))
    assert.equal(await response.text(), honest.toString().slice(0, honest.length >> 1))
  })

  await t.test('redirect', async (t) => {
    const location = 'http://elsewhere.test/'
    const response = await underRule(t, { how: 'redirect', location, status: 307 }, { redirect: 'manual' })
    assert.equal(response.status, 307)
    assert.equal(response.headers.get('location'), location)
  })

  await t.test('rules are used in turn, and end', async (t) => {
    const registry = await started(t)
    registry.misbehave({ match: 'plain', how: 'status', status: 500, times: 1 })
    registry.misbehave({ match: /plain/g, how: 'status', status: 429, times: 2 })
    const statuses = []
    for (let turn = 0; turn < 4; turn++) statuses.push((await fetch(`${registry.url}plain`)).status)
    assert.deepEqual(statuses, [500, 429, 429, 200])
    registry.misbehave({ match: 'plain', how: 'status', status: 500 })
    registry.behave()
    assert.equal((await fetch(`${registry.url}plain`)).status, 200)
  })
})

test('pass-through', async (t) => {
  const dir = join(temporaryFolder(t), 'documents')
  mkdirSync(join(dir, '@scope'), { recursive: true })
  writeFileSync(join(dir, '@scope', 'name@2.0.0-rc.1.json'), JSON.stringify(ATTESTATIONS))

  /** A registry in front of another one, which is configured as npm's. */
  async function front(t: TestContext, env: NodeJS.ProcessEnv): Promise<Registry> {
    const registry = await startRegistry({ passThrough: { attestations: dir, env: { HOME: dir, ...env } } })
    t.after(() => registry.close())
    return registry
  }

  await t.test('serves metadata, tarballs and the attestations of the folder', async (t) => {
    const upstream = await started(t, { token: 'secret', basePath: '/mirror/' })
    const npmrc = join(temporaryFolder(t), 'npmrc')
    writeFileSync(npmrc, `registry=${upstream.url}\n${upstream.url.slice('http:'.length)}:_authToken=\${TOKEN}\n`)
    const registry = await front(t, { NPM_CONFIG_USERCONFIG: npmrc, TOKEN: 'secret' })
    const manifest = (await getJson(`${registry.url}@scope%2fname`, ABBREVIATED)).versions?.['2.0.0-rc.1']
    const tarball = `${registry.url}@scope/name/-/name-2.0.0-rc.1.tgz`
    assert.equal(manifest?.dist?.tarball, tarball)
    assert.equal(manifest?.dist?.integrity, SCOPED.integrity)
    assert.deepEqual(await getBytes(tarball), SCOPED.bytes)
    const link = String(manifest?.dist?.attestations?.url)
    assert.ok(link.startsWith(registry.url))
    assert.deepEqual(await getJson(link), ATTESTATIONS)
  })

  await t.test('does not promise attestations that the folder has not', async (t) => {
    const upstream = await started(t)
    upstream.setAttestations('plain', '1.0.0', ATTESTATIONS)
    const registry = await front(t, { npm_config_registry: upstream.url })
    const dist = (await getJson(`${registry.url}plain`)).versions?.['1.0.0']?.dist
    assert.deepEqual(Object.keys(dist ?? {}).sort(), ['integrity', 'shasum', 'tarball'])
    assert.equal((await fetch(`${registry.url}-/npm/v1/attestations/plain@1.0.0`)).status, 404)
  })

  await t.test('never serves a file outside the folder', async (t) => {
    const registry = await front(t, { npm_config_registry: 'http://127.0.0.1:9/' })
    writeFileSync(join(dir, '..', 'outside@1.0.0.json'), '{}')
    for (const name of ['..%2foutside', '@scope%2f..%2f..%2foutside', '..%5coutside']) {
      const { status } = await fetch(`${registry.url}-/npm/v1/attestations/${name}@1.0.0`)
      assert.equal(status, 404)
    }
  })

  await t.test('what is published here comes first; what nobody has is 404', async (t) => {
    const upstream = await started(t)
    const registry = await front(t, { npm_config_registry: upstream.url })
    registry.publish(createTarball({ name: 'plain', version: '7.0.0' }))
    assert.deepEqual(Object.keys((await getJson(`${registry.url}plain`)).versions ?? {}), ['7.0.0'])
    for (const path of ['unknown', 'unknown/-/unknown-1.0.0.tgz', '@scope/name/-/name-9.9.9.tgz']) {
      assert.equal((await fetch(registry.url + path)).status, 404, path)
    }
  })

  await t.test('an upstream that refuses, cannot be reached or lies is 502, never 404', async (t) => {
    const upstream = await started(t, { token: 'secret' })
    const refused = await front(t, { npm_config_registry: upstream.url })
    assert.equal((await fetch(`${refused.url}plain`)).status, 502)
    const closed = await startRegistry()
    await closed.close()
    const unreachable = await front(t, { npm_config_registry: closed.url })
    assert.equal((await fetch(`${unreachable.url}plain`)).status, 502)
    const lying = await started(t)
    lying.setTarball('plain', '1.0.0', SCOPED.bytes)
    const lied = await front(t, { npm_config_registry: lying.url })
    assert.equal((await fetch(`${lied.url}plain/-/plain-1.0.0.tgz`)).status, 502)
  })

  await t.test('tells why a test has to be skipped', async (t) => {
    const upstream = await started(t)
    const env = { HOME: dir, npm_config_registry: upstream.url }
    assert.equal(await whyNoUpstream('plain', env), false)
    assert.match(String(await whyNoUpstream('unknown', env)), /has no unknown/)
    await upstream.close()
    assert.match(String(await whyNoUpstream('plain', env)), /did not answer/)
  })
})

test('pass-through to the configured registry', { skip: await whyNoUpstream('sigstore') }, async (t) => {
  const dir = temporaryFolder(t)
  writeFileSync(join(dir, 'sigstore@2.1.0.json'), JSON.stringify(ATTESTATIONS))
  const registry = await startRegistry({ passThrough: { attestations: dir } })
  t.after(() => registry.close())
  const { dist } = (await getJson(`${registry.url}sigstore`)).versions?.['2.1.0'] ?? assert.fail('no such version')
  assert.deepEqual(await getJson(String(dist?.attestations?.url)), ATTESTATIONS)
  assert.equal(digests(await getBytes(String(dist?.tarball))).integrity, dist?.integrity)
})
