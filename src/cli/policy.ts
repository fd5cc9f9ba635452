import { existsSync } from 'node:fs'
import path from 'node:path'
import { lockfilesIn } from '../lockfile/find.ts'
import { lockfilesOf } from '../lockfile/workspace.ts'
import { parseCases, runCase } from '../policy/cases.ts'
import { readPolicyText } from '../policy/file.ts'
import { findingsOf, vainFindings } from '../policy/findings.ts'
import { loadPolicy } from '../policy/load.ts'
import type { Place, Policy } from '../policy/types.ts'
import { sayLine } from '../report/output.ts'
import type { ExitStatus } from './exit.ts'
import { onceIn, oneList, policyPlace, ruledPackages } from './sources.ts'

export interface PolicyOptions {
  readonly policy?: string
  readonly lockfile?: string
}

/** `provenance-gate policy check`: its mistakes (2), else what whoever keeps it wants to know. */
export async function check(options: PolicyOptions, now: Date): Promise<ExitStatus> {
  const policy = await load(options)
  const files = options.lockfile === undefined ? await lockfilesIn(process.cwd()) : [path.resolve(options.lockfile)]
  const candidates = await Promise.all(files.map(lockfilesOf))
  const isThere = candidates.flat().some((file) => existsSync(file))
  const once = onceIn({}, folderOf(options))
  const lists = isThere ? await Promise.all(files.map((file) => ruledPackages(file, policy, once, now))) : []
  const packages = isThere ? oneList(lists) : undefined
  const findings = [...vainFindings(policy, packages ?? []), ...findingsOf(policy, packages, now)]
  for (const { place, message } of findings) sayLine(`${shown(place)}: ${message}`)
  const compared = packages === undefined ? ', without a lockfile to compare it with' : ''
  for (const { file, rules } of [policy, ...policy.projects.values()]) {
    const notes = findings.filter(({ place }) => place.file === file).length
    const above = notes === 0 ? '' : `, ${notes === 1 ? 'one thing' : `${notes} things`} to look at above`
    sayLine(
      `${path.relative(process.cwd(), file) || file}: ${rules.length === 1 ? '1 rule' : `${rules.length} rules`}, no mistakes${above}${compared}`,
    )
  }
  return 0
}

/** `provenance-gate policy test FILE`: 0 where every case ends as it expects, else 1. */
export async function test(file: string, options: PolicyOptions, now: Date): Promise<ExitStatus> {
  const policy = await load(options)
  const text = await readPolicyText(path.resolve(file), undefined, 'the file of cases')
  const { day = now, cases } = parseCases(text, file, [...policy.projects.keys()])
  const failed = cases.filter((each) => {
    const { failure } = runCase(each, policy, day)
    sayLine(failure === undefined ? `ok      ${each.name}` : `FAILED  ${each.name} (${shown(each.place)}): ${failure}`)
    return failure !== undefined
  })
  sayLine(`${cases.length} cases: ${cases.length - failed.length} as expected, ${failed.length} not`)
  return failed.length > 0 ? 1 : 0
}

async function load(options: PolicyOptions): Promise<Policy> {
  return loadPolicy(await policyPlace(options, folderOf(options)))
}

function folderOf({ lockfile }: PolicyOptions): string {
  return lockfile === undefined ? process.cwd() : path.dirname(path.resolve(lockfile))
}

function shown({ file, line }: Place): string {
  return `${path.relative(process.cwd(), file) || file}:${line}`
}
