import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

export interface Verdaccio {
  /** Ends in a slash. */
  readonly url: string
  close(): Promise<void>
}

/** A real Verdaccio that passes on what another registry has. Nobody else is asked: it knows no other. */
export async function startVerdaccio(uplink: string): Promise<Verdaccio> {
  const root = mkdtempSync(path.join(tmpdir(), 'verdaccio-'))
  const config = {
    configPath: path.join(root, 'config.yaml'),
    self_path: path.join(root, 'config.yaml'),
    storage: path.join(root, 'storage'),
    web: { enable: false },
    auth: { htpasswd: { file: path.join(root, 'htpasswd'), max_users: -1 } },
    uplinks: { origin: { url: uplink, maxage: '0s', max_fails: 100 } },
    packages: { '**': { access: '$all', publish: '$anonymous', proxy: 'origin' } },
    log: { type: 'stdout', format: 'json', level: 'fatal' },
    server: { keepAliveTimeout: 5 },
  }
  const child = fork(path.join(import.meta.dirname, 'serve.ts'), [JSON.stringify(config)], {
    cwd: root,
    env: { PATH: process.env.PATH ?? '', HOME: root, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let said = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk
  })
  const port = await Promise.race([
    once(child, 'message', { signal: AbortSignal.timeout(60_000) }).then(([message]) => message as unknown),
    once(child, 'exit').then(() => undefined),
  ])
  if (typeof port !== 'number') throw new Error(`Verdaccio did not start: ${said}`)
  return {
    url: `http://127.0.0.1:${port}/`,
    close: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      rmSync(root, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
