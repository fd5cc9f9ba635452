/**
 * The local registry with packages of the world, in a process of its own: what is measured must not wait for this process,
 * nor this one's memory and garbage stand in the measured one. Started by `startBenchRegistry`.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { startRegistry } from '../test/support/registry/index.ts'
import { type BenchWorld, openWorld, pack } from './world.ts'

export interface BenchRegistry {
  readonly url: string
  close(): Promise<void>
}

export async function startBenchRegistry(count: number): Promise<BenchRegistry> {
  const child = fork(import.meta.filename, [String(count)])
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(String(message)))
    child.once('exit', () => reject(new Error('the registry did not start')))
  })
  return { url, close: () => stop(child) }
}

async function stop(child: ChildProcess): Promise<void> {
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill()
  await exit
}

/** The keys as a registry's own endpoint has them, which is where npm looks for those of registries that TUF does not know. */
export function registryKeys({ npmKeys }: BenchWorld): readonly object[] {
  return npmKeys.keys
    .filter(({ keyUsage }) => keyUsage === 'npm:signatures')
    .map(({ keyId, publicKey }) => ({
      ...{ keyid: keyId, keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256' },
      ...{ key: publicKey.rawBytes, expires: publicKey.validFor.end ?? null },
    }))
}

async function serve(count: number): Promise<void> {
  const world = await openWorld(count)
  const registry = await startRegistry({ keys: { keys: registryKeys(world) } })
  for (const pkg of world.packages) {
    const packed = pack(pkg)
    if (packed.integrity !== pkg.integrity) throw new Error(`${pkg.name} has other bytes than when it was attested`)
    const file = path.join(world.attestations, `${pkg.name}@${pkg.version}.json`)
    const attestations = JSON.parse(readFileSync(file, 'utf8')) as unknown
    registry.publish(packed, { attestations, signatures: [pkg.signature] })
  }
  // It logs every request, for tests.
  setInterval(() => registry.forgetRequests(), 10_000).unref()
  process.send?.(registry.url)
  process.on('disconnect', () => process.exit())
}

if (process.argv[1] === import.meta.filename) await serve(Number(process.argv[2]))
