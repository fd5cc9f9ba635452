/** Where a lockfile entry's bytes come from. Only `registry` entries can have registry evidence. */
export type PackageSource = 'registry' | 'tarball' | 'git' | 'directory' | 'runtime' | 'unknown'

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
  readonly source: PackageSource
  /** What the lockfile says of the origin when it is not simply the registry's own tarball: a URL, a path, a commit. */
  readonly origin: string | undefined
  /** What the origin is on GitHub; absent where it is nothing there that GitHub signs. Only of tarballs and of git. */
  readonly github?: GithubOrigin
  /** Folders of the workspace projects that reach this entry, sorted, relative to the lockfile (`.` is the root). */
  readonly importers: readonly string[]
  /** Set where nobody knows yet who needs it, or who else will: it may be anyone. Never of what a lockfile says. */
  readonly forAnyone?: true
  /**
   * Other names under which projects and packages get it (npm aliases), sorted; absent where there are none. Lockfiles
   * alone make aliases: pnpm 10 and 11 install what `left-pad: {specifier: ^1.3.0, version: evil@1.0.0}` says.
   */
  readonly aliases?: readonly string[]
  /** Where pnpm is about to download it; only known of what it has just resolved, and of no meaning for what it is. */
  readonly tarball?: string
  /** The entry's key in the lockfile, for messages: `name@1.0.0`, `name@https://…`. */
  readonly key: string
}
