import { glob } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { readGiven } from '../read.ts'
import { endlessPattern } from '../util/patterns.ts'
import type { Manifests } from './dependencies.ts'
import { type Fields, field, isPlain } from './record.ts'

/** Far more than any package.json has. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_PROJECTS = 10_000
const MAX_PATTERN = 1024

/**
 * The package.json of each of these folders, which are relative to `base`; without those that have none. An attacker may
 * have written each of them, and they say no more than who needs what.
 *
 * @throws GateError where one is there and cannot be understood
 */
export async function readManifests(base: string, folders: readonly string[]): Promise<Manifests> {
  if (folders.length > MAX_PROJECTS) {
    throw new GateError(
      `The workspace in ${base} has ${folders.length} projects; the gate reads ${MAX_PROJECTS} at most.`,
    )
  }
  const manifests = new Map<string, Fields>()
  for (const folder of folders) {
    const manifest = await readManifest(path.join(base, folder, 'package.json'))
    if (manifest !== undefined) manifests.set(folder, manifest)
  }
  return manifests
}

/** The manifest of the root, and those of the projects that its `workspaces` name, as yarn 1 finds them. */
export async function workspaceManifests(base: string): Promise<Manifests> {
  const [root] = (await readManifests(base, ['.'])).values()
  if (root === undefined) return new Map()
  const patterns = patternsOf(root, base)
  const found = await foldersBy(
    patterns.filter((pattern) => !pattern.startsWith('!')),
    base,
  )
  const excluded = await foldersBy(
    patterns.flatMap((pattern) => (pattern.startsWith('!') ? [pattern.slice(1)] : [])),
    base,
  )
  return readManifests(base, ['.', ...[...found].filter((folder) => !excluded.has(folder)).sort()])
}

/** Those below `base` that have a package.json. What is outside of it is no project of its workspace. */
async function foldersBy(patterns: readonly string[], base: string): Promise<Set<string>> {
  const folders = new Set<string>()
  for (const pattern of patterns) {
    const why = endlessPattern(pattern)
    if (why !== undefined)
      throw new GateError(
        `The pattern ${JSON.stringify(pattern.slice(0, 80))} under \`workspaces\` in ${path.join(base, 'package.json')} ${why}, so that it could take forever to find its folders. Name them, or write a simpler pattern.`,
      )
    if (path.isAbsolute(pattern) || pattern.split('/').includes('..')) continue
    const files = glob(path.posix.join(pattern, 'package.json'), {
      cwd: base,
      exclude: (name) => ['node_modules', '.git'].includes(path.basename(name)),
    })
    for await (const file of files) {
      const folder = path.dirname(file).split(path.sep).join('/')
      if (folder !== '.') folders.add(folder)
    }
  }
  return folders
}

function patternsOf(root: Fields, base: string): readonly string[] {
  const declared = field(root, 'workspaces')
  const list = isPlain(declared) ? (field(declared, 'packages') ?? []) : (declared ?? [])
  const isPattern = (each: unknown): each is string => typeof each === 'string' && each.length <= MAX_PATTERN
  if (Array.isArray(list) && list.length <= MAX_PROJECTS && list.every(isPattern)) return list
  throw new GateError(`\`workspaces\` in ${path.join(base, 'package.json')} is not a list of texts. Correct the file.`)
}

async function readManifest(file: string): Promise<Fields | undefined> {
  const text = (await readGiven(file, MAX_BYTES))?.toString('utf8')
  if (text === undefined) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new GateError(`${file} cannot be read as JSON. Correct the file.`, { cause: error })
  }
  if (isPlain(parsed)) return parsed
  throw new GateError(`${file} is not a plain map. Correct the file.`)
}
