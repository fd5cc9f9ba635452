import { existsSync } from 'node:fs'
import { basename, dirname, isAbsolute, join, posix, relative, resolve, sep } from 'node:path'
import { DEFAULT_DOMAIN, GITHUB_DOMAIN } from '../domains.ts'
import { GateError } from '../errors.ts'
import { withoutQuotes } from '../read.ts'
import { isFolderAt } from '../util/stats.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { DATA, findPolicy } from './find.ts'
import { MANIFEST, MANIFEST_KEY } from './names.ts'
import { always, type Once } from './once.ts'
import type { referencesOf } from './parse.ts'
import { fromPlain, type PlainPolicy, toPlain } from './plain.ts'
import { loadLock } from './read-lock.ts'
import { at, didYouMean, either, quote } from './text.ts'
import type { Place, Policy, PolicyDomain } from './types.ts'

/**
 * Loads the policy of a folder (the lockfile's), or the file that was named for it, and the identity lock beside the
 * lockfile where a rule asks for it, and the policies of the projects that it lists. Errors are GateErrors; there is no
 * policy that is used in part, and none that is assumed where the file is absent, empty or wrong.
 *
 * @param replaced what takes the place of the policy's own trust files, which need not be there then
 */
export async function loadPolicy(
  place: PolicyPlace,
  replaced: Partial<Policy['trust']> = {},
  once: Once = always,
): Promise<Policy> {
  const policy = await loadWithoutLock(place, replaced, once)
  const projects = [...policy.projects]
  const asks = ({ rules }: Policy) => rules.some(({ unchanged }) => unchanged)
  if (![policy, ...policy.projects.values()].some(asks)) return policy
  const identities = await loadLock(place.folder ?? dirname(policy.file), once)
  return { ...policy, identities, projects: new Map(projects.map(([name, own]) => [name, { ...own, identities }])) }
}

/** The same for whoever writes the identity lock. */
export async function loadWithoutLock(
  place: PolicyPlace,
  replaced: Partial<Policy['trust']>,
  once: Once = always,
): Promise<Policy> {
  const file = 'file' in place ? place.file : await findPolicy(place.folder)
  if (file === undefined) {
    throw new GateError(
      `${place.folder}: no policy here. Without one nothing can be checked. \`provenance-gate init\` writes a first one from the lockfile; or write one as ${either(DATA)}, or under the key "${MANIFEST_KEY}" of ${MANIFEST} (.sigstorerc.example shows how), or name one with --policy FILE`,
    )
  }
  const loader: Loader = { folder: dirname(file), loaded: new Map(), once }
  const { policy, projects } = await loadFile(file, loader)
  for (const [role, material] of trustFilesOf(policy.trust)) once.noteTrust?.(role, material)
  // Also where no rule needs it today: that it is gone must not show on the day on which one does.
  for (const [, material] of trustFilesOf({ ...policy.trust, ...replaced })) {
    if (existsSync(material)) continue
    throw new GateError(`${policy.file}: the trust material ${material} is not there. Correct the path under "trust"`)
  }
  if (policy.attestations?.fallback === 'none') {
    const ignored = policy.rules.find((rule) => rule.evidenceFrom !== undefined)
    if (ignored !== undefined) {
      const message = `this rule's "evidenceFrom" would never be asked, for "attestations" names a mirror and nobody else: write it as {url, fallback: registry}, or remove "evidenceFrom"`
      throw new GateError(at(ignored.place, message))
    }
  }
  return withDomains({
    ...policy,
    projects: await loadProjects(projects, policy.file, loader, place.folder ?? loader.folder),
  })
}

/** Every file that is named under "trust", and as what. */
function trustFilesOf(trust: Policy['trust']): readonly (readonly [role: readonly string[], file: string])[] {
  const all: readonly (readonly [readonly string[], string | undefined])[] = [
    [['trustedRoot'], trust.trustedRoot],
    [['npmKeys'], trust.npmKeys],
    [['tuf'], trust.tuf?.root],
    ...[...(trust.domains ?? [])].flatMap(([name, { trustedRoot, tuf }]) => [
      [['domains', name, 'trustedRoot'], trustedRoot] as const,
      [['domains', name, 'tuf'], tuf?.root] as const,
    ]),
    ...[...(trust.registries ?? [])].map(([name, keys]) => [['registries', name], keys] as const),
  ]
  return all.flatMap(([role, file]) => (file === undefined ? [] : [[role, file] as const]))
}

/** Every trust domain and every registry that a rule names has to be there. Of those that need no files the ones that are named are added. */
function withDomains(policy: Policy): Policy {
  const declared = new Map<string, PolicyDomain>(policy.trust.domains ?? [])
  for (const { rules } of [policy, ...policy.projects.values()]) {
    for (const { publishers, registry, place } of rules) {
      const registries = [...(policy.trust.registries?.keys() ?? [])]
      if (registry !== undefined && !registries.includes(registry)) {
        const message = `this rule is about the registry ${quote(registry)}, whose keys "trust" does not name under "registries"${didYouMean(registry, registries)}`
        throw new GateError(at(place, message))
      }
      for (const { domain } of publishers) {
        if (declared.has(domain) || domain === DEFAULT_DOMAIN) continue
        if (domain !== GITHUB_DOMAIN) {
          const names = [DEFAULT_DOMAIN, GITHUB_DOMAIN, ...declared.keys()]
          const message = `a publisher of this rule is of the trust domain ${quote(domain)}, which "trust" does not name under "domains"${didYouMean(domain, names)}`
          throw new GateError(at(place, message))
        }
        declared.set(domain, {})
      }
    }
  }
  return declared.size === 0 ? policy : { ...policy, trust: { ...policy.trust, domains: declared } }
}

export type { Once } from './once.ts'

/** The folder of the lockfile, and the policy's file where it does not lie there. */
export type PolicyPlace = { readonly folder: string } | { readonly file: string; readonly folder?: string }

/** What a policy names under a key, and where. */
type References = ReturnType<typeof referencesOf>

/** A policy, and the projects that it lists, which are not loaded yet. */
interface Loaded {
  readonly policy: Policy
  readonly projects: References
}

interface Loader {
  /** Of the root's policy: where config dependencies are. */
  readonly folder: string
  /** Each file once, however many extend it: so that its rules and publishers are the same ones everywhere. */
  readonly loaded: Map<string, Promise<Loaded>>
  readonly once: Once
}

/** Of a file: what it names, and what it says, where it extends no other. */
interface PolicyFileContent {
  readonly extended: References
  readonly projects: References
  readonly policy: PlainPolicy | undefined
}

/** @param chain the policies that lead to this one, by `extends` */
function loadFile(file: string, loader: Loader, chain: readonly string[] = []): Promise<Loaded> {
  const loaded = loader.loaded.get(file) ?? withoutQuotes(file, () => readPolicy(file, loader, chain), loader.folder)
  loader.loaded.set(file, loaded)
  return loaded
}

async function readPolicy(file: string, loader: Loader, chain: readonly string[]): Promise<Loaded> {
  refuseExecutable(file)
  const text = await readPolicyText(file)
  const root = basename(file) === MANIFEST ? MANIFEST_KEY : undefined
  if (root !== undefined && !holdsPolicy(text, file, root))
    throw new GateError(
      `${file}: no policy in it, for it has no key "${MANIFEST_KEY}". Add the key, or name another file`,
    )
  const { extended, projects, policy } = await loader.once(['policy', file], text, async () => {
    const { readContent } = await import('./parse.ts')
    const { policy: own, ...content } = readContent(text, file, root)
    return { ...content, policy: own && toPlain(own) } satisfies PolicyFileContent
  })
  if (policy !== undefined) return { policy: fromPlain(policy), projects }
  const shared: Policy[] = []
  for (const { spec, place } of extended) shared.push(await loadShared(spec, place, loader, [...chain, file]))
  const { parsePolicy } = await import('./parse.ts')
  return { policy: parsePolicy(text, file, root, shared), projects }
}

async function loadShared(spec: string, place: Place, loader: Loader, chain: readonly string[]): Promise<Policy> {
  const file = findShared(spec, dirname(place.file), loader.folder)
  if (file === undefined) {
    const isPackage = !spec.startsWith('.')
    const advice = isPackage
      ? "Packages are looked for in node_modules beside the policy, and beside the root's: add it with `pnpm add --config`, which installs it before everything else"
      : 'Correct the path'
    throw new GateError(at(place, `${quote(spec)}: there is no such shared policy. ${advice}`))
  }
  if (chain.includes(file))
    throw new GateError(at(place, `${quote(spec)} leads back to ${file}, which extends this file`))
  const { policy, projects } = await loadFile(file, loader, chain)
  const [first] = projects
  if (first === undefined) return policy
  throw new GateError(
    at(
      place,
      `${quote(spec)} lists "projects" (line ${first.place.line}), and only the policy of the workspace's root can: what both are to have goes into a third file, which both extend`,
    ),
  )
}

/**
 * A project that is listed and has no policy is an error: whoever removes the file does not remove its rules unseen.
 *
 * @param folder of the lockfile
 */
async function loadProjects(
  listed: References,
  file: string,
  loader: Loader,
  folder: string,
): Promise<Policy['projects']> {
  const projects = new Map<string, Policy>()
  for (const { spec, place } of listed) {
    const fail = (message: string): never => {
      throw new GateError(at(place, `${quote(spec)} ${message}`))
    }
    const project = resolve(dirname(file), spec)
    const name = importerName(contains(folder, dirname(file)) ? relative(folder, project) : spec)
    if (name === '.' || name.startsWith('..')) fail('is not a folder of the workspace that this policy is about')
    if (projects.has(name)) fail('is listed twice: keep one')
    const own = isFolderAt(project) ? await findPolicy(project) : undefined
    if (own === undefined)
      return fail(`has no policy of its own: write one (${spec}/${DATA[0]}), or take it off this list`)
    // One that was moved to another folder would leave its policy behind, where nothing needs anything.
    const isElsewhere = !contains(dirname(file), folder) && !contains(folder, dirname(file))
    if (!isElsewhere && !MANIFESTS.some((each) => existsSync(join(project, each))))
      fail('is no project: it has a policy, but no package.json. Was it moved? List the folder where it is')
    const { policy, projects: nested } = await loadFile(own, loader)
    const [first] = nested
    if (first !== undefined)
      throw new GateError(
        at(first.place, `"projects" in a project's own policy: only the policy of the workspace's root can list them`),
      )
    if (Object.values(policy.trust).some((each) => each !== undefined))
      throw new GateError(
        `${own}: "trust", in a project's own policy or what it extends: who is trusted is for ${file} to say. Remove it`,
      )
    const [setting] = policy.allowSettings
    if (setting !== undefined)
      throw new GateError(
        at(
          setting.place,
          `"allowSettings", in a project's own policy or what it extends: settings are for ${file} to allow. Remove it`,
        ),
      )
    if (policy.attestations !== undefined)
      throw new GateError(
        `${own}: "attestations", in a project's own policy or what it extends: where evidence comes from is for ${file} to say. Remove it`,
      )
    const [allowance] = policy.allowLockChanges ?? []
    if (allowance !== undefined)
      throw new GateError(
        at(
          allowance.place,
          `"allowLockChanges", in a project's own policy or what it extends: who may change the identity lock is for ${file} to say. Remove it`,
        ),
      )
    const asking = policy.rules.find((rule) => rule.evidenceFrom !== undefined)
    if (asking !== undefined)
      throw new GateError(
        at(
          asking.place,
          `"evidenceFrom", in a project's own policy or what it extends: where evidence comes from is for ${file} to say. Remove it`,
        ),
      )
    projects.set(name, policy)
  }
  return projects
}

const MANIFESTS = [MANIFEST, 'package.yaml', 'package.json5']

/**
 * The folder from which projects are called, for a lockfile in `folder`: that of the policy, if the lockfile is in it; else
 * the lockfile's, for then the policy is that of another checkout.
 */
export function projectsFolder({ file }: Policy, folder: string): string {
  return contains(dirname(file), folder) ? dirname(file) : folder
}

function contains(outer: string, inner: string): boolean {
  const path = relative(outer, inner)
  return !path.startsWith('..') && !isAbsolute(path)
}

/**
 * Projects of the lockfile that have a policy which nobody listed: its rules would not be kept, and whoever wrote it
 * believes that they are.
 *
 * @param folder from which the projects are called (`projectsFolder`)
 * @throws GateError
 */
export async function refuseUnlisted(policy: Policy, folder: string, importers: Iterable<string>): Promise<void> {
  const names = new Set([...new Set(importers)].map(importerName))
  const others = [...names].filter((name) => name !== '.' && !policy.projects.has(name)).sort()
  for (const name of others) {
    const project = resolve(folder, name)
    const own = isFolderAt(project) ? await findPolicy(project) : undefined
    if (own === undefined || own === policy.file) continue
    throw new GateError(
      `${own}: a policy of which nothing would come, for ${policy.file} does not list its project. Add ${quote(name)} to "projects" there, or remove this one`,
    )
  }
}

/** As lockfiles write it. */
function importerName(path: string): string {
  return posix.join(path.split(sep).join('/'), '.').replace(/\/$/, '')
}

/** Config dependencies come first: they are there before anything else is installed. pnpm has them in the root alone. */
function findShared(spec: string, folder: string, root: string): string | undefined {
  const places = spec.startsWith('.')
    ? [resolve(folder, spec)]
    : ['node_modules/.pnpm-config', 'node_modules'].flatMap((modules) =>
        [folder, root].map((each) => resolve(each, modules, spec)),
      )
  return places.find((each) => existsSync(each))
}
