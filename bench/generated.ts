/**
 * A world of as many tiny packages as are asked for. A smaller one is the beginning of a larger one: dependencies lead to
 * packages of the same group only, so every multiple of a group's size is complete.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createTarball, type PackedPackage } from '../test/support/registry/index.ts'
import { type BenchPackage, type BenchWorld, FOLDER, keep } from './world.ts'

/** The first of each group depends on the others, over three levels; a project on the first of each. */
export const GROUP = 20
const CHILDREN = 3
const VERSION = '1.0.0'

export async function generatedWorld(count: number): Promise<BenchWorld> {
  if (count < GROUP || count % GROUP !== 0) throw new RangeError(`packages come in groups of ${GROUP}, not ${count}`)
  const sizes = (existsSync(FOLDER) ? readdirSync(FOLDER) : []).filter((name) => /^\d+$/.test(name)).map(Number)
  // Always the largest: a registry with many packages and a project with few of them must be of the same Sigstore.
  const made = Math.max(count, ...sizes)
  const kept = await keep(String(made), () => Array.from({ length: made }, (_, index) => packageOf(index)))
  const direct = Array.from({ length: count / GROUP }, (_, group) => nameOf(group * GROUP))
  return {
    ...kept,
    id: String(count),
    title: `${count.toLocaleString('en')} packages`,
    packages: kept.packages.slice(0, count),
    lockfile: lockfileOf(kept.packages.slice(0, count), direct),
    manifest: { dependencies: Object.fromEntries(direct.map((name) => [name, VERSION])) },
  }
}

/** Small, and the same each time: its bytes need not be kept. */
export function pack(index: number): PackedPackage {
  const name = nameOf(index)
  const dependencies = Object.fromEntries(dependenciesOf(index).map((each) => [each, VERSION]))
  return createTarball({ name, version: VERSION, dependencies, files: { 'index.js': `module.exports = '${name}'\n` } })
}

function packageOf(index: number): BenchPackage {
  return { name: nameOf(index), version: VERSION, integrity: pack(index).integrity }
}

/** A quarter is in scopes, each of which is a folder of its own for `--attestations`. */
function nameOf(index: number): string {
  const name = `bench-${String(index).padStart(5, '0')}`
  return index % 4 === 3 ? `@scope-${index % 10}/${name}` : name
}

function dependenciesOf(index: number): readonly string[] {
  const place = index % GROUP
  return Array.from({ length: CHILDREN }, (_, child) => CHILDREN * place + child + 1)
    .filter((child) => child < GROUP)
    .map((child) => nameOf(index - place + child))
    .sort()
}

function lockfileOf(packages: readonly BenchPackage[], direct: readonly string[]): string {
  const sorted = packages
    .map((pkg, index) => ({ ...pkg, dependencies: dependenciesOf(index) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  const quoted = (key: string) => (key.startsWith('@') ? `'${key}'` : key)
  const keyOf = ({ name, version }: BenchPackage) => `  ${quoted(`${name}@${version}`)}:`
  return [
    "lockfileVersion: '9.0'\n",
    'settings:\n  autoInstallPeers: true\n  excludeLinksFromLockfile: false\n',
    'importers:\n',
    '  .:\n    dependencies:',
    ...direct
      .toSorted()
      .map((name) => `      ${quoted(name)}:\n        specifier: ${VERSION}\n        version: ${VERSION}`),
    '\npackages:\n',
    ...sorted.map((pkg) => `${keyOf(pkg)}\n    resolution: {integrity: ${pkg.integrity}}\n`),
    'snapshots:\n',
    ...sorted.map((pkg) => {
      const lines = pkg.dependencies.map((name) => `      ${quoted(name)}: ${VERSION}\n`)
      return `${keyOf(pkg)}${lines.length === 0 ? ' {}\n' : `\n    dependencies:\n${lines.join('')}`}`
    }),
  ].join('\n')
}
