import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync } from 'node:fs'
import { join, parse, relative, resolve } from 'node:path'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { attestationsIn, DOCUMENT, folder, found, locked, refused } from './support.ts'

const JSON_DOCUMENT = JSON.stringify(DOCUMENT)

describe('a folder of documents', () => {
  it('is laid out like the endpoint', async (t) => {
    const root = folder(t, {
      'widgets@1.0.0.json': JSON_DOCUMENT,
      '@acme/widgets@1.0.0-rc.1+build.json': '{"scoped":true}',
    })
    assert.deepEqual(found(await attestationsIn(root)(locked('widgets'))), DOCUMENT)
    assert.deepEqual(found(await attestationsIn(root)(locked('@acme/widgets', '1.0.0-rc.1+build'))), {
      scoped: true,
    })
  })

  it('may be named relative to the current folder, and with a slash at the end', async (t) => {
    const root = folder(t, { 'widgets@1.0.0.json': JSON_DOCUMENT })
    found(await attestationsIn(relative(process.cwd(), root))(locked('widgets')))
    found(await attestationsIn(`${root}/./`)(locked('widgets')))
  })

  it('may be a link, and its files may be', async (t) => {
    const root = folder(t, { 'store/1.json': JSON_DOCUMENT })
    mkdirSync(join(root, 'real'))
    symlinkSync(join(root, 'store/1.json'), join(root, 'real/widgets@1.0.0.json'))
    symlinkSync(join(root, 'real'), join(root, 'link'), 'dir')
    assert.deepEqual(found(await attestationsIn(join(root, 'link'))(locked('widgets'))), DOCUMENT)
  })

  it('gives any JSON as it is: judging it is not for here', async (t) => {
    const root = folder(t, { 'a@1.0.0.json': 'null', 'b@1.0.0.json': '"text"', 'c@1.0.0.json': ' [ ] ' })
    assert.equal(found(await attestationsIn(root)(locked('a'))), null)
    assert.equal(found(await attestationsIn(root)(locked('b'))), 'text')
    assert.deepEqual(found(await attestationsIn(root)(locked('c'))), [])
  })
})

describe('EVIDENCE_MISSING', () => {
  it('where there is no such file', async (t) => {
    const root = folder(t, { 'widgets@1.0.0.json': JSON_DOCUMENT })
    const what = refused(await attestationsIn(root)(locked('widgets', '1.0.1')), 'EVIDENCE_MISSING')
    assert.equal(what, `no file ${join(root, 'widgets@1.0.1.json')}`)
  })

  it('where there is no folder of the scope', async (t) => {
    refused(await attestationsIn(folder(t))(locked('@acme/widgets')), 'EVIDENCE_MISSING')
  })

  it('where the scope is a file', async (t) => {
    const root = folder(t, { '@acme': 'x' })
    refused(await attestationsIn(root)(locked('@acme/widgets')), 'EVIDENCE_MISSING')
  })

  it('where the link leads nowhere', async (t) => {
    const root = folder(t)
    symlinkSync(join(root, 'gone.json'), join(root, 'widgets@1.0.0.json'))
    refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_MISSING')
  })

  it('where name and version are empty', async (t) => {
    const root = folder(t, { '.json': JSON_DOCUMENT, 'widgets@.json.json': JSON_DOCUMENT })
    refused(await attestationsIn(root)(locked('', '')), 'EVIDENCE_MISSING')
    refused(await attestationsIn(root)(locked('widgets', '')), 'EVIDENCE_MISSING')
  })

  /** All of them would lead to a file that is there, if the path were followed. */
  const hostile: readonly (readonly [name: string, version: string])[] = [
    ['../outside', '1.0.0'],
    ['../inside/widgets', '1.0.0'],
    ['@x/../../outside', '1.0.0'],
    ['@x/..', '/../../outside@1.0.0'],
    ['x', '/../../outside@1.0.0'],
    ['@x/../widgets', '1.0.0'],
    ['./widgets', '1.0.0'],
    ['@acme/./widgets', '1.0.0'],
    ['@acme//widgets', '1.0.0'],
    ['@acme/sub/../widgets', '1.0.0'],
  ]
  for (const [name, version] of hostile) {
    it(`for ${name}@${version}, which is no name of a package`, async (t) => {
      const root = folder(t, {
        'outside@1.0.0.json': JSON_DOCUMENT,
        'inside/widgets@1.0.0.json': JSON_DOCUMENT,
        'inside/@acme/widgets@1.0.0.json': JSON_DOCUMENT,
        'inside/@acme/sub/x': '',
        'inside/@x/x': '',
        'inside/x@/x': '',
      })
      const inside = join(root, 'inside')
      const what = refused(await attestationsIn(inside)(locked(name, version)), 'EVIDENCE_MISSING')
      assert.equal(what, `a name that leaves ${inside}`)
      found(await attestationsIn(inside)(locked('widgets')))
    })
  }

  it('for an absolute path', async (t) => {
    const root = folder(t, { 'outside@1.0.0.json': JSON_DOCUMENT, 'inside/x': '' })
    const ask = attestationsIn(join(root, 'inside'))
    refused(await ask(locked(join(root, 'outside'))), 'EVIDENCE_MISSING')
    // Below the root of the file system everything is inside, but not under any name.
    const everything = attestationsIn(parse(root).root)
    refused(await everything(locked(join(root, 'outside'))), 'EVIDENCE_MISSING')
    found(await everything(locked(relative(parse(root).root, join(root, 'outside')))))
  })

  it('for every name that is not a plain path below the folder', async (t) => {
    const root = folder(t, { 'inside/x': '' })
    const ask = attestationsIn(join(root, 'inside'))
    const part = fc.constantFrom('..', '.', '', 'a', '@x', '\\', '..\\', 'C:', '~', '\u0000', '%2e%2e')
    const name = fc.array(part, { maxLength: 6 }).map((parts) => parts.join('/'))
    const property = fc.asyncProperty(name, name, async (name, version) => {
      const file = resolve(root, 'inside', `${name}@${version}.json`)
      const evidence = await ask(locked(name, version))
      if (!file.startsWith(join(root, 'inside', '/'))) refused(evidence, 'EVIDENCE_MISSING')
      assert.equal(evidence.ok, false)
    })
    await fc.assert(property, { numRuns: 500 })
  })
})

describe('EVIDENCE_UNAVAILABLE', () => {
  it('where the folder is not there: that says nothing about any package', async (t) => {
    const root = folder(t)
    const gone = join(root, 'gone')
    const what = refused(await attestationsIn(gone)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.equal(what, `no folder ${gone}`)
    refused(await attestationsIn(gone)(locked('@acme/widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('where the folder was removed while it was used', async (t) => {
    const root = folder(t, { 'widgets@1.0.0.json': JSON_DOCUMENT })
    const ask = attestationsIn(root)
    found(await ask(locked('widgets')))
    rmSync(root, { recursive: true })
    refused(await ask(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('where the folder is a file', async (t) => {
    const root = folder(t, { file: '' })
    refused(await attestationsIn(join(root, 'file'))(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('where the file is a folder', async (t) => {
    const root = folder(t, { 'widgets@1.0.0.json/x': '' })
    const what = refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
    assert.equal(what, `${join(root, 'widgets@1.0.0.json')} is a folder`)
  })

  it('where the file is a pipe, which nobody will ever write into, and where it is too large', async (t) => {
    const root = folder(t, { 'large@1.0.0.json': `"${'x'.repeat(5 << 20)}"` })
    execFileSync('mkfifo', [join(root, 'widgets@1.0.0.json')])
    assert.match(
      refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_UNAVAILABLE'),
      /is not a regular file$/,
    )
    assert.match(
      refused(await attestationsIn(root)(locked('large')), 'EVIDENCE_UNAVAILABLE'),
      /has more than 4194304 bytes$/,
    )
  })

  it('where the file may not be read', {
    skip: process.getuid?.() === 0 ? 'root may read everything' : false,
  }, async (t) => {
    const root = folder(t, { 'widgets@1.0.0.json': JSON_DOCUMENT })
    chmodSync(join(root, 'widgets@1.0.0.json'), 0)
    refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('where links lead in a circle', async (t) => {
    const root = folder(t)
    symlinkSync(join(root, 'widgets@1.0.0.json'), join(root, 'widgets@1.0.0.json'))
    refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
  })

  it('where a name is longer than a file system takes', async (t) => {
    refused(await attestationsIn(folder(t))(locked('a'.repeat(5000))), 'EVIDENCE_UNAVAILABLE')
  })

  for (const [what, content] of Object.entries({
    nothing: '',
    'half of it': JSON_DOCUMENT.slice(0, -5),
    'something after it': `${JSON_DOCUMENT}x`,
    'a web page': '<!doctype html>',
    'a byte order mark': `\uFEFF${JSON_DOCUMENT}`,
    bytes: Buffer.from([0xff, 0xfe]),
  })) {
    it(`where the file holds ${what}`, async (t) => {
      const root = folder(t, { 'widgets@1.0.0.json': content })
      const text = refused(await attestationsIn(root)(locked('widgets')), 'EVIDENCE_UNAVAILABLE')
      assert.ok(text.startsWith(`${join(root, 'widgets@1.0.0.json')}: `), text)
    })
  }
})
