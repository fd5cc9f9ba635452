import { existsSync, realpathSync } from 'node:fs'
import path from 'node:path'
import { CODE } from '../code.ts'
import { GateError } from '../errors.ts'
import { type Derived, derivedIn } from '../evidence/derived.ts'
import { userPlaces } from '../evidence/places.ts'
import { openReceipts } from '../evidence/receipts.ts'
import { upwards } from '../folders.ts'
import { projectsIn } from '../lockfile/importers.ts'
import { installedLockfiles, ownLockfiles, packagesIn } from '../lockfile/installed.ts'
import { noteTexts } from '../policy/digest.ts'
import { findPolicy } from '../policy/find.ts'
import { loadPolicy, type PolicyPlace } from '../policy/load.ts'
import { projectRoot } from '../project.ts'
import { changedSince } from '../receipt/changed.ts'
import { installedIn } from '../receipt/installed.ts'
import { judgeInstalled } from '../receipt/judged.ts'
import { asReceipt, endOf, openJudged, receiptProblems, withRealLinks } from '../receipt/receipt.ts'
import { modulesState, pnpmNotes, virtualStore } from '../receipt/state.ts'
import type { Problem, Receipt } from '../receipt/types.ts'
import { checkJson, checkText, installedText } from '../report/check.ts'
import { answerJson, say, warning } from '../report/output.ts'
import { realPath } from '../util/links.ts'
import { isFolder } from '../util/sources.ts'
import type { ExitStatus } from './exit.ts'
import { workspaceFolders } from './run/workspace.ts'
import { policyPlace } from './sources.ts'

export interface CheckOptions {
  readonly policy?: string
  readonly json?: boolean
}

/**
 * `provenance-gate check`: says whether what is in node_modules was installed under the gate.
 *
 * @returns 0: it was, 1: it was not, or not all of it
 * @throws GateError where that cannot be found out
 */
export async function check(options: CheckOptions, now: Date): Promise<ExitStatus> {
  const root = realpathSync(projectRoot())
  const places = userPlaces({ project: root, warn: warning })
  const receipts = await openReceipts(places)
  if (receipts === undefined)
    throw new GateError(
      `The key of this user${places.keyFile === undefined ? '' : `, ${places.keyFile},`} cannot be used: expected a file outside of caches and repositories that this user alone can read. Without it a receipt cannot be told from a forged one. Remove the file, or move it, and install again under the gate.`,
    )
  const policy = await policyDigest(options, root, derivedIn(places, CODE))
  const members = await membersOf(root, asReceipt(receipts.read(root)))
  const folders = [...new Set([root, ...members, ...installAround(root)])]
  const modules = folders.filter((folder) => !modulesState(folder).isEmpty)
  const pnp = folders.map((folder) => path.join(folder, '.pnp.cjs')).find((file) => existsSync(file))
  if (pnp !== undefined) throw new GateError(plugAndPlay(pnp))
  if (modules.length === 0) throw new GateError(nothingInstalled(root))

  const problems: Problem[] = []
  const found: Receipt[] = []
  // A project whose node_modules another install has made has a receipt of its own.
  const own = modules.filter(hasOwnInstall)
  const installs = own.length === 0 ? modules.slice(0, 1) : own
  for (const folder of installs) {
    const receipt = asReceipt(receipts.read(folder))
    if (receipt !== undefined) found.push(receipt)
    problems.push(...receiptProblems(receipt, folder, modulesState(folder), policy, now))
    if (receipt !== undefined) problems.push(...(await lockfileProblems(receipt)))
  }
  const endedAt = Math.max(...found.map((receipt) => endOf(receipt, modulesState(receipt.folder))))
  // Without a receipt there is nothing to compare with.
  const entries =
    found.length < installs.length
      ? []
      : installedIn(
          modules.map((each) => path.join(each, 'node_modules')),
          root,
          modules.flatMap((each) => virtualStore(each, endedAt) ?? []),
        )
  // Of pnpm the projects are known; the others have them where their patterns say.
  const isPnpm = found.every((receipt) => receipt.manager.name === 'pnpm')
  const isProject = (folder: string) => !isPnpm || members.includes(folder)
  problems.push(...changedSince(entries, endedAt))
  problems.push(...judgeInstalled(entries, openJudged(found.flatMap(withRealLinks)), root, isProject))

  const installed = new Set(entries.map(({ folder }) => folder)).size
  if (options.json) answerJson(checkJson(root, found, installed, problems))
  say(problems.length === 0 ? installedText(found, installed) : checkText(root, problems))
  return problems.length === 0 ? 0 : 1
}

/** The projects of the workspace, as its lockfiles and pnpm name them; none that lie elsewhere. */
async function membersOf(root: string, receipt: Receipt | undefined): Promise<readonly string[]> {
  const lockfiles = [...installedLockfiles(root), ...(receipt ? ownLockfiles(root, receipt.manager.name) : [])]
  const packages = (await Promise.all(lockfiles.map(packagesIn))).flat()
  const importers = projectsIn(packages)
  // With a lockfile for each project nothing at the root names them.
  const matching = (await workspaceFolders(root)).map(realPath).filter(hasOwnInstall)
  const named = [...importers].map((each) => path.resolve(root, each))
  const folders = [...(pnpmNotes(root)?.projects ?? []), ...named, ...matching]
  return [...new Set(folders)].filter((folder) => folder.startsWith(root + path.sep)).sort()
}

/** The nearest node_modules from the current folder upwards: what runs here loads from it, a project of the workspace or not. */
function installAround(root: string): readonly string[] {
  const inside = upwards(realpathSync(process.cwd())).filter((folder) => folder.startsWith(root + path.sep))
  return inside.filter((folder) => !modulesState(folder).isEmpty).slice(0, 1)
}

function hasOwnInstall(folder: string): boolean {
  return Object.keys(modulesState(folder).marks).length > 0
}

/** What lockfiles have that was not judged: the project's, and what its package manager has linked. */
async function lockfileProblems({ folder, manager, judged: list }: Receipt): Promise<readonly Problem[]> {
  const judged = openJudged(list)
  const linked = installedLockfiles(folder)
  const problems: Problem[] = []
  for (const where of [...ownLockfiles(folder, manager.name), ...linked]) {
    for (const entry of await packagesIn(where)) {
      // npm notes links to all projects there. Where a name leads is looked at by itself.
      if (judged.has(entry) || (linked.includes(where) && isFolder(entry.source))) continue
      problems.push({ where, found: `${entry.key}, which was not judged`, expected: 'the packages that were judged' })
    }
  }
  return problems
}

/** The policy that is there now: the one that is named, or the nearest one, as `run` and the hook look for it. */
async function policyDigest(options: CheckOptions, root: string, once: Derived): Promise<string> {
  const texts = noteTexts(once)
  const policy = await loadPolicy(await placeOf(options, root), {}, texts.once)
  return texts.digest(policy.file)
}

async function placeOf(options: CheckOptions, root: string): Promise<PolicyPlace> {
  const place = await policyPlace(options, root)
  if ('file' in place) return place
  for (const folder of upwards(root)) {
    const file = await findPolicy(folder)
    if (file !== undefined) return { folder: root, file }
  }
  return place
}

function plugAndPlay(file: string): string {
  return `${file} says where packages are (Plug'n'Play of yarn and pnpm), which \`provenance-gate check\` cannot read. Run installs with \`provenance-gate run -- yarn install\`, whose exit status says what it has let through; or remove the file, if nothing uses it any more.`
}

function nothingInstalled(root: string): string {
  return `There is no node_modules in ${root}, nor in a project of its workspace: nothing is installed there. Install first, or run this in the folder of the lockfile.`
}
