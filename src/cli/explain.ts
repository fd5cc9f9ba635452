import { type Result, refuse } from '../codes.ts'
import { GateError } from '../errors.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { acceptedRegistries, needsProof } from '../policy/decide.ts'
import { explain } from '../policy/explain.ts'
import { loadPolicy } from '../policy/load.ts'
import { openProver } from '../proving/prover.ts'
import { explanationLines } from '../report/explanation.ts'
import { answer, sayLine } from '../report/output.ts'
import { count } from '../report/summary.ts'
import { escapeText } from '../util/text.ts'
import type { Proof } from '../verify/types.ts'
import { type ExitStatus, exitStatus } from './exit.ts'
import { chosenLockfiles } from './lockfiles.ts'
import {
  forEachPackage,
  onceIn,
  oneList,
  policyPlace,
  proverOptions,
  ruledPackages,
  type SourceOptions,
  trustFiles,
} from './sources.ts'

/** A name may be that of thousands: one for each version or address, or by an alias. */
const MOST_EXPLAINED = 20

export interface ExplainOptions extends SourceOptions {
  readonly policy?: string
}

/** `provenance-gate explain name[@version]`: why it ends as it does. The status is what `verify` would say of it alone. */
export async function explainPackage(wanted: string, options: ExplainOptions, now: Date): Promise<ExitStatus> {
  const { folder, files, shown } = await chosenLockfiles(options.lockfile)
  const trust = trustFiles(options)
  const once = onceIn(options, folder)
  const policy = await loadPolicy(await policyPlace(options, folder), trust, once)
  const lists = await Promise.all(files.map((file) => ruledPackages(file, policy, once, now)))
  const packages = oneList(lists).filter((pkg) => isMeant(pkg, wanted))
  if (packages.length === 0)
    throw new GateError(`${shown} has no package ${escapeText(wanted)}. Names are as in the lockfile.`)
  const trusted = { ...policy.trust, ...trust }
  const prove = openProver(await proverOptions(options, folder, trusted, now, policy))
  // People want to see what could be required. Where nothing is, it need not be to be had.
  const proofFor = (pkg: LockedPackage) =>
    prove(pkg, acceptedRegistries(pkg, policy)).catch((error: unknown): Result<Proof> => {
      if (!(error instanceof GateError) || needsProof(pkg, policy)) throw error
      return refuse('EVIDENCE_UNAVAILABLE', error.message.replace(/\.$/, ''), 'usable trust material')
    })
  const explanations = await forEachPackage(
    packages,
    async (pkg) => ({ pkg, explanation: explain(pkg, policy, await proofFor(pkg), now) }),
    'explaining',
  )
  for (const [index, { pkg, explanation }] of explanations.slice(0, MOST_EXPLAINED).entries())
    answer([...(index === 0 ? [] : ['']), ...explanationLines(pkg, explanation, process.cwd(), trusted)])
  const more = explanations.length - MOST_EXPLAINED
  if (more > 0) sayLine(`… and ${count(more)} more: name one as NAME@VERSION, or by its key in the lockfile.`)
  return exitStatus(explanations.map(({ explanation }) => explanation.verdict))
}

/** By its name, `name@version`, its key in the lockfile, or a name that it is installed as. */
function isMeant({ name, version, key, aliases = [] }: LockedPackage, wanted: string): boolean {
  return [name, `${name}@${version}`, key, ...aliases].includes(wanted)
}
