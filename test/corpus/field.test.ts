/** Bundles of others, from public repositories: each proves what the manifest of the corpus says, and nothing else. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { test } from 'node:test'
import { type CliRun, runCli } from '../cli/support.ts'
import { corpusFile, readCorpus, skip } from '../verify/corpus.ts'
import { describeUnless } from './genuine-packages.ts'

interface FieldBundle {
  readonly file: string
  readonly kind: string
  readonly artifact: string
  readonly identity: string
  readonly issuer: string
  /** Relative to the folder of the manifest. */
  readonly root: string
  readonly expect: string
}

describeUnless(skip, 'bundles of the field', () => {
  const { bundles } = readCorpus<{ readonly bundles: readonly FieldBundle[] }>('field', 'manifest.json')
  const verifyBundle = ({ file, artifact, identity, issuer, root }: FieldBundle): Promise<CliRun> =>
    runCli(
      [
        ...['verify-bundle', '--bundle', file, '--trusted-root', root],
        ...['--certificate-identity', identity, '--certificate-oidc-issuer', issuer, artifact],
      ],
      { cwd: corpusFile('field'), env: {} },
    )
  const otherDigest = (digest: string) => digest.replace(/.$/, (last) => (last === '0' ? '1' : '0'))

  test('are all in the manifest', () => {
    assert.ok(bundles.length > 5)
    const files = readdirSync(corpusFile('field')).filter(
      (file) => !/^(?:manifest|form-.*|trusted-root-.*)\.jsonl?$/.test(file),
    )
    assert.deepEqual(new Set([...bundles.map(({ file }) => file), 'npm']), new Set(files))
  })

  for (const bundle of bundles) {
    const { file, kind, artifact, identity, issuer, expect } = bundle
    test(`${file}, ${kind}: ${expect}`, async () => {
      const { status, stderr } = await verifyBundle(bundle)
      if (expect === 'verified') {
        assert.equal(status, 0, stderr)
        assert.ok(stderr.startsWith(`verified ${artifact}: signed by ${identity} at 20`), stderr)
      } else {
        assert.equal(expect, 'refused: unknown log')
        assert.equal(status, 2, stderr)
        assert.match(stderr, /: EVIDENCE_UNKNOWN\n.* log .*\n.*trust root/)
      }
    })

    // Which code a foreign trust root leads to hangs on what it lacks first.
    const WRONG: readonly (readonly [string, Partial<FieldBundle>, RegExp])[] = [
      ['another digest', { artifact: otherDigest(artifact) }, /DIGEST_MISMATCH/],
      ['the digest of nothing', { artifact: `sha256:${createHash('sha256').digest('hex')}` }, /DIGEST_MISMATCH/],
      ['another identity', { identity: `${identity}x` }, /SIGNER_MISMATCH/],
      ['the beginning of its identity', { identity: identity.slice(0, -1) }, /SIGNER_MISMATCH/],
      ['another issuer', { issuer: `${issuer}/` }, /ISSUER_MISMATCH/],
      ["the trust root of GitHub's own", { root: '../trust/github/trusted_root.json' }, /./],
    ]
    for (const [what, change, code] of WRONG) {
      test(`${file}, ${kind}, with ${what}: refused`, async () => {
        const { status, stderr } = await verifyBundle({ ...bundle, ...change })
        assert.equal(status, /: EVIDENCE_UNKNOWN\n/.test(stderr) ? 2 : 1, stderr)
        if (expect === 'verified') assert.match(stderr, code)
        assert.match(
          stderr,
          /^refused sha256:[0-9a-f]{64}: [A-Z_]+\n {2}found: .*\n {2}expected: .*\n(?: {2}to do: .*\n)?$/,
        )
      })
    }
  }
})
