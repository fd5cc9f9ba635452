import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { GateError } from '../../src/errors.ts'
import { loadPolicy } from '../../src/policy/load.ts'

const YAML = 'rules:\n  - packages: "**"\n    require: nothing\n'
const JSON_POLICY = '{ "rules": [{ "packages": "**", "require": "nothing" }] }'

let folder = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'policy-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function put(files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), content)
  }
}

/** The message of the GateError, with the temporary folder written as `~`. */
async function messageOf(options: Parameters<typeof loadPolicy>[0] = { folder }): Promise<string> {
  try {
    await loadPolicy(options)
  } catch (error) {
    assert.ok(error instanceof GateError, `not a GateError: ${error}`)
    return error.message.replaceAll(folder, '~')
  }
  return 'accepted'
}

const REFUSED =
  ': a policy that is a program is refused. A policy is data: it can be read and reviewed as what it is, while a program could decide differently on each machine, and whoever can change what it imports would rule over every install before a single package is checked. Write the rules as YAML or JSON in .sigstorerc, and remove this file'

describe('a policy in a folder', () => {
  for (const [name, text] of [
    ['.sigstorerc', YAML],
    ['.sigstorerc', JSON_POLICY],
    ['.sigstorerc.yaml', YAML],
    ['.sigstorerc.yml', YAML],
    ['.sigstorerc.json', JSON_POLICY],
    ['package.json', `{ "name": "x", "sigstore": ${JSON_POLICY} }`],
  ] as const) {
    it(`is found as ${name} (${text[0] === '{' ? 'JSON' : 'YAML'})`, async () => {
      await put({ [name]: text })
      const policy = await loadPolicy({ folder })
      assert.equal(policy.file, join(folder, name))
      assert.equal(policy.rules.length, 1)
    })
  }

  it('is found beside a package.json without one', async () => {
    await put({ '.sigstorerc': YAML, 'package.json': '{ "name": "x", "dependencies": { "sigstore": "^4.0.0" } }' })
    assert.equal((await loadPolicy({ folder })).file, join(folder, '.sigstorerc'))
  })

  it('is found through a symbolic link, and its trust files beside the link', async () => {
    await put({ 'shared/policy.yaml': `trust: { npmKeys: keys.json }\n${YAML}`, 'keys.json': '{}' })
    await symlink(join(folder, 'shared/policy.yaml'), join(folder, '.sigstorerc'))
    assert.equal((await loadPolicy({ folder })).trust.npmKeys, join(folder, 'keys.json'))
  })

  it('whose trust files are not there is an error, before a rule needs them', async () => {
    await put({ '.sigstorerc': `trust: { npmKeys: keys.json }\n${YAML}` })
    await assert.rejects(loadPolicy({ folder }), {
      name: 'GateError',
      message: `${join(folder, '.sigstorerc')}: the trust material ${join(folder, 'keys.json')} is not there. Correct the path under "trust"`,
    })
  })

  it('may begin with a byte order mark', async () => {
    await put({ '.sigstorerc': `\ufeff${YAML}` })
    assert.deepEqual((await loadPolicy({ folder })).rules[0]?.place, {
      file: join(folder, '.sigstorerc'),
      line: 2,
      column: 5,
    })
  })

  it('that is absent is an error', async () => {
    await put({ 'package.json': '{}' })
    assert.equal(
      await messageOf(),
      '~: no policy here. Without one nothing can be checked. `provenance-gate init` writes a first one from the lockfile; or write one as .sigstorerc, .sigstorerc.yaml, .sigstorerc.yml or .sigstorerc.json, or under the key "sigstore" of package.json (.sigstorerc.example shows how), or name one with --policy FILE',
    )
  })

  it('is not looked for further up', async () => {
    await put({ '.sigstorerc': YAML, 'sub/x': '' })
    assert.match(await messageOf({ folder: join(folder, 'sub') }), /^~\/sub: no policy here/)
  })

  it('is not looked for in a folder that is not there', async () => {
    assert.equal(
      await messageOf({ folder: join(folder, 'none') }),
      '~/none: the folder in which to look for a policy cannot be read (ENOENT). Correct the path, or name a policy with --policy FILE',
    )
    await put({ file: '' })
    assert.match(await messageOf({ folder: join(folder, 'file') }), /cannot be read \(ENOTDIR\)/)
  })

  const twice: readonly (readonly [readonly string[], string])[] = [
    [
      ['.sigstorerc', '.sigstorerc.yaml'],
      '~: 2 policies, .sigstorerc and .sigstorerc.yaml, and nobody could see which one rules. Keep one and remove the rest',
    ],
    [
      ['.sigstorerc.yml', '.sigstorerc.yaml', '.sigstorerc.json'],
      '~: 3 policies, .sigstorerc.yaml and .sigstorerc.yml and .sigstorerc.json, and nobody could see which one rules. Keep one and remove the rest',
    ],
    [
      ['.sigstorerc', 'package.json'],
      '~: 2 policies, .sigstorerc and the key "sigstore" of package.json, and nobody could see which one rules. Keep one and remove the rest',
    ],
  ]
  for (const [names, message] of twice) {
    it(`beside another is an error: ${names.join(', ')}`, async () => {
      for (const name of names)
        await put({ [name]: name === 'package.json' ? `{ "sigstore": ${JSON_POLICY} }` : JSON_POLICY })
      assert.equal(await messageOf(), message)
    })
  }

  it('beside an empty one is an error', async () => {
    await put({ '.sigstorerc': '', '.sigstorerc.yaml': YAML })
    assert.match(await messageOf(), /^~\/\.sigstorerc:1:1: the policy is empty/)
    await put({ '.sigstorerc': YAML, '.sigstorerc.yaml': '\n' })
    assert.match(await messageOf(), /^~: 2 policies, \.sigstorerc and \.sigstorerc\.yaml/)
  })

  it('beside a package.json that cannot be understood is an error', async () => {
    for (const text of ['{ "sigstore": ', '', ' \n']) {
      await put({ '.sigstorerc': YAML, 'package.json': text })
      assert.equal(
        await messageOf(),
        '~/package.json: not JSON, so it cannot be told whether it holds a policy under "sigstore". Correct it',
      )
    }
  })

  it('of no value in package.json is a policy all the same, and an error', async () => {
    for (const value of ['null', 'false', '""', '[]', '{}']) {
      await put({ 'package.json': `{ "sigstore": ${value} }` })
      assert.match(await messageOf(), /^~\/package\.json:1:\d+: /)
    }
  })

  it('in a package.json that is no mapping is none', async () => {
    for (const text of ['[]', 'null', '"sigstore"']) {
      await put({ 'package.json': text })
      assert.match(await messageOf(), /no policy here/)
    }
  })

  it('may not be inherited from a prototype', async () => {
    await put({ 'package.json': `{ "__proto__": { "sigstore": ${JSON_POLICY} } }` })
    assert.match(await messageOf(), /no policy here/)
  })

  it('takes nothing from other files: $import is an unknown key', async () => {
    await put({ '.sigstorerc': `$import: other.yaml\n${YAML}`, 'other.yaml': YAML })
    assert.equal(
      await messageOf(),
      '~/.sigstorerc:1:1: unknown key "$import" in a policy, which has "$schema", "extends", "projects", "trust", "attestations", "publishers", "mode", "enforceFrom", "exceptions", "allowSettings", "allowLockChanges", "rules"',
    )
  })
})

describe('a policy that is a program', () => {
  const names = ['.sigstorerc', 'sigstore.config'].flatMap((name) =>
    ['js', 'cjs', 'mjs', 'ts', 'cts', 'mts'].map((type) => `${name}.${type}`),
  )
  for (const name of names) {
    it(`is refused as ${name}, alone and beside a policy, and not run`, async () => {
      await put({ [name]: 'throw new Error("executed")' })
      assert.equal(await messageOf(), `~/${name}${REFUSED}`)
      await put({ '.sigstorerc': YAML })
      assert.equal(await messageOf(), `~/${name}${REFUSED}`)
      await put({ [name]: '' })
      assert.equal(await messageOf(), `~/${name}${REFUSED}`)
    })
  }

  it('is refused by name', async () => {
    for (const name of ['policy.js', 'policy.TS', 'policy.d.mts', 'absent.cjs']) {
      assert.equal(await messageOf({ file: join(folder, name) }), `~/${name}${REFUSED}`)
    }
  })

  // cosmiconfig's public function runs these from the working directory before it looks for anything.
  it('is not run as a configuration of cosmiconfig itself, which cannot redirect the search either', async () => {
    const run = 'globalThis.process.exitCode = 66; console.log("executed"); export default {}; '
    await put({
      'app/.sigstorerc': YAML,
      'cwd/.config/config.cjs':
        'console.log("executed"); module.exports = { cosmiconfig: { searchPlaces: ["evil.yaml"] }, sigstore: {} }',
      'cwd/.config/config.js': run,
      'cwd/.config/config.mjs': run,
      'cwd/package.json': '{ "cosmiconfig": { "searchPlaces": ["evil.yaml"] } }',
      'app/evil.yaml': 'rules: []',
      'app/.config/config.cjs': 'console.log("executed")',
    })
    const load = new URL('../../src/policy/load.ts', import.meta.url).href
    const script = `const { loadPolicy } = await import(${JSON.stringify(load)}); console.log((await loadPolicy({ folder: ${JSON.stringify(join(folder, 'app'))} })).file)`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: join(folder, 'cwd'),
    })
    assert.equal(stdout, `${join(folder, 'app', '.sigstorerc')}\n`)
  })
})

describe('a policy file', () => {
  it('may have any name', async () => {
    await put({ 'rules.txt': YAML, 'sub/package.json': `{ "sigstore": ${JSON_POLICY} }` })
    assert.equal((await loadPolicy({ file: join(folder, 'rules.txt') })).rules.length, 1)
    assert.equal((await loadPolicy({ file: join(folder, 'sub/package.json') })).rules.length, 1)
  })

  it('that is a package.json without one is an error', async () => {
    await put({ 'package.json': '{}' })
    assert.equal(
      await messageOf({ file: join(folder, 'package.json') }),
      '~/package.json: no policy in it, for it has no key "sigstore". Add the key, or name another file',
    )
  })

  it('that is absent is an error', async () => {
    assert.equal(
      await messageOf({ file: join(folder, 'none') }),
      `~/none: the policy cannot be read (no such file). Without it nothing can be checked. Correct the name or the file's permissions`,
    )
  })

  const both = [(name: string) => ({ file: join(folder, name) }), () => ({ folder })]

  it('that is a directory is an error, not stepped over', async () => {
    await put({ '.sigstorerc/x': '', '.sigstorerc.yaml': YAML })
    for (const options of both) {
      assert.equal(
        await messageOf(options('.sigstorerc')),
        '~/.sigstorerc: a directory, where the policy should be a file. Correct the path, or write it to a file of this name',
      )
    }
  })

  it('that is a broken link is an error, not stepped over', async () => {
    await put({ '.sigstorerc.yaml': YAML })
    await symlink(join(folder, 'none'), join(folder, '.sigstorerc'))
    for (const options of both)
      assert.match(
        await messageOf(options('.sigstorerc')),
        /^~\/\.sigstorerc: the policy cannot be read \(no such file\)/,
      )
  })

  it('that may not be read is an error, not stepped over', {
    skip: process.getuid?.() === 0 && 'root may read everything',
  }, async () => {
    await put({ '.sigstorerc': YAML, '.sigstorerc.yaml': YAML })
    await chmod(join(folder, '.sigstorerc'), 0)
    for (const options of both)
      assert.match(await messageOf(options('.sigstorerc')), /^~\/\.sigstorerc: the policy cannot be read \(EACCES\)/)
  })

  it('that is a named pipe is an error, and not waited for', {
    skip: process.platform === 'win32' && 'no named pipes',
  }, async () => {
    execFileSync('mkfifo', [join(folder, '.sigstorerc')])
    for (const options of both)
      assert.match(await messageOf(options('.sigstorerc')), /^~\/\.sigstorerc: not a regular file/)
  })

  it('that is too big is an error', async () => {
    await put({ '.sigstorerc': `${YAML}#${'x'.repeat(1024 * 1024)}\n` })
    for (const options of both) {
      assert.equal(
        await messageOf(options('.sigstorerc')),
        '~/.sigstorerc: too many bytes for a policy, at most 1048576 are read. Name packages by patterns such as "@scope/*" to make it shorter',
      )
    }
  })

  const foreign: readonly (readonly [string, Uint8Array])[] = [
    ['Latin-1', Buffer.from(`${YAML}# \u00e4\n`, 'latin1')],
    ['UTF-16 with a byte order mark', Buffer.from(`\ufeff${YAML}`, 'utf16le')],
    ['overlong UTF-8', Buffer.from([...Buffer.from(YAML), 0x23, 0xc0, 0xaf])],
    ['a surrogate', Buffer.from([...Buffer.from(YAML), 0x23, 0xed, 0xa0, 0x80])],
  ]
  for (const [what, bytes] of foreign) {
    it(`in ${what} is an error`, async () => {
      await put({ '.sigstorerc': bytes })
      for (const options of both) {
        assert.equal(
          await messageOf(options('.sigstorerc')),
          '~/.sigstorerc: not UTF-8 text, so different readers would see different rules. Save it as UTF-8',
        )
      }
    })
  }
})
