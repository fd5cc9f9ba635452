import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { it } from 'node:test'
import { derivedIn } from '../../src/evidence/derived.ts'
import { loadPolicy } from '../../src/policy/load.ts'

it('a policy that is remembered is that of its file: the same text elsewhere names other trust files', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'once-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const places = { cache: path.join(root, 'cache'), keyFile: path.join(root, 'key') }
  const folders = ['good', 'evil'].map((name) => path.join(root, name))
  for (const folder of folders) {
    mkdirSync(folder)
    writeFileSync(
      path.join(folder, '.sigstorerc'),
      'trust: { trustedRoot: root.json }\nrules: [{ packages: "**", require: nothing }]',
    )
    writeFileSync(path.join(folder, 'root.json'), '{}')
  }
  for (let round = 0; round < 2; round += 1) {
    for (const folder of folders) {
      const policy = await loadPolicy({ folder }, {}, derivedIn(places, '1.0.0'))
      assert.equal(policy.trust.trustedRoot, path.join(folder, 'root.json'))
      assert.deepEqual(policy, await loadPolicy({ folder }))
    }
  }
})

it('what another version of the gate has made of a text is not known', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'once-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const places = { cache: path.join(root, 'cache'), keyFile: path.join(root, 'key') }
  const by = (version: string) => derivedIn(places, version)(['x'], 'text', async () => version)
  for (const version of ['1.0.0', '1.0.1', '1.0.0']) assert.equal(await by(version), version)
})
