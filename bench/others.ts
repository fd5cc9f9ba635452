/** Cold verify against those who verify the same today: pacote, and the real `npm audit signatures`. All from one registry on loopback. */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { createProject } from '../test/support/pnpm/index.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, median, runNode, type Sample } from './measure.ts'
import { benchOptions } from './options.ts'
import { registryKeys, startBenchRegistry } from './registry.ts'
import { cli, copyFolder, forget, remembering, stage, verifyCold } from './stage.ts'
import { ms, NO_TARGET, print, progress, ratio, target } from './table.ts'
import { startPublicTuf } from './tuf.ts'

const NPM = path.join(import.meta.dirname, '../node_modules/npm12/bin/npm-cli.js')

const { packages, rounds } = benchOptions({ rounds: 2 })
const world = await generatedWorld(packages)
const registry = await startBenchRegistry(world)
const tuf = await startPublicTuf(world)
const gated = stage(world, registry.url)
const project = createProject({ registry: registry.url, manifest: world.manifest })
const cache = path.join(project.root, 'npm-cache')
const env = { ...project.env, ...tuf.env }

/** An empty cache, but for the trust root. */
function forgetAll(): void {
  rmSync(cache, { recursive: true, force: true })
  copyFolder(tuf.cache, path.join(cache, '_tuf'))
}

function npm(...args: readonly string[]): Promise<Sample> {
  return runNode({ args: [NPM, ...args, '--cache', cache], cwd: project.dir, env })
}

const task = path.join(project.root, 'task.json')
const { host } = new URL(registry.url)
writeFileSync(
  task,
  JSON.stringify({
    ids: world.packages.map(({ name, version }) => `${name}@${version}`),
    options: {
      registry: registry.url,
      [`//${host}/:_keys`]: registryKeys(world).map((key) => ({
        ...key,
        pemkey: `-----BEGIN PUBLIC KEY-----\n${key.key}\n-----END PUBLIC KEY-----`,
      })),
      cache: path.join(cache, '_cacache'),
      tufCache: path.join(cache, '_tuf'),
      verifyAttestations: true,
      verifySignatures: true,
    },
  }),
)

try {
  progress(`others: npm install of ${packages} packages`)
  forgetAll()
  await npm('install', '--ignore-scripts', '--no-audit', '--no-fund')
  progress(`others: ${rounds} rounds of ${packages} packages`)
  const verify = ['verify', ...(await remembering(gated))]
  const samples = await interleaved(rounds, {
    audit: async () => {
      forgetAll()
      tuf.requests.length = 0
      const run = await npm('audit', 'signatures')
      // Who only counted, or asked somebody else for keys, must not be compared.
      assert.match(run.output, new RegExp(`^${packages} packages have verified attestations`, 'm'))
      assert.match(run.output, new RegExp(`^${packages} packages have verified registry signatures`, 'm'))
      assert.ok(tuf.requests.includes('timestamp.json'))
      return run
    },
    pacote: () => {
      forgetAll()
      return runNode({ args: [path.join(import.meta.dirname, 'pacote.ts'), task], cwd: project.dir, env })
    },
    loopback: () => {
      forget(gated)
      return cli(gated, verify)
    },
    disk: () => verifyCold(world, gated),
  })
  const gate = median(samples.disk)
  const row = (what: string, of: readonly Sample[], verdict: readonly [string, string] = NO_TARGET) => [
    what,
    ms(median(of)),
    ms(median(of) / packages),
    ratio(median(of), gate),
    ...verdict,
  ]
  const faster = median(samples.audit) / gate
  print({
    title: `Cold verify against npm and pacote, ${packages.toLocaleString('en')} packages`,
    columns: ['', 'time', 'per package', 'of the gate', 'target', 'met'],
    rows: [
      row('`provenance-gate verify --attestations DIR`', samples.disk),
      row('`provenance-gate verify`, evidence over loopback', samples.loopback),
      row('pacote 22, `verifyAttestations`', samples.pacote),
      row('`npm audit signatures` (npm 12)', samples.audit, target('at least 20.00 ×', faster >= 20)),
    ],
    notes: [
      `Whole processes, medians of ${rounds} rounds, interleaved; nothing is scaled. npm has installed the packages before.`,
      'npm and pacote take metadata and attestations from the registry on loopback, verify the signature of the metadata and both attestations, and take the trust root from a local TUF repository that answers at the public address.',
    ],
  })
} finally {
  await Promise.all([registry.close(), tuf.close()])
  for (const each of [gated, project]) each.dispose()
}
