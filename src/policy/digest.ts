import { createHash } from 'node:crypto'
import { basename, dirname, relative, sep } from 'node:path'
import type { Once } from './load.ts'
import { MANIFEST, MANIFEST_KEY } from './names.ts'

/** Notes the texts that a policy is loaded from: its own, those it extends, those of projects, the identity lock. */
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
  return {
    once: (what, text, derive) => {
      const [kind = '', file = ''] = what
      texts.set(JSON.stringify([kind, file]), ruling(file, text))
      return once(what, text, derive)
    },
    digest: (policy) => {
      const lines = [...texts].map(([key, text]) => {
        const [kind = '', file = ''] = JSON.parse(key) as readonly string[]
        // The identity lock lies with the lockfile, wherever the policy is.
        const place = kind === 'policy' ? relative(dirname(policy), file).split(sep).join('/') : ''
        return JSON.stringify([kind, place, sha256(text)])
      })
      return sha256(lines.sort().join('\n'))
    },
  }
}

/** Of a package.json nothing but the policy in it: the rest changes with each `pnpm add`. */
function ruling(file: string, text: string): string {
  if (basename(file) !== MANIFEST) return text
  const manifest = JSON.parse(text.replace(/^\uFEFF/, '')) as Readonly<Record<string, unknown>>
  return JSON.stringify(manifest[MANIFEST_KEY])
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
