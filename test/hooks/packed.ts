import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type PackedPackage, readTarball } from '../support/registry/index.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What `npm publish` would publish of the gate, and the names of its files. The bundles were built before the tests. */
export async function packGate(): Promise<{ readonly packed: PackedPackage; readonly contents: readonly string[] }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'packed-'))
  try {
    const json = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    const parsed = JSON.parse(json) as
      | readonly { filename: string; files: readonly { path: string }[] }[]
      | Record<string, { filename: string; files: readonly { path: string }[] }>
    const [entry] = Object.values(parsed)
    assert.ok(entry)
    const contents = entry.files.map((file) => file.path).sort()
    return { packed: await readTarball(path.join(folder, entry.filename)), contents }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
