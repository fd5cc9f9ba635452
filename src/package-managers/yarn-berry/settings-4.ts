import { BUN_1 } from '../bun/settings-1.ts'
import type { Form, SettingsList } from '../settings/types.ts'
import { YARN_1 } from '../yarn-classic/settings-1.ts'

const { '.yarnrc': YARNRC, 'yarn.json': YARN_JSON } = YARN_1.files

/** They change messages, waiting, other commands than `install`, or how what is in the lockfile is laid out. */
const HARMLESS: Readonly<Record<string, Form>> = {
  approvedGitRepositories: 'plain',
  changesetBaseRefs: 'texts',
  changesetIgnorePatterns: 'texts',
  cloneConcurrency: 'number',
  constraintsPath: 'inside',
  defaultLanguageName: ['node'],
  defaultProtocol: ['npm:'],
  defaultSemverRangePrefix: ['', '^', '~'],
  deferredVersionFolder: 'inside',
  enableCacheClean: 'boolean',
  enableColors: 'boolean',
  enableConstraintsChecks: 'boolean',
  enableHyperlinks: 'boolean',
  enableImmutableCache: 'boolean',
  enableImmutableInstalls: [true],
  enableInlineBuilds: 'boolean',
  enableInlineHunks: 'boolean',
  enableMessageNames: 'boolean',
  enableMirror: 'boolean',
  enableNetwork: [true],
  enableOfflineMode: [false],
  enableProgressBars: 'boolean',
  enableScripts: 'boolean',
  enableStrictSettings: 'boolean',
  enableStrictSsl: [true],
  enableTelemetry: 'boolean',
  enableTimers: 'boolean',
  enableTips: 'boolean',
  httpRetry: 'number',
  httpTimeout: 'plain',
  ignorePath: 'boolean',
  immutablePatterns: 'texts',
  initEditorConfig: 'plain',
  initFields: 'plain',
  initScope: 'text',
  lastUpdateCheck: 'text',
  logFilters: 'plain',
  minizip: 'boolean',
  networkConcurrency: 'number',
  nmHoistingLimits: ['none', 'workspaces', 'dependencies'],
  nmMode: ['classic', 'hardlinks-local'],
  nmSelfReferences: 'boolean',
  nodeExperimentalPackageMap: 'boolean',
  nodeLinker: ['node-modules', 'pnp', 'pnpm'],
  nodePackageMapType: ['standard', 'loose'],
  npmAuditExcludePackages: 'texts',
  npmAuditIgnoreAdvisories: 'texts',
  npmAuditRegistry: 'url',
  npmMinimalAgeGate: 'plain',
  npmPreapprovedPackages: 'texts',
  npmPublishAccess: 'text',
  npmPublishProvenance: 'boolean',
  npmPublishRegistry: 'url',
  patchFolder: 'inside',
  pnpEnableEsmLoader: 'boolean',
  pnpEnableInlining: 'boolean',
  pnpFallbackMode: ['none', 'dependencies-only', 'all'],
  pnpIgnorePatterns: 'texts',
  pnpMode: ['strict', 'loose'],
  pnpZipBackend: ['libzip', 'js'],
  pnpmInstallConcurrency: 'number',
  preferDeferredVersions: 'boolean',
  preferInteractive: 'boolean',
  preferReuse: 'boolean',
  preferTruncatedLines: 'boolean',
  progressBarStyle: 'text',
  taskPoolConcurrency: 'number',
  taskPoolMode: ['async', 'workers'],
  telemetryInterval: 'plain',
  telemetryUserId: 'text',
  tsEnableAutoTypes: 'boolean',
  unsafeHttpWhitelist: 'texts',
  winLinkType: ['junctions', 'symlinks'],
}

/** The lockfile repeats them, or yarn compares with it whatever they say. */
const CHECKED: Readonly<Record<string, Form>> = {
  cacheMigrationMode: ['always'],
  catalog: 'plain',
  catalogs: 'plain',
  checksumBehavior: ['throw'],
  compressionLevel: ['mixed', 0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
  // Without it yarn does not ask the registry about the lockfile; the gate does.
  enableHardenedMode: 'boolean',
  enableGlobalCache: 'boolean',
  enableTransparentWorkspaces: 'boolean',
  packageExtensions: 'plain',
}

/** From where: the gate reads them itself. */
const REGISTRIES: Readonly<Record<string, Form>> = {
  // The variable of the machine, which yarn and the gate follow anyway.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: yarn expands it
  httpProxy: ['${HTTP_PROXY:-}', '${http_proxy:-}'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: yarn expands it
  httpsProxy: ['${HTTPS_PROXY:-}', '${https_proxy:-}'],
  npmAlwaysAuth: 'boolean',
  npmAuthIdent: 'secret',
  npmAuthToken: 'secret',
  npmRegistryServer: 'url',
  ...Object.fromEntries(
    ['npmScopes', 'npmRegistries'].flatMap((group): (readonly [string, Form])[] => [
      [`${group}.*.npmAlwaysAuth`, 'boolean'],
      [`${group}.*.npmAuthIdent`, 'secret'],
      [`${group}.*.npmAuthToken`, 'secret'],
      [`${group}.*.npmAuditRegistry`, 'url'],
      [`${group}.*.npmPublishRegistry`, 'url'],
      [`${group}.*.npmRegistryServer`, 'url'],
    ]),
  ),
}

/**
 * yarn's own program and its plugins, as files of the repository. `yarn set version` and `yarn plugin import` write them, and
 * most repositories with yarn 4 have them. They are code of the repository, as the scripts of package.json are: a change
 * to one of them can do anything, and is seen in the change itself. A path that leaves the repository is refused. So is a plugin
 * that is not there, which yarn would download: see `program-files.ts`.
 */
const PROGRAMS: Readonly<Record<string, Form>> = {
  // Settings of plugins, which yarn itself does not know.
  conditions: 'plain',
  plugins: 'plugins',
  releaseTool: 'plain',
  yarnPath: 'inside',
}

const REFUSED: Readonly<Record<string, string>> = {
  bstatePath: 'names a file that yarn believes about what it has built',
  caFilePath: 'names a file with who vouches for registries',
  cacheFolder: 'names the folder that yarn takes packages from',
  globalFolder: 'names the folder that yarn takes packages, plugins and settings from',
  httpsCaFilePath: 'names a file with who vouches for registries',
  httpsCertFilePath: 'names a file that yarn reads and shows to registries',
  httpsKeyFilePath: 'names a file that yarn reads',
  injectEnvironmentFiles: 'names files with variables for yarn and every script, such as NODE_OPTIONS',
  installStatePath: 'names a file that yarn believes about what it has installed',
  lockfileFilename: 'names another lockfile than the one that was verified',
  networkSettings: 'names who passes on, or vouches for, what yarn sends to registries, or turns the network off',
  pnpDataPath: 'names a file that yarn writes',
  pnpPath: 'names a file that yarn writes and scripts load',
  pnpShebang: 'names a program that starts what yarn installs',
  pnpUnpluggedFolder: 'names a folder that yarn installs into',
  pnpmStoreFolder: 'names a folder that yarn installs into',
  rcFilename: 'names another file of settings, which the gate does not read',
  supportedArchitectures: 'makes yarn install packages for other systems than the machine has',
  virtualFolder: 'names a folder that yarn installs into',
}

/** All that yarn 4 reads from a repository, by its own list: `yarn config --json` of yarn 4.18.1, and `plugins`. */
export const BERRY_4: SettingsList = {
  manager: 'berry',
  major: 4,
  files: {
    // For yarn 1, should it be started instead.
    ...(YARNRC && { '.yarnrc': YARNRC }),
    ...(YARN_JSON && { 'yarn.json': YARN_JSON }),
    // Read before the settings, which may refer to what it sets.
    '.env': {
      accepted: { '*': 'plain' },
      refused: { ...BUN_1.files['.env']?.refused, 'YARN_*': 'is a setting of yarn' },
    },
    '.yarnrc.yml': { accepted: { ...HARMLESS, ...CHECKED, ...REGISTRIES, ...PROGRAMS }, refused: REFUSED },
    'package.json': {
      accepted: {
        dependenciesMeta: 'plain',
        'installConfig.hoistingLimits': ['none', 'workspaces', 'dependencies'],
        'installConfig.selfReferences': 'boolean',
        packageManager: 'modern-yarn',
        preferUnplugged: 'boolean',
        resolutions: 'plain',
        workspaces: 'plain',
      },
      refused: {},
    },
  },
}
