/** A pull request can put a link to a file of the machine in the place of each file that the gate reads, or name that file. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { runCli } from './support.ts'

const SECRET = 'aVerySecretThing'
/** What such files look like. The secret is a key, a value, or a line of its own. */
const CONTENTS: Readonly<Record<string, string>> = {
  'a login of npm': `//registry.example/:_authToken=${SECRET}\n_authToken=${SECRET}\n`,
  'a file of passwords': `root:$6$${SECRET}:19000:0\n${SECRET}\n`,
  'a login in JSON': `{"auths":{"registry.example":{"auth":"${SECRET}"}},"${SECRET}":1}\n`,
  'a login in YAML': `${SECRET}: ${SECRET}\n`,
}

const RULES = 'rules: [{packages: "**", require: nothing}]\n'
const LOCKFILES = {
  pnpm: ['pnpm-lock.yaml', "lockfileVersion: '9.0'\nimporters:\n  .: {}\n"],
  npm: [
    'package-lock.json',
    '{"name":"x","version":"1.0.0","lockfileVersion":3,"packages":{"":{"name":"x","version":"1.0.0"}}}',
  ],
  yarn: ['yarn.lock', '# yarn lockfile v1\n\n\n'],
  berry: [
    'yarn.lock',
    '__metadata:\n  version: 8\n  cacheKey: 10\n\n"x@workspace:.":\n  version: 0.0.0-use.local\n  resolution: "x@workspace:."\n  languageName: unknown\n  linkType: soft\n',
  ],
  bun: ['bun.lock', '{"lockfileVersion":1,"workspaces":{"":{"name":"x"}},"packages":{}}'],
} as const
type Manager = keyof typeof LOCKFILES

interface Case {
  readonly manager: Manager
  /** Relative to the project. */
  readonly link?: string
  readonly policy?: string
}
const linked = (manager: Manager, ...links: readonly string[]): readonly (readonly [string, Case])[] =>
  links.map((link) => [`a link as ${link} of ${manager}`, { manager, link }])
const named = (what: string, policy: string): readonly [string, Case] => [what, { manager: 'npm', policy }]

const CASES: readonly (readonly [string, Case])[] = [
  ...linked(
    'pnpm',
    'pnpm-lock.yaml',
    'pnpm-workspace.yaml',
    'package.json',
    '.npmrc',
    '.pnpmfile.cjs',
    '.corepack.env',
  ),
  ...linked(
    'npm',
    'package-lock.json',
    'package.json',
    '.npmrc',
    '.sigstorerc',
    '.sigstorerc.json',
    'provenance-lock.yaml',
  ),
  ...linked('yarn', 'yarn.lock', 'package.json', '.yarnrc', '.yarnrc.yml'),
  ...linked('berry', 'yarn.lock', '.yarnrc.yml', '.env.yarn'),
  ...linked('bun', 'bun.lock', 'bunfig.toml', '.env'),
  named('a policy that extends it', `extends: ../home/secret\n${RULES}`),
  named('a policy that extends a link to it', `extends: ./link.yaml\n${RULES}`),
  named(
    'a policy that trusts it as a root',
    `trust: {trustedRoot: ../home/secret}\nrules: [{packages: "**", require: signature}]\n`,
  ),
  named(
    'a policy that trusts it as keys',
    `trust: {npmKeys: ../home/secret}\nrules: [{packages: "**", require: signature}]\n`,
  ),
  named(
    'a policy that trusts it as keys of a registry',
    `trust: {registries: {"https://r.example/": ../home/secret}}\nrules: [{packages: "**", require: signature}]\n`,
  ),
]
const RUN: Readonly<Record<Manager, readonly string[]>> = {
  pnpm: ['pnpm', 'install'],
  npm: ['npm', 'ci'],
  yarn: ['yarn', 'install'],
  berry: ['yarn', 'install'],
  bun: ['bun', 'install'],
}
const commandsFor = (manager: Manager): readonly (readonly string[])[] => [
  ['verify'],
  ['verify', '--json'],
  ['run', '--', ...RUN[manager]],
  ['explain', 'x'],
  ['init'],
  ['policy', 'check'],
  ['accept'],
  ['accept', '--check'],
  ['verify', '--base-lock', 'provenance-lock.yaml'],
]

for (const [what, { manager, link, policy }] of CASES) {
  describe(`nothing of a secret is in what the gate writes about ${what}`, () => {
    for (const [kind, content] of Object.entries(CONTENTS))
      test(kind, { concurrency: true }, async (t) => {
        const base = realpathSync(mkdtempSync(path.join(tmpdir(), 'secret-')))
        t.after(() => rmSync(base, { recursive: true }))
        const project = path.join(base, 'project')
        mkdirSync(path.join(project, '.git'), { recursive: true })
        mkdirSync(path.join(base, 'home'))
        writeFileSync(path.join(base, 'home/secret'), content)
        const [lockfile, locked] = LOCKFILES[manager]
        const files = {
          [lockfile]: locked,
          'package.json': '{"name":"x","version":"1.0.0"}',
          '.sigstorerc': policy ?? RULES,
        }
        for (const [name, text] of Object.entries(files))
          if (name !== link && !(name === '.sigstorerc' && link?.startsWith(name)))
            writeFileSync(path.join(project, name), text)
        symlinkSync('../home/secret', path.join(project, link ?? 'link.yaml'))
        if (link === 'provenance-lock.yaml')
          writeFileSync(
            path.join(project, '.sigstorerc'),
            'rules: [{packages: "**", require: provenance, unchanged: true}]\n',
          )
        const env = { PATH: '/nowhere', HOME: path.join(base, 'home'), CI: 'true' }
        for (const command of commandsFor(manager)) {
          const { stdout, stderr } = await runCli(command, { cwd: project, env })
          assert.ok(!`${stdout}${stderr}`.includes(SECRET), `${command.join(' ')}: ${stdout}${stderr}`)
        }
      })
  })
}
