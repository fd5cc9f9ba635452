import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { CODES, UNDECIDED } from '../../src/codes.ts'
import type { JsonPackage, JsonReport } from '../../src/report/json.ts'
import { createProject, type Project, type ProjectOptions } from '../support/pnpm/index.ts'
import { CLI, type World } from '../support/world.ts'

export interface CliRun {
  /** Null if a signal ended it. */
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface Where {
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
}

/** Starts the built command line with nothing of this process' environment. */
export function startCli(args: readonly string[], { cwd, env }: Where) {
  return spawn(process.execPath, [CLI, ...args], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 })
}

/** Runs it to its end. What must hold for every run is asserted here: nobody is shown a stack, whatever went wrong. */
export async function runCli(args: readonly string[], where: Where): Promise<CliRun> {
  const child = startCli(args, where)
  const text = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk
    })
  }
  const { promise, resolve, reject } = Promise.withResolvers<CliRun>()
  child.on('error', reject)
  child.on('close', (status, signal) => resolve({ status, signal, ...text }))
  const run = await promise
  assertNoStack(run.stderr)
  return run
}

export function assertNoStack(stderr: string): void {
  assert.doesNotMatch(stderr, /^ {4}at |node:internal|Node\.js v/m)
}

/** `provenance-gate verify` in a project's folder. Without `--json` nothing is on standard output. */
export async function verify(project: Project, ...args: readonly string[]): Promise<CliRun> {
  const run = await runCli(['verify', ...args], { cwd: project.dir, env: project.env })
  if (!args.includes('--json')) assert.equal(run.stdout, '')
  return run
}

/** A report whose packages have their lists of projects. */
export interface Report extends Pick<JsonReport, 'summary' | 'lockChanges'> {
  readonly packages: readonly (Omit<JsonPackage, 'importers' | 'projects'> & {
    readonly importers: readonly string[]
    readonly projects: readonly string[] | null
  })[]
}

/** The same with `--json`: its report, after everything was checked that the documentation says of any report. */
export async function report(project: Project, ...args: readonly string[]): Promise<Report> {
  return reportOf(await verify(project, '--json', ...args))
}

export function reportOf(run: CliRun): Report {
  assert.ok(run.stdout.endsWith('}\n'), run.stderr)
  const parsed = JSON.parse(run.stdout) as JsonReport
  assertReport(parsed)
  const isLoosened = parsed.lockChanges?.some(({ refused }) => refused) === true
  assert.equal(run.status, isLoosened ? 1 : statusOf(parsed.packages))
  assert.match(run.stderr, new RegExp(`^${summaryLineOf(parsed.packages)}$`, 'm'))
  const { projectSets, packages, ...rest } = parsed
  const named = (set: number) => projectSets[set] ?? assert.fail(`no set ${set} among ${projectSets.length}`)
  return {
    ...rest,
    packages: packages.map(({ importers, projects, ...pkg }) => ({
      ...pkg,
      importers: named(importers),
      projects: projects === null ? null : named(projects),
    })),
  }
}

const FIELDS =
  'name version integrity status code found expected rule exception claims importers bundledIn projects'.split(' ')
const STATUSES = ['proven', 'permitted', 'bundled', 'warned', 'excepted', 'refused'] as const

function assertReport({ summary, projectSets: _sets, packages, lockChanges: _, ...rest }: JsonReport): void {
  assert.deepEqual(rest, {})
  for (const pkg of packages) {
    assert.deepEqual(Object.keys(pkg), FIELDS)
    assert.ok(STATUSES.includes(pkg.status))
    const { name, status, code, found, expected, rule, claims, exception } = pkg
    const isWrong = !['proven', 'permitted', 'bundled'].includes(status)
    assert.equal(isWrong, code !== null && Object.hasOwn(CODES, code), name)
    for (const reason of [found, expected]) assert.equal(isWrong, Boolean(reason), name)
    if (status === 'proven') assert.ok(rule !== null, name)
    assert.equal(status === 'excepted', exception !== null, name)
    if (status === 'permitted') assert.equal(claims, null, name)
    // Of names and of the gate itself no rule decides. Where rules name a package and none covers its source, none does either.
    const isAboutNoRule = ['NO_RULE', 'ALIAS_INVALID', 'GATE_REPLACED'].includes(code ?? '')
    if (code !== 'SOURCE_NOT_ALLOWED') assert.equal(rule === null, isAboutNoRule, name)
  }
  const refused = packages.filter(({ status }) => status === 'refused')
  const codes = Map.groupBy(refused, ({ code }) => code)
  assert.deepEqual(summary, {
    total: packages.length,
    ...Object.fromEntries(STATUSES.map((status) => [status, packages.filter((pkg) => pkg.status === status).length])),
    codes: Object.fromEntries([...codes].map(([code, those]) => [code, those.length])),
  })
}

/** What the README says of the exit status. */
function statusOf(packages: readonly JsonPackage[]): number {
  const codes = packages.filter(({ status }) => status === 'refused').map(({ code }) => code)
  if (codes.length === 0) return 0
  return codes.every((code) => code !== null && (UNDECIDED as ReadonlySet<string>).has(code)) ? 2 : 1
}

function summaryLineOf(packages: readonly JsonPackage[]): string {
  const counts = STATUSES.flatMap((status) => {
    const { length } = packages.filter((pkg) => pkg.status === status)
    const isUnknown = status === 'refused' && statusOf(packages) === 2
    return status === 'bundled' && length === 0 ? [] : [`${length} ${isUnknown ? 'not verified' : status}`]
  })
  return `${packages.length} package${packages.length === 1 ? '' : 's'}: ${counts.join(', ')}`
}

/** How each package ended: its code where it was refused, else its status. */
export function endings({ packages }: Pick<Report, 'packages'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    packages.map(({ name, version, code, status }) => [
      `${name}@${version}`,
      status === 'refused' ? (code ?? status) : status,
    ]),
  )
}

/** A project with a policy and its trust root, without a hook. */
export function cliProject(
  world: World,
  { policy, files, ...options }: Partial<ProjectOptions> & { readonly policy?: string } = {},
): Project {
  return createProject({
    registry: world.registry.url,
    ...options,
    files: { ...world.policyFiles(policy), ...files },
  })
}

interface Locked {
  readonly manifest: { readonly name: string; readonly version: string }
  readonly integrity: string
}

/** A lockfile with these packages, all of them direct dependencies. */
export function lockfileOf(packages: readonly Locked[]): string {
  const ids = packages.map(({ manifest: { name, version } }) => `${name}@${version}`)
  const dependencies = packages.map(({ manifest: { name, version } }) => [name, { specifier: version, version }])
  return stringify({
    lockfileVersion: '9.0',
    importers: { '.': { dependencies: Object.fromEntries(dependencies) } },
    packages: Object.fromEntries(packages.map(({ integrity }, i) => [ids[i], { resolution: { integrity } }])),
    snapshots: Object.fromEntries(ids.map((id) => [id, {}])),
  })
}

/** Writes attestation documents as `--attestations` wants them, beside the project. A text is written as it is. */
export function writeDocuments({ root }: Project, documents: Readonly<Record<string, unknown>>): string {
  const folder = join(root, 'attestations')
  mkdirSync(folder, { recursive: true })
  for (const [id, document] of Object.entries(documents)) {
    const file = join(folder, `${id}.json`)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, typeof document === 'string' ? document : JSON.stringify(document))
  }
  return folder
}

/** Evidence and trust material where `writeDocuments` and the world's policy files put them, for a folder without a policy. */
export const TRUST_FLAGS: readonly string[] = [
  '--attestations',
  '../attestations',
  '--trusted-root',
  'trust/trusted_root.json',
  '--npm-keys',
  'trust/keys.json',
]
