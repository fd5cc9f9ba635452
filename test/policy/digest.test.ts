import assert from 'node:assert/strict'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { noteTexts } from '../../src/policy/digest.ts'
import { loadPolicy } from '../../src/policy/load.ts'
import { always } from '../../src/policy/once.ts'

const RULES = 'rules: [{ packages: "**", require: nothing }]\n'
const FILES = {
  '.sigstorerc': `extends: ./shared.yaml
trust:
  npmKeys: keys.json
  registries: { ours: ours.json }
  domains:
    pinned: { trustedRoot: domain.json }
    renewed: { tuf: { url: https://tuf.example/, root: first.json } }
${RULES}`,
  'shared.yaml': `trust: { trustedRoot: root.json }\n${RULES}`,
  'root.json': '{}',
  'keys.json': '{}',
  'ours.json': '{}',
  'domain.json': '{}',
  'first.json': '{}',
}

async function digestIn(folder: string): Promise<string> {
  const texts = noteTexts(always)
  const policy = await loadPolicy({ folder }, {}, texts.once)
  return texts.digest(policy.file)
}

it('the digest of a policy is another where one of its files or of the trust files that it names is', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'digest-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const [one, two] = ['one', 'two'].map((name) => path.join(root, name)) as [string, string]
  mkdirSync(one)
  for (const [name, text] of Object.entries(FILES)) writeFileSync(path.join(one, name), text)
  cpSync(one, two, { recursive: true })
  const before = await digestIn(one)
  assert.equal(await digestIn(two), before)
  for (const [name, text] of Object.entries(FILES)) {
    writeFileSync(path.join(two, name), `${text}\n`)
    assert.notEqual(await digestIn(two), before, name)
    writeFileSync(path.join(two, name), text)
  }
  // One in the place of another.
  writeFileSync(path.join(one, 'keys.json'), '[]')
  writeFileSync(path.join(two, 'root.json'), '[]')
  assert.notEqual(await digestIn(one), await digestIn(two))
})
