/** Finds the lines of offsets in a text: both count as editors do, lines from 1, offsets from 0. */
export function openLines(text: string): (offset: number) => number {
  const starts = [0]
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return (offset) => {
    let [low, high] = [0, starts.length]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle
    }
    return low + 1
  }
}

/**
 * The first line from one on that mentions a word, or its first part; that line where none does. For messages. The text is
 * walked through once, whatever it is asked: with a search for each word a file of many keys would take minutes.
 */
export function openWords(text: string): (word: string, from: number) => number {
  let known: ReadonlyMap<string, readonly number[]> | undefined
  return (word, from) => {
    known ??= linesByPart(text)
    const lines = known.get(PART.exec(word)?.[0] ?? '') ?? []
    let [low, high] = [0, lines.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((lines[middle] ?? 0) < from) low = middle + 1
      else high = middle
    }
    const line = lines[low] ?? from
    return line < from + MOST_LINES ? line : from
  }
}

function linesByPart(text: string): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>()
  for (const [index, line] of text.split('\n').entries()) {
    for (const [part] of line.matchAll(PARTS)) {
      const lines = found.get(part)
      if (lines === undefined) found.set(part, [index + 1])
      else if (lines.at(-1) !== index + 1) lines.push(index + 1)
    }
  }
  return found
}

/** What may be between two keys, in all of JSON, YAML and TOML. */
const PART = /[^\s"'=:,.{}[\]]+/
const PARTS = new RegExp(PART, 'g')

/** Below a line, a word is looked for in so many. */
const MOST_LINES = 500
