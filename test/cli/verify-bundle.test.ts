/** `verify-bundle`, as https://github.com/sigstore/sigstore-conformance calls a client. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
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
const digestOf = (file: string) => `sha256:${createHash('sha256').update(readFileSync(file)).digest('hex')}`

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
        assert.equal(status, name.endsWith('_fail') ? 1 : 0, stderr)
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
  assert.equal((await of('--policy', 'lax.yaml')).status, 1)
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
    assert.equal((await run(...BUNDLE, ...ACME, 'file')).status, 1)
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
    ['a digest that is none', [...BUNDLE, ...ROOT, ...ACME, 'sha256:abc'], /The artifact sha256:abc cannot be read/],
    [
      'another digest',
      [...BUNDLE, ...ROOT, ...ACME, `sha512:${'a'.repeat(128)}`],
      /cannot be read: there is no such file/,
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
