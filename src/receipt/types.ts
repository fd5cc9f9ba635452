import type { PackageSource } from '../lockfile/types.ts'

/** What the gate leaves behind of an install that it has judged. Only this user's key can sign one. */
export interface Receipt {
  /** Of the form of receipts. A receipt of another form counts as none. */
  readonly form: 1
  /** The real path of the folder with the lockfile. */
  readonly folder: string
  readonly manager: { readonly name: string; readonly version: string }
  /** The version of the gate. */
  readonly gate: string
  /** When judging began, in milliseconds. Everything that the install linked is younger. */
  readonly judgedAt: number
  /** Digest of the policy, what it extends, and the identity lock. */
  readonly policy: string
  /** Digest of `judged`: what the lockfile had, however it was written. */
  readonly lockfile: string
  /** Everything that was judged and allowed. */
  readonly judged: readonly JudgedPackage[]
  /** Whether node_modules was empty, or as the gate had left it, when judging began; or was emptied then. */
  readonly isWhole: boolean
  /** The files through which the package manager loaded the gate, where these are known. */
  readonly loadedBy: readonly string[]
  /** Real paths of the projects that were installed with it. */
  readonly projects: readonly string[]
  /** The package manager installs into the node_modules folder that is there, and never makes another one. */
  readonly keepsFolder: boolean
  /** node_modules when judging began. */
  readonly before: ModulesState
  /** node_modules when the package manager ended. Absent where it was killed, and on pnpm 12, which has no hook for it. */
  readonly after?: ModulesState
  /** When that was, in milliseconds. */
  readonly endedAt?: number
}

/** One package that was judged and allowed. */
export interface JudgedPackage {
  readonly name: string
  readonly version: string
  readonly integrity?: string
  readonly source: PackageSource
  readonly origin?: string
  /** Other names under which it may be installed. */
  readonly aliases?: readonly string[]
}

/** What tells one state of a node_modules folder from another, without reading what is in it. */
export interface ModulesState {
  /** Whether a package manager that begins there finds nothing that it could keep. */
  readonly isEmpty: boolean
  /** Inode and time of birth of the folder; absent where there is none. A copy has others. */
  readonly folder?: FolderIdentity
  /** The files in which package managers note what they have linked, by name. A file that is not there has no entry. */
  readonly marks: Readonly<Record<string, Mark>>
  /** When a package manager last noted something there, in milliseconds; 0 where none has. */
  readonly notedAt: number
  /** The pnpmfiles that pnpm has noted there, by their paths and their real paths; absent where it has noted none yet. */
  readonly pnpmfiles?: readonly string[]
}

export interface FolderIdentity {
  readonly inode: string
  /** Milliseconds. */
  readonly bornAt: number
}

/** The time is that of the last change of the inode, which no file of a repository or a cache can set. */
export interface Mark {
  readonly changedAt: number
  readonly size: number
}

/** One thing in a node_modules folder that code could load by a name. */
export interface InstalledEntry {
  /** Where it is, for people: relative to the project. */
  readonly at: string
  /** The name under which it is found: `name` or `@scope/name`. */
  readonly alias: string
  /** The real folder. */
  readonly folder: string
  readonly kind: 'package' | 'local' | 'strange'
  /** From its package.json. */
  readonly name?: string
  readonly version?: string
  /** Whether it runs anything of its own when it is installed. */
  readonly hasScripts?: boolean
  /** What is strange about it: a clause. */
  readonly what?: string
  /** When the name was linked, in milliseconds; absent where it is no link. */
  readonly linkedAt?: number
}

/** Why a node_modules is not one that was installed under the gate. */
export interface Problem {
  /** A file or folder. */
  readonly where: string
  /** What was found. A phrase, without a full stop. */
  readonly found: string
  /** What an install under the gate would have left. A phrase, without a full stop. */
  readonly expected: string
}
