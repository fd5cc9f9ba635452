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
 * The first line from one on that mentions a word; that one where none does. For messages. The words are sought in order, so
 * that all of them together cost one walk through the text, give or take.
 */
export function openWords(text: string): (word: string, from: number) => number {
  const lines = text.split('\n')
  const known = new Map<string, number>()
  return (word, from) => {
    const id = `${from} ${word}`
    const found = known.get(id) ?? lines.slice(from - 1, from - 1 + MOST_LINES).findIndex((line) => line.includes(word))
    known.set(id, found)
    return found < 0 ? from : from + found
  }
}

/** Below a line, a word is looked for in so many. */
const MOST_LINES = 500
