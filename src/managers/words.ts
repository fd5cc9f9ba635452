/** Reading command lines of others: only as much as has to be known. */

/** Up to a `--`, behind which nothing is an option. */
export function optionsOf(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  return end < 0 ? args : args.slice(0, end)
}

/** The name of an option without dashes and value, or undefined for what is none. */
function optionName(word: string): string | undefined {
  return /^-+([^=-][^=]*)(?:=.*)?$/s.exec(word)?.[1]
}

/** The last value of an option, whichever of its names it has: `--dir x`, `--dir=x`, `-C x`, `-Cx` not. */
export function optionValue(args: readonly string[], names: readonly string[]): string | undefined {
  const words = optionsOf(args)
  let value: string | undefined
  for (const [index, word] of words.entries()) {
    for (const name of names) {
      if (word === name) value = words[index + 1]
      else if (name.startsWith('--') && word.startsWith(`${name}=`)) value = word.slice(name.length + 1)
    }
  }
  return value
}

/** Whether a flag is set: `--x`, `--x=true`; not `--no-x`, nor `--x=false`. The last one decides. */
export function isSet(args: readonly string[], names: readonly string[]): boolean {
  let set = false
  for (const word of optionsOf(args)) {
    for (const name of names) {
      if (word === name || word === `${name}=true`) set = true
      else if (word === `${name}=false` || word === name.replace(/^--/, '--no-')) set = false
    }
  }
  return set
}

/**
 * What is no option, and no value of one that is known to take one. Of an option that is not known its value is taken for a
 * word: too much is asked for then, never too little.
 */
export function wordsOf(args: readonly string[], withValue: readonly string[]): readonly string[] {
  const words: string[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    if (word === '--') return [...words, ...args.slice(index + 1)]
    if (!word.startsWith('-') || word === '-') words.push(word)
    else if (withValue.includes(word)) index++
  }
  return words
}

/**
 * The options among these that a command line sets, however they are spelled: npm and yarn take `--pro`, `-proxy` and
 * `--no-proxy`, too. Nothing is lost by refusing what only looks like one of them.
 */
export function setsOneOf(args: readonly string[], dangerous: readonly string[]): string | undefined {
  return optionsOf(args).find((word) => {
    const name = optionName(word)?.toLowerCase()
    if (name === undefined) return false
    const bare = name.replace(/^no-/, '')
    return dangerous.some((each) => name === each || bare === each || (bare.length >= 4 && each.startsWith(bare)))
  })
}

/**
 * The command, where it is the first word and no option moves it to another folder. Whoever wants to know what a command is
 * *not* must not guess which options have values: `npm --unknown ci install` is an install.
 */
export function plainCommand(args: readonly string[], moving: readonly string[]): string | undefined {
  const [first = '-'] = args
  return first.startsWith('-') || setsOneOf(args, moving) !== undefined ? undefined : first
}
