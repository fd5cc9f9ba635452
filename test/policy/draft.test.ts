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
  return { pkg, proof: ok({ provenance: [{ predicateType: 'x', claims, signedAt: 'x' }], publish: [] }) }
}

const rulesOf = (all: readonly Examined[]) =>
  parsePolicy(draftPolicy(all), '.sigstorerc').rules.map(({ packages, require, unchanged, publishers }) => ({
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

  it('asks nothing of small scopes, whose packages the identity lock holds one by one', () => {
    const all = [examined('@b/x', github('b/x')), examined('@a/x', github('a/x')), examined('@a/y', github('a/y'))]
    assert.deepEqual(rulesOf(all), [REST])
  })

  it('counts names, not versions', () => {
    const all = ['1.0.0', '2.0.0', '3.0.0'].map((version) => examined('@a/x', github('a/x'), GITHUB, version))
    assert.deepEqual(rulesOf(all), [REST])
  })

  it('has one rule for all scopes of the same owners', () => {
    const scope = (name: string, owner: string) =>
      ['x', 'y', 'z'].map((each) => examined(`@${name}/${each}`, github(`${owner}/${each}`)))
    const rule = (packages: readonly string[], owner: string) => ({
      packages,
      require: 'provenance',
      unchanged: true,
      publishers: [github(`${owner}/*`)],
    })
    assert.deepEqual(rulesOf([...scope('c', 'acme'), ...scope('b', 'other'), ...scope('a', 'acme')]), [
      rule(['@a/*', '@c/*'], 'acme'),
      rule(['@b/*'], 'other'),
      REST,
    ])
  })

  it('asks nothing of a scope of which one package, or one version, is not proven', () => {
    const proven = ['a', 'b', 'c'].map((name) => examined(`@acme/${name}`, github(`acme/${name}`)))
    assert.deepEqual(rulesOf([...proven, examined('@acme/d')]), [REST])
    assert.deepEqual(rulesOf([...proven, examined('@acme/a', undefined, GITHUB, '0.9.0')]), [REST])
  })

  it('names the issuer where the host does not tell it', () => {
    const publishersOf = (repository: string, issuer: string) => {
      const all = ['a', 'b', 'c'].map((name) => examined(`@acme/${name}`, repository, issuer))
      return parsePolicy(draftPolicy(all), '.sigstorerc').rules[0]?.publishers
    }
    assert.deepEqual(publishersOf('https://git.example/acme/x', 'https://ci.example'), [
      { domain: 'sigstore', issuer: 'https://ci.example', repository: 'https://git.example/acme/*' },
    ])
    const other = 'https://ci.example/org/1'
    assert.deepEqual(publishersOf(github('acme/x'), other), [
      { domain: 'sigstore', issuer: other, repository: github('acme/*') },
    ])
    assert.deepEqual(publishersOf(github('acme/x'), GITHUB), [
      { domain: 'sigstore', issuer: GITHUB, repository: github('acme/*') },
    ])
    const both = ['a', 'b', 'c'].map((name) =>
      examined(`@acme/${name}`, github('acme/x'), name === 'a' ? other : GITHUB),
    )
    assert.equal(parsePolicy(draftPolicy(both), '.sigstorerc').rules[0]?.publishers.length, 2)
  })

  it('refuses what has attestations that do not hold, and asks nothing else of its scope because of it', () => {
    const broken = { ...examined('@acme/d'), proof: refuse('DIGEST_MISMATCH', 'x', 'y') }
    const [first, second] = rulesOf([
      ...['a', 'b', 'c'].map((name) => examined(`@acme/${name}`, github('acme/x'))),
      broken,
    ])
    assert.deepEqual(first, { packages: ['@acme/d@1.0.0'], require: 'signature', unchanged: false, publishers: [] })
    assert.deepEqual(second?.packages, ['@acme/*'])
  })

  it('refuses what nothing is known of, apart from what is bad', () => {
    const unknown = { ...examined('@acme/e'), proof: refuse('EVIDENCE_UNKNOWN', 'x', 'y') }
    const broken = { ...examined('@acme/d'), proof: refuse('DIGEST_MISMATCH', 'x', 'y') }
    const text = draftPolicy([unknown, broken])
    assert.deepEqual(
      parsePolicy(text, '.sigstorerc').rules.map(({ packages, require }) => [...packages, require]),
      [
        ['@acme/d@1.0.0', 'signature'],
        ['@acme/e@1.0.0', 'signature'],
        ['**', 'nothing'],
      ],
    )
    assert.match(text, /# Nothing was known of their attestations/)
    assert.doesNotMatch(draftPolicy([unknown]), /did not hold/)
  })

  const from = (name: string, more: Partial<Examined['pkg']>): Examined => {
    const { pkg, proof } = examined(name)
    return { pkg: { ...pkg, ...more }, proof }
  }
  const signed = (each: Examined): Examined => {
    const signature = { keyId: 'x' } as never
    return { ...each, signed: ok({ provenance: [], publish: [], signature }) }
  }
  const drafted = (all: readonly Examined[]) =>
    parsePolicy(draftPolicy(all), '.sigstorerc').rules.map(({ packages, source = [], require }) =>
      [packages.join(' '), ...source, require].join(', '),
    )

  it('has a rule for each source that is no registry, by exact names and aliases, and none for what is unknown', () => {
    assert.deepEqual(
      drafted([
        from('lib', { source: 'workspace' }),
        from('b', { source: 'git', aliases: ['a'] }),
        from('t', { source: 'tarball' }),
        from('moved', { outside: 'https://registry.npmjs.org/', origin: 'https://files.example/moved.tgz' }),
        from('d', { source: 'directory' }),
        from('node', { source: 'runtime' }),
        from('odd', { source: 'unknown' }),
      ]),
      [
        '**, workspace, nothing',
        'd, directory, nothing',
        'a b, git, nothing',
        'moved t, tarball, nothing',
        'node, runtime, nothing',
        '**, nothing',
      ],
    )
  })

  it('asks for signatures where the registry has some, and names what has none', () => {
    assert.deepEqual(drafted([signed(examined('a')), signed(examined('b'))]), ['**, signature'])
    assert.deepEqual(drafted([signed(examined('a')), examined('c'), from('b', { aliases: ['d'] })]), [
      'b c d, registry, nothing',
      '**, signature',
    ])
    assert.deepEqual(drafted([examined('a')]), ['**, nothing'])
  })

  it('takes the signature of another registry for none', () => {
    const signature = { keyId: 'x', registry: 'acme' } as never
    const other = { ...examined('a'), signed: ok({ provenance: [], publish: [], signature }) }
    assert.deepEqual(drafted([other]), ['**, nothing'])
  })

  it('has the projects and exceptions that it is given', () => {
    const exceptions = [{ package: 'a@1.0.0', reason: 'x', expires: '2027-01-01' }]
    const text = draftPolicy([], { projects: ['apps/strict'], exceptions })
    assert.match(text, /^projects:\n {2}- apps\/strict\n/m)
    const [exception] = parsePolicy(text, '.sigstorerc').exceptions
    assert.deepEqual([exception?.name, exception?.version, exception?.reason], ['a', '1.0.0', 'x'])
  })

  it('names the trust root that it was made with', () => {
    const { trust } = parsePolicy(
      draftPolicy([], { trust: { trustedRoot: 'trust/root.json', npmKeys: 'keys.json' } }),
      '/repo/.sigstorerc',
    )
    assert.deepEqual(trust, { trustedRoot: '/repo/trust/root.json', npmKeys: '/repo/keys.json' })
  })

  it('says in words what each part is', () => {
    const broken = { ...examined('x'), proof: refuse('DIGEST_MISMATCH', 'x', 'y') }
    const text = draftPolicy([broken, ...['a', 'b', 'c'].map((n) => examined(`@acme/${n}`, github('acme/x')))])
    for (const words of [
      /Written by `provenance-gate init`/,
      /did not hold when this was written/,
      /Scopes of which everything is proven/,
      /Everything else/,
    ]) {
      assert.match(text, words)
    }
  })
})
