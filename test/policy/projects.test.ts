/** Projects of a workspace that have a policy of their own, which can only tighten the root's. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { ok, type Result, refuse } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { decide, needsProof } from '../../src/policy/decide.ts'
import { explain } from '../../src/policy/explain.ts'
import { findingsOf } from '../../src/policy/findings.ts'
import { loadPolicy, type PolicyPlace, projectsFolder, refuseUnlisted } from '../../src/policy/load.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Policy, Status } from '../../src/policy/types.ts'
import type { Claims, Proof } from '../../src/verify/types.ts'
import { folderWith, messageOf } from './support.ts'

const NOW = new Date('2026-06-01T00:00:00Z')
const ALL = 'rules: [{ packages: "**", require: nothing }]\n'
const LISTED = `projects: [apps/strict]\n${ALL}`
const STRICT = 'rules: [{ packages: "**", require: provenance, publisher: { repository: acme/widget } }]\n'

/** Where a project's policy is, there is a project. */
function workspaceWith(t: TestContext, files: Readonly<Record<string, string>>): string {
  const manifests = Object.keys(files)
    .filter((name) => /^(?:apps|libs)\/.*\/\.sigstorerc/.test(name))
    .map((name) => [`${path.dirname(name)}/package.json`, '{}'])
  return folderWith(t, { ...Object.fromEntries(manifests), ...files })
}

describe('the policies of projects', () => {
  const names = async (place: PolicyPlace) => [...(await loadPolicy(place)).projects.keys()]

  it('are those that the root lists, by the folders that the lockfile has', async (t) => {
    const folder = workspaceWith(t, {
      '.sigstorerc': `projects: [apps/strict, ./libs//deep/, packages/web]\n${ALL}`,
      'apps/strict/.sigstorerc': STRICT,
      'libs/deep/.sigstorerc.json': '{"rules": [{"packages": "**", "require": "nothing"}]}',
      'packages/web/package.json': '{"name": "web", "sigstore": {"rules": [{"packages": "a", "require": "nothing"}]}}',
    })
    assert.deepEqual(await names({ folder }), ['apps/strict', 'libs/deep', 'packages/web'])
    const { projects } = await loadPolicy({ folder })
    assert.equal(projects.get('apps/strict')?.file, path.join(folder, 'apps/strict/.sigstorerc'))
    assert.equal(projects.get('apps/strict')?.rules[0]?.require, 'provenance')
  })

  it('are called as from the lockfile, wherever the policy is', async (t) => {
    const folder = workspaceWith(t, {
      '.sigstorerc': LISTED,
      'ci/policy.yaml': LISTED.replace('apps', '../apps'),
      'apps/strict/.sigstorerc': STRICT,
      'elsewhere/pnpm-lock.yaml': '',
    })
    const within = path.join(folder, 'apps/strict')
    const elsewhere = path.join(folder, 'elsewhere')
    const root = path.join(folder, '.sigstorerc')
    assert.deepEqual(await names({ file: path.join(folder, 'ci/policy.yaml'), folder }), ['apps/strict'])
    for (const [place, base] of [
      [{ folder }, folder],
      // A lockfile of its own, in the project.
      [{ file: root, folder: within }, folder],
    ] as const) {
      assert.deepEqual(await names(place), ['apps/strict'])
      assert.equal(projectsFolder(await loadPolicy(place), place.folder), base)
    }
    // The policies of another checkout are about the same projects of this one.
    const checkout = workspaceWith(t, { 'pnpm-lock.yaml': '' })
    assert.deepEqual(await names({ file: root, folder: checkout }), ['apps/strict'])
    assert.equal(projectsFolder(await loadPolicy({ file: root, folder: checkout }), checkout), checkout)
    assert.equal(projectsFolder(await loadPolicy({ file: root, folder: elsewhere }), elsewhere), folder)
  })

  it('may extend what the root has as a config dependency', async (t) => {
    const folder = workspaceWith(t, {
      '.sigstorerc': LISTED,
      'apps/strict/.sigstorerc': `extends: '@acme/policy/strict.yaml'\n${ALL}`,
      'node_modules/.pnpm-config/@acme/policy/strict.yaml': STRICT,
    })
    assert.equal((await loadPolicy({ folder })).projects.get('apps/strict')?.rules.length, 2)
  })

  it('may extend others, and hold to the identity lock of the root', async (t) => {
    const folder = workspaceWith(t, {
      '.sigstorerc': LISTED,
      'apps/strict/.sigstorerc': `extends: ../../strict.yaml\nrules: [{ packages: a, require: nothing, unchanged: true }]\n`,
      'strict.yaml': STRICT,
      'provenance-lock.yaml': 'version: 2\npackages: {}\n',
    })
    const { identities, projects } = await loadPolicy({ folder })
    assert.equal(projects.get('apps/strict')?.rules.length, 2)
    assert.equal(projects.get('apps/strict')?.identities, identities)
    assert.ok(identities !== undefined)
  })

  it('need that lock where they ask for it', async (t) => {
    const folder = workspaceWith(t, {
      '.sigstorerc': LISTED,
      'apps/strict/.sigstorerc': 'rules: [{ packages: a, require: nothing, unchanged: true }]\n',
    })
    assert.match(await messageOf(folder, () => loadPolicy({ folder })), /provenance-lock\.yaml: there is no such file/)
  })

  const REFUSED: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    [
      'a project without the policy that is listed',
      { '.sigstorerc': LISTED, 'apps/strict/package.json': '{}' },
      '~/.sigstorerc:1:12: "apps/strict" has no policy of its own: write one (apps/strict/.sigstorerc), or take it off this list',
    ],
    [
      'a project that is not there',
      { '.sigstorerc': LISTED },
      '~/.sigstorerc:1:12: "apps/strict" has no policy of its own: write one (apps/strict/.sigstorerc), or take it off this list',
    ],
    [
      'two policies of one project',
      { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': STRICT, 'apps/strict/.sigstorerc.yml': STRICT },
      '~/apps/strict: 2 policies, .sigstorerc and .sigstorerc.yml, and nobody could see which one rules. Keep one and remove the rest',
    ],
    [
      'one project twice',
      { '.sigstorerc': LISTED.replace(']', ', ./apps/strict]'), 'apps/strict/.sigstorerc': STRICT },
      '~/.sigstorerc:1:25: "./apps/strict" is listed twice: keep one',
    ],
    [
      'projects of a project',
      { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': `projects: [deep]\n${STRICT}` },
      `~/apps/strict/.sigstorerc:1:12: "projects" in a project's own policy: only the policy of the workspace's root can list them`,
    ],
    [
      'projects of a shared policy',
      { '.sigstorerc': `extends: ./shared.yaml\n${ALL}`, 'shared.yaml': LISTED, 'apps/strict/.sigstorerc': STRICT },
      `~/.sigstorerc:1:10: "./shared.yaml" lists "projects" (line 1), and only the policy of the workspace's root can: what both are to have goes into a third file, which both extend`,
    ],
    [
      'a project that extends the root',
      { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': `extends: ../../.sigstorerc\n${STRICT}` },
      `~/apps/strict/.sigstorerc:1:10: "../../.sigstorerc" lists "projects" (line 1), and only the policy of the workspace's root can: what both are to have goes into a third file, which both extend`,
    ],
    [
      'a policy that was left behind when its project was moved',
      { '.sigstorerc': LISTED.replace('apps', 'other'), 'other/strict/.sigstorerc': STRICT },
      '~/.sigstorerc:1:12: "other/strict" is no project: it has a policy, but no package.json. Was it moved? List the folder where it is',
    ],
    [
      'a file in the place of a folder',
      { '.sigstorerc': LISTED.replace('strict', 'strict/.sigstorerc'), 'apps/strict/.sigstorerc': STRICT },
      '~/.sigstorerc:1:12: "apps/strict/.sigstorerc" has no policy of its own',
    ],
    [
      'a project out of the workspace',
      { '.sigstorerc': LISTED.replace('apps', '../apps') },
      '~/.sigstorerc:1:12: "../apps/strict" is not a folder of the workspace that this policy is about',
    ],
    [
      'a project that chooses whom to ask',
      {
        '.sigstorerc': LISTED,
        'apps/strict/.sigstorerc': `attestations: https://m.example/{name}/{version}\n${STRICT}`,
      },
      `~/apps/strict/.sigstorerc: "attestations", in a project's own policy or what it extends: where evidence comes from is for ~/.sigstorerc to say. Remove it`,
    ],
    [
      'a project that chooses what may be taken out of the identity lock',
      {
        '.sigstorerc': LISTED,
        'apps/strict/.sigstorerc': `allowLockChanges: [{ package: a, reason: x, expires: '2027-01-01' }]\n${STRICT}`,
      },
      `~/apps/strict/.sigstorerc:1:20: "allowLockChanges", in a project's own policy or what it extends: who may change the identity lock is for ~/.sigstorerc to say. Remove it`,
    ],
    [
      'a project that chooses whom to trust',
      { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': `trust: { npmKeys: ./keys.json }\n${STRICT}` },
      `~/apps/strict/.sigstorerc: "trust", in a project's own policy or what it extends: who is trusted is for ~/.sigstorerc to say. Remove it`,
    ],
    [
      'a project that chooses it by what it extends',
      {
        '.sigstorerc': LISTED,
        'apps/strict/.sigstorerc': `extends: ./shared.yaml\n${STRICT}`,
        'apps/strict/shared.yaml': `trust: { trustedRoot: ./root.json }\n${STRICT}`,
      },
      `~/apps/strict/.sigstorerc: "trust", in a project's own policy or what it extends: who is trusted is for ~/.sigstorerc to say. Remove it`,
    ],
    [
      'a mistake in it',
      { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': 'rules: [{ packages: a, require: nothing, modes: warn }]\n' },
      '~/apps/strict/.sigstorerc:1:42: unknown key "modes" in a rule, which has',
    ],
    [
      'a program',
      { '.sigstorerc': LISTED, 'apps/strict/sigstore.config.js': 'module.exports = {}\n' },
      '~/apps/strict/sigstore.config.js: a policy that is a program is refused',
    ],
  ]
  for (const [what, files, expected] of REFUSED) {
    it(`refuse ${what}`, async (t) => {
      const folder = workspaceWith(t, files)
      const message = await messageOf(folder, () => loadPolicy({ folder }))
      assert.ok(message.startsWith(expected), message)
    })
  }

  for (const [listed, expected] of [
    ['apps/*', '"apps/*" is a pattern: name each project, so that none can lose its policy unseen'],
    [
      '/apps/strict',
      '"/apps/strict" is not a folder of the workspace: write its path from this file, such as "apps/web"',
    ],
    ['apps\\strict', '"apps\\\\strict" is not a folder of the workspace'],
    ['C:apps', '"C:apps" is not a folder of the workspace'],
    ['.', 'the root has this policy: name other projects'],
    ['./', 'the root has this policy: name other projects'],
    ['apps/..', 'the root has this policy: name other projects'],
    ['apps/?', 'is a pattern'],
    ['', 'an empty string says nothing'],
  ] as const) {
    it(`are not listed as ${JSON.stringify(listed)}`, () => {
      const text = `projects: [${JSON.stringify(listed)}]\n${ALL}`
      assert.throws(
        () => parsePolicy(text, '.sigstorerc'),
        (error: Error) => error.message.includes(expected),
      )
    })
  }

  for (const [value, expected] of [
    ['apps/strict', '"projects" is a list of folders, but here is "apps/strict"'],
    ['{ apps/strict: true }', '"projects" is a list of folders, but here is a mapping'],
    ['[]', 'no projects: name one, or remove it'],
  ] as const) {
    it(`are not ${value}`, () => {
      assert.throws(
        () => parsePolicy(`projects: ${value}\n${ALL}`, '.sigstorerc'),
        (error: Error) => error.message.includes(expected),
      )
    })
  }
})

describe('a policy that nobody listed', () => {
  const unlisted = async (t: TestContext, files: Readonly<Record<string, string>>, ...importers: readonly string[]) => {
    const folder = workspaceWith(t, { '.sigstorerc': LISTED, 'apps/strict/.sigstorerc': STRICT, ...files })
    const policy = await loadPolicy({ folder })
    return messageOf(folder, () => refuseUnlisted(policy, folder, importers))
  }

  it('is an error where the lockfile has its project', async (t) => {
    for (const [file, content] of [
      ['apps/lax/.sigstorerc', ALL],
      ['apps/lax/.sigstorerc.yaml', 'anything'],
      ['apps/lax/package.json', '{"sigstore": 1}'],
    ] as const) {
      const message = await unlisted(t, { [file]: content }, '.', 'apps/strict', 'apps/lax', 'apps/gone')
      assert.equal(
        message,
        `~/${file}: a policy of which nothing would come, for ~/.sigstorerc does not list its project. Add "apps/lax" to "projects" there, or remove this one`,
      )
    }
  })

  it('is one whatever the lockfile calls its project', async (t) => {
    for (const importer of ['apps/lax/', './apps/lax', 'apps//lax', 'apps/strict/../lax'])
      assert.match(await unlisted(t, { 'apps/lax/.sigstorerc': ALL }, importer), /Add "apps\/lax" to "projects"/)
  })

  it('is none where it has no such project, or the project no policy', async (t) => {
    assert.equal(await unlisted(t, { 'apps/lax/.sigstorerc': ALL }, '.', 'apps/strict'), 'accepted')
    assert.equal(await unlisted(t, { 'apps/lax/package.json': '{}' }, '.', 'apps/lax'), 'accepted')
  })
})

const pkg = (name: string, importers: readonly string[], aliases?: readonly string[]): LockedPackage => ({
  name,
  version: '1.0.0',
  integrity: 'sha512-x',
  source: 'registry',
  origin: undefined,
  importers,
  key: `${name}@1.0.0`,
  ...(aliases && { aliases }),
})

const NONE: Result<Proof> = refuse('EVIDENCE_MISSING', 'no attestations', 'a provenance attestation')
const proven = (repository: string): Result<Proof> => {
  const claims = {
    domain: 'sigstore',
    issuer: 'https://token.actions.githubusercontent.com',
    repository: `https://github.com/${repository}`,
  } as Claims
  return ok({ provenance: [{ predicateType: 'x', claims, signedAt: '2026-01-01T00:00:00Z' }], publish: [] })
}

/** A root and its projects, from their rules. */
function policyOf(root: string, projects: Readonly<Record<string, string>>): Policy {
  const own = Object.entries(projects).map(
    ([folder, text]) => [folder, parsePolicy(text, `${folder}/.sigstorerc`)] as const,
  )
  return { ...parsePolicy(root, '.sigstorerc'), projects: new Map(own) }
}

describe('a verdict where projects have policies', () => {
  const policy = policyOf(ALL, { 'apps/strict': STRICT })
  const judge = (by: Policy, about: LockedPackage, proof: Result<Proof> = NONE) => {
    const { status, refusal, rule, projects } = decide(about, by, needsProof(about, by) ? proof : undefined, NOW)
    return { status, code: refusal?.code, file: rule?.place.file, projects }
  }

  it('is the strictest of those that need the package, and names them', () => {
    assert.deepEqual(judge(policy, pkg('a', ['apps/strict', 'apps/lax'])), {
      status: 'refused',
      code: 'EVIDENCE_MISSING',
      file: 'apps/strict/.sigstorerc',
      projects: ['apps/strict'],
    })
  })

  it('is left to the root where they do not need it', () => {
    const permitted = { status: 'permitted', code: undefined, file: '.sigstorerc', projects: undefined }
    for (const importers of [['.'], ['apps/lax'], ['apps/strict2'], ['apps'], ['strict'], ['apps/strict/deep']]) {
      assert.deepEqual(judge(policy, pkg('a', importers)), permitted)
    }
  })

  it("is that of all of them where nobody knows yet who needs it, and the root's alone where nobody does", () => {
    assert.equal(judge(policy, { ...pkg('a', []), forAnyone: true }).status, 'refused')
    assert.equal(judge(policy, { ...pkg('a', ['apps/lax']), forAnyone: true }).status, 'refused')
    assert.equal(judge(policy, pkg('a', [])).status, 'permitted')
  })

  it('is proven where what a project asks for is met', () => {
    assert.deepEqual(judge(policy, pkg('a', ['apps/strict']), proven('acme/widget')), {
      status: 'proven',
      code: undefined,
      file: 'apps/strict/.sigstorerc',
      projects: ['apps/strict'],
    })
    assert.equal(judge(policy, pkg('a', ['apps/strict']), proven('evil/widget')).code, 'REPOSITORY_MISMATCH')
  })

  it('names every project that is as strict', () => {
    const several = policyOf(ALL, { one: STRICT, two: ALL, three: STRICT })
    assert.deepEqual(judge(several, pkg('a', ['one', 'three', 'two'])).projects, ['one', 'three'])
    assert.deepEqual(judge(several, pkg('a', ['three'])).projects, ['three'])
  })

  it("is the root's where that is as strict", () => {
    const { file, projects } = judge(policyOf(STRICT, { 'apps/strict': STRICT }), pkg('a', ['apps/strict']))
    assert.deepEqual({ file, projects }, { file: '.sigstorerc', projects: undefined })
  })

  it('is never loosened by a project', () => {
    const own = `mode: warn
exceptions: [{ package: a@1.0.0, reason: x, expires: '2999-01-01' }]
rules: [{ packages: "**", require: nothing }]
`
    const { status, file } = judge(policyOf(STRICT, { app: own }), pkg('a', ['app']))
    assert.deepEqual([status, file], ['refused', '.sigstorerc'])
    assert.equal(
      judge(policyOf('rules: [{ packages: b, require: nothing }]', { app: own }), pkg('a', ['app'])).code,
      'NO_RULE',
    )
  })

  it('is not changed by a project that says nothing of the package', () => {
    const { status } = judge(policyOf(ALL, { app: STRICT.replace('"**"', 'b') }), pkg('a', ['app']))
    assert.equal(status, 'permitted')
  })

  it('tells of all exceptions that excused something, also where another is stricter', () => {
    const excepted = `exceptions: [{ package: a@1.0.0, reason: x, expires: '2999-01-01' }]\n`
    const both = policyOf(excepted + STRICT, { app: excepted + STRICT, other: `mode: warn\n${STRICT}` })
    const { status, excused } = decide(pkg('a', ['app', 'other']), both, NONE, NOW)
    assert.equal(status, 'warned')
    assert.deepEqual(
      excused?.map(({ place }) => place.file),
      ['.sigstorerc', 'app/.sigstorerc'],
    )
  })

  it("is not excused by the root's exceptions where a project refuses, and may be by its own", () => {
    const excepted = `exceptions: [{ package: a@1.0.0, reason: x, expires: '2999-01-01' }]\n`
    assert.equal(judge(policyOf(excepted + ALL, { app: STRICT }), pkg('a', ['app'])).status, 'refused')
    assert.equal(judge(policyOf(ALL, { app: excepted + STRICT }), pkg('a', ['app'])).status, 'excepted')
  })

  it('may be a warning of a project', () => {
    const warning = `mode: warn\n${STRICT}`
    const { status, projects } = judge(policyOf(ALL, { app: warning }), pkg('a', ['app']))
    assert.deepEqual([status, projects], ['warned', ['app']])
    assert.equal(
      judge(policyOf(ALL, { app: `enforceFrom: '2026-06-01'\n${warning}` }), pkg('a', ['app'])).status,
      'refused',
    )
  })

  it('counts the other names under which a project gets it', () => {
    const byAlias = policyOf(ALL, { app: STRICT.replace('"**"', 'left-pad') })
    assert.equal(judge(byAlias, pkg('evil', ['app'], ['left-pad'])).status, 'refused')
    assert.equal(judge(byAlias, pkg('evil', ['app'], ['other'])).status, 'permitted')
  })

  it('is never less strict than without them, and the strictest of what each would say alone', () => {
    const STRICTEST: readonly Status[] = ['permitted', 'proven', 'excepted', 'warned', 'refused']
    const rank = ({ status }: { readonly status: Status }) => STRICTEST.indexOf(status)
    const rules = fc.constantFrom(
      ALL,
      STRICT,
      STRICT.replace('"**"', 'a'),
      STRICT.replace('"**"', 'alias'),
      `mode: warn\n${STRICT}`,
      `exceptions: [{ package: a@1.0.0, reason: x, expires: '2999-01-01' }]\n${STRICT}`,
      'rules: [{ packages: b, require: nothing }]',
    )
    const importers = fc.subarray(['.', 'one', 'two', 'three'])
    const found = fc.constantFrom(NONE, proven('acme/widget'), proven('evil/widget'))
    const record = fc.record({ root: rules, one: rules, two: rules, name: fc.constantFrom('a', 'b'), importers, found })
    fc.assert(
      fc.property(
        record,
        fc.boolean(),
        fc.boolean(),
        ({ root, one, two, name, importers, found }, hasAlias, forAnyone) => {
          const known = pkg(name, importers, hasAlias ? ['alias'] : undefined)
          const about = forAnyone ? { ...known, forAnyone } : known
          const all = policyOf(root, { one, two })
          const asked = needsProof(about, all) ? found : undefined
          const verdict = decide(about, all, asked, NOW)
          const alone = decide(about, policyOf(root, {}), found, NOW)
          const projects = [...all.projects].flatMap(([folder, own]) => {
            if (!forAnyone && !importers.includes(folder)) return []
            const said = decide(about, own, found, NOW)
            // What a project has no rule for is none of its business, but its rule for another name may be.
            if (said.refusal?.code !== 'NO_RULE') return [rank(said)]
            const others = decide({ ...about, name: 'alias', version: '', aliases: [] }, own, found, NOW)
            return hasAlias && others.refusal?.code !== 'NO_RULE' ? [rank(others)] : []
          })
          assert.equal(rank(verdict), Math.max(rank(alone), ...projects))
        },
      ),
    )
  })

  it('is explained by the rules of each', () => {
    const explained = explain(pkg('a', ['apps/strict']), policy, NONE, NOW)
    assert.deepEqual(
      [
        explained.rules.map(({ why }) => why),
        explained.projects.map(({ project, rules }) => [project, rules.map(({ why }) => why)]),
      ],
      [['is about it, but another policy is at least as strict'], [['apps/strict', ['decides']]]],
    )
    assert.deepEqual(explain(pkg('a', ['.']), policy, NONE, NOW).projects, [])
  })
})

describe('findings about projects', () => {
  const policy = policyOf(ALL, {
    'apps/strict': 'rules: [{ packages: a, require: nothing }, { packages: b, require: nothing }]',
  })
  const found = (...packages: readonly LockedPackage[]) =>
    findingsOf(policy, packages, NOW).map(({ place, message }) => `${place.file}:${place.line}: ${message}`)

  it('are rules that decide nothing of what the project needs', () => {
    assert.deepEqual(found(pkg('a', ['apps/strict']), pkg('b', ['.'])), [
      'apps/strict/.sigstorerc:1: this rule decides nothing in the lockfile: b',
    ])
    assert.deepEqual(found(pkg('a', ['apps/strict']), pkg('b', ['.', 'apps/strict'])), [])
  })

  it('are policies of projects that need nothing, as one that was moved', () => {
    assert.deepEqual(found(pkg('a', ['.', 'apps/moved'])), [
      'apps/strict/.sigstorerc:1: nothing in the lockfile is needed by apps/strict, so this policy decides nothing',
    ])
  })

  it('need a lockfile', () => assert.deepEqual(findingsOf(policy, undefined, NOW), []))
})
