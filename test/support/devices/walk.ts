/**
 * Puts what is no file of some size into the place of every path of a project that a command asks about, one after another,
 * and runs the command. One process for all of them; whoever started it ends it where one does not end.
 *
 * Lines on descriptor 3 are JSON: `{begin}` before each, `{end, status, output}` after it, and `{peak}` in kilobytes at last.
 */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { notePaths } from './noted.ts'

const asked = notePaths()
const [{ main }, { allowSettings }, { closeSockets, SPECIAL_FILES }, { COMMON, POLICY, projectsFor, write }] =
  await Promise.all([
    import('../../../src/cli/main.ts'),
    import('../allow-settings.ts'),
    import('../special-files.ts'),
    import('./projects.ts'),
  ])

const [manager = '', registry = '', trust = '', kinds = '', ...commands] = process.argv.slice(2)
const { program, files } = projectsFor(registry)[manager] ?? {}
const note = (line: object) => writeSync(3, `${JSON.stringify(line)}\n`)
const root = realpathSync(mkdtempSync(path.join(tmpdir(), 'walk-')))
const [dir, spare, bin] = ['project', 'spare', 'bin'].map((name) => path.join(root, name)) as [string, string, string]

/** It says a version, and does nothing else. */
function writeProgram(): void {
  mkdirSync(bin, { recursive: true })
  const version =
    { pnpm: '11.0.0', npm: '11.0.0', yarn: manager === 'yarn 1' ? '1.22.22' : '4.9.0', bun: '1.3.0' }[program ?? ''] ??
    '1.0.0'
  writeFileSync(path.join(bin, program ?? ''), `#!/bin/sh\necho ${version}\n`, { mode: 0o755 })
}

/** The policy, which allows what is named in settings, so that it is read. */
let policy = POLICY

function fresh(): void {
  process.chdir(root)
  for (const folder of [dir, spare]) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder)
  }
  write(dir, { ...COMMON, ...files, '.sigstorerc': policy })
  for (const name of ['root.json', 'keys.json']) symlinkSync(path.join(trust, name), path.join(dir, 'trust', name))
  process.chdir(dir)
}

let output = ''
for (const stream of [process.stdout, process.stderr])
  stream.write = (text: unknown, ...rest: readonly unknown[]) => {
    output += String(text)
    const done = rest.find((each) => typeof each === 'function')
    done?.()
    return true
  }

async function run(command: string): Promise<number> {
  output = ''
  const args = command.replace('PROGRAM', program ?? '').split(' ')
  return main(args, new Date('2026-03-01T12:00:00Z'))
}

Object.assign(process.env, { PATH: `${bin}:${process.env.PATH}` })
writeProgram()
fresh()
allowSettings(dir, ['.', 'packages/lib'])
policy = readFileSync(path.join(dir, '.sigstorerc'), 'utf8')
for (const command of commands) {
  fresh()
  asked(dir)
  note({ begin: `${command}: nothing in the place of anything` })
  await run(command)
  const places = asked(dir)
  note({ end: 'as it is', places, output })
  for (const place of places) {
    for (const kind of kinds.split(',')) {
      const special = SPECIAL_FILES[kind]
      if (special === undefined || special.skip) continue
      fresh()
      const file = path.join(dir, place)
      mkdirSync(path.dirname(file), { recursive: true })
      rmSync(file, { recursive: true, force: true })
      await special.put(file, spare)
      const label = `${command}: ${place} is ${kind}`
      note({ begin: label })
      const status = await run(command)
      note({ end: label, status, output: output.slice(0, 2_000) })
      closeSockets()
    }
  }
}
process.chdir('/')
rmSync(root, { recursive: true, force: true })
note({ peak: Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) })
process.exit(0)
