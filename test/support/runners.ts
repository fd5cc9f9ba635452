import fc from 'fast-check'

/**
 * Whether a runner would take a line for a command, or fold lines away at it. By the runners' own rules, and not by what the gate
 * escapes:
 *
 * - GitHub Actions: `::` at the start, behind white space, and once more behind a name; `##[` anywhere.
 * - Azure Pipelines: `##vso[` anywhere, `##[` at the start. TeamCity: `##teamcity[` anywhere.
 * - GitLab: `section_start:` and `section_end:` between control sequences. Buildkite: `---`, `+++`, `~~~`, `^^^` at the start.
 *
 * @param line as some see it: a carriage return ends one, too
 * @param how `wrapped`: begins where somebody else has wrapped it, and GitHub knows only commands that begin with a letter
 */
export function isCommand(line: string, how: 'whole' | 'wrapped' = 'whole'): boolean {
  return line.split(/\r\n?|[\u0085\u2028\u2029]/).some((each) => {
    if (/##(?:vso|teamcity)?\[/i.test(each)) return true
    // biome-ignore lint/suspicious/noControlCharactersInRegex: GitLab looks for it
    if (/section_(?:start|end):\d+:[\w.-]+\r?\u001b\[0K/.test(each)) return true
    return how === 'wrapped' ? /^::[a-z]/i.test(each.trimStart()) : /^\s*::|^(?:---|\+\+\+|~~~|\^\^\^)/.test(each)
  })
}

/** Text that is made of what commands are made of. */
export const commandLike: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '::',
        ':',
        '##',
        '#',
        '[',
        ']',
        'vso',
        'teamcity',
        '##vso[',
        '##teamcity[',
        '##[',
        '::error::',
        'add-mask',
      ),
      fc.constantFrom(
        ' ',
        '\u00a0',
        '\u3000',
        '\t',
        '\r',
        '\n',
        '\u2028',
        '\u0085',
        '\u200b',
        '\u00ad',
        '\ud800',
        '…',
        'x',
        '1',
      ),
      fc.constantFrom('---', '+++', '~~~', '^^^', '-', 'section_start:1:x\r\u001b[0K', '\\', '"', '\\u{3a}', '@', '/'),
      fc.string({ maxLength: 3 }),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))
