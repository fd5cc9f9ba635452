/** `verify-bundle`, as https://github.com/sigstore/sigstore-conformance calls a client. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { createGithub } from '../support/sigstore/github.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { corpusFile, listCorpus, skip } from '../verify/corpus.ts'
import { runCli } from './support.ts'

const SIGNED_AT = new Date('2026-01-15T12:00:00Z')
const BEACON =
  'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main'
const GITHUB = 'https://token.actions.githubusercontent.com'

const folder = mkdtempSync(path.join(tmpdir(), 'verify-bundle-'))
after(() => rmSync(folder, { recursive: true }))
const run = (...args: readonly string[]) => runCli(['verify-bundle', ...args], { cwd: folder, env: {} })
const ABOUT = { name: 'widgets', version: '1.0.0', integrity: `sha512-${Buffer.alloc(64, 7).toString('base64')}` }
const digestOf = (file: string) => `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`

/** Under what their trust root does not have: nobody knows whether they are good. */
const UNKNOWN = ['invalid-ct-key_fail', 'rekor2-timestamp-untrusted-tsa-without-embedded-cert_fail']

describe('the conformance suite', () => {
  const cases = skip ? ['those of the corpus'] : listCorpus('conformance', 'bundle-verify').filter(isCase)
  for (const name of cases) {
    test(name, { skip }, async () => {
      const file = (which: string) => corpusFile('conformance', 'bundle-verify', name, which)
      const text = (which: string, otherwise: string) =>
        existsSync(file(which)) ? readFileSync(file(which), 'utf8').trim() : otherwise
      const artifact = existsSync(file('artifact'))
        ? file('artifact')
        : corpusFile('conformance', 'bundle-verify', 'a.txt')
      const signer = existsSync(file('key.pub'))
        ? ['--key', file('key.pub')]
        : ['--certificate-identity', text('identity', BEACON), '--certificate-oidc-issuer', text('issuer', GITHUB)]
      const root = existsSync(file('trusted_root.json')) ? ['--trusted-root', file('trusted_root.json')] : []
      for (const subject of [artifact, digestOf(artifact)]) {
        const { status, stderr } = await run('--bundle', file('bundle.sigstore.json'), ...signer, ...root, subject)
        assert.equal(status, UNKNOWN.includes(name) ? 2 : name.endsWith('_fail') ? 1 : 0, stderr)
        assert.match(stderr, status === 0 ? /^verified / : /^refused .*: [A-Z_]+\n {2}found: .*\n {2}expected: /)
        assert.doesNotMatch(stderr, /TypeError|undefined|INTERNAL_ERROR/)
      }
    })
  }
})

describe('a release of GitHub', () => {
  const file = (name: string) => corpusFile('github-release', name)
  const SERVICE = 'https://dotcom.releases.github.com'
  const of = (...more: readonly string[]) =>
    run(
      ...['--bundle', file('bdehamer__delme@v6.json'), '--domain', 'github'],
      ...['--trusted-root', corpusFile('trust', 'github', 'trusted_root.json')],
      ...['--certificate-identity', SERVICE, '--certificate-oidc-issuer', SERVICE, ...more],
    )

  test('is proven for its asset, as file and as digest', { skip }, async () => {
    const asset = file('github_release_artifact.zip')
    for (const subject of [asset, digestOf(asset)]) assert.equal((await of(subject)).status, 0)
  })

  test('is refused for another, under another name, and in the public good', { skip }, async () => {
    const asset = file('github_release_artifact.zip')
    assert.match((await of(file('github_release_artifact_invalid.zip'))).stderr, /DIGEST_MISMATCH/)
    assert.match((await of('--certificate-identity', `${SERVICE}/x`, asset)).stderr, /SIGNER_MISMATCH/)
    assert.match((await of('--certificate-oidc-issuer', GITHUB, asset)).stderr, /ISSUER_MISMATCH/)
    assert.equal((await of('--domain', 'sigstore', asset)).status, 1)
    assert.equal((await of('--domain', 'acme', asset)).status, 2)
  })
})

test("an organisation's own instance, with what its policy asks for", async () => {
  const own = await createSigstore({ now: SIGNED_AT, baseUrl: 'https://sigstore.acme.test' })
  const identity = 'https://github.com/acme/widgets/.github/workflows/release.yml@refs/heads/main'
  const put = (name: string, content: string | Buffer) => writeFileSync(path.join(folder, name), content)
  put('acme.json', JSON.stringify(own.trustedRoot))
  put('asset', 'an asset')
  put('asset.json', JSON.stringify(await own.blob(Buffer.from('an asset'), { now: SIGNED_AT, withoutSct: true })))
  const rules = "rules: [{ packages: '**', require: nothing }]\n"
  put('lax.yaml', `trust: { domains: { acme: { trustedRoot: acme.json, certificateTimestamps: 0 } } }\n${rules}`)
  put('strict.yaml', `trust: { domains: { acme: { trustedRoot: acme.json } } }\n${rules}`)
  const of = (...more: readonly string[]) =>
    run(
      '--bundle',
      'asset.json',
      '--certificate-identity',
      identity,
      '--certificate-oidc-issuer',
      GITHUB,
      ...more,
      'asset',
    )
  assert.equal((await of('--policy', 'lax.yaml', '--domain', 'acme')).status, 0)
  assert.match((await of('--policy', 'strict.yaml', '--domain', 'acme')).stderr, /expected 1 SCTs/)
  // The public instance does not know it.
  assert.equal((await of('--policy', 'lax.yaml')).status, 2)
  const unknown = await of('--domain', 'acme')
  assert.equal(unknown.status, 2)
  assert.match(unknown.stderr, /there is no such trust domain/)
})

function isCase(name: string): boolean {
  return existsSync(corpusFile('conformance', 'bundle-verify', name, 'bundle.sigstore.json'))
}

describe('verify-bundle', async () => {
  const sigstore = await createSigstore({ now: SIGNED_AT })
  const write = (name: string, content: string | Buffer) => writeFileSync(path.join(folder, name), content)
  const bytes = Buffer.from('a file\n')
  const key = generateKey('P-256')
  const identity = 'https://github.com/acme/widgets/.github/workflows/release.yml@refs/heads/main'
  write('file', bytes)
  write('root.json', JSON.stringify(sigstore.trustedRoot))
  write('bundle.json', JSON.stringify(await sigstore.blob(bytes, { now: SIGNED_AT })))
  write('key.json', JSON.stringify(await sigstore.blob(bytes, { now: SIGNED_AT, key })))
  write('key.pem', `-----BEGIN PUBLIC KEY-----\n${key.spki.toString('base64')}\n-----END PUBLIC KEY-----\n`)
  write('empty', '')
  write('roots.jsonl', `${JSON.stringify(sigstore.trustedRoot)}\n`.repeat(2))
  const ROOT = ['--trusted-root', 'root.json']
  const ACME = ['--certificate-identity', identity, '--certificate-oidc-issuer', GITHUB]
  const BUNDLE = ['--bundle', 'bundle.json']

  test('says who signed, and when, on standard error', async () => {
    const { status, stdout, stderr } = await run(...BUNDLE, ...ROOT, ...ACME, 'file')
    assert.equal(status, 0)
    assert.equal(stdout, '')
    assert.equal(stderr, `verified file: signed by ${identity} at 2026-01-15T12:00:00.000Z\n`)
    const byKey = await run('--bundle', 'key.json', ...ROOT, '--key', 'key.pem', 'file')
    assert.equal(byKey.stderr, 'verified file: signed with that key at 2026-01-15T12:00:00.000Z\n')
  })

  test('takes a digest in either case, and a file that is called like one for a file', async () => {
    const digest = digestOf(path.join(folder, 'file'))
    assert.equal((await run(...BUNDLE, ...ROOT, ...ACME, digest)).status, 0)
    assert.equal(
      (
        await run(
          ...BUNDLE,
          ...ROOT,
          ...ACME,
          digest.replace(/[0-9a-f]{64}/, (hex) => hex.toUpperCase()),
        )
      ).status,
      0,
    )
    write(digest, 'other bytes')
    assert.equal((await run(...BUNDLE, ...ROOT, ...ACME, digest)).status, 1)
  })

  test('1 where it is not proven, with what was found and expected', async () => {
    const { status, stderr } = await run(...BUNDLE, ...ROOT, ...ACME, 'empty')
    assert.equal(status, 1)
    assert.match(
      stderr,
      /^refused empty: DIGEST_MISMATCH\n {2}found: {5}a signature over sha256 .*\n {2}expected: {2}sha256 e3b0c442/,
    )
    for (const bundle of ['empty', 'file', 'root.json']) {
      assert.match((await run('--bundle', bundle, ...ROOT, ...ACME, 'file')).stderr, /EVIDENCE_MALFORMED/)
    }
    // The public instance does not know this one.
    const unknown = await run(...BUNDLE, ...ACME, 'file')
    assert.equal(unknown.status, 2)
    assert.match(unknown.stderr, /^ {2}to do: {5}run `provenance-gate trust update`, or renew the gate; /m)
  })

  test('says which file to renew, where the trust root is one, and nothing that does not renew it', async () => {
    const other = await createSigstore({ now: SIGNED_AT })
    write('old.json', JSON.stringify(other.trustedRoot))
    write('policy.yaml', "trust: { trustedRoot: old.json }\nrules: [{ packages: '**', require: nothing }]\n")
    for (const from of [
      ['--trusted-root', 'old.json'],
      ['--policy', 'policy.yaml'],
    ]) {
      const { status, stderr } = await run(...BUNDLE, ...ACME, ...from, 'file')
      assert.equal(status, 2)
      assert.match(stderr, /^ {2}to do: {5}renew (?:\S*\/)?old\.json from where it came, or renew the gate; /m)
      assert.doesNotMatch(stderr, /trust update/)
    }
  })

  test("of what GitHub's own instance has signed says which option there is, and that leads on", async () => {
    const github = createGithub({ now: SIGNED_AT })
    write('github-root.json', JSON.stringify(github.trustedRoot))
    write('github.json', JSON.stringify(github.provenance(ABOUT, { now: SIGNED_AT })))
    const digest = `sha512:${'07'.repeat(64)}`
    const of = (...more: readonly string[]) => run('--bundle', 'github.json', ...ACME, ...more, digest)
    for (const root of [[], ROOT]) {
      const { status, stderr } = await of(...root)
      assert.equal(status, 2)
      assert.match(stderr, /^ {2}to do: .*GitHub's own: verify it with --domain github$/m)
    }
    const proven = await of('--trusted-root', 'github-root.json', '--domain', 'github')
    assert.equal(proven.status, 0, proven.stderr)
    // Under another root of GitHub's it is the root that may be old.
    const stale = await of(...ROOT, '--domain', 'github')
    assert.equal(stale.status, 2)
    assert.match(stale.stderr, /^ {2}to do: {5}renew root\.json from where it came/m)
  })

  test('says what a file is that is no bundle, and what to do', async () => {
    const bundle = JSON.parse(readFileSync(path.join(folder, 'bundle.json'), 'utf8'))
    for (const [content, said] of [
      [
        `${JSON.stringify(bundle)}\n`.repeat(2),
        /other is 2 lines of JSON, each with a bundle .*\n.*sed -n 1p other > bundle\.json/,
      ],
      [
        JSON.stringify({ attestations: [{ bundle }] }),
        /with 1 bundle inside\n.*jq '\.attestations\[0\]\.bundle' other > bundle\.json/,
      ],
      [JSON.stringify([bundle]), /other is a list with 1 bundle inside\n.*jq '\.\[0\]' other/],
      [
        '{"base64Signature":"","cert":"","rekorBundle":{}}',
        /old format of cosign.*\n.*cosign bundle create --artifact ARTIFACT --bundle other/,
      ],
      [
        `${JSON.stringify(sigstore.trustedRoot)}\n`.repeat(2),
        /2 lines of JSON, the first of which is a Sigstore trusted root\n.*--trusted-root/,
      ],
    ] as const) {
      write('other', content)
      const { status, stderr } = await run('--bundle', 'other', ...ROOT, ...ACME, 'file')
      assert.equal(status, 1)
      assert.match(stderr, /^refused file: EVIDENCE_MALFORMED\n/)
      assert.match(stderr, said)
    }
    // What the answer has inside is one: it is the file that is not.
    write('other', `\ufeff${JSON.stringify(bundle)}`)
    assert.equal((await run('--bundle', 'other', ...ROOT, ...ACME, 'file')).status, 0)
  })

  describe('a statement', async () => {
    const statement = await sigstore.provenance({ ...ABOUT, now: SIGNED_AT })
    write('statement.json', JSON.stringify(statement))
    const STATEMENT = ['--bundle', 'statement.json', ...ROOT, ...ACME]
    const SLSA = 'https://slsa.dev/provenance/v1'
    const sha512 = `sha512:${Buffer.from(ABOUT.integrity.slice('sha512-'.length), 'base64').toString('hex')}`

    test('is proven for a sha512, in either case, and its type is told', async () => {
      for (const digest of [sha512, sha512.toUpperCase()]) {
        const { status, stderr } = await run(...STATEMENT, digest)
        assert.equal(status, 0, stderr)
        assert.match(stderr, /^verified sha512:.*, a statement of type https:\/\/slsa\.dev\/provenance\/v1\n$/i)
      }
      const other = await run(...STATEMENT, `sha512:${'a'.repeat(128)}`)
      assert.equal(other.status, 1)
      assert.match(other.stderr, /DIGEST_MISMATCH\n.*\n {2}expected: {2}a statement about sha512 aaaa/)
      // Nothing says what sha256 those bytes have.
      assert.match((await run(...STATEMENT, `sha256:${'a'.repeat(64)}`)).stderr, /DIGEST_MISMATCH/)
    })

    test('is proven of the type that is named, exactly, and of no other', async () => {
      assert.equal((await run(...STATEMENT, '--predicate-type', SLSA, sha512)).status, 0)
      for (const type of [
        'https://slsa.dev/provenance/v0.2',
        `${SLSA}/`,
        SLSA.slice(0, -1),
        SLSA.toUpperCase(),
        '',
        '*',
        '.*',
      ]) {
        const { status, stderr } = await run(...STATEMENT, '--predicate-type', type, sha512)
        assert.equal(status, 1, type)
        assert.match(
          stderr,
          /PREDICATE_TYPE_MISMATCH\n {2}found: {5}a statement of type "https:\/\/slsa\.dev\/provenance\/v1"\n/,
        )
      }
    })

    test('is asked for where its type is named: a signature over the file is none', async () => {
      const { status, stderr } = await run(...BUNDLE, ...ROOT, ...ACME, '--predicate-type', SLSA, 'file')
      assert.equal(status, 1)
      assert.match(stderr, /PREDICATE_TYPE_MISMATCH\n {2}found: {5}a signature over the file, and no statement/)
    })
  })

  test('takes a sha512 for a signature over one only', async () => {
    const sha512 = `sha512:${createHash('sha512').update(bytes).digest('hex')}`
    const { status, stderr } = await run(...BUNDLE, ...ROOT, ...ACME, sha512)
    assert.equal(status, 1)
    assert.match(
      stderr,
      /DIGEST_MISMATCH\n {2}found: {5}a signature over a sha256\n {2}expected: {2}the sha256 of the file, or/,
    )
  })

  const MISUSED: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['no bundle', [...ROOT, ...ACME, 'file'], /required option '--bundle/],
    ['no artifact', [...BUNDLE, ...ROOT, ...ACME], /missing required argument/],
    ['nobody', [...BUNDLE, ...ROOT, 'file'], /Who must have signed it\?/],
    ['an identity of any issuer', [...BUNDLE, ...ROOT, ...ACME.slice(0, 2), 'file'], /Who must have signed it\?/],
    ['an issuer of any identity', [...BUNDLE, ...ROOT, ...ACME.slice(2), 'file'], /Who must have signed it\?/],
    ['both', [...BUNDLE, ...ROOT, ...ACME, '--key', 'key.pem', 'file'], /signed by one of the two/],
    ['a key that is none', [...BUNDLE, ...ROOT, '--key', 'file', 'file'], /--key file: not a public key in PEM/],
    ['no such key', [...BUNDLE, ...ROOT, '--key', 'gone', 'file'], /--key gone cannot be read/],
    [
      'no such bundle',
      ['--bundle', 'gone', ...ROOT, ...ACME, 'file'],
      /--bundle gone cannot be read: there is no such file/,
    ],
    ['a folder', ['--bundle', '.', ...ROOT, ...ACME, 'file'], /--bundle \. cannot be read: it is a folder/],
    [
      'no such artifact',
      [...BUNDLE, ...ROOT, ...ACME, 'gone'],
      /The artifact gone cannot be read: there is no such file/,
    ],
    ...[
      'sha256:abc',
      'sha256:',
      `sha256:${'a'.repeat(63)}`,
      `sha512:${'a'.repeat(64)}`,
      `sha512:${'a'.repeat(127)}g`,
      `sha384:${'a'.repeat(96)}`,
      `sha512-${'A'.repeat(86)}==`,
    ].map((digest): readonly [string, readonly string[], RegExp] => [
      `a digest that is none (${digest})`,
      [...BUNDLE, ...ROOT, ...ACME, digest],
      /is neither a file nor a digest\. Expected a file, or sha256: and 64, or sha512: and 128 hexadecimal digits/,
    ]),
    [
      "gh's lines of trusted roots",
      [...BUNDLE, '--trusted-root', 'roots.jsonl', ...ACME, 'file'],
      /roots\.jsonl is not a usable Sigstore trusted root: it is 2 lines of JSON, each with a trusted root .* sed -n 1p roots\.jsonl > trusted_root\.json/,
    ],
    ['no such root', [...BUNDLE, '--trusted-root', 'gone', ...ACME, 'file'], /gone cannot be read/],
    [
      'another root',
      [...BUNDLE, '--trusted-root', 'bundle.json', ...ACME, 'file'],
      /not a usable Sigstore trusted root/,
    ],
    ['staging', [...BUNDLE, '--staging', ...ACME, 'file'], /--staging needs --trusted-root/],
  ]
  for (const [what, args, expected] of MISUSED) {
    test(`2 for ${what}`, async () => {
      const { status, stdout, stderr } = await run(...args)
      assert.equal(status, 2)
      assert.equal(stdout, '')
      assert.match(stderr, expected)
    })
  }

  test('reads no device', async () => {
    symlinkSync('/dev/zero', path.join(folder, 'zero'))
    for (const args of [
      ['--bundle', 'zero', ...ROOT, ...ACME, 'file'],
      [...BUNDLE, ...ROOT, ...ACME, 'zero'],
    ]) {
      const { status, stderr } = await run(...args)
      assert.equal(status, 2)
      assert.match(stderr, /zero cannot be read: it is not a regular file/)
    }
  })
})
