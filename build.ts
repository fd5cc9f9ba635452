/** `npm run build`: the bundles that are published. Nothing of node_modules is needed where they run. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { jsonSchemas } from './src/policy/json-schema.ts'

/** The part of the hook that pnpm evaluates for every command stays small: it loads the rest at its first question. */
const lazySession: Plugin = {
  name: 'lazy-session',
  setup({ onResolve }) {
    onResolve({ filter: /\/session\.ts$/ }, () => ({ path: './dist/hook.cjs', external: true }))
  },
}

const common = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node22.22',
  metafile: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
const results = await Promise.all([
  build({ ...common, entryPoints: ['hooks/pnpmfile.ts'], outfile: 'pnpmfile.cjs', plugins: [lazySession] }),
  build({ ...common, entryPoints: ['hooks/session.ts'], outfile: 'dist/hook.cjs', minifyWhitespace: true }),
  build({ ...common, entryPoints: ['src/cli/bin.ts'], outfile: 'dist/cli.cjs', minifyWhitespace: true }),
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
