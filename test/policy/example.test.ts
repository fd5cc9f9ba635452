import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { ruleFor } from '../../src/policy/decide.ts'
import { loadPolicy } from '../../src/policy/load.ts'

const file = fileURLToPath(new URL('../../.sigstorerc.example', import.meta.url))

describe('the example', () => {
  it('is a policy, and says what its comments say', async () => {
    const policy = await loadPolicy({ file })
    const about = (name: string, version: string) => {
      const pkg: LockedPackage = {
        name,
        version,
        integrity: undefined,
        source: 'registry',
        origin: undefined,
        importers: [],
        key: `${name}@${version}`,
      }
      return ruleFor(pkg, policy)
    }
    assert.equal(about('@acme/app', '1.0.0')?.publishers[0]?.ownerId, '61840275')
    assert.deepEqual(about('sigstore', '2.3.1')?.publishers, [
      {
        domain: 'sigstore',
        issuer: 'https://token.actions.githubusercontent.com',
        repository: 'https://github.com/sigstore/sigstore-js',
        workflow: '.github/workflows/release.yml',
        ref: 'refs/heads/main',
      },
    ])
    assert.equal(about('@playwright/cli', '0.1.1')?.publishers[0]?.ref, 'refs/tags/v*')
    assert.equal(about('tuf-js', '1.0.0')?.publishers.length, 2)
    assert.equal(about('tuf-js', '4.0.0')?.publishers.length, 1)
    assert.equal(about('typescript', '7.0.2')?.evidenceFrom, 'https://registry.npmjs.org/')
    assert.equal(about('left-pad', '1.3.0')?.require, 'nothing')
    assert.equal(about('@sigstore/verify', '4.0.0')?.minimumAge, '3d')
    assert.equal(about('@sigstore/tuf', '4.0.0'), undefined)
    assert.equal(policy.exceptions[0]?.name, '@acme/legacy')
  })

  it('shows trust files that are read when the comment signs are removed', async () => {
    const { readFile } = await import('node:fs/promises')
    const { parsePolicy } = await import('../../src/policy/parse.ts')
    const text = (await readFile(file, 'utf8')).replace(/^# (trust:| {2}\w+: )/gm, '$1')
    assert.deepEqual(parsePolicy(text, '/repo/.sigstorerc').trust, {
      trustedRoot: '/repo/trust/trusted_root.json',
      npmKeys: '/repo/trust/npm-keys.json',
      domains: new Map([['acme', { trustedRoot: '/repo/trust/acme_root.json', thresholds: { signedTimestamps: 1 } }]]),
      registries: new Map([['acme', '/repo/trust/acme-keys.json']]),
    })
  })
})
