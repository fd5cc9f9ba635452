import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import { FileError, type FileProblem, readBoundedFile, readBoundedFileSync } from '../../src/util/files.ts'

const MAX = 1000
const folder = mkdtempSync(path.join(tmpdir(), 'gate-files-'))
const at = (name: string) => path.join(folder, name)
const server = createServer()

before(async () => {
  writeFileSync(at('plain'), 'x'.repeat(MAX))
  writeFileSync(at('empty'), '')
  writeFileSync(at('large'), 'x'.repeat(MAX + 1))
  writeFileSync(at('huge'), '')
  truncateSync(at('huge'), 1024 ** 3)
  mkdirSync(at('folder'))
  execFileSync('mkfifo', [at('pipe')])
  await new Promise<void>((resolve) => server.listen(at('socket'), resolve))
  for (const [name, target] of Object.entries(LINKS)) symlinkSync(target, at(name))
})
after(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

const LINKS = {
  'link-to-plain': 'plain',
  'link-to-pipe': 'pipe',
  'link-to-folder': 'folder',
  'link-to-nothing': 'nothing',
  'link-to-zero': '/dev/zero',
  'link-to-terminal': '/dev/ptmx',
  'link-to-endless-proc': '/proc/kmsg',
  'link-to-link': 'link-to-terminal',
}

const readers = {
  readBoundedFile,
  readBoundedFileSync: async (file: string, max: number) => readBoundedFileSync(file, max),
}
const isLinux = process.platform === 'linux' ? false : 'needs the devices of Linux'

for (const [reader, read] of Object.entries(readers)) {
  describe(reader, { skip: isLinux }, () => {
    for (const [name, length] of [
      ['plain', MAX],
      ['link-to-plain', MAX],
      ['empty', 0],
    ] as const) {
      it(`reads ${name} whole`, async () => assert.equal((await read(at(name), MAX))?.length, length))
    }

    it('reads a file in /proc, which claims to have no bytes', async () => {
      assert.ok(((await read('/proc/self/status', 100_000))?.length ?? 0) > 100)
    })

    for (const name of ['nothing', 'link-to-nothing', 'plain/below']) {
      it(`has nothing to read of ${name}`, async () => assert.equal(await read(at(name), MAX), undefined))
    }

    const refused: Readonly<Record<string, readonly FileProblem[]>> = {
      folder: ['folder'],
      'link-to-folder': ['folder'],
      pipe: ['special'],
      'link-to-pipe': ['special'],
      socket: ['special'],
      'link-to-zero': ['special'],
      'link-to-terminal': ['special'],
      'link-to-link': ['special'],
      large: ['large'],
      huge: ['large'],
      // Root may open it, and would wait for the kernel to say something.
      'link-to-endless-proc': ['unreadable', 'large'],
    }
    for (const [name, problems] of Object.entries(refused)) {
      it(`refuses ${name} at once`, async () => {
        await assert.rejects(read(at(name), MAX), (error) => {
          assert.ok(error instanceof FileError)
          assert.ok(problems.includes(error.problem), error.problem)
          return true
        })
      })
    }

    it('refuses a file that grows past the bound while it claims to have no bytes', async () => {
      await assert.rejects(read('/proc/self/status', 10), { problem: 'large' })
    })
  })
}
