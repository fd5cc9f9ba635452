import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { type TrustMaterial, VerificationError } from '@sigstore/verify'
import { GateError } from '../../src/errors.ts'
import type { TrustContext, TrustFiles } from '../../src/trust/inputs.ts'
import { GITHUB, SEED_EXPIRES } from '../../src/trust/instances.ts'
import { loadDomains } from '../../src/trust/load.ts'
import { createSigstore, type TrustedRootJSON } from '../support/sigstore/index.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
// Nothing that the developer has kept.
process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), 'cache-'))
const sigstore = await createSigstore({ now: NOW })

const corpus = process.env.PROVENANCE_GATE_CORPUS || undefined
const noCorpus =
  corpus === undefined || !existsSync(corpus)
    ? 'PROVENANCE_GATE_CORPUS does not name a folder of trust material'
    : false

/** A file with this content, removed at the end of the test. */
function file(t: TestContext, content: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'trust-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, 'trust.json')
  writeFileSync(path, typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content))
  return path
}

/** The material of the default domain. */
async function loadTrust(files: TrustFiles, context: TrustContext): Promise<TrustMaterial> {
  const [{ material }] = await loadDomains(files, context)
  return material
}

/** The local trusted root, changed. */
function root(change: (copy: TrustedRootJSON) => unknown): TrustedRootJSON {
  // Not structuredClone: the parts share their period of validity.
  const copy: TrustedRootJSON = JSON.parse(JSON.stringify(sigstore.trustedRoot))
  change(copy)
  return copy
}

/** A sentence for a person: names the file, says what is wrong with it, and is no stack. */
async function refuses(files: TrustFiles, what: RegExp): Promise<void> {
  const named = files.trustedRoot ?? files.npmKeys ?? assert.fail()
  await assert.rejects(loadTrust(files, { now: NOW }), (error) => {
    assert.ok(error instanceof GateError, String(error))
    assert.ok(error.message.includes(named), error.message)
    assert.match(error.message, what)
    assert.match(error.message, /^[^\n]+[^.]\.$/)
    assert.doesNotMatch(error.message, /\bat .*:\d+:\d+|Cannot read|\[object/)
    return true
  })
}

function counts({ certificateAuthorities, timestampAuthorities, tlogs, ctlogs }: TrustMaterial) {
  return [certificateAuthorities, timestampAuthorities, tlogs, ctlogs].map((list) => list.length)
}

describe('the embedded trust material', () => {
  it('is the public good instance: authorities, logs, and the keys of the npm registry', async () => {
    const trust = await loadTrust({}, { now: NOW })
    for (const count of counts(trust)) assert.ok(count > 0)
    const expired = trust.publicKey('SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA')
    assert.equal(expired.validFor(new Date('2024-06-01T00:00:00Z')), true)
    assert.equal(expired.validFor(new Date('2025-06-01T00:00:00Z')), false)
    const current = trust.publicKey('SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U')
    assert.equal(current.validFor(new Date('2026-01-01T00:00:00Z')), true)
  })

  it('knows no other key', async () => {
    const { publicKey } = await loadTrust({}, { now: NOW })
    assert.throws(
      () => publicKey('SHA256:unknown'),
      (error) => error instanceof VerificationError && error.code === 'PUBLIC_KEY_ERROR',
    )
  })

  it('has a start of validity for everything that it holds', async () => {
    const { tlogs, ctlogs, certificateAuthorities, timestampAuthorities } = await loadTrust({}, { now: NOW })
    for (const { validFor } of [...tlogs, ...ctlogs, ...certificateAuthorities, ...timestampAuthorities]) {
      assert.ok(validFor.start.getTime() > 0)
    }
  })
})

describe('pinned files', () => {
  it('take the place of the embedded ones, each for itself', async (t) => {
    const trustedRoot = file(t, sigstore.trustedRoot)
    const npmKeys = file(t, sigstore.npmKeys)
    const hint = sigstore.npmKeys.keys[0]?.keyId ?? assert.fail()
    const embedded = 'SHA256:DhQ8wR5APBvFHLF/+Tc+AYvPOdTpcIDqOhxsBHRwC7U'

    const both = await loadTrust({ trustedRoot, npmKeys }, { now: NOW })
    assert.deepEqual(counts(both), [1, 0, 1, 1])
    assert.equal(both.publicKey(hint).validFor(NOW), true)
    assert.throws(() => both.publicKey(embedded), VerificationError)

    const onlyRoot = await loadTrust({ trustedRoot }, { now: NOW })
    assert.deepEqual(counts(onlyRoot), [1, 0, 1, 1])
    assert.ok(onlyRoot.publicKey(embedded))

    const onlyKeys = await loadTrust({ npmKeys }, { now: NOW })
    assert.deepEqual(counts(onlyKeys), counts(await loadTrust({}, { now: NOW })))
    assert.throws(() => onlyKeys.publicKey(embedded), VerificationError)
  })

  it('of the real world: the public good instance', { skip: noCorpus }, async () => {
    const folder = join(corpus ?? '', 'trust/public-good')
    const trust = await loadTrust(
      {
        trustedRoot: join(folder, 'trusted_root.json'),
        npmKeys: join(folder, 'npm-keys.json'),
      },
      { now: NOW },
    )
    for (const count of counts(trust)) assert.ok(count > 0)
    assert.ok(trust.publicKey('SHA256:jl3bwswu80PjjokCgh0o2w5c2U4LhQAE57gj9cz1kzA'))
  })

  it('of the real world: GitHub, which has no log', { skip: noCorpus }, async () => {
    const folder = join(corpus ?? '', 'trust/github')
    for (const name of ['trusted_root.json', 'trusted_root.sigstore-rust.json']) {
      const [authorities = 0, timestamps = 0] = counts(
        await loadTrust({ trustedRoot: join(folder, name) }, { now: NOW }),
      )
      assert.ok(authorities > 0 && timestamps > 0, name)
    }
  })

  it('of the real world that are something else', { skip: noCorpus }, async () => {
    const folder = join(corpus ?? '', 'trust')
    const keys = join(folder, 'public-good/npm-keys.json')
    await refuses({ trustedRoot: keys }, /: it is a list of keys\. Expected a Sigstore trusted root\.$/)
    await refuses({ npmKeys: join(folder, 'public-good/trusted_root.json') }, /Expected "keys"/)
    for (const name of readdirSync(join(folder, 'github'))) {
      if (name.startsWith('trusted_root')) continue
      const said = name.endsWith('.jsonl')
        ? /: it is 2 lines of JSON, each with a trusted root .*sed -n 1p/
        : /: it is metadata of a TUF/
      await refuses({ trustedRoot: join(folder, 'github', name) }, said)
    }
  })
})

describe('a file that is not what it should be', () => {
  for (const key of ['trustedRoot', 'npmKeys'] as const) {
    it(`${key} that is not there`, async (t) => {
      await refuses({ [key]: `${file(t, '')}.gone` }, /^The trust material .* cannot be read: there is no such file/)
    })

    it(`${key} that is a folder`, async (t) => {
      await refuses({ [key]: join(file(t, ''), '..') }, /cannot be read: it is a folder/)
    })

    const unreadable = process.getuid?.() === 0 ? 'root may read everything' : false
    it(`${key} that may not be read`, { skip: unreadable }, async (t) => {
      const path = file(t, sigstore.trustedRoot)
      chmodSync(path, 0)
      await refuses({ [key]: path }, /cannot be read: EACCES/)
    })

    const contents: Readonly<Record<string, unknown>> = {
      nothing: '',
      'half of it': JSON.stringify(sigstore.trustedRoot).slice(0, 500),
      'no JSON': 'trust: me',
      'a byte order mark': `\uFEFF${JSON.stringify(sigstore.trustedRoot)}`,
      bytes: Buffer.from([0xff, 0xfe, 0x00]),
    }
    for (const [what, content] of Object.entries(contents)) {
      it(`${key} that holds ${what}`, async (t) => {
        await refuses({ [key]: file(t, content) }, /is not a usable (JSON document|Sigstore trusted root): it is /)
      })
    }

    for (const value of [null, 42, 'text', true, [], {}, [sigstore.trustedRoot], { signed: {}, signatures: [] }]) {
      it(`${key} that holds ${JSON.stringify(value).slice(0, 30)}`, async (t) => {
        await refuses(
          { [key]: file(t, JSON.stringify(value)) },
          /is not a usable (Sigstore trusted root|keys\.json of an npm registry): /,
        )
      })
    }
  }

  it('each of the two for the other', async (t) => {
    await refuses({ trustedRoot: file(t, sigstore.npmKeys) }, /not a usable Sigstore trusted root/)
    await refuses({ npmKeys: file(t, sigstore.trustedRoot) }, /not a usable keys\.json/)
  })

  it('one that names a key twice', async (t) => {
    const [key] = sigstore.npmKeys.keys.filter(({ keyUsage }) => keyUsage === 'npm:attestations')
    await refuses({ npmKeys: file(t, { keys: [key, key] }) }, /keys\.json .*: the key "SHA256:.*" .* is in it twice\.$/)
  })
})

describe('a trusted root', () => {
  const nobody: Readonly<Record<string, (copy: TrustedRootJSON) => unknown>> = {
    'without authorities': (copy) => {
      copy.certificateAuthorities = []
    },
    'with an authority without certificates': (copy) => {
      for (const authority of copy.certificateAuthorities) authority.certChain.certificates = []
    },
    'with an authority without a chain': (copy) => {
      for (const authority of copy.certificateAuthorities) Reflect.deleteProperty(authority, 'certChain')
    },
  }
  for (const [what, change] of Object.entries(nobody)) {
    it(`${what} vouches for nobody, and is refused at once`, async (t) => {
      await refuses({ trustedRoot: file(t, root(change)) }, /: it names no certificate authority\.$/)
    })
  }

  const broken: Readonly<Record<string, (copy: TrustedRootJSON) => unknown>> = {
    'with a certificate that is none': ({ certificateAuthorities: [authority] }) => {
      authority?.certChain.certificates.push({ rawBytes: 'AAAA' })
    },
    'with a certificate that is not base64': ({ certificateAuthorities: [authority] }) => {
      authority?.certChain.certificates.unshift({ rawBytes: '***' })
    },
    'with a log key that is none': ({ tlogs: [log] }) => {
      if (log) log.publicKey.rawBytes = 'AAAA'
    },
    'with a certificate log key that is none': ({ ctlogs: [log] }) => {
      if (log) log.publicKey.rawBytes = ''
    },
    'with a log that has no id': ({ tlogs: [log] }) => Reflect.deleteProperty(log ?? {}, 'logId'),
    'with a second authority that has no chain': (copy) => {
      const [authority = assert.fail()] = copy.certificateAuthorities
      copy.certificateAuthorities.push({ ...authority, certChain: undefined as never })
    },
  }
  for (const [what, change] of Object.entries(broken)) {
    it(`${what} is refused: one that is half understood is not trusted by half`, async (t) => {
      await refuses({ trustedRoot: file(t, root(change)) }, /is not a usable Sigstore trusted root: /)
    })
  }

  /** The library would take a key without a start as valid since 1970: for anything that was ever signed. */
  const timeless: Readonly<Record<string, (log: TrustedRootJSON['tlogs'][number]) => unknown>> = {
    'no start': ({ publicKey: { validFor } }) => Reflect.deleteProperty(validFor, 'start'),
    'an end only': ({ publicKey }) => {
      publicKey.validFor = { end: '2030-01-01T00:00:00Z' } as never
    },
    'no validity': ({ publicKey }) => Reflect.deleteProperty(publicKey, 'validFor'),
    'no key': (log) => Reflect.deleteProperty(log, 'publicKey'),
  }
  for (const [what, change] of Object.entries(timeless)) {
    for (const kind of ['tlogs', 'ctlogs'] as const) {
      it(`has no use for one of its ${kind} with ${what}, and keeps the others`, async (t) => {
        const changed = root((copy) => {
          const [log = assert.fail()] = copy[kind]
          copy[kind] = [structuredClone(log), log]
          change(log)
        })
        const trust = await loadTrust({ trustedRoot: file(t, changed) }, { now: NOW })
        assert.equal(trust[kind].length, 1)
        assert.equal(trust[kind === 'tlogs' ? 'ctlogs' : 'tlogs'].length, 1)
      })
    }
  }

  it('whose log has a start that is no time vouches for nothing at any time', async (t) => {
    const changed = root(({ tlogs: [log] }) => {
      if (log) log.publicKey.validFor.start = 'since ever'
    })
    const { tlogs } = await loadTrust({ trustedRoot: file(t, changed) }, { now: NOW })
    for (const { validFor } of tlogs) {
      for (const time of [0, NOW.getTime(), 8.64e15]) assert.equal(validFor.start.getTime() <= time, false)
    }
  })

  it('is read anew each time: what was loaded before does not change', async (t) => {
    const path = file(t, sigstore.trustedRoot)
    const before = await loadTrust({ trustedRoot: path }, { now: NOW })
    writeFileSync(
      path,
      readFileSync(
        file(
          t,
          root((copy) => copy.tlogs.pop()),
        ),
      ),
    )
    const after = await loadTrust({ trustedRoot: path }, { now: NOW })
    assert.deepEqual([before.tlogs.length, after.tlogs.length], [1, 0])
  })
})

describe("GitHub's own trust root", () => {
  it('is known by the digest of the root of its command line tool', { skip: noCorpus }, () => {
    const root = readFileSync(join(corpus ?? '', 'trust/github/tuf-root.gh-cli.json'))
    assert.ok(!Buffer.isBuffer(GITHUB.pinned))
    assert.equal(createHash('sha256').update(root).digest('hex'), GITHUB.pinned.sha256)
    assert.equal(JSON.parse(root.toString()).signed.version, GITHUB.pinned.version)
  })
})

describe('the embedded trust root', () => {
  const end = SEED_EXPIRES.getTime()
  const at = (days: number) => ({ now: new Date(end + days * 86_400_000), offline: true })

  it('is good for as long as its own root', async () => {
    const warnings: string[] = []
    await loadTrust({}, { ...at(-1), warn: (text) => warnings.push(text) })
    assert.deepEqual(warnings, [])
  })

  it('is used on for a while, and says so', async () => {
    const warnings: string[] = []
    const context = { ...at(13), warn: (text: string) => warnings.push(text) }
    assert.ok((await loadTrust({}, context)).tlogs.length > 0)
    assert.match(warnings.join(), /could not be asked for its trust root/)
  })

  it('stops everything then', async () => {
    const stale = (error: unknown) =>
      error instanceof GateError && /^TRUST_ROOT_STALE: the trust root that came with/.test(error.message)
    await assert.rejects(loadTrust({}, at(15)), stale)
    await assert.rejects(loadTrust({ maxStaleness: 0 }, at(1)), stale)
    await loadTrust({ maxStaleness: 30 * 86_400_000 }, at(15))
  })

  it('is not asked for where both files are pinned', async (t) => {
    const files = { trustedRoot: file(t, sigstore.trustedRoot), npmKeys: file(t, sigstore.npmKeys) }
    await loadTrust(files, at(400))
  })
})
