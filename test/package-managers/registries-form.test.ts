import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { findUnsafeSettings } from '../../src/package-managers/settings/find.ts'
import { hasForm } from '../../src/package-managers/settings/forms.ts'

const URL = 'https://npm.acme.test/'

const unsafe = (settings: Readonly<Record<string, unknown>>) =>
  findUnsafeSettings('pnpm', [
    { kind: 'pnpm-workspace.yaml', file: 'pnpm-workspace.yaml', text: stringify(settings) },
  ]).map(({ key }) => key)

describe('registries of pnpm-workspace.yaml', () => {
  const safe: readonly unknown[] = [
    null,
    {},
    { default: URL, '@acme': 'http://localhost:4873' },
    { [URL]: {} },
    { [URL]: { prefix: 'work' } },
    { [URL]: { scopes: ['@', '@acme'], prefix: 'w.o-r_k', serverType: 'artifactory', supportsTimeField: true } },
    { [URL]: { scopes: [], prefix: null, networkConcurrency: 4, ecosystem: 'npm' } },
  ]
  for (const registries of safe)
    it(`are safe: ${JSON.stringify(registries)}`, () => assert.deepEqual(unsafe({ registries }), []))

  const others: readonly unknown[] = [
    URL,
    [URL],
    true,
    { default: 'npm.acme.test' },
    { default: 'file:///etc' },
    { default: null },
    { acme: URL },
    { [URL]: URL },
    { 'npm.acme.test': { prefix: 'work' } },
    { 'file:///x': { prefix: 'work' } },
    { [URL]: [] },
    { [URL]: null },
    { [URL]: { prefix: ['work'] } },
    { [URL]: { prefix: '' } },
    { [URL]: { prefix: '1' } },
    { [URL]: { prefix: 'a:b' } },
    { [URL]: { prefix: 'a\nb' } },
    { [URL]: { scopes: '@acme' } },
    { [URL]: { scopes: ['acme'] } },
    { [URL]: { scopes: [['@acme']] } },
    { [URL]: { scopes: ['@a/b'] } },
    { [URL]: { serverType: 'other' } },
    { [URL]: { supportsTimeField: 'true' } },
    { [URL]: { networkConcurrency: -1 } },
    // Packages of another language, and whatever a newer pnpm may know.
    { [URL]: { ecosystem: 'pypi' } },
    { [URL]: { packages: ['*'] } },
    { [URL]: { _authToken: 'x' } },
    { [URL]: { tokenHelper: '/bin/x' } },
    { [URL]: { cafile: './x' } },
    { 'https://${HOST}/': { prefix: 'work' } },
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is what must not be there
    { default: 'https://${HOST}/' },
  ]
  for (const registries of others)
    it(`are not known to be safe: ${JSON.stringify(registries)}`, () =>
      assert.deepEqual([...new Set(unsafe({ registries }))], ['registries']))

  it('have names that are words, each with a URL', () => {
    for (const namedRegistries of [null, {}, { work: URL }, { gh: 'https://github.acme.test/npm' }])
      assert.deepEqual(unsafe({ namedRegistries }), [])
    for (const namedRegistries of [
      URL,
      [URL],
      { work: null },
      { work: 'x' },
      { 'a b': URL },
      { '': URL },
      { a: [URL] },
    ])
      assert.deepEqual(unsafe({ namedRegistries }), ['namedRegistries'], JSON.stringify(namedRegistries))
  })

  it('are of a form or not, whatever they are: nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
        (value) => {
          for (const form of ['registries', 'registry-names'] as const) {
            assert.equal(typeof hasForm(value, form), 'boolean')
            assert.equal(typeof hasForm({ [URL]: { prefix: value, scopes: value } }, form), 'boolean')
          }
        },
      ),
    )
  })
})
