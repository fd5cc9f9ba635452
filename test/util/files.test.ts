import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, it } from 'node:test'
import {
  boundedPieces,
  FileError,
  type FileProblem,
  readBoundedFile,
  readBoundedFileSync,
  readUserFileSync,
} from '../../src/util/files.ts'

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

/** Of pieces an absent file is an error, which is tested by itself. */
async function pieces(file: string, max: number): Promise<Buffer | undefined> {
  const all: Buffer[] = []
  try {
    for await (const piece of boundedPieces(file, max)) all.push(piece)
  } catch (error) {
    if (error instanceof FileError && error.message === 'is not there') return undefined
    throw error
  }
  return Buffer.concat(all)
}

const readers = {
  readBoundedFile,
  readBoundedFileSync: async (file: string, max: number) => readBoundedFileSync(file, max),
  boundedPieces: pieces,
  readUserFileSync: async (file: string, max: number) => readUserFileSync(file, max),
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

describe('a file of the user', { skip: isLinux }, () => {
  it('is empty where it is the null device, by whatever name', () => {
    symlinkSync('/dev/null', at('link-to-null'))
    for (const file of ['/dev/null', at('link-to-null')]) assert.equal(readUserFileSync(file, MAX)?.length, 0)
    assert.throws(() => readBoundedFileSync('/dev/null', MAX), FileError)
  })

  it('is read to its end where it is a descriptor of this process, and is the same a second time', () => {
    const code = `import { readUserFileSync as read } from ${JSON.stringify(new URL('../../src/util/files.ts', import.meta.url).href)}
      for (let i = 0; i < 2; i += 1) process.stdout.write(String(read(process.argv[1], 10)))`
    const script = `"${process.execPath}" --input-type=module-typescript -e "$0" <(printf 12345) <(:)`
    assert.equal(execFileSync('bash', ['-c', script, code], { encoding: 'utf8' }), '1234512345')
  })

  it('is bounded where it is a descriptor', () => {
    const code = `import { readUserFileSync as read } from ${JSON.stringify(new URL('../../src/util/files.ts', import.meta.url).href)}
      try { read(process.argv[1], 10) } catch (error) { process.stdout.write(error.message) }`
    const script = `"${process.execPath}" --input-type=module-typescript -e "$0" <(cat /dev/zero)`
    assert.equal(execFileSync('bash', ['-c', script, code], { encoding: 'utf8' }), 'has more than 10 bytes')
  })
})

describe('a file that grows or tells another size', { skip: isLinux }, () => {
  it('is read whole up to the bound, whatever size it tells', async () => {
    for (const size of [1, 65_535, 65_536, 65_537, 200_000]) {
      writeFileSync(at('sized'), 'x'.repeat(size))
      for (const [name, read] of Object.entries(readers)) {
        assert.equal((await read(at('sized'), size))?.length, size, name)
        await assert.rejects(read(at('sized'), size - 1), FileError, name)
      }
    }
  })
})
