import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { type ProcessRun, runProcess } from '../process.ts'

/**
 * As much of GitHub's runner as the recipes need: checkouts, composite actions, steps that bash runs with the options
 * that the runner gives it, outputs, the PATH, and commands in the log. What it does not know is an error, not a pass.
 */
export interface Runner {
  /** Holds the workspace and the runner's temporary folder. */
  readonly root: string
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  /** A repository to clone, and what is checked out where no `ref` is named. */
  readonly repository: string
  readonly ref: string
}

export interface Job {
  /** 0 where all steps passed; else that of the first step that did not, after which no other was run. */
  readonly status: number | null
  readonly log: string
  /** The commands that the runner would have obeyed. */
  readonly commands: readonly string[]
  readonly steps: number
}

interface Step {
  readonly id?: string
  readonly if?: string
  readonly uses?: string
  readonly run?: string
  readonly shell?: string
  readonly with?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  readonly 'working-directory'?: string
}

interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>
  readonly runs: { readonly using: string; readonly steps: readonly Step[] }
}

export const ACTION: Action = parse(
  readFileSync(fileURLToPath(new URL('../../../action.yml', import.meta.url)), 'utf8'),
)

/** The steps of the only job of a workflow. */
export function stepsOf(workflow: string): readonly Step[] {
  const { jobs } = parse(workflow) as { jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>> }
  const [job, ...others] = Object.values(jobs)
  if (job === undefined || others.length > 0) throw new Error('the workflow does not have one job')
  return job.steps
}

export async function runJob(steps: readonly Step[], runner: Runner): Promise<Job> {
  const workspace = join(runner.root, 'workspace')
  const temporary = join(runner.root, 'runner-temp')
  for (const folder of [workspace, temporary]) mkdirSync(folder, { recursive: true })
  const state = { path: runner.env.PATH ?? '', log: '', count: 0 }

  async function runAll(all: readonly Step[], inputs: Readonly<Record<string, string>>): Promise<number | null> {
    const contexts: Record<string, string> = Object.fromEntries(
      Object.entries(inputs).map(([name, value]) => [`inputs.${name}`, value]),
    )
    for (const step of all) {
      if (!holds(step.if, contexts)) continue
      const status = await (step.uses === undefined ? script(step, contexts) : use(step))
      if (status !== 0) return status
    }
    return 0
  }

  async function use({ uses = '', with: given = {} }: Step): Promise<number | null> {
    state.count += 1
    if (uses.startsWith('actions/setup-node@')) return 0
    if (uses.startsWith('actions/checkout@')) {
      const { path = '.', ref = runner.ref } = given
      const clone = ['git', 'clone', '--quiet', '--branch', ref, runner.repository, join(workspace, path)] as const
      return finish(await execute(clone, workspace, runner.env))
    }
    if (uses !== 'OWNER/provenance-gate@COMMIT') throw new Error(`an action that is not known here: ${uses}`)
    const unknown = Object.keys(given).filter((name) => !(name in ACTION.inputs))
    if (unknown.length > 0) throw new Error(`inputs that the action does not have: ${unknown}`)
    const defaults = Object.entries(ACTION.inputs).map(([name, { default: value = '' }]) => [name, String(value)])
    return runAll(ACTION.runs.steps, { ...Object.fromEntries(defaults), ...given })
  }

  async function script(step: Step, contexts: Record<string, string>): Promise<number | null> {
    state.count += 1
    const folder = mkdtempSync(join(temporary, 'step-'))
    const files = { GITHUB_OUTPUT: join(folder, 'output'), GITHUB_PATH: join(folder, 'path') }
    for (const file of Object.values(files)) writeFileSync(file, '')
    const file = join(folder, 'script.sh')
    writeFileSync(file, fill(step.run ?? '', contexts))
    // What the runner's documentation says of a step with `shell: bash`, and of one that names no shell.
    const options = step.shell === 'bash' ? ['--noprofile', '--norc', '-eo', 'pipefail'] : ['-e']
    const own = Object.entries(step.env ?? {}).map(([name, value]) => [name, fill(value, contexts)])
    const env = { ...runner.env, ...Object.fromEntries(own), ...files, RUNNER_TEMP: temporary, PATH: state.path }
    const cwd = join(workspace, fill(step['working-directory'] ?? '.', contexts))
    const status = finish(await execute(['bash', ...options, file], cwd, env))
    for (const [, name, value = ''] of readFileSync(files.GITHUB_OUTPUT, 'utf8').matchAll(/^(\w+)=(.*)$/gm)) {
      contexts[`steps.${step.id}.outputs.${name}`] = value
    }
    const added = readFileSync(files.GITHUB_PATH, 'utf8').split('\n').filter(Boolean)
    state.path = [...added.reverse(), state.path].join(delimiter)
    return status
  }

  function finish({ status, output }: ProcessRun): number | null {
    state.log += output
    return status
  }

  const status = await runAll(steps, {})
  return { status, log: state.log, commands: commandsIn(state.log), steps: state.count }
}

function execute(command: readonly [string, ...string[]], cwd: string, env: Readonly<Record<string, string>>) {
  return runProcess(command, { cwd, env }, (why, output) => new Error(`${command.join(' ')} ${why}:\n${output}`))
}

function fill(text: string, contexts: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{\{\s*(.*?)\s*\}\}/g, (_, name: string) => {
    const value = contexts[name]
    if (value === undefined) throw new Error(`an expression that is not known here: ${name}`)
    return value
  })
}

function holds(condition: string | undefined, contexts: Readonly<Record<string, string>>): boolean {
  if (condition === undefined) return true
  const [, name = '', value] = /^([\w.-]+) != '(\w+)'$/.exec(condition) ?? []
  if (contexts[name] === undefined) throw new Error(`a condition that is not known here: ${condition}`)
  return contexts[name] !== value
}

/** A line that begins with `::` is a command, and so is what follows `##[` anywhere in one, unless commands were stopped. */
export function commandsIn(log: string): readonly string[] {
  const obeyed: string[] = []
  let token: string | undefined
  for (const line of log.split(/\r?\n|\r/)) {
    const [, whole = ''] = /^\s*(::.*|.*##\[.*)$/.exec(line) ?? []
    if (whole === '') continue
    if (token === undefined) obeyed.push(whole)
    else if (whole === `::${token}::`) token = undefined
    const [, stopping] = /^::stop-commands::(.+)$/.exec(whole) ?? []
    if (token === undefined && stopping !== undefined) token = stopping
  }
  return obeyed.filter((command) => !command.startsWith('::stop-commands::'))
}
