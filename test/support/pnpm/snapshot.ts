import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { comparableContent } from './snapshot-content.ts'

/** Path relative to the folder, type, permissions in octal, and the sha256 of a file or the target of a link. */
export type TreeEntry = readonly [path: string, type: 'dir' | 'file' | 'link', mode: string, content: string]

/**
 * Everything in a node_modules folder, sorted by path, so that two installs can be compared byte for byte.
 *
 * @param projectDir the folder whose absolute path pnpm writes into some of the files: the (workspace's) project
 */
export function snapshotTree(dir: string, projectDir: string = dirname(dir)): TreeEntry[] {
  const entries: TreeEntry[] = []
  const visit = (path: string) => {
    const stats = lstatSync(path)
    const name = relative(dir, path).split(sep).join('/')
    const mode = (stats.mode & 0o7777).toString(8)
    if (stats.isSymbolicLink()) {
      entries.push([name, 'link', mode, readlinkSync(path).replace(projectDir, '<project>')])
    } else if (stats.isDirectory()) {
      entries.push([name, 'dir', mode, ''])
      for (const child of readdirSync(path)) visit(join(path, child))
    } else {
      const content = comparableContent(name, readFileSync(path), projectDir)
      entries.push([name, 'file', mode, createHash('sha256').update(content).digest('hex')])
    }
  }
  for (const child of readdirSync(dir)) visit(join(dir, child))
  return entries.sort(([a], [b]) => (a < b ? -1 : 1))
}
