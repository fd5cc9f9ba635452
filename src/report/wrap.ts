/** A line of text, and how many columns of a terminal it takes. */
export interface Line {
  readonly text: string
  readonly columns: number
}

/** What takes two columns: characters of East Asia and pictures; and what takes none, for it is drawn onto another. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
const NONE = /\p{M}/u
const ASCII = /^[\x20-\x7e]*$/

/**
 * A text in lines of at most so many columns, in time that grows with its length. Lines end between words; a word that is
 * longer than a line is cut. Blanks where a line ends are left out.
 */
export function wrapText(text: string, width: number): readonly Line[] {
  return text.split('\n').flatMap((line) => wrapLine(line, Math.max(width, 2)))
}

function wrapLine(line: string, width: number): readonly Line[] {
  const lines: Line[] = []
  let text = ''
  let columns = 0
  const end = () => {
    lines.push({ text, columns })
    text = ''
    columns = 0
  }
  const add = (part: Line) => {
    text += part.text
    columns += part.columns
  }
  for (const [, blanks = '', word = ''] of line.matchAll(/( *)([^ ]*)/g)) {
    const parts = cutWord(word, width)
    const [first = { text: '', columns: 0 }, ...rest] = parts
    if (columns + blanks.length + first.columns > width) end()
    else add({ text: blanks, columns: blanks.length })
    add(first)
    for (const part of rest) {
      end()
      add(part)
    }
  }
  // By its text: an accent alone takes no column.
  if (text !== '' || lines.length === 0) end()
  return lines
}

/** A word in parts of at most so many columns. */
function cutWord(word: string, width: number): readonly Line[] {
  if (ASCII.test(word)) {
    const count = Math.max(Math.ceil(word.length / width), 1)
    return Array.from({ length: count }, (_, index) => {
      const text = count === 1 ? word : word.slice(index * width, (index + 1) * width)
      return { text, columns: text.length }
    })
  }
  const parts: Line[] = []
  let text = ''
  let columns = 0
  for (const character of word) {
    const own = NONE.test(character) ? 0 : WIDE.test(character) ? 2 : 1
    if (columns + own > width) {
      parts.push({ text, columns })
      text = ''
      columns = 0
    }
    text += character
    columns += own
  }
  return [...parts, { text, columns }]
}
