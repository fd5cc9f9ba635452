import path from 'node:path'

/** What Windows programs do not start without. */
const KEPT = ['SystemRoot', 'ComSpec', 'PATHEXT']

/**
 * The environment of a machine that has never seen a package manager. Made from nothing rather than cleaned: proxies, CA files,
 * tokens and `npm_config_*` of this machine, and whatever package managers learn to read next, stay out.
 *
 * @param folder makes a folder of that name, and returns its path
 */
export function bareEnvironment(folder: (name: string) => string): Record<string, string> {
  const home = folder('home')
  const temporary = folder('tmp')
  const kept = KEPT.flatMap((name) => {
    const value = process.env[name]
    return value === undefined ? [] : [[name, value] as const]
  })
  return {
    ...Object.fromEntries(kept),
    // Native package managers and lifecycle scripts take the `node` found here, so it has to be the one that runs the tests.
    PATH: [path.dirname(process.execPath), process.env.PATH ?? ''].join(path.delimiter),
    HOME: home,
    USERPROFILE: home,
    XDG_CONFIG_HOME: folder('config'),
    XDG_DATA_HOME: folder('data'),
    XDG_STATE_HOME: folder('state'),
    XDG_CACHE_HOME: folder('xdg-cache'),
    TMPDIR: temporary,
    TMP: temporary,
    TEMP: temporary,
    NO_COLOR: '1',
  }
}
