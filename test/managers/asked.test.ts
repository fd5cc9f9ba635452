import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { GateError } from '../../src/errors.ts'
import { askedBy, askedIn, replacedIn, workspacesOf } from '../../src/managers/asked.ts'

describe('an argument', () => {
  const CASES: Readonly<Record<string, readonly [string, string] | undefined>> = {
    'left-pad': ['left-pad', ''],
    'left-pad@1.3.0': ['left-pad', '1.3.0'],
    'left-pad@^1 || 2': ['left-pad', '^1 || 2'],
    '@acme/w': ['@acme/w', ''],
    '@acme/w@latest': ['@acme/w', 'latest'],
    'left-pad@npm:evil@1': ['left-pad', 'npm:evil@1'],
    '@a/b@npm:@c/d@1': ['@a/b', 'npm:@c/d@1'],
    'npm:evil@1': ['evil', '1'],
    'npm:@c/d': ['@c/d', ''],
    'jsr:@std/path@1': ['@std/path', 'jsr:@std/path@1'],
    'x@https://x.example/x.tgz': ['x', 'https://x.example/x.tgz'],
    '@a/b@https://x.example/x.tgz': ['@a/b', 'https://x.example/x.tgz'],
    'x@github:a/b#main': ['x', 'github:a/b#main'],
    'x@git+ssh://git@github.com/a/b.git': ['x', 'git+ssh://git@github.com/a/b.git'],
    'x@a/b': ['x', 'a/b'],
    './x': undefined,
    '../x.tgz': undefined,
    '.': undefined,
    '..': undefined,
    '/x/y': undefined,
    '~/x': undefined,
    'C:\\x': undefined,
    'file:../x': undefined,
    'link:../x': undefined,
    'workspace:*': undefined,
    '': undefined,
  }
  for (const [word, expected] of Object.entries(CASES)) {
    it(JSON.stringify(word), () => {
      const asked = askedBy(word, '.')
      assert.deepEqual(asked && [asked.name, asked.spec], expected)
    })
  }

  for (const word of [
    'a/b',
    'github:a/b',
    'https://x.example/x.tgz',
    'git+ssh://git@github.com/a/b.git',
    'git@github.com:a/b.git',
    'http:x',
    '@acme',
    '@acme/',
    '@/x',
    '@a/b/c',
  ]) {
    it(`${word} is refused: it has no name`, () => {
      assert.throws(
        () => askedBy(word, '.'),
        (error) => error instanceof GateError && error.message.includes(`NAME@${word}`),
      )
    })
  }

  it('is something, nothing, or refused: never an error of another kind', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (word) => {
        try {
          const asked = askedBy(word, '.')
          if (asked !== undefined) assert.ok(asked.name !== '' && !/[\s]/.test(asked.name))
        } catch (error) {
          assert.ok(error instanceof GateError)
        }
      }),
    )
  })
})

describe('a package.json', () => {
  it('asks by all kinds of dependencies, and by what it puts in the place of others', () => {
    const text = JSON.stringify({
      dependencies: { a: '1' },
      devDependencies: { b: 'npm:evil@1' },
      optionalDependencies: { '@s/c': 'github:x/y' },
      peerDependencies: { d: '*' },
      resolutions: { 'e/**/f': 'npm:evil@2', '@s/g@^1': 'npm:evil@3' },
      overrides: { h: { '.': '1', 'i@2': 'npm:evil@4' } },
      pnpm: { overrides: { 'j>@s/k': 'npm:evil@5' } },
    })
    assert.deepEqual(
      askedIn(text, 'p').map(({ name, spec, importer }) => `${name} ${spec} ${importer}`),
      [
        'a 1 p',
        'b npm:evil@1 p',
        '@s/c github:x/y p',
        'd * p',
        'f npm:evil@2 p',
        '@s/g npm:evil@3 p',
        'h 1 p',
        'i npm:evil@4 p',
        '@s/k npm:evil@5 p',
        // Once more, for what nobody has thought of.
        ...['b npm:evil@1 p', 'f npm:evil@2 p', '@s/g npm:evil@3 p', 'i npm:evil@4 p', '@s/k npm:evil@5 p'],
      ],
    )
  })

  it('names what takes the place of dependencies, and every alias, wherever it stands', () => {
    const settings = {
      catalog: { a: 'npm:evil@1', b: '^1' },
      catalogs: { old: { '@s/c': 'https://h.test/x.tgz' } },
      packageExtensions: { 'free@*': { dependencies: { d: 'jsr:@s/d' } } },
      overrides: { e: { '.': 'evil/repository' } },
      anything: [{ f: 'npm:evil@3' }, 'npm:evil@4', { deep: { g: 'npm:evil@5' } }],
      // At their places lie no tarballs, and packages may be called like the last part of them.
      registry: 'https://r.test/npm',
      homepage: 'https://r.test/home',
    }
    const found = replacedIn(settings, '.').map(({ name, spec }) => `${name} ${spec}`)
    assert.deepEqual(
      new Set(found),
      new Set([
        ...['a npm:evil@1', 'b ^1', '@s/c https://h.test/x.tgz', 'd jsr:@s/d', 'e evil/repository'],
        ...['f npm:evil@3', 'g npm:evil@5'],
      ]),
    )
  })

  const ODD = [
    '',
    '[]',
    'null',
    '1',
    '{',
    '{"dependencies": []}',
    '{"dependencies": {"a": {"b": 1}}}',
    '{"dependencies": "x"}',
    '{"__proto__": {"dependencies": {"a": "1"}}}',
    '{"workspaces": {"packages": "x"}, "overrides": 7}',
    '{"homepage": "nowhere", "scripts": {"a": "npm run b"}}',
    `${'{"overrides":'.repeat(5000)}"npm:a@1"${'}'.repeat(5000)}`,
  ]
  for (const text of ODD) {
    it(`of no use asks for nothing: ${text.slice(0, 60)}`, () => {
      assert.deepEqual(askedIn(text, '.'), [])
      assert.deepEqual(workspacesOf(text), [])
    })
  }

  it('of any JSON is read', () => {
    fc.assert(fc.property(fc.json(), (text) => void [askedIn(text, '.'), workspacesOf(text)]))
  })

  it('names its workspaces', () => {
    assert.deepEqual(workspacesOf('{"workspaces": ["a/*", 1]}'), ['a/*'])
    assert.deepEqual(workspacesOf('{"workspaces": {"packages": ["b"]}}'), ['b'])
  })
})
