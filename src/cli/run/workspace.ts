import { glob } from 'node:fs/promises'
import path from 'node:path'
import { GateError } from '../../errors.ts'
import { refuseCostlyPatterns } from '../../lockfile/manifests.ts'
import { workspacesOf } from '../../managers/asked.ts'
import { own } from '../../managers/own.ts'
import { settingsIn } from '../../managers/yaml.ts'
import { withoutEnd } from '../../util/text.ts'
import { MANIFESTS, readText } from './places.ts'

export const MOST_PROJECTS = 10_000

/** All folders that some package manager takes for a project's by the patterns of a root. */
export async function workspaceFolders(root: string): Promise<readonly string[]> {
  const declared = workspacePatterns(root)
  for (const { file, patterns } of declared) await refuseCostlyPatterns(patterns, file)
  const patterns = declared.flatMap((each) => each.patterns)
  const found = new Set<string>()
  for (const pattern of new Set(patterns.flatMap(wanted))) {
    refuseEndless(root, pattern)
    const manifests = MANIFESTS.map((name) => `${withoutEnd(pattern, '/')}/${name}`)
    for await (const file of glob(manifests, { cwd: root, exclude: excluded(pattern) })) {
      found.add(path.dirname(path.join(root, file)))
      if (found.size > MOST_PROJECTS)
        throw new GateError(`${root}: a workspace of more than ${MOST_PROJECTS} projects.`)
    }
  }
  return [...found]
}

/** Those of each file that names projects of a workspace. */
export function workspacePatterns(
  root: string,
): readonly { readonly file: string; readonly patterns: readonly string[] }[] {
  const manifest = path.join(root, 'package.json')
  return [
    { file: manifest, patterns: workspacesOf(readText(manifest) ?? '') },
    { file: path.join(root, 'pnpm-workspace.yaml'), patterns: pnpmPatterns(root) },
  ]
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
export function yamlIn(file: string): unknown {
  return settingsIn(file, readText(file))
}
