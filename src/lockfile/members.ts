import { posix } from 'node:path'
import { type Fields, field, isPlain } from './record.ts'

/**
 * Whether a folder is one of those that `workspaces` of a manifest names, as far as that is plain to see: a pattern in a
 * larger language counts as one that does. Every folder that is asked about is one of this repository, so this tells a
 * project from another folder in reports and rules, and nothing that comes from elsewhere.
 */
export function isMember(folder: string, root: Fields): boolean {
  const declared = field(root, 'workspaces')
  const list = isPlain(declared) ? field(declared, 'packages') : declared
  if (!Array.isArray(list)) return false
  // More than anybody writes: comparing them all would take long.
  return list.length > MAX_PATTERNS || list.some((pattern) => typeof pattern === 'string' && names(pattern, folder))
}

const MAX_PATTERNS = 100

function names(pattern: string, folder: string): boolean {
  if (pattern.startsWith('!')) return false
  const wanted = posix
    .normalize(pattern)
    .replace(/^\/+|\/+$/g, '')
    .split('/')
  const isSimple = wanted.every(
    (piece, at) => !/[*?{}[\]()!\\]/.test(piece) || piece === '*' || (piece === '**' && at === wanted.length - 1),
  )
  if (!isSimple) return true
  const pieces = folder.split('/')
  const isDeep = wanted.at(-1) === '**'
  if (isDeep ? pieces.length < wanted.length : pieces.length !== wanted.length) return false
  return wanted.every((piece, at) => piece === '*' || piece === '**' || piece === pieces[at])
}
