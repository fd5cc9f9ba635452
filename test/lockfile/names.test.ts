/** Names under which packages are installed, in each format of lockfile, by whoever asks for them. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { bunPackages } from '../../src/lockfile/bun.ts'
import { configDependencies } from '../../src/lockfile/config-dependencies.ts'
import { npmPackages } from '../../src/lockfile/npm.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { yarnClassicPackages } from '../../src/lockfile/yarn-classic.ts'
import { decide } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'
import type { Verdict } from '../../src/policy/types.ts'
import { ALIASED, type Asker } from '../support/alias-lockfiles.ts'
import { BAD_NAMES, GOOD_NAMES } from '../support/names.ts'
import { A, type Json, lockfile } from './support.ts'

/** It lets everything pass, in every way that a policy has. */
const LENIENT = parsePolicy(
  `mode: warn
exceptions: [{ package: good@1.0.0, reason: it is good, expires: '2027-12-31' }]
rules: [{ packages: '**', require: nothing }]
`,
  '.sigstorerc',
)
const NOW = new Date('2026-06-01T00:00:00Z')

const judge = (packages: readonly LockedPackage[]): readonly Verdict[] =>
  packages.map((pkg) => decide(pkg, LENIENT, undefined, NOW))
const refused = (packages: readonly LockedPackage[]) =>
  judge(packages).flatMap(({ package: pkg, status, refusal }) =>
    status === 'refused' ? [`${pkg.name} ${refusal?.code}`] : [],
  )

/** What is in a lockfile that cannot be read is not installed either. */
function isRefused(list: () => readonly LockedPackage[]): boolean {
  try {
    return refused(list()).some((each) => each.endsWith(' ALIAS_INVALID'))
  } catch (error) {
    assert.ok(error instanceof GateError, String(error))
    return true
  }
}

/** In `optionalDependencies` too: what a lockfile has not of those, managers pass over. */
const WAYS: readonly (readonly [Asker, string])[] = [
  ['project', 'dependencies'],
  ['project', 'optionalDependencies'],
  ['package', 'dependencies'],
  ['package', 'optionalDependencies'],
]

for (const [format, list] of Object.entries(ALIASED)) {
  for (const [asker, kind] of WAYS) {
    describe(`${format}: the ${kind} of a ${asker}`, () => {
      it('install a package under every name of a package', () => {
        for (const alias of GOOD_NAMES) {
          const packages = list(alias, asker, kind)
          assert.deepEqual(refused(packages), [], alias)
          const good = packages.find(({ name }) => name === 'good')
          assert.deepEqual(good?.aliases, [alias])
        }
      })

      it('install none under what is no name, whatever the policy says', () => {
        // In the keys of both yarns a name ends at its `@`: that one is `victim`, for yarn too.
        const names = BAD_NAMES.filter((alias) => !format.startsWith('yarn') || alias !== 'victim@1.0.0')
        const passed = names.filter((alias) => !isRefused(() => list(alias, asker, kind)))
        assert.deepEqual(passed, [])
      })

      it('install none under a name that differs from another by case alone', () => {
        for (const alias of ['VICTIM', 'Victim', 'PARENT', 'Good']) {
          assert.deepEqual(refused(list(alias, asker, kind)), ['good ALIAS_INVALID'], alias)
        }
      })
    })
  }
}

describe('a name that is none', () => {
  const project = (version: string) => ({ importers: { '.': { dependencies: { '../victim': { version } } } } })
  const entry = (name: string, version: string, more: Json = {}) => ({ [`${name}@${version}`]: more })
  const lists: Readonly<Record<string, () => readonly LockedPackage[]>> = {
    'pnpm, a package': () => lockedPackages(lockfile(entry('x/../victim', '1.0.0', { resolution: { integrity: A } }))),
    'pnpm, a link': () => lockedPackages(lockfile({}, project('link:../evil'))),
    'pnpm, what has no entry': () => lockedPackages(lockfile({}, project('1.0.0'))),
    'pnpm, a folder': () =>
      lockedPackages(lockfile(entry('..', 'file:x', { resolution: { type: 'directory', directory: 'x' } }))),
    'pnpm, a repository': () =>
      lockedPackages(
        lockfile(entry('./victim', 'git+https://h/r#1', { resolution: { type: 'git', repo: 'h', commit: '1' } })),
      ),
    'pnpm, a field of a package': () =>
      lockedPackages(lockfile(entry('good', '1.0.0', { name: '../victim', resolution: { integrity: A } }))),
    'pnpm, a config dependency': () => configDependencies({ configDependencies: { './victim': `1.0.0+${A}` } }),
    'npm, a link': () =>
      npmPackages({
        lockfileVersion: 3,
        packages: { '': {}, evil: {}, 'node_modules/@scope': { link: true, resolved: 'evil' } },
      }),
    'npm, a field of an entry': () =>
      npmPackages({
        lockfileVersion: 3,
        packages: { '': {}, 'node_modules/good': { name: '../victim', version: '1.0.0', integrity: A } },
      }),
    'npm, an optional dependency without an entry': () =>
      npmPackages({ lockfileVersion: 3, packages: { '': { optionalDependencies: { './victim': '1.0.0' } } } }),
    'npm, what is in the tarball of another': () =>
      npmPackages({
        lockfileVersion: 3,
        packages: {
          '': {},
          'node_modules/a': { version: '1.0.0', integrity: A, bundleDependencies: ['.bin'] },
          'node_modules/a/node_modules/.bin': { version: '1.0.0', inBundle: true },
        },
      }),
    'yarn 1, a link': () => yarnClassicPackages({}, new Map([['.', { dependencies: { '../victim': 'link:./evil' } }]])),
    'yarn 1, a field of an entry': () =>
      yarnClassicPackages(
        { 'good@^1.0.0': { name: '../victim', version: '1.0.0', resolved: 'https://h/x.tgz', integrity: A } },
        new Map(),
      ),
    'bun, an entry': () => bunPackages({ lockfileVersion: 1, packages: { good: ['../victim@1.0.0', '', {}, A] } }),
    'bun, a folder on the way to another': () =>
      bunPackages({ lockfileVersion: 1, packages: { '../victim': ['good@1.0.0', '', {}, A] } }),
    'bun, a dependency that finds the entry of another': () =>
      bunPackages({
        lockfileVersion: 1,
        workspaces: { '': { dependencies: { 'a/b': '1.0.0' } } },
        packages: { a: ['a@1.0.0', '', {}, A], 'a/b': ['b@1.0.0', '', {}, A] },
      }),
  }
  for (const [what, list] of Object.entries(lists)) {
    it(`is refused as that of ${what}`, () => assert.ok(isRefused(list)))
  }
})

describe('names that differ by case alone', () => {
  const registry = (...names: readonly string[]) =>
    Object.fromEntries(names.map((name) => [`${name}@1.0.0`, { resolution: { integrity: A } }]))

  it('are no fault of packages of a registry, which have them', () => {
    assert.deepEqual(refused(lockedPackages(lockfile(registry('JSONStream', 'jsonstream', 'Base64')))), [])
  })

  it('make the rules for both apply: where case is folded one is installed as the other', () => {
    const policy = parsePolicy(
      `rules:
  - { packages: victim, require: provenance, publisher: { repository: acme/victim } }
  - { packages: '**', require: nothing }
`,
      '.sigstorerc',
    )
    const packages = lockedPackages(lockfile(registry('VICTIM', 'victim')))
    const [upper, lower] = packages.map((pkg) =>
      decide(pkg, policy, { ok: false, refusal: { code: 'EVIDENCE_MISSING', found: 'none', expected: 'one' } }, NOW),
    )
    assert.deepEqual([upper?.status, upper?.refusal?.code], ['refused', 'EVIDENCE_MISSING'])
    assert.match(upper?.refusal?.found ?? '', /installed as "victim"/)
    assert.deepEqual([lower?.status, lower?.refusal?.code], ['refused', 'EVIDENCE_MISSING'])
  })

  it('are refused of what is from no registry: whoever writes the lockfile has chosen its name', () => {
    const importers = { '.': { dependencies: { VICTIM: { version: 'link:evil' } } } }
    assert.deepEqual(refused(lockedPackages(lockfile(registry('victim'), { importers }))), ['VICTIM ALIAS_INVALID'])
  })

  it('are refused of both aliases of one package', () => {
    const snapshots = { 'a@1.0.0': { dependencies: { good: '1.0.0', Left: 'good@1.0.0', left: 'good@1.0.0' } } }
    const packages = lockfile(registry('a', 'good'))
    Object.assign(packages.snapshots as Json, snapshots)
    assert.deepEqual(refused(lockedPackages(packages)), ['good ALIAS_INVALID'])
  })

  it('are not compared without end: of one name there are a few at most', () => {
    const names = Array.from({ length: 16 }, (_, index) =>
      [...'name'].map((letter, at) => (index & (1 << at) ? letter.toUpperCase() : letter)).join(''),
    )
    assert.throws(() => lockedPackages(lockfile(registry(...names))), /15 names that differ from "\w+" by case alone/)
    assert.equal(lockedPackages(lockfile(registry(...names.slice(0, 9)))).length, 9)
  })
})
