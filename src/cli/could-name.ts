import path from 'node:path'
import { matchesPattern, walk } from '../policy/pattern.ts'

/**
 * Whether some package manager could take a pattern of a workspace for this folder. Package managers differ in braces,
 * groups, escapes and negation, so a name with anything but plain characters and `*` could stand for everything below.
 * No means that it is clear.
 *
 * @param root the folder of the workspace
 */
export function couldName(pattern: string, root: string, folder: string): boolean {
  const [, marks = '', body = ''] = /^(!*)(.*)$/s.exec(pattern) ?? []
  // It only takes folders out. `!(a)` is a group.
  if (marks.length % 2 === 1 && !body.startsWith('(')) return false
  const bases = body.startsWith('/') ? [root, path.parse(root).root] : [root]
  return bases.some((base) => couldNameFrom(body, base, folder))
}

function couldNameFrom(pattern: string, base: string, folder: string): boolean {
  const names = pattern.split('/').filter((each) => each !== '' && each !== '.')
  const plain = names.findIndex((each) => !isPlain(each))
  const [known, unknown] = plain < 0 ? [names, []] : [names.slice(0, plain), names.slice(plain)]
  // Dots in braces can make `..`.
  if (unknown.some((each) => each.includes('.'))) return true
  const pieces = namesOf(base)
  let literal = pieces.length
  for (const name of known) {
    if (name !== '..') pieces.push(name)
    else if (pieces.length > literal && pieces.at(-1)?.includes('*')) return true
    else pieces.pop()
    literal = Math.min(literal, pieces.length)
  }
  if (unknown.length > 0) pieces.push('**')
  const wanted = namesOf(folder)
  return walk(pieces.length, wanted.length, {
    isStar: (p) => p >= literal && /^\*{2,}$/.test(pieces[p] ?? ''),
    isSame: (p, v) => (p < literal ? pieces[p] === wanted[v] : isSameName(pieces[p] ?? '', wanted[v] ?? '')),
  })
}

function isPlain(name: string): boolean {
  if (name.includes('**')) return /^\*+$/.test(name)
  return /^[\w@.* -]+$/.test(name) && name.trim() === name
}

/** Some file systems fold case. */
function isSameName(pattern: string, name: string): boolean {
  return matchesPattern(pattern.toLowerCase(), name.toLowerCase())
}

function namesOf(folder: string): string[] {
  return folder.split(path.sep).filter((each) => each !== '')
}
