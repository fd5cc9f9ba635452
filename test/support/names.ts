/** Names of packages that registries have, today's and older ones. */
export const GOOD_NAMES = [
  ...['left-pad', '@scope/name', 'a', '@a/b', 'lodash.merge', 'x_y', '7zip', '@types/node', '@jsr/std__path', 'a..b'],
  ...['JSONStream', 'Base64', 'UglifyJS', '@Scope/Name', '_', '-', '~', 'constructor', 'toString', 'package.json'],
] as const

/** What is no name of a package, and what package managers would take for a folder all the same. */
export const BAD_NAMES = [
  ...['', '.', '..', './victim', '../victim', 'x/../victim', 'victim/', '/victim', 'victim/.', 'a/b', 'a//b'],
  ...['@scope', '@scope/', '@/x', '@scope/x/y', '@scope/../victim', '@../victim', '@scope/.', '@./x', '@@a/b', '@a/@b'],
  ...['.\\victim', '..\\victim', 'x\\victim', 'C:victim', 'C:\\victim', 'victim::$INDEX_ALLOCATION', '\\\\host\\x'],
  ...['vic\u0000tim', 'vic\ntim', 'vic\ttim', 'victim\u001b[2K', 'vic\u202etim', 'vic\u200dtim', 'victim\ufeff'],
  ...['%2e%2e%2fvictim', 'victim%2f', '@scope%2fname', '.victim', '@scope/.victim', '@.scope/victim'],
  ...['victim.', 'victim ', ' victim', 'vic tim', '@scope./victim', '@scope/victim.', 'victim...'],
  ...['node_modules', 'Node_Modules', '@scope/node_modules', '@node_modules/x', 'favicon.ico', '__proto__'],
  ...['.bin', '.pnpm', '.modules.yaml', '.package-lock.json', '.yarn-integrity', '.cache'],
  ...['NODE_M~1', 'victim~2', '@scope/victim~1', 'a'.repeat(215), `@scope/${'a'.repeat(215)}`],
  // In NFD and in NFC, full width, a letter that lower case makes a `k` of, and one that looks like an `i`.
  ...['vi\u0063\u0327tim', 'vi\u00e7tim', '\uff56ictim', 'wor\u212aer', 'v\u0456ctim', '\u{1f4a9}', '\ud800'],
  ...['victim?x', 'victim#x', 'victim:x', 'victim@1.0.0', 'victim*', 'vic|tim', 'vic"tim', '<victim>', 'victim!'],
] as const
