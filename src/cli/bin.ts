#!/usr/bin/env node
import '../home.ts'
import { unsupportedNode } from './node.ts'

let isLost = false
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has left (`| head -1`) changes no verdict. A report that a full disk cut off must not look complete.
    if (error.code === 'EPIPE') return
    isLost = true
    process.exitCode ||= 2
  })
}

const unsupported = unsupportedNode(process.versions.node)
if (unsupported !== undefined) {
  process.stderr.write(`provenance-gate: ${unsupported}\n`)
  process.exit(2)
}

let hasAnswer = false
process.on('exit', () => {
  // A process that has nothing left to wait for ends, and its end must not look like an answer.
  if (!hasAnswer) process.exitCode ||= 2
})
// Set rather than exited with: a report that is still being written to a pipe must not be cut off.
import('./main.ts')
  .then(async ({ main }) => {
    const status = await main(process.argv.slice(2), new Date())
    process.exitCode = status === 0 && isLost ? 2 : status
    hasAnswer = true
  })
  .catch((error: unknown) => {
    process.stderr.write(
      `provenance-gate: the program is not whole (${String(error).split('\n', 1)[0]}). Install it again.\n`,
    )
    process.exitCode = 2
  })
