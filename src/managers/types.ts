/** The package managers that `run` knows how to point at the gate. */
export type ManagerName = 'npm' | 'pnpm' | 'yarn' | 'berry' | 'bun' | 'deno'

export type Variables = Readonly<Record<string, string | undefined>>

/** A command of a package manager, as it was typed. */
export interface Call {
  /** The program as it is started: `npm`, `/opt/bin/yarn`, `corepack`. */
  readonly program: string
  /** What stands between the program and the manager's own arguments: `yarn` of `corepack yarn install`. */
  readonly before: readonly string[]
  /** The manager's own arguments. */
  readonly args: readonly string[]
  readonly env: Variables
  /** The folder it works in, absolute. */
  readonly folder: string
}

/** Where the gate listens, and what the manager has to trust for it. */
export interface Road {
  /** `http://gate:TOKEN@127.0.0.1:PORT` */
  readonly proxy: string
  /** A file with every authority that the manager may trust: for settings that replace what it trusts by default. */
  readonly bundle: string
  /** A file with the gate's authority, and those that the user has added: for settings that add to what it trusts. */
  readonly extra: string
  /** A private, empty folder for downloads. Undefined where the manager's own caches stay in use. */
  readonly fresh: string | undefined
}

/** How the manager is started so that everything it downloads comes through the gate. */
export interface Launch {
  readonly args: readonly string[]
  readonly env: Variables
}

/** The text of a file, or undefined where there is none. */
export type Reader = (file: string) => string | undefined

export interface Manager {
  readonly name: ManagerName
  /** For people. */
  readonly title: string
  /** Names of its lockfiles; of those in one folder the first one counts. */
  readonly lockfiles: readonly string[]
  /** Where it notes in node_modules what it has installed, also with its lockfile switched off. */
  readonly note?: string
  /**
   * Whether the command installs what a lockfile has and nothing else, as far as its arguments say. Then the lockfile is
   * judged before anything is started.
   *
   * @param root the folder of the lockfile
   */
  isStrict(call: Call, root: string, read: Reader): boolean
  /** Whether the command removes what is in node_modules before it installs anything there. */
  clears?(call: Call): boolean
  /**
   * Whether what is in its caches is bound by the digests of the lockfile: it compares them whenever it takes something out.
   * Only then are they used, and only by a strict command.
   */
  readonly bindsCaches: boolean
  /**
   * Refuses what would lead past the gate: arguments, and files that are stronger than the environment.
   *
   * @param folders from the one it works in upwards, as it looks for settings
   * @throws GateError that names file and setting
   */
  refusePastGate(call: Call, folders: readonly string[], read: Reader, isFresh: boolean): void
  /** Lockfiles of other managers, from which the command would install where there is none of its own. */
  adopts?(call: Call): readonly string[]
  launch(call: Call, road: Road): Launch
  /** What the command itself asks for: `left-pad@^1`, `x@npm:y@1`, URLs. Empty where it installs what package.json says. */
  asked(call: Call): readonly string[]
}
