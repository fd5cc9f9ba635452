import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { runProcess } from '../process.ts'

/** One instruction, without comments and on one line. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

export function instructions(dockerfile: string): readonly Instruction[] {
  const lines = dockerfile
    .split('\n')
    .filter((line) => !line.trimStart().startsWith('#'))
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
  return lines
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^([A-Z]+) (.*)$/.exec(line) ?? []
      return { name, text }
    })
}

/** A folder for each stage, which stands in for its root, and one for what is mounted. */
export interface Build {
  readonly root: string
  readonly context: string
  readonly secrets: Readonly<Record<string, string>>
  readonly args: Readonly<Record<string, string>>
  /** Without HOME. */
  readonly env: Readonly<Record<string, string>>
}

export interface Built {
  readonly status: number | null
  readonly log: string
  /** In the order in which they were begun. */
  readonly stages: readonly string[]
}

/** The absolute folders of the recipe. There is no container here: where a command names one, it gets that of its stage. */
const FOLDERS = /(?<=^|[\s=])\/(?=(?:gate|app|root)(?:\/|\s|$))/g

/** Does what a builder does, in folders in place of containers. An instruction, or an option, that it does not know is an error. */
export async function build(dockerfile: string, { root, context, secrets, args, env }: Build): Promise<Built> {
  const state = { stage: '', workdir: '/', log: '', stages: [] as string[], declared: {} as Record<string, string> }
  const inStage = (path: string, stage = state.stage) => join(root, 'stages', stage, path)

  async function run(text: string): Promise<number | null> {
    const [options, command] = withoutOptions(text)
    const mounts = options.map((option) => {
      const [, type, id, target = ''] = /^--mount=type=(cache|secret)(?:,id=(\w+))?,target=(\S+)$/.exec(option) ?? []
      if (type === undefined) throw new Error(`an option that is not known here: ${option}`)
      return type === 'cache' ? [join(root, 'mounted', target), target] : [secrets[id ?? ''] ?? '', target]
    })
    for (const [source = '', target = ''] of mounts) {
      if (!existsSync(source)) mkdirSync(source, { recursive: true })
      mkdirSync(dirname(inStage(target)), { recursive: true })
      symlinkSync(source, inStage(target))
    }
    const prefix = inStage('/usr/local')
    const PATH = `${join(prefix, 'bin')}:${env.PATH}`
    const { status, output } = await runProcess(
      ['sh', '-c', command.replaceAll(FOLDERS, `${inStage('/')}`)],
      {
        cwd: inStage(state.workdir),
        env: { ...env, ...state.declared, HOME: inStage('/root'), PATH, npm_config_prefix: prefix },
      },
      (why, text) => new Error(`${command} ${why}:\n${text}`),
    )
    for (const [, target = ''] of mounts) rmSync(inStage(target))
    state.log += output
    return status
  }

  for (const { name, text } of instructions(dockerfile)) {
    if (name === 'FROM') {
      const [, stage = ''] = /^\S+@sha256:DIGEST AS (\w+)$/.exec(text) ?? []
      if (stage === '') throw new Error(`not what the recipe begins a stage with: ${text}`)
      Object.assign(state, { stage, workdir: '/', declared: {} })
      state.stages.push(stage)
      mkdirSync(inStage('/root'), { recursive: true })
    } else if (name === 'WORKDIR') {
      state.workdir = text
      mkdirSync(inStage(text), { recursive: true })
    } else if (name === 'ARG') {
      const value = args[text]
      if (value !== undefined) state.declared[text] = value
    } else if (name === 'COPY') {
      const [options, rest] = withoutOptions(text)
      const [, from] = /^--from=(\w+)$/.exec(options[0] ?? '') ?? []
      if (options.length > (from === undefined ? 0 : 1)) throw new Error(`options that are not known here: ${options}`)
      const paths = rest.split(' ')
      const target = paths.pop() ?? ''
      for (const path of paths) {
        const source = from === undefined ? join(context, path) : inStage(path, from)
        // A folder is copied with what it has, a file under its own name.
        const to = join(
          inStage(state.workdir),
          target,
          path === '.' || from !== undefined ? '' : (path.split('/').pop() ?? ''),
        )
        cpSync(source, to, { recursive: true, verbatimSymlinks: true })
      }
    } else if (name === 'RUN') {
      const status = await run(text)
      if (status !== 0) return { status, log: state.log, stages: state.stages }
    } else throw new Error(`an instruction that is not known here: ${name} ${text}`)
  }
  return { status: 0, log: state.log, stages: state.stages }
}

function withoutOptions(text: string): readonly [options: readonly string[], rest: string] {
  const [, options = '', rest = ''] = /^((?:--\S+ +)*)(.*)$/.exec(text) ?? []
  return [options.split(' ').filter(Boolean), rest]
}
