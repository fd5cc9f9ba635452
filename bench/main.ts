/** `npm run bench`: all tables, or those that are named. Each is a process of its own, so that none leaves another its memory. */
import { spawnSync } from 'node:child_process'
import { loadavg } from 'node:os'
import path from 'node:path'
import { Argument, Command } from 'commander'
import { type BenchOptions, withOptions } from './options.ts'
import { progress } from './table.ts'

const TABLES = ['cold', 'others', 'warm', 'start', 'install', 'run', 'growth']

const command = withOptions(new Command('bench'))
  .description('measures the gate; markdown on standard output')
  .addArgument(new Argument('[tables...]', 'which tables').choices(TABLES).default(TABLES))
  .parse()
const options = Object.entries(command.opts<BenchOptions>())
  .filter(([name]) => command.getOptionValueSource(name) === 'cli')
  .map(([name, value]) => `--${name}=${value}`)
// Ratios are of one run, but no turn is short enough to share what somebody else takes.
progress(`the machine's load is ${(loadavg()[0] ?? 0).toFixed(2)}; it should have nothing else to do`)
let failed = false
for (const table of command.processedArgs[0] as readonly string[]) {
  progress(`${table}: begins`)
  const { status } = spawnSync(process.execPath, [path.join(import.meta.dirname, `${table}.ts`), ...options], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  if (status !== 0) {
    progress(`${table}: failed`)
    failed = true
  }
}
process.exitCode = failed ? 1 : 0
