import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { githubOrigin } from '../../src/lockfile/github.ts'

const COMMIT = 'c5e17a62e06a1d201570249c61fae531e9244e1b'
const RELEASE = 'https://github.com/acme/widget/releases/download'

const clone = (repo: string, commit = COMMIT) => ({ type: 'git', repo, commit })
/** A text is the address of a tarball. */
const resolution = (of: string | object | undefined) =>
  (typeof of === 'object' ? of : { tarball: of }) as Record<string, unknown>
const shown = (of: string | object | undefined) => (typeof of === 'object' ? JSON.stringify(of) : of)

describe('an origin on GitHub', () => {
  for (const [origin, expected] of [
    [`${RELEASE}/v1.2.3/widget-1.2.3.tgz`, { repository: 'acme/widget', tag: 'v1.2.3' }],
    [`${RELEASE}/%40acme%2Fwidget%401.2.3/a.tgz`, { repository: 'acme/widget', tag: '@acme/widget@1.2.3' }],
    [`${RELEASE}/release/1.2/a.tgz`, { repository: 'acme/widget', tag: 'release/1.2' }],
    [`https://codeload.github.com/acme/widget.js/tar.gz/${COMMIT}`, { repository: 'acme/widget.js', commit: COMMIT }],
    [clone('https://github.com/acme/widget.git'), { repository: 'acme/widget', commit: COMMIT }],
    [clone('git+https://github.com/acme/widget'), { repository: 'acme/widget', commit: COMMIT }],
    [clone('git+ssh://git@github.com/acme/widget.git'), { repository: 'acme/widget', commit: COMMIT }],
    [clone('git@github.com:acme/widget.git'), { repository: 'acme/widget', commit: COMMIT }],
  ] as const) {
    it(`is ${shown(origin)}`, () => assert.deepEqual(githubOrigin(resolution(origin)), expected))
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
    clone('https://github.com/acme/widget.git', 'main'),
    clone('https://github.com/acme/widget.git', COMMIT.slice(1)),
    clone('https://github.com/acme/widget.git', COMMIT.toUpperCase()),
    clone('https://github.com/acme/widget/more.git'),
    clone('https://gitlab.com/acme/widget.git'),
    clone('git://github.com/acme/widget.git'),
    clone('http://github.com/acme/widget.git'),
    clone('git@github.com.evil.test:acme/widget.git'),
    // What reads the two as one text would prove that commit, and pnpm gets the other.
    clone(`https://github.com/acme/widget#${COMMIT}&path:x`, 'f'.repeat(40)),
    clone(`https://github.com/acme/widget#${COMMIT}`, ''),
    { ...clone('https://github.com/acme/widget.git'), path: 'packages/a' },
    { ...clone('https://github.com/acme/widget.git'), path: '' },
    { ...clone('https://github.com/acme/widget.git'), type: 'directory' },
    { type: 'git', repo: 'https://github.com/acme/widget.git' },
    { tarball: `${RELEASE}/v1/a.tgz`, path: 'a' },
    { tarball: `${RELEASE}/v1/a.tgz`, type: 'binary' },
    { tarball: [`${RELEASE}/v1/a.tgz`] },
  ]) {
    it(`is not ${shown(origin)}`, () => assert.equal(githubOrigin(resolution(origin)), undefined))
  }

  it('never names another place than the URL that is asked', () => {
    const piece = fc.oneof(
      fc.constantFrom('..', '.', '%2e%2e', '%2f', 'acme', 'v1', '', '\\', '@', 'releases', 'download'),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 8 }), (pieces) => {
        const origin = `https://github.com/${pieces.join('/')}`
        const found = githubOrigin({ tarball: origin })
        if (found === undefined || !('tag' in found)) return
        const { host, pathname, search, hash } = new URL(origin)
        assert.deepEqual([host, search, hash], ['github.com', '', ''])
        assert.ok(pathname.startsWith(`/${found.repository}/releases/download/`), pathname)
        assert.equal(decodeURIComponent(pathname).split('/releases/download/')[1]?.startsWith(`${found.tag}/`), true)
      }),
    )
  })
})
