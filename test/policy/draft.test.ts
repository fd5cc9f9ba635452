import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ok, refuse } from '../../src/codes.ts'
import type { Examined } from '../../src/policy/accept.ts'
import { draftPolicy } from '../../src/policy/draft.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Claims } from '../../src/verify/types.ts'

const GITHUB = 'https://token.actions.githubusercontent.com'

function examined(name: string, repository?: string, issuer = GITHUB, version = '1.0.0'): Examined {
  const key = `${name}@${version}`
  const pkg = {
    name,
    version,
    integrity: 'sha512-x',
    source: 'registry' as const,
    origin: undefined,
    importers: ['.'],
    key,
  }
  if (repository === undefined) return { pkg, proof: refuse('EVIDENCE_MISSING', 'x', 'y') }
  const claims = { issuer, repository, ref: 'refs/heads/main' } as unknown as Claims
  return { pkg, proof: ok({ provenance: [{ predicateType: 'x', claims, signedAt: 'x' }], publish: undefined }) }
}

const rulesOf = (all: readonly Examined[]) =>
  parsePolicy(draftPolicy(all, {}), '.sigstorerc').rules.map(({ packages, require, unchanged, publishers }) => ({
    packages,
    require,
    unchanged,
    publishers: publishers.map(({ repository }) => repository),
  }))

const REST = { packages: ['**'], require: 'nothing', unchanged: true, publishers: [] }
const github = (path: string) => `https://github.com/${path}`

describe('a first policy', () => {
  it('for nothing, and for packages of which nothing is proven, holds on to what comes', () => {
    assert.deepEqual(rulesOf([]), [REST])
    assert.deepEqual(rulesOf([examined('left-pad'), examined('@acme/a')]), [REST])
  })

  it('has a rule for a large scope of which everything is proven, with whoever owns its repositories', () => {
    const all = ['a', 'b', 'c', 'd'].map((name) =>
      examined(`@acme/${name}`, github(`${name < 'c' ? 'acme' : 'acme-labs'}/${name}`)),
    )
    assert.deepEqual(rulesOf(all), [
      {
        packages: ['@acme/*'],
        require: 'provenance',
        unchanged: true,
        publishers: [github('acme-labs/*'), github('acme/*')],
      },
      REST,
    ])
  })

  it('has one rule for all small scopes', () => {
    const all = [examined('@b/x', github('b/x')), examined('@a/x', github('a/x')), examined('@a/y', github('a/y'))]
    assert.deepEqual(rulesOf(all), [
      { packages: ['@a/*', '@b/*'], require: 'provenance', unchanged: true, publishers: [] },
      REST,
    ])
  })

  it('counts names, not versions', () => {
    const all = ['1.0.0', '2.0.0', '3.0.0'].map((version) => examined('@a/x', github('a/x'), GITHUB, version))
    assert.deepEqual(rulesOf(all)[0]?.publishers, [])
  })

  it('asks nothing of a scope of which one package, or one version, is not proven', () => {
    const proven = ['a', 'b', 'c'].map((name) => examined(`@acme/${name}`, github(`acme/${name}`)))
    assert.deepEqual(rulesOf([...proven, examined('@acme/d')]), [REST])
    assert.deepEqual(rulesOf([...proven, examined('@acme/a', undefined, GITHUB, '0.9.0')]), [REST])
  })

  it('names the issuer of a host that does not tell it', () => {
    const all = ['a', 'b', 'c'].map((name) =>
      examined(`@acme/${name}`, 'https://git.example/acme/x', 'https://ci.example'),
    )
    const [rule] = parsePolicy(draftPolicy(all, {}), '.sigstorerc').rules
    assert.deepEqual(rule?.publishers, [{ issuer: 'https://ci.example', repository: 'https://git.example/acme/*' }])
  })

  it('names the trust root that it was made with', () => {
    const { trust } = parsePolicy(
      draftPolicy([], { trustedRoot: 'trust/root.json', npmKeys: 'keys.json' }),
      '/repo/.sigstorerc',
    )
    assert.deepEqual(trust, { trustedRoot: '/repo/trust/root.json', npmKeys: '/repo/keys.json' })
  })

  it('says in words what each part is', () => {
    const text = draftPolicy(
      [examined('@a/x', github('a/x')), ...['a', 'b', 'c'].map((n) => examined(`@acme/${n}`, github('acme/x')))],
      {},
    )
    for (const words of [
      /Written by `provenance-gate init`/,
      /Scopes of which everything is proven/,
      /small scopes/,
      /Everything else/,
    ]) {
      assert.match(text, words)
    }
  })
})
