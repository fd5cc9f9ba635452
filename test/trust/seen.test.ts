import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import type { TrustFiles } from '../../src/trust/inputs.ts'
import { seenOf } from '../../src/trust/seen.ts'
import { stateFile } from '../../src/trust/tuf-cache.ts'
import { GITHUB_URL, PUBLIC_URL } from '../../src/trust/urls.ts'

process.env.XDG_CACHE_HOME = mkdtempSync(join(tmpdir(), 'cache-'))
const OWN = 'https://tuf.acme.example'

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
}

/** Trust material of every kind, and the files that it is in. */
function everything(t: TestContext): { readonly files: TrustFiles; readonly paths: readonly string[] } {
  const root = mkdtempSync(join(tmpdir(), 'seen-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const file = (name: string) => {
    write(join(root, name), name)
    return join(root, name)
  }
  const own = ['trustedRoot', 'npmKeys', 'registry', 'domain', 'tuf', 'domainTuf'].map(file)
  const [trustedRoot, npmKeys, registry = '', domain, tuf = '', domainTuf = ''] = own
  const states = [OWN, 'https://tuf.other.example', GITHUB_URL].map(stateFile)
  for (const state of states) write(state, state)
  t.after(() => {
    for (const state of states) rmSync(state, { force: true })
  })
  const files = {
    trustedRoot,
    npmKeys,
    tuf: { url: OWN, root: tuf },
    maxStaleness: 1,
    registries: new Map([['acme', registry]]),
    domains: new Map([
      ['inner', { trustedRoot: domain, thresholds: { logEntries: 1 } }],
      ['other', { tuf: { url: 'https://tuf.other.example', root: domainTuf } }],
      ['github', {}],
    ]),
  }
  return { files, paths: [...own, ...states] }
}

describe('what is seen of the trust material', () => {
  it('is the same as long as nothing changes', (t) => {
    const { files } = everything(t)
    assert.equal(seenOf(files), seenOf({ ...files, domains: new Map(files.domains) }))
    assert.match(seenOf({}), /^[0-9a-f]{64}$/)
  })

  it('is other when any of its files has another text, is gone, or is none', (t) => {
    const { files, paths } = everything(t)
    assert.equal(paths.length, 9)
    const before = seenOf(files)
    for (const path of paths) {
      const seen = new Set([before])
      write(path, 'changed')
      seen.add(seenOf(files))
      rmSync(path)
      seen.add(seenOf(files))
      mkdirSync(path)
      seen.add(seenOf(files))
      assert.equal(seen.size, 4, path)
      rmSync(path, { recursive: true })
      write(path, 'back')
    }
  })

  it('is other when the policy names something else', (t) => {
    const { files } = everything(t)
    const { domains = new Map(), registries = new Map() } = files
    const [[name, inner] = ['', {}], ...rest] = [...domains]
    const others: readonly TrustFiles[] = [
      { ...files, trustedRoot: undefined },
      { ...files, npmKeys: files.trustedRoot },
      { ...files, tuf: undefined },
      { ...files, maxStaleness: 2 },
      { ...files, registries: new Map([['other', [...registries.values()][0] ?? '']]) },
      { ...files, domains: new Map(rest) },
      { ...files, domains: new Map([...rest, ['renamed', inner]]) },
      { ...files, domains: new Map([...rest, [name, { ...inner, thresholds: { logEntries: 2 } }]]) },
    ]
    assert.equal(new Set([files, ...others].map(seenOf)).size, others.length + 1)
  })

  it('of the public instance is its state as soon as there is one', (t) => {
    const state = stateFile(PUBLIC_URL)
    t.after(() => rmSync(state, { force: true }))
    const before = seenOf({})
    write(state, 'kept')
    assert.notEqual(seenOf({}), before)
  })
})
