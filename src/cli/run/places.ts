import { existsSync, readFileSync, statSync } from 'node:fs'
import { glob } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { type Asked, askedIn, replacedIn, workspacesOf } from '../../managers/asked.ts'
import { own } from '../../managers/own.ts'
import type { Manager } from '../../managers/types.ts'
import { settingsIn } from '../../managers/yaml.ts'

/** A folder and all above it. */
export function upwards(folder: string): readonly string[] {
  const folders = [folder]
  for (let each = folder; path.dirname(each) !== each; ) {
    each = path.dirname(each)
    folders.push(each)
  }
  return folders
}

/** What a project's own files may be: larger ones are read by nobody. */
const MOST_BYTES = 10 * 1024 * 1024
const MOST_PROJECTS = 10_000

/** @throws GateError where it is there, and nobody can say what it says */
export function readText(file: string): string | undefined {
  const size = statSync(file, { throwIfNoEntry: false })
  if (size === undefined || size.isDirectory()) return undefined
  if (!size.isFile() || size.size > MOST_BYTES) throw new GateError(`${file} is no file of at most 10 MB. Correct it.`)
  return readFileSync(file, 'utf8')
}

/**
 * The lockfiles that a manager could mean, by folder, nearest first. Of several in one folder it is the manager's version that
 * decides: npm 12 takes package-lock.json where npm 11 takes npm-shrinkwrap.json.
 */
export function lockfilesAbove({ lockfiles }: Manager, folder: string): readonly (readonly string[])[] {
  return upwards(folder)
    .map((each) => lockfiles.map((name) => path.join(each, name)).filter((file) => existsSync(file)))
    .filter((files) => files.length > 0)
}

/** The nearest folder with a package.json, as package managers look for it. */
export function projectAbove(folder: string): string {
  return upwards(folder).find((each) => existsSync(path.join(each, 'package.json'))) ?? folder
}

/** What the projects of a workspace ask for. */
export async function askedByProjects(root: string, folder: string): Promise<readonly Asked[]> {
  const project = projectAbove(folder)
  const projects = new Set([root, project, ...(await workspaceFolders(root))])
  const asked = [...projects].flatMap((each) => {
    const text = readText(path.join(each, 'package.json'))
    const importer = path.relative(root, each).split(path.sep).join('/') || '.'
    return text === undefined ? [] : askedIn(text, importer)
  })
  // Catalogs, overrides, and dependencies that are given to others' packages.
  const settings = ['pnpm-workspace.yaml', '.yarnrc.yml'].map((name) => yamlIn(path.join(root, name)))
  return [...asked, ...settings.flatMap((each) => replacedIn(each, '.'))]
}

async function workspaceFolders(root: string): Promise<readonly string[]> {
  const patterns = [...workspacesOf(readText(path.join(root, 'package.json')) ?? ''), ...pnpmPatterns(root)]
  const wanted = patterns.filter((pattern) => !pattern.startsWith('!') && !/^(?:[/\\]|\.\.)/.test(pattern))
  const found: string[] = []
  if (wanted.length === 0) return found
  const manifests = wanted.map((pattern) => `${pattern.replace(/\/+$/, '')}/package.json`)
  const exclude = (name: string) => /(?:^|[/\\])(?:node_modules|\.git)$/.test(name)
  for await (const file of glob(manifests, { cwd: root, exclude })) {
    found.push(path.dirname(path.join(root, file)))
    if (found.length > MOST_PROJECTS)
      throw new GateError(`${root}: a workspace of more than ${MOST_PROJECTS} projects.`)
  }
  return found
}

function pnpmPatterns(root: string): readonly string[] {
  const packages = own(yamlIn(path.join(root, 'pnpm-workspace.yaml')), 'packages')
  return Array.isArray(packages) ? packages.filter((each) => typeof each === 'string') : []
}

/** @throws GateError where nobody can say what it says */
function yamlIn(file: string): unknown {
  return settingsIn(file, readText(file))
}
