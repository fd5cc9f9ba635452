/**
 * What a dependency is asked for as, in the words of package.json: a version, range or tag of a registry; the same under
 * another name (`npm:other@^1`); or something that no registry has (an address, a repository, a file, a folder).
 */
export type Specifier =
  | { readonly kind: 'registry' }
  | { readonly kind: 'alias'; readonly name: string }
  | { readonly kind: 'other' }

export function specifierOf(text: string): Specifier {
  const [, alias] = /^npm:((?:@[^/@]+\/)?[A-Za-z_][^/@]*)(?:@[^:/]*)?$/s.exec(text) ?? []
  if (alias !== undefined) return { kind: 'alias', name: alias }
  // `npm:^1.0.0` is yarn's way to say that it is of a registry.
  const rest = text.startsWith('npm:') ? text.slice('npm:'.length) : text
  const isElsewhere = /[:/\\]|^[.~]$|^\.[^\d]|\.(?:tgz|tar\.gz|tar)$/i.test(rest)
  return isElsewhere ? { kind: 'other' } : { kind: 'registry' }
}

/** `./lib`, `../lib`, `/lib`, `~/lib`, `C:\\lib`; `~1.0` is a range. */
const LOCAL = /^(?:\.{1,2}(?:[/\\]|$)|~?[/\\]|[a-z]:[/\\])/i

/** The folder, or the file, that a dependency asks for, as it is written: `./lib` of `file:./lib`. */
export function folderAskedFor(text: string): string | undefined {
  return /^file:(.+)$/s.exec(text)?.[1] ?? (LOCAL.test(text) ? text : undefined)
}
