/** docs/registries.md: each policy in it is one, and what it says of codes, files and bounds is so. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, it } from 'node:test'
import { CODES } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import { evidenceFrom, ruleFor } from '../../src/policy/decide.ts'
import { parsePolicy } from '../../src/policy/parse.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const TEXT = readFileSync(path.join(ROOT, 'docs/registries.md'), 'utf8')
const POLICIES = [...TEXT.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) =>
  parsePolicy(text, 'docs/registries.md'),
)
const NPM = 'https://registry.npmjs.org/'

const pkg = (name: string): LockedPackage => ({
  name,
  version: '1.0.0',
  integrity: undefined,
  source: 'registry',
  origin: undefined,
  importers: ['.'],
  key: `${name}@1.0.0`,
})

describe('docs/registries.md', () => {
  it('has recipes', () => assert.equal(POLICIES.length, 6))

  it('tells no other registry of the names of private packages, but where they are published there as well', () => {
    const told = POLICIES.filter((policy) => evidenceFrom(pkg('@acme/secret'), policy) !== undefined)
    assert.equal(told.length, 1)
    assert.deepEqual(
      ruleFor(pkg('@acme/secret'), told[0] ?? assert.fail())?.publishers.map(({ owner }) => owner),
      ['https://github.com/acme'],
    )
  })

  it('asks npm for what comes through a proxy', () => {
    const [proxy, mirror, github, published, verdaccio, scopes] = POLICIES
    assert.ok(proxy && mirror && github && published && verdaccio && scopes)
    for (const name of ['left-pad', '@sigstore/sign']) assert.equal(evidenceFrom(pkg(name), proxy), NPM)
    assert.equal(mirror.attestations?.fallback, 'none')
    assert.equal(evidenceFrom(pkg('left-pad'), github), undefined)
    assert.equal(evidenceFrom(pkg('vite'), verdaccio), NPM)
    assert.equal(evidenceFrom(pkg('left-pad'), verdaccio), undefined)
    assert.equal(ruleFor(pkg('@acme/a'), scopes)?.registry, 'acme')
  })

  it('names no code that does not exist', () => {
    const named = [...TEXT.matchAll(/`(EVIDENCE_[A-Z]+)`/g)].map(([, code = '']) => code)
    assert.ok(named.length > 5)
    assert.deepEqual(
      named.filter((code) => !Object.hasOwn(CODES, code)),
      [],
    )
  })

  it('names tests and pages that are there', () => {
    const tests = [...TEXT.matchAll(/`(test\/[\w./-]+)`/g)].map(([, file = '']) => file)
    const pages = [...TEXT.matchAll(/\]\((\w+\.md)\)/g)].map(([, file = '']) => `docs/${file}`)
    assert.ok(tests.length >= 2 && pages.length >= 1)
    for (const file of [...tests, ...pages]) assert.ok(existsSync(path.join(ROOT, file)), file)
  })
})
