import { glob, stat } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../errors.ts'
import { readGiven } from '../read.ts'
import { costlyPattern } from '../util/pattern-cost.ts'
import { quoteText } from '../util/text.ts'
import { dependenciesOf, type Manifests } from './dependencies.ts'
import { type Fields, field, isPlain } from './record.ts'
import { asLocked, folderAskedFor, mayBeFolder } from './specifier.ts'

/** Far more than any package.json has. */
const MAX_BYTES = 4 * 1024 * 1024
const MAX_PROJECTS = 10_000
/** Two for each that is asked for: from a folder, and from the root. */
const MAX_COPIED = 2 * MAX_PROJECTS
/** Of all of them together. Links can make thousands of folders out of one. */
const MAX_TOTAL = 64 * 1024 * 1024
const MAX_SHOWN = 60

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
  const read = openReader(base)
  for (const folder of folders) {
    const manifest = await read(path.resolve(base, folder))
    if (manifest !== undefined) manifests.set(folder, manifest)
  }
  return manifests
}

/** A manifest of yarn 1, which the gate refuses and does not read. A project may have no other one. */
const YARN_JSON = 'yarn.json'

/**
 * The manifest of the root, and those of the projects that its `workspaces` name, as yarn 1 finds them; and the folders of all.
 */
export async function workspaceManifests(
  base: string,
): Promise<{ readonly manifests: Manifests; readonly folders: readonly string[] }> {
  const [root] = (await readManifests(base, ['.'])).values()
  if (root === undefined) return { manifests: new Map(), folders: [] }
  const patterns = patternsOf(root, base)
  await refuseCostlyPatterns(patterns, path.join(base, 'package.json'))
  const found = await foldersBy(
    patterns.filter((pattern) => !pattern.startsWith('!')),
    base,
  )
  const excluded = await foldersBy(
    patterns.flatMap((pattern) => (pattern.startsWith('!') ? [pattern.slice(1)] : [])),
    base,
  )
  const folders = ['.', ...[...found].filter((folder) => !excluded.has(folder)).sort()]
  return { manifests: await readManifests(base, folders), folders }
}

/**
 * The manifests of folders that projects ask for (`file:./lib`, `./lib`), and of those that these ask for in turn, by the
 * pattern of the lockfile, `lib@file:./lib`. yarn 1 installs what they ask for, also where a frozen lockfile does not have it
 * (tried). A tag asks for a folder as well, whoever asks for it, where there is one of that name.
 *
 * @param patterns those of the lockfile
 * @throws GateError where one is there and cannot be understood, or where there are too many
 */
export async function copiedManifests(
  base: string,
  projects: Manifests,
  patterns: readonly string[],
): Promise<ReadonlyMap<string, readonly Fields[]>> {
  const found = new Map<string, readonly Fields[]>()
  const seen = new Set<string>()
  const opened = new Set<string>()
  const read = openReader(base)
  const count = (key: string) => {
    if (seen.add(key).size > MAX_COPIED)
      throw new GateError(
        `More than ${MAX_COPIED} folders are asked for by package.json files of ${base} and of folders that these ask for; the gate reads no more.`,
      )
  }
  const add = (pattern: string, manifest: Fields) => found.set(pattern, [...(found.get(pattern) ?? []), manifest])
  const open = [...projects].map(([project, manifest]) => ({
    from: path.join(base, project),
    manifest,
    isProject: true,
  }))
  const visit = (from: string, manifest: Fields) => {
    if (opened.size < opened.add(from).size) open.push({ from, manifest, isProject: false })
  }
  const byText = Map.groupBy(patterns, (pattern) => pattern.slice(pattern.indexOf('@', 1) + 1))
  for (const [text, named] of byText) {
    for (const folder of await namedFolders(base, [...projects.keys()], text)) {
      count(folder)
      const manifest = await read(folder)
      if (manifest === undefined) continue
      for (const pattern of named) add(pattern, manifest)
      // Whatever it asks for by a path is looked for from the root's folder of that name.
      visit(path.resolve(base, text), manifest)
    }
  }
  // What is added on the way is visited as well.
  for (const { from, manifest, isProject } of open) {
    for (const { name, text } of dependenciesOf(manifest, path.join(from, 'package.json'), isProject)) {
      const asked = folderAskedFor(text)
      if (asked === undefined) continue
      const pattern = `${name}@${text}`
      // From its own folder or from the root: both are looked at.
      for (const folder of new Set([from, base].map((each) => path.resolve(each, asked)))) {
        const key = JSON.stringify([pattern, folder])
        if (seen.has(key)) continue
        count(key)
        const own = await read(folder)
        if (own === undefined) continue
        for (const each of new Set([pattern, `${name}@${asLocked(text, path.relative(base, from))}`])) add(each, own)
        visit(folder, own)
      }
    }
  }
  return found
}

/**
 * Where there may be a folder that yarn 1 takes for a tag. It looks for one where it is started, in the root or in a project, and
 * copies the folder of that name in the root.
 */
async function namedFolders(base: string, projects: readonly string[], text: string): Promise<readonly string[]> {
  if (!mayBeFolder(text) || (await stat(path.resolve(base, text)).catch(() => undefined)) === undefined) return []
  return [...new Set(['.', ...projects].map((project) => path.resolve(base, project, text)))]
}

/** Those below `base` that have a manifest. What is outside of it is no project of its workspace. */
async function foldersBy(patterns: readonly string[], base: string): Promise<Set<string>> {
  const folders = new Set<string>()
  for (const pattern of patterns) {
    if (path.isAbsolute(pattern) || pattern.split('/').includes('..')) continue
    const manifests = ['package.json', YARN_JSON].map((name) => path.posix.join(pattern, name))
    const files = glob(manifests, {
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
  if (Array.isArray(list) && list.every((each): each is string => typeof each === 'string')) return list
  throw new GateError(`\`workspaces\` in ${path.join(base, 'package.json')} is not a list of texts. Correct the file.`)
}

/** @throws GateError for the first pattern of a workspace that would take long to look for */
export async function refuseCostlyPatterns(patterns: readonly string[], file: string): Promise<void> {
  const costly = costlyPattern(patterns)
  if (costly === undefined) return
  const text = (await readGiven(file, MAX_BYTES))?.toString('utf8') ?? ''
  const before = text.slice(0, Math.max(0, text.indexOf(costly.pattern)))
  throw new GateError(
    `${file}:${before.split('\n').length}: the workspace pattern ${quoteText(costly.pattern, MAX_SHOWN)} ${costly.why}, so it could take very long to find its folders. ` +
      'Name the folders, or use `*` for any name.',
  )
}

/**
 * Reads the package.json of a folder, each once.
 *
 * @throws GateError where it cannot be understood, or where all that were read are too large
 */
function openReader(base: string): (folder: string) => Promise<Fields | undefined> {
  const known = new Map<string, Fields | undefined>()
  let total = 0
  return async (folder) => {
    if (known.has(folder)) return known.get(folder)
    const file = path.join(folder, 'package.json')
    const bytes = await readGiven(file, MAX_BYTES)
    total += bytes?.length ?? 0
    if (total > MAX_TOTAL)
      throw new GateError(
        `The package.json files of ${base}, and of the folders that they ask for, have more than ${MAX_TOTAL} bytes; the gate reads no more.`,
      )
    const manifest = bytes && parsedManifest(bytes, file)
    known.set(folder, manifest)
    return manifest
  }
}

function parsedManifest(bytes: Buffer, file: string): Fields {
  let parsed: unknown
  try {
    parsed = JSON.parse(bytes.toString('utf8').replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new GateError(`${file} cannot be read as JSON. Correct the file.`, { cause: error })
  }
  if (isPlain(parsed)) return parsed
  throw new GateError(`${file} is not a plain map. Correct the file.`)
}
