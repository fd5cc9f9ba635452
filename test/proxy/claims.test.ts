/** What bytes are taken for: by the lockfile, by metadata, by whoever asks for them. Attackers write all three. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, beforeEach, describe, it, type TestContext } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import type { Gate } from '../../src/proxy/judge.ts'
import type { RunningProxy } from '../../src/proxy/proxy.ts'
import { serve } from '../evidence/support.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { tar } from '../support/registry/tar.ts'
import { ask, errorOf, type Stage, startStage, statuses } from './support.ts'

const JSON_ACCEPTED = { headers: { accept: 'application/json' } }

function entry(name: string, version: string, more: Partial<LockedPackage> = {}): LockedPackage {
  const key = `${name}@${version}`
  return { name, version, integrity: undefined, source: 'registry', origin: undefined, importers: ['.'], key, ...more }
}

/** An archive without the word that newer ones have in their headers; of one entry, the sum of which is right. */
function old(archive: Buffer): Buffer {
  const header = Buffer.from(archive.subarray(0, 512)).fill(0, 257, 265).fill(' ', 148, 156)
  const sum = header.reduce((all, byte) => all + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return Buffer.concat([header, archive.subarray(512)])
}

describe('what bytes are taken for', () => {
  let stage: Stage
  let url: string
  before(async () => {
    stage = await startStage()
    url = stage.world.registry.url
  })
  after(() => stage.close())
  beforeEach(() => stage.world.registry.reset())

  /** Metadata that an attacker's registry answers, as bytes of their choice, and a tarball at another place. */
  async function attacker(
    t: TestContext,
    metadata: string | ((base: string) => string),
    pkg: PackedPackage,
  ): Promise<string> {
    const server = await serve(t, (request, response) => {
      if (request.url?.startsWith('/odd')) return response.end(pkg.bytes)
      return response.end(typeof metadata === 'string' ? metadata : metadata(`http://${request.headers.host}/`))
    })
    return server.url
  }

  const free = () => createTarball({ name: 'free', version: '1.0.0' })
  const document = (place: string, more: object = {}) =>
    JSON.stringify({
      name: 'strict',
      versions: { '1.0.0': { name: 'strict', version: '1.0.0', dist: { tarball: place } } },
      ...more,
    })

  async function refused(proxy: RunningProxy, place: string, code: string): Promise<string> {
    const answer = await ask(proxy, place)
    assert.equal(answer.status, 403, answer.body.toString().slice(0, 200))
    assert.match(errorOf(answer), new RegExp(`: ${code} \\(`))
    return errorOf(answer)
  }

  describe('by the lockfile', () => {
    it('other bytes than the locked ones are refused, whoever has signed them', async () => {
      const pkg = await stage.world.publish({ name: 'strict', version: '1.0.0' })
      const place = `${url}strict/-/strict-1.0.0.tgz`
      const other = free().integrity
      for (const locked of [
        [entry('strict', '1.0.0', { integrity: other })],
        [entry('strict', '1.0.0', { integrity: other }), entry('strict', '2.0.0', { integrity: pkg.integrity })],
      ])
        await refused(await stage.open({ locked }), place, 'DIGEST_MISMATCH')
      const both = [
        entry('strict', '1.0.0', { integrity: other }),
        entry('strict', '1.0.0', { integrity: pkg.integrity }),
      ]
      for (const locked of [
        both,
        both.slice(1),
        [entry('strict', '1.0.0')],
        [entry('strict', '1.0.0', { integrity: 'sha1-AAAA' })],
      ])
        assert.equal((await ask(await stage.open({ locked }), place)).status, 200)
    })

    it('where nothing has to be proven, the lockfile has to be right all the same', async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const integrity = createTarball({ name: 'x', version: '1.0.0' }).integrity
      const proxy = await stage.open({ locked: [entry('free', '1.0.0', { integrity })] })
      await refused(proxy, `${url}free/-/free-1.0.0.tgz`, 'DIGEST_MISMATCH')
    })

    it('bytes that an entry names are judged as it, wherever they come from and whatever their manifest says', async (t) => {
      const pkg = free()
      const base = await attacker(t, '{}', pkg)
      const locked = [entry('strict', '1.0.0', { integrity: pkg.integrity, tarball: 'https://registry.test/hidden' })]
      await refused(await stage.open({ locked }), `${base}odd`, 'EVIDENCE_MISSING')
      const without = [entry('strict', '1.0.0', { tarball: `${base}odd` })]
      await refused(await stage.open({ locked: without }), `${base}odd`, 'EVIDENCE_MISSING')
      const both = [entry('free', '1.0.0', { integrity: pkg.integrity }), ...locked]
      await refused(await stage.open({ locked: both }), `${base}odd`, 'EVIDENCE_MISSING')
      assert.equal((await ask(await stage.open({ locked: both.slice(0, 1) }), `${base}odd`)).status, 200)
    })

    it('bytes at the place of an entry are the entry, in whatever form they are', async (t) => {
      const plain = tar(new Map([['package/index.js', Buffer.from('x')]]))
      for (const bytes of [plain, old(plain), zstdCompressSync(plain), deflateSync(plain), brotliCompressSync(plain)]) {
        const { url: base } = await serve(t, (_, response) => response.end(bytes))
        const locked = [entry('strict', '1.0.0', { origin: `${base}free/-/free-1.0.0.tgz` })]
        for (const place of [`${base}free/-/free-1.0.0.tgz`, `${base}odd`]) {
          const at = [entry('strict', '1.0.0', { origin: place })]
          await refused(await stage.open({ locked: at }), place, 'EVIDENCE_MISSING')
        }
        assert.equal((await ask(await stage.open({ locked: [] }), locked[0]?.origin ?? '')).status, 200)
      }
    })

    it('each digest of an entry counts, however it is written', async () => {
      const { integrity } = free()
      stage.world.registry.publish(free())
      for (const written of [`sha512-AAAAAAAAAAAA ${integrity}`, `${integrity}?x`, integrity.replace(/=+$/, '')]) {
        const proxy = await stage.open({ locked: [entry('strict', '1.0.0', { integrity: written })] })
        assert.equal((await ask(proxy, `${url}free/-/free-1.0.0.tgz`)).status, 403, written)
      }
    })

    it('aliases of an entry are names of it', async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const integrity = free().integrity
      const place = `${url}free/-/free-1.0.0.tgz`
      const { bytes } = free()
      stage.world.registry.setTarball('free', '1.0.0', bytes)
      const proxy = await stage.open({ locked: [entry('free', '1.0.0', { integrity, aliases: ['strict'] })] })
      assert.match(await refused(proxy, place, 'EVIDENCE_MISSING'), /installed as "strict"/)
      const other = await stage.open({ locked: [entry('free', '1.0.0', { integrity, aliases: ['free-too'] })] })
      assert.equal((await ask(other, place)).status, 200)
    })
  })

  describe('by metadata', () => {
    it('a tarball at an odd place is judged as the version that was announced there', async (t) => {
      const pkg = free()
      for (const metadata of [
        (base: string) => document(`${base}odd`),
        // Under its key, under its own number, and under what was asked for, not only as what it calls itself.
        (base: string) => document(`${base}odd`, { name: 'free' }),
        (base: string) => `\uFEFF  ${document(`${base}odd`)}`,
        (base: string) => document(`${base}odd?a=b#c`).replace('odd?', '%6fdd?'),
        (base: string) => `{"versions":{},${document(`${base}odd`).slice(1)}`,
        () => document('https://registry.npmjs.org/odd'),
        (base: string) => JSON.stringify({ name: 'free', version: '1.0.0', dist: { tarball: `${base}odd` } }),
      ]) {
        const base = await attacker(t, metadata, pkg)
        const proxy = await stage.open()
        const isManifest = !metadata(base).includes('versions')
        const answer = await ask(proxy, `${base}npm/strict${isManifest ? '/latest' : ''}`, JSON_ACCEPTED)
        assert.equal(answer.status, 200)
        // Written anew: what the client reads is what was read.
        assert.equal(answer.body.toString(), JSON.stringify(JSON.parse(metadata(base).replace(/^\uFEFF/, ''))))
        const place = metadata(base).includes('?a=b') ? `${base}odd?a=b` : `${base}odd`
        assert.match(await refused(proxy, place, 'EVIDENCE_MISSING'), /strict@1\.0\.0/)
      }
    })

    it('a place that was announced for several is judged as each of them', async (t) => {
      const pkg = free()
      const base = await attacker(t, (own) => document(`${own}odd`, { name: undefined }), pkg)
      const proxy = await stage.open()
      for (const name of ['free', 'strict']) await ask(proxy, base + name, JSON_ACCEPTED)
      await refused(proxy, `${base}odd`, 'EVIDENCE_MISSING')
      assert.deepEqual(statuses(proxy.verdicts()), ['free@1.0.0 permitted', 'strict@1.0.0 refused EVIDENCE_MISSING'])
    })

    it('bytes that were let in are judged again by what is said of them later', async (t) => {
      const pkg = free()
      const place = `${url}free/-/free-1.0.0.tgz`
      stage.world.registry.publish(pkg)
      const dist = (more: object) => JSON.stringify({ versions: { '1.0.0': { dist: more } } })
      const hex = (digest: string) => Buffer.from(digest, 'base64').toString('hex')
      const sri = (algorithm: string) => createHash(algorithm).update(pkg.bytes).digest('base64')
      for (const [what, said, status] of [
        ['sha512', { integrity: pkg.integrity }, 403],
        ['one of several', { integrity: `sha512-AAAAAAAAAAAA ${pkg.integrity}?x` }, 403],
        [
          'spelt otherwise',
          { integrity: pkg.integrity.replace(/=+$/, '').replaceAll('/', '_').replaceAll('+', '-') },
          403,
        ],
        ['sha1', { shasum: hex(sri('sha1')) }, 403],
        ['sha256', { integrity: `sha256-${sri('sha256')}` }, 403],
        ['sha384', { integrity: `sha384-${sri('sha384')}` }, 403],
        ['place', { tarball: place }, 403],
        ['place elsewhere', { tarball: 'https://other.test/free/-/free-1.0.0.tgz' }, 403],
        ['other bytes', { integrity: createTarball({ name: 'x', version: '1.0.0' }).integrity }, 200],
        ['other place', { tarball: 'https://other.test/y/-/free-1.0.0.tgz' }, 200],
      ] as const) {
        const base = await attacker(t, dist(said), pkg)
        const proxy = await stage.open()
        assert.equal((await ask(proxy, place)).status, 200)
        assert.equal((await ask(proxy, `${base}free`, JSON_ACCEPTED)).status, 200)
        assert.equal((await ask(proxy, `${base}strict`, JSON_ACCEPTED)).status, status, what)
        assert.equal(
          proxy.verdicts().some((verdict) => verdict.status === 'refused'),
          status === 403,
          what,
        )
        // And the other way around.
        const other = await stage.open()
        await ask(other, `${base}strict`, JSON_ACCEPTED)
        assert.equal((await ask(other, place)).status, status, what)
      }
    })

    it('what clients could read otherwise is not handed on', async (t) => {
      for (const [metadata, problem] of [
        [`{"__proto__":{},${document('https://x.test/odd').slice(1)}`, /`__proto__`/],
        [`{"\\u005f_proto__":{},${document('https://x.test/odd').slice(1)}`, /`__proto__`/],
        [document('https://x.test/odd').replace('"dist"', '"__proto__":{"dist":{}},"dist"'), /`__proto__`/],
        [`${document('https://x.test/odd').slice(0, -1)},}`, /not JSON/],
        [`${document('https://x.test/odd')}//`, /not JSON/],
        [document('/odd'), /no http or https URL/],
        [document('odd'), /no http or https URL/],
        [document('file:///etc/passwd'), /no http or https URL/],
      ] as const) {
        const base = await attacker(t, metadata, free())
        const answer = await ask(await stage.open(), `${base}strict`, JSON_ACCEPTED)
        assert.equal(answer.status, 502, metadata)
        assert.match(errorOf(answer), problem)
      }
    })

    it('a text that only speaks of such a key is handed on', async (t) => {
      const metadata = document('https://x.test/odd', { readme: 'never write {"__proto__": {}} or "__proto__":' })
      const base = await attacker(t, metadata, free())
      assert.equal((await ask(await stage.open(), `${base}strict`, JSON_ACCEPTED)).status, 200)
    })

    it('a package at a place of which nobody has spoken is nobody, whatever it calls itself', async (t) => {
      const base = await attacker(t, '{}', free())
      assert.match(
        await refused(await stage.open(), `${base}odd`, 'EVIDENCE_MISSING'),
        /of which neither lockfile nor registry has spoken/,
      )
      for (const place of [`${base}odd/free/-/free-1.0.0.tgz`, `${base}odd/@free/x/-/x-1.0.0.tgz`])
        assert.equal((await ask(await stage.open(), place)).status, 200, place)
      await refused(await stage.open(), `${base}odd/strict/-/strict-1.0.0.tgz`, 'EVIDENCE_MISSING')
      await refused(await stage.open(), `${base}odd/@acme%2fx/-/x-1.0.0.tgz`, 'EVIDENCE_MISSING')
    })

    it('an archive that is no package goes through as it is', async (t) => {
      const readme = Buffer.from('x')
      for (const [files, status] of [
        [{ 'node-v24/include/node.h': readme, 'node-v24/deps/package.json': readme }, 200],
        [{ 'package.json': readme }, 200],
        [{ 'package/readme': readme, 'package/package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ 'anything/package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ './anything/package.json': Buffer.from('no JSON') }, 403],
        [{ './package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ 'x/./package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ 'x/y/../package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ 'x\\package.json': Buffer.from('{"name":"free"}') }, 403],
        [{ 'x/PACKAGE.JSON': Buffer.from('{"name":"free"}') }, 403],
      ] as const) {
        const plain = tar(new Map(Object.entries(files)))
        for (const bytes of [plain, old(plain), gzipSync(plain), zstdCompressSync(plain), deflateSync(plain)]) {
          const { url: base } = await serve(t, (_, response) => response.end(bytes))
          const answer = await ask(await stage.open(), `${base}headers.tar.gz`)
          assert.equal(answer.status, status, Object.keys(files).join())
          if (status === 200) assert.ok(answer.body.equals(bytes))
        }
      }
    })

    it('an archive with manifests without end is of nobody, and costs one verdict', async (t) => {
      const files = Array.from({ length: 5_000 }, (_, index) => [
        `x${index}/package.json`,
        Buffer.from(`{"name":"free-${index}"}`),
      ])
      const bytes = gzipSync(tar(new Map(files as [string, Buffer][])))
      const { url: base } = await serve(t, (_, response) => response.end(bytes))
      const proxy = await stage.open()
      await refused(proxy, `${base}x`, 'EVIDENCE_MISSING')
      assert.equal(proxy.verdicts().length, 1)
    })

    it('an archive that cannot be unpacked is of nobody', async (t) => {
      const whole = free().bytes
      for (const bytes of [whole.subarray(0, 100), Buffer.concat([whole.subarray(0, 60), Buffer.alloc(300, 7)])]) {
        const { url: base } = await serve(t, (_, response) => response.end(bytes))
        await refused(await stage.open(), `${base}x`, 'EVIDENCE_MISSING')
      }
    })
  })

  describe('by whoever asks', () => {
    it('a URL that somebody depends on is judged under the name that they give it', async (t) => {
      const pkg = free()
      const base = await attacker(t, '{}', pkg)
      for (const [name, status] of [
        ['strict', 403],
        ['free', 200],
      ] as const) {
        const asked = [{ name, spec: `${base}odd.tgz`, importer: '.' }]
        assert.equal((await ask(await stage.open({ asked }), `${base}odd.tgz`)).status, status, name)
      }
      // What it calls itself counts as well: others may find it by that name.
      const strict = await attacker(t, '{}', createTarball({ name: 'strict', version: '1.0.0' }))
      const asked = [{ name: 'free', spec: `${strict}odd.tgz`, importer: '.' }]
      await refused(await stage.open({ asked }), `${strict}odd.tgz`, 'EVIDENCE_MISSING')
    })

    it("a URL of the registry's is judged as what it is there, and as the name that asks", async () => {
      await stage.world.publish({ name: 'strict', version: '1.0.0' })
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const place = `${url}free/-/free-1.0.0.tgz`
      const proxy = await stage.open({ asked: [{ name: 'strict', spec: place, importer: '.' }] })
      await refused(proxy, place, 'EVIDENCE_MISSING')
    })

    it('a URL that was let in is judged under a name that somebody gives it later', async (t) => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const place = `${url}free/-/free-1.0.0.tgz`
      for (const [name, status] of [
        ['strict', 403],
        ['free-too', 200],
      ] as const) {
        const host = createTarball({ name: 'free-host', version: '1.0.0', dependencies: { [name]: place } })
        const base = await attacker(t, '{}', host)
        const proxy = await stage.open({ asked: [{ name: 'free-host', spec: `${base}odd`, importer: '.' }] })
        assert.equal((await ask(proxy, place)).status, 200)
        assert.equal((await ask(proxy, `${base}odd`)).status, status)
        assert.equal((await ask(proxy, place)).status, status)
      }
    })

    it('an alias of a project is a name of its target', async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      const place = `${url}free/-/free-1.0.0.tgz`
      const strict = { name: 'strict', spec: 'npm:free@^1.0.0', importer: '.' }
      assert.match(
        await refused(await stage.open({ asked: [strict] }), place, 'EVIDENCE_MISSING'),
        /installed as "strict"/,
      )
      for (const spec of ['^1.0.0', 'npm:free-too@1', 'npm:strict@1'])
        assert.equal((await ask(await stage.open({ asked: [{ ...strict, spec }] }), place)).status, 200, spec)
    })

    it('an alias of a package counts as soon as the package is asked for, also for what was let in before', async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      stage.world.publishUnproven({ name: 'free-host', version: '1.0.0', dependencies: { strict: 'npm:free@1.0.0' } })
      const [target, host] = ['free', 'free-host'].map((name) => `${url}${name}/-/${name}-1.0.0.tgz`) as [
        string,
        string,
      ]
      const proxy = await stage.open()
      for (const name of ['free', 'free-host']) await ask(proxy, url + name, JSON_ACCEPTED)
      // Nobody has asked for the other one yet, of which there may be versions that nobody installs.
      assert.equal((await ask(proxy, target)).status, 200)
      assert.match(await refused(proxy, host, 'EVIDENCE_MISSING'), /free@1\.0\.0.*installed as "strict"/)
      await refused(proxy, target, 'EVIDENCE_MISSING')
      assert.ok(statuses(proxy.verdicts()).includes('free@1.0.0 refused EVIDENCE_MISSING'))
    })

    it('an alias counts also for what is judged at the same time', async () => {
      stage.world.publishUnproven({ name: 'free', version: '1.0.0' })
      stage.world.publishUnproven({ name: 'free-host', version: '1.0.0', dependencies: { strict: 'npm:free@1.0.0' } })
      const [begun, host] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      const names: string[] = []
      const gate: Gate = async (pkg) => {
        names.push([pkg.name, ...(pkg.aliases ?? [])].join(' as '))
        if (names.length === 1) {
          begun.resolve()
          await host.promise
        }
        const isRefused = pkg.aliases?.includes('strict') === true
        const { refusal } = refuse('EVIDENCE_MISSING', 'x', 'y')
        const common = { package: pkg, rule: undefined, claims: undefined }
        return isRefused
          ? { ...common, status: 'refused', refusal }
          : { ...common, status: 'permitted', refusal: undefined }
      }
      const proxy = await stage.open({ gate })
      for (const name of ['free', 'free-host']) await ask(proxy, url + name, JSON_ACCEPTED)
      const target = ask(proxy, `${url}free/-/free-1.0.0.tgz`)
      await begun.promise
      assert.equal((await ask(proxy, `${url}free-host/-/free-host-1.0.0.tgz`)).status, 200)
      host.resolve()
      assert.equal((await target).status, 403)
      assert.deepEqual(names, ['free', 'free-host', 'free as strict'])
    })

    it('a package that brings a git repository or a folder is let in where that is allowed, too', async () => {
      for (const [name, dependency, spec, status] of [
        ['free-a', 'strict', 'git+https://github.com/evil/strict.git', 403],
        ['free-b', 'strict', 'evil/strict', 403],
        ['free-c', 'strict', 'github:evil/strict#main', 403],
        ['free-d', 'free-lib', 'git+ssh://git@github.com/evil/strict.git', 200],
        ['free-e', 'strict', '^1.0.0', 200],
        ['free-f', 'strict', '.', 403],
        ['free-g', 'strict', 'file:./strict', 403],
        ['free-h', 'free-lib', 'file:./strict', 200],
        ['free-i', 'strict', 'evil/strict#semver:^1', 403],
        ['free-j', 'strict', 'https://github.com/evil/strict', 403],
      ] as const) {
        stage.world.publishUnproven({ name, version: '1.0.0', dependencies: { [dependency]: spec } })
        const proxy = await stage.open()
        await ask(proxy, url + name, JSON_ACCEPTED)
        assert.equal((await ask(proxy, `${url}${name}/-/${name}-1.0.0.tgz`)).status, status, spec)
      }
    })
  })
})
