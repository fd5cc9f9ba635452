import { existsSync } from 'node:fs'
import path from 'node:path'
import { INEXCUSABLE } from '../codes.ts'
import { GateError } from '../errors.ts'
import { projectsIn } from '../lockfile/importers.ts'
import { acceptIdentities, type Examined, isBroken, isUndecided } from '../policy/accept.ts'
import { decide, needsProof } from '../policy/decide.ts'
import { type DraftOptions, draftPolicy } from '../policy/draft.ts'
import { findPolicy } from '../policy/find.ts'
import { LOCK_NAME } from '../policy/names.ts'
import { parsePolicy } from '../policy/parse.ts'
import type { IdentityLock, Policy, Verdict } from '../policy/types.ts'
import { holdsNothing, unbindable, unbindableLines } from '../policy/unbindable.ts'
import { MOST_LINES, MOST_LISTED, MOST_NAME, MOST_PHRASE } from '../report/bounds.ts'
import { sayLine } from '../report/output.ts'
import { reasonLine } from '../report/refusal.ts'
import { count } from '../report/summary.ts'
import type { TrustFiles } from '../trust/inputs.ts'
import { escapeText, firstOf, listText } from '../util/text.ts'
import { examine, tellThose, tellUndecided, writeIdentityLock, writeWhole } from './accept.ts'
import { type ExitStatus, statusFor } from './exit.ts'
import { chosenLockfiles } from './lockfiles.ts'
import { type SourceOptions, trustFiles } from './sources.ts'

const POLICY_NAME = '.sigstorerc'

/**
 * `provenance-gate init`: looks at everything that a lockfile has, and writes a policy and an identity lock under which it
 * passes. 1 where something does not: attestations that do not hold, or what no exception can excuse. 2 where it is only not
 * known what some attestations say.
 *
 * @throws GateError where there is a policy or a lock already
 */
export async function init(options: SourceOptions, now: Date): Promise<ExitStatus> {
  const lockfiles = await chosenLockfiles(options.lockfile)
  const { folder } = lockfiles
  await refuseToOverwrite(folder)
  const trust = trustFiles(options)
  const examined = await examine(options, trust, lockfiles, now, undefined, true)
  const { lock } = acceptIdentities(new Map(), examined, new Set())
  const relative = (file: string) => path.relative(folder, path.resolve(file)).split(path.sep).join('/')
  const draft: DraftOptions = {
    trust: {
      ...(options.trustedRoot !== undefined && { trustedRoot: relative(options.trustedRoot) }),
      ...(options.npmKeys !== undefined && { npmKeys: relative(options.npmKeys) }),
    },
    projects: await projectsWithPolicies(folder, examined),
    looked: options.attestations === undefined ? 'registry' : 'folder',
  }
  // What an alias or a repository of another name does to a rule shows only when it is asked.
  const refusals = refusedBy(parsed(draftPolicy(examined, draft), lock), examined, now)
  const exceptions = exceptionsFor(refusals, now)
  const policy = draftPolicy(examined, { ...draft, exceptions })
  // The lock first: a policy without it would stop every install.
  await writeIdentityLock(folder, lock)
  await writeWhole(path.join(folder, POLICY_NAME), policy)
  const drafted = parsed(policy, lock)
  const isVain = holdsNothing(
    drafted,
    examined.map(({ pkg }) => pkg),
  )
  const status = tell(examined, lock.size, exceptions, refusedBy(drafted, examined, now), trust)
  if (isVain) sayLine(vainLine(examined, options))
  for (const line of trustLines(draft)) sayLine(line)
  return status
}

async function projectsWithPolicies(folder: string, examined: readonly Examined[]): Promise<readonly string[]> {
  const names = [...projectsIn(examined.map(({ pkg }) => pkg))].filter((name) => name !== '.').sort()
  const found = await Promise.all(
    names.map(async (name) => {
      const project = path.join(folder, name)
      return existsSync(project) && (await findPolicy(project)) !== undefined ? [name] : []
    }),
  )
  return found.flat()
}

function parsed(text: string, identities: IdentityLock): Policy {
  return { ...parsePolicy(text, POLICY_NAME), identities }
}

/** What a draft refuses, apart from attestations that do not hold, or of which nothing is known. */
function refusedBy(policy: Policy, examined: readonly Examined[], now: Date): readonly Verdict[] {
  return examined
    .filter((each) => !isBroken(each) && !isUndecided(each))
    .map(({ pkg, proof, signed = proof }) => decide(pkg, policy, needsProof(pkg, policy) ? signed : undefined, now))
    .filter(({ status }) => status === 'refused')
}

/** In milliseconds: long enough to look at each, and no longer. */
const QUARTER = 90 * 86_400_000

function exceptionsFor(refusals: readonly Verdict[], now: Date): NonNullable<DraftOptions['exceptions']> {
  const expires = new Date(now.getTime() + QUARTER).toISOString().slice(0, 10)
  const excusable = refusals.filter(
    ({ package: { source }, refusal }) =>
      source === 'registry' && refusal !== undefined && !INEXCUSABLE.has(refusal.code),
  )
  const byVersion = new Map(excusable.map((verdict) => [`${verdict.package.name}@${verdict.package.version}`, verdict]))
  return [...byVersion].map(([version, { package: pkg, refusal }]) => {
    const as = pkg.aliases === undefined ? '' : `, installed as ${listText(pkg.aliases, MOST_LISTED)}`
    const bytes = pkg.outside === undefined || !pkg.integrity?.startsWith('sha512-') ? {} : { integrity: pkg.integrity }
    return { package: version, ...bytes, reason: `${refusal?.code} when this policy was written${as}`, expires }
  })
}

async function refuseToOverwrite(folder: string): Promise<void> {
  const policy = await findPolicy(folder)
  const lock = path.join(folder, LOCK_NAME)
  const what = policy ?? (existsSync(lock) ? lock : undefined)
  if (what === undefined) return
  throw new GateError(
    `${what} is there already, and \`init\` overwrites nothing. Change it by hand, run \`provenance-gate accept\`, or remove it first.`,
  )
}

function tell(
  examined: readonly Examined[],
  proven: number,
  exceptions: NonNullable<DraftOptions['exceptions']>,
  refused: readonly Verdict[],
  trust: TrustFiles,
): ExitStatus {
  const broken = tellThose(
    examined,
    isBroken,
    (packages) =>
      `${packages} with attestations that do not hold, which the policy refuses. Nothing good explains that: look at each.`,
  )
  const undecided = tellUndecided(examined, trust, 'the policy refuses it')
  const excepted = firstOf(
    exceptions,
    MOST_LINES,
    ({ package: version, reason, expires }) => `~ ${version}  passes by an exception until ${expires}: ${reason}`,
  )
  const left = firstOf(refused, MOST_LINES, ({ package: pkg, refusal }) => {
    const advice =
      refusal?.code === 'ALIAS_INVALID'
        ? 'No rule can allow it: correct what asks for it'
        : 'No rule of the draft permits it: correct the lockfile, or write a rule of its own'
    return `! ${reasonLine(pkg, refusal)}. ${advice}`
  })
  for (const line of [...excepted, ...left]) sayLine(line)
  for (const line of unbindableLines(examined)) sayLine(line)
  const unbound = examined.filter((each) => unbindable(each) !== undefined).length
  const without = unbound === 0 ? '' : `, ${unbound} with nothing to compare evidence with`
  sayLine(
    `${POLICY_NAME} and ${LOCK_NAME} are written: ${count(examined.length)}, ${proven} ${proven === 1 ? 'name' : 'names'} with provenance${without}. Read them, and commit both.`,
  )
  return statusFor(broken + refused.length, undecided)
}

/** That the policy holds nothing, and why, as far as somebody was asked. */
function vainLine(examined: readonly Examined[], { attestations }: SourceOptions): string {
  const holds = 'This policy holds none of them: it requires nothing of what is installed today'
  if (examined.some((each) => unbindable(each) !== undefined))
    return `${holds}, for nothing of it is proven or signed in a way that could be compared.`
  const later = 'It holds packages that come to have provenance, after `provenance-gate accept`.'
  if (attestations !== undefined)
    return `${holds}, for ${escapeText(attestations, MOST_NAME)} proves nothing of it, and the registry was not asked (--attestations). ${later}`
  return `${holds}, for the registry has answered that it has neither attestations nor signatures of it. Where it only passes packages on (a mirror, a proxy), name the registry that has them as "evidenceFrom" in the rule (docs/registries.md). ${later}`
}

/** Which files the policy trusts from now on, because an option named them once. */
function trustLines({ trust = {} }: DraftOptions): readonly string[] {
  const named = Object.entries(trust).map(([key, file]) => `${key}: ${file}`)
  if (named.length === 0) return []
  const written = `trust: { ${named.join(', ')} }`
  return [
    `${POLICY_NAME} has \`${escapeText(written, MOST_PHRASE)}\`, from your options: every later run trusts what is in there, and nothing renews it. Commit it as well, or remove "trust" to use the trust root that \`provenance-gate trust update\` renews.`,
  ]
}
