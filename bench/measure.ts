import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface Sample {
  /** All three in milliseconds or megabytes. CPU and memory are those of all processes, where `usage` asks for them. */
  readonly wall: number
  readonly cpu: number
  readonly memory: number
  /** What it wrote on standard output. */
  readonly output: string
}

export interface NodeProcess {
  /** Arguments of `node`. */
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly usage?: boolean
  /** How it has to end: 0 where nothing else is said. */
  readonly status?: number
  /** A process that hangs must not hang the benchmark. */
  readonly timeoutMs?: number
}

const USAGE = path.join(import.meta.dirname, 'usage.cjs')

/** In megabytes. */
const KIB = 1024 / 1e6

/** Runs Node to its end. Any other exit status than the expected one is an error: what fails early would look fast. */
export async function runNode({
  args,
  cwd,
  env,
  usage = false,
  status: wanted = 0,
  timeoutMs = 600_000,
}: NodeProcess): Promise<Sample> {
  const folder = usage ? mkdtempSync(path.join(tmpdir(), 'usage-')) : undefined
  const file = folder === undefined ? undefined : path.join(folder, 'usage')
  const measured =
    file === undefined ? env : { ...env, NODE_OPTIONS: `--require=${USAGE}`, PROVENANCE_GATE_BENCH_USAGE: file }
  const { promise, resolve, reject } = Promise.withResolvers<Sample>()
  const start = process.hrtime.bigint()
  const child = spawn(process.execPath, args, {
    cwd,
    env: measured,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
  })
  let [output, errors] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    output += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk
  })
  let wall = 0
  child.on('error', reject)
  child.on('exit', () => {
    wall = Number(process.hrtime.bigint() - start) / 1e6
  })
  child.on('close', (status) => {
    if (status === wanted) resolve({ wall, ...usageOf(file), output })
    else
      reject(
        new Error(`node ${args.join(' ')} ended with ${status}:\n${output.slice(-2_000)}\n${errors.slice(-2_000)}`),
      )
  })
  return promise.finally(() => {
    if (folder !== undefined) rmSync(folder, { recursive: true })
  })
}

/** Processes that it started count as well, as if all had been at their peak at once. */
function usageOf(file: string | undefined): Pick<Sample, 'cpu' | 'memory'> {
  const lines = file === undefined ? [] : readFileSync(file, 'utf8').trim().split('\n')
  const used = lines.map((line) => JSON.parse(line) as { cpu: number; rss: number })
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return { cpu: sum(used.map(({ cpu }) => cpu)), memory: sum(used.map(({ rss }) => rss)) * KIB }
}

/** The time of something in this process. */
export async function timed(run: () => unknown): Promise<Sample> {
  const start = process.hrtime.bigint()
  await run()
  return { wall: Number(process.hrtime.bigint() - start) / 1e6, cpu: 0, memory: 0, output: '' }
}

/**
 * A B C, B C A, C A B, …: what makes the machine slow for a while makes all of them slow, and none is always the one that
 * comes after another's garbage.
 */
export async function interleaved<K extends string>(
  rounds: number,
  runs: Readonly<Record<K, () => Promise<Sample>>>,
): Promise<Readonly<Record<K, readonly Sample[]>>> {
  const entries = Object.entries(runs) as [K, () => Promise<Sample>][]
  const samples = Object.fromEntries(entries.map(([name]) => [name, []])) as unknown as Record<K, Sample[]>
  for (let round = 0; round < rounds; round++) {
    const first = round % entries.length
    for (const [name, run] of [...entries.slice(first), ...entries.slice(0, first)]) samples[name].push(await run())
  }
  return samples
}

export type Measure = 'wall' | 'cpu' | 'memory'

export function median(samples: readonly Sample[], of: Measure = 'wall'): number {
  const sorted = samples.map((sample) => sample[of]).sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = Number.NaN, high = low] = sorted.length % 2 === 0 ? sorted.slice(middle - 1) : sorted.slice(middle)
  return sorted.length % 2 === 0 ? (low + high) / 2 : low
}

export function least(samples: readonly Sample[], of: Measure = 'wall'): number {
  return Math.min(...samples.map((sample) => sample[of]))
}
