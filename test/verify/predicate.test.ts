import { describe, test } from 'node:test'
import type { RefusalCode } from '../../src/codes.ts'
import { createSigstore, type ProvenanceOptions, type PublishOptions } from '../support/sigstore/index.ts'
import { accepted, documentOf, locked, NOW, onlyProvenance, refused, verifierFor, widgets } from './support.ts'

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
  ]
  for (const [name, expected, publish] of cases) {
    test(`${name}: ${expected}`, async () => {
      const result = verify(locked(), await sigstore.document({ ...widgets, publish }), NOW)
      if (expected === 'accepted') accepted(result)
      else refused(result, expected)
    })
  }
})
