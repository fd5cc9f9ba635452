/** A pull request can nest a file so deeply that a parser has no stack left for it. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { runCli } from './support.ts'

const DEPTH = 50_000
const SHAPES = {
  'open lists': '['.repeat(DEPTH),
  'closed lists': `x: ${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}\n`,
  'closed lists that are less deep': `x: ${'['.repeat(4000)}${']'.repeat(4000)}\n`,
  maps: `x: ${'{a: '.repeat(DEPTH)}`,
  'block lists': '- '.repeat(DEPTH),
}
const PNPM = { 'pnpm-lock.yaml': "lockfileVersion: '9.0'\nimporters:\n  .: {}\n" }
const YARN = { 'yarn.lock': '# yarn lockfile v1\n\n\n' }
const FILES: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ['.sigstorerc', PNPM],
  ['pnpm-workspace.yaml', PNPM],
  ['pnpm-lock.yaml', {}],
  ['.yarnrc.yml', YARN],
]

for (const [name, others] of FILES)
  for (const [shape, text] of Object.entries(SHAPES))
    test(`${name} of ${shape} is refused in words that are no machine's`, async (t) => {
      const folder = mkdtempSync(path.join(tmpdir(), 'nested-'))
      t.after(() => rmSync(folder, { recursive: true }))
      const files = {
        '.sigstorerc': 'rules: [{packages: "**", require: nothing}]\n',
        'package.json': '{"name":"x","version":"1.0.0"}',
        ...others,
        [name]: text,
      }
      for (const [file, content] of Object.entries(files)) writeFileSync(path.join(folder, file), content)
      const { status, stderr } = await runCli(['verify'], { cwd: folder, env: { HOME: folder } })
      assert.equal(status, 2, stderr)
      assert.ok(stderr.includes(name), stderr.slice(0, 500))
      assert.doesNotMatch(stderr, /call stack|RangeError|TypeError/)
      if (shape !== 'closed lists that are less deep') assert.match(stderr, /nested too deeply/)
    })
