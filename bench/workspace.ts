/** A workspace of the size of withastro/astro through every command and the hook, and larger ones with all packages refused. */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parse } from 'yaml'
import { largeWorkspace, lockedPackages } from '../test/support/large-workspace.ts'
import { createProject, type Project } from '../test/support/pnpm/index.ts'
import { CLI, PNPMFILE, POLICY } from '../test/support/world.ts'
import { generatedWorld } from './generated.ts'
import { interleaved, median, type NodeProcess, runNode, type Sample } from './measure.ts'
import { startBenchRegistry } from './registry.ts'
import { forget } from './stage.ts'
import { ms, print, progress, target } from './table.ts'
import { policyFiles } from './world.ts'

const [PROJECTS, PACKAGES] = [547, 2000]
const MOST_TIME = 5000
const HEAP = 512

export async function workspaceCommands(rounds: number): Promise<void> {
  const rows = [...(await everyCommand(rounds)), ...(await larger(rounds))]
  print({
    title: 'Large workspaces',
    columns: ['projects', 'packages', '', 'time', 'CPU time', 'peak memory', 'target', 'met'],
    rows,
    notes: [
      `Medians of ${rounds} rounds, cold, for the commands with the evidence on disk. All of 2,000 packages have it, and one of them, which each project needs, is refused. Of the larger ones all are refused, for they have none.`,
      `The hook is called as pnpm calls it, in a process that has read the lockfile; it fetches the evidence from a registry on loopback. The heap of the larger ones is ${HEAP} MB.`,
    ],
  })
}

function row(projects: number, packages: number, what: string, samples: readonly Sample[]): readonly string[] {
  const time = median(samples)
  const counts = [projects, packages].map((count) => count.toLocaleString('en'))
  const memory = `${median(samples, 'memory').toFixed(0)} MB`
  return [...counts, what, ms(time), ms(median(samples, 'cpu')), memory, ...target('under 5 s', time < MOST_TIME)]
}

async function everyCommand(rounds: number): Promise<readonly (readonly string[])[]> {
  const world = await generatedWorld(PACKAGES)
  const registry = await startBenchRegistry(world)
  const { files } = largeWorkspace(PROJECTS, world.packages)
  const one = `  - { packages: '${world.packages[0]?.name}', require: provenance, publisher: { repository: acme/others } }\n`
  const policy = POLICY.replace('rules:\n', `rules:\n${one}`)
  const create = (own: Readonly<Record<string, string>>) =>
    createProject({ registry: registry.url, files: { ...policyFiles(world), ...files, ...own } })
  const project = create({ '.sigstorerc': policy })
  const single = create({
    '.sigstorerc': POLICY.replace(/rules:\n[\s\S]*$/, `rules:\n${one}  - { packages: '**', require: nothing }\n`),
  })
  const fresh = create({})
  const evidence = ['--offline', '--attestations', world.attestations]
  const trust = ['--trusted-root', 'trust/trusted_root.json', '--npm-keys', 'trust/keys.json']
  const wantedLockfile = parse(files['pnpm-lock.yaml'] ?? '') as unknown
  const run = (where: Project, args: readonly string[], options: Partial<NodeProcess> = {}) => {
    forget(where)
    return runNode({ args, cwd: where.dir, env: where.env, usage: true, ...options })
  }
  const hook = (where: Project) => {
    const context = path.join(where.root, 'context.json')
    writeFileSync(context, JSON.stringify({ lockfileDir: where.dir, registries: {}, wantedLockfile }))
    return run(where, [path.join(import.meta.dirname, 'hook.cjs'), PNPMFILE, context], { status: 1 })
  }
  const policyFile = path.join(fresh.dir, '.sigstorerc')
  const remove = () => {
    for (const name of ['.sigstorerc', 'provenance-lock.yaml']) rmSync(path.join(fresh.dir, name), { force: true })
  }
  const init = () => {
    remove()
    return run(fresh, [CLI, 'init', ...evidence, ...trust])
  }
  try {
    progress(`growth: ${rounds} rounds of all commands in ${PROJECTS} projects`)
    const samples = await interleaved(rounds, {
      '`verify`': () => run(project, [CLI, 'verify', ...evidence], { status: 1 }),
      '`verify --json`': () => run(project, [CLI, 'verify', '--json', ...evidence], { status: 1 }),
      '`explain`': () => run(project, [CLI, 'explain', world.packages[0]?.name ?? '', ...evidence], { status: 1 }),
      '`init`': init,
      '`accept --check`': async () => {
        await init()
        writeFileSync(policyFile, POLICY)
        return run(fresh, [CLI, 'accept', '--check', ...evidence])
      },
      'the hook, all evidence from the registry': () => hook(project),
      'the hook, one needs proof': () => hook(single),
    })
    return Object.entries(samples).map(([what, of]) => row(PROJECTS, PACKAGES, what, of))
  } finally {
    await registry.close()
    for (const each of [project, single, fresh]) each.dispose()
  }
}

async function larger(rounds: number): Promise<readonly (readonly string[])[]> {
  const world = await generatedWorld(PACKAGES)
  const rows: (readonly string[])[] = []
  for (const [projects, packages] of [
    [1000, 3000],
    [1500, 6000],
  ] as const) {
    progress(`growth: ${rounds} rounds of ${projects} projects with ${packages} packages`)
    const { files } = largeWorkspace(projects, lockedPackages(packages))
    const project = createProject({ registry: 'http://127.0.0.1:9/', files: { ...policyFiles(world), ...files } })
    const args = [`--max-old-space-size=${HEAP}`, CLI, 'verify', '--json', '--offline']
    try {
      const { verify } = await interleaved(rounds, {
        verify: () => {
          forget(project)
          return runNode({
            ...{ args: [...args, '--attestations', project.cacheDir], cwd: project.dir, env: project.env },
            ...{ usage: true, status: 1 },
          })
        },
      })
      rows.push(row(projects, packages, '`verify --json`', verify))
    } finally {
      project.dispose()
    }
  }
  return rows
}
