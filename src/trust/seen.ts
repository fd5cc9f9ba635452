import { createHash } from 'node:crypto'
import { GITHUB_DOMAIN } from '../domains.ts'
import { FileError, readBoundedFileSync } from '../util/files.ts'
import type { TrustFiles } from './inputs.ts'
import { stateFile } from './tuf-cache.ts'
import { GITHUB_URL, PUBLIC_URL } from './urls.ts'

/**
 * SHA-256 (hex) over everything on this machine that could make a difference to what is trusted, without a look at what it
 * says: as long as it is the same and nothing of it has expired, the same is trusted. More of it than is needed does no harm.
 */
export function seenOf(files: TrustFiles): string {
  const domains = [...(files.domains ?? [])]
  const roots = [files, ...domains.map(([, domain]) => domain)]
  const repositories = [
    files.tuf?.url ?? PUBLIC_URL,
    ...domains.flatMap(([name, { tuf }]) => tuf?.url ?? (name === GITHUB_DOMAIN ? [GITHUB_URL] : [])),
  ]
  const paths = [
    ...roots.flatMap(({ trustedRoot, tuf }) => [trustedRoot, tuf?.root]),
    files.npmKeys,
    ...(files.registries?.values() ?? []),
    ...repositories.map(stateFile),
  ]
  const seen = {
    files: {
      ...files,
      domains,
      registries: [...(files.registries ?? [])],
    },
    contents: paths.map((file) => (file === undefined ? null : digest(file))),
  }
  return createHash('sha256').update(JSON.stringify(seen)).digest('hex')
}

/** As much as is read of any of them. */
const MAX_BYTES = 16 << 20

function digest(file: string): string {
  try {
    const bytes = readBoundedFileSync(file, MAX_BYTES)
    return bytes === undefined ? 'absent' : createHash('sha256').update(bytes).digest('hex')
  } catch (error) {
    return error instanceof FileError ? error.problem : 'unreadable'
  }
}
