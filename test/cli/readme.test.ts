/** What the README says of the command line is tried here, word for word where it can be. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { parse } from 'yaml'
import { REPAIRS } from '../../src/repair.ts'
import type { JsonReport } from '../../src/report/json.ts'
import { createTarball } from '../support/registry/index.ts'
import { CLI, SIGNED_AT, startWorld } from '../support/world.ts'
import { cliProject, endings, lockfileOf, report, runCli, verify, writeDocuments } from './support.ts'

const ROOT = join(import.meta.dirname, '../..')
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const world = await startWorld()
after(() => world.close())

/** The first block of YAML, without the indentation of the list it stands in. */
const [, INDENT = '', BLOCK = ''] = /^( *)```yaml\n(.*?)^ *```$/ms.exec(README) ?? assert.fail()
const EXAMPLE = BLOCK.replaceAll(new RegExp(`^${INDENT}`, 'gm'), '')
const TRUST = ['--trusted-root', 'trust/trusted_root.json', '--npm-keys', 'trust/keys.json']

async function help(command: string): Promise<string> {
  const { stdout } = await runCli([command, '--help'], { cwd: ROOT, env: {} })
  return stdout
}

describe('the first policy', () => {
  const acme = createTarball({ name: '@acme/tool', version: '1.0.0' })
  const sigstore = createTarball({ name: 'sigstore', version: '9.9.9' })
  const other = createTarball({ name: 'left-pad', version: '1.3.0' })
  const LOCKFILE = lockfileOf([acme, sigstore, other])
  const signed = ({ manifest: { name, version }, integrity }: typeof acme, repository: string, ref?: string) =>
    world.sigstore.document({
      ...{ name, version, integrity, now: SIGNED_AT },
      identity: { repository: `https://github.com/${repository}`, ref },
    })
  const project = (files: Readonly<Record<string, string>>) => {
    const made = cliProject(world, { policy: EXAMPLE, files: { 'pnpm-lock.yaml': LOCKFILE, ...files } })
    if (!('.sigstorerc' in files)) rmSync(join(made.dir, '.sigstorerc'))
    return made
  }

  test('does what its comments and the text say', async (t) => {
    const made = project({ '.sigstorerc': EXAMPLE })
    t.after(() => made.dispose())
    const folder = writeDocuments(made, {
      '@acme/tool@1.0.0': await signed(acme, 'acme/anything'),
      'sigstore@9.9.9': await signed(sigstore, 'sigstore/sigstore-js'),
    })
    const proven = endings(await report(made, '--attestations', folder, ...TRUST))
    assert.deepEqual(proven, {
      '@acme/tool@1.0.0': 'proven',
      'left-pad@1.3.0': 'permitted',
      'sigstore@9.9.9': 'proven',
    })

    writeDocuments(made, {
      '@acme/tool@1.0.0': await signed(acme, 'acme/anything', 'refs/heads/feature'),
      'sigstore@9.9.9': await signed(sigstore, 'acme/anything'),
    })
    const refused = endings(await report(made, '--attestations', folder, ...TRUST))
    assert.equal(refused['@acme/tool@1.0.0'], 'REF_MISMATCH')
    assert.equal(refused['sigstore@9.9.9'], 'REPOSITORY_MISMATCH')
    // Under the embedded root nothing of a Sigstore of one's own is worth anything.
    const embedded = endings(await report(made, '--attestations', folder))
    assert.equal(embedded['@acme/tool@1.0.0'], 'EVIDENCE_UNKNOWN')
  })

  const json = JSON.stringify(parse(EXAMPLE))
  for (const [file, content] of Object.entries({
    '.sigstorerc': json,
    '.sigstorerc.yaml': EXAMPLE,
    '.sigstorerc.json': json,
    'package.json': `{ "name": "project", "sigstore": ${json} }`,
  })) {
    test(`as ${file}`, async (t) => {
      const made = project({ [file]: content })
      t.after(() => made.dispose())
      const { packages } = await report(made, '--attestations', writeDocuments(made, {}))
      assert.deepEqual(
        packages.map(({ code, status }) => code ?? status),
        ['EVIDENCE_MISSING', 'permitted', 'EVIDENCE_MISSING'],
      )
      assert.equal(packages[0]?.rule?.file, join(made.dir, file))
    })
  }

  for (const file of ['.sigstorerc.js', '.sigstorerc.ts', 'sigstore.config.mjs']) {
    test(`not as ${file}: a policy is data`, async (t) => {
      const made = project({ [file]: `export default ${json}` })
      t.after(() => made.dispose())
      assert.equal((await verify(made)).status, 2)
    })
  }

  test('no policy at all is no pass', async (t) => {
    const made = project({})
    t.after(() => made.dispose())
    assert.equal((await verify(made)).status, 2)
  })

  test('the example that it points to loads', async (t) => {
    const made = project({})
    t.after(() => made.dispose())
    const args = ['--policy', join(ROOT, '.sigstorerc.example'), '--attestations', writeDocuments(made, {})]
    const expected = { '@acme/tool@1.0.0': 'EVIDENCE_MISSING', 'left-pad@1.3.0': 'permitted' }
    assert.deepEqual(endings(await report(made, ...args)), { ...expected, 'sigstore@9.9.9': 'EVIDENCE_MISSING' })
  })
})

describe('the commands', () => {
  test('the table of options is what `verify --help` lists', async () => {
    const table = [...README.matchAll(/^\| `(--[a-z-]+)(?: ([A-Z]+))?` \|/gm)].map(([, name, value]) => [name, value])
    const listed = [...(await help('verify')).matchAll(/^ {2}(--[a-z-]+)(?: <([a-z]+)>)? /gm)]
    assert.ok(table.length > 0)
    assert.deepEqual(
      table,
      listed.map(([, name, value]) => [name, value?.toUpperCase()]),
    )
  })

  test('and so is the default of each', async () => {
    const [, said] = /`--lockfile FILE` \|.*\(default: ([^;]+);/.exec(README) ?? []
    assert.equal(said, 'what the folder has')
    assert.match(
      (await help('verify')).replace(/\s+/g, ' '),
      /--lockfile <file> the lockfile, of pnpm, npm, yarn or bun \(default: what this folder has\)/,
    )
    assert.match((await help('verify')).replace(/\s+/g, ' '), /\(default: \.sigstorerc in the lockfile's folder\)/)
  })

  test('the fields of the JSON report', async (t) => {
    const [, packageFields = ''] = /`\{summary, projectSets, packages: \[\{([^}]+)\}\]\}`/.exec(README) ?? []
    const made = cliProject(world, {
      files: { 'pnpm-lock.yaml': lockfileOf([createTarball({ name: 'x', version: '1.0.0' })]) },
    })
    t.after(() => made.dispose())
    const run = await verify(made, '--json', '--attestations', writeDocuments(made, {}))
    const { packages, ...rest } = JSON.parse(run.stdout) as JsonReport
    assert.deepEqual(Object.keys(rest), ['summary', 'projectSets'])
    assert.deepEqual(Object.keys(packages[0] ?? {}), packageFields.split(', '))
    // As it says by the example of jq.
    assert.deepEqual(rest.projectSets[packages[0]?.importers ?? -1], ['.'])
  })

  test('the commands that repair takes', async () => {
    const [, said] = /`provenance-gate repair ([a-z|]+) \[args\]`/.exec(README) ?? []
    assert.deepEqual(said?.split('|'), [...REPAIRS])
    const choices = (await help('repair')).replace(/\s+/g, ' ')
    assert.match(choices, new RegExp(`choices: ${REPAIRS.map((each) => `"${each}"`).join(', ')}\\)`))
  })

  test('the exit statuses', async () => {
    for (const status of ['0', '1', '2']) {
      assert.match(README, new RegExp(`(?:Exit status |\\. )${status}: `))
      assert.match(await help('verify'), new RegExp(`${status}:`))
    }
  })

  test('links lead somewhere', () => {
    const links = [...README.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, to = '']) => to)
    assert.ok(links.length > 0)
    for (const link of links) assert.ok(existsSync(join(ROOT, link)), link)
  })

  test('the version is that of the package, and the command starts by itself where the system can', async () => {
    const { version, bin } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      version: string
      bin: Record<string, string>
    }
    assert.equal(join(ROOT, bin['provenance-gate'] ?? ''), CLI)
    assert.match(readFileSync(CLI, 'utf8').slice(0, 100), /^#!\/usr\/bin\/env node\n/)
    assert.equal(execFileSync(process.execPath, [CLI, '--version'], { encoding: 'utf8' }), `${version}\n`)
  })
})
