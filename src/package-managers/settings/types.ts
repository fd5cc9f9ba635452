/** Whose settings a list is about. `yarn` is yarn 1, `berry` yarn 2 and later. */
export type SettingsManager = 'pnpm' | 'npm' | 'yarn' | 'berry' | 'bun' | 'deno'

/**
 * A file of a repository that some manager reads settings from. `package.json` stands for the fields of it that a manager
 * reads as settings, written as a path: `pnpm.overrides`, `packageManager`, `workspaces`.
 */
export type SettingsFile =
  | 'pnpm-workspace.yaml'
  | 'package.json'
  | '.npmrc'
  | '.yarnrc'
  | '.yarnrc.yml'
  | 'bunfig.toml'
  | '.env'
  | '.corepack.env'
  | 'deno.json'
  | 'yarn.json'
  | '.yarnclean'

/**
 * What the value of an accepted setting may be; whatever is of another form is refused. No text in it, at any depth, may
 * contain `${`, for managers expand variables there.
 *
 * - `boolean`: `true` or `false`, nothing that a manager might take for one of them.
 * - `number`: a whole number, not negative.
 * - `text`: one line of text, not empty.
 * - `texts`: one text, or a list of them; the list may be empty.
 * - `url`: an absolute http: or https: URL.
 * - `registries`: registries of pnpm: `{default: URL, '@scope': URL}`, or `{URL: {scopes: ['@scope'], prefix: name}}` with what
 *   pnpm 11.23 and newer know of a registry. Nothing (`null`) is none. No login, and no registry of another language's packages.
 * - `registry-names`: names of registries, each with its URL, as `url` has it. Nothing (`null`) is none.
 * - `inside`: a relative path, with `/`, that stays in the folder of its file.
 * - `skill-folders`: a list of folders such as `.claude/skills`, into which pnpm 12 links what packages bring; no code loads
 *   anything from them by a name.
 * - `plugins`: a list of plugins of yarn 4, each a path that is `inside`, or a map with such a `path`, a `spec` and a `checksum`.
 *   Nothing (`null`) is an empty list. Whether the files are there is for `yarn-berry/program-files.ts`.
 * - `node-flags`: options of Node, of which none loads code.
 * - `package-manager`: a name and an exact version, `pnpm@10.1.0` or `yarn@4.1.0+sha224.…`; neither a range nor a URL.
 * - `classic-yarn`, `modern-yarn`: a package manager, but no yarn of the other kind, which rewrites the lockfile.
 * - `secret`: one line of text, which may contain `${`: a login, which the gate neither expands nor sends.
 * - `plain`: any data without variables, nothing (`null`) included. For what the lockfile repeats, or the gate reads by itself.
 * - a list: one of these very values.
 */
export type Form =
  | 'boolean'
  | 'number'
  | 'text'
  | 'texts'
  | 'url'
  | 'registries'
  | 'registry-names'
  | 'inside'
  | 'skill-folders'
  | 'plugins'
  | 'node-flags'
  | 'package-manager'
  | 'classic-yarn'
  | 'modern-yarn'
  | 'secret'
  | 'plain'
  | readonly (string | number | boolean)[]

/**
 * What is known of the settings in one kind of file. One `*` in a name stands for any characters, such as in
 * `@*:registry`. An exact name comes before a pattern, and what is refused before what is accepted.
 */
export interface KnownSettings {
  /** They change neither what is installed, nor from where, by which program, or whether it is compared. */
  readonly accepted: Readonly<Record<string, Form>>
  /** They do, each with how: a clause that follows the setting's name, such as `makes pnpm install without a lockfile`. */
  readonly refused: Readonly<Record<string, string>>
}

/**
 * All settings that one major version of a manager reads from files of a repository, by its own list of them. A file that is
 * not named here it does not read.
 */
export interface SettingsList {
  readonly manager: SettingsManager
  readonly major: number
  readonly files: Readonly<Partial<Record<SettingsFile, KnownSettings>>>
}

/** A setting as a file has it. */
export interface SettingEntry {
  /** Counts from 1. */
  readonly line: number
  /** As it is written; nested ones as a path with dots, such as `install.cache.dir`. */
  readonly key: string
  readonly value: unknown
}

/** A part of a file that readers could understand differently, so that no setting can be made of it. */
export interface UnclearPart {
  readonly line: number
  /** A clause for people: `a section in brackets`. */
  readonly what: string
}

export interface ParsedSettings {
  readonly entries: readonly SettingEntry[]
  readonly unclear: readonly UnclearPart[]
}

/** A setting that is not known to be safe. */
export interface UnsafeSetting {
  /** Relative to the lockfile's folder, with `/`. */
  readonly file: string
  readonly line: number
  /** Absent where it is a part of the file, or the file itself. Such a one no policy can allow. */
  readonly key?: string
  readonly value?: unknown
  /** Of a setting that a list knows, and that is no login: whatever else is written there may be a secret. */
  readonly isValueShown?: true
  /** Where the file lies outside of the repository: neither key nor value is shown. */
  readonly isHidden?: true
  /** A clause that follows the setting's name. */
  readonly why: string
}
