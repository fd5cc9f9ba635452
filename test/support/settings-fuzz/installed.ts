import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import path from 'node:path'

/**
 * What is installed in a project, whatever the layout: each package below a node_modules folder by name, version and the
 * digest of its own files. Layout and links between packages are left out on purpose: settings may change those.
 */
export function installedPackages(project: string): readonly string[] {
  const found = new Set<string>()
  const seen = new Set<string>()
  const open = [project]
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const entry of readdirSync(folder, { withFileTypes: true })) {
      const place = path.join(folder, entry.name)
      if (!entry.isDirectory() && !entry.isSymbolicLink()) continue
      const real = realOf(place)
      if (real === undefined || seen.has(real) || !lstatSync(real).isDirectory()) continue
      seen.add(real)
      open.push(real)
      const identity = isInModules(real) ? identityOf(real) : undefined
      if (identity !== undefined) found.add(`${identity} ${digestOf(real)}`)
    }
  }
  return [...found].sort()
}

function realOf(place: string): string | undefined {
  try {
    return realpathSync(place)
  } catch {
    return undefined
  }
}

function isInModules(folder: string): boolean {
  const parent = path.dirname(folder)
  const holder = path.basename(parent).startsWith('@') ? path.dirname(parent) : parent
  return path.basename(holder) === 'node_modules'
}

function identityOf(folder: string): string | undefined {
  try {
    const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
    return `${name}@${version}`
  } catch {
    return undefined
  }
}

/** Of the files of a package, without what is installed below it. */
function digestOf(folder: string): string {
  const hash = createHash('sha256')
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(path.sep).includes('node_modules'))
  for (const file of files.sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(folder, file)))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}
