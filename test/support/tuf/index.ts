/**
 * A TUF repository of one's own, on the loopback interface: four roles with keys of their own, consistent snapshots, root
 * rotation. What a test wants to be wrong it writes over what was published, signed or not.
 */
import { generateKeyPairSync, hash, type KeyObject, sign } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Metadata, type MetadataKind, Signature } from '@tufjs/models'

export type Role = 'root' | 'timestamp' | 'snapshot' | 'targets'
/** As in Sigstore's own repository: the registry's keys are said by the registry, to whom the targets delegate them. */
export const DELEGATE = 'registry.npmjs.org'
const ROLES: readonly Role[] = ['root', 'timestamp', 'snapshot', 'targets']

/** The signed part of a role's metadata, as JSON. */
export type Signed = Readonly<Record<string, unknown>> & { readonly version: number; readonly expires: string }

interface TufKey {
  readonly id: string
  readonly privateKey: KeyObject
  readonly json: object
}

export interface TufRepository {
  /** Without a slash at the end. */
  readonly url: string
  /** The first root, which clients have from elsewhere. */
  readonly pinned: Buffer
  /** What is served, by path: `timestamp.json`, `2.root.json`, `targets/DIGEST.name`. */
  readonly served: Map<string, Buffer | 'endless' | 'hang'>
  readonly requests: string[]
  /** The metadata of a role as it was published last. */
  readonly signed: Readonly<Record<Role | 'delegate', Signed>>
  /** A new version of targets, snapshot and timestamp. */
  publish(files?: Readonly<Record<string, Buffer>>): void
  /** A new root, with new keys for these roles; signed by the old and the new keys of the root. */
  rotate(...roles: readonly Role[]): void
  /** Signs metadata, by default with the keys that the role has now. */
  sign(role: Role | 'delegate', signed: object, keys?: readonly TufKey[]): Buffer
  readonly keys: Readonly<Record<Role | 'delegate', readonly TufKey[]>>
  close(): Promise<void>
}

const DAY = 86_400_000

export async function startTufRepository(now: Date): Promise<TufRepository> {
  const served: TufRepository['served'] = new Map()
  const requests: string[] = []
  const server = createServer((request, response) => {
    const path = decodeURIComponent((request.url ?? '').slice(1))
    requests.push(path)
    const found = served.get(path)
    if (found === 'hang') return
    if (found === 'endless') {
      const chunk = Buffer.alloc(64 * 1024, ' ')
      const pour = () => {
        while (!response.destroyed && response.write(chunk)) {}
      }
      response.on('drain', pour)
      return pour()
    }
    response.writeHead(found === undefined ? 404 : 200).end(found)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const keys: Record<Role | 'delegate', readonly TufKey[]> = {
    // Two of the root's keys have to sign, as with Sigstore's own, where it is three of five.
    root: [createKey(), createKey()],
    timestamp: [createKey()],
    snapshot: [createKey()],
    targets: [createKey()],
    delegate: [createKey()],
  }
  const signed = {} as Record<Role | 'delegate', Signed>
  let files: Readonly<Record<string, Buffer>> = {}
  const expires = (days: number) => new Date(now.getTime() + days * DAY).toISOString().replace(/\.\d+Z$/, 'Z')

  const signWith: TufRepository['sign'] = (role, content, by = keys[role]) => {
    const kind = role === 'delegate' ? 'targets' : role
    const metadata = Metadata.fromJSON(kind as MetadataKind.Root, { signed: content as never, signatures: [] })
    for (const key of by)
      metadata.sign(
        (bytes) => new Signature({ keyID: key.id, sig: sign('sha256', bytes, key.privateKey).toString('hex') }),
      )
    return Buffer.from(JSON.stringify(metadata.toJSON(), null, 1))
  }

  const set = (role: Role | 'delegate', content: Signed, path: string, by?: readonly TufKey[]) => {
    signed[role] = content
    served.set(path, signWith(role, content, by))
  }

  function rootContent(version: number): Signed {
    const all = ROLES.flatMap((role) => keys[role])
    return {
      ...common('root', version, expires(365)),
      consistent_snapshot: true,
      keys: Object.fromEntries(all.map(({ id, json }) => [id, json])),
      roles: Object.fromEntries(
        ROLES.map((role) => [role, { keyids: keys[role].map(({ id }) => id), threshold: keys[role].length }]),
      ),
    }
  }

  const pinned = (() => {
    const content = rootContent(1)
    signed.root = content
    return signWith('root', content)
  })()

  const publish: TufRepository['publish'] = (more = {}) => {
    files = { ...files, ...more }
    for (const [name, bytes] of Object.entries(files)) served.set(`targets/${pathOf(name, bytes)}`, bytes)
    const version = (signed.targets?.version ?? 0) + 1
    const said = (isDelegated: boolean) =>
      Object.fromEntries(
        Object.entries(files)
          .filter(([name]) => name.startsWith(`${DELEGATE}/`) === isDelegated)
          .map(([name, bytes]) => [name, { length: bytes.length, hashes: { sha256: sha256(bytes) } }]),
      )
    const [delegate = assertKey()] = keys.delegate
    const delegations = {
      keys: { [delegate.id]: delegate.json },
      roles: [{ name: DELEGATE, keyids: [delegate.id], threshold: 1, terminating: true, paths: [`${DELEGATE}/*`] }],
    }
    set(
      'targets',
      { ...common('targets', version, expires(60)), targets: said(false), delegations },
      `${version}.targets.json`,
    )
    set('delegate', { ...common('targets', version, expires(50)), targets: said(true) }, `${version}.${DELEGATE}.json`)
    const snapshot = (signed.snapshot?.version ?? 0) + 1
    const meta = {
      'targets.json': metaOf(version, served.get(`${version}.targets.json`)),
      [`${DELEGATE}.json`]: metaOf(version, served.get(`${version}.${DELEGATE}.json`)),
    }
    set('snapshot', { ...common('snapshot', snapshot, expires(30)), meta }, `${snapshot}.snapshot.json`)
    const timestamp = (signed.timestamp?.version ?? 0) + 1
    const snapshotMeta = { 'snapshot.json': metaOf(snapshot, served.get(`${snapshot}.snapshot.json`)) }
    set('timestamp', { ...common('timestamp', timestamp, expires(7)), meta: snapshotMeta }, 'timestamp.json')
  }

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    pinned,
    served,
    requests,
    signed,
    keys,
    publish,
    rotate: (...roles) => {
      const before = keys.root
      for (const role of roles) keys[role] = keys[role].map(createKey)
      const version = signed.root.version + 1
      set('root', rootContent(version), `${version}.root.json`, [...new Set([...before, ...keys.root])])
    },
    sign: signWith,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function common(type: string, version: number, expires: string) {
  return { _type: type, spec_version: '1.0.31', version, expires }
}

function pathOf(name: string, bytes: Buffer): string {
  const slash = name.lastIndexOf('/') + 1
  return `${name.slice(0, slash)}${sha256(bytes)}.${name.slice(slash)}`
}

function metaOf(version: number, bytes: Buffer | string | undefined): object {
  const content = Buffer.from(bytes ?? '')
  return { version, length: content.length, hashes: { sha256: sha256(content) } }
}

function sha256(bytes: Buffer): string {
  return hash('sha256', bytes)
}

function createKey(): TufKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = publicKey.export({ format: 'pem', type: 'spki' }) as string
  const json = { keytype: 'ecdsa', scheme: 'ecdsa-sha2-nistp256', keyval: { public: pem } }
  return { id: sha256(Buffer.from(pem)), privateKey, json }
}

function assertKey(): never {
  throw new TypeError('a role has a key')
}
