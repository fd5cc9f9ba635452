/**
 * Where a lockfile entry's bytes come from. Only `registry` entries can have registry evidence. `workspace` is a project of
 * the lockfile in a folder of this repository; `directory` is every other folder.
 */
export type PackageSource =
  | 'registry'
  | 'workspace'
  | 'tarball'
  | 'git'
  | 'directory'
  | 'runtime'
  | 'bundled'
  | 'unknown'

/** An asset of a release on GitHub, or a commit there. `repository` is `owner/name`. */
export type GithubOrigin =
  | { readonly repository: string; readonly tag: string }
  | { readonly repository: string; readonly commit: string }

/** One entry of a lockfile: one package, one version, one digest. Everything downstream is bound to this. */
export interface LockedPackage {
  /** The real name, also where it is installed under an alias: `@scope/name` or `name`. */
  readonly name: string
  /** The exact version. For entries without one (git, `file:`) the version of their manifest, or `''` if unknown. */
  readonly version: string
  /** Subresource Integrity string as in the lockfile (`sha512-…`), or undefined where the entry has none. */
  readonly integrity: string | undefined
  /** Set where the lockfile has a checksum of something else than what the registry serves: yarn berry's own archive. */
  readonly unbound?: true
  readonly source: PackageSource
  /** What the lockfile says of the origin when it is not simply the registry's own tarball: a URL, a path, a commit. */
  readonly origin: string | undefined
  /**
   * Of source `registry`: the lockfile says that it lies in the public registry. Settings may give another registry for its
   * name. Only set between the reader and `compareAddresses`.
   */
  readonly atNpmjs?: true
  /**
   * Of source `registry`, where the address in `origin` is not one of the registry that the settings give for its name. The
   * value is that registry, or '' while nothing was compared. To a rule that asks for no proof it is then a tarball.
   */
  readonly outside?: string
  /**
   * Of source `unknown`, where all that the lockfile says is that it has no entry for it: the version, range, tag or alias by
   * which a registry is asked for it. Absent where anything else than a registry is asked.
   */
  readonly unlocked?: string
  /**
   * Of source `registry`: the name of the registry that is asked for it (`work` of `work:^1.0.0` in package.json). Only set where
   * the key names a registry, or should. A key alone is what a stranger writes.
   */
  readonly askedOf?: string
  /** What the origin is on GitHub; absent where it is nothing there that GitHub signs. Only of tarballs and of git. */
  readonly github?: GithubOrigin
  /** Of source `bundled`, and only of it: the package whose tarball holds its bytes. That one is never bundled itself. */
  readonly bundledIn?: LockedPackage
  /** Folders of the workspace projects that reach this entry, sorted, relative to the lockfile (`.` is the root). */
  readonly importers: readonly string[]
  /**
   * Set where nobody knows yet who needs it, or who else will: it may be anyone. Never of what pnpm's lockfile says; of
   * other lockfiles it is what no project of theirs reaches.
   */
  readonly forAnyone?: true
  /**
   * Other names under which projects and packages get it (npm aliases), sorted; absent where there are none. Lockfiles
   * alone make aliases: pnpm 10 and 11 install what `left-pad: {specifier: ^1.3.0, version: evil@1.0.0}` says.
   */
  readonly aliases?: readonly string[]
  /** Names in the same lockfile that differ from one of its names by case alone, sorted; absent where there are none. */
  readonly caseTwins?: readonly string[]
  /**
   * Set where it is wanted without a name, and its own is not known before it is fetched: then `name` is empty. Never of
   * what a lockfile has.
   */
  readonly unnamed?: true
  /** Where pnpm is about to download it; only known of what it has just resolved, and of no meaning for what it is. */
  readonly tarball?: string
  /** The entry's key in the lockfile, for messages: `name@1.0.0`, `name@https://…`. */
  readonly key: string
}
