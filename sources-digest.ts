import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** Of all that the bundles are made from. Two builds of the same sources have the same one. */
export function sourcesDigest(): string {
  const at = (...names: readonly string[]) => path.join(import.meta.dirname, ...names)
  const hash = createHash('sha256').update(readFileSync(at('package-lock.json')))
  for (const folder of ['hooks', 'src'])
    for (const file of readdirSync(at(folder), { recursive: true, encoding: 'utf8' }).sort())
      if (file.endsWith('.ts')) hash.update(file.replaceAll('\\', '/')).update(readFileSync(at(folder, file)))
  return hash.digest('hex').slice(0, 16)
}
