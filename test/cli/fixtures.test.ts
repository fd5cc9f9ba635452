/** The lockfiles that real pnpm wrote (`fixtures/lockfiles`), from the command line: every entry is counted, once. */
import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse, parseAllDocuments } from 'yaml'
import type { Project } from '../support/pnpm/index.ts'
import { POLICY, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, report, verify, writeDocuments } from './support.ts'

const world = await startWorld()
after(() => world.close())
const FIXTURES = join(import.meta.dirname, '../../fixtures/lockfiles')
const CASES = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, 'pnpm-lock.yaml')))
const PERMIT_ALL =
  'rules: [{ packages: "**", source: [registry, workspace, tarball, git, directory, runtime], require: nothing }]\n'

/** What a reader of the file sees, without the gate's own reader: what could be proven, and how many entries there are. */
interface Expected {
  /** By `name@version`, the digest. */
  readonly provable: ReadonlyMap<string, string>
  readonly total: number
}

/** By `dependencies` and the like, then by name: a reference, or in a project an object with it. */
type Groups = Readonly<Record<string, Readonly<Record<string, string | { readonly version?: string }>>>>

interface Document {
  readonly importers?: Readonly<Record<string, Groups>>
  readonly packages?: Readonly<Record<string, { readonly resolution: Readonly<Record<string, unknown>> }>>
  readonly snapshots?: Readonly<Record<string, Groups>>
}

/** `name@1.0.0`, and `name@work:1.0.0` for a registry with a name. */
const FROM_REGISTRY = /^((?:@[^/]+\/)?[^@/]+)@(?:[a-z]+:)?(\d+\.\d+\.\d+[^/:]*)$/

function expectedOf(folder: string): Expected {
  const provable = new Map<string, string>()
  const others = new Set<string>()
  const documents = parseAllDocuments(readFileSync(join(folder, 'pnpm-lock.yaml'), 'utf8'))
  for (const document of documents) {
    const { importers = {}, packages = {}, snapshots = {} } = document.toJS() as Document
    for (const [key, { resolution }] of Object.entries(packages)) {
      const [, name, version] = FROM_REGISTRY.exec(key) ?? []
      const { type, integrity } = resolution
      if (name !== undefined && type === undefined) provable.set(`${name}@${version}`, String(integrity))
      else others.add(key)
    }
    // A folder that is linked from a project is named from there, one that is linked from a package from the root.
    const fromRoot = Object.values(snapshots).map((groups) => ['.', groups] as const)
    for (const [folder, groups] of [...Object.entries(importers), ...fromRoot]) {
      for (const [alias, target] of Object.values(groups).flatMap((group) => Object.entries(group))) {
        const ref = typeof target === 'string' ? target : (target.version ?? '')
        if (ref.startsWith('link:')) others.add(`${alias}@link:${join(folder, ref.slice('link:'.length))}`)
      }
    }
  }
  for (const [name, pinned] of Object.entries(pinnedIn(folder))) {
    const [version, ...digest] = pinned.split('+')
    if (digest.length > 0) provable.set(`${name}@${version}`, digest.join('+'))
  }
  return { provable, total: provable.size + others.size }
}

/** pnpm 10 has the digests of config dependencies here. */
function pinnedIn(folder: string): Readonly<Record<string, string>> {
  const file = join(folder, 'pnpm-workspace.yaml')
  if (!existsSync(file)) return {}
  return (parse(readFileSync(file, 'utf8')) as { configDependencies?: Record<string, string> }).configDependencies ?? {}
}

function projectOf(name: string, policy: string): Project {
  const project = cliProject(world, { policy })
  cpSync(join(FIXTURES, name), project.dir, { recursive: true })
  return project
}

async function documents({ provable }: Expected): Promise<Readonly<Record<string, unknown>>> {
  const made = [...provable].map(async ([id, integrity]) => {
    const at = id.lastIndexOf('@')
    const about = { name: id.slice(0, at), version: id.slice(at + 1), integrity, now: SIGNED_AT }
    return [id, await world.sigstore.document(about)] as const
  })
  return Object.fromEntries(await Promise.all(made))
}

test('there are fixtures of all kinds', () => {
  assert.ok(CASES.length >= 20, CASES.join(' '))
})

for (const name of CASES.filter((each) => each !== 'v13')) {
  describe(name, () => {
    const expected = expectedOf(join(FIXTURES, name))

    test('under a rule that requires provenance: what a registry has is proven, nothing else', async (t) => {
      const project = projectOf(name, POLICY)
      t.after(() => project.dispose())
      const folder = writeDocuments(project, await documents(expected))
      const { packages, summary } = await report(project, '--attestations', folder)
      assert.equal(summary.total, expected.total)
      const proven = packages.filter(({ status }) => status === 'proven')
      assert.deepEqual(proven.map((pkg) => `${pkg.name}@${pkg.version}`).sort(), [...expected.provable.keys()].sort())
      for (const pkg of proven) assert.equal(pkg.integrity, expected.provable.get(`${pkg.name}@${pkg.version}`))
      for (const { status, code, found } of packages) {
        if (status !== 'proven') assert.match(`${code} ${found}`, /^EVIDENCE_MISSING a dependency from /)
      }
    })

    test('under the same rule without any documents: all refused, with one code', async (t) => {
      const project = projectOf(name, POLICY)
      t.after(() => project.dispose())
      const { summary } = await report(project, '--attestations', writeDocuments(project, {}))
      assert.deepEqual(summary.codes, { EVIDENCE_MISSING: expected.total })
    })

    test('under a rule that requires nothing: 0, all permitted, nothing asked for', async (t) => {
      const project = projectOf(name, PERMIT_ALL)
      t.after(() => project.dispose())
      world.registry.forgetRequests()
      const { summary } = await report(project)
      assert.equal(summary.permitted, expected.total)
      assert.deepEqual(world.registry.requests, [])
    })
  })
}

test('v13, which the gate cannot read: 2, with the way out', async (t) => {
  const project = projectOf('v13', PERMIT_ALL)
  t.after(() => project.dispose())
  const { status, stderr } = await verify(project)
  assert.equal(status, 2)
  assert.match(stderr, /pnpm-lock\.yaml .*v13.*`pnpm install --lockfile-only`/)
})
