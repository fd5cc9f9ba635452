import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { readGivenSync } from '../../read.ts'
import { readYaml } from '../../util/yaml.ts'

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

function storeOf(file: string): string | undefined {
  const noted = read(file)?.storeDir
  return typeof noted === 'string' ? noted : undefined
}

function note(file: string, storeDir: string): void {
  const text = read(file)?.with(storeDir)
  if (text !== undefined) writeFileSync(file, text)
}

interface Note {
  readonly storeDir: unknown
  /** The file's text with another store. */
  with(storeDir: string): string
}

/** Undefined where nobody can say which store the file notes. */
function read(file: string): Note | undefined {
  const text = readGivenSync(file, MOST_BYTES)?.toString('utf8')
  return text === undefined ? undefined : (readJson(text) ?? readLine(text))
}

/** The form of the newest pnpm 10 and of all later ones, in spite of the file's name. */
function readJson(text: string): Note | undefined {
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const fields = parsed as Readonly<Record<string, unknown>>
    return { storeDir: fields.storeDir, with: (storeDir) => JSON.stringify({ ...fields, storeDir }, null, 2) }
  } catch {
    return undefined
  }
}

/** pnpm 10.12 and 10.25 write YAML, each field of it on a line that begins with its name. The file may be too long to read as such. */
function readLine(text: string): Note | undefined {
  const [found, ...more] = text.matchAll(/^storeDir:[^\r\n]*$(?!\r?\n[ \t])/gm)
  if (found === undefined || more.length > 0) return undefined
  const [line] = found
  try {
    const { storeDir } = readYaml(line, { maxAliases: 0 }) as { readonly storeDir: unknown }
    // What JSON quotes is the same in YAML.
    const put = (other: string) => `storeDir: ${JSON.stringify(other)}`
    return {
      storeDir,
      with: (other) => `${text.slice(0, found.index)}${put(other)}${text.slice(found.index + line.length)}`,
    }
  } catch {
    return undefined
  }
}
