// Loaded into measured processes with --require, and not TypeScript: stripping types takes longer than what is measured.
'use strict'
const { appendFileSync, readFileSync } = require('node:fs')
const { isMainThread } = require('node:worker_threads')

if (isMainThread) {
  process.on('exit', () => {
    const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage()
    const line = JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1000, rss: peak(maxRSS) })
    appendFileSync(process.env.PROVENANCE_GATE_BENCH_USAGE, `${line}\n`)
  })
}

/** In KiB. On Linux `maxRSS` begins with what the process had that started this one, so the kernel is asked otherwise. */
function peak(maxRSS) {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1])
  } catch {
    return maxRSS
  }
}
