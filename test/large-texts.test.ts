/** Small files that a pull request can bring, by which a reader that is not linear is busy for minutes or forever. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { GateError } from '../src/errors.ts'
import { readRegistrySettings } from '../src/evidence/settings.ts'
import { readBerrySettings } from '../src/evidence/settings-berry.ts'
import { parseAny } from '../src/lockfile/formats.ts'
import { pinnedConfigDependencies, rcSettings } from '../src/lockfile/workspace.ts'
import { settingsIn } from '../src/managers/yaml.ts'
import { findUnsafeSettings } from '../src/package-managers/settings/find.ts'
import type { SettingsFile, SettingsManager } from '../src/package-managers/settings/types.ts'
import { parseLock } from '../src/policy/lock-file.ts'
import { parsePolicy } from '../src/policy/parse.ts'

/** As much as a reader takes, less what stands around it. */
const MIB = 1024 * 1024 - 1000
const YAML = 512 * 1024 - 1000
/** Some seconds are enough. Each of these texts took minutes. */
const LONG = { timeout: 60_000 }

const filled = (unit: string, size: number) => unit.repeat(size / unit.length)
function numbered(write: (number: number) => string, between: string, size: number): string {
  const parts: string[] = []
  for (let length = 0; length < size; length += (parts.at(-1)?.length ?? 0) + between.length)
    parts.push(write(parts.length))
  return parts.slice(0, -1).join(between)
}

const BLANKS: Readonly<Record<string, string>> = {
  'blanks inside of a value': `message=x${filled(' ', MIB)}y\n`,
  'tabs inside of a value': `message=x${filled('\t', MIB)}y\n`,
  'blanks inside of a key': `a${filled(' ', MIB)}b=c\n`,
  'blanks before a comment': `a=b${filled(' ;', MIB)}\n`,
  'many keys': numbered((n) => `a${n}=b`, '\n', MIB),
  'one key many times': numbered(() => 'a[]=b', '\n', MIB),
  'lines that are nothing': filled('a\n', MIB),
}
const MAPPINGS: Readonly<Record<string, string>> = {
  'many keys in a mapping': `overrides:\n${numbered((n) => `  a${n}: 1`, '\n', YAML)}\n`,
  'many keys in a mapping of one line': `overrides: {${numbered((n) => `a${n}: 1`, ', ', YAML)}}\n`,
  'many keys': numbered((n) => `a${n}: 1`, '\n', YAML),
  'many keys that are no text': `{${numbered((n) => `? [a${n}]: 1`, ', ', YAML)}}`,
  'many aliases in a list': `a: &a 1\nb:\n${filled('  - *a\n', YAML)}`,
  'an alias in each of many values': `a: &a 1\n${numbered((n) => `b${n}: *a`, '\n', YAML)}\n`,
  'many anchors and aliases': numbered((n) => `a${n}: &a${n} 1\nb${n}: *a${n}`, '\n', YAML),
  'many errors': `[${filled(',', YAML)}`,
  'more than a file of settings has': `a: ${filled('a', 1024 * 1024)}\n`,
}
const fields = (count: string) => `{"pnpm":{${count}}}`
const FIELDS: Readonly<Record<string, string>> = {
  'many fields in one line': fields(numbered((n) => `"k${n}":1`, ',', 4 * MIB)),
  'many fields in a line each': fields(numbered((n) => `"k${n}":1`, ',\n', 4 * MIB)),
  'a long field that holds many': fields(
    `"${filled('a', MIB)}":{${numbered((n) => `"k${n}":1`, ',', MIB)}},${numbered((n) => `"k${n}":1`, ',', MIB)}`,
  ),
}

const SETTINGS: readonly (readonly [SettingsManager, SettingsFile, Readonly<Record<string, string>>])[] = [
  ['npm', '.npmrc', BLANKS],
  ['pnpm', 'pnpm-workspace.yaml', MAPPINGS],
  ['berry', '.yarnrc.yml', MAPPINGS],
  ['pnpm', 'package.json', FIELDS],
  [
    'bun',
    'bunfig.toml',
    {
      'many keys in one line': `install = {${numbered((n) => `k${n}=1`, ',', MIB)}}`,
      'many keys': `[install]\n${numbered((n) => `k${n} = 1`, '\n', MIB)}`,
      'many scopes of a long name': `[install.scopes.${filled('a', MIB / 2)}]\n${numbered((n) => `k${n} = 1`, '\n', MIB / 2)}`,
    },
  ],
  [
    'yarn',
    '.yarnrc',
    { 'blanks behind a value': `a b${filled(' ', MIB)}#`, 'blanks behind a key': `a${filled(' ', MIB)}"` },
  ],
  [
    'bun',
    '.env',
    {
      'blanks behind a word': `a${filled(' ', MIB)}b`,
      'many words': filled('a ', MIB),
      'many names': numbered((n) => `A${n}=1`, '\n', MIB),
    },
  ],
]
for (const [manager, kind, texts] of SETTINGS) {
  describe(`the settings of ${manager} in ${kind} are judged in time`, () => {
    for (const [what, text] of Object.entries(texts))
      test(what, LONG, () => {
        const found = findUnsafeSettings(manager, [{ kind, file: kind, text }])
        assert.ok(found.length <= 5000 || kind === '.env')
      })
  })
}

/** A folder with a file, and its path. */
async function withFile(name: string, text: string, read: (folder: string) => unknown): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'large-'))
  try {
    writeFileSync(path.join(folder, name), text)
    await read(folder)
  } catch (error) {
    assert.ok(error instanceof GateError, String(error))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the readers that do not judge settings are done in time', () => {
  const place = { env: {}, home: '/nowhere', platform: 'linux' as const }
  for (const [what, text] of Object.entries(BLANKS))
    test(`.npmrc with ${what}`, LONG, () =>
      withFile('.npmrc', text, async (folder) => {
        await rcSettings(folder)
        readRegistrySettings(folder, place)
      }),
    )
  for (const [what, text] of Object.entries(MAPPINGS)) {
    test(`pnpm-workspace.yaml with ${what}`, LONG, () =>
      withFile('pnpm-workspace.yaml', text, async (folder) => {
        readRegistrySettings(folder, place)
        await pinnedConfigDependencies(folder, new Map())
      }),
    )
    test(`.yarnrc.yml with ${what}`, LONG, () =>
      withFile('.yarnrc.yml', text, (folder) => {
        readBerrySettings(folder, place)
        settingsIn('.yarnrc.yml', text)
      }),
    )
    test(`a policy and an identity lock with ${what}`, LONG, () => {
      assert.throws(() => parsePolicy(text, '.sigstorerc'), GateError)
      assert.throws(() => parseLock(text, 'provenance-lock.yaml'), GateError)
    })
  }
})

const berry = (reference: string) => `__metadata:
  version: 8
  cacheKey: 10

"a@${reference}":
  version: 1.0.0
  resolution: "a@${reference}"
  checksum: 10/abc
  languageName: node
  linkType: hard
`
const classic = (entry: string) => `# yarn lockfile v1\n\n${entry}`
const npm = (entry: string) => `{"lockfileVersion":3,"packages":{"":{},"node_modules/a":{"version":"1.0.0",${entry}}}}`
const LOCKFILES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  'pnpm-lock.yaml': [
    ['many overrides', `lockfileVersion: '9.0'\noverrides:\n${numbered((n) => `  a${n}: 1.0.0`, '\n', MIB)}\n`],
    ['one key many times', `lockfileVersion: '9.0'\n${filled('a: 1\n', MIB)}`],
    ['blanks inside of a value', `lockfileVersion: '9.0'\na: b${filled(' ', MIB)}c\n`],
  ],
  'package-lock.json': [
    ['an origin of many signs', npm(`"resolved":"git+ssh://${filled('#&', MIB)}a"`)],
    ['many blanks in a digest', npm(`"integrity":"${filled(' ', MIB)}x"`)],
  ],
  'yarn.lock': [
    ['many signs in a reference to git', berry(`https://x.example/a.git${filled('#&', MIB)}x`)],
    ['many commits in a reference', berry(`https://x.example/a.git${filled('#commit=a', MIB)}x`)],
    ['many commits in parameters', berry(`https://x.example/a.git#${filled('&commit=a', MIB)}x`)],
    ['many bindings', berry(`npm:1.0.0${filled('::a=', MIB)}`)],
    ['blanks inside of a line', `__metadata:\n  version: 8\n\na${filled(' ', MIB)}#\n`],
    [
      'many signs in an origin',
      classic(`a@1:\n  version "1.0.0"\n  resolved "https://x.example/${filled('#', MIB)}"\n`),
    ],
    ['many keys in front of an entry', classic(`${filled('a@1, ', MIB)}a@2:\n  version "1.0.0"\n`)],
  ],
  'bun.lock': [
    [
      'a key of many names',
      `{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{"${filled('a/', MIB)}":["a@1.0.0","",{},"sha512-x"]}}`,
    ],
  ],
}
describe('a lockfile is read in time', () => {
  for (const [file, texts] of Object.entries(LOCKFILES))
    for (const [what, text] of texts)
      test(`${file} with ${what}`, LONG, () =>
        withFile(file, text, async (folder) => {
          writeFileSync(path.join(folder, 'package.json'), '{}')
          const format =
            file === 'yarn.lock' ? 'yarn' : file === 'bun.lock' ? 'bun' : file === 'package-lock.json' ? 'npm' : 'pnpm'
          await parseAny(format, Buffer.from(text), path.join(folder, file))
        }),
      )
})
