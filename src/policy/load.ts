import { existsSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { GateError } from '../errors.ts'
import { at } from './document.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { DATA, findPolicy, MANIFEST, MANIFEST_KEY } from './find.ts'
import { LOCK_NAME, parseLock } from './lock-file.ts'
import { parsePolicy, referencesOf } from './parse.ts'
import { either, quote } from './text.ts'
import type { IdentityLock, Place, Policy } from './types.ts'

/**
 * Loads the policy of a folder (the lockfile's), or the file that was named for it, and the identity lock beside the
 * lockfile where a rule asks for it, and the policies of the projects that it lists. Errors are GateErrors; there is no
 * policy that is used in part, and none that is assumed where the file is absent, empty or wrong.
 *
 * @param replaced what takes the place of the policy's own trust files, which need not be there then
 */
export async function loadPolicy(place: PolicyPlace, replaced: Partial<Policy['trust']> = {}): Promise<Policy> {
  const policy = await loadWithoutLock(place, replaced)
  const projects = [...policy.projects]
  const asks = ({ rules }: Policy) => rules.some(({ unchanged }) => unchanged)
  if (![policy, ...policy.projects.values()].some(asks)) return policy
  const identities = await loadLock(place.folder ?? dirname(policy.file))
  return { ...policy, identities, projects: new Map(projects.map(([name, own]) => [name, { ...own, identities }])) }
}

/** The same for whoever writes the identity lock. */
export async function loadWithoutLock(place: PolicyPlace, replaced: Partial<Policy['trust']>): Promise<Policy> {
  const file = 'file' in place ? place.file : await findPolicy(place.folder)
  if (file === undefined) {
    throw new GateError(
      `${place.folder}: no policy here. Without one nothing can be checked, so nothing is installed. Write one as ${either(DATA)}, or under the key "${MANIFEST_KEY}" of ${MANIFEST} (.sigstorerc.example shows how), or name one with --policy FILE`,
    )
  }
  const { policy, projects } = await loadFile(file)
  // Also where no rule needs it today: that it is gone must not show on the day on which one does.
  const trust = { ...policy.trust, ...replaced }
  for (const material of [trust.trustedRoot, trust.npmKeys]) {
    if (material === undefined || existsSync(material)) continue
    throw new GateError(`${policy.file}: the trust material ${material} is not there. Correct the path under "trust"`)
  }
  return { ...policy, projects: await loadProjects(projects, policy.file, place.folder ?? dirname(policy.file)) }
}

/** The folder of the lockfile, and the policy's file where it does not lie there. */
export type PolicyPlace = { readonly folder: string } | { readonly file: string; readonly folder?: string }

/** What a policy names under a key, and where. */
type References = ReturnType<typeof referencesOf>

/**
 * @param chain the policies that lead to this one, by `extends`
 * @returns the policy, and the projects that it lists, which are not loaded yet
 */
async function loadFile(
  file: string,
  chain: readonly string[] = [],
): Promise<{ readonly policy: Policy; readonly projects: References }> {
  refuseExecutable(file)
  const text = await readPolicyText(file)
  const root = basename(file) === MANIFEST ? MANIFEST_KEY : undefined
  if (root !== undefined && !holdsPolicy(text, file, root))
    throw new GateError(
      `${file}: no policy in it, for it has no key "${MANIFEST_KEY}". Add the key, or name another file`,
    )
  const shared: Policy[] = []
  for (const { spec, place } of referencesOf('extends', text, file, root)) {
    shared.push(await loadShared(spec, place, [...chain, file]))
  }
  return {
    policy: parsePolicy(text, file, root, shared),
    projects: referencesOf('projects', text, file, root),
  }
}

async function loadShared(spec: string, place: Place, chain: readonly string[]): Promise<Policy> {
  const file = findShared(spec, dirname(place.file))
  if (file === undefined) {
    const isPackage = !spec.startsWith('.')
    const advice = isPackage
      ? 'Packages are looked for in node_modules beside the policy: add it with `pnpm add --config`, which installs it before everything else'
      : 'Correct the path'
    throw new GateError(at(place, `${quote(spec)}: there is no such shared policy. ${advice}`))
  }
  if (chain.includes(file))
    throw new GateError(at(place, `${quote(spec)} leads back to ${file}, which extends this file`))
  const { policy, projects } = await loadFile(file, chain)
  refuseProjects(projects, 'a policy that others extend')
  return policy
}

function refuseProjects([first]: References, where: string): void {
  if (first === undefined) return
  throw new GateError(
    at(first.place, `"projects" in ${where}: only the policy of the workspace's root can list them. Remove them here`),
  )
}

/**
 * A project that is listed and has no policy is an error: whoever removes the file does not remove its rules unseen.
 *
 * @param folder of the lockfile, from which it names projects
 */
async function loadProjects(listed: References, file: string, folder: string): Promise<Policy['projects']> {
  const projects = new Map<string, Policy>()
  for (const { spec, place } of listed) {
    const project = resolve(dirname(file), spec)
    const own = existsSync(project) ? await findPolicy(project) : undefined
    if (own === undefined)
      throw new GateError(
        at(place, `${quote(spec)} has no policy of its own: write one (${spec}/${DATA[0]}), or take it off this list`),
      )
    const name = importerOf(folder, project)
    if (projects.has(name)) throw new GateError(at(place, `${quote(spec)} is listed twice: keep one`))
    const { policy, projects: nested } = await loadFile(own)
    refuseProjects(nested, "a project's own policy")
    if (policy.trust.trustedRoot !== undefined || policy.trust.npmKeys !== undefined)
      throw new GateError(
        `${own}: "trust", in a project's own policy or what it extends: who is trusted is for ${file} to say. Remove it`,
      )
    projects.set(name, policy)
  }
  return projects
}

/**
 * Projects of the lockfile that have a policy which nobody listed: its rules would not be kept, and whoever wrote it
 * believes that they are.
 *
 * @param importers as the lockfile in `folder` calls them
 * @throws GateError
 */
export async function refuseUnlisted(policy: Policy, folder: string, importers: Iterable<string>): Promise<void> {
  const others = [...new Set(importers)].filter((name) => name !== '.' && !policy.projects.has(name)).sort()
  for (const name of others) {
    const project = resolve(folder, name)
    const own = existsSync(project) ? await findPolicy(project) : undefined
    if (own === undefined || own === policy.file) continue
    throw new GateError(
      `${own}: a policy of which nothing would come, for ${policy.file} does not list its project. Add ${quote(name)} to "projects" there, or remove this one`,
    )
  }
}

function importerOf(folder: string, project: string): string {
  return relative(folder, project).split(sep).join('/') || '.'
}

/** Config dependencies come first: they are there before anything else is installed. */
function findShared(spec: string, folder: string): string | undefined {
  const places = spec.startsWith('.') ? [spec] : [`node_modules/.pnpm-config/${spec}`, `node_modules/${spec}`]
  return places.map((each) => resolve(folder, each)).find((each) => existsSync(each))
}

/** @throws GateError where there is none: a rule that asks for it would ask for nothing */
async function loadLock(folder: string): Promise<IdentityLock> {
  const lock = await readLock(folder)
  if (lock !== undefined) return lock
  throw new GateError(
    `${join(folder, LOCK_NAME)}: there is no such file, and a rule with "unchanged" needs it to know who has published what. Run \`provenance-gate accept\`, look at what it writes, and commit it`,
  )
}

/** The identity lock of a folder; undefined where it has none. */
export async function readLock(folder: string): Promise<IdentityLock | undefined> {
  const file = join(folder, LOCK_NAME)
  const isThere = await lstat(file).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  )
  return isThere ? parseLock(await readPolicyText(file, MAX_LOCK), file) : undefined
}

/** Some hundred bytes a package. */
const MAX_LOCK = 16 * 1024 * 1024
