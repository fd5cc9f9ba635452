import path from 'node:path'
import spawn from 'cross-spawn'
import { GateError } from '../errors.ts'
import { projectRoot } from '../project.ts'
import { REPAIR_VARIABLE } from '../repair.ts'
import { say } from '../report/output.ts'
import type { ExitStatus } from './exit.ts'
import { verify } from './verify.ts'

/**
 * `provenance-gate repair update NAME`: moves a lockfile off a refused package. pnpm resolves anew and writes the
 * lockfile, but links and runs nothing; what it newly resolves is judged as always, and so is the lockfile that results.
 *
 * @throws GateError where pnpm cannot be started.
 */
export async function repair(command: string, args: readonly string[], now: Date): Promise<ExitStatus> {
  const status = await new Promise<number | null>((resolve, reject) => {
    // Before a `--`, behind which it would be the name of a package.
    const end = args.includes('--') ? args.indexOf('--') : args.length
    const child = spawn('pnpm', [command, ...args.slice(0, end), '--lockfile-only', ...args.slice(end)], {
      stdio: 'inherit',
      env: { ...process.env, [REPAIR_VARIABLE]: '1' },
    })
    child.on('error', (error) =>
      reject(new GateError(`pnpm could not be started (${error.message}). It must be on PATH.`)),
    )
    child.on('close', resolve)
  })
  if (status !== 0) {
    say('The lockfile could not be repaired: pnpm says above why. Nothing was linked or run.')
    return 1
  }
  // pnpm may have had no reason to change what is refused (`repair install`).
  const left = await verify({ lockfile: path.join(projectRoot(folderOf(args)), 'pnpm-lock.yaml') }, now)
  if (left === 1) {
    say(
      'The lockfile still holds what is refused above. Nothing was linked or run. Repair it by name: `provenance-gate repair update NAME`.',
    )
  }
  if (left !== 0) return left
  say('The lockfile has nothing that is refused; nothing was linked or run. Install with `pnpm install`.')
  return 0
}

/** The folder that pnpm was told to work in, or was called in. */
function folderOf(args: readonly string[]): string {
  const at = args.findLastIndex((word) => word === '--dir' || word === '-C')
  const told = at < 0 ? args.findLast((word) => word.startsWith('--dir='))?.slice('--dir='.length) : args[at + 1]
  return path.resolve(told ?? '')
}
