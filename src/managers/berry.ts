import path from 'node:path'
import { GateError } from '../errors.ts'
import { withoutExceptions, withoutVariables, withVariables } from './environment.ts'
import { own, ownEntries } from './own.ts'
import type { Call, Manager } from './types.ts'
import { isSet, wordsOf } from './words.ts'
import { settingsIn } from './yaml.ts'

const WITH_VALUE = ['--cwd', '--mode', '--registry']
/** What downloads packages and links them. */
const LINKING = ['focus', 'unplug', 'add', 'up', 'upgrade', 'remove', 'dedupe', 'link', 'unlink', 'import', 'rebuild']

/**
 * yarn 2 and later. Its environment is stronger than .yarnrc.yml, but for what that says of single hosts. The checksums of its
 * lockfile are of zip files that it makes itself, so nothing else can compare them, and its cache may lie in the repository:
 * `yarn install --check-cache` downloads everything again, and compares. Other commands get a private cache, which is not
 * possible where .pnp.cjs names the files of the cache.
 */
export const berry: Manager = {
  name: 'berry',
  title: 'yarn',
  lockfiles: ['yarn.lock'],
  bindsCaches: false,
  // Nothing of its lockfile can be judged before it is downloaded.
  isStrict: () => false,
  refusePastGate(call, folders, read) {
    const home = call.env.HOME || call.env.USERPROFILE
    const name = call.env.YARN_RC_FILENAME || '.yarnrc.yml'
    const files = new Set((home === undefined ? folders : [...folders, home]).map((folder) => path.join(folder, name)))
    const settings = [...files].map((file) => [file, settingsIn(file, read(file))] as const)
    for (const [file, each] of settings) refuseHosts(file, each)
    const linker = settings.find(([, each]) => own(each, 'nodeLinker') !== undefined)?.[1]
    const isPnp = (call.env.YARN_NODE_LINKER ?? own(linker, 'nodeLinker') ?? 'pnp') === 'pnp'
    const command = commandOf(call)
    if (isPnp && LINKING.includes(command) && !isOnlyLockfile(call.args)) {
      throw new GateError(
        `yarn ${command} with Plug'n'Play takes packages from its cache without downloading them, and the cache cannot be replaced, for .pnp.cjs names the files in it. Expected \`yarn install\`, which downloads and compares all of them. Run \`yarn ${command} … --mode=update-lockfile\`, which installs nothing, and then \`provenance-gate run -- yarn install\`.`,
      )
    }
    const found = call.args.find((word) => word === '--cached' || word === '--no-check-cache')
    if (found !== undefined) {
      throw new GateError(
        `yarn's option ${found} takes packages from its cache: expected a command without it. Leave it out.`,
      )
    }
  },
  launch(call, { proxy, bundle, extra, fresh }) {
    const { args, env } = call
    const isInstall = commandOf(call) === 'install'
    const common = {
      YARN_HTTP_PROXY: proxy,
      YARN_HTTPS_PROXY: proxy,
      YARN_HTTPS_CA_FILE_PATH: bundle,
      NODE_EXTRA_CA_CERTS: extra,
    }
    if (isInstall) {
      const at = args.indexOf('install') + 1
      const check = isSet(args, ['--check-cache']) ? [] : ['--check-cache']
      // `yarn` alone is an install, but takes no options of one.
      const checked = at === 0 ? ['install', ...args, ...check] : [...args.slice(0, at), ...check, ...args.slice(at)]
      return { args: checked, env: withVariables(withoutExceptions(env), common) }
    }
    const cache =
      fresh === undefined ? {} : { YARN_CACHE_FOLDER: path.join(fresh, 'yarn'), YARN_ENABLE_GLOBAL_CACHE: 'false' }
    return {
      args,
      env: withVariables(withoutVariables(withoutExceptions(env), ['YARN_ENABLE_MIRROR']), {
        ...common,
        ...cache,
        YARN_ENABLE_MIRROR: 'false',
      }),
    }
  },
  asked(call) {
    const words = wordsOf(call.args, WITH_VALUE)
    const command = commandOf(call)
    if (command === 'dlx') return words.slice(1, 2)
    return ['add', 'up', 'upgrade'].includes(command) ? words.slice(words.indexOf(command) + 1) : []
  },
}

/** Behind `workspace NAME`, which says where a command runs. */
function commandOf({ args }: Call): string {
  const words = wordsOf(args, WITH_VALUE)
  const [command, ...rest] = words[0] === 'workspace' ? words.slice(2) : words
  // `yarn --version` is no install.
  if (command === undefined)
    return args.some((word) => /^(?:-[hv]|--(?:help|version))$/.test(word)) ? 'help' : 'install'
  return command === 'workspaces' && rest[0] === 'focus' ? 'focus' : command
}

function isOnlyLockfile(args: readonly string[]): boolean {
  return args.some(
    (word, index) => word === '--mode=update-lockfile' || (word === '--mode' && args[index + 1] === 'update-lockfile'),
  )
}

/** For single hosts, nothing that the gate sets is stronger. @throws GateError */
function refuseHosts(file: string, settings: unknown): void {
  for (const [host, each] of ownEntries(own(settings, 'networkSettings'))) {
    for (const key of ['httpProxy', 'httpsProxy', 'httpsCaFilePath']) {
      if (own(each, key) === undefined) continue
      throw new GateError(
        `${file} sets ${key} for ${host} under networkSettings, which is stronger than what the gate can set, and would lead past it: expected proxies and authorities for all hosts only. Move it out of networkSettings.`,
      )
    }
  }
}
