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

/** The table of package managers. */
export function rows(page: string = PAGE): readonly Row[] {
  const [, table = ''] = /^## Package managers\n(.*?)^## /ms.exec(page) ?? []
  return [...table.matchAll(/^\| ([\w .]+?) \| `([^`]+)`[^|]* \| `([^`]+)` \| `([^`]+)` \|$/gm)].map(
    ([, manager = '', lockfile = '', itself = '', install = '']) => ({ manager, lockfile, itself, install }),
  )
}

/** A recipe for another package manager: the replacements that the page tells its reader to make. */
export function recipeFor({ lockfile, itself, install }: Row, text: string): string {
  const [pnpm] = rows()
  if (pnpm === undefined) throw new Error('docs/ci.md has no table of package managers')
  for (const line of [pnpm.itself, pnpm.install]) {
    if (!text.includes(line)) throw new Error(`this recipe does not have the line of the table: ${line}`)
  }
  return text.replaceAll(pnpm.itself, itself).replaceAll(pnpm.install, install).replaceAll(pnpm.lockfile, lockfile)
}
