import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { couldName } from '../../src/cli/could-name.ts'

/** By folder below /r, the patterns that could name it and those that clearly do not. */
const CASES: Readonly<Record<string, { readonly could: readonly string[]; readonly clear: readonly string[] }>> = {
  app: {
    could: [
      ...['app', './app/', '/app', '//app', 'app//', '././app', 'app/.', 'x/../app', '../r/app', '/r/app', 'APP'],
      ...['*', '**', '**/app', '**/**', 'a*', '*p', 'a*p', 'a**p', '**/*', 'app/**', '***', './**/'],
      ...['{app}', '{app,x}', 'a{p,q}p', 'ap{o..q}', '{a,b}**', '.{,x}/app', 'app{,/x}', '@(app)', '!(foo)', 'a(p)p'],
      ...[
        '[a]pp',
        '[[:alpha:]]pp',
        'a?p',
        '?pp',
        '\\app',
        'a\\pp',
        'x\\..\\app',
        'app|x',
        '^app',
        'app$',
        '  app',
        '#app',
      ],
      ...['!!app', '!!!!app', '!!(app)', '*/../app', '**/../app', 'b/{.,x}{.,y}/app', 'b/[.]./app', '$app', 'äpp'],
    ],
    clear: [
      ...[
        'other',
        'app/*',
        'app/*/',
        'ap',
        'apps',
        'apps/*',
        '*/app',
        'packages/**',
        'packages/{a,b}',
        'a/[b]',
        '../app',
      ],
      ...['!app', '!**', '!!!app', '!**/test/**', '', '.', './', '/', 'packages/@(a|b)/c', 'r/app', '*x'],
    ],
  },
  'packages/a/test/fixture': {
    could: ['packages/**', '**', 'packages/*/test/*', 'packages/{a,b}/**', '**/fixture', 'packages/a/test/fixture'],
    clear: ['packages/*', 'packages/*/test', '!**/test/**', '!packages/{a,b}/test/**', 'apps/{a,b}', 'examples/**'],
  },
}

describe('a pattern of a workspace', () => {
  for (const [folder, { could, clear }] of Object.entries(CASES)) {
    for (const pattern of could)
      it(`${pattern} could name ${folder}`, () => assert.ok(couldName(pattern, '/r', `/r/${folder}`)))
    for (const pattern of clear)
      it(`${pattern} clearly does not name ${folder}`, () => assert.ok(!couldName(pattern, '/r', `/r/${folder}`)))
  }

  it('takes a star in the name of the root for what it is', () => {
    assert.ok(!couldName('../r*/app', '/x/r*', '/x/other/app'))
    assert.ok(couldName('app', '/x/r*', '/x/r*/app'))
    assert.ok(!couldName('app', '/x/r*', '/x/rr/app'))
  })
})
