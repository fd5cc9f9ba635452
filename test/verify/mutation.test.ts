import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSigstore } from '../support/sigstore/index.ts'
import { flipEveryByte, swapSignatures } from './every-byte.ts'
import { localKinds } from './kinds.ts'
import { everyMutation, mutate, valueAt } from './mutate.ts'
import { describeMutations, judge } from './mutation-check.ts'
import { locked, NOW, verifierFor, widgets } from './support.ts'
import { placeOf, UNSIGNED } from './unsigned.ts'

const sigstore = await createSigstore({ now: NOW })
const local = { pkg: locked(), now: NOW, verify: verifierFor(sigstore) }
const early = { bundleVersion: '0.1', entryKind: 'intoto', predicate: 'v0.2', legacyClaims: true } as const

describeMutations('a document of today', { skip: false, bytes: 700 }, async () => ({
  ...local,
  document: await sigstore.document(widgets),
}))
describeMutations('a document of 2023', { skip: false, bytes: 700 }, async () => ({
  ...local,
  document: await sigstore.document({ ...widgets, ...early }),
}))
describeMutations('a document between', { skip: false, bytes: 600 }, async () => ({
  ...local,
  document: await sigstore.document({ ...widgets, bundleVersion: '0.2', entryKind: 'intoto' }),
}))

test('each named difference is one that does occur', async () => {
  const document = await sigstore.document({ ...widgets, ...early })
  for (const attestation of document.attestations) Object.assign(attestation, { signedAccessSignatureUrl: '' })
  const mutations = everyMutation(document)
  const ofBytes = (await localKinds()).flatMap((kind) => [flipEveryByte(kind, { stride: 29 }), swapSignatures(kind)])
  const inBytes = new Set(ofBytes.flatMap(({ accepted }) => accepted.map(({ named }) => named)))
  for (const { what, why, covers } of UNSIGNED) {
    const occurs = mutations.some((mutation) => {
      const { path } = mutation
      const before = valueAt(document, path)
      const change = { place: placeOf(path), path, before, after: mutation.change(before), document }
      return covers(change) && judge(local, mutate(document, mutation)).ok
    })
    assert.ok((occurs || inBytes.has(what)) && why !== '', what)
  }
})
