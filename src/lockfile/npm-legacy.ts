import { GateError } from '../errors.ts'
import { type Fields, field, isPlain } from './record.ts'

/**
 * Version 2 says everything twice: in `packages` for npm 7 and newer, in `dependencies` for npm 6, which installs from that
 * and from nothing else. Whoever writes something else there is judged by the one and installed by the other, so a
 * lockfile in which they differ is refused: it could be listed twice, but no npm has ever written it.
 *
 * @throws GateError
 */
export function checkLegacy(lockfile: Fields, packages: ReadonlyMap<string, Fields>): void {
  const queue: { readonly at: string; readonly record: Fields }[] = [{ at: '', record: lockfile }]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const { at, record } = next
    const dependencies = field(record, 'dependencies')
    if (dependencies === undefined) continue
    if (!isPlain(dependencies)) throw differs(at, 'is not a plain map')
    for (const [name, entry] of Object.entries(dependencies)) {
      const location = `${at === '' ? '' : `${at}/`}node_modules/${name}`
      if (!isPlain(entry)) throw differs(location, 'is not a plain map')
      const found = packages.get(location)
      if (found === undefined) throw differs(location, 'is in `dependencies` alone')
      compare(location, entry, found)
      // What is nested under a link is in the folder that it leads to.
      const target = field(found, 'link') === true ? field(found, 'resolved') : undefined
      queue.push({ at: typeof target === 'string' ? target : location, record: entry })
    }
  }
}

function compare(location: string, legacy: Fields, entry: Fields): void {
  const [version, resolved, integrity, name] = ['version', 'resolved', 'integrity', 'name'].map((key) =>
    field(entry, key),
  )
  const asked = field(legacy, 'version')
  if (field(entry, 'link') === true) {
    if (asked === `file:${String(resolved)}`) return
    throw differs(location, `is a link to ${JSON.stringify(resolved)}, and ${JSON.stringify(asked)}`)
  }
  const same =
    asked === version ||
    asked === resolved ||
    (name !== undefined && asked === `npm:${String(name)}@${String(version)}`)
  if (!same) throw differs(location, `has the versions ${JSON.stringify(version)} and ${JSON.stringify(asked)}`)
  // npm leaves the address out where the version is one.
  const address = field(legacy, 'resolved') ?? (asked === resolved ? resolved : undefined)
  if (address !== resolved) throw differs(location, 'has two addresses (`resolved`)')
  if (field(legacy, 'integrity') !== integrity && !(asked === resolved && field(legacy, 'integrity') === undefined)) {
    throw differs(location, 'has two digests (`integrity`)')
  }
}

function differs(location: string, how: string): GateError {
  return new GateError(
    `The lockfile says two things of ${JSON.stringify(location)}: it ${how}. npm 6 installs from \`dependencies\`, newer ones from ` +
      '`packages`, which have to agree. Write it anew: `npm install --package-lock-only --lockfile-version 3`.',
  )
}
