/** The line of an offset; both count as editors do: lines from 1, offsets from 0. */
export function lineAt(text: string, offset: number): number {
  let line = 1
  for (let at = text.indexOf('\n'); at >= 0 && at < offset; at = text.indexOf('\n', at + 1)) line += 1
  return line
}

/** The first line from `from` on that mentions a word; `from` itself where none does. For messages. */
export function lineWith(text: string, word: string, from: number): number {
  const lines = text.split('\n')
  const found = lines.findIndex((line, index) => index >= from - 1 && line.includes(word))
  return found < 0 ? from : found + 1
}
