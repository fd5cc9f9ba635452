import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, it } from 'node:test'
import { workspaceFolders } from '../../src/cli/run/workspace.ts'
import { workspaceManifests } from '../../src/lockfile/manifests.ts'
import { folderWith, messageOf } from '../policy/support.ts'

const HOSTILE: Readonly<Record<string, string>> = {
  'many braces': '{a,b}'.repeat(24),
  'braces in braces': `${'{a,'.repeat(30)}b${'}'.repeat(30)}`,
  'a range': '{1..1000000}',
  'a long pattern': 'a/'.repeat(5000),
  'many stars': '*'.repeat(1000),
  'many stars between': `${'*a'.repeat(20)}b`,
  'many **': '**/'.repeat(300),
  'many ** between': '**/*/'.repeat(200),
  'a group that repeats': '+(a|aa)b',
  'many groups': `${'?(a)'.repeat(40)}b`,
}

/** Each place that looks for the folders of a pattern, by the file that has it. */
const PLACES = {
  'package.json, for the projects of a lockfile': ['package.json', workspaceManifests],
  'package.json, for what projects ask for': ['package.json', workspaceFolders],
  'package.json, as an object': ['object', workspaceFolders],
  'pnpm-workspace.yaml': ['pnpm-workspace.yaml', workspaceFolders],
} as const

describe('hostile patterns of a workspace', () => {
  for (const [place, [kind, find]] of Object.entries(PLACES)) {
    for (const [what, pattern] of Object.entries(HOSTILE)) {
      for (const mark of ['', '!', '!!']) {
        it(`end soon in ${place}: ${mark}${what}`, async (t) => {
          const list = [`${mark}${pattern}`]
          const workspaces = kind === 'object' ? { packages: list } : list
          const file = kind === 'pnpm-workspace.yaml' ? kind : 'package.json'
          const text = JSON.stringify(file === 'package.json' ? { workspaces } : { packages: list }, null, 2)
          const root = folderWith(t, { [file]: text, [path.join('a'.repeat(200), 'a/b/package.json')]: '{}' })
          const started = performance.now()
          const message = await messageOf(root, () => find(root))
          assert.ok(performance.now() - started < 3000, message)
          const isCheap = /many stars$|many \*\*/.test(what) && pattern.length <= 1020
          if (isCheap) assert.equal(message, 'accepted')
          else assert.match(message, /^~\/[\w.-]+:\d+: the workspace pattern ".{1,61}" (?:has|is) .*Name the folders/)
        })
      }
    }
  }
})
