import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { sourceOf } from '../../hooks/specifier.ts'
import type { PackageSource } from '../../src/lockfile/types.ts'

/** Specifiers as pnpm 11 and 12 hand them to `canResolve`, and others that pnpm takes. */
const SPECIFIERS: Readonly<Partial<Record<PackageSource, readonly string[]>>> = {
  registry: [
    ...[
      '',
      '*',
      '1.0.0',
      '^1.0.0',
      '~1',
      '1.x',
      'v1.0.0',
      '=1.0.0',
      '>=1 <2 || ^3',
      '1.0.0 - 2.0.0',
      '1.0.0-rc.1+build',
    ],
    ...['latest', 'next', 'release-1.x', 'v2-latest'],
    ...['npm:name', 'npm:name@^1.0.0', 'npm:@scope/name', 'npm:@scope/name@next', 'npm:^1.0.0'],
    ...['jsr:@scope/name@^1.0.0', 'jsr:^1.0.0', 'work:^1.0.0', 'work:name@^1.0.0', 'work:@scope/name@1'],
  ],
  workspace: ['workspace:*', 'workspace:^1.0.0', 'workspace:a@*'],
  directory: [
    ...['file:dir', 'file:../dir', 'file:/dir', 'link:dir', 'link:..', 'portal:dir'],
    ...['workspace:./packages/a', './dir', '../dir', '/dir', '~/dir', '.\\dir', 'C:\\dir', 'c:dir', 'FILE:dir'],
  ],
  tarball: [
    ...['file:a.tgz', 'file:/a.tar.gz', './a.tgz', 'a.tgz', 'a.tar', 'dir/a.tar.gz', 'A.TGZ'],
    ...['http://host/a.tgz', 'https://host/a', 'HTTPS://host/a', 'https://registry.npmjs.org/name/-/name-1.0.0.tgz'],
  ],
  git: [
    ...['https://codeload.github.com/user/repo/tar.gz/0123', 'https://host/user/repo.git', 'http://host/r.git#main'],
    ...['https://github.com/user/repo', 'https://gitlab.com/user/repo#main', 'https://bitbucket.org/user/repo/'],
    ...[
      'git+file:///repo',
      'git+https://host/repo.git',
      'git+ssh://git@host/repo',
      'git://host/repo',
      'ssh://git@host/repo',
    ],
    ...[
      'github:user/repo',
      'gitlab:user/repo',
      'bitbucket:user/repo',
      'gist:0123abc',
      'user/repo',
      'user/repo#semver:^1',
    ],
    ...['git@host:user/repo', 'git@host:user/repo.git#1.0.0'],
  ],
  runtime: ['runtime:24.0.0', 'runtime:^24'],
  unknown: [
    'catalog:',
    'catalog:default',
    'patch:name@1.0.0#./p.patch',
    'npm:../dir',
    'work:../dir',
    'npm:user/repo',
    'a b c',
  ],
}

describe('sourceOf', () => {
  for (const [source, specifiers] of Object.entries(SPECIFIERS)) {
    for (const specifier of specifiers) {
      test(`${JSON.stringify(specifier)} is ${source}`, () => assert.equal(sourceOf(specifier), source))
    }
  }

  test('names of what every object has are no schemes', () => {
    for (const scheme of ['constructor', 'toString', '__proto__', 'hasOwnProperty']) {
      assert.notEqual(sourceOf(`${scheme}:../dir`), 'registry')
    }
  })

  test('what has a path in it is never taken for a version', () => {
    const path = fc
      .tuple(fc.string(), fc.constantFrom('/', '\\', './', '../', ':/'), fc.string())
      .map((parts) => parts.join(''))
    fc.assert(
      fc.property(path, (specifier) => {
        // The one slash that a registry's package has is the one behind its scope.
        fc.pre(!/^[\w.+-]+:@[\w.~-]+\/[\w~-]/.test(specifier))
        assert.notEqual(sourceOf(specifier), 'registry')
      }),
      { numRuns: 2000 },
    )
  })
})
