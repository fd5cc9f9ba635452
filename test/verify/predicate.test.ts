import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { toTrustMaterial } from '@sigstore/verify'
import fc from 'fast-check'
import { ok, type RefusalCode } from '../../src/codes.ts'
import { checkProvenance } from '../../src/verify/predicate.ts'
import { createDocumentVerifier } from '../../src/verify/verify.ts'
import {
  createSigstore,
  type ProvenanceOptions,
  type PublishOptions,
  type WorkflowIdentity,
} from '../support/sigstore/index.ts'
import {
  accepted,
  documentOf,
  domainOf,
  locked,
  NOW,
  onlyProvenance,
  refused,
  verifierFor,
  widgets,
} from './support.ts'

const sigstore = await createSigstore({ now: NOW })
const verify = verifierFor(sigstore)

const REPOSITORY = 'https://github.com/acme/widgets'
const EVIL = 'https://github.com/evil/widgets'
const COMMIT = '4c8ad3f1b6e2907d5a1f83c6e0b9472d61f5a8c3'
const OTHER_COMMIT = COMMIT.replace('4', '5')

async function judge(options: Partial<ProvenanceOptions>) {
  return verify(locked(), documentOf(await sigstore.provenance({ ...widgets, ...options })), NOW)
}

type Overrides = NonNullable<ProvenanceOptions['predicateOverrides']>

function refuses(name: string, predicateOverrides: Overrides, options: Partial<ProvenanceOptions> = {}): void {
  test(`refuses ${name}`, async () => {
    refused(await judge({ ...options, predicateOverrides }), 'PREDICATE_MISMATCH')
  })
}

function accepts(name: string, predicateOverrides: Overrides, options: Partial<ProvenanceOptions> = {}): void {
  test(`accepts ${name}`, async () => {
    onlyProvenance(await judge({ ...options, predicateOverrides }))
  })
}

describe('provenance v1', () => {
  const build = (buildDefinition: unknown): Overrides => ({ buildDefinition })
  const workflow = (change: object): Overrides => build({ externalParameters: { workflow: change } })
  const source = (change: object) =>
    build({
      resolvedDependencies: [{ uri: `git+${REPOSITORY}@refs/heads/main`, digest: { gitCommit: COMMIT }, ...change }],
    })
  const builder = (id: unknown): Overrides => ({ runDetails: { builder: { id } } })

  accepts('what the build wrote', {})
  accepts('more than is known', { ...workflow({ inputs: {} }), futureField: { a: [1] } })

  refuses('another repository of the workflow', workflow({ repository: EVIL }))
  refuses('a repository in capitals', workflow({ repository: REPOSITORY.toUpperCase() }))
  refuses('a repository with a slash more', workflow({ repository: `${REPOSITORY}/` }))
  refuses('a repository in a list', workflow({ repository: [REPOSITORY] }))
  refuses('no repository by way of null', workflow({ repository: null }))
  refuses('another ref of the workflow', workflow({ ref: 'refs/heads/evil' }))
  refuses('a short ref', workflow({ ref: 'main' }))
  refuses('another workflow', workflow({ path: '.github/workflows/evil.yml' }))
  refuses('a workflow with its ref', workflow({ path: '.github/workflows/release.yml@refs/heads/main' }))
  refuses('a workflow that is a number', workflow({ path: 1 }))
  // The certificate says all this. What the provenance leaves out it does not contradict.
  accepts('no workflow', build({ externalParameters: { workflow: undefined } }))
  accepts('no parameters', build({ externalParameters: undefined }))

  refuses('another source', source({ uri: `git+${EVIL}@refs/heads/main` }))
  refuses('another ref of the source', source({ uri: `git+${REPOSITORY}@refs/heads/evil` }))
  refuses('a ref that goes on', source({ uri: `git+${REPOSITORY}@refs/heads/main@refs/heads/evil` }))
  refuses('a source whose name begins the same', source({ uri: `git+${REPOSITORY}-evil@refs/heads/main` }))
  refuses('a source that is not git', source({ uri: `${REPOSITORY}@refs/heads/main` }))
  refuses('a source with a short ref', source({ uri: `git+${REPOSITORY}@main` }))
  refuses('a source in a list', source({ uri: [`git+${REPOSITORY}@refs/heads/main`] }))
  refuses('a source without a place', source({ uri: undefined }))
  accepts('a source without a ref', source({ uri: `git+${REPOSITORY}` }))
  refuses('another commit', source({ digest: { gitCommit: OTHER_COMMIT } }))
  refuses('a shorter commit', source({ digest: { gitCommit: COMMIT.slice(0, 12) } }))
  refuses('a commit in capitals', source({ digest: { gitCommit: COMMIT.toUpperCase() } }))
  refuses('no commit', source({ digest: {} }))
  refuses('a commit under another name', source({ digest: { sha1: COMMIT } }))
  refuses('no digest', source({ digest: undefined }))
  refuses('no source', build({ resolvedDependencies: [] }))
  refuses('no list of sources', build({ resolvedDependencies: undefined }))
  refuses('sources that are no list', build({ resolvedDependencies: { 0: { uri: `git+${REPOSITORY}` } } }))
  refuses('a source that is null', build({ resolvedDependencies: [null] }))
  accepts('further sources', (predicate) => {
    const { buildDefinition } = predicate as { buildDefinition: { resolvedDependencies: unknown[] } }
    buildDefinition.resolvedDependencies.push({ uri: 'https://example.com/tool.tgz' })
    return predicate
  })
  refuses('further sources put first', (predicate) => {
    const { buildDefinition } = predicate as { buildDefinition: { resolvedDependencies: unknown[] } }
    buildDefinition.resolvedDependencies.unshift({ uri: 'https://example.com/tool.tgz' })
    return predicate
  })
  refuses('nothing about the build', build(undefined))
  refuses('nothing at all', () => ({}))

  refuses('a builder of another kind', builder('https://github.com/actions/runner/self-hosted'))
  refuses('a builder from elsewhere', builder('https://evil.example/runner'))
  refuses("a builder of another host's kind", builder(`${REPOSITORY}/-/runners/1`))
  refuses('a builder whose name begins the same', builder('https://github.com/actions/runner-evil'))
  refuses('no builder', builder(undefined))
  refuses('a builder that is null', builder(null))
  refuses('a builder in a list', builder(['https://github.com/actions/runner']))
  refuses('nothing about the run', { runDetails: undefined })
  accepts('a builder without its kind', builder('https://github.com/actions/runner'))
  accepts('the called workflow as the builder', builder(`${REPOSITORY}/.github/workflows/release.yml@refs/heads/main`))
  refuses('another workflow as the builder', builder(`${REPOSITORY}/.github/workflows/evil.yml@refs/heads/main`))
  accepts('a self-hosted builder that is one', {}, { identity: { runnerEnvironment: 'self-hosted' } })
})

describe('provenance v0.2', () => {
  const v02 = { predicate: 'v0.2', legacyClaims: true } as const
  const source = (configSource: object): Overrides => ({ invocation: { configSource } })
  const material = (change: object): Overrides => ({
    materials: [{ uri: `git+${REPOSITORY}@refs/heads/main`, digest: { sha1: COMMIT }, ...change }],
  })
  const early = 'acme/widgets/.github/workflows/release.yml'

  for (const options of [v02, { predicate: 'v0.2' }] as const) {
    const claims = 'legacyClaims' in options ? 'early claims' : 'all claims'
    const no = (name: string, overrides: Overrides) => refuses(`${name} (${claims})`, overrides, options)
    const yes = (name: string, overrides: Overrides) => accepts(`${name} (${claims})`, overrides, options)

    yes('what the build wrote', {})
    no('another repository', source({ uri: `git+${EVIL}@refs/heads/main` }))
    no('another ref', source({ uri: `git+${REPOSITORY}@refs/heads/evil` }))
    no('another commit', source({ digest: { sha1: OTHER_COMMIT } }))
    no('no commit', source({ digest: { sha1: undefined } }))
    no('a commit under another name', source({ digest: { sha1: undefined, gitCommit: COMMIT } }))
    no('no place', source({ uri: undefined }))
    no('nothing about the source', { invocation: { configSource: undefined } })
    no('no invocation', { invocation: undefined })
    no('another workflow', source({ entryPoint: '.github/workflows/evil.yml' }))
    no('a workflow in a list', source({ entryPoint: ['.github/workflows/release.yml'] }))
    no(
      "another repository's workflow",
      source({ entryPoint: `evil/widgets/.github/workflows/release.yml@refs/heads/main` }),
    )
    yes('the workflow as npm 9.2 wrote it', source({ entryPoint: `${early}@refs/heads/main` }))
    no('the same with another ref', source({ entryPoint: `${early}@refs/heads/evil` }))
    no('the same with another workflow', source({ entryPoint: `${early.replace('release', 'evil')}@refs/heads/main` }))
    no('the same without a ref', source({ entryPoint: early }))

    no('another repository among the materials', material({ uri: `git+${EVIL}` }))
    no('another ref among the materials', material({ uri: `git+${REPOSITORY}@refs/heads/evil` }))
    no('another commit among the materials', material({ digest: { sha1: OTHER_COMMIT } }))
    yes('materials without a ref, as npm 9.2 wrote them', material({ uri: `git+${REPOSITORY}` }))
    yes('no materials', { materials: undefined })
    no('materials that are null', material({ uri: null }))

    no('a builder from elsewhere', { builder: { id: 'https://evil.example' } })
    no('no builder', { builder: undefined })
    yes('npm as the builder, as it wrote until 9.5', { builder: { id: 'https://github.com/npm/cli@9.5.0' } })
    no('something else as npm', { builder: { id: 'https://github.com/npm/cli-evil@9.5.0' } })
  }
})

describe('provenance of GitLab', () => {
  const repository = 'https://gitlab.com/acme/tools/widgets'
  const identity = {
    issuer: 'https://gitlab.com',
    repository,
    workflow: '/.gitlab-ci.yml',
    runnerEnvironment: 'gitlab-hosted',
  }
  const gitlab = (change: { uri?: string; sha1?: string; id?: string } = {}): Overrides => {
    const { uri = `git+${repository}`, sha1 = COMMIT, id = `${repository}/-/runners/12270852` } = change
    return () => ({
      buildType: 'https://github.com/npm/cli/gitlab/v0alpha1',
      builder: { id },
      invocation: { configSource: { uri, digest: { sha1 }, entryPoint: 'publish-job' }, parameters: {} },
      metadata: { buildInvocationId: 'https://gitlab.com/acme/tools/widgets/-/jobs/1' },
      materials: [{ uri, digest: { sha1 } }],
    })
  }
  const options = { predicate: 'v0.2', identity } as const

  accepts('what npm writes there', gitlab(), options)
  refuses('another project', gitlab({ uri: 'git+https://gitlab.com/acme/tools/evil' }), options)
  refuses('the project of the same name on GitHub', gitlab({ uri: `git+${REPOSITORY}` }), options)
  refuses('another commit', gitlab({ sha1: OTHER_COMMIT }), options)
  refuses("another project's runner", gitlab({ id: 'https://gitlab.com/evil/-/runners/1' }), options)
  refuses("GitHub's runner", gitlab({ id: 'https://github.com/actions/runner' }), options)
  refuses("GitLab's provenance under GitHub's certificate", gitlab(), { predicate: 'v0.2' })
  refuses("GitHub's provenance under GitLab's certificate", (predicate) => predicate, {
    ...options,
    identity: { ...identity, repository: REPOSITORY, issuer: 'https://gitlab.com' },
    claims: { 12: repository },
  })
})

describe('a builder that a delegator vouches for', () => {
  const GENERATOR = 'https://github.com/slsa-framework/slsa-github-generator'
  const FLOWS = `${GENERATOR}/.github/workflows`
  const DELEGATOR = `${FLOWS}/delegator_lowperms-generic_slsa3.yml@refs/tags/v1.6.0`
  const NODEJS = `${FLOWS}/builder_nodejs_slsa3.yml@refs/tags/v1.6.0`
  const TYPE = `${GENERATOR}/delegator-generic@v0`

  interface Delegated {
    /** What the certificate says, in place of the delegator's. */
    readonly identity?: WorkflowIdentity
    readonly claims?: ProvenanceOptions['claims']
    readonly legacyClaims?: boolean
    readonly id?: unknown
    readonly type?: unknown
    /** What else the predicate says. */
    readonly rest?: object
  }

  const WAYS = ['v0.2', 'v1'] as const
  type Way = (typeof WAYS)[number]

  const delegated = (way: Way, { id = NODEJS, type = TYPE, rest = {}, identity, claims, legacyClaims }: Delegated) =>
    judge({
      predicate: way,
      identity: { buildSignerUri: DELEGATOR, ...identity },
      claims,
      legacyClaims,
      predicateOverrides:
        way === 'v1'
          ? { buildDefinition: { buildType: type, ...rest }, runDetails: { builder: { id } } }
          : { buildType: type, builder: { id }, ...rest },
    })

  const at = (uri: string) => ({ identity: { buildSignerUri: uri } })
  const ANY = 'https://github.com/acme/build-tools/.github/workflows/npm.yaml@refs/tags/v0.12.3'
  const PROVEN: readonly (readonly [string, Delegated])[] = [
    ['the Node.js builder of the same repository', {}],
    ['by the other delegator', at(`${FLOWS}/delegator_generic_slsa3.yml@refs/tags/v2.1.0`)],
    ['a builder of another repository', { id: ANY }],
    ['a builder of the calling repository', { id: `${REPOSITORY}/.github/workflows/tool.yml@refs/tags/v1.0.0` }],
    ['a builder whose tag has a word behind its version', { id: `${ANY}-beta1` }],
    [
      'a builder of an owner, a repository and a file with marks',
      { id: 'https://github.com/a-b_c/.x_y.z/.github/workflows/a.b_c-d.yml@refs/tags/v10.0.200' },
    ],
  ]
  const REFUSED: readonly (readonly [string, Delegated])[] = [
    // Who signs.
    ['the delegator on a branch', at(DELEGATOR.replace('tags/v1.6.0', 'heads/main'))],
    ['the delegator on a branch called like a tag', at(DELEGATOR.replace('tags/', 'heads/'))],
    [
      'the delegator on a branch that ends in a tag',
      at(`${DELEGATOR.replace('tags/v1.6.0', 'heads/x')}@refs/tags/v1.6.0`),
    ],
    ['the delegator at a release candidate', at(`${DELEGATOR}-rc`)],
    ['the delegator at half a version', at(DELEGATOR.replace('v1.6.0', 'v1.6'))],
    ['the delegator at a version of four parts', at(`${DELEGATOR}.1`)],
    ['the delegator at a version without v', at(DELEGATOR.replace('v1', '1'))],
    ['the delegator at a version with a zero in front', at(DELEGATOR.replace('v1', 'v01'))],
    ['the delegator at a commit', at(DELEGATOR.replace('refs/tags/v1.6.0', COMMIT))],
    ['the delegator without a ref', at(DELEGATOR.replace(/@.*/, ''))],
    ['the delegator with a line break behind it', at(`${DELEGATOR}\n`)],
    ['a fork of the delegator', at(DELEGATOR.replace('slsa-framework', 'evil'))],
    ['a delegator in capitals', at(DELEGATOR.replace('slsa-framework', 'SLSA-framework'))],
    ['a delegator of another repository of theirs', at(DELEGATOR.replace('-generator', '-generator-evil'))],
    ['a delegator on another host', at(DELEGATOR.replace('github.com', 'github.evil.example'))],
    ['a delegator whose host only begins so', at(DELEGATOR.replace('github.com/', 'github.com.evil.example/'))],
    ['a delegator where any character would do for a dot', at(DELEGATOR.replace('github.com', 'githubxcom'))],
    ['another workflow of theirs', at(`${FLOWS}/generator_generic_slsa3.yml@refs/tags/v1.6.0`)],
    ['the builder itself, under another id', { ...at(NODEJS), id: ANY }],
    ['another delegator of theirs', at(`${FLOWS}/delegator_docker_slsa3.yml@refs/tags/v1.6.0`)],
    ['a delegator in another folder', at(DELEGATOR.replace('/.github/workflows/', '/.github/workflows/old/'))],
    ['the calling workflow', at(`${REPOSITORY}/.github/workflows/release.yml@refs/heads/main`)],
    [
      'a certificate whose name is another',
      { identity: { subjectAlternativeName: `${REPOSITORY}/.github/workflows/release.yml@refs/heads/main` } },
    ],
    [
      'a certificate whose called workflow is another',
      { claims: { 9: `${REPOSITORY}/.github/workflows/release.yml@refs/heads/main` } },
    ],
    ['a certificate without a called workflow', { claims: { 9: null } }],
    ['a certificate with the first claims only', { legacyClaims: true }],
    ['a self-hosted runner', { identity: { runnerEnvironment: 'self-hosted' } }],
    ["GitLab's runner", { identity: { runnerEnvironment: 'gitlab-hosted' } }],
    ['no runner', { claims: { 11: null } }],
    ['an empty runner', { claims: { 11: '' } }],
    ["a company's issuer", { identity: { issuer: 'https://token.actions.githubusercontent.com/acme' } }],
    ["GitLab's issuer", { identity: { issuer: 'https://gitlab.com' } }],
    ['no issuer', { claims: { 1: null, 8: null } }],
    // What is said.
    ['another build type', { type: 'https://github.com/slsa-framework/slsa-github-generator/generic@v1' }],
    ['another version of the build type', { type: TYPE.replace('@v0', '@v1') }],
    ['a build type that goes on', { type: `${TYPE}.1` }],
    ['no build type', { type: null }],
    ['a build type in a list', { type: [TYPE] }],
    ['a builder without a ref', { id: NODEJS.replace(/@.*/, '') }],
    ['a builder on a branch', { id: NODEJS.replace('tags/v1.6.0', 'heads/main') }],
    [
      'a builder on a branch that ends in a tag',
      { id: `${NODEJS.replace('tags/v1.6.0', 'heads/x')}@refs/tags/v1.6.0` },
    ],
    ['a builder of a pull request', { id: NODEJS.replace('tags/v1.6.0', 'pull/1/merge') }],
    ['a builder at a commit', { id: NODEJS.replace('refs/tags/v1.6.0', COMMIT) }],
    ['a builder at a short tag', { id: NODEJS.replace('refs/tags/', '') }],
    ['a builder at half a version', { id: NODEJS.replace('v1.6.0', 'v1') }],
    ['a builder at a tag that is no version', { id: NODEJS.replace('v1.6.0', 'latest') }],
    ['a builder at a tag with a path behind its version', { id: `${NODEJS}/x` }],
    ['a builder at a tag with two words', { id: `${NODEJS}-a-b` }],
    ['a builder at a tag with an empty word', { id: `${NODEJS}-` }],
    ['a builder with a space behind it', { id: `${NODEJS} ` }],
    ['a builder with a line break behind it', { id: `${NODEJS}\n` }],
    ['a builder on another host', { id: NODEJS.replace('github.com', 'gitlab.com') }],
    ['a builder without encryption', { id: NODEJS.replace('https:', 'http:') }],
    ['a builder without a scheme', { id: NODEJS.replace('https://', '') }],
    ['a builder without a repository', { id: 'https://github.com/acme/.github/workflows/x.yml@refs/tags/v1.0.0' }],
    [
      'a builder whose repository is a way up',
      { id: 'https://github.com/acme/../.github/workflows/x.yml@refs/tags/v1.0.0' },
    ],
    ['a builder in a folder of workflows', { id: NODEJS.replace('builder_', 'x/builder_') }],
    ['a builder that is no workflow', { id: NODEJS.replace('.github/workflows', 'actions') }],
    ['a builder that is no YAML', { id: NODEJS.replace('.yml', '.json') }],
    ['a builder whose name is encoded', { id: NODEJS.replace('builder_', '%62uilder_') }],
    ['a builder with a query', { id: NODEJS.replace('.yml', '.yml?x=.yml') }],
    ['a builder with another alphabet', { id: NODEJS.replace('builder', 'buil\u0501er') }],
    ['a builder of thousands of characters', { id: NODEJS.replace('builder', 'b'.repeat(5_000)) }],
    ['a builder in a list', { id: [NODEJS] }],
    ['no builder', { id: null }],
    // Everything else is compared as ever.
    ['another runner of the same predicate', { id: 'https://github.com/actions/runner/self-hosted' }],
  ]

  for (const way of WAYS) {
    for (const [name, options] of PROVEN) {
      test(`is accepted: ${name} (${way})`, async () => {
        const { claims } = onlyProvenance(await delegated(way, options))
        assert.equal(claims.delegatedBuilder, options.id ?? NODEJS)
        // What the certificate says stays what it says.
        assert.equal(claims.buildSignerUri, options.identity?.buildSignerUri ?? DELEGATOR)
      })
    }
    for (const [name, options] of REFUSED) {
      test(`is refused: ${name} (${way})`, async () => {
        refused(await delegated(way, options), 'PREDICATE_MISMATCH')
      })
    }
    test(`is refused in another trust domain (${way})`, async () => {
      const domain = domainOf(toTrustMaterial(TrustedRoot.fromJSON(sigstore.trustedRoot)), 'acme')
      const judgeThere = createDocumentVerifier([domain])
      for (const [identity, predicateOverrides, holds] of [
        [
          { buildSignerUri: DELEGATOR },
          way === 'v1'
            ? { buildDefinition: { buildType: TYPE }, runDetails: { builder: { id: NODEJS } } }
            : { buildType: TYPE, builder: { id: NODEJS } },
          false,
        ],
        [{}, {}, true],
      ] as const) {
        const bundle = await sigstore.provenance({ ...widgets, predicate: way, identity, predicateOverrides })
        const result = judgeThere(locked(), documentOf(bundle), NOW)
        if (holds) onlyProvenance(result)
        else refused(result, 'PREDICATE_MISMATCH', /builder/)
      }
    })
  }

  const SOURCE = (repository: string, commit: string, ref = 'refs/heads/main') => [
    { uri: `git+${repository}@${ref}`, digest: { gitCommit: commit, sha1: commit } },
  ]
  for (const [name, sources] of [
    ['repository', SOURCE(EVIL, COMMIT)],
    ['commit', SOURCE(REPOSITORY, OTHER_COMMIT)],
    ['ref', SOURCE(REPOSITORY, COMMIT, 'refs/heads/evil')],
  ] as const) {
    test(`does not excuse another ${name}`, async () => {
      refused(
        await delegated('v1', { rest: { resolvedDependencies: sources } }),
        'PREDICATE_MISMATCH',
        new RegExp(name),
      )
      refused(await delegated('v0.2', { rest: { materials: sources } }), 'PREDICATE_MISMATCH', new RegExp(name))
      const [configSource] = sources
      refused(
        await delegated('v0.2', { rest: { invocation: { configSource } } }),
        'PREDICATE_MISMATCH',
        new RegExp(name),
      )
    })
  }

  test('does not excuse another workflow', async () => {
    const path = '.github/workflows/evil.yml'
    refused(await delegated('v1', { rest: { externalParameters: { workflow: { path } } } }), 'PREDICATE_MISMATCH')
    refused(
      await delegated('v0.2', { rest: { invocation: { configSource: { entryPoint: path } } } }),
      'PREDICATE_MISMATCH',
    )
  })

  test('is none where the certificate names the builder itself', async () => {
    const { claims } = onlyProvenance(await delegated('v1', { id: DELEGATOR }))
    assert.equal(claims.delegatedBuilder, undefined)
    for (const id of ['https://github.com/actions/runner/github-hosted', 'https://github.com/actions/runner'])
      assert.equal(onlyProvenance(await delegated('v1', { id })).claims.delegatedBuilder, undefined)
  })

  test('has no character that a name on GitHub has not', async () => {
    const { claims } = onlyProvenance(await delegated('v1', {}))
    const { delegatedBuilder: _, ...certified } = claims
    const check = (id: unknown) =>
      checkProvenance(
        {
          predicateType: 'https://slsa.dev/provenance/v1',
          subject: [],
          predicate: {
            buildDefinition: { buildType: TYPE, resolvedDependencies: SOURCE(REPOSITORY, COMMIT) },
            runDetails: { builder: { id } },
          },
        },
        certified,
      )
    assert.deepEqual(check(NODEJS), ok(NODEJS))
    const strange = fc.string({ unit: 'binary', minLength: 1, maxLength: 2 }).filter((text) => !/^[\w.-]*$/.test(text))
    const place = fc.integer({ min: 0, max: NODEJS.length })
    fc.assert(
      fc.property(place, place, strange, (from, to, text) => {
        const id = NODEJS.slice(0, Math.min(from, to)) + text + NODEJS.slice(Math.max(from, to))
        if (id !== NODEJS) refused(check(id), 'PREDICATE_MISMATCH')
      }),
      { numRuns: 2_000 },
    )
    fc.assert(fc.property(fc.anything(), (id) => assert.ok(!check(id).ok)))
  })
})

describe('a runner that npm could not see', () => {
  for (const predicate of ['v0.2', 'v1'] as const) {
    for (const claims of [{}, { 11: null }, { 11: 'undefined' }, { 11: 'self-hosted' }] as const) {
      test(`is refused, with what it means (${predicate}, ${JSON.stringify(claims)})`, async () => {
        const builder = { id: 'https://github.com/actions/runner/undefined' }
        const predicateOverrides = predicate === 'v1' ? { runDetails: { builder } } : { builder }
        refused(
          await judge({ predicate, claims, predicateOverrides }),
          'PREDICATE_MISMATCH',
          /runner\/undefined: npm could not see on what kind of runner it ran/,
        )
      })
    }
  }
})

describe('a certificate that says less', () => {
  const cases: [string, RefusalCode | 'accepted', ProvenanceOptions['claims']][] = [
    ['no repository', 'PREDICATE_MISMATCH', { 5: null, 12: null }],
    ['no commit', 'PREDICATE_MISMATCH', { 3: null, 13: null }],
    ['an empty repository', 'PREDICATE_MISMATCH', { 12: '' }],
    ['another repository', 'PREDICATE_MISMATCH', { 12: EVIL }],
    ['another commit', 'PREDICATE_MISMATCH', { 13: OTHER_COMMIT }],
    ['another ref', 'PREDICATE_MISMATCH', { 14: 'refs/heads/evil' }],
    ['another workflow', 'PREDICATE_MISMATCH', { 18: `${REPOSITORY}/.github/workflows/evil.yml@refs/heads/main` }],
    [
      'another ref of the workflow',
      'PREDICATE_MISMATCH',
      { 18: `${REPOSITORY}/.github/workflows/release.yml@refs/heads/evil` },
    ],
    ['another kind of runner', 'PREDICATE_MISMATCH', { 11: 'self-hosted' }],
    // Absent claims are the policy's to refuse, where it asks for them.
    ['no ref', 'accepted', { 6: null, 14: null }],
    ['no workflow', 'accepted', { 18: null }],
    ['no kind of runner', 'accepted', { 11: null }],
  ]
  for (const [name, expected, claims] of cases) {
    test(`${name}: ${expected}`, async () => {
      const result = await judge({ claims })
      if (expected === 'accepted') onlyProvenance(result)
      else refused(result, expected)
    })
  }

  test('a person is no build', async () => {
    refused(
      await judge({ emailIdentity: 'someone@example.com' }),
      'PREDICATE_MISMATCH',
      /certificate does not say repository/,
    )
  })
})

describe('a provenance without a predicate', () => {
  for (const predicate of ['v0.2', 'v1'] as const) {
    for (const nothing of [undefined, null, {}]) {
      for (const legacyClaims of [false, true]) {
        test(`proves nothing: ${predicate}, ${nothing}, ${legacyClaims ? 'early claims' : 'all claims'}`, async () => {
          refused(
            await judge({ predicate, legacyClaims, predicateOverrides: () => nothing }),
            'PREDICATE_MISMATCH',
            /^the provenance does not say repository$/,
          )
        })
      }
    }
  }
})

describe('a publish attestation', () => {
  const cases: [string, RefusalCode | 'accepted', Partial<PublishOptions>][] = [
    ['as the registry writes it', 'accepted', {}],
    ['of another registry', 'accepted', { registry: 'https://npm.example' }],
    ['with another name', 'PREDICATE_MISMATCH', { predicateOverrides: { name: 'widgets' } }],
    ['with an escaped name', 'PREDICATE_MISMATCH', { predicateOverrides: { name: '%40acme/widgets' } }],
    ['with another version', 'PREDICATE_MISMATCH', { predicateOverrides: { version: '1.2.4' } }],
    ['with a version in a list', 'PREDICATE_MISMATCH', { predicateOverrides: { version: ['1.2.3'] } }],
    ['without a name', 'PREDICATE_MISMATCH', { predicateOverrides: { name: undefined } }],
    ['without a version', 'PREDICATE_MISMATCH', { predicateOverrides: { version: undefined } }],
    ['that says nothing', 'PREDICATE_MISMATCH', { predicateOverrides: () => ({}) }],
    ['without a predicate', 'PREDICATE_MISMATCH', { predicateOverrides: () => undefined }],
    ['whose predicate is null', 'PREDICATE_MISMATCH', { predicateOverrides: () => null }],
  ]
  for (const [name, expected, publish] of cases) {
    test(`${name}: ${expected}`, async () => {
      const result = verify(locked(), await sigstore.document({ ...widgets, publish }), NOW)
      if (expected === 'accepted') accepted(result)
      else refused(result, expected)
    })
  }
})
