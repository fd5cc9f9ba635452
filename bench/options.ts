import { Command, InvalidArgumentError } from 'commander'
import { GROUP } from './generated.ts'

export interface BenchOptions {
  readonly packages: number
  readonly rounds: number
}

/** The same options for every table; `main.ts` hands them on. */
export function benchOptions(defaults: Partial<BenchOptions> = {}): BenchOptions {
  return withOptions(new Command(), defaults).parse().opts<BenchOptions>()
}

export function withOptions(command: Command, { packages = 2_000, rounds = 5 }: Partial<BenchOptions> = {}) {
  return command
    .option('--packages <count>', 'size of the lockfile', inGroups, packages)
    .option('--rounds <count>', 'how often everything is measured', positive, rounds)
}

function positive(text: string): number {
  const count = Number(text)
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('a number from 1 on')
  return count
}

function inGroups(text: string): number {
  const count = positive(text)
  if (count % GROUP !== 0) throw new InvalidArgumentError(`a multiple of ${GROUP}`)
  return count
}
