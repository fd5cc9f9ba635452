import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { makeFolder } from '../../src/util/folders.ts'

const base = mkdtempSync(path.join(tmpdir(), 'make-folder-'))
after(() => rmSync(base, { recursive: true }))
const inBase = (...names: string[]) => path.join(base, ...names)

describe('a folder', () => {
  it('is made with those above it, with the mode that is asked for', () => {
    makeFolder(inBase('a/b/c'), 0o700)
    for (const each of ['a', 'a/b', 'a/b/c']) {
      assert.ok(statSync(inBase(each)).isDirectory())
      if (process.platform !== 'win32') assert.equal(statSync(inBase(each)).mode & 0o777, 0o700)
    }
  })

  it('that is there stays as it is, also behind a link', () => {
    mkdirSync(inBase('there'))
    writeFileSync(inBase('there/file'), '')
    symlinkSync(inBase('there'), inBase('link'))
    for (const each of [inBase('there'), inBase('link'), base, path.parse(base).root]) makeFolder(each)
    makeFolder(inBase('link/more'))
    assert.deepEqual(readdirSync(inBase('there')), ['file', 'more'])
  })

  it('that cannot be made is an error at once', () => {
    writeFileSync(inBase('file'), '')
    symlinkSync(inBase('nothing'), inBase('dangling'))
    symlinkSync(inBase('circle'), inBase('circle'))
    const places = ['file', 'file/a', 'dangling', 'dangling/a', 'circle', 'circle/a', 'x\0y', `long/${'x'.repeat(300)}`]
    for (const each of places) assert.throws(() => makeFolder(`${base}/${each}`), each)
    assert.ok(!existsSync(inBase('nothing')))
    const special = process.platform === 'linux' ? ['/proc/x', '/proc/x/y', '/proc/self/x', '/dev/null/x'] : []
    for (const each of special) assert.throws(() => makeFolder(each), /ENOENT|EPERM|ENOTDIR|EEXIST|EACCES/, each)
  })
})

describe('the source', () => {
  it('makes no folder with `recursive`, which never ends below /proc', () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    for (const folder of ['src', 'hooks'])
      for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' }))
        if (file.endsWith('.ts'))
          assert.doesNotMatch(
            readFileSync(path.join(root, folder, file), 'utf8'),
            /mkdir(?:Sync)?\((?:[^()]|\([^()]*\))*recursive/,
            file,
          )
  })
})
