/** `require: signature`: the registry's own word, by a publish attestation or by the signature in its metadata. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, beforeEach, describe, type TestContext, test } from 'node:test'
import { createProject } from '../support/pnpm/index.ts'
import { createTarball, startRegistry } from '../support/registry/index.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { SIGNED_AT } from '../support/world.ts'
import { endings, lockfileOf, report, runCli, writeDocuments } from './support.ts'

const day = (iso: string) => new Date(`${iso}T00:00:00Z`)
const sigstore = await createSigstore({
  now: SIGNED_AT,
  npmKeys: [{ start: day('2022-12-01'), end: day('2025-01-29') }, { start: day('2025-01-13') }],
})
const registry = await startRegistry()
after(() => registry.close())
beforeEach(() => registry.reset())

const widget = createTarball({ name: '@acme/widget', version: '1.0.0' })
const pkg = { name: '@acme/widget', version: '1.0.0', integrity: widget.integrity }
const OLD = 0
const POLICY = `trust: { trustedRoot: root.json, npmKeys: keys.json }\nrules: [{ packages: '**', require: signature }]\n`

function project(t: TestContext, policy = POLICY) {
  const made = createProject({
    registry: registry.url,
    files: {
      '.sigstorerc': policy,
      'root.json': JSON.stringify(sigstore.trustedRoot),
      'keys.json': JSON.stringify(sigstore.npmKeys),
      'pnpm-lock.yaml': lockfileOf([widget]),
    },
  })
  t.after(() => made.dispose())
  return made
}

const ending = async (t: TestContext, policy?: string) =>
  endings(await report(project(t, policy)))['@acme/widget@1.0.0']
const asked = () => registry.requests.map(({ path }) => path.replace(/%2f/i, '/'))

describe('a rule that requires a signature', () => {
  test('is met by that of the metadata, where there is no attestation', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg)] })
    assert.equal(await ending(t), 'proven')
    assert.deepEqual(asked(), ['/-/npm/v1/attestations/@acme/widget@1.0.0', '/@acme/widget/1.0.0'])
  })

  test('is met by a publish attestation, and asks for nothing else then', async (t) => {
    registry.publish(widget, { attestations: await sigstore.document({ ...pkg, now: SIGNED_AT }) })
    assert.equal(await ending(t), 'proven')
    assert.deepEqual(asked(), ['/-/npm/v1/attestations/@acme/widget@1.0.0'])
  })

  test('is met beside a provenance alone', async (t) => {
    const { attestations } = await sigstore.document({ ...pkg, now: SIGNED_AT })
    registry.publish(widget, {
      attestations: { attestations: attestations.slice(1) },
      signatures: [sigstore.signature(pkg)],
    })
    const { packages } = await report(project(t))
    assert.equal(packages[0]?.status, 'proven')
    assert.equal(packages[0]?.claims?.repository, 'https://github.com/acme/widgets')
  })

  test('is met by a key that is over, for what was published in its time', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg, OLD)], time: '2023-05-01T10:00:00.000Z' })
    assert.equal(await ending(t), 'proven')
    assert.equal(asked().at(-1), '/@acme/widget')
  })

  const REFUSED: readonly (readonly [string, () => Parameters<typeof registry.publish>[1], string])[] = [
    ['nothing', () => ({}), 'EVIDENCE_MISSING'],
    [
      'a key that was over',
      () => ({ signatures: [sigstore.signature(pkg, OLD)], time: '2025-06-01T10:00:00.000Z' }),
      'CERTIFICATE_UNTRUSTED',
    ],
    [
      'the signature of another version',
      () => ({ signatures: [sigstore.signature({ ...pkg, version: '1.0.1' })] }),
      'SIGNATURE_INVALID',
    ],
    [
      'a key of nobody',
      () => ({ signatures: [{ ...sigstore.signature(pkg), keyid: 'SHA256:x' }] }),
      'EVIDENCE_UNKNOWN',
    ],
  ]
  for (const [what, options, code] of REFUSED) {
    test(`is not met by ${what}`, async (t) => {
      registry.publish(widget, options())
      assert.equal(await ending(t), code)
    })
  }

  test('says, where there is nothing, that a signature of the registry would do', async (t) => {
    registry.publish(widget, {})
    const made = project(t)
    const { stdout } = await runCli(['explain', '@acme/widget'], { cwd: made.dir, env: made.env })
    assert.match(stdout, /found +no attestations at .*, and no signature of the registry$/m)
    assert.match(stdout, /expected +an attestation document, or a signature of the registry$/m)
    assert.match(stdout, /to pass +a version that the registry has signed, or that has provenance; or "evidenceFrom"/)
    const strict = project(
      t,
      POLICY.replace('require: signature', 'require: provenance, publisher: { repository: acme/x }'),
    )
    const other = await runCli(['explain', '@acme/widget'], { cwd: strict.dir, env: strict.env })
    assert.match(other.stdout, /expected +an attestation document$/m)
    assert.match(other.stdout, /to pass +a version that has provenance;/)
  })

  test('is not met by a signature over other bytes than the lockfile has', async (t) => {
    const other = createTarball({ name: '@acme/widget', version: '1.0.0', files: { 'other.js': '' } })
    registry.publish(other, { signatures: [sigstore.signature({ ...pkg, integrity: other.integrity })] })
    assert.equal(await ending(t), 'DIGEST_MISMATCH')
  })

  test('is not met by a signature where there are attestations that do not hold', async (t) => {
    const { integrity } = createTarball({ name: '@acme/widget', version: '1.0.0', files: { 'other.js': '' } })
    const attestations = await sigstore.document({ ...pkg, integrity, now: SIGNED_AT })
    registry.publish(widget, { attestations, signatures: [sigstore.signature(pkg)] })
    assert.equal(await ending(t), 'DIGEST_MISMATCH')
    assert.equal(asked().length, 1)
  })

  test('is met by a signature where there are attestations of another version alone: the same as none', async (t) => {
    const attestations = await sigstore.document({ ...pkg, version: '2.0.0', now: SIGNED_AT })
    registry.publish(widget, { attestations, signatures: [sigstore.signature(pkg)] })
    assert.equal(await ending(t), 'proven')
  })

  test('is not met by attestations of another version', async (t) => {
    registry.publish(widget, { attestations: await sigstore.document({ ...pkg, version: '2.0.0', now: SIGNED_AT }) })
    assert.equal(await ending(t), 'SUBJECT_MISMATCH')
  })

  test('is not met, nor refused for good, where the registry gives no answer', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg)] })
    registry.misbehave({ match: '/@acme/widget/1.0.0', how: 'status', status: 403 })
    assert.equal(await ending(t), 'EVIDENCE_UNAVAILABLE')
  })

  test('with a minimum age needs an attestation: nobody has signed when a signature was made', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg)] })
    const aged = POLICY.replace('signature }', 'signature, minimumAge: 1d }')
    assert.equal(await ending(t, aged), 'TOO_YOUNG')
  })
})

describe('a minimum age, with a publish attestation by a key that the trust root does not have yet', () => {
  const newer = sigstore.npmKeys.keys.filter(({ keyId }) => keyId === sigstore.signature(pkg).keyid)
  const known = sigstore.npmKeys.keys.filter((key) => !newer.includes(key))
  const published = new Date(Date.now() - 60 * 60 * 1000)
  const rule = 'require: provenance, publisher: { repository: acme/widgets }, minimumAge: 7d'
  for (const [how, more] of [
    ['', []],
    [', out of what is remembered', ['--offline']],
  ] as const) {
    test(`is not known to be met, and is once the keys are there${how}`, async (t) => {
      registry.publish(widget, {
        attestations: await sigstore.document({ ...pkg, now: SIGNED_AT, publish: { now: published } }),
      })
      const made = project(t, POLICY.replace('require: signature', rule))
      const verify = async (keys: unknown, ...options: readonly string[]) => {
        writeFileSync(path.join(made.dir, 'keys.json'), JSON.stringify({ keys }))
        const { status, stdout } = await runCli(['verify', '--json', ...options], { cwd: made.dir, env: made.env })
        return [status, JSON.parse(stdout).packages[0].code]
      }
      const unknown = [2, 'EVIDENCE_UNKNOWN']
      assert.deepEqual(await verify(known), unknown)
      assert.deepEqual(await verify(known, ...more), unknown)
      assert.deepEqual(await verify([...known, ...newer], ...more), [1, 'TOO_YOUNG'])
    })
  }
})

describe('other rules', () => {
  test('do not ask for signatures', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg)] })
    const rule = 'require: provenance, publisher: { repository: acme/widgets }'
    assert.equal(await ending(t, POLICY.replace('require: signature', rule)), 'EVIDENCE_MISSING')
    assert.equal(asked().length, 1)
  })
})

test('explain names the key, and a folder may have signatures too', async (t) => {
  const made = project(t)
  writeDocuments(made, { '@acme/widget@1.0.0.signatures': { signatures: [sigstore.signature(pkg)] } })
  const args = ['explain', '@acme/widget', '--attestations', '../attestations']
  const { status, stdout } = await runCli(args, { cwd: made.dir, env: made.env })
  assert.equal(status, 0)
  assert.match(stdout, /\n {4}no publish attestation\n {4}signature by the registry, with its key SHA256:\S+\n/)
})

describe('another registry', () => {
  // One transparency log, keys of two registries.
  const split = (at: number) => ({
    keys: sigstore.npmKeys.keys.filter(({ keyId }) => keyId === sigstore.signature(pkg, at).keyid),
  })
  const [theirs, npm] = [split(0), split(1)]
  const answer = (end: string | null) => ({
    keys: theirs.keys
      .filter(({ keyUsage }) => keyUsage === 'npm:signatures')
      .map(({ keyId, publicKey }) => ({
        ...{ expires: end, keyid: keyId, keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256' },
        key: publicKey.rawBytes,
      })),
  })
  const TRUST = 'trust: { trustedRoot: root.json, npmKeys: keys.json, registries: { acme: acme.json } }\n'
  const rule = (more: string) => `${TRUST}rules: [{ packages: '**', require: signature${more} }]\n`

  function of(t: TestContext, policy: string, acme: unknown = answer(null)) {
    const made = project(t, policy)
    writeFileSync(path.join(made.dir, 'keys.json'), JSON.stringify(npm))
    writeFileSync(path.join(made.dir, 'acme.json'), JSON.stringify(acme))
    return made
  }
  const ends = async (...args: Parameters<typeof of>) => Object.values(endings(await report(of(...args))))[0]

  test('vouches by its own keys, where a rule names it', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg, 0)] })
    assert.equal(await ends(t, rule(', registry: acme')), 'proven')
    assert.equal(await ends(t, rule('')), 'REGISTRY_MISMATCH')
  })

  test('is not the default one', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg, 1)] })
    assert.equal(await ends(t, rule(', registry: acme')), 'REGISTRY_MISMATCH')
    assert.equal(await ends(t, rule('')), 'proven')
  })

  test('beside an attestation of the default one is asked for its signature', async (t) => {
    const attestations = await sigstore.document({ ...pkg, now: SIGNED_AT, publish: { npmKey: 1 } })
    registry.publish(widget, { attestations, signatures: [sigstore.signature(pkg, 0)] })
    assert.equal(await ends(t, rule(', registry: acme')), 'proven')
    assert.equal(asked().length, 2)
    registry.forgetRequests()
    assert.equal(await ends(t, rule('')), 'proven')
    assert.equal(asked().length, 1)
  })

  test('signs attestations too, with its keys as they are in TUF', async (t) => {
    // In the time of that key.
    const now = day('2024-06-01')
    const { attestations } = await sigstore.document({ ...pkg, now, publish: { npmKey: 0 } })
    registry.publish(widget, { attestations: { attestations: attestations.slice(0, 1) } })
    assert.equal(await ends(t, rule(', registry: acme'), theirs), 'proven')
    assert.equal(await ends(t, rule(''), theirs), 'REGISTRY_MISMATCH')
    assert.equal(await ends(t, rule(', registry: acme'), { keys: [] }), 'EVIDENCE_UNKNOWN')
  })

  test('next to a newer attestation of the default one is met by its own', async (t) => {
    const [own, newer] = [
      await sigstore.publish({ ...pkg, now: day('2024-06-01'), npmKey: 0 }),
      await sigstore.publish({ ...pkg, now: SIGNED_AT, npmKey: 1 }),
    ]
    registry.publish(widget, {
      attestations: { attestations: [own, newer].map((bundle) => ({ predicateType: 'x', bundle })) },
    })
    assert.equal(await ends(t, rule(', registry: acme'), theirs), 'proven')
    assert.equal(await ends(t, rule(''), theirs), 'proven')
    assert.deepEqual(new Set(asked()), new Set(['/-/npm/v1/attestations/@acme/widget@1.0.0']))
    const made = of(t, rule(', registry: acme'), theirs)
    const { stdout } = await runCli(['explain', '@acme/widget'], { cwd: made.dir, env: made.env })
    assert.match(
      stdout,
      /publish attestation by the registry, signed at .*\n +publish attestation by the registry acme, signed at 2024-06-01T/,
    )
  })

  test('with a key that is over does not vouch for what is new', async (t) => {
    registry.publish(widget, { signatures: [sigstore.signature(pkg, 0)], time: '2025-06-01T10:00:00.000Z' })
    assert.equal(await ends(t, rule(', registry: acme'), answer('2025-01-01T00:00:00.000Z')), 'CERTIFICATE_UNTRUSTED')
  })

  for (const [what, policy, acme, message] of [
    [
      'a name that is not there',
      rule(', registry: acmee'),
      answer(null),
      /registry "acmee", whose keys "trust" does not name.*Did you mean "acme"\?/,
    ],
    ['a key of both', rule(', registry: acme'), npm, /is one of another registry already/],
    ['no keys', rule(', registry: acme'), {}, /acme\.json is not a usable keys\.json/],
    ['a name that is none', rule('').replace('acme:', "'a c':"), answer(null), /is not a name for a registry/],
    [
      'provenance',
      rule(', registry: acme').replace('signature,', 'provenance, publisher: { repository: acme/widgets },'),
      answer(null),
      /its "registry" would never be looked at/,
    ],
    ['a file that is not there', rule('').replace('acme.json', 'none.json'), answer(null), /none\.json is not there/],
  ] as const) {
    test(`mistakes: ${what}`, async (t) => {
      registry.publish(widget, { signatures: [sigstore.signature(pkg, 0)] })
      const made = of(t, policy, acme)
      const { status, stderr } = await runCli(['verify'], { cwd: made.dir, env: made.env })
      assert.equal(status, 2, stderr)
      assert.match(stderr, message)
    })
  }
})
