import { existsSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { GateError } from '../errors.ts'
import { at } from './document.ts'
import { holdsPolicy, readPolicyText, refuseExecutable } from './file.ts'
import { findPolicy, MANIFEST, MANIFEST_KEY } from './find.ts'
import { LOCK_NAME, parseLock } from './lock-file.ts'
import { extendsOf, parsePolicy } from './parse.ts'
import { quote } from './text.ts'
import type { IdentityLock, Place, Policy } from './types.ts'

/**
 * Loads the policy of a folder (the lockfile's), or the file that was named for it, and the identity lock beside the
 * lockfile where a rule asks for it. Errors are GateErrors; there is no policy that is used in part, and none that is
 * assumed where the file is absent, empty or wrong.
 *
 * @param replaced what takes the place of the policy's own trust files, which need not be there then
 */
export async function loadPolicy(place: PolicyPlace, replaced: Partial<Policy['trust']> = {}): Promise<Policy> {
  const policy = await loadWithoutLock(place, replaced)
  if (!policy.rules.some(({ unchanged }) => unchanged)) return policy
  return { ...policy, identities: await loadLock(place.folder ?? dirname(policy.file)) }
}

/** The same for whoever writes the identity lock. */
export async function loadWithoutLock(place: PolicyPlace, replaced: Partial<Policy['trust']>): Promise<Policy> {
  const policy = await loadFile('file' in place ? place.file : await findPolicy(place.folder))
  // Also where no rule needs it today: that it is gone must not show on the day on which one does.
  const trust = { ...policy.trust, ...replaced }
  for (const file of [trust.trustedRoot, trust.npmKeys]) {
    if (file === undefined || existsSync(file)) continue
    throw new GateError(`${policy.file}: the trust material ${file} is not there. Correct the path under "trust"`)
  }
  return policy
}

/** The folder of the lockfile, and the policy's file where it does not lie there. */
export type PolicyPlace = { readonly folder: string } | { readonly file: string; readonly folder?: string }

/** @param chain the policies that lead to this one, by `extends` */
async function loadFile(file: string, chain: readonly string[] = []): Promise<Policy> {
  refuseExecutable(file)
  const text = await readPolicyText(file)
  const root = basename(file) === MANIFEST ? MANIFEST_KEY : undefined
  if (root !== undefined && !holdsPolicy(text, file, root))
    throw new GateError(
      `${file}: no policy in it, for it has no key "${MANIFEST_KEY}". Add the key, or name another file`,
    )
  const shared: Policy[] = []
  for (const { spec, place } of extendsOf(text, file, root)) {
    shared.push(await loadShared(spec, place, [...chain, file]))
  }
  return parsePolicy(text, file, root, shared)
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
  return loadFile(file, chain)
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
