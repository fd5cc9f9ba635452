/** Hooks and fetchers in the form that pnpm 10, 11 and 12 take from a pnpmfile. */

export interface Hooks {
  updateConfig<T extends object>(config: T): T | Promise<T>
  preResolution(context: {
    readonly lockfileDir: string
    readonly registries: Readonly<Record<string, string>>
    readonly wantedLockfile: unknown
  }): Promise<void>
  readPackage<T extends object>(manifest: T): Promise<T>
  afterAllResolved<T>(lockfile: T): Promise<T>
  /** For pnpm 10: its own fetchers, behind the gate. */
  readonly fetchers: Readonly<Record<'git' | 'gitHostedTarball', FetcherFactory>>
}

export type FetcherFactory = (given: { readonly defaultFetchers: Readonly<Record<string, Fetch>> }) => Fetch

export type Fetch = (cafs: unknown, resolution: object, options: object) => Promise<unknown>

export interface Fetcher {
  /** Rejects where the package may not be fetched. True for git repositories on pnpm 11, else false. */
  canFetch(id: string, resolution: object): Promise<boolean>
  resolutionNeedsFetch(resolution: object): boolean
  /** Lets pnpm's own fetcher do it. */
  fetch(cafs: unknown, resolution: object, options: object): Promise<{ readonly delegate: object }>
}

export interface Resolver {
  /** False where the dependency may be resolved by pnpm's own resolvers; rejects where it may not. */
  canResolve(wanted: { readonly alias?: string | null; readonly bareSpecifier?: string | null }): Promise<false>
  resolve(): never
}

export declare const hooks: Hooks
export declare const resolvers: readonly [Resolver]
export declare const fetchers: readonly [Fetcher]
