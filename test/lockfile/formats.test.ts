import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { lockfilesBelow, lockfilesIn } from '../../src/lockfile/find.ts'
import { parseAny } from '../../src/lockfile/formats.ts'
import { strictJson } from '../../src/lockfile/json.ts'
import { type Format, formatOf, lockfileFolder } from '../../src/lockfile/kinds.ts'
import { readManifests, workspaceManifests } from '../../src/lockfile/manifests.ts'
import { specifierOf } from '../../src/lockfile/specifier.ts'

const ROOT = mkdtempSync(path.join(tmpdir(), 'formats-'))
after(() => rmSync(ROOT, { recursive: true, force: true }))

let folders = 0
function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = path.join(ROOT, String(folders++))
  mkdirSync(folder)
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
  return folder
}

const bytes = (text: string) => new TextEncoder().encode(text)
const forPeople = (says: RegExp) => (error: unknown) => error instanceof GateError && says.test(error.message)

const GOOD: Readonly<Record<Exclude<Format, 'pnpm'>, readonly [string, string]>> = {
  npm: ['package-lock.json', '{"lockfileVersion":3,"packages":{}}'],
  yarn: ['yarn.lock', '# yarn lockfile v1\n\n\na@1:\n  version "1.0.0"\n'],
  bun: ['bun.lock', '{"lockfileVersion":1,"workspaces":{"":{},},"packages":{},}'],
}

describe('the text of a lockfile', () => {
  for (const [format, [name, good]] of Object.entries(GOOD) as readonly [
    Exclude<Format, 'pnpm'>,
    readonly [string, string],
  ][]) {
    const read = (text: string | Uint8Array) =>
      parseAny(format, typeof text === 'string' ? bytes(text) : text, path.join(ROOT, name))

    it(`of ${format} is read, with either end of lines`, async () => {
      assert.ok((await read(good)).packages.length < 2)
      assert.deepEqual(await read(good.replaceAll('\n', '\r\n')), await read(good))
    })

    const refused: readonly [string, string | Uint8Array, RegExp][] = [
      ['empty', '', /is empty/],
      ['blank', ' \n\n', /is empty/],
      ['binary', new Uint8Array([0xff, 0xfe, 0, 1]), /not text in UTF-8/],
      ['in conflict', `<<<<<<< HEAD\n${good}=======\n${good}>>>>>>> other\n`, /merge conflict markers/],
      ['with a byte order mark', `\ufeff${good}`, /U\+feff/],
      ['with a NUL', `${good}\u0000`, /U\+0000/],
      ['with a lone carriage return', `${good}\r`, /U\+000d/],
      ['with a line separator', `${good}\u2028`, /U\+2028/],
      ['cut off', good.slice(0, -3), /line \d+|no map|not a lockfile/],
      ['of another manager', format === 'yarn' ? GOOD.npm[1] : GOOD.yarn[1], /./],
      ['nested without end', '['.repeat(100_000), /./],
      ['with maps without end', '{"a":'.repeat(100_000), /./],
    ]
    for (const [what, text, says] of refused) {
      it(`of ${format} is refused where it is ${what}`, async () => {
        await assert.rejects(read(text), forPeople(says))
        await assert.rejects(read(text), forPeople(new RegExp(name.replace('.', '\\.'))), 'with its name')
      })
    }

    it(`of ${format} that is anything is a list or an error for people`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: 'binary' }), fc.nat(good.length), async (text, at) => {
          try {
            await read(good.slice(0, at) + text + good.slice(at))
          } catch (error) {
            assert.ok(error instanceof GateError, String(error))
          }
        }),
        { numRuns: 200 },
      )
    })
  }
})

describe('JSON', () => {
  const anew = 'x'
  it('is what JSON.parse makes of it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value)
        if (text.includes('"__proto__"')) return
        assert.deepEqual(strictJson(text, 'f', { anew }), JSON.parse(text))
      }),
    )
  })

  it('that JSON.parse takes for none is none, and of what it takes nothing is read in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[],:"a1.-e\\/* \n') }), (text) => {
        let read: unknown
        try {
          read = strictJson(text, 'f', { anew })
        } catch (error) {
          assert.ok(error instanceof GateError, String(error))
          return
        }
        assert.deepEqual(read, JSON.parse(text))
      }),
      { numRuns: 5000 },
    )
  })

  for (const text of [
    '{"a":1,"a":1}',
    '{"a":{},"a":{}}',
    '{"b":{"a":[],"\\u0061":1}}',
    '{"__proto__":{}}',
    '{"\\u005f_proto__":1}',
    '{"a":1}//',
    '/**/{}',
    '{"a":1,}',
  ]) {
    it(`is refused where readers differ: ${text}`, () =>
      assert.throws(() => strictJson(text, 'f', { anew }), GateError))
  }
})

describe('whose a lockfile is', () => {
  const of = (name: string, text = '') => formatOf(path.join('/x', name), bytes(text))

  it('says its name, whatever is in it', () => {
    const names = {
      'pnpm-lock.yaml': 'pnpm',
      'pnpm-lock.main.yaml': 'pnpm',
      'npm-shrinkwrap.json': 'npm',
      '.package-lock.json': 'npm',
      'yarn.lock': 'yarn',
      'bun.lock': 'bun',
    }
    for (const [name, format] of Object.entries(names))
      for (const [, text] of Object.values(GOOD)) assert.equal(of(name, text), format)
  })

  it('says what is in it, where the name does not', () => {
    for (const [format, [, text]] of Object.entries(GOOD)) assert.equal(of('other', text), format)
    assert.equal(of('other', '__metadata:\n  version: 8\n'), 'yarn')
    assert.equal(of('other', '{"lockfileVersion":1,"packages":{"a":["a@1.0.0"]}}'), 'bun')
    assert.equal(of('other', "lockfileVersion: '9.0'\n"), 'pnpm')
  })

  it('is refused for what nobody but its manager reads', () => {
    assert.throws(() => of('bun.lockb'), forPeople(/--save-text-lockfile/))
    assert.throws(() => of('other', '#!/usr/bin/env bun\nbun-lockfile-format-v0\n'), forPeople(/binary/))
    assert.throws(() => of('deno.lock', '{}'), forPeople(/Deno/))
  })

  it('is about the folder that it lies in, and the hidden one about the project', () => {
    assert.equal(lockfileFolder('/x/package-lock.json'), '/x')
    assert.equal(lockfileFolder('/x/node_modules/.package-lock.json'), '/x')
    assert.equal(lockfileFolder('/x/.package-lock.json'), '/x')
  })
})

describe('the lockfiles of a folder', () => {
  it('are one of each kind', async () => {
    const names = ['pnpm-lock.yaml', 'npm-shrinkwrap.json', 'package-lock.json', 'yarn.lock', 'bun.lock', 'bun.lockb']
    const folder = folderOf(Object.fromEntries([...names, 'other.lock', 'deno.lock'].map((name) => [name, ''])))
    assert.deepEqual(
      (await lockfilesIn(folder)).map((file) => path.basename(file)),
      names,
    )
    assert.deepEqual(await lockfilesIn(folderOf({})), [])
    assert.deepEqual(await lockfilesIn(path.join(ROOT, 'gone')), [])
    const deno = folderOf({ 'deno.lock': '' })
    assert.deepEqual(await lockfilesIn(deno), [path.join(deno, 'deno.lock')])
  })

  it('below it are not those of installed packages, and a circle of links ends', async () => {
    const folder = folderOf({
      'yarn.lock': '',
      'b/bun.lock': '',
      'a/x/pnpm-lock.yaml': '',
      'node_modules/a/yarn.lock': '',
      'a/node_modules/b/yarn.lock': '',
      '.git/yarn.lock': '',
    })
    symlinkSync(folder, path.join(folder, 'a/circle'))
    const { files, isWhole } = await lockfilesBelow(folder)
    assert.deepEqual(
      [files.map((file) => path.relative(folder, file)), isWhole],
      [['b/bun.lock', 'a/x/pnpm-lock.yaml'], true],
    )
  })
})

describe('manifests', () => {
  it('are those of the root and of what its workspaces name, and of nothing outside', async () => {
    const named = (name: string) => JSON.stringify({ name })
    for (const workspaces of [['apps/*', '!apps/b', '../*'], { packages: ['apps/*', '!apps/b'], nohoist: [] }]) {
      const folder = folderOf({
        'package.json': JSON.stringify({ workspaces }),
        'apps/a/package.json': named('a'),
        'apps/b/package.json': named('b'),
        'apps/node_modules/package.json': '{',
        'other/package.json': '{',
      })
      assert.deepEqual([...(await workspaceManifests(folder)).manifests.keys()], ['.', 'apps/a'])
    }
    assert.equal((await workspaceManifests(folderOf({}))).folders.length, 0)
  })

  for (const [what, text] of [
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['empty', ''],
    ['with a prototype', '{"__proto__":{"a":1}}'],
  ]) {
    it(`are refused where one is ${what}`, async () => {
      const folder = folderOf({ 'package.json': text ?? '' })
      await assert.rejects(readManifests(folder, ['.']), forPeople(/package\.json/))
    })
  }

  it('are refused where workspaces are no list, or one is no file', async () => {
    for (const workspaces of ['x', [1], { packages: 1 }]) {
      await assert.rejects(
        workspaceManifests(folderOf({ 'package.json': JSON.stringify({ workspaces }) })),
        forPeople(/workspaces/),
      )
    }
    const folder = folderOf({ 'package.json/x': '' })
    await assert.rejects(readManifests(folder, ['.']), forPeople(/is a folder/))
    await assert.rejects(readManifests(folder, Array(20_000).fill('x')), forPeople(/20000 projects/))
  })
})

describe('what is asked for', () => {
  const kinds: Readonly<Record<string, readonly string[]>> = {
    registry: ['', '*', '1', '^1.0.0', '>=1 <2 || 3', 'latest', 'npm:^1.0.0', '~1', 'x.tgz.y'],
    alias: ['npm:a@^1', 'npm:@s/a@1', 'npm:@s/a', 'npm:a'],
    other: [
      'https://x',
      'git+ssh://git@h/o/r',
      'o/r',
      'github:o/r',
      'file:x',
      './x',
      '../x',
      '.',
      '~/x',
      'C:\\x',
      'x.tgz',
      'x.tar.gz',
      'link:x',
      'workspace:*',
      'npm:a@https://x',
      'npm:a@o/r',
    ],
  }
  for (const [kind, texts] of Object.entries(kinds)) {
    for (const text of texts)
      it(`is ${kind}: ${JSON.stringify(text)}`, () => assert.equal(specifierOf(text).kind, kind))
  }
})
