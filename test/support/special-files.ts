import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import path from 'node:path'

/** What can stand in the place of a file. `absent`: package managers find no file there. */
export interface SpecialFile {
  readonly absent?: boolean
  /** Why it cannot be shown here. */
  readonly skip?: string | false
  /** Makes it. @param spare a folder for what links lead to */
  put(file: string, spare: string): void | Promise<void>
}

const root = process.getuid?.() === 0 && 'root may read everything'

/** Sockets live as long as somebody listens. */
const servers: Server[] = []
export function closeSockets(): void {
  for (const server of servers.splice(0)) server.close()
}

const linkTo = (target: string): SpecialFile => ({ put: (file) => symlinkSync(target, file) })

/** A link to another one of these. */
const linked = (of: SpecialFile): SpecialFile => ({
  put: async (file, spare) => {
    const target = path.join(spare, 'target')
    rmSync(target, { recursive: true, force: true })
    await of.put(target, spare)
    symlinkSync(target, file)
  },
})

const PIPE: SpecialFile = { put: (file) => void execFileSync('mkfifo', [file]) }
const FOLDER: SpecialFile = { put: (file) => void mkdirSync(file) }
const HUGE: SpecialFile = {
  put: (file) => {
    writeFileSync(file, '')
    truncateSync(file, 2 ** 30)
  },
}
const SOCKET: SpecialFile = {
  put: async (file) => {
    const server = createServer()
    servers.push(server)
    // A path of a socket has a hundred characters at most: relative ones are short.
    await new Promise<void>((resolve) => server.listen(path.relative(process.cwd(), file), resolve))
  },
}

/** Everything that is no file of some size, on Linux. */
export const SPECIAL_FILES: Readonly<Record<string, SpecialFile>> = {
  'a pipe': PIPE,
  'a link to a pipe': linked(PIPE),
  'a socket': SOCKET,
  'a link to a socket': linked(SOCKET),
  'a folder': FOLDER,
  'a link to a folder': linked(FOLDER),
  'a terminal': linkTo('/dev/ptmx'),
  'an endless device': linkTo('/dev/zero'),
  'the null device': linkTo('/dev/null'),
  'what the kernel says': linkTo('/proc/kmsg'),
  'an endless file of /proc': linkTo('/proc/self/pagemap'),
  'a file of 1 GB': HUGE,
  'a link to a file of 1 GB': linked(HUGE),
  'a loop of links': {
    put: (file, spare) => {
      const other = path.join(spare, 'loop')
      rmSync(other, { force: true })
      symlinkSync(file, other)
      symlinkSync(other, file)
    },
  },
  'a file without permission': {
    skip: root,
    put: (file) => {
      writeFileSync(file, '')
      chmodSync(file, 0)
    },
  },
  'a link to nothing': { ...linkTo('nothing-is-called-so'), absent: true },
}
