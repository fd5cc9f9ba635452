import { type BigIntStats, lstatSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { readBoundedFileSync } from '../util/files.ts'
import { realPath } from '../util/links.ts'
import { linkStatsAt } from '../util/stats.ts'
import { TICK_MS } from './ticks.ts'
import type { ModulesState, Receipt } from './types.ts'

/**
 * Where package managers note what they have linked: pnpm, npm, yarn 1, yarn 2 and later. Each writes its file when it has
 * linked something, and `pnpm run`, `npm run` and the like do not.
 */
const MARKS = ['.pnpm/lock.yaml', '.package-lock.json', '.yarn-integrity', '.yarn-state.yml'] as const

/** Where pnpm notes how it links. Looked at only where its other file lies elsewhere (`virtualStoreDir`). */
const SPARE = '.modules.yaml'

/** What pnpm writes when it has done everything, the project's own scripts included. */
const STATE = '.pnpm-workspace-state-v1.json'

/** What package managers keep in node_modules under names that no package has. What else begins with a dot no code loads by its name. */
const OWN = /^\.(?:bin|pnpm|store|bun|ignored.*|modules\.yaml|package-lock\.json|yarn-.*)$/

/** The state of a project's node_modules, by what its package manager has noted there. Never throws. */
export function modulesState(project: string): ModulesState {
  const modules = path.join(project, 'node_modules')
  const folder = folderState(modules)
  if (folder === 'unreadable') return { isEmpty: false, marks: {}, notedAt: 0 }
  if (folder === undefined) return { isEmpty: true, marks: {}, notedAt: 0 }
  const found = marksIn(modules, MARKS)
  const marks = Object.keys(found).length > 0 ? found : marksIn(modules, [SPARE])
  const pnpmfiles = pnpmNotes(project)?.pnpmfiles
  return {
    isEmpty: isEmpty(modules),
    folder: { inode: String(folder.ino), bornAt: Number(folder.birthtimeNs) / 1e6 },
    marks,
    notedAt: Math.max(0, ...Object.values({ ...marks, ...marksIn(modules, [STATE]) }).map((mark) => mark.changedAt)),
    ...(pnpmfiles && { pnpmfiles: pnpmfiles.flatMap((file) => [file, realPath(file)]) }),
  }
}

function folderState(modules: string): BigIntStats | 'unreadable' | undefined {
  try {
    return statSync(modules, { throwIfNoEntry: false, bigint: true })
  } catch {
    // A link that leads back to itself.
    return 'unreadable'
  }
}

function isEmpty(modules: string): boolean {
  try {
    return readdirSync(modules).every((name) => name.startsWith('.') && !OWN.test(name))
  } catch {
    return false
  }
}

function marksIn(modules: string, names: readonly string[]): ModulesState['marks'] {
  return Object.fromEntries(
    names.flatMap((name) => {
      const stats = linkStatsAt(path.join(modules, name))
      return stats === undefined ? [] : [[name, { changedAt: stats.ctimeMs, size: stats.size }]]
    }),
  )
}

/** What pnpm notes in node_modules of its last install. */
export interface PnpmNotes {
  /** Absolute paths of the workspace's projects. */
  readonly projects: readonly string[]
  /** Absolute paths of the pnpmfiles that it has loaded. */
  readonly pnpmfiles: readonly string[]
}

const MAX_NOTES = 32 << 20

/** Undefined where pnpm has noted nothing, or what nobody can read. */
export function pnpmNotes(project: string): PnpmNotes | undefined {
  try {
    const bytes = readBoundedFileSync(path.join(project, 'node_modules', STATE), MAX_NOTES)
    if (bytes === undefined) return undefined
    const { projects, pnpmfiles } = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>
    return {
      projects: typeof projects === 'object' && projects !== null ? Object.keys(projects) : [],
      pnpmfiles: Array.isArray(pnpmfiles) ? pnpmfiles.filter((each) => typeof each === 'string') : [],
    }
  } catch {
    return undefined
  }
}

/**
 * Where pnpm keeps packages if not in node_modules, as it has noted there; undefined where it has noted nothing, or where that
 * was written after the install had ended.
 */
export function virtualStore(project: string, endedAt: number): string | undefined {
  const file = path.join(project, 'node_modules', SPARE)
  try {
    const bytes = readBoundedFileSync(file, MAX_NOTES)
    if (bytes === undefined || lstatSync(file).ctimeMs > endedAt + 1_000) return undefined
    // pnpm writes JSON into it.
    const { virtualStoreDir } = JSON.parse(bytes.toString('utf8')) as Readonly<Record<string, unknown>>
    return typeof virtualStoreDir === 'string' ? path.resolve(path.dirname(file), virtualStoreDir) : undefined
  } catch {
    return undefined
  }
}

/** Whether each name in a project's node_modules was put there since then. No file of a repository can set that. */
export function isMadeSince(project: string, time: number): boolean {
  const modules = path.join(project, 'node_modules')
  if (folderState(modules) === undefined || isEmpty(modules)) return true
  try {
    return readdirSync(modules).every(
      (name) => name.startsWith('.') || lstatSync(path.join(modules, name)).ctimeMs >= time - TICK_MS,
    )
  } catch {
    return false
  }
}

/**
 * Whether projects of the workspace that no earlier install under the gate knew have a node_modules that was made since then, or
 * none. A repository can bring one, in which package managers keep what they find in place.
 *
 * @param projects their folders
 * @param earlier the receipt of the install before
 * @param time in milliseconds, when judging began
 */
export function bringNothing(projects: readonly string[], earlier: Receipt | undefined, time: number): boolean {
  const known = new Set(earlier?.isWhole === true ? (earlier.projects ?? []) : [])
  return projects.every((each) => known.has(each) || isMadeSince(each, time))
}
