/** `npm run build`: the bundles that are published. Nothing of node_modules is needed where they run. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { sourcesDigest } from './sources-digest.ts'
import { jsonSchemas } from './src/policy/json-schema.ts'

/**
 * What is loaded only where something is not known yet is not in the file that is loaded each time. By these files:
 * `import` of one of them becomes `require` of the bundle that has it.
 */
const PARTS: Readonly<Record<string, readonly string[]>> = {
  main: ['src/cli/main.ts'],
  hook: ['hooks/session.ts'],
  verifier: ['src/proving/worker.ts', 'src/proving/verifiers.ts'],
  cold: [
    ...['src/evidence/network.ts', 'src/evidence/settings.ts', 'src/trust/inputs.ts', 'src/lockfile/read.ts'],
    // One of each: they are compared.
    ...['src/trust/instances.ts', 'src/trust/tuf.ts', 'src/evidence/client.ts'],
    ...['src/report/table.ts', 'src/cli/progress.ts'],
  ],
  run: ['src/cli/run/run.ts'],
  // For settings that are not known from an earlier run.
  settings: ['src/package-managers/settings/find.ts'],
  check: ['src/cli/check.ts'],
  // Of other managers than pnpm.
  formats: ['src/lockfile/formats.ts'],
}

function otherParts(own: string, folder = '.'): Plugin {
  const owner = new Map(
    Object.entries(PARTS).flatMap(([part, files]) =>
      part === own ? [] : files.map((file) => [path.resolve(file), part] as const),
    ),
  )
  return {
    name: 'other-parts',
    setup({ onResolve }) {
      onResolve({ filter: /^\.{1,2}\// }, ({ path: imported, resolveDir, kind }) => {
        const part = kind === 'entry-point' ? undefined : owner.get(path.resolve(resolveDir, imported))
        return part === undefined ? undefined : { path: `${folder}/${part}.cjs`, external: true }
      })
    },
  }
}

const digest = { SOURCES_DIGEST: JSON.stringify(sourcesDigest()) }

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22.22',
  metafile: true,
  legalComments: 'none',
  define: digest,
  logLevel: 'warning',
  // `import()` of a file of CommonJS reads it twice, once to guess what it exports.
  supported: { 'dynamic-import': false },
  // Its other form calls `require` by another name, which no bundler follows.
  alias: { 'jsonc-parser': './node_modules/jsonc-parser/lib/esm/main.js' },
} as const satisfies BuildOptions

/** A part: everything that its files export. */
function part(name: string) {
  return build({
    ...common,
    stdin: {
      contents: (PARTS[name] ?? []).map((file) => `export * from './${file}'`).join('\n'),
      resolveDir: '.',
      loader: 'ts',
    },
    outfile: `dist/${name}.cjs`,
    minifyWhitespace: true,
    define: { ...digest, WORKER_FILE: '"./verifier.cjs"', 'import.meta.url': 'importMetaUrl' },
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(__filename).href;" },
    plugins: [otherParts(name)],
  })
}

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
const results = await Promise.all([
  build({
    ...common,
    entryPoints: ['hooks/pnpmfile.ts'],
    outfile: 'pnpmfile.cjs',
    plugins: [otherParts('', './dist')],
  }),
  build({ ...common, entryPoints: ['src/cli/bin.ts'], outfile: 'dist/cli.cjs', plugins: [otherParts('')] }),
  ...Object.keys(PARTS).map(part),
])
copyFileSync('hooks/pnpmfile.d.cts', 'pnpmfile.d.cts')
for (const [name, schema] of Object.entries(jsonSchemas())) {
  writeFileSync(`dist/${name}.schema.json`, `${JSON.stringify(schema, null, 2)}\n`)
}
writeFileSync('THIRD-PARTY-LICENSES.txt', licences(results.map((result) => result.metafile)))

/** Name, version and licence text of every package of which something is in a bundle. */
function licences(metafiles: readonly Metafile[]): string {
  const folders = new Set<string>()
  for (const input of metafiles.flatMap((metafile) => Object.keys(metafile.inputs))) {
    const folder = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0]
    if (folder !== undefined) folders.add(folder)
  }
  const texts = [...folders].sort().map((folder) => {
    const manifest = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
      name: string
      version: string
      license?: string
    }
    return `${manifest.name} ${manifest.version} (${manifest.license ?? 'see below'})\n\n${licenceText(folder)}`
  })
  return `The bundles of this package contain code of these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

function licenceText(folder: string): string {
  for (const name of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'LICENCE', 'LICENSE-MIT', 'License', 'license']) {
    try {
      return `${readFileSync(path.join(folder, name), 'utf8').trim()}\n`
    } catch {}
  }
  return 'No licence file is in the package; the licence named in its package.json applies.\n'
}
