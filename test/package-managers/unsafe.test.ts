import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { Form, SettingsFile, SettingsList } from '../../src/package-managers/settings/types.ts'
import { unsafeSettings } from '../../src/package-managers/settings/unsafe.ts'

const FILES: readonly SettingsFile[] = [
  'pnpm-workspace.yaml',
  'package.json',
  '.npmrc',
  '.yarnrc',
  '.yarnrc.yml',
  'bunfig.toml',
  '.env',
  'deno.json',
]

/** A manager's list with the same settings for each kind of file. */
function list(accepted: Readonly<Record<string, Form>>, refused: Readonly<Record<string, string>> = {}, major = 1) {
  const files = Object.fromEntries(FILES.map((file) => [file, { accepted, refused }]))
  return { manager: 'pnpm', major, files } satisfies SettingsList
}

const LIST = list(
  {
    hoist: 'boolean',
    depth: 'number',
    'save-prefix': 'text',
    linker: ['hoisted', 'isolated', true],
    registry: 'url',
    '@*:registry': 'url',
    '//*:_authToken': 'secret',
    overrides: 'plain',
    'install.exact': 'boolean',
    'install.registry': 'url',
    'install.registry.url': 'url',
    'pnpm.overrides': 'plain',
    patches: 'inside',
    'scopes.*.token': 'secret',
    tags: 'texts',
    'skills.dirs': 'skill-folders',
  },
  {
    'lockfile-dir': 'makes pnpm install from another lockfile',
    'install.cache.dir': 'moves the cache',
    'BUN_*': 'steers bun',
  },
)

function unsafe(kind: SettingsFile, text: string, lists: readonly SettingsList[] = [LIST]) {
  return unsafeSettings({ kind, file: kind, text }, lists)
}

/** Where: kind of file, text, and the lines of what is found unsafe with a part of each reason. */
function table(cases: readonly (readonly [SettingsFile, string, ...(readonly [number, RegExp])[]])[]): void {
  for (const [kind, text, ...expected] of cases) {
    const title = expected.length === 0 ? 'accepts' : 'refuses'
    it(`${title} ${JSON.stringify(text.slice(0, 70))} in ${kind}`, () => {
      const found = unsafe(kind, text)
      assert.deepEqual(
        found.map(({ line }) => line),
        expected.map(([line]) => line),
        JSON.stringify(found),
      )
      for (const [index, [, reason]] of expected.entries()) assert.match(found[index]?.why ?? '', reason)
    })
  }
}

describe('settings in an .npmrc', () => {
  table([
    ['.npmrc', ''],
    ['.npmrc', '# lockfile-dir=x\n; lockfile-dir=x\n\n  # more\nhoist=false\n'],
    ['.npmrc', 'hoist="true"\n'],
    ['.npmrc', 'hoist = true\r\ndepth=12\r\nlinker=hoisted\r\nlinker=true\r\n'],
    ['.npmrc', 'registry=https://npm.acme.test/\n@acme:registry="https://npm.acme.test/x"\n'],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ['.npmrc', '//npm.acme.test/:_authToken=${NPM_TOKEN}\n'],
    ['.npmrc', 'tags[]=a\ntags[]=b\npatches=./patches\n'],
    ['.npmrc', 'hoist=true\nlockfile-dir=x\n', [2, /another lockfile \(pnpm 1\)/]],
    ['.npmrc', 'lockfile_dir=x\n', [1, /no setting .* usual spelling is `lockfile-dir`/]],
    ['.npmrc', 'lockfileDir=x\n', [1, /usual spelling is `lockfile-dir`/]],
    ['.npmrc', 'brand-new=x\n', [1, /is no setting that the gate knows of pnpm 1$/]],
    ['.npmrc', '"hoist"=false\n', [1, /quotes/]],
    ['.npmrc', "'lockfile-dir'=x\n", [1, /quotes/]],
    ['.npmrc', 'hoist\\=x\n', [1, /escapes/]],
    ['.npmrc', '[section]\nhoist=true\n', [1, /no `key=value`/]],
    ['.npmrc', 'hoist\n', [1, /no `key=value`/]],
    ['.npmrc', '=x\n', [1, /no `key=value`/]],
    ['.npmrc', 'save-prefix=~ # a comment\nsave-prefix=^;x\n'],
    ['.npmrc', 'hoist=true ; lockfile-dir=x\n', [1, /true or false/]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ['.npmrc', 'save-prefix=^ # ${X}\n', [1, /variables/]],
    ['.npmrc', 'save-prefix="a" b"\n', [1, /quotes/]],
    ['.npmrc', 'save-prefix=\\u0061\n', [1, /escapes/]],
    ...['null', '0', 'no', 'off', '', 'True', 'yes', '~', 'undefined', '1'].map(
      (value) => ['.npmrc', `hoist=${value}\n`, [1, /true or false/]] as const,
    ),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ...['${X}', '-1', '1e3', '0x1', 'x', '01'].map((value) => ['.npmrc', `depth=${value}\n`, [1, /number/]] as const),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: variables of the file
    ...['file:///x', 'npm.acme.test', 'https://${H}/', 'https://', 'ftp://h/'].map(
      (value) => ['.npmrc', `registry=${value}\n`, [1, /URL/]] as const,
    ),
    ...['../x', '/x', '~/x', 'C:/x', 'a/../../x', 'a\\x'].map(
      (value) => ['.npmrc', `patches=${value}\n`, [1, /inside|escapes/]] as const,
    ),
    ['.npmrc', 'hoist=true\rlockfile-dir=x\n', [1, /U\+000D/]],
    ['.npmrc', 'hoist=true\u202e\n', [1, /U\+202E/]],
    ['.npmrc', '\ufeffhoist=true\n', [1, /^a byte order mark \(save the file as UTF-8 without one\), which/]],
    ['.npmrc', '\ufeff# a comment\nlockfile-dir=x\n', [1, /byte order mark/], [2, /another lockfile/]],
    ['.npmrc', '\ufefflockfile-dir=x\n', [1, /byte order mark/], [1, /another lockfile/]],
    ['.yarnrc', '\ufeffhoist true\n', [1, /byte order mark/]],
    ['.npmrc', '\ufeff\ufeffhoist=true\n', [1, /byte order mark/], [1, /byte order mark/]],
    ['.npmrc', 'hoist[]=true\n', [1, /true or false/]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ['.npmrc', 'lockfile${X?}-dir=x\n', [1, /no setting/]],
    ['.npmrc', '//npm.acme.test/:tokenHelper=/bin/x\n', [1, /no setting/]],
    ['.npmrc', '__proto__=x\nconstructor=x\n', [1, /no setting/], [2, /no setting/]],
  ])
})

describe('settings in YAML files', () => {
  table([
    ['pnpm-workspace.yaml', 'skills: {dirs: [.claude/skills, .agents/skills/]}\n'],
    ['pnpm-workspace.yaml', 'skills: {dirs: []}\n'],
    ...['node_modules', '../skills', '.claude/node_modules/skills', '/x/skills', 'skills', '.claude/skills/..'].map(
      (folder) => ['pnpm-workspace.yaml', `skills: {dirs: [${folder}]}\n`, [1, /\.claude\/skills/]] as const,
    ),
    ...['.claude/skills', 'true', '{a: b}', '[1]'].map(
      (value) => ['pnpm-workspace.yaml', `skills: {dirs: ${value}}\n`, [1, /skills/]] as const,
    ),
    ['pnpm-workspace.yaml', 'skills: [node_modules]\n', [1, /no setting/]],
    ['pnpm-workspace.yaml', ''],
    ['pnpm-workspace.yaml', '# only a comment\n'],
    ['pnpm-workspace.yaml', 'hoist: true\ndepth: 3\noverrides:\n  a: ^1\n  b: $a\n'],
    ['pnpm-workspace.yaml', 'overrides:\n  a: &range ^1\n  b: *range\n'],
    ['pnpm-workspace.yaml', 'hoist: true\nlockfile-dir: x\n', [2, /another lockfile/]],
    ['pnpm-workspace.yaml', '"lockfile\\u002ddir": x\n', [1, /another lockfile/]],
    ['pnpm-workspace.yaml', 'x: &a\n  lockfile-dir: y\n<<: *a\n', [1, /no setting/], [3, /merge key/]],
    ...['null', '~', '', '0', '""', 'no', 'off', 'n', 'yes', 'True', 'TRUE', '"true"', '[]', '{}', '!!bool true'].map(
      (value) => ['pnpm-workspace.yaml', `hoist: ${value}\n`, [1, /true or false|plain YAML|a tag/]] as const,
    ),
    ...['0o7', '0x1F', '1_000', '1.5', '-1', '+1', '.inf', '"a"'].map(
      (value) => ['pnpm-workspace.yaml', `depth: ${value}\n`, [1, /number/]] as const,
    ),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ['pnpm-workspace.yaml', 'overrides:\n  a:\n    b: ${X}\n', [1, /variables/]],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    ['pnpm-workspace.yaml', 'overrides:\n  ${X}: 1\n', [1, /variables/]],
    ['pnpm-workspace.yaml', 'hoist: true\nhoist: false\n', [2, /plain YAML/]],
    ['pnpm-workspace.yaml', 'hoist: true\n---\nlockfile-dir: x\n', [2, /plain YAML/]],
    ['pnpm-workspace.yaml', 'save-prefix: "no"\n'],
    ['pnpm-workspace.yaml', 'save-prefix: no\n', [1, /YAML 1\.1/]],
    ['pnpm-workspace.yaml', '- hoist\n', [1, /no mapping/]],
    ['pnpm-workspace.yaml', 'hoist\n', [1, /no mapping/]],
    ['pnpm-workspace.yaml', '%YAML 1.1\n---\nhoist: true\n', [1, /directive/]],
    ['pnpm-workspace.yaml', 'hoist: true\u2028lockfile-dir: x\n', [1, /U\+2028/]],
    ['.yarnrc.yml', 'tags: [a, b]\n'],
    ['pnpm-workspace.yaml', 'overrides: &a [*a]\n'],
    ['pnpm-workspace.yaml', 'overrides: &a\n  b: *a\n'],
    ['pnpm-workspace.yaml', `overrides: [${'a,'.repeat(250_000)}]\n`],
    ['.yarnrc.yml', 'install:\n  exact: true\n  cache:\n    dir: x\n', [4, /moves the cache/]],
    ['.yarnrc.yml', 'scopes:\n  acme:\n    token: x\n  "a.b":\n    token: y\n'],
    ['.yarnrc.yml', 'scopes:\n  acme:\n    proxy: x\n', [3, /no setting/]],
    ['.yarnrc.yml', 'scopes:\n  acme: x\n', [2, /no setting/]],
    ['.yarnrc.yml', 'scopes: x\n', [1, /no setting/]],
    ['.yarnrc.yml', 'install:\n  brandNew: true\n', [2, /no setting/]],
    ['.yarnrc.yml', `hoist: ${'['.repeat(100_000)}\n`, [1, /plain YAML|cannot be read/]],
    ['.yarnrc.yml', `tags: &a [x]\noverrides: [${'*a,'.repeat(2000)}]\n`, [2, /More than 1000 aliases/]],
  ])
})

describe('settings in other files', () => {
  table([
    ['package.json', '{"name": "app", "scripts": {"x": "lockfile-dir"}, "brand-new": {"a": null}}'],
    ['package.json', '{"pnpm": {"overrides": {"a": "1"}}}'],
    ['package.json', '{"description": "\u200e", "scripts": {"a": "x", "a": "y"}}'],
    ['package.json', '{"pnpm": {}}'],
    ['package.json', '{\n"pnpm": {\n"brandNew": 1}}', [3, /no setting/]],
    ['package.json', '{"pnpm": {"overrides": {}}, "name": "a",\n"pnpm": {}}', [2, /second time/]],
    ['package.json', '{"pnpm": {"overrides": {},\n"overrides": {}}}', [2, /second time/]],
    ['package.json', '{"pnpm": null}', [1, /no setting/]],
    ['package.json', '{"lockfile-dir": "x"}', [1, /another lockfile/]],
    ['package.json', '{"a": 1,}', [1, /no JSON/]],
    ['package.json', '// x\n{}', [1, /no JSON/]],
    ['package.json', '[]', [1, /no JSON/]],
    ['package.json', `{"a": ${'['.repeat(200_000)}`, [1, /no JSON|cannot be read/]],
    ['deno.json', '// x\n{"hoist": true,}'],
    ['deno.json', '{"brand-new": true}', [1, /no setting/]],
    ['bunfig.toml', '# x\nhoist = true\n[install]\nexact = true\n'],
    ['bunfig.toml', '[install.cache]\ndir = "x"\n', [2, /moves the cache/]],
    ['bunfig.toml', '[install]\nregistry = { url = "https://npm.acme.test/" }\n'],
    ['bunfig.toml', '[install]\nregistry = "https://npm.acme.test/"\n'],
    ['bunfig.toml', '[install]\nregistry = { other = "https://npm.acme.test/" }\n', [2, /no setting/]],
    ['bunfig.toml', 'install = { cache = { dir = "x" } }\n', [1, /moves the cache/]],
    ['bunfig.toml', '[install]\n"exa\\u0063t" = 1\n', [1, /true or false/]],
    ['bunfig.toml', '[install]\nexact = 1\nexact = true\n', [3, /no TOML/]],
    ['bunfig.toml', 'hoist\n', [1, /no TOML/]],
    ['.yarnrc', '# x\nhoist true\n"save-prefix" "^"\n'],
    ['.yarnrc', '--install.cwd "./hidden"\n', [1, /no setting/]],
    ['.yarnrc', '"--install.cwd" "./hidden"\n', [1, /no setting/]],
    ['.yarnrc', 'lockfile-dir x\n', [1, /another lockfile/]],
    ['.yarnrc', 'hoist:\n  lockfile-dir x\n', [1, /no key and one value/], [2, /no key and one value/]],
    ['.yarnrc', '"hois\\u0074" true\n', [1, /no key and one value/]],
    ['.yarnrc', 'hoist, lockfile-dir true\n', [1, /no key and one value/]],
    ['.env', 'BUN_CONFIG_NO_VERIFY=1\n', [1, /steers bun/]],
    ['.env', 'A=1\n  export  BUN_X = 1\n', [1, /no setting/], [2, /steers bun/]],
    ['.env', 'A="x\nBUN_X=1"\n', [1, /no setting/], [2, /steers bun/]],
  ])
})

describe('lists of several versions', () => {
  const texts = { hoist: 'hoist=true\n' }
  const judged = (...lists: readonly SettingsList[]) => unsafe('.npmrc', texts.hoist, lists).map(({ why }) => why)

  it('accept a setting that one version accepts and another does not know', () => {
    assert.deepEqual(judged(list({ hoist: 'boolean' }), list({}, {}, 2)), [])
  })
  it('refuse a setting that one version accepts and another refuses', () => {
    assert.deepEqual(judged(list({ hoist: 'boolean' }), list({}, { hoist: 'is bad' }, 2)), ['is bad (pnpm 2)'])
  })
  it('refuse a value that one version accepts and another does not', () => {
    assert.match(judged(list({ hoist: 'boolean' }), list({ hoist: [false] }, {}, 2))[0] ?? '', /than false \(pnpm 2\)/)
  })
  it('name all versions where none knows a setting', () => {
    assert.match(judged(list({}), list({}, {}, 2))[0] ?? '', /of pnpm 1, pnpm 2$/)
  })
  it('refuse by an exact name before they accept by a pattern', () => {
    assert.deepEqual(judged(list({ '*': 'plain' }, { hoist: 'is bad' })), ['is bad (pnpm 1)'])
  })
  it('look at no file that no version reads', () => {
    assert.deepEqual(unsafe('.npmrc', 'x', [{ manager: 'pnpm', major: 1, files: {} }]), [])
  })
})

describe('a file with very many keys', () => {
  const many = Array.from({ length: 100_000 }, (_, index) => `key${index}`)
  const texts: readonly (readonly [SettingsFile, string, number])[] = [
    ['package.json', `{${many.map((key) => `"${key}": 1`).join(',\n')}}`, 0],
    ['.npmrc', many.map((key) => `${key}=1\n`).join(''), 1],
    ['.env', many.map((key) => `${key}=1\n`).join(''), many.length],
    ['deno.json', `{${many.map((key) => `"${key}": 1`).join(',\n')}}`, 1],
  ]
  for (const [kind, text, count] of texts) {
    it(`is judged in one walk where it is ${kind}`, () => assert.equal(unsafe(kind, text).length, count))
  }
})

describe('any text', () => {
  const line = fc.oneof(
    fc.constantFrom('hoist=true', 'lockfile-dir=x', '[x]', 'hoist', '# hoist', '', '  ', 'a[]=b', '"a"=b', "a='b'"),
    fc.string({ maxLength: 20 }),
    fc.string({ unit: 'binary', maxLength: 10 }),
  )

  it('has each line of an .npmrc found unsafe that is no comment and not accepted', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const text = lines.join('\n')
        const found = unsafe('.npmrc', text)
        for (const [index, written] of text.split(/\r?\n/).entries()) {
          if (/^[ \t]*(?:[;#].*)?$/.test(written) || found.some((each) => each.line === index + 1)) continue
          // Else the file as a whole is refused, or this is a setting as the list has it.
          const isWhole = found.some(({ why }) => /character U\+/.test(why))
          const isAccepted =
            /^\s*(?:hoist|depth|save-prefix|linker|registry|@.*:registry|\/\/.*:_authToken|overrides|patches|tags(?:\[\])?)\s*=/.test(
              written,
            )
          assert.ok(isWhole || isAccepted, JSON.stringify(written))
        }
      }),
      { numRuns: 500 },
    )
  })

  for (const kind of FILES) {
    it(`never throws in ${kind}`, () => {
      fc.assert(
        fc.property(
          fc.oneof(
            fc.string(),
            fc.json(),
            fc.array(line).map((lines) => lines.join('\n')),
          ),
          (text) => {
            for (const each of unsafe(kind, text)) assert.ok(each.line >= 1 && each.why !== '')
          },
        ),
        { numRuns: 200 },
      )
    })
  }

  it('has every key refused that the list does not have, whatever its value', () => {
    const key = fc
      .stringMatching(/^[a-z][A-Za-z0-9-]{0,20}$/)
      .filter((each) => !(each in (LIST.files['.npmrc']?.accepted ?? {})))
    fc.assert(
      fc.property(key, fc.jsonValue(), (name, value) => {
        assert.equal(
          unsafe('pnpm-workspace.yaml', JSON.stringify({ [name]: value })).length > 0,
          !isEmptyGroup(name, value),
        )
        assert.equal(unsafe('deno.json', JSON.stringify({ [name]: value })).length > 0, !isEmptyGroup(name, value))
      }),
    )
  })

  /** `{"install": {}}` sets nothing. */
  function isEmptyGroup(name: string, value: unknown): boolean {
    return (
      ['install', 'pnpm'].includes(name) &&
      typeof value === 'object' &&
      value !== null &&
      Object.keys(value).length === 0
    )
  }
})

describe('settings that are nested deeply', () => {
  const DEPTH = 16_000
  const brackets = '['.repeat(DEPTH) + ']'.repeat(DEPTH)
  const TEXTS: readonly (readonly [SettingsFile, string])[] = [
    ['package.json', `{"pnpm": {"overrides": ${brackets}}}`],
    ['package.json', `{"pnpm": ${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}}`],
    ['pnpm-workspace.yaml', `overrides: ${brackets}\n`],
    ['.yarnrc.yml', `overrides: ${brackets}\n`],
    ['bunfig.toml', `overrides = ${brackets}\n`],
    ['deno.json', `{"overrides": ${brackets}}`],
  ]
  for (const [kind, text] of TEXTS) {
    it(`are refused in words, in ${kind}: ${text.slice(0, 24)}…`, () => {
      const reasons = unsafe(kind, text).map(({ why }) => why)
      assert.notEqual(reasons.length, 0)
      for (const why of reasons) {
        assert.doesNotMatch(why, /RangeError|call stack/i)
        assert.ok(why.length < 300, why)
      }
    })
  }
})
