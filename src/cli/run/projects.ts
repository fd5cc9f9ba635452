import { existsSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { GateError } from '../../errors.ts'
import { mayBeFolder } from '../../lockfile/specifier.ts'
import { type Asked, askedIn, replacedIn, withReferences } from '../../managers/asked.ts'
import type { Manager } from '../../managers/types.ts'
import { ARCHIVE_HEADER, namesIn } from '../../proxy/archive.ts'
import { boundedPieces, FileError } from '../../util/files.ts'
import { isFolderAt, statsAt } from '../../util/stats.ts'
import { MANIFESTS, projectAbove, readText } from './places.ts'
import { MOST_PROJECTS, yamlIn } from './workspace.ts'

/** Of a tarball in the repository, in bytes. */
const MOST_PACKED = 256 * 1024 * 1024
/** The same unpacked. */
const MOST_UNPACKED = 1024 * 1024 * 1024

/** Where a command is about to install something. */
export interface Folders {
  /** The nearest one first. */
  readonly roots: readonly [string, ...string[]]
  /** Of the project in which it runs. */
  readonly folder: string
  /** Of all projects of the roots. */
  readonly members: readonly string[]
}

/** The folders that a package manager may take for a tag. */
export type FoldersOfTag = (spec: string) => readonly string[]

/**
 * What the projects of all workspaces ask for, and the folders and tarballs that they ask for: package managers install what
 * those depend on as well.
 *
 * @param words what the command asks for
 * @throws GateError where nobody can say what they ask for
 */
export async function askedByProjects(
  { name }: Manager,
  { roots, folder, members }: Folders,
  words: readonly Asked[],
  foldersOfTag: FoldersOfTag,
): Promise<readonly Asked[]> {
  const folders = new Set([...roots, projectAbove(folder), ...members])
  const tarballs = new Set<string>()
  const all: Asked[] = []
  const add = (asked: readonly Asked[], base: string) => {
    for (const each of asked) {
      all.push(each)
      for (const place of [...localPlaces(each.spec, base), ...foldersOfTag(each.spec)]) {
        const found = statsAt(place)
        if (found?.isDirectory()) folders.add(place)
        else if (found?.isFile()) tarballs.add(place)
      }
    }
    if (folders.size + tarballs.size > MOST_PROJECTS)
      throw new GateError(`${roots[0]}: more than ${MOST_PROJECTS} projects.`)
  }
  add(words, folder)
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

/**
 * yarn 1 takes a tag for the folder of that name, where the command runs: `yarn add x` the folder `latest`, and a dependency on
 * `x@next` of another package the folder `next` (tried). `yarn workspace NAME` runs in the folder of a project.
 */
export function openTags({ name }: Manager, { roots, folder, members }: Folders): FoldersOfTag {
  if (name !== 'yarn') return () => []
  const bases = [folder, ...roots, ...members]
  return (spec) => {
    if (spec === '' || spec.includes('\0') || !mayBeFolder(spec)) return []
    return bases.map((each) => path.join(each, spec)).filter(isFolderAt)
  }
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
