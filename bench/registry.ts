/**
 * The local registry with the packages of a world, in a process of its own: what is measured must not wait for this one,
 * nor this one's memory and garbage stand in the measured one. Started by `startBenchRegistry`.
 */
import { Buffer } from 'node:buffer'
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { digests, type PackedPackage, startRegistry } from '../test/support/registry/index.ts'
import { generatedWorld, pack } from './generated.ts'
import { REAL, realWorld, tarballOf } from './real.ts'
import type { BenchWorld, SignedPackage } from './world.ts'

export interface BenchRegistry {
  readonly url: string
  close(): Promise<void>
}

export async function startBenchRegistry({ id }: Pick<BenchWorld, 'id'>): Promise<BenchRegistry> {
  const child = fork(import.meta.filename, [id])
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

/** The keys as a registry's own endpoint has them, where npm looks for those of registries that TUF does not know. */
export function registryKeys({ npmKeys }: BenchWorld) {
  return npmKeys.keys
    .filter(({ keyUsage }) => keyUsage === 'npm:signatures')
    .map(({ keyId, publicKey }) => ({
      ...{ keyid: keyId, keytype: 'ecdsa-sha2-nistp256', scheme: 'ecdsa-sha2-nistp256' },
      ...{ key: publicKey.rawBytes, expires: publicKey.validFor.end ?? null },
    }))
}

async function serve(id: string): Promise<void> {
  const world = id === REAL ? await realWorld() : await generatedWorld(Number(id))
  const registry = await startRegistry({ keys: { keys: registryKeys(world) } })
  for (const [index, pkg] of world.packages.entries()) {
    const packed = id === REAL ? packedAlready(pkg) : pack(index)
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

/** What a frozen install asks about is in the lockfile; of the rest the metadata has nothing. */
function packedAlready({ name, version, integrity }: SignedPackage): PackedPackage {
  const bytes = tarballOf({ name, version })
  const { shasum } = digests(bytes ?? Buffer.alloc(0))
  return { bytes: bytes ?? Buffer.alloc(0), integrity, shasum, manifest: { name, version } }
}

if (process.argv[1] === import.meta.filename) await serve(process.argv[2] ?? '')
