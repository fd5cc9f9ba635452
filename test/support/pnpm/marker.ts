import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createTarball, type PackageSource, type PackedPackage } from '../registry/index.ts'
import type { Project } from './project.ts'

/** The script names its own package, so a mark says whose code ran. Without the variable it fails: no silent miss. */
const SCRIPT = `const { writeFileSync } = require('node:fs')
const { join } = require('node:path')
const { name, version } = require('./package.json')
writeFileSync(join(process.env.POSTINSTALL_MARKERS, encodeURIComponent(name + '@' + version)), '')
`

/** A package that leaves a mark when its postinstall script runs. The bytes do not depend on the project. */
export function markedPackage(source: PackageSource): PackedPackage {
  return createTarball(marked(source))
}

/** The same as files in a folder. */
export function writeMarkedFolder(folder: string, source: PackageSource): void {
  const { files = {}, ...manifest } = marked(source)
  for (const [path, content] of Object.entries({ ...files, 'package.json': JSON.stringify(manifest) })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), content)
  }
}

function marked(source: PackageSource): PackageSource {
  return {
    ...source,
    files: { ...source.files, 'postinstall.cjs': SCRIPT },
    scripts: { ...source.scripts, postinstall: 'node postinstall.cjs' },
  }
}

/** `name@version` of every marked package whose code has run in this project, sorted. */
export function postinstallsRun({ markersDir }: Project): string[] {
  return readdirSync(markersDir).map(decodeURIComponent).sort()
}
