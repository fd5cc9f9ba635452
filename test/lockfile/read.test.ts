import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { readWantedLockfile } from '@pnpm/lockfile.fs'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { lockedPackages } from '../../src/lockfile/pnpm.ts'
import { readLockfile } from '../../src/lockfile/read.ts'
import { A, B, brief, CASES, fixture, raw } from './support.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'lockfile-test-'))
after(() => rmSync(folder, { recursive: true }))

/** Writes a file of another name than pnpm's own. */
function file(content: string | Uint8Array, name = 'other.yaml'): string {
  const target = path.join(folder, name)
  writeFileSync(target, content)
  return target
}

const read = (name: string): string => readFileSync(fixture(name), 'utf8')
const ALIAS = read('alias')
const TWO = read('config-dependencies')

async function refused(target: string, expected: RegExp): Promise<void> {
  await assert.rejects(readLockfile(target), (error) => {
    assert.ok(error instanceof GateError, String(error))
    assert.match(error.message, expected)
    assert.ok(error.message.startsWith(target) || error.message.includes(` ${target}`), error.message)
    assert.doesNotMatch(error.message, /\n|provenance-gate-|\bat .*:\d+:\d+/)
    return true
  })
}

describe('readLockfile', () => {
  for (const name of CASES) {
    it(`reads all documents of ${name}`, async () => {
      const { packages, lockfileDir } = await readLockfile(fixture(name))
      const expected = new Set(raw(name).flatMap((document) => lockedPackages(document).map(({ key }) => key)))
      assert.deepEqual(new Set(packages.map(({ key }) => key)), expected)
      assert.equal(lockfileDir, path.dirname(fixture(name)))
    })
  }

  it('joins what both documents hold', async () => {
    const both = TWO.replaceAll('is-number', 'left-pad').replaceAll('7.0.0', '1.3.0')
    const { packages } = await readLockfile(file(both))
    assert.deepEqual(brief(packages), ['is-odd@3.0.1 registry', 'left-pad@1.3.0 registry', 'left-pad@1.3.0 registry'])
    assert.equal(new Set(packages.map(({ integrity }) => integrity)).size, 3)
  })

  it('reads a file of any name, through a link, with Windows line ends, a byte order mark, comments and quotes', async () => {
    const { packages } = await readLockfile(file(ALIAS))
    const link = path.join(folder, 'link.yaml')
    symlinkSync(fixture('alias'), link)
    const variants = [
      link,
      file(ALIAS.replaceAll('\n', '\r\n'), 'crlf.yaml'),
      file(`\ufeff${ALIAS}`, 'bom.yaml'),
      file(`# & * ! <<\n${ALIAS}`, 'comment.yaml'),
      file(ALIAS.replace('    resolution:', '    deprecated: "& *gone ! <<"\n    resolution:'), 'deprecated.yaml'),
      file(
        ALIAS.replace('    resolution:', '    deprecated: |-\n      <<: *x\n      &y\n    resolution:'),
        'block.yaml',
      ),
    ]
    for (const variant of variants) assert.deepEqual((await readLockfile(variant)).packages, packages, variant)
    for (const name of ['crlf2.yaml']) {
      assert.equal((await readLockfile(file(TWO.replaceAll('\n', '\r\n'), name))).packages.length, 3)
    }
  })

  it('reads a file that has only the first document, as pnpm 11 and 12 do', async () => {
    const [, environment = ''] = TWO.split('---\n')
    for (const content of [`---\n${environment}\n---\n`, `---\n${environment}\n---`, `---\n${environment}`]) {
      const { packages } = await readLockfile(file(content))
      assert.deepEqual(brief(packages), ['is-number@7.0.0 registry', 'is-odd@3.0.1 registry'])
    }
  })

  it('leaves nothing in the folder for temporary files', async () => {
    const ours = (): readonly string[] => readdirSync(tmpdir()).filter((name) => name.startsWith('provenance-gate-'))
    const before = ours()
    await readLockfile(fixture('alias'))
    await assert.rejects(readLockfile(file('a: [')))
    assert.deepEqual(ours(), before)
  })
})

describe('readLockfile refuses, with a sentence', () => {
  it('what is not there, a folder, a pipe, a device', async () => {
    await refused(path.join(folder, 'none.yaml'), /no lockfile/)
    await refused(path.join(folder, 'none', 'pnpm-lock.yaml'), /no lockfile/)
    await refused(path.join(fixture('alias'), 'x'), /no lockfile/)
    await refused(folder, /is a folder/)
    await refused('/dev/null', /not a regular file/)
    const pipe = path.join(folder, 'pipe')
    execFileSync('mkfifo', [pipe])
    await refused(pipe, /not a regular file/)
  })

  it('what is too large', async () => {
    const target = file('')
    truncateSync(target, 64 * 1024 * 1024 + 1)
    await refused(target, /bytes/)
  })

  const cases: readonly (readonly [string, string | Uint8Array, RegExp])[] = [
    ['an empty file', '', /is empty/],
    ['white space', ' \n\n', /is empty/],
    ['a byte order mark', '\ufeff', /is empty/],
    ['what is not YAML', 'a: [', /not a lockfile: .*\(\d+:\d+\)/],
    ['what is no map', 'text\n', /holds no map/],
    ['a list', '- lockfileVersion: "9.0"\n', /holds no map/],
    ['JSON of something else', '{"name": "x"}', /no `lockfileVersion`/],
    ['only comments', '# nothing\n', /its parts/],
    ['what is not UTF-8', Buffer.from([0x61, 0x3a, 0xff, 0xfe]), /UTF-8/],
    ['UTF-16', Buffer.from(`\ufeff${ALIAS}`, 'utf16le'), /UTF-8/],
    ['a NUL', ALIAS.replace('left', '\u0000'), /U\+0000/],
    ['a lone carriage return', ALIAS.replace('\n\n', '\r'), /U\+000d/],
    ['a line separator', ALIAS.replace('left', '\u2028'), /U\+2028/],
    ['a second byte order mark', `\ufeff\ufeff${ALIAS}`, /U\+feff/],
    ['a key that is there twice', `${ALIAS}\npackages: {}\n`, /duplicated/],
    ['nesting without end', `a: ${'['.repeat(100_000)}`, /not a lockfile/],
    ['a dependency that is no map', ALIAS.replace(/version: 1.3.0/, 'x'), /not a lockfile/],
    [
      'packages that are no map',
      'lockfileVersion: "9.0"\npackages: [a]\nsnapshots: {}\n',
      /not a (?:plain map|lockfile)/,
    ],
  ]
  for (const [title, content, expected] of cases) {
    it(title, async () => {
      await assert.rejects(readLockfile(file(content)), (error) => {
        assert.ok(error instanceof GateError, String(error))
        assert.match(error.message, expected)
        assert.doesNotMatch(error.message, /\n|provenance-gate-/)
        return true
      })
    })
  }

  it('names the line of the file, in both documents', async () => {
    const lines = TWO.split('\n')
    for (const [index, line] of lines.entries()) {
      if (!line.includes('{integrity')) continue
      const broken = lines.with(index, line.replace('{integrity: ', '{integrity: [')).join('\n')
      await refused(file(broken), new RegExp(`\\(${index + 1}:\\d+\\)`))
    }
  })

  it('other versions, by their number', async () => {
    for (const version of ['5.4', '6.0', '6.1', '7.0', '10.0', '90', '"9"x', '[9.0]', '~']) {
      const content = ALIAS.replace("'9.0'", version)
      await refused(file(content), version === '"9"x' ? /not a lockfile/ : /version|lockfileVersion/)
    }
    await refused(fixture('v13'), /13\.0.*lockfile\.format/)
    await refused(file(read('alias').replace("'9.0'", "'6.0'")), /version "6\.0"/)
    for (const version of ['9', '9.0', "'9.1'"]) assert.ok(await readLockfile(file(ALIAS.replace("'9.0'", version))))
  })

  it('merge conflicts, which pnpm would resolve by itself', async () => {
    const [head = '', tail = ''] = ALIAS.split('packages:\n')
    const conflict = `${head}<<<<<<< ours\npackages:\n||||||| base\n=======\npackages:\n>>>>>>> theirs\n${tail}`
    await refused(file(conflict), /merge conflict/)
    for (const marker of ['<<<<<<<', '=======', '>>>>>>>', '|||||||']) {
      await refused(file(`${ALIAS}\n${marker} x\n`), /merge conflict/)
      await refused(file(`${TWO.replace('\n---\n', `\n${marker}\n---\n`)}`), /merge conflict/)
    }
    // Markers that only pnpm's search for text would find: not lines of their own, so not a conflict.
    const text = ALIAS.replace('    resolution:', '    deprecated: "<<<<<<< ======= >>>>>>>"\n    resolution:')
    assert.ok(await readLockfile(file(text)))
  })

  it('documents that the versions of pnpm would split differently', async () => {
    const [, environment = '', main = ''] = TWO.split(/^---\n/m)
    const documents = [
      `---\n${main}`, // the lockfile for pnpm 10, none for 11 and 12
      `--- \n${environment}\n---\n${main}`,
      `---\n${environment}\n--- \n${main}`,
      `--- # x\n${environment}\n---\n${main}`,
      `---\n${environment}\n...\n---\n${main}`,
      `---\n${environment}\n---\n${main}\n---\n${main}`,
      `---\n${environment}\n---\n---\n${main}`,
      `${main}\n---\n${main}`,
      `\n---\n${environment}\n---\n${main}`,
      `# x\n---\n${environment}\n---\n${main}`,
      `%YAML 1.2\n---\n${main}`,
      `${main}\n...\n`,
      `---\n---\n${main}`,
    ]
    for (const content of documents) {
      await assert.rejects(readLockfile(file(content)), (error) => error instanceof GateError, content.slice(0, 80))
    }
    await refused(file(`---\n${main}`), /begins with `---`/)
    await refused(file(documents[5] ?? ''), /one or two YAML documents/)
  })

  it('a first document that pnpm would ignore', async () => {
    const variants = [
      TWO.replace("lockfileVersion: '9.0'", 'lockfileVersion: 9.0'),
      TWO.replace(/^snapshots:[\s\S]*?(?=^---)/m, ''),
      TWO.replace(/^---\n[\s\S]*?(?=^---)/m, '---\n\n'),
    ]
    for (const content of variants) await refused(file(content), /first document/)
    await refused(file(TWO.replace("'9.0'", "'8.0'")), /version "8\.0"/)
  })

  it('what is cut off, wherever between two lines', async () => {
    const whole = new Map((await readLockfile(file(ALIAS))).packages.map((pkg) => [pkg.key, pkg.integrity]))
    const lines = ALIAS.split('\n')
    for (const [index] of lines.entries()) {
      const cut = lines.slice(0, index).join('\n')
      const result = await readLockfile(file(cut)).catch((error: unknown) => {
        assert.ok(error instanceof GateError, String(error))
        return undefined
      })
      // Readable are the lines before the first dependency, and those after the last digest.
      for (const pkg of result?.packages ?? []) assert.equal(pkg.integrity, whole.get(pkg.key), `cut at ${index}`)
      if (index > 14 && result !== undefined) assert.equal(result.packages.length, whole.size, `cut at ${index}`)
    }
    await refused(file(ALIAS.slice(0, ALIAS.indexOf('snapshots:'))), /cut off/)
    await refused(file(ALIAS.slice(0, ALIAS.indexOf('packages:'))), /cut off/)
  })

  // Tried: pnpm 10.34.9 installs `b` as `a` from this file.
  it('two entries that share one snapshot', async () => {
    const shared = [
      "lockfileVersion: '9.0'",
      'packages:',
      `  a@1.0.0: {resolution: {integrity: ${A}}}`,
      `  b@1.0.0: {resolution: {integrity: ${B}, tarball: https://registry.npmjs.org/b/-/b-1.0.0.tgz}}`,
      'snapshots:',
      '  a@1.0.0: &shared {}',
      '  b@1.0.0: *shared',
      '',
    ].join('\n')
    await refused(file(shared, 'pnpm-lock.yaml'), /anchor/)
    const object = await readWantedLockfile(folder, { ignoreIncompatible: false })
    assert.deepEqual(lockedPackages(object).find(({ name }) => name === 'a')?.integrity, B)
  })

  it('anchors, aliases, tags and merge keys in every place', async () => {
    const places = [
      '  &x a@1.0.0: {}',
      '  a@1.0.0: &x {}',
      '  a@1.0.0: !!map {}',
      '  a@1.0.0: !x {}',
      '  <<: {}',
      '  a@1.0.0: {<<: {}}',
    ]
    const flow = [
      '{a@1.0.0:&x {}}',
      '{a@1.0.0: {resolution:&x {}}}',
      '{"a@1.0.0":&x {}}',
      '{? &x a@1.0.0 : {}}',
      '{a@1.0.0: [&x 1,*x]}',
    ]
    for (const place of [...places, ...flow.map((value) => `  a@2.0.0: ${value}`)]) {
      const content = `lockfileVersion: '9.0'\npackages: {}\nsnapshots:\n${place}\n`
      await assert.rejects(readLockfile(file(content)), GateError, place)
    }
  })

  it('a key __proto__', async () => {
    for (const section of ['packages', 'snapshots', 'importers']) {
      const content = `lockfileVersion: '9.0'\n${section}:\n  __proto__:\n    evil@1.0.0: {resolution: {integrity: ${A}}}\n`
      await assert.rejects(readLockfile(file(content)), GateError, section)
    }
  })

  it('or reads, whatever bytes are in the file', async () => {
    const bytes = Buffer.from(TWO)
    const change = fc.record({
      at: fc.nat(bytes.length - 1),
      put: fc.oneof(fc.constantFrom('\n', '---\n', '&', '*', '!', ': ', '"', '{', '}', '\t', '\r'), fc.string()),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), fc.boolean(), async (changes, cut) => {
        let content = TWO
        for (const { at, put } of changes)
          content = content.slice(0, at) + put + content.slice(cut ? at + put.length : at)
        await readLockfile(file(content)).catch((error: unknown) =>
          assert.ok(error instanceof GateError, String(error)),
        )
      }),
      { numRuns: 150 },
    )
  })
})
