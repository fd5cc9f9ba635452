import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The page whose recipes are run. */
export const PAGE = readFileSync(fileURLToPath(new URL('../../../docs/ci.md', import.meta.url)), 'utf8')

/** The only block of a language under a heading. Throws where there is none, or more than one: a test that lost its recipe tests nothing. */
export function recipe(heading: string, language: string, page: string = PAGE): string {
  const sections = page.split(/^##+ /m).filter((section) => section.startsWith(`${heading}\n`))
  const blocks = sections.flatMap((section) =>
    [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(([, name]) => name === language),
  )
  const [[, , text] = [], ...others] = blocks
  if (text === undefined || others.length > 0) {
    throw new Error(`docs/ci.md has ${blocks.length} blocks of ${language} under "${heading}", not one`)
  }
  return text
}

/** How one package manager is written into the recipes, which are for pnpm. */
export interface Row {
  readonly manager: string
  readonly lockfile: string
  readonly itself: string
  readonly install: string
}

/** The table of package managers. `itself` is empty where there is nothing to install. */
export function rows(page: string = PAGE): readonly Row[] {
  const [, table = ''] = /^## Package managers\n(.*?)^## /ms.exec(page) ?? []
  const cell = / (?:`([^`]+)`[^|]*|none: [^|]+) \|/.source
  return [...table.matchAll(new RegExp(`^\\| ([\\w .]+) \\|${cell.repeat(3)}$`, 'gm'))].map(
    ([, manager = '', lockfile = '', itself = '', install = '']) => ({ manager, lockfile, itself, install }),
  )
}

/** A recipe for another package manager: the replacements that the page tells its reader to make. */
export function recipeFor({ lockfile, itself, install }: Row, text: string): string {
  const [pnpm] = rows()
  if (pnpm === undefined) throw new Error('docs/ci.md has no table of package managers')
  const lines = text.split('\n')
  for (const line of [pnpm.itself, pnpm.install]) {
    if (lines.filter((each) => each.includes(line)).length !== 1)
      throw new Error(`not one line of this recipe has ${line}`)
  }
  return lines
    .filter((line) => itself !== '' || !line.includes(pnpm.itself))
    .map((line) => line.replace(pnpm.itself, itself).replace(pnpm.install, install).replace(pnpm.lockfile, lockfile))
    .join('\n')
}
