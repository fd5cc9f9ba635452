import { lstatSync, type Stats, statSync } from 'node:fs'

/**
 * What is at a place, links followed; undefined where nothing is, and where nobody could look: of a path through a file and
 * of a circle of links, `throwIfNoEntry` throws.
 */
export function statsAt(place: string): Stats | undefined {
  return orUndefined(() => statSync(place))
}

/** The same of a link itself. */
export function linkStatsAt(place: string): Stats | undefined {
  return orUndefined(() => lstatSync(place))
}

export function isFolderAt(place: string): boolean {
  return statsAt(place)?.isDirectory() === true
}

function orUndefined(look: () => Stats): Stats | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
