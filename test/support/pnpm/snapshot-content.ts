import type { Buffer } from 'node:buffer'
import { parse } from 'yaml'

/**
 * The part of a file's content that two equal installs share. Packages' own files are taken as they are. pnpm's own
 * differ by nature, found by comparing installs by 10, 11, 12.15 and 12.21 in two folders, without and with a
 * pnpmfile that does nothing:
 *
 * - `.bin` shims (10, 11) hold the project's absolute path;
 * - `.modules.yaml` holds the store's path and a time;
 * - `.pnpm-workspace-state-v1.json` holds absolute paths, times, the pnpmfiles, and fingerprints of all those;
 * - `.pnpm/lock.yaml` holds the pnpmfile's checksum.
 */
export function comparableContent(path: string, content: Buffer, projectDir: string): Buffer | string {
  if (/(^|\/)\.bin\/[^/]+$/.test(path)) return content.toString().replaceAll(projectDir, '<project>')
  if (path === '.modules.yaml') return without(content.toString(), ['prunedAt', 'storeDir'])
  if (/^\.pnpm-workspace-state[^/]*\.json$/.test(path)) {
    const state = content.toString().replaceAll(projectDir, '<project>')
    return without(state, ['lastValidatedTimestamp', 'pnpmfiles', 'validation', 'storeDir'])
  }
  if (path === '.pnpm/lock.yaml') return content.toString().replace(/^pnpmfileChecksum: .*\n\n/m, '')
  return content
}

/** Leaves those keys out at whatever depth they stand. Both files are JSON, the one named .yaml too, save on pnpm 10.25. */
function without(text: string, keys: readonly string[]): string {
  return JSON.stringify(parse(text), (key, value: unknown) => (keys.includes(key) ? undefined : value))
}
