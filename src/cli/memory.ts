import { getHeapStatistics } from 'node:v8'
import { warning } from '../report/output.ts'

const MIB = 2 ** 20

/**
 * What a lockfile takes at its most while it is read, in bytes for each of its own. Measured with 200,000 packages of one line
 * each; projects and dependencies take less.
 */
const MOST_GROWTH = 30

/** Node that runs out of memory says so by a dump, and no code of ours runs any more. So it is said before. */
export function warnOfMemory(file: string, bytes: number, limit: number = getHeapStatistics().heap_size_limit): void {
  const needed = bytes * MOST_GROWTH
  if (needed <= limit) return
  warning(
    `${file} has ${megabytes(bytes)} MB, which may need ${megabytes(needed)} MB of memory, and Node takes ${megabytes(limit)} MB at most. If this ends without a verdict, set NODE_OPTIONS=--max-old-space-size=${megabytes(needed)}.`,
  )
}

function megabytes(bytes: number): number {
  return Math.ceil(bytes / MIB)
}
