import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules } from 'node:module'
import { join, posix } from 'node:path'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { build, transform } from 'esbuild'

// The rules of the design, as far as imports can break them. What runs is taken from esbuild, which leaves out what is
// only a type; what is only a type is what else the text says.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const FILES = ['src', 'hooks'].flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((file) => posix.join(folder, file.replaceAll('\\', '/')))
    .filter((file) => /\.[cm]?ts$/.test(file) && !/\.d\.[cm]?ts$/.test(file)),
)

interface Import {
  readonly from: string
  /** A file of ours, relative to the root, or the name of a module. */
  readonly to: string
  readonly kind: 'static' | 'dynamic' | 'type'
}

const running = await runningImports()
const imports: readonly Import[] = [...running, ...FILES.flatMap(typeImports)]

async function runningImports(): Promise<readonly Import[]> {
  const { metafile } = await build({
    entryPoints: FILES,
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    outdir: 'unused',
    metafile: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
    plugins: [
      {
        name: 'every file by itself',
        setup: ({ onResolve }) =>
          onResolve({ filter: /.*/ }, ({ path, kind }) =>
            kind === 'entry-point' ? undefined : { path, external: true },
          ),
      },
    ],
  })
  return Object.entries(metafile.inputs).flatMap(([from, { imports }]) =>
    imports.map(({ path, kind }) => ({
      from,
      to: target(from, path),
      kind: kind === 'dynamic-import' ? ('dynamic' as const) : ('static' as const),
    })),
  )
}

/** Everything that the text names and that does not run. */
function typeImports(from: string): readonly Import[] {
  const text = readFileSync(join(ROOT, from), 'utf8')
  const statements = [...text.matchAll(/^(?:import|export)\b(?<what>[^'"`;]*?)\bfrom\s*'(?<path>[^']+)'/gm)]
  const expressions = [...text.matchAll(/\bimport\(\s*'(?<path>[^']+)'\s*\)/g)]
  return [...statements, ...expressions].flatMap(({ groups: { what = ' type', path = '' } = {} }) => {
    const to = target(from, path)
    if (running.some((other) => other.from === from && other.to === to)) return []
    assert.match(what, /^ type\b/, `${from} imports ${path}, which esbuild does not see`)
    return [{ from, to, kind: 'type' as const }]
  })
}

function target(from: string, path: string): string {
  return path.startsWith('.') ? posix.join(posix.dirname(from), path) : path
}

const isOurs = (path: string) => /^(src|hooks)\//.test(path)
/** `src/evidence`, `hooks`; a file that lies in no room is its own. */
const roomOf = (file: string) => /^(src\/[^/]+|hooks)\//.exec(file)?.[1] ?? file
const describeImport = ({ from, to, kind }: Import) => `${from} → ${to} (${kind})`

/** No import but those that `allowed` says yes to. */
function only(selected: readonly Import[], allowed: (one: Import) => boolean): void {
  assert.deepEqual(selected.filter((one) => !allowed(one)).map(describeImport), [])
}

/** All files and modules that run when one of these does. */
function closure(
  entries: readonly string[],
  kinds: readonly Import['kind'][] = ['static', 'dynamic'],
): ReadonlySet<string> {
  const reached = new Set(entries)
  for (const file of reached) {
    for (const { from, to, kind } of imports) if (from === file && kinds.includes(kind)) reached.add(to)
  }
  return reached
}

const ROOMS = [
  ...['lockfile', 'evidence', 'trust', 'verify', 'proving', 'policy', 'report', 'proxy', 'managers'],
  ...['package-managers', 'receipt'],
].map((room) => `src/${room}`)
/** What everybody may import. */
const COMMON = [
  ...[
    'src/codes.ts',
    'src/domains.ts',
    'src/errors.ts',
    'src/folders.ts',
    'src/home.ts',
    'src/write.ts',
    'src/read.ts',
  ],
  ...FILES.filter((file) => file.startsWith('src/util/')),
]
/** Rooms that put others together: what proves, for the gate, and what stands between a package manager and its registries. */
const BETWEEN = ['src/proving', 'src/proxy']
/** The places that put the rooms together. */
const COMPOSITION_ROOTS = [
  ...['src/cli/sources.ts', 'src/cli/verify.ts', 'src/cli/accept.ts', 'src/cli/init.ts', 'src/cli/export.ts'],
  ...['src/cli/explain.ts', 'src/cli/policy.ts', 'src/cli/verify-bundle.ts', 'src/cli/trust.ts'],
  ...[
    'src/cli/lockfiles.ts',
    'src/cli/check.ts',
    'src/cli/from-places.ts',
    'src/cli/project-lockfiles.ts',
    'src/cli/other-root.ts',
    'src/cli/could-name.ts',
  ],
  ...['run', 'places', 'projects', 'workspace', 'receipt'].map((name) => `src/cli/run/${name}.ts`),
  ...['hooks/session.ts', 'hooks/judge.ts', 'hooks/receipt.ts'],
  'src/settings.ts',
]

describe('imports', () => {
  it('are found: a test that reads nothing finds nothing wrong', () => {
    assert.ok(FILES.length > 40)
    for (const room of ROOMS)
      assert.ok(
        FILES.some((file) => roomOf(file) === room),
        room,
      )
    const seen = imports.map(describeImport)
    assert.ok(seen.includes('src/gate.ts → src/policy/decide.ts (static)'))
    assert.ok(seen.includes('src/proving/prover.ts → src/trust/inputs.ts (dynamic)'))
    assert.ok(seen.includes('src/policy/types.ts → src/lockfile/types.ts (type)'))
    assert.ok(seen.includes('src/evidence/client.ts → node:zlib (static)'))
  })

  it('name files that are there', () => {
    only(imports, ({ to }) => !isOurs(to) || FILES.includes(to) || /\.d\.[cm]?ts$/.test(to))
  })

  it('go round in no circle', () => {
    const circles = FILES.filter((file) => {
      const next = running.filter(({ from }) => from === file).map(({ to }) => to)
      return closure(next).has(file)
    })
    assert.deepEqual(circles, [])
  })

  it('of built-in modules say so', () => {
    only(imports, ({ to }) => !builtinModules.includes(to))
  })
})

describe('one way: cli and hooks → gate → rooms', () => {
  const between = imports.filter(({ from, to }) => isOurs(to) && roomOf(from) !== roomOf(to))
  const of = (room: string) => between.filter(({ from }) => roomOf(from) === room)

  it('what everybody may import has nothing of ours, but that reading files ends in errors of the gate', () => {
    only(
      imports,
      ({ from, to }) =>
        !COMMON.includes(from) ||
        to.startsWith('node:') ||
        (from === 'src/util/yaml.ts' && to === 'yaml') ||
        (from === 'src/read.ts' && ['src/errors.ts', 'src/util/files.ts', 'src/util/links.ts'].includes(to)),
    )
  })

  it('the gate and the prover import rooms, but not how results are shown, nor who asks', () => {
    only(
      [...of('src/gate.ts'), ...of('src/proving')],
      ({ to }) => COMMON.includes(to) || (ROOMS.includes(roomOf(to)) && roomOf(to) !== 'src/report'),
    )
  })

  it('the proxy is handed a gate, and neither proves nor applies rules', () => {
    const known = ['src/lockfile', 'src/evidence', 'src/report']
    only(
      of('src/proxy'),
      ({ to, kind }) =>
        COMMON.includes(to) || known.includes(roomOf(to)) || (kind === 'type' && to === 'src/policy/types.ts'),
    )
  })

  it('the gate has rules applied, and the prover knows none', () => {
    only(of('src/proving'), ({ to }) => roomOf(to) !== 'src/policy')
  })

  it('no room imports the gate, the command line or the hooks', () => {
    only(
      between.filter(({ from }) => ROOMS.includes(roomOf(from))),
      ({ to }) => COMMON.includes(to) || ROOMS.includes(roomOf(to)),
    )
  })

  it('rooms import types of each other, and nothing that runs', () => {
    only(
      between.filter(
        ({ from, to }) => ROOMS.includes(roomOf(from)) && ROOMS.includes(roomOf(to)) && !BETWEEN.includes(roomOf(from)),
      ),
      ({ kind }) => kind === 'type',
    )
  })

  const types: Readonly<Record<string, readonly string[]>> = {
    'src/lockfile': [],
    'src/evidence': ['src/lockfile/types.ts'],
    'src/trust': ['src/verify/types.ts'],
    'src/verify': ['src/lockfile/types.ts'],
    'src/policy': ['src/lockfile/types.ts', 'src/verify/types.ts', 'src/package-managers/settings/types.ts'],
    'src/report': ['lockfile', 'verify', 'policy', 'receipt'].map((other) => `src/${other}/types.ts`),
    'src/receipt': ['src/lockfile/types.ts'],
    'src/managers': [],
    'src/package-managers': [],
  }
  for (const [room, known] of Object.entries(types)) {
    it(`${room} knows ${known.length === 0 ? 'no other room' : known.join(', ')}`, () => {
      only(of(room), ({ to }) => COMMON.includes(to) || known.includes(to))
    })
  }

  it('report does not refuse by itself: of codes it knows the names', () => {
    only(
      of('src/report').filter(({ to }) => COMMON.includes(to)),
      ({ to, kind }) =>
        ['src/domains.ts', 'src/util/lists.ts', 'src/util/text.ts'].includes(to) ||
        (to === 'src/codes.ts' && kind === 'type'),
    )
  })

  it('the command line and the hooks import the gate and reports; rooms only where they are put together', () => {
    const edges = between.filter(({ from }) => ['src/cli', 'hooks'].includes(roomOf(from)))
    // The last one is for both of them.
    const allowed = [...COMMON, 'src/code.ts', 'src/gate.ts', 'src/project.ts', 'src/repair.ts', 'src/settings.ts']
    only(
      edges.filter(({ from }) => !COMPOSITION_ROOTS.includes(from)),
      ({ to, kind }) =>
        allowed.includes(to) || roomOf(to) === 'src/report' || (kind === 'type' && to.endsWith('/types.ts')),
    )
    only(edges, ({ to }) => allowed.includes(to) || ROOMS.includes(roomOf(to)))
  })

  it('nobody imports the command line or the hooks', () => {
    only(between, ({ to }) => !['src/cli', 'hooks'].includes(roomOf(to)))
  })
})

describe('files are read by one bounded reader, which takes regular files only', () => {
  /** What reads a file by its name, or opens it, of `node:fs` and `node:fs/promises`. */
  const READING =
    /^(?:readFile|readFileSync|createReadStream|ReadStream|open|openSync|openAsBlob|cp|cpSync|copyFile|copyFileSync|promises|default|\*)$/
  const READER = 'src/util/files.ts'
  /** Those that read nothing which a repository can bring. */
  const EXEMPT: Readonly<Record<string, string>> = {
    'hooks/command.ts': 'the command line of its parent, which the kernel writes',
    'src/proxy/body.ts': 'downloads that it has written itself, into a folder that it has just made',
  }

  function readingIn(text: string): readonly string[] {
    const statements = [...text.matchAll(/^import (?!type\b)([^'"`;]*?)\bfrom '(?:node:)?fs(?:\/promises)?'/gm)]
    const names = statements.flatMap(([, what = '']) => {
      const [, outside = '', inside = ''] = /^([^{]*)(?:\{([^}]*)\})?/s.exec(what) ?? []
      const inner = inside.split(',').map((each) => each.trim().split(/\s+as\s+/)[0] ?? '')
      const outer = outside.replace(/,?\s*$/, '').trim()
      return [...inner, ...(outer === '' ? [] : [outer.startsWith('*') ? '*' : 'default'])]
    })
    const others = /(?:\bimport\(|\brequire\(|getBuiltinModule\()\s*['"`](?:node:)?fs\b/.exec(text) ?? []
    return [...names.filter((name) => READING.test(name)), ...others]
  }

  for (const file of FILES.filter((each) => each !== READER)) {
    const reason = EXEMPT[file]
    it(`${file} ${reason === undefined ? 'opens none by itself' : `reads ${reason}`}`, () => {
      const found = readingIn(readFileSync(join(ROOT, file), 'utf8'))
      if (reason === undefined) assert.deepEqual(found, [])
      else assert.notDeepEqual(found, [], 'take it off the list')
    })
  }

  it('that test sees every way to get at a file', () => {
    const bad = [
      "import { readFile } from 'node:fs/promises'",
      "import { existsSync, readFileSync as read } from 'node:fs'",
      "import {\n  existsSync,\n  openSync,\n} from 'fs'",
      "import { type FileHandle, open, rm } from 'node:fs/promises'",
      "import fs from 'node:fs'",
      "import * as fs from 'node:fs'",
      "import fs, { existsSync } from 'node:fs'",
      "import { promises } from 'node:fs'",
      "const { readFile } = await import('node:fs/promises')",
      "process.getBuiltinModule('node:fs').readFileSync(file)",
    ]
    for (const text of bad) assert.notDeepEqual(readingIn(text), [], text)
    for (const text of ["import type { Stats } from 'node:fs'", "import { existsSync, statSync } from 'node:fs'"])
      assert.deepEqual(readingIn(text), [], text)
    assert.notDeepEqual(readingIn(readFileSync(join(ROOT, READER), 'utf8')), [])
  })
})

describe('what people and CI runners read', () => {
  const WRITING = /\bprocess\.(?:stdout|stderr)\.write\b|\bconsole\.\w+\(/
  /** By what escapes it, or where nothing of it is a stranger's. */
  const WRITERS: Readonly<Record<string, string>> = {
    'src/report/output.ts': 'escapes it',
    'src/cli/main.ts': 'escapes errors, and writes the help of commander',
    'src/cli/bin.ts': 'says that this Node is too old',
  }
  for (const file of FILES) {
    const reason = WRITERS[file]
    it(`${file} ${reason ?? 'writes through src/report/output.ts'}`, () => {
      assert.equal(WRITING.test(readFileSync(join(ROOT, file), 'utf8')), reason !== undefined)
    })
  }
})

describe('what decides does nothing else', () => {
  /** Of Node: nothing but computing. Of packages: nothing that is known to read files or to speak to anybody. */
  const COMPUTING = ['node:buffer', 'node:crypto', 'node:path', 'node:util', 'node:zlib', 'node:assert/strict']
  const IO_PACKAGES =
    /^(cosmiconfig|cross-spawn|find-up-simple|ini|make-fetch-happen|npm-registry-fetch|pacote|@pnpm\/lockfile\.fs|@pnpm\/logger|@sigstore\/tuf|tuf-js|cli-progress)(\/|$)/
  const doesIO = (module: string) =>
    (module.startsWith('node:') && !COMPUTING.includes(module)) || IO_PACKAGES.test(module)

  const inRoom = (room: string) => FILES.filter((file) => roomOf(file) === room)
  /** Where a file is read: the only files of their rooms that may, and what decides does not lead there. */
  const READERS: Readonly<Record<string, readonly string[]>> = {
    'src/policy': [
      'src/policy/load.ts',
      'src/policy/read-lock.ts',
      'src/policy/digest.ts',
      'src/policy/find.ts',
      'src/policy/file.ts',
    ],
    'src/lockfile': [
      'read',
      'bytes',
      'workspace',
      'formats',
      'manifests',
      'find',
      'installed',
      'projects',
      'loading',
      'installing-pnpm',
    ].map((name) => `src/lockfile/${name}.ts`),
    'src/receipt': ['src/receipt/state.ts', 'src/receipt/installed.ts', 'src/receipt/changed.ts'],
    'src/verify': [],
    'src/report': [],
    'src/managers': [],
    'src/package-managers': [
      'src/package-managers/settings/files.ts',
      'src/package-managers/yarn-berry/program-files.ts',
    ],
  }
  for (const [room, readers] of Object.entries(READERS)) {
    const pure = inRoom(room).filter((file) => !readers.includes(file))
    it(`${room}: no files, no network, no processes${readers.length === 0 ? '' : ` but in ${readers.join(', ')}`}`, () => {
      for (const reader of readers) assert.ok(FILES.includes(reader), reader)
      only(
        imports.filter(({ from }) => pure.includes(from)),
        ({ to, kind }) => kind === 'type' || !(doesIO(to) || readers.includes(to)),
      )
      assert.deepEqual([...closure(pure)].filter(doesIO), [])
    })
  }

  it('the files that read a policy or a lockfile are reached by those who put things together', () => {
    const readers = Object.values(READERS).flat()
    only(
      running.filter(({ to }) => readers.includes(to)),
      ({ from }) => readers.includes(from) || COMPOSITION_ROOTS.includes(from),
    )
  })

  /** The ways to know the time, to wait, or to get around an import. */
  const AMBIENT: Readonly<Record<string, RegExp>> = {
    'the time':
      /\bDate\.now\b|\bnew Date(?!\()|\bnew Date\(\)|(?<!\bnew )\bDate\(|\bperformance\b|\bhrtime\b|\bTemporal\b/,
    chance: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b/,
    waiting: /\bset(Timeout|Interval|Immediate)\b/,
    'the process or the network':
      /\bprocess\.|\bglobalThis\b|\bfetch\(|\brequire\(|\beval\(|\bnew Function\b|\bWebSocket\b/,
  }
  const deciding = [
    ...inRoom('src/verify'),
    ...[
      ...closure([
        'src/policy/decide.ts',
        ...['pnpm', 'npm', 'yarn-classic', 'yarn-berry', 'bun', 'syml', 'json'].map(
          (name) => `src/lockfile/${name}.ts`,
        ),
      ]),
    ].filter(isOurs),
    'src/gate.ts',
  ]
  for (const file of new Set(deciding)) {
    it(`${file} takes time and all else as arguments`, async () => {
      // Without comments, which may speak of them.
      const { code } = await transform(readFileSync(join(ROOT, file), 'utf8'), {
        loader: 'ts',
        format: 'esm',
        legalComments: 'none',
        minifyWhitespace: true,
      })
      for (const [what, pattern] of Object.entries(AMBIENT)) assert.doesNotMatch(code, pattern, what)
    })
  }

  it('those patterns find what they look for', () => {
    const bad = [
      'Date.now()',
      'new Date()',
      'new Date',
      'Date()',
      'performance.now()',
      'Math.random()',
      'process.env.X',
      'fetch("x")',
    ]
    for (const code of bad)
      assert.ok(
        Object.values(AMBIENT).some((pattern) => pattern.test(code)),
        code,
      )
    const good = ['new Date(start)', 'x.getDate()', 'validDate(x)', 'processed.x', 'prefetch(x)']
    for (const code of good) assert.ok(!Object.values(AMBIENT).some((pattern) => pattern.test(code)), code)
  })
})

describe('what pnpm evaluates for every command', () => {
  /** Whatever a hook throws is escaped, and some of it is thrown before anything is judged. */
  const EVALUATED = ['src/repair.ts', 'src/folders.ts', 'src/util/files.ts', 'src/util/text.ts']

  it('is the hook alone: rooms, the gate and packages are loaded when there is something to judge', () => {
    const loaded = [...closure(['hooks/pnpmfile.ts'], ['static'])]
    assert.deepEqual(
      loaded.filter((file) => !file.startsWith('node:') && roomOf(file) !== 'hooks' && !EVALUATED.includes(file)),
      [],
    )
    assert.ok(!loaded.includes('hooks/session.ts'))
  })
})
