/** Settings of a pull request by which a real package manager would install something else than the lockfile says. */
import assert from 'node:assert/strict'
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import { startWorld, type World } from '../support/world.ts'
import { LOCKFILES, type Runner, type RunProject, runProject, STRICT, through, without } from './run/support.ts'
import { runCli } from './support.ts'

let world: World
before(async () => {
  world = await startWorld()
  await world.publish({ name: 'widget', version: '1.0.0' })
})
after(() => world.close())

interface Case {
  readonly runners: readonly Runner[]
  readonly file: string
  readonly lines: string
  /** As the refusal names it; where it is absent, the line cannot be read in one way alone. */
  readonly key?: string
}

const PNPM = ['pnpm10', 'pnpm11', 'pnpm12'] as const
const NPM = ['npm11', 'npm12'] as const

const pnpm = (lines: string, key = lines.split(':', 1)[0]): Case => ({
  runners: PNPM,
  file: 'pnpm-workspace.yaml',
  lines: `${lines}\n`,
  ...(key !== undefined && { key }),
})
const rc = (runners: readonly Runner[], line: string, file = '.npmrc'): Case => ({
  runners,
  file,
  lines: `${line}\n`,
  key: line.split('=', 1)[0] ?? '',
})

const CASES: Readonly<Record<string, readonly Case[]>> = {
  'shared-workspace-lockfile': [
    ...['null', '~', '0', '""', 'False', '[]'].map((value) => pnpm(`sharedWorkspaceLockfile: ${value}`)),
    // biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of the file
    pnpm('sharedWorkspaceLockfile: ${VARIABLE}'),
    ...['no', 'off', 'n'].map((value) => ({ ...pnpm(''), lines: `sharedWorkspaceLockfile: ${value}\n`, key: '' })),
    rc(PNPM, 'shared-workspace-lockfile=null'),
  ],
  'user-agent': [pnpm('userAgent: pnpm/11.28.11')],
  'workspace-dir': [pnpm('workspaceDir: x'), pnpm('dir: x'), pnpm('lockfileDir: x'), rc(PNPM, 'lockfile-dir=x')],
  'frozen-undone': [pnpm('dedupe: true'), pnpm('fixLockfile: true'), pnpm('update: true'), pnpm('packageLock: {}')],
  'pnpr-server': [pnpm('pnprServer: http://127.0.0.1:9/')],
  'hooks switched off': [pnpm('ignorePnpmfile: true'), pnpm('pnpmfile: x.cjs'), rc(PNPM, 'ignore-pnpmfile=true')],
  'project-npmrc': [rc(PNPM, 'ignore-pnpmfile=true', 'app/.npmrc')],
  'python-wheels': [pnpm('python:\n  enabled: true', 'python')],
  'links past the lockfile': [pnpm('excludeLinksFromLockfile: true')],
  'names from skills': [pnpm('skills:\n  dirs: [node_modules]', 'skills.dirs')],
  'no lockfile': [pnpm('lockfile: false'), rc(PNPM, 'lockfile=false'), rc(NPM, 'package-lock=false')],
  'another spelling': [
    pnpm('lockfile-dir: x'),
    pnpm('"lockfile\\u0044ir": x', 'lockfileDir'),
    rc(PNPM, 'lockfileDir=x'),
  ],
  'a setting of tomorrow': [pnpm('brandNewSetting: true'), rc(NPM, 'brand-new-setting=true')],
  'npm-userconfig': [rc(NPM, 'userconfig=./x'), rc(NPM, 'globalconfig=./x'), rc(NPM, 'install-strategy=linked')],
  'yarnrc-cwd': [
    { runners: ['yarn1'], file: '.yarnrc', lines: '--install.cwd "./hidden"\n', key: '--install.cwd' },
    { runners: ['yarn1'], file: '.yarnrc', lines: '"--install.c\\u0077d" "./hidden"\n' },
  ],
  'bun-dotenv': [
    ...['BUN_CONFIG_NO_VERIFY=1', 'BUN_CONFIG_SKIP_LOAD_LOCKFILE=1', 'BUN_INSTALL_CACHE_DIR=./x'].map((line) =>
      rc(['bun'], line, '.env'),
    ),
    { runners: ['bun'], file: 'bunfig.toml', lines: '[install.cache]\ndir = "./x"\n', key: 'install.cache.dir' },
  ],
  cafile: [rc(PNPM, 'cafile=/dev/zero'), rc(NPM, 'cafile=./ca.pem')],
}

const lockfiles = new Map<Runner, Promise<string>>()

/** The lockfile that the manager writes for the project, once. */
function lockfileOf(t: TestContext, runner: Runner): Promise<string> {
  const made = lockfiles.get(runner) ?? write(t, runner)
  lockfiles.set(runner, made)
  return made
}

async function write(t: TestContext, runner: Runner): Promise<string> {
  const project = unlocked(t)
  const { status, output } = await without(runner, ['install'], project)
  assert.equal(status, 0, output)
  rmSync(path.join(project.dir, 'node_modules'), { recursive: true })
  const good = await runCli(['verify'], { cwd: project.dir, env: project.env })
  assert.equal(good.status, 0, good.stderr)
  return readFileSync(path.join(project.dir, LOCKFILES[runner]), 'utf8')
}

function unlocked(t: TestContext, files: Readonly<Record<string, string>> = {}): RunProject {
  return runProject(t, world, {
    dependencies: { widget: '1.0.0' },
    files: {
      'app/package.json': '{"name":"app","version":"1.0.0"}',
      'pnpm-workspace.yaml':
        'packages: [app]\ndangerouslyAllowAllBuilds: true\nsideEffectsCache: false\nfetchRetries: 0\n',
      ...files,
    },
  })
}

function change({ dir }: RunProject, { file, lines }: Case): void {
  mkdirSync(path.dirname(path.join(dir, file)), { recursive: true })
  appendFileSync(path.join(dir, file), lines)
}

function expectedIn({ file, key }: Case): RegExp {
  const name = key === undefined || key === '' ? '' : ` "${key.replaceAll('.', '\\.')}" = `
  return new RegExp(`SETTINGS_UNSAFE: .*\\n\\s*${file.replaceAll('.', '\\.')}:\\d+${name}`)
}

for (const [name, cases] of Object.entries(CASES)) {
  describe(name, () => {
    for (const each of cases) {
      const title = `${each.lines.trim().replaceAll('\n', ', ')} in ${each.file}`
      for (const runner of each.runners) {
        it(`refuses ${title} before ${runner} is started, in verify and run alike`, async (t) => {
          const project = unlocked(t, { [LOCKFILES[runner]]: await lockfileOf(t, runner) })
          const where = { cwd: project.dir, env: project.env }
          change(project, each)
          const { status, stderr } = await runCli(['verify'], where)
          assert.match(stderr, expectedIn(each))
          assert.equal(status, 2)
          const run = await through(runner, STRICT[runner], project, { refusesSettings: true })
          assert.match(run.stderr, expectedIn(each))
          assert.equal(run.status, 2)
          assert.ok(!existsSync(path.join(project.dir, 'node_modules')))
        })
      }
    }
  })
}

it('refuses a yarn-path before yarn is asked for its version, which would start what it names', async (t) => {
  const project = unlocked(t, { 'yarn.lock': await lockfileOf(t, 'yarn1') })
  const mark = path.join(project.dir, 'ran')
  for (const [file, lines] of [
    ['.yarnrc', 'yarn-path "./other.cjs"\n'],
    ['other.cjs', `require('node:fs').writeFileSync(${JSON.stringify(mark)}, '')\n`],
  ] as const)
    appendFileSync(path.join(project.dir, file), lines)
  const asked = await without('yarn1', ['--version'], { ...project, env: { ...project.env, YARN_IGNORE_PATH: '' } })
  assert.ok(existsSync(mark), asked.output)
  rmSync(mark)
  const env = { YARN_IGNORE_PATH: '' }
  const run = await through('yarn1', STRICT.yarn1, project, { refusesSettings: true, env })
  assert.match(run.stderr, /SETTINGS_UNSAFE: .*\n\s*\.yarnrc:\d+ "yarn-path" = /)
  assert.equal(run.status, 2)
  assert.ok(!existsSync(mark))
})
