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
}

export interface Fetcher {
  /** False where the package may be fetched by pnpm's own fetchers; rejects where it may not. */
  canFetch(id: string, resolution: unknown): Promise<false>
  fetch(): never
}

export interface Resolver {
  /** False where the dependency may be resolved by pnpm's own resolvers; rejects where it may not. */
  canResolve(wanted: { readonly alias?: string | null; readonly bareSpecifier?: string | null }): Promise<false>
  resolve(): never
}

export declare const hooks: Hooks
export declare const resolvers: readonly [Resolver]
export declare const fetchers: readonly [Fetcher]
