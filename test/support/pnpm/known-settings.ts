import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bareEnvironment } from '../environment.ts'

const MODULES = fileURLToPath(new URL('../../../node_modules/', import.meta.url))

/** What the installed pnpm 10 knows: keys of `.npmrc`, and what it takes from the field `pnpm` of package.json. */
export function knownTo10(): { readonly rc: readonly string[]; readonly manifest: readonly string[] } {
  const source = readFileSync(path.join(MODULES, 'pnpm10/dist/pnpm.cjs'), 'utf8')
  const npm = keysOf(within(source, 'exports2.types = {', '};', 'npm-conf/lib/types.js'))
  const own = keysOf(within(source, 'exports2.types = Object.assign({', 'types_1.default.types)'))
  const defaults = keysOf(within(source, 'const defaultOptions = {', '};', '../config/config/lib/index.js"(exports2)'))
  const manifest = textsOf(within(source, '...(0, pick_1.default)([', '],', 'getOptionsFromRootManifest.js"(exports2)'))
  assert.ok(npm.length > 90 && own.length > 140 && defaults.length > 70 && manifest.length > 20)
  return { rc: [...new Set([...npm, ...own, ...defaults])], manifest: [...new Set(manifest)] }
}

/** What the installed pnpm 11 knows in pnpm-workspace.yaml, what it refuses there included; and in `.npmrc`. */
export function knownTo11(): { readonly workspace: readonly string[]; readonly rc: readonly string[] } {
  const source = readFileSync(path.join(MODULES, 'pnpm11/dist/pnpm.mjs'), 'utf8')
  const list = (name: string) => textsOf(within(source, `    ${name} = [`, '];'))
  const types = keysOf(within(source, 'pnpmTypes = {', '};'))
  const npm = keysOf(within(source, 'npmConfigTypes = {', '};'))
  const lists = [
    ...['TYPED_WORKSPACE_MANIFEST_KEYS', 'CONFIG_ONLY_SETTING_KEYS', 'UNTYPED_WORKSPACE_SETTING_KEYS'],
    ...['MACHINE_LOCATION_KEYS', 'CURRENT_RUN_LOCATION_KEYS', 'CREDENTIAL_KEYS', 'LOGIN_TARGET_KEYS'],
    'CONFIG_CONTEXT_KEYS',
  ].map(list)
  const rc = ['RAW_AUTH_CFG_KEYS', 'NETWORK_INI_KEYS', 'NPM_AUTH_SETTINGS'].flatMap(list)
  const suffixes = list('RAW_AUTH_CFG_KEY_SUFFIXES').map((suffix) => (suffix === ':registry' ? '@x' : '//x/') + suffix)
  assert.ok(types.length > 140 && npm.length > 50 && rc.length > 10 && suffixes.length > 8)
  for (const each of lists) assert.ok(each.length > 0)
  return { workspace: [...new Set([...[...types, ...npm].map(camelCased), ...lists.flat()])], rc: [...rc, ...suffixes] }
}

/**
 * What the installed pnpm 12 knows in pnpm-workspace.yaml. It is a program of Rust that prints no list. But it says of each
 * name there whether it recognises it, and it is asked about all names that may be settings. Where they come from is a
 * heuristic: the words of its change log, which tells of new settings; what pnpm 10 and 11 know; and what is between names
 * that are known in the long texts of the program where the names of its fields are strung together.
 */
export async function knownTo12(listed: readonly string[]): Promise<readonly string[]> {
  const changes = readFileSync(path.join(MODULES, 'pnpm12/CHANGELOG.md'), 'utf8')
  const words = changes.match(/\b[a-z][A-Za-z0-9]+\b/g) ?? []
  const { workspace } = knownTo11()
  const between = namesBetween(readFileSync(binaryOf12(), 'latin1'), [...workspace, ...listed])
  const candidates = [...new Set([...words, ...workspace, ...knownTo10().rc.map(camelCased), ...between, ...listed])]
  const known = await recognised(candidates.filter((name) => /^[A-Za-z][A-Za-z0-9]*$/.test(name)))
  assert.ok(known.length > 280, `only ${known.length} settings of pnpm 12 were found`)
  return known
}

/** Fields that are no settings to pnpm's own check, and which it reads all the same. */
export const UNLISTED_BY_12 = ['include', '$schema']

function within(source: string, start: string, end: string, after?: string): string {
  const from = after === undefined ? 0 : source.indexOf(after)
  const at = from < 0 ? -1 : source.indexOf(start, from)
  const until = at < 0 ? -1 : source.indexOf(end, at)
  assert.ok(until > 0, `pnpm's bundle has no ${JSON.stringify(start)}: find out where it has its settings now`)
  return source.slice(at + start.length, until)
}

function keysOf(object: string): readonly string[] {
  return [...object.matchAll(/^\s+"?([\w-]+)"?: /gm)].map(([, key = '']) => key)
}

function textsOf(list: string): readonly string[] {
  return [...list.matchAll(/"([^"]+)"/g)].map(([, text = '']) => text)
}

export function camelCased(name: string): string {
  return name.startsWith('_') ? name : name.replaceAll(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function binaryOf12(): string {
  const platform = `@pnpm/exe.${process.platform}-${process.arch}`
  return createRequire(path.join(MODULES, 'pnpm12/package.json')).resolve(`${platform}/pnpm`)
}

/** Longer than any name. What is longer between two names is other text of the program. */
const LONGEST = 45

function namesBetween(program: string, known: readonly string[]): readonly string[] {
  const byLength = new RegExp([...new Set(known)].toSorted((a, b) => b.length - a.length).join('|'), 'g')
  const runs = (program.match(/[A-Za-z0-9]{200,}/g) ?? []).filter((run) => (run.match(byLength) ?? []).length > 20)
  assert.ok(runs.length > 0, 'the program of pnpm 12 has no text of many settings')
  const gaps = runs.flatMap((run) => run.split(byLength)).filter((gap) => gap.length > 1 && gap.length <= LONGEST)
  return gaps.flatMap((gap) =>
    [...gap.matchAll(/[a-z]/g)].flatMap(({ index }) =>
      Array.from({ length: gap.length - index }, (_, length) => gap.slice(index, index + length + 1)),
    ),
  )
}

/** A hyphen at the end is one of the spellings that pnpm takes for the name, so that no value can be of the wrong type. */
async function recognised(names: readonly string[]): Promise<readonly string[]> {
  const root = mkdtempSync(path.join(tmpdir(), 'settings-of-12-'))
  try {
    const env = bareEnvironment(() => root)
    writeFileSync(path.join(root, 'package.json'), '{}')
    const known: string[] = []
    for (let at = 0; at < names.length; at += 500) {
      const some = ['surelyNoSetting', 'nodeLinker', ...names.slice(at, at + 500)]
      writeFileSync(path.join(root, 'pnpm-workspace.yaml'), [...new Set(some)].map((name) => `${name}-: 1\n`).join(''))
      const { stdout, stderr } = await promisify(execFile)(binaryOf12(), ['install', '--offline'], { cwd: root, env })
      const line = `${stdout}${stderr}`.split('\n').find((each) => each.includes('not recognized by this version'))
      const unknown = new Set([...(line ?? '').matchAll(/"([A-Za-z0-9]+)-"/g)].map(([, name]) => name))
      assert.ok(unknown.has('surelyNoSetting') && !unknown.has('nodeLinker'), 'pnpm 12 does not tell settings apart')
      known.push(...some.filter((name) => !unknown.has(name)))
    }
    return [...new Set(known)]
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}
