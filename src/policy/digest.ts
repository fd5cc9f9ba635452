import { createHash } from 'node:crypto'
import { basename, dirname, relative, sep } from 'node:path'
import { FileError, readBoundedFileSync } from '../util/files.ts'
import type { Once } from './load.ts'
import { MANIFEST, MANIFEST_KEY } from './names.ts'

/**
 * Notes the texts that a policy is loaded from (its own, those it extends, those of projects, the identity lock), and the
 * trust files that it names: who may sign follows from them.
 */
export interface PolicyTexts {
  /** To be given to `loadPolicy`. */
  readonly once: Once
  /**
   * A digest over all of them, by where they lie below the policy's file: a copy of the same files elsewhere has the same.
   *
   * @param file the policy's own
   */
  digest(file: string): string
}

export function noteTexts(once: Once): PolicyTexts {
  const texts = new Map<string, string>()
  const trust = new Map<string, string>()
  const noting = <T>(what: readonly string[], text: string, derive: () => Promise<T>): Promise<T> => {
    const [kind = '', file = ''] = what
    texts.set(JSON.stringify([kind, file]), ruling(file, text))
    return once(what, text, derive)
  }
  return {
    // By what they are for, as texts name them: a copy of the policy elsewhere has copies of them.
    once: Object.assign(noting, {
      noteTrust: (role: readonly string[], file: string) => void trust.set(JSON.stringify(role), file),
    }),
    digest: (policy) => {
      const lines = [...texts].map(([key, text]) => {
        const [kind = '', file = ''] = JSON.parse(key) as readonly string[]
        // The identity lock lies with the lockfile, wherever the policy is.
        const place = kind === 'policy' ? relative(dirname(policy), file).split(sep).join('/') : ''
        return JSON.stringify([kind, place, sha256(text)])
      })
      const files = [...trust].map(([role, file]) => JSON.stringify(['trust', role, contentOf(file)]))
      return sha256([...lines, ...files].sort().join('\n'))
    },
  }
}

/** Of a package.json nothing but the policy in it: the rest changes with each `pnpm add`. */
function ruling(file: string, text: string): string {
  if (basename(file) !== MANIFEST) return text
  const manifest = JSON.parse(text.replace(/^\uFEFF/, '')) as Readonly<Record<string, unknown>>
  return JSON.stringify(manifest[MANIFEST_KEY])
}

/** As much as is read of a trust file. */
const MAX_TRUST = 16 * 1024 * 1024

function contentOf(file: string): string {
  try {
    const bytes = readBoundedFileSync(file, MAX_TRUST)
    return bytes === undefined ? 'absent' : sha256(bytes)
  } catch (error) {
    if (error instanceof FileError) return error.problem
    throw error
  }
}

function sha256(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex')
}
