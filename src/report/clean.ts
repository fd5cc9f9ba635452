/**
 * Makes text from lockfiles, registries and certificates safe for a terminal: whoever writes a package name or a claim
 * could otherwise move the cursor and paint a passing verdict over a refusal. Control characters, and characters that
 * reorder or hide text, become visible escapes. `DI` are those that are drawn as nothing (variation selectors, fillers):
 * two names that look the same would otherwise not be.
 */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0
    return `\\u{${code.toString(16)}}`
  })
}
