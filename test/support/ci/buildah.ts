import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProcessRun, runProcess } from '../process.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))

/** Why no real image can be built here; undefined where one can. */
export function whyNoBuildah(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root may build images without a daemon'
  const { error, status } = spawnSync('buildah', ['--version'])
  return error === undefined && status === 0
    ? undefined
    : 'buildah is not installed (Debian has a package of that name)'
}

export interface ImageBuild {
  /** Everything that the build makes is below it. */
  readonly root: string
  readonly context: string
  readonly dockerfile: string
  /** A folder with npm, and one in which scripts leave their marks. */
  readonly toolbox: string
  readonly markers: string
  readonly npmrc: string
}

/**
 * Builds it by a real builder. Its base image has this machine's programs, and Node and npm of the tests, mounted where they
 * are: no image can be fetched here. The network is that of the machine, whose registry is on loopback.
 */
export async function buildImage({
  root,
  context,
  dockerfile,
  toolbox,
  markers,
  npmrc,
}: ImageBuild): Promise<ProcessRun> {
  const base = join(root, 'base')
  for (const folder of ['usr', 'etc', 'tmp', 'root', 'prefix', 'markers'])
    mkdirSync(join(base, folder), { recursive: true })
  for (const link of ['bin', 'lib', 'lib64', 'sbin']) symlinkSync(`usr/${link}`, join(base, link))
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\n')
  const path = [toolbox, '/prefix/bin', dirname(process.execPath), '/usr/bin'].join(':')
  const variables = `PATH=${path} npm_config_prefix=/prefix POSTINSTALL_MARKERS=/markers NO_COLOR=1 CI=true`
  writeFileSync(join(root, 'base.dockerfile'), `FROM scratch\nCOPY base/ /\nENV ${variables}\n`)
  const recipe = join(root, 'dockerfile')
  writeFileSync(recipe, dockerfile.replaceAll(/^FROM node:\S+@sha256:DIGEST /gm, 'FROM localhost/base:1 '))

  const temporary = join(root, 'builder')
  mkdirSync(temporary)
  const storage = ['--storage-driver', 'vfs', '--root', join(root, 'storage'), '--runroot', join(root, 'storage-run')]
  const env = { PATH: process.env.PATH ?? '/usr/sbin:/usr/bin', HOME: temporary, TMPDIR: temporary }
  const buildah = (...args: readonly string[]) =>
    runProcess(
      ['buildah', ...storage, 'build', '--isolation', 'chroot', ...args],
      { cwd: root, env },
      (why, output) => new Error(`buildah ${why}:\n${output}`),
    )
  const made = await buildah('--file', join(root, 'base.dockerfile'), '--tag', 'localhost/base:1', root)
  if (made.status !== 0) throw new Error(`there is no base image:\n${made.output}`)
  const readOnly = ['/usr', MODULES, toolbox, dirname(process.execPath)].flatMap((folder) => [
    '--volume',
    `${folder}:${folder}:ro`,
  ])
  const mounts = [...readOnly, '--volume', `${markers}:/markers`, '--secret', `id=npmrc,src=${npmrc}`]
  return buildah(
    '--pull-never',
    ...mounts,
    '--build-arg',
    'DAY=1',
    '--file',
    recipe,
    '--tag',
    'localhost/app:1',
    context,
  )
}
