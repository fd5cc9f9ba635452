/** Publish attestations of several registries in one document: a rule looks at those of its own. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import { ruleFor } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import { meets } from '../../src/policy/require.ts'
import { keyFinder, keyIds, registryKeys } from '../../src/trust/keys.ts'
import { createDocumentVerifier } from '../../src/verify/verify.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { accepted, documentOf, domainOf, locked, minutesLater, NOW, widgets } from './support.ts'

const DAY = 60 * 24
const start = new Date('2026-01-01T00:00:00Z')
const sigstore = await createSigstore({ now: NOW, npmKeys: [{ start }, { start }, { start }] })
const stranger = await createSigstore({ now: NOW })
const REGISTRIES = [undefined, 'acme', 'other']
const ids = keyIds({ keys: sigstore.npmKeys.keys.filter(({ keyUsage }) => keyUsage === 'npm:attestations') })
const verify = createDocumentVerifier([
  {
    ...domainOf(
      toTrustMaterial(
        TrustedRoot.fromJSON(sigstore.trustedRoot),
        keyFinder(registryKeys(sigstore.npmKeys, 'npm:attestations')),
      ),
    ),
    registries: new Map([
      [ids[1] ?? '', 'acme'],
      [ids[2] ?? '', 'other'],
    ]),
    keyIds: new Set(ids),
  },
])

const built = await sigstore.provenance(widgets)
const by = (npmKey: number, days: number) => sigstore.publish({ ...widgets, npmKey, now: minutesLater(DAY * days) })
const [npm, acme, other] = [await by(0, 10), await by(1, 0), await by(2, 0)]
const acmeLater = await by(1, 20)
const unread = await stranger.publish(widgets)
/** A day after the last of them. */
const now = minutesLater(DAY * 21)

function ends(rule: string, bundles: readonly unknown[]): readonly string[] {
  const policy = parsePolicy(
    `trust: { registries: { acme: k.json, other: o.json } }\nrules: [{ packages: "**", ${rule} }]`,
    '/.sigstorerc',
  )
  const all = [bundles, bundles.toReversed()].map((each) => {
    const proof = verify(locked(), documentOf(...each), now)
    const end = meets(ruleFor(locked(), policy) ?? assert.fail(), locked(), policy, proof, now)
    return end.met ? 'met' : end.refusal.code
  })
  return [...new Set(all)]
}

test('a proof has the latest publish attestation of each registry, and the latest of all first', () => {
  const { publish } = accepted(verify(locked(), documentOf(acme, other, npm, built, acmeLater, acme), now))
  assert.deepEqual(
    publish.map(({ registry, signedAt }) => [registry, signedAt]),
    [
      ['acme', '2026-03-21T12:00:00.000Z'],
      [undefined, '2026-03-11T12:00:00.000Z'],
      ['other', '2026-03-01T12:00:00.000Z'],
    ],
  )
  assert.deepEqual(new Set(publish.map(({ registry }) => registry)), new Set(REGISTRIES))
})

const PROVENANCE = 'require: provenance, publisher: { repository: acme/widgets }'
const cases: readonly (readonly [string, string, readonly unknown[], string])[] = [
  ['acme asks for its own', 'require: signature, registry: acme', [acme], 'met'],
  ['acme has a newer one of the default registry next to it', 'require: signature, registry: acme', [acme, npm], 'met'],
  ['the default one has a newer one of acme next to it', 'require: signature', [acmeLater, npm], 'met'],
  ['acme has one of each next to it', 'require: signature, registry: acme', [acme, npm, other], 'met'],
  ['acme has none', 'require: signature, registry: acme', [npm], 'REGISTRY_MISMATCH'],
  ['acme has none of two', 'require: signature, registry: acme', [npm, other], 'REGISTRY_MISMATCH'],
  ['the default one has none', 'require: signature', [acme], 'REGISTRY_MISMATCH'],
  ['the default one has none of two', 'require: signature', [acme, other], 'REGISTRY_MISMATCH'],
  ['one that cannot be read may be its own', 'require: signature', [acme, unread], 'EVIDENCE_UNKNOWN'],
  ['one that cannot be read, next to its own', 'require: signature', [npm, unread], 'met'],
  ['age by its own', 'require: signature, registry: acme, minimumAge: 15d', [acme, npm], 'met'],
  ['age by its own, and no older one', 'require: signature, minimumAge: 15d', [acme, npm], 'TOO_YOUNG'],
  [
    'age by the latest of its own',
    'require: signature, registry: acme, minimumAge: 2d',
    [acme, acmeLater],
    'TOO_YOUNG',
  ],
  ['age of a build', `${PROVENANCE}, minimumAge: 15d`, [built], 'met'],
  ['age of a build by the latest of all', `${PROVENANCE}, minimumAge: 15d`, [built, acme, npm], 'TOO_YOUNG'],
  ['age of a build by the latest of all, acme', `${PROVENANCE}, minimumAge: 5d`, [built, npm, acmeLater], 'TOO_YOUNG'],
  ['age of a build that all have published long ago', `${PROVENANCE}, minimumAge: 5d`, [built, npm, acme], 'met'],
]

describe('a rule, by the publish attestations of several registries', () => {
  for (const [name, rule, bundles, expected] of cases) {
    test(`${name}: ${expected}`, () => assert.deepEqual(ends(rule, bundles), [expected]))
  }
})
