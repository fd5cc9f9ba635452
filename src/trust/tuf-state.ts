import { Readable } from 'node:stream'
import type { TargetFile, Targets } from '@tufjs/models'
import { TrustedMetadataStore } from 'tuf-js/dist/store.js'
import * as v from 'valibot'

/** What a TUF repository has said, as bytes: https://theupdateframework.github.io/specification/latest/ */
export interface TufState {
  /** The first root, where the repository is known by its digest only. */
  readonly first?: Buffer | undefined
  /** The root metadata behind the pinned one, each signed by the one before, in their order. */
  readonly roots: readonly Buffer[]
  readonly timestamp: Buffer
  readonly snapshot: Buffer
  readonly targets: Buffer
  /** The metadata of roles to which targets are delegated, by their names; as many as were asked for a file. */
  readonly delegated: ReadonlyMap<string, Buffer>
  /** Target files by their names. */
  readonly files: ReadonlyMap<string, Buffer>
}

/** The same after everything was verified from the pinned root on. */
export interface VerifiedState {
  readonly files: ReadonlyMap<string, Buffer>
  /** When the first of the roles expires. */
  readonly expires: Date
  readonly versions: Readonly<Record<'root' | 'timestamp' | 'snapshot' | 'targets', number>>
  /** The last root, by which the next one is verified. */
  readonly root: Buffer
}

/**
 * Verifies a state that may come from anybody, without network: every root from the pinned one on, then timestamp,
 * snapshot and targets, then each file by its length and digests (sections 5.3 to 5.7). What has expired is not an error here:
 * how old a trust root may be is for the caller to say, who is told when it expires.
 *
 * @throws an Error whose message says what does not hold
 */
export async function verifyState(state: TufState, pinned: Buffer): Promise<VerifiedState> {
  const store = storeFrom(pinned, state.roots)
  store.updateTimestamp(state.timestamp)
  store.updateSnapshot(state.snapshot)
  store.updateDelegatedTargets(state.targets, 'targets', 'root')
  const { root, timestamp, snapshot, targets } = store
  if (timestamp === undefined || snapshot === undefined || targets === undefined) throw new Error('a role is missing')
  for (const [role, bytes] of state.delegated) store.updateDelegatedTargets(bytes, role, 'targets')
  for (const [name, bytes] of state.files) {
    const target = targetOf(name, targets.signed, (role) => store.getRole(role)?.signed)
    // The library would take a target without a digest by its length.
    if (Object.keys(target.hashes).length === 0) throw new Error(`${JSON.stringify(name)} has no digest`)
    await target.verify(Readable.from([bytes]))
  }
  const roles = { root: root.signed, timestamp: timestamp.signed, snapshot: snapshot.signed, targets: targets.signed }
  return {
    files: state.files,
    expires: new Date(
      Math.min(
        ...[
          ...Object.values(roles),
          ...[...state.delegated.keys()].flatMap((role) => store.getRole(role)?.signed ?? []),
        ].map(({ expires }) => Date.parse(expires)),
      ),
    ),
    versions: {
      root: root.signed.version,
      timestamp: timestamp.signed.version,
      snapshot: snapshot.signed.version,
      targets: targets.signed.version,
    },
    root: state.roots.at(-1) ?? pinned,
  }
}

/**
 * Who says what a file is: the targets themselves, else the first role that they delegate its name to and that knows it
 * (5.6.7). A role that is asked and not there could know it otherwise.
 */
function targetOf(name: string, targets: Targets, roleOf: (role: string) => Targets | undefined): TargetFile {
  const own = Object.hasOwn(targets.targets, name) ? targets.targets[name] : undefined
  if (own !== undefined) return own
  for (const { role, terminating } of targets.delegations?.rolesForTarget(name) ?? []) {
    const delegated = roleOf(role)
    if (delegated === undefined) throw new Error(`the metadata of ${JSON.stringify(role)} are missing`)
    const found = Object.hasOwn(delegated.targets, name) ? delegated.targets[name] : undefined
    if (found !== undefined) return found
    if (terminating) break
  }
  throw new Error(`${JSON.stringify(name)} is no target`)
}

/**
 * What is trusted after these roots, each of which has to be the next version, signed by as many keys of the one before, and
 * by as many of its own, as they ask for.
 */
export function storeFrom(pinned: Buffer, roots: readonly Buffer[]): TrustedMetadataStore {
  const store = new TrustedMetadataStore(pinned)
  // Nothing had expired then.
  setReferenceTime(store, new Date(0))
  for (const root of roots) store.updateRoot(root)
  return store
}

/** The library takes the machine's clock; here the time is an argument, as everywhere. */
export function setReferenceTime(store: TrustedMetadataStore, time: Date): void {
  Object.assign(store, { referenceTime: time })
}

const bytes = v.pipe(v.string(), v.base64())
/** More than a repository will ever have. The library follows 256 at a time, and can then never go on from the first. */
export const MAX_ROOTS = 4_096

const named = v.pipe(v.array(v.strictObject({ name: v.string(), bytes })), v.maxLength(16))

const StateSchema = v.strictObject({
  format: v.literal('provenance-gate-tuf-1'),
  first: v.exactOptional(bytes),
  roots: v.pipe(v.array(bytes), v.maxLength(MAX_ROOTS)),
  timestamp: bytes,
  snapshot: bytes,
  targets: bytes,
  delegated: named,
  files: named,
})

/** One file, so that it is replaced whole or not at all, and can be carried to another machine. */
export function writeState({ first, roots, timestamp, snapshot, targets, delegated, files }: TufState): string {
  const list = (map: ReadonlyMap<string, Buffer>) =>
    [...map].map(([name, content]) => ({ name, bytes: base64(content) }))
  const base64 = (buffer: Buffer) => buffer.toString('base64')
  return `${JSON.stringify(
    {
      format: 'provenance-gate-tuf-1',
      ...(first !== undefined && { first: base64(first) }),
      roots: roots.map(base64),
      timestamp: base64(timestamp),
      snapshot: base64(snapshot),
      targets: base64(targets),
      delegated: list(delegated),
      files: list(files),
    } satisfies v.InferOutput<typeof StateSchema>,
    null,
    2,
  )}\n`
}

/** @throws an Error where the text is no state; whether it holds is for `verifyState` to say */
export function readState(text: string): TufState {
  const parsed = v.safeParse(StateSchema, JSON.parse(text))
  if (!parsed.success) throw new Error(`${v.getDotPath(parsed.issues[0]) ?? 'it'} is not of the form of a trust state`)
  const { first, roots, timestamp, snapshot, targets, delegated, files } = parsed.output
  const map = (list: typeof files) => new Map(list.map((each) => [each.name, buffer(each.bytes)]))
  const buffer = (base64: string) => Buffer.from(base64, 'base64')
  return {
    ...(first !== undefined && { first: buffer(first) }),
    roots: roots.map(buffer),
    timestamp: buffer(timestamp),
    snapshot: buffer(snapshot),
    targets: buffer(targets),
    delegated: map(delegated),
    files: map(files),
  }
}
