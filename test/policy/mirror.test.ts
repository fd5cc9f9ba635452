import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GateError } from '../../src/errors.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const RULES = 'rules: [{ packages: a, require: nothing }]\n'
const URL = 'https://mirror.example/x/{name}@{version}.json'

const mirrorOf = (attestations: string) =>
  parsePolicy(`attestations: ${attestations}\n${RULES}`, '.sigstorerc').attestations

describe('attestations', () => {
  it('as text is a mirror, and nobody else is asked', () => {
    assert.deepEqual(mirrorOf(URL), { url: URL, fallback: 'none' })
  })

  for (const fallback of ['registry', 'none'] as const) {
    it(`as a mapping says who else is: ${fallback}`, () => {
      assert.deepEqual(mirrorOf(`{ url: '${URL}', fallback: ${fallback} }`), { url: URL, fallback })
    })
  }

  it('that is not there is no mirror', () => {
    assert.equal(parsePolicy(RULES, '.sigstorerc').attestations, undefined)
  })

  for (const url of [
    'https://mirror.example/-/npm/v1/attestations/{name}@{version}',
    'https://mirror.example:8443/{version}/{name}',
    'https://mirror.example/{name}/{name}@{version}.json',
    'http://127.0.0.1:8080/{name}@{version}.json',
    'http://localhost/{name}@{version}.json',
    'http://[::1]:1/{name}@{version}.json',
  ]) {
    it(`may be ${url}`, () => assert.equal(mirrorOf(`'${url}'`)?.url, url))
  }

  const at = '.sigstorerc:1:15: '
  const refused: readonly (readonly [string, string])[] = [
    ['mirror.example/{name}@{version}.json', `${at}"mirror.example/{name}@{version}.json" is no https:// URL`],
    ['./attestations/{name}@{version}.json', `${at}"./attestations/{name}@{version}.json" is no https:// URL`],
    ['http://mirror.example/{name}@{version}', `${at}"http://mirror.example/{name}@{version}" is no https:// URL`],
    ['http://127.0.0.1.evil.example/{name}/{version}', `is no https:// URL`],
    ['file:///srv/{name}@{version}.json', `${at}"file:///srv/{name}@{version}.json" is no https:// URL`],
    ['https:///{name}@{version}.json', `is no https:// URL`],
    ['https:mirror.example/{name}@{version}', `is no https:// URL`],
    ['HTTPS://mirror.example/{name}@{version}', `is no https:// URL`],
    ['https://user:pass@mirror.example/{name}@{version}', `has more than host and path: remove it`],
    ['https://:pass@mirror.example/{name}@{version}', `has more than host and path: remove it`],
    ['https://mirror.example/?p={name}@{version}', `has more than host and path: remove it`],
    ['https://mirror.example/{name}@{version}#x', `has more than host and path: remove it`],
    [
      'https://mirror.example/x.json',
      `${at}"https://mirror.example/x.json" is the same for several packages: add {name}, as in https://mirror.example/{name}@{version}.json`,
    ],
    ['https://mirror.example', `is the same for several packages: add {name}`],
    ['https://mirror.example/{version}.json', `is the same for several packages: add {name}`],
    ['https://mirror.example/{name}.json', `is the same for several packages: add {version}`],
    [
      'https://mirror.example/{scope}/{name}@{version}.json',
      `${at}"{scope}" is not a placeholder: there are {name} and {version}`,
    ],
    ['https://mirror.example/{}/{name}@{version}.json', `"{}" is not a placeholder: there are {name} and {version}`],
    ['https://mirror.example/{ name }@{version}.json', `"{ name }" is not a placeholder`],
    ['https://mirror.example/{Name}@{version}.json', `"{Name}" is not a placeholder`],
    ['https://mirror.example/{name}@{version}}.json', `has a brace that belongs to no placeholder`],
    ['https://mirror.example/{name}@{version', `has a brace that belongs to no placeholder`],
    ['https://{name}.example/{name}@{version}.json', `has a placeholder outside of its path: write the host itself`],
    [
      'https://mirror.example:{version}/{name}@{version}',
      `has a placeholder outside of its path: write the host itself`,
    ],
    ['https://{name}@{version}', `has a placeholder outside of its path: write the host itself`],
    ['https://mirror.example/../{name}@{version}', `is not read by everybody alike`],
    ['https://mirror.example//{name}@{version}', `is not read by everybody alike`],
    ['https://mirror.example/{name}@{version}/', `is not read by everybody alike`],
    ['https://mirror.example\\@evil.example/{name}@{version}', `is not read by everybody alike`],
    ['', 'an empty string says nothing'],
  ]
  for (const [url, message] of refused) {
    it(`may not be ${JSON.stringify(url)}, in either form`, () => {
      const says = (run: () => unknown, line: number) =>
        assert.throws(run, (error) => {
          assert.ok(error instanceof GateError)
          assert.ok(error.message.includes(message.replace(at, '')), error.message)
          assert.match(error.message, new RegExp(`^\\.sigstorerc:${line}:\\d+: [^\\n]+$`))
          return true
        })
      says(() => mirrorOf(`'${url}'`), 1)
      says(() => mirrorOf(`\n  url: '${url}'\n  fallback: registry`), 2)
      if (message.startsWith(at)) assert.throws(() => mirrorOf(`'${url}'`), { message })
    })
  }

  const mistakes: readonly (readonly [string, string])[] = [
    [`{ url: '${URL}' }`, '.sigstorerc:1:15: "attestations" needs "fallback", which is missing'],
    ['{ fallback: registry }', '.sigstorerc:1:15: "attestations" needs "url", which is missing'],
    [
      `{ url: '${URL}', fallback: registery }`,
      '.sigstorerc:1:82: expected "registry" or "none", found "registery". Did you mean "registry"?',
    ],
    [
      `{ url: '${URL}', fallback: none, token: x }`,
      '.sigstorerc:1:88: unknown key "token" in "attestations", which has "url", "fallback"',
    ],
    [
      `[ '${URL}' ]`,
      '.sigstorerc:1:15: "attestations" is written as a mapping with "url", "fallback", but here is a list',
    ],
    [
      'true',
      '.sigstorerc:1:15: "attestations" is written as a mapping with "url", "fallback", but here is the truth value true',
    ],
    ['', '.sigstorerc:1:15: "attestations" is written as a mapping with "url", "fallback", but here is nothing'],
  ]
  for (const [value, message] of mistakes) {
    it(`may not be ${value}`, () => assert.throws(() => mirrorOf(value), { message }))
  }
})
