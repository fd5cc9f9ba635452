import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { upwards } from '../../folders.ts'
import { type Gate, openGate } from '../../gate.ts'
import { mergePackages, namesOf } from '../../lockfile/merge.ts'
import type { LockedPackage } from '../../lockfile/types.ts'
import { type Asked, askedBy } from '../../managers/asked.ts'
import { berry } from '../../managers/berry.ts'
import { recognise, yarnOf } from '../../managers/recognise.ts'
import type { Call, Manager, Road } from '../../managers/types.ts'
import { yarn } from '../../managers/yarn.ts'
import { noteTexts } from '../../policy/digest.ts'
import { findPolicy } from '../../policy/find.ts'
import { loadPolicy, type PolicyPlace } from '../../policy/load.ts'
import type { Verdict } from '../../policy/types.ts'
import { openProxy, type RunningProxy } from '../../proxy/proxy.ts'
import { type FolderOfTag, foreignOf } from '../../proxy/specifier.ts'
import { say } from '../../report/output.ts'
import { checkSettings } from '../../settings.ts'
import { isDownloaded, isFolder } from '../../util/sources.ts'
import { exitStatus } from '../exit.ts'
import { showVerdicts } from '../outcome.ts'
import {
  forEachPackage,
  onceIn,
  policyPlace,
  proverOptions,
  ruledPackages,
  type SourceOptions,
  settingsOf,
  trustFiles,
} from '../sources.ts'
import { answerOf, type Ending, runChild, type Signals, statusOf, takeSignals } from './child.ts'
import { storeNotes } from './modules.ts'
import { lockfilesAbove, lockfilesIn, readText, refuseAdopted, rootsAbove } from './places.ts'
import { askedByProjects, openTags } from './projects.ts'
import { openRunReceipt } from './receipt.ts'
import { trustedWith } from './trusted.ts'
import { workspaceFolders } from './workspace.ts'

export interface RunOptions extends Omit<SourceOptions, 'lockfile' | 'offline'> {
  readonly lockfile?: string
  readonly policy?: string
}

/** What is known before anything is started. */
interface Plan {
  readonly manager: Manager
  readonly call: Call
  /** Of the lockfile; else of the project. */
  readonly root: string
  /** What the manager could take for the root of all projects; that of the lockfile first. */
  readonly roots: readonly [string, ...string[]]
  /** Of all roots. */
  readonly lockfiles: readonly string[]
  /** Everything that is installed is in the lockfile, which is judged first. */
  readonly isStrict: boolean
  /** The manager's own caches are not used. */
  readonly isFresh: boolean
}

/**
 * `provenance-gate run -- npm ci`: runs a package manager whose every download comes through the gate.
 *
 * @returns the exit status: the gate's where it refuses something, else the command's
 * @throws GateError
 */
export async function run(command: readonly string[], options: RunOptions, now: Date): Promise<number> {
  const { manager: found, call: typed } = recognise(command, process.cwd(), process.env)
  const plan = planFor(found === 'yarn' ? await whichYarn(typed, options, now) : found, typed, options)
  const { root, roots, lockfiles, isStrict, isFresh, manager, call } = plan
  const trust = trustFiles(options)
  const once = onceIn(options, root)
  const texts = noteTexts(once)
  const policy = await loadPolicy(await policyFor(options, root), trust, texts.once)
  manager.refusePastGate(call, upwards(call.folder), readText, isFresh)
  refuseAdopted(manager, call, roots)
  await checkAllSettings(manager, call, roots, { policy, once, now })
  const members = (await Promise.all(roots.map(workspaceFolders))).flat()
  const folders = { roots, folder: call.folder, members }
  const foldersOfTag = openTags(manager, folders)
  const isFolderOfTag = (spec: string) => foldersOfTag(spec).length > 0
  const words = manager.asked(call).flatMap((word) => askedBy(word, '.') ?? [])
  const asked = await askedByProjects(manager, folders, words, foldersOfTag)

  const sources = { ...options, offline: false, manager: manager.name }
  const gate = openGate({ policy, ...(await proverOptions(sources, root, trust, now, policy)) })
  await gate.load(true)
  const entries = async (files: readonly string[]) =>
    (await Promise.all(files.map((file) => ruledPackages(file, policy, once, now, 'all')))).flat()
  const locked = await entries(lockfiles)

  const before = await forEachPackage(isStrict ? locked : unseen(locked, asked, isFolderOfTag), gate)
  if (before.some(({ status }) => status === 'refused')) {
    await gate.save()
    await showVerdicts(before)
    say(
      `${manager.title} was not started: ${isStrict ? 'its lockfile has what is refused above' : 'what is refused above would not come through the gate'}.`,
    )
    return exitStatus(before)
  }

  const receipt = await openRunReceipt({
    root,
    manager: manager.name,
    projects: members,
    policy: texts.digest(policy.file),
    clears: manager.clears?.(call) === true,
    cache: options.cache,
  })
  receipt.begin(before)
  const settings = await settingsOf(sources, root)
  const signals = takeSignals()
  const proxy = await openProxy({
    gate,
    locked: locked.flatMap(fetchable),
    asked,
    isFolderOfTag,
    settings,
    now,
    folder: process.cwd(),
  })
  const ending = await through(plan, proxy, settings.options.ca, signals)
    .finally(() => proxy.close())
    .finally(signals.release)

  const judged = merged([...before, ...proxy.verdicts()])
  const succeeded = ending.status === 0 && !judged.some(({ status }) => status === 'refused')
  // A lockfile that cannot be read afterwards must not cost the report of what came through.
  const [after] = await Promise.allSettled([succeeded ? judgedAfter(plan, options, gate, judged, entries) : []])
  const past = after.status === 'fulfilled' ? after.value : []
  await gate.save()
  const all = merged([...judged, ...past])
  if (all.length > 0) await showVerdicts(all)
  if (past.some(({ status }) => status === 'refused')) {
    say(
      'What is refused last above is in the lockfile, but did not come through the gate in this run: it is from git or a folder, or was there before. What of it is in node_modules is already installed. Remove it, and correct what asks for it.',
    )
  }
  const failure = proxy.failure()
  if (failure !== undefined && exitStatus(all) !== 1) throw failure
  if (all.some(({ status }) => status === 'refused')) return exitStatus(all)
  if (after.status === 'rejected') throw after.reason
  if (succeeded) receipt.end(all)
  if (ending.signal !== null && process.platform !== 'win32') {
    process.kill(process.pid, ending.signal)
    // It may take a moment to arrive.
    await new Promise((resolve) => setTimeout(resolve, 1000))
  }
  return statusOf(ending)
}

/** Of the roots, what is above them, and the folder that the command is about. */
async function checkAllSettings(
  { name }: Manager,
  { folder }: Call,
  roots: readonly string[],
  by: Pick<Parameters<typeof checkSettings>[0], 'policy' | 'once' | 'now'>,
): Promise<void> {
  for (const root of roots) await checkSettings({ manager: name, root, projects: [path.relative(root, folder)], ...by })
}

function planFor(manager: Manager, call: Call, options: RunOptions): Plan {
  const above = lockfilesAbove(manager, call.folder)
  const roots = rootsAbove(manager, call.folder)
  const lockfiles = lockfilesFor(manager, roots, options)
  const [first] = lockfiles
  const root = options.lockfile === undefined || first === undefined ? roots[0] : path.dirname(first)
  const isStrict = first !== undefined && manager.isStrict(call, root, readText)
  // Of several, above each other or side by side, it is the manager's choice from which one it installs.
  const isBound = isStrict && manager.bindsCaches && above.flat().length === 1 && first === above[0]?.[0]
  return { manager, call, root, roots, lockfiles, isStrict, isFresh: !isBound }
}

function lockfilesFor(manager: Manager, roots: readonly string[], { lockfile }: RunOptions): readonly string[] {
  return lockfile === undefined ? roots.flatMap((each) => lockfilesIn(manager, each)) : [path.resolve(lockfile)]
}

/**
 * What git and the file system bring, and no proxy sees: of the lockfile, and what is asked for and not in it yet. It is judged
 * before anything is started. What the lockfile merely lacks, and a registry is asked for, comes through the proxy.
 */
function unseen(
  locked: readonly LockedPackage[],
  asked: readonly Asked[],
  isFolderOfTag: FolderOfTag,
): readonly LockedPackage[] {
  const isLeftToProxy = ({ name, unlocked }: LockedPackage) =>
    unlocked !== undefined && foreignOf({ name, spec: unlocked }, isFolderOfTag) === undefined
  const entries = locked.filter((entry) => entry.source !== 'bundled' && !isDownloaded(entry) && !isLeftToProxy(entry))
  // What is asked for under the name of something that is lacking may be what is fetched for it.
  const open = new Set(locked.filter(isLeftToProxy).flatMap(namesOf))
  const names = new Set(entries.flatMap(namesOf).filter((name) => !open.has(name)))
  return mergePackages([
    ...entries,
    ...asked.flatMap((each) => (names.has(each.name) ? [] : (foreignOf(each, isFolderOfTag) ?? []))),
  ])
}

/**
 * What of a lockfile can be downloaded, and so is bound to the bytes that come: what lies in the tarball of another is not,
 * and what claims to and is downloaded all the same is judged as what nobody knows of.
 */
function fetchable({ unbound: _, ...pkg }: LockedPackage): readonly LockedPackage[] {
  return pkg.source === 'bundled' ? [] : [pkg]
}

/**
 * Files of the repository may name the program that answers as yarn: they are looked at before it is asked.
 *
 * @throws GateError
 */
async function whichYarn(call: Call, options: RunOptions, now: Date): Promise<Manager> {
  const { program, before, folder, env } = call
  const likely = upwards(folder).some((each) => existsSync(path.join(each, '.yarnrc.yml'))) ? berry : yarn
  const roots = rootsAbove(likely, folder)
  const policy = await loadPolicy(await policyFor(options, roots[0]), trustFiles(options))
  await checkAllSettings(likely, call, roots, { policy, once: onceIn(options, roots[0]), now })
  const version = await answerOf(program, [...before, '--version'], folder, env)
  const manager = yarnOf(version)
  if (manager === undefined)
    throw new GateError(
      `\`${[program, ...before].join(' ')} --version\` says ${JSON.stringify(version)} in ${folder}: expected a version number, to know which yarn it is.`,
    )
  return manager
}

/** The nearest one from the lockfile's folder upwards. */
async function policyFor(options: RunOptions, root: string): Promise<PolicyPlace> {
  const place = await policyPlace(options, root)
  if ('file' in place) return place
  for (const folder of upwards(root)) {
    const file = await findPolicy(folder)
    if (file !== undefined) return folder === root ? { folder } : { folder: root, file }
  }
  return place
}

/** Runs the command with everything that it needs in a folder of its own, which is gone afterwards. */
async function through(
  { manager, call, root, isFresh }: Plan,
  proxy: RunningProxy,
  ca: unknown,
  signals: Signals,
): Promise<Ending> {
  const folder = mkdtempSync(path.join(tmpdir(), 'provenance-gate-run-'))
  const remove = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 })
  process.on('exit', remove)
  try {
    const trusted = trustedWith(proxy.authority, ca, call.env)
    const road: Road = {
      proxy: proxy.url,
      bundle: path.join(folder, 'bundle.pem'),
      extra: path.join(folder, 'extra.pem'),
      fresh: isFresh ? path.join(folder, 'fresh') : undefined,
    }
    writeFileSync(road.bundle, trusted.bundle)
    writeFileSync(road.extra, trusted.extra)
    const { args, env } = manager.launch(call, road)
    const start = () => runChild(call.program, [...call.before, ...args], env, signals)
    if (manager.name !== 'pnpm' || road.fresh === undefined) return await start()
    const notes = storeNotes([root, call.folder], path.join(road.fresh, 'store'))
    notes.point()
    return await start().finally(() =>
      notes.restore(() => answerOf(call.program, [...call.before, 'store', 'path'], call.folder, call.env)),
    )
  } finally {
    remove()
    process.off('exit', remove)
  }
}

/** What the lockfile has after the command, and has not come through the gate. */
async function judgedAfter(
  { manager, call }: Plan,
  options: RunOptions,
  gate: Gate,
  judged: readonly Verdict[],
  entries: (lockfiles: readonly string[]) => Promise<readonly LockedPackage[]>,
): Promise<readonly Verdict[]> {
  const roots = rootsAbove(manager, call.folder)
  const { note } = manager
  const notes = note === undefined ? [] : roots.map((each) => path.join(each, note)).filter((file) => existsSync(file))
  const files = lockfilesFor(manager, roots, options)
  const cloned = judged.find(({ package: { source } }) => source === 'git')
  if (files.length + notes.length === 0 && cloned !== undefined) {
    throw new GateError(
      `${manager.title} has left no lockfile, so nobody can say what ${cloned.package.name}, which it has from a repository, brought along: expected one. Switch lockfiles on, and run it again.`,
    )
  }
  const byIdentity = Map.groupBy(judged, ({ package: pkg }) => identityOf(pkg))
  // A note does not tell projects from other folders; those were asked for, and so judged before.
  const noted = (await entries(notes)).filter(({ source }) => !isFolder(source))
  const left = [...(await entries(files)), ...noted].filter(
    (entry) => !byIdentity.get(identityOf(entry))?.some(({ package: pkg }) => covers(pkg, entry)),
  )
  const verdicts = await forEachPackage(left, gate)
  // Of yarn's lockfile nothing can be judged that was not downloaded; and what was downloaded came through the gate.
  return verdicts.filter(({ refusal }) => refusal?.code !== 'UNBOUND')
}

function identityOf({ name, version }: LockedPackage): string {
  return JSON.stringify([name, version])
}

/**
 * Whether what was judged is what an entry of the lockfile with its name and version has, under all its other names. Where that
 * has no digest to compare, what was let in is it.
 */
function covers(judged: LockedPackage, { source, integrity, aliases = [], caseTwins = [] }: LockedPackage): boolean {
  if (judged.source !== source) return false
  if (integrity?.startsWith('sha512-') === true && judged.integrity !== integrity) return false
  return (
    aliases.every((alias) => judged.aliases?.includes(alias) === true) &&
    caseTwins.every((name) => judged.caseTwins?.includes(name) === true)
  )
}

/** Each package once; the strictest word on it stays. */
function merged(verdicts: readonly Verdict[]): readonly Verdict[] {
  const all = new Map<string, Verdict>()
  for (const verdict of verdicts) {
    const { name, version, integrity, key } = verdict.package
    const id = JSON.stringify([name, version, integrity ?? key])
    if (all.get(id)?.status !== 'refused') all.set(id, verdict)
  }
  return [...all.values()]
}
