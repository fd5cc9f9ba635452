/** What is said of URLs. */
export interface Places<T> {
  add(url: URL, value: T): void
  /** All that was said of a URL, and of those that a client may have turned into it. */
  at(url: URL): readonly T[]
}

/**
 * Clients do not always ask for the URL that they were told: npm puts its own registry in the place of the public one,
 * yarn classic makes https of http, and `@` and `/` are escaped or not. So the host does not count, and of two paths one has to
 * end with the other. Where that is too much, more has to be allowed than is needed, never less.
 */
export function openPlaces<T>(): Places<T> {
  // By the last piece, and by the path: whoever writes metadata chooses how many places have a last piece in common.
  const byLast = new Map<string, Map<string, Set<T>>>()
  return {
    add: (url, value) => {
      const { path, last } = parts(url)
      const before = byLast.get(last) ?? new Map<string, Set<T>>()
      byLast.set(last, before)
      before.set(path, (before.get(path) ?? new Set()).add(value))
    },
    at: (url) => {
      const { path, last } = parts(url)
      const found = [...(byLast.get(last) ?? [])].filter(([each]) => path.endsWith(each) || each.endsWith(path))
      return [...new Set(found.flatMap(([, values]) => [...values]))]
    },
  }
}

function parts({ pathname, search }: URL): { readonly path: string; readonly last: string } {
  const path = decoded(pathname).replace(/\/{2,}/g, '/')
  return { path: path + search, last: path.slice(path.lastIndexOf('/') + 1) }
}

/** Percent-encoding taken away, a piece at a time: a broken piece stays as it is. */
export function decoded(path: string): string {
  return path.replace(/(?:%[0-9a-f]{2})+/gi, (piece) => {
    try {
      return decodeURIComponent(piece)
    } catch {
      return piece
    }
  })
}
