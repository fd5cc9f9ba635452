import type { ParsedSettings } from '../types.ts'

/**
 * What `yarn autoclean --init` of yarn 1 writes: tests, documentation and configuration. Many repositories have it, and no package
 * becomes another one without these.
 */
const USUAL: ReadonlySet<string> = new Set(
  `__tests__ test tests powered-test docs doc website images assets example examples coverage .nyc_output Makefile Gulpfile.js
   Gruntfile.js appveyor.yml circle.yml codeship-services.yml codeship-steps.yml wercker.yml .tern-project .gitattributes
   .editorconfig .*ignore .eslintrc .jshintrc .flowconfig .documentup.json .yarn-metadata.json .travis.yml *.md`.split(
    /\s+/,
  ),
)

/**
 * The unusual patterns of a `.yarnclean`, each as a setting without a value. What begins with `!` or `#` in the first column keeps
 * files, or is a comment. Behind a blank yarn takes a `!` for another thing: whatever does not match.
 */
export function parseYarnclean(text: string): ParsedSettings {
  const entries = text.split('\n').flatMap((written, index) => {
    const pattern = written.trim()
    const isHarmless = pattern === '' || /^[!#]/.test(written) || USUAL.has(pattern)
    return isHarmless ? [] : [{ line: index + 1, key: pattern, value: undefined }]
  })
  return { entries, unclear: [] }
}
