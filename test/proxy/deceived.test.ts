/** Real package managers, and registries and packages that tell them what the gate might not notice. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import type { Asked } from '../../src/proxy/proxy.ts'
import { serve } from '../evidence/support.ts'
import { createManagerProject, MANAGERS, type Manager, runManager } from '../support/managers/index.ts'
import { createProject, type PnpmVersion, type Project, runPnpm } from '../support/pnpm/index.ts'
import { createTarball, type PackedPackage } from '../support/registry/index.ts'
import { type Stage, startStage, statuses } from './support.ts'

/** Answers a path; `base` is the server's own URL. */
type Attack = (path: string, response: ServerResponse, base: string) => void

interface Outcome {
  readonly status: number | null
  /** The code that lies in node_modules under the name that has to be proven. */
  readonly strict: string | undefined
  readonly judged: readonly string[]
}

const EVIL = createTarball({ name: 'strict', version: '1.0.0', files: { 'index.js': 'evil' } })
const FREE = createTarball({ name: 'free', version: '1.0.0', files: { 'index.js': 'evil' } })
/** Where it lies is for a package that may be anything. */
const PLACE = 'free/-/free-1.0.0.tgz'

const PNPM = [10, 11, 12] as const satisfies readonly PnpmVersion[]

describe('package managers that are deceived', () => {
  let stage: Stage
  before(async () => {
    stage = await startStage()
  })
  after(() => stage.close())

  async function install(
    t: TestContext,
    manager: Manager | PnpmVersion,
    attack: Attack,
    dependencies: (base: string) => Readonly<Record<string, string>>,
  ): Promise<Outcome> {
    const server = await serve(t, (request, response) =>
      attack(request.url?.slice(1) ?? '', response, `http://${request.headers.host}/`),
    )
    const specs = dependencies(server.url)
    const asked: Asked[] = Object.entries(specs).map(([name, spec]) => ({ name, spec, importer: '.' }))
    const proxy = await stage.open({ asked })
    const version = PNPM.find((each) => each === manager)
    const project =
      version !== undefined
        ? createProject({ registry: server.url, dependencies: specs, workspace: { minimumReleaseAge: 0 } })
        : createManagerProject({ registry: server.url, manifest: { dependencies: specs } })
    try {
      const yarn = manager === 'yarn4' ? ['YARN_HTTP_PROXY', 'YARN_HTTPS_PROXY'] : ['YARN_PROXY', 'YARN_HTTPS_PROXY']
      const npm = ['npm_config_proxy', 'npm_config_https_proxy']
      const pnpm = ['pnpm_config_proxy', 'pnpm_config_https_proxy', 'pnpm_config_http_proxy']
      const names = ['HTTP_PROXY', 'HTTPS_PROXY', ...npm, ...(version === undefined ? yarn : pnpm)]
      const env = {
        ...Object.fromEntries(names.map((name) => [name, proxy.url])),
        npm_config_allow_remote: 'all',
      }
      const { status } =
        version === undefined
          ? await runManager(manager as Manager, ['install'], { cwd: project.dir, env: { ...project.env, ...env } })
          : await runPnpm(version, ['install'], project as Project, { env })
      const file = join(project.dir, 'node_modules', 'strict', 'index.js')
      return {
        status,
        strict: existsSync(file) ? readFileSync(file, 'utf8') : undefined,
        judged: statuses(proxy.verdicts()),
      }
    } finally {
      project.dispose()
    }
  }

  /** A document of one version, with other fields of its manifest. */
  function packument(name: string, base: string, pkg: PackedPackage, more: object = {}): string {
    const { integrity, shasum } = pkg
    const manifest = {
      ...{ name, version: '1.0.0' },
      dist: { tarball: `${base}${name}/-/${name}-1.0.0.tgz`, integrity, shasum },
      ...more,
    }
    // yarn berry installs nothing that is new, or of no age.
    const time = { '1.0.0': '2020-01-01T00:00:00.000Z' }
    return JSON.stringify({ name, 'dist-tags': { latest: '1.0.0' }, time, versions: { '1.0.0': manifest } })
  }

  for (const manager of [...MANAGERS, ...PNPM]) {
    describe(typeof manager === 'number' ? `pnpm ${manager}` : manager, () => {
      const never = async (
        t: TestContext,
        attack: Attack,
        dependencies: (base: string) => Readonly<Record<string, string>> = () => ({ strict: '1.0.0' }),
      ) => {
        const { strict, judged } = await install(t, manager, attack, dependencies)
        assert.equal(strict, undefined, judged.join())
      }

      it('installs what it may have', async (t) => {
        const { status, strict, judged } = await install(
          t,
          manager,
          (path, response, base) => response.end(path === PLACE ? FREE.bytes : packument('free', base, FREE)),
          () => ({ free: '1.0.0' }),
        )
        assert.deepEqual([status, strict, judged], [0, undefined, ['free@1.0.0 permitted']])
      })

      for (const [what, more] of [
        ['_resolved', (base: string) => ({ _resolved: base + PLACE })],
        [
          '_remote',
          (base: string) => ({
            _remote: {
              ...{ type: 'tarball', registry: 'npm', packageName: 'strict' },
              ...{ reference: base + PLACE, resolved: base + PLACE },
            },
          }),
        ],
      ] as const)
        it(`by ${what} in the place of a tarball`, (t) =>
          never(t, (path, response, base) =>
            response.end(
              path === PLACE ? EVIL.bytes : packument('strict', base, EVIL, { dist: undefined, ...more(base) }),
            ),
          ))

      it('by a list of versions', (t) =>
        never(
          t,
          (path, response, base) => {
            const dist = { tarball: base + PLACE, integrity: EVIL.integrity }
            const versions = [{ name: 'strict', version: '1.0.0', dist }]
            response.end(
              path === PLACE
                ? EVIL.bytes
                : JSON.stringify({ name: 'strict', 'dist-tags': { latest: '0' }, time: {}, versions }),
            )
          },
          () => ({ strict: 'latest' }),
        ))

      for (const [what, spec] of [
        ['URL', (base: string) => base + PLACE],
        ['alias', () => 'npm:free@1.0.0'],
      ] as const)
        it(`by the ${what} that only a tarball from elsewhere says`, (t) =>
          never(
            t,
            (path, response, base) => {
              const host = createTarball({ name: 'free-host', version: '1.0.0', dependencies: { strict: spec(base) } })
              if (path === 'free') response.end(packument('free', base, FREE))
              else response.end(path === PLACE ? FREE.bytes : host.bytes)
            },
            // At a place that could be the registry's, too: nobody reads its metadata.
            (base) => ({ 'free-host': `${base}free-host/-/free-host-1.0.0.tgz` }),
          ))

      it('by a folder of another package', (t) =>
        never(
          t,
          (path, response, base) => {
            const dependencies = { strict: 'file:./evil' }
            const files = { 'evil/package.json': '{"name":"strict","version":"1.0.0"}', 'evil/index.js': 'evil' }
            const host = createTarball({ name: 'free-host', version: '1.0.0', dependencies, files })
            response.end(path === 'free-host' ? packument('free-host', base, host, { dependencies }) : host.bytes)
          },
          () => ({ 'free-host': '1.0.0' }),
        ))

      it('by the digest of bytes that it has already', (t) =>
        never(
          t,
          (path, response, base) => {
            // npm unpacks what has a shrinkwrap of its own before everything else.
            if (path === 'free') response.end(packument('free', base, FREE, { _hasShrinkwrap: true }))
            else if (path === 'strict') response.end(packument('strict', base, FREE))
            else response.end(FREE.bytes)
          },
          () => ({ free: '1.0.0', strict: '1.0.0' }),
        ))

      it('by the digest of bytes that came from elsewhere', (t) =>
        never(
          t,
          (path, response, base) =>
            response.end(path === 'strict' ? packument('strict', base, FREE) : path === PLACE ? FREE.bytes : ''),
          (base) => ({ free: base + PLACE, strict: '1.0.0' }),
        ))

      for (const [code, location] of [[302], [399], [304], [300, PLACE], [304, PLACE], [305, PLACE]] as const) {
        it(`by status ${code}${location === undefined ? '' : ' with a place'}`, (t) =>
          never(t, (path, response, base) => {
            if (path === 'strict') response.end(packument('strict', base, EVIL))
            else if (path === PLACE) response.end(EVIL.bytes)
            else response.writeHead(code, location === undefined ? {} : { location: base + location }).end(EVIL.bytes)
          }))
      }
    })
  }
})
