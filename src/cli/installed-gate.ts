import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import cleanVersion from 'semver/functions/clean.js'
import packageJson from '../../package.json' with { type: 'json' }
import { GateError } from '../errors.ts'
import { warning } from '../report/output.ts'
import { FileError, readBoundedFile } from '../util/files.ts'
import { GATE_NAME } from '../util/gate-name.ts'

/** The package that this code is of; it has bundles once it is built. */
const OWN = fileURLToPath(new URL('..', import.meta.url))

/** In bytes: larger than any file of the gate. */
const MAX_BYTES = 32 * 1024 * 1024
/** Far more than the gate's package.json has. */
const MAX_MANIFEST = 1024 * 1024

/**
 * Refuses other code in the folder from which pnpm loads a gate that is a config dependency. A repository can bring that
 * folder, and where its package.json names the pinned version, pnpm 10 takes it as it is.
 *
 * @param root the workspace's root
 * @throws GateError with the code SETTINGS_UNSAFE
 */
export async function refuseReplacedGate(root: string): Promise<void> {
  const folder = path.join(root, 'node_modules', '.pnpm-config', GATE_NAME)
  if (!existsSync(folder)) return
  const version = await versionIn(path.join(folder, 'package.json'))
  if (version !== packageJson.version) {
    warning(
      `${folder} has ${version === undefined ? 'no package.json' : `version ${JSON.stringify(version)} of the gate`}, and this is ${packageJson.version}: whether its code is the gate's was not looked at.`,
    )
    return
  }
  const wrong = await differing(folder)
  if (wrong === undefined) return
  refuse(`${path.join(folder, wrong)} is not what the gate ${version} has there`)
}

function refuse(what: string): never {
  throw new GateError(
    `${what}, and pnpm 10 would load it in the gate's place. Remove node_modules and install again; if git has it, take it out of the repository.`,
    { code: 'SETTINGS_UNSAFE' },
  )
}

/** The first file that pnpm, or the gate itself, would load, and that differs. */
async function differing(folder: string): Promise<string | undefined> {
  if (existsSync(path.join(folder, 'pnpmfile.mjs'))) return 'pnpmfile.mjs'
  const built = readdirSync(path.join(OWN, 'dist')).filter((name) => name.endsWith('.cjs'))
  for (const name of ['pnpmfile.cjs', ...built.map((each) => path.join('dist', each))]) {
    const [own, other] = await Promise.all([OWN, folder].map((each) => bytesOf(path.join(each, name))))
    if (own === undefined || other === undefined || !own.equals(other)) return name
  }
  return undefined
}

/**
 * The version as pnpm reads it: `v0.1.0` is 0.1.0 for it, too. What pnpm could read and this cannot may name any version.
 *
 * @returns undefined where there is no such file: pnpm then installs the gate anew
 * @throws GateError where it says no version
 */
async function versionIn(file: string): Promise<string | undefined> {
  try {
    const bytes = await readBoundedFile(file, MAX_MANIFEST)
    if (bytes === undefined) return undefined
    const { version } = JSON.parse(bytes.toString().replace(/^\uFEFF/, ''))
    const cleaned = typeof version === 'string' ? cleanVersion(version, { loose: true }) : null
    if (cleaned !== null) return cleaned
  } catch {
    // What cannot be read says no version.
  }
  return refuse(`${file} does not say of which version the code in its folder is`)
}

/** What cannot be read is not the gate's. */
async function bytesOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readBoundedFile(file, MAX_BYTES)
  } catch (error) {
    if (error instanceof FileError) return undefined
    throw error
  }
}
