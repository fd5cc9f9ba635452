/** Names that differ by case alone. File systems of macOS and Windows have one folder for all of them. */
export interface Spellings {
  add(name: string): void
  /** Those that were added and differ from this one by case alone. */
  twins(name: string): readonly string[]
}

export function openSpellings(): Spellings {
  const byFolded = new Map<string, Set<string>>()
  const fold = (name: string) => name.toLowerCase()
  return {
    add: (name) => {
      const known = byFolded.get(fold(name))
      if (known === undefined) byFolded.set(fold(name), new Set([name]))
      else known.add(name)
    },
    twins: (name) => [...(byFolded.get(fold(name)) ?? [])].filter((each) => each !== name),
  }
}
