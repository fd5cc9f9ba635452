import assert from 'node:assert/strict'
import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import { ok } from '../../src/codes.ts'
import { loadDomains } from '../../src/trust/load.ts'
import { type Signer, verifyArtifact } from '../../src/verify/artifact.ts'
import { parseBundle } from '../../src/verify/bundle.ts'
import { openDomain } from '../../src/verify/domain.ts'
import { verifySignature } from '../../src/verify/signature.ts'
import type { TrustDomain } from '../../src/verify/types.ts'
import { createDocumentVerifier } from '../../src/verify/verify.ts'
import { createSigstore } from '../support/sigstore/index.ts'
import { generateKey } from '../support/sigstore/keys.ts'
import { corpusFile, fileOf, GENUINE, LATER, lockedGenuine, readCorpus } from './corpus.ts'
import type { Kind } from './every-byte.ts'
import { openWorkshop } from './forge.ts'
import {
  bundlesOf,
  changed,
  documentOf,
  domainOf,
  entryOf,
  locked,
  minutesLater,
  NOW,
  type Trust,
  widgets,
} from './support.ts'

// How a bundle of each kind is verified: those of packages as the gate does, those of files as `verify-bundle` does.

async function corpusTrust(trustedRoot?: string, name?: string): Promise<TrustDomain> {
  return domainOf((await loadDomains({ trustedRoot }, { now: LATER }))[0].material, name)
}

/** An attestation of a genuine document, alone. */
export async function attestation(version: string, signer: 'certificate' | 'key'): Promise<Kind> {
  const genuine = GENUINE.find((candidate) => candidate.version === version) ?? assert.fail()
  const bundle = bundlesOf(readCorpus(fileOf(genuine))).find(
    ({ verificationMaterial }) => (verificationMaterial.publicKey === undefined) === (signer === 'certificate'),
  )
  const verify = createDocumentVerifier([await corpusTrust()])
  return { bundle, verify: (changed) => verify(lockedGenuine(genuine), documentOf(changed), LATER) }
}

/** One that a person signed, which no rule about packages accepts: its signature, certificate, log entry and time. */
export async function foreign(file: string): Promise<Kind> {
  const [bundle] = bundlesOf(readCorpus('attestations', 'foreign-signer', file))
  return { bundle, verify: signatureOnly(await corpusTrust()) }
}

export async function release(): Promise<Kind> {
  const trust = await corpusTrust(corpusFile('trust', 'github', 'trusted_root.json'), 'github')
  return {
    bundle: readCorpus('github-release', 'bdehamer__delme@v6.json'),
    verify: signatureOnly(trust),
  }
}

function signatureOnly(trust: TrustDomain, now = LATER): Kind['verify'] {
  const domain = openDomain(trust)
  return (json) => {
    const bundle = parseBundle(json, 'the bundle')
    const result = bundle.ok ? verifySignature(bundle.value, domain, now) : bundle
    if (!result.ok) return result
    const { certificate, signedAt } = result.value
    return ok({ signedAt, certificate: certificate?.tbsCertificate.toDER() })
  }
}

const BEACON = 'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon'

/** A case of the conformance suite that has to pass, about a file or its digest. */
export async function conformance(name: string): Promise<Kind> {
  const file = (which: string) => corpusFile('conformance', 'bundle-verify', name, which)
  const own = (which: string) => (existsSync(file(which)) ? file(which) : undefined)
  const trust = await corpusTrust(own('trusted_root.json'))
  const bytes = readFileSync(own('artifact') ?? corpusFile('conformance', 'bundle-verify', 'a.txt'))
  const key = own('key.pub')
  const signer: Signer =
    key === undefined
      ? {
          identity: `${BEACON}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main`,
          issuer: 'https://token.actions.githubusercontent.com',
        }
      : { key: createPublicKey(readFileSync(key)) }
  return {
    bundle: readCorpus('conformance', 'bundle-verify', name, 'bundle.sigstore.json'),
    verify: (bundle) => verifyArtifact(bundle, { bytes }, signer, trust, LATER),
  }
}

/** Of a local Sigstore, and small: a provenance, a file signed by a key, and timestamps in the place of a promise, and next to one. */
export async function localKinds(): Promise<readonly Kind[]> {
  const sigstore = await createSigstore({ now: NOW })
  const workshop = openWorkshop()
  const trust = rootOf(sigstore)
  const provenance = createDocumentVerifier([trust])
  const stamped = createDocumentVerifier([rootOf(workshop.trust)])
  const key = generateKey('P-256')
  const signer = { key: createPublicKey({ key: key.spki, format: 'der', type: 'spki' }) }
  const bytes = Buffer.from('a file\n')
  const forged = workshop.forge({ timestamps: [{ at: NOW }] })
  const unpromised = changed(forged, (copy) => {
    Object.assign(entryOf(copy), { integratedTime: null, inclusionPromise: null })
  })
  const unlogged = changed(forged, ({ verificationMaterial }) => {
    verificationMaterial.tlogEntries = []
  })
  return [
    {
      bundle: await sigstore.provenance(widgets),
      verify: (bundle) => provenance(locked(), documentOf(bundle), NOW),
    },
    {
      bundle: await sigstore.blob(bytes, { now: NOW, key }),
      verify: (bundle) => verifyArtifact(bundle, { bytes }, signer, trust, minutesLater(1)),
    },
    { bundle: unpromised, verify: (bundle) => stamped(locked(), documentOf(bundle), NOW) },
    { bundle: unlogged, verify: signatureOnly(rootOf(workshop.trust, 'github'), NOW) },
    { bundle: forged, verify: (bundle) => stamped(locked(), documentOf(bundle), NOW) },
  ]
}

function rootOf({ trustedRoot }: Trust, name?: string): TrustDomain {
  return domainOf(toTrustMaterial(TrustedRoot.fromJSON(trustedRoot)), name)
}
