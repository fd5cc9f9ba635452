import { foreignSettings } from '../settings/foreign.ts'
import { REGISTRIES_AND_LOGINS } from '../settings/registries.ts'
import type { Form, KnownSettings, SettingsList } from '../settings/types.ts'

/*
 * yarn 1 looks a setting up in .yarnrc first, then in .npmrc, so that each key may be in both. Only .yarnrc adds to the
 * command line: `--option` for every command, `--install.option` for one.
 */

const ACCEPTED: Readonly<Record<string, Form>> = {
  'always-auth': 'boolean',
  'child-concurrency': 'number',
  'commit-hooks': 'boolean',
  'disable-self-update-check': 'boolean',
  email: 'text',
  'enable-meta-folder': 'boolean',
  'git-tag-version': 'boolean',
  'ignore-engines': 'boolean',
  'ignore-scripts': [true],
  'init-author-email': 'text',
  'init-author-name': 'text',
  'init-author-url': 'text',
  'init-license': 'text',
  'init-private': 'boolean',
  'init-version': 'text',
  lastUpdateCheck: 'number',
  message: 'text',
  'network-concurrency': 'number',
  'network-timeout': 'number',
  'no-progress': 'boolean',
  registry: 'url',
  'save-exact': 'boolean',
  'save-prefix': ['', '^', '~', '='],
  'sign-git-tag': 'boolean',
  'strict-ssl': [true],
  'tag-version-prefix': ['', 'v'],
  'unsafe-disable-integrity-migration': 'boolean',
  'version-commit-hooks': 'boolean',
  'version-git-message': 'text',
  'version-git-sign': 'boolean',
  'version-git-tag': 'boolean',
  'version-sign-git-tag': 'boolean',
  'version-tag-prefix': ['', 'v'],
  'workspaces-experimental': 'boolean',
  'workspaces-nohoist-experimental': [true],
  'yarn-enable-lockfile-versions': 'boolean',
  // yarn compares what it takes from there with the lockfile, too.
  'yarn-offline-mirror': 'inside',
  'yarn-offline-mirror-pruning': 'boolean',
  ...REGISTRIES_AND_LOGINS,
}

const REFUSED: Readonly<Record<string, string>> = {
  _auth: 'makes yarn send a login to whatever registry the settings name',
  _authToken: 'makes yarn send a login to whatever registry the settings name',
  _password: 'makes yarn send a login to whatever registry the settings name',
  'bin-links': 'makes yarn install no commands of packages, so that others of the same name are run',
  ca: 'names who vouches for registries in place of the authorities of the system',
  'cache-folder': 'names the folder that yarn takes packages from, without comparing them with the lockfile',
  cafile: 'names a file with who vouches for registries; yarn reads it whole, whatever its size',
  cert: 'has yarn show a certificate of the repository to registries',
  'custom-host-suffix': 'makes yarn send logins to further hosts',
  env: 'sets variables for every script, such as NODE_OPTIONS',
  'env.*': 'sets variables for every script, such as NODE_OPTIONS',
  'experimental-pack-script-packages-in-mirror': 'makes yarn keep packages as their scripts have left them',
  force: 'makes yarn fetch all packages again and write the lockfile',
  'global-folder': 'names a folder that yarn writes to',
  'https-proxy': 'names who passes on what yarn sends to registries',
  'ignore-optional': 'makes yarn leave out a part of the lockfile',
  'ignore-platform': 'makes yarn install packages that are for other systems',
  key: 'has yarn show a certificate of the repository to registries',
  noproxy: 'makes yarn go past the proxy of the machine',
  'no-proxy': 'makes yarn go past the proxy of the machine',
  'offline-cache-folder': 'names the folder that yarn takes packages from',
  'plugnplay-blacklist': 'makes yarn leave packages out of its map of packages',
  'plugnplay-override': 'makes yarn install no node_modules, and a program that finds packages in the cache',
  'plugnplay-shebang': 'names a program that starts what yarn installs',
  'preferred-cache-folder': 'names the folder that yarn takes packages from, without comparing them with the lockfile',
  prefix: 'names another folder for commands of packages',
  production: 'makes yarn leave out a part of the lockfile',
  proxy: 'names who passes on what yarn sends to registries',
  'script-shell': 'names a program that runs every script',
  'user-agent': 'has yarn say that it is another manager',
  userconfig: 'names a further file of settings, which the gate does not read',
  username: 'makes yarn send a login to whatever registry the settings name',
  'yarn-link-file-dependencies': 'makes yarn link folders in place of copying what they pack',
}

/** Options that neither change what is installed, nor from where, or make yarn stop sooner. */
const ACCEPTED_OPTIONS: Readonly<Record<string, Form>> = {
  audit: 'boolean',
  'check-files': 'boolean',
  emoji: 'boolean',
  'frozen-lockfile': 'boolean',
  'ignore-engines': 'boolean',
  'ignore-scripts': 'boolean',
  json: 'boolean',
  'network-concurrency': 'number',
  'network-timeout': 'number',
  'no-emoji': 'boolean',
  'no-node-version-check': 'boolean',
  'no-progress': 'boolean',
  'non-interactive': 'boolean',
  'pure-lockfile': 'boolean',
  save: 'boolean',
  'save-dev': 'boolean',
  'save-exact': 'boolean',
  'save-optional': 'boolean',
  'save-peer': 'boolean',
  'save-tilde': 'boolean',
  silent: 'boolean',
  'strict-semver': 'boolean',
  verbose: 'boolean',
}

const REFUSED_OPTIONS: Readonly<Record<string, string>> = {
  'cache-folder': 'names the folder that yarn takes packages from, without comparing them with the lockfile',
  cwd: 'makes yarn install another folder than the one that was verified',
  'disable-pnp': 'makes yarn write how packages are laid out into package.json',
  'enable-pnp': 'makes yarn install no node_modules, and a program that finds packages in the cache',
  flat: 'makes yarn choose one version of each package, whatever the lockfile has',
  focus: 'makes yarn install projects of the workspace from the registry',
  force: 'makes yarn fetch all packages again and write the lockfile',
  global: 'makes yarn install for the whole machine',
  'global-folder': 'names a folder that yarn writes to',
  har: 'makes yarn write what it sends to registries, logins too, into a file',
  'https-proxy': 'names who passes on what yarn sends to registries',
  'ignore-optional': 'makes yarn leave out a part of the lockfile',
  'ignore-platform': 'makes yarn install packages that are for other systems',
  'link-duplicates': 'makes yarn install files that several packages share',
  'link-folder': 'names a folder with packages that yarn links in place of those of the lockfile',
  'modules-folder': 'makes yarn install into another folder',
  mutex: 'makes yarn wait for another program',
  'no-bin-links': 'makes yarn install no commands of packages, so that others of the same name are run',
  'no-default-rc': 'makes yarn leave out the files of settings, those of the user too',
  'no-lockfile': 'makes yarn install without the lockfile',
  offline: 'makes yarn take packages from its cache alone',
  otp: 'has yarn send a password',
  pnp: 'makes yarn install no node_modules, and a program that finds packages in the cache',
  'prefer-offline': 'makes yarn take old answers of the registry from its cache',
  'preferred-cache-folder': 'names the folder that yarn takes packages from, without comparing them with the lockfile',
  prod: 'makes yarn leave out a part of the lockfile',
  production: 'makes yarn leave out a part of the lockfile',
  proxy: 'names who passes on what yarn sends to registries',
  registry: 'names a registry that the gate does not follow',
  'scripts-prepend-node-path': 'changes which programs scripts find',
  'skip-integrity-check': 'makes yarn install without a look at what is there',
  'update-checksums': 'makes yarn take any bytes and count their digest for the right one',
  'use-yarnrc': 'names a further file of settings, which the gate does not read',
}

const PATHS = 'names the program that yarn starts in place of itself'

/** `--option` and `--install.option`. */
function asLines<T>(options: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(options).flatMap(([option, value]) => [
      [`--${option}`, value] as const,
      [`--install.${option}`, value] as const,
    ]),
  )
}

/** Lines for other commands than `install`, which many repositories have. */
const OTHER_COMMANDS: Readonly<Record<string, Form>> = {
  '--add.exact': 'boolean',
  '--add.ignore-engines': 'boolean',
  '--add.ignore-scripts': 'boolean',
  '--add.ignore-workspace-root-check': 'boolean',
  '--ignore-workspace-root-check': 'boolean',
  '--remove.ignore-workspace-root-check': 'boolean',
}

const yarnrc: KnownSettings = {
  accepted: { ...ACCEPTED, ...asLines(ACCEPTED_OPTIONS), ...OTHER_COMMANDS },
  refused: {
    ...REFUSED,
    ...asLines(REFUSED_OPTIONS),
    'yarn-path': PATHS,
    yarnPath: PATHS,
  },
}

/** Keys of other managers, with more values than they take themselves. yarn 1 looks none of them up. */
const FOREIGN: Readonly<Record<string, Form>> = {
  'allow-git': 'text',
  'allow-remote': 'text',
  'audit-level': 'text',
  'auto-install-peers': 'boolean',
  audit: 'boolean',
  color: 'text',
  'enable-pre-post-scripts': 'boolean',
  'engine-strict': 'boolean',
  fund: 'boolean',
  hoist: 'boolean',
  'hoist-pattern': 'plain',
  'hoist-pattern[]': 'plain',
  'legacy-peer-deps': 'boolean',
  'link-workspace-packages': 'plain',
  loglevel: 'text',
  'min-release-age': 'number',
  'node-linker': 'text',
  'package-lock': 'boolean',
  'prefer-workspace-packages': 'boolean',
  progress: 'boolean',
  provenance: 'boolean',
  'public-hoist-pattern': 'plain',
  'public-hoist-pattern[]': 'plain',
  'save-workspace-protocol': 'plain',
  'shamefully-hoist': 'boolean',
  'shared-workspace-lockfile': 'boolean',
  'side-effects-cache': 'boolean',
  'strict-peer-dependencies': 'boolean',
  tag: 'text',
  'update-notifier': 'boolean',
}

const npmrc: KnownSettings = { accepted: { ...FOREIGN, ...ACCEPTED }, refused: REFUSED }

/** All that yarn 1 reads from a repository, by its own code: `lib/cli.js` of yarn 1.22.22. */
export const YARN_1: SettingsList = {
  manager: 'yarn',
  major: 1,
  files: {
    '.yarnrc': yarnrc,
    '.npmrc': { ...npmrc, accepted: { ...foreignSettings(npmrc), ...npmrc.accepted } },
    // Read as a .yarnrc for the command line and for the program, and for nothing else.
    '.yarnrc.yml': {
      accepted: { '*': 'plain' },
      refused: { '--*': 'is an argument of yarn', 'yarn-path': PATHS, yarnPath: PATHS },
    },
    // yarn takes it for a manifest where there is no package.json, of the root, of a workspace above, and of projects.
    'yarn.json': {
      accepted: {},
      refused: { 'yarn.json': 'is a manifest for yarn alone, which the gate does not read; write package.json' },
    },
    // Which files of packages yarn deletes when it has installed them.
    '.yarnclean': {
      accepted: {},
      refused: { '*': 'makes yarn delete files of packages that `yarn autoclean --init` does not name' },
    },
    'package.json': {
      accepted: {
        config: 'plain',
        devEngines: 'plain',
        'installConfig.*': 'plain',
        packageManager: 'classic-yarn',
        resolutions: 'plain',
        workspaces: 'plain',
      },
      refused: {
        flat: 'makes yarn choose one version of each package, whatever the lockfile has',
        'installConfig.pnp': 'makes yarn install no node_modules, and a program that finds packages in the cache',
      },
    },
  },
}
