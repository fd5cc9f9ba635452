import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { githubOrigin } from '../../src/lockfile/github.ts'

const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
const RELEASE = 'https://github.com/acme/widget/releases/download'

describe('an origin on GitHub', () => {
  for (const [origin, expected] of [
    [`${RELEASE}/v1.2.3/widget-1.2.3.tgz`, { repository: 'acme/widget', tag: 'v1.2.3' }],
    [`${RELEASE}/%40acme%2Fwidget%401.2.3/a.tgz`, { repository: 'acme/widget', tag: '@acme/widget@1.2.3' }],
    [`${RELEASE}/release/1.2/a.tgz`, { repository: 'acme/widget', tag: 'release/1.2' }],
    [`https://codeload.github.com/acme/widget.js/tar.gz/${COMMIT}`, { repository: 'acme/widget.js', commit: COMMIT }],
    [`https://github.com/acme/widget.git#${COMMIT}`, { repository: 'acme/widget', commit: COMMIT }],
    [`git+https://github.com/acme/widget#${COMMIT}`, { repository: 'acme/widget', commit: COMMIT }],
    [
      `git+ssh://git@github.com/acme/widget.git#${COMMIT}&path:packages/a`,
      { repository: 'acme/widget', commit: COMMIT },
    ],
    [`git@github.com:acme/widget.git#${COMMIT}`, { repository: 'acme/widget', commit: COMMIT }],
  ] as const) {
    it(`is ${origin}`, () => assert.deepEqual(githubOrigin(origin), expected))
  }

  for (const origin of [
    undefined,
    '',
    'https://github.com/acme/widget/releases/latest/download/a.tgz',
    `${RELEASE}/a.tgz`,
    `${RELEASE}/v1/`,
    `${RELEASE}//a.tgz`,
    `${RELEASE}/../a.tgz`,
    `${RELEASE}/%2e%2e/a.tgz`,
    `${RELEASE}/v1/%2e`,
    `${RELEASE}/v1/..`,
    `${RELEASE}/%zz/a.tgz`,
    `${RELEASE}/v1/a.tgz?x=1`,
    `${RELEASE}/v1/a.tgz#x`,
    `${RELEASE}\\v1\\a.tgz`,
    'https://github.com/../widget/releases/download/v1/a.tgz',
    'https://github.com/acme/../releases/download/v1/a.tgz',
    'https://github.com/acme%2fx/widget/releases/download/v1/a.tgz',
    'https://user@github.com/acme/widget/releases/download/v1/a.tgz',
    'https://github.com:8443/acme/widget/releases/download/v1/a.tgz',
    'https://GITHUB.com.evil.test/acme/widget/releases/download/v1/a.tgz',
    'http://github.com/acme/widget/releases/download/v1/a.tgz',
    'https://github.com/acme/widget/archive/v1/releases/download/a.tgz',
    `https://codeload.github.com/acme/widget/tar.gz/v1.2.3`,
    `https://codeload.github.com/acme/widget/tar.gz/${COMMIT}/x`,
    `https://codeload.github.com/acme/widget/zip/${COMMIT}`,
    `https://codeload.github.com/acme/../tar.gz/${COMMIT}`,
    `https://github.com/acme/widget.git#main`,
    `https://github.com/acme/widget.git#${COMMIT.slice(1)}`,
    `https://github.com/acme/widget/more.git#${COMMIT}`,
    `https://gitlab.com/acme/widget.git#${COMMIT}`,
    `git://github.com/acme/widget.git#${COMMIT}`,
    `http://github.com/acme/widget.git#${COMMIT}`,
    `git@github.com.evil.test:acme/widget.git#${COMMIT}`,
  ]) {
    it(`is not ${origin}`, () => assert.equal(githubOrigin(origin), undefined))
  }

  it('never names another place than the URL that is asked', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '%2e%2e', '%2f', 'acme', 'v1', '', '\\', '@', 'releases', 'download'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const origin = `https://github.com/${pieces.join('/')}`
        const found = githubOrigin(origin)
        if (found === undefined || !('tag' in found)) return
        const { host, pathname, search, hash } = new URL(origin)
        assert.deepEqual([host, search, hash], ['github.com', '', ''])
        assert.ok(pathname.startsWith(`/${found.repository}/releases/download/`), pathname)
        assert.equal(decodeURIComponent(pathname).split('/releases/download/')[1]?.startsWith(`${found.tag}/`), true)
      }),
    )
  })
})
