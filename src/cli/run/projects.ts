import { existsSync, statSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { Readable } from 'node:stream'
import { GateError } from '../../errors.ts'
import { type Asked, askedIn, replacedIn, withReferences, workspacesOf } from '../../managers/asked.ts'
import { own } from '../../managers/own.ts'
import type { Manager } from '../../managers/types.ts'
import { settingsIn } from '../../managers/yaml.ts'
import { ARCHIVE_HEADER, namesIn } from '../../proxy/archive.ts'
import { boundedPieces, FileError } from '../../util/files.ts'
import { MANIFESTS, projectAbove, readText } from './places.ts'

const MOST_PROJECTS = 10_000
/** Of a tarball in the repository, in bytes. */
const MOST_PACKED = 256 * 1024 * 1024
/** The same unpacked. */
const MOST_UNPACKED = 1024 * 1024 * 1024

/**
 * What the projects of all workspaces ask for, and the folders and tarballs that they ask for: package managers install what
 * those depend on as well.
 *
 * @param roots the nearest one first
 * @throws GateError where nobody can say what they ask for
 */
export async function askedByProjects(
  { name }: Manager,
  roots: readonly [string, ...string[]],
  folder: string,
): Promise<readonly Asked[]> {
  const members = await Promise.all(roots.map(workspaceFolders))
  const folders = new Set([...roots, projectAbove(folder), ...members.flat()])
  const tarballs = new Set<string>()
  const all: Asked[] = []
  const add = (asked: readonly Asked[], base: string) => {
    for (const each of asked) {
      all.push(each)
      for (const place of localPlaces(each.spec, base)) {
        const found = statSync(place, { throwIfNoEntry: false })
        if (found?.isDirectory()) folders.add(place)
        else if (found?.isFile()) tarballs.add(place)
      }
    }
    if (folders.size + tarballs.size > MOST_PROJECTS)
      throw new GateError(`${roots[0]}: more than ${MOST_PROJECTS} projects.`)
  }
  // It grows while it is gone through.
  for (const each of folders) {
    if (name === 'pnpm') refuseOtherManifest(each)
    const importer = path.relative(roots[0], each).split(path.sep).join('/') || '.'
    add(askedIn(readText(path.join(each, 'package.json')) ?? '', importer), each)
    if (!roots.includes(each)) continue
    // Catalogs, overrides, and dependencies that are given to others' packages.
    for (const file of ['pnpm-workspace.yaml', '.yarnrc.yml']) add(replacedIn(yamlIn(path.join(each, file)), '.'), each)
  }
  for (const each of tarballs) all.push(...(await askedInTarball(each)))
  return withReferences(all)
}

async function askedInTarball(file: string): Promise<readonly Asked[]> {
  const named = await namesInFile(file).catch((cause: unknown) => {
    const why = cause instanceof FileError ? cause.message : 'cannot be unpacked'
    throw new GateError(
      `${file} ${why}, so nobody can say what it depends on. Expected a package's tarball. Correct it, or remove what asks for it.`,
      { cause },
    )
  })
  return named.flatMap(({ dependencies }) => dependencies.map((each) => ({ ...each, importer: '.' })))
}

async function namesInFile(file: string): ReturnType<typeof namesIn> {
  const read = () => Readable.from(boundedPieces(file, MOST_PACKED))
  let start: Buffer = Buffer.alloc(0)
  for await (const piece of boundedPieces(file, MOST_PACKED)) {
    start = Buffer.concat([start, piece])
    if (start.length >= ARCHIVE_HEADER) break
  }
  return namesIn({ start, read }, MOST_UNPACKED)
}

/** Where a folder or a tarball may be that a specifier leads to; package managers do not agree on escapes and what stands behind. */
function localPlaces(spec: string, base: string): readonly string[] {
  const text = spec.trim()
  const [, said] = /^(?:file|link|portal):(.*)$/is.exec(text) ?? []
  const isPath =
    /^(?:\.{1,2}$|\.{0,2}[/\\]|[a-z]:[/\\])|\.(?:tgz|tar\.gz|tar)$/i.test(text) && !/^[a-z+]{2,}:/i.test(text)
  const written = said ?? (isPath ? text : undefined)
  if (written === undefined) return []
  const forms = [
    written,
    written.replace(/^\/{2,}/, ''),
    written.replace(/^\/+/, '/'),
    written.replace(/(?:::|[#?]).*$/s, ''),
  ]
  return [...new Set([...forms, ...forms.map(unescaped)])]
    .filter((each) => each !== '' && !each.includes('\0'))
    .map((each) => path.resolve(base, each))
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** @throws GateError */
function refuseOtherManifest(folder: string): void {
  const file = MANIFESTS.map((name) => path.join(folder, name)).find((each) => existsSync(each))
  if (file === undefined || path.basename(file) === 'package.json') return
  throw new GateError(
    `${file} is a manifest that pnpm alone reads, and the gate does not: expected a package.json, in which it can see what is asked for. Write it as one.`,
  )
}

/** All folders that some package manager takes for a project's by the patterns of a root. */
async function workspaceFolders(root: string): Promise<readonly string[]> {
  const patterns = [...workspacesOf(readText(path.join(root, 'package.json')) ?? ''), ...pnpmPatterns(root)]
  const found = new Set<string>()
  for (const pattern of new Set(patterns.flatMap(wanted))) {
    refuseEndless(root, pattern)
    const manifests = MANIFESTS.map((name) => `${pattern.replace(/\/+$/, '')}/${name}`)
    for await (const file of glob(manifests, { cwd: root, exclude: excluded(pattern) })) {
      found.add(path.dirname(path.join(root, file)))
      if (found.size > MOST_PROJECTS)
        throw new GateError(`${root}: a workspace of more than ${MOST_PROJECTS} projects.`)
    }
  }
  return [...found]
}

/** npm and bun take `!!x` for `x`, npm also `/x`, and `x\y` for `x/y`. */
function wanted(pattern: string): readonly string[] {
  const [, marks = '', rest = ''] = /^(!*)(.*)$/s.exec(pattern) ?? []
  if (marks.length % 2 === 1) return []
  return [rest, rest.replaceAll('\\', '/')].map((each) => each.replace(/^\/+/, '')).filter((each) => each !== '')
}

/** @throws GateError for what would have to be looked for on the whole disk */
function refuseEndless(root: string, pattern: string): void {
  if (!/(?:^|[/{,(|])\.\.(?:[/},)|]|$)/.test(pattern) || !pattern.includes('**')) return
  throw new GateError(
    `${root}: the workspace pattern ${pattern} leads out of its folder, to any depth. Expected the folders themselves. Name them.`,
  )
}

/**
 * A project in node_modules is one for yarn and bun where the pattern leads there; not where `**` does, for all of them.
 */
function excluded(pattern: string): (name: string) => boolean {
  const isUsual = pattern
    .split('/')
    .every((piece) => ['*', '**'].includes(piece) || !/[?*[\]!]|node_modules/i.test(piece))
  const names = pattern.includes('**') && isUsual ? /(?:^|[/\\])(?:node_modules|\.git)$/ : /(?:^|[/\\])\.git$/
  return (name) => names.test(name)
}

function pnpmPatterns(root: string): readonly string[] {
  const packages = own(yamlIn(path.join(root, 'pnpm-workspace.yaml')), 'packages')
  return Array.isArray(packages) ? packages.filter((each) => typeof each === 'string') : []
}

/** @throws GateError where nobody can say what it says */
function yamlIn(file: string): unknown {
  return settingsIn(file, readText(file))
}
