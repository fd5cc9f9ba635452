import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { readGivenSync } from '../../read.ts'

/**
 * pnpm notes in node_modules which store it is linked from, and installs into it from no other. With a private store for one
 * run, the note has to say so before, and afterwards what it said, or what a later install without the gate will expect.
 * What is linked stays whole without the store: files are hard links or copies.
 */
export interface StoreNotes {
  /** Before pnpm starts. */
  point(): void
  /** When it has ended, however it did. @param usual asks pnpm for its own store */
  restore(usual: () => Promise<string>): Promise<void>
}

export function storeNotes(folders: readonly string[], store: string): StoreNotes {
  const files = [...new Set(folders)].map((folder) => path.join(folder, 'node_modules/.modules.yaml'))
  const before = new Map<string, string>()
  return {
    point: () => {
      for (const file of files) {
        const noted = storeOf(file)
        if (noted === undefined) continue
        before.set(file, noted)
        note(file, path.join(store, path.basename(noted)))
      }
    },
    restore: async (usual) => {
      for (const file of files) {
        const noted = storeOf(file)
        if (noted === undefined || path.dirname(noted) !== store) continue
        const own = before.get(file) ?? (await usual())
        if (path.isAbsolute(own)) note(file, own)
      }
    },
  }
}

/** It names every package that is hoisted. */
const MOST_BYTES = 64 * 1024 * 1024

/** It is JSON, in spite of its name. */
function storeOf(file: string): string | undefined {
  const parsed = read(file)
  return typeof parsed?.storeDir === 'string' ? parsed.storeDir : undefined
}

function note(file: string, storeDir: string): void {
  writeFileSync(file, JSON.stringify({ ...read(file), storeDir }, null, 2))
}

function read(file: string): Readonly<Record<string, unknown>> | undefined {
  const text = readGivenSync(file, MOST_BYTES)?.toString('utf8')
  if (text === undefined) return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : undefined
  } catch {
    return undefined
  }
}
