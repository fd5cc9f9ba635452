import type { Form } from '../settings/types.ts'

/** Settings whose values have one form, by their names, which blanks separate. */
export function each<const Value extends Form | string>(value: Value, names: string): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    names
      .split(/\s+/)
      .filter((name) => name !== '')
      .map((name) => [name, value]),
  )
}

/** Names of pnpm-workspace.yaml as `.npmrc` and the command line spell them. */
export function kebabbed<Value>(settings: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  )
}

/** Why a setting is dangerous. Each is a clause that follows the setting's name. */
export const WHY = {
  lockfile: 'makes pnpm install from another lockfile, or from none',
  anew: 'makes pnpm resolve anew, and not keep to the lockfile',
  deploy: 'makes `pnpm deploy` resolve anew, and not keep to the lockfile',
  ci: 'decides whether an install in CI keeps to the lockfile',
  root: 'moves the folder where pnpm looks for its lockfile and its settings',
  hooks: 'chooses the hooks that pnpm loads, and so whether the gate is loaded',
  store:
    'names a folder that a repository can fill with packages, which pnpm takes without comparing them with the lockfile',
  modules: 'names a folder that a repository can fill, so that pnpm takes for installed what is in it',
  server: 'lets a server answer in place of the lockfile or of the registry',
  cache: 'takes what packages built from a server, without comparing it with the lockfile',
  program: 'names a program, or options of one, that pnpm runs',
  runtime: 'makes pnpm download a runtime that no lockfile pins, and run scripts with it',
  mirror: 'makes pnpm download runtimes from a host that the gate does not look at',
  users: "makes pnpm read another file in place of the user's settings",
  proxy: 'decides through which host pnpm downloads, or past which proxy',
  trust: 'chooses whom pnpm trusts as a registry, or who pnpm is to one',
  file: 'makes pnpm read a file of any name and size',
  offline: 'makes pnpm take packages from its store alone, past whatever is between it and the registry',
  flag: 'is an option of the command line, with which pnpm does other than install all that is locked',
  own: 'takes the place of what pnpm finds out by itself, such as its version, its folders or its projects',
  global: 'names a folder outside of the project, in which pnpm keeps programs and packages of all projects',
  login: 'makes `pnpm login` send packages of that scope in all projects to the registry of this one',
  other: 'makes pnpm install packages that are no JavaScript, which the gate cannot judge',
  elsewhere: 'makes pnpm read settings from other files, which the gate does not read',
  projects: 'gives single projects other folders and overrides',
  part: 'makes pnpm leave out a part of the lockfile',
} as const

/** What pnpm 10, 11 and 12 know in pnpm-workspace.yaml, and `.npmrc` of pnpm 10 too, and what is harmless there. */
export const COMMON: Readonly<Record<string, Form>> = {
  ...each(
    'boolean',
    `aggregateOutput allowSameVersion autoInstallPeers binLinks blockExoticSubdeps commitHooks
     dangerouslyAllowAllBuilds dedupeDirectDeps dedupeInjectedDeps dedupePeerDependents dedupePeers deployAllFiles
     description disallowWorkspaceCycles embedReadme enableGlobalVirtualStore enableModulesDir enablePrePostScripts
     engineStrict extendNodePath failIfNoMatch gitChecks gitTagVersion hoist
     hoistWorkspacePackages ignoreCompatibilityDb ignoreScripts ignoreWorkspaceCycles ignoreWorkspaceRootCheck
     includeWorkspaceRoot initPackageManager injectWorkspacePackages json legacyDirFiltering lockfileIncludeTarballUrl
     long optimisticRepeatInstall parseable preferOffline preferSymlinkedExecutables preferWorkspacePackages
     preserveAbsolutePaths progress provenance recursiveInstall registrySupportsTimeField
     reporterHidePrefix resolvePeersFromWorkspaceRoot reverse save saveDev saveExact saveOptional savePeer saveProd
     shamefullyHoist sharedWorkspaceLockfile shellEmulator sideEffectsCacheReadonly signGitTag sort stream
     strictDepBuilds strictPeerDependencies symlink unsafePerm updateNotifier useBetaCli useStderr`,
  ),
  ...each(
    'number',
    `dlxCacheMaxAge fetchMinSpeedKiBps fetchRetries fetchRetryFactor fetchRetryMaxtimeout fetchRetryMintimeout
     fetchTimeout fetchWarnTimeoutMs fetchingConcurrency maxsockets modulesCacheMaxAge networkConcurrency packGzipLevel
     peersSuffixMaxLength virtualStoreDirMaxLength`,
  ),
  ...each(
    'text',
    `initAuthorEmail initAuthorName initAuthorUrl initLicense initVersion message publishBranch saveCatalogName tag
     packDestination patchesDir`,
  ),
  ...each('texts', 'changedFilesIgnorePattern cpu gitShallowHosts libc os syncInjectedDepsAfterScripts testPattern'),
  // Concurrency may be negative, patterns empty; the others decide about scripts, messages and ages alone.
  ...each(
    'plain',
    `audit auditLevel childConcurrency depth hoistPattern minimumReleaseAge minimumReleaseAgeExclude nodeVersion
     onlyBuiltDependencies publicHoistPattern tagVersionPrefix trustPolicy trustPolicyExclude trustPolicyIgnoreAfter umask
     workspaceConcurrency`,
  ),
  access: ['public', 'restricted'],
  bail: [true],
  // Their other values leave out a part of the lockfile.
  dev: [false],
  optional: [true],
  production: [false],
  // Else links to folders are in no lockfile, so that nobody judges them.
  excludeLinksFromLockfile: [false],
  catalogMode: ['strict', 'prefer', 'manual'],
  color: [true, false, 'always', 'auto', 'never'],
  frozenLockfile: [true],
  initType: ['commonjs', 'module'],
  linkWorkspacePackages: [true, false, 'deep'],
  lockfile: [true],
  loglevel: ['silent', 'error', 'warn', 'notice', 'http', 'timing', 'info', 'verbose', 'silly', 'debug'],
  nodeLinker: ['isolated', 'hoisted', 'pnp'],
  nodeOptions: 'node-flags',
  otp: 'secret',
  packageImportMethod: ['auto', 'hardlink', 'copy', 'clone', 'clone-or-copy'],
  packageLock: [true],
  registry: 'url',
  reporter: ['default', 'append-only', 'ndjson', 'silent'],
  resolutionMode: ['highest', 'time-based', 'lowest-direct'],
  savePrefix: ['', '^', '~', '=', '>='],
  saveWorkspaceProtocol: [true, false, 'rolling'],
  scriptsPrependNodePath: [true, false, 'auto', 'warn-only'],
  sideEffectsCache: 'boolean',
  strictSsl: [true],
  strictStorePkgContentCheck: [true],
  verifyDepsBeforeRun: [true, false, 'install', 'warn', 'error', 'prompt'],
  verifyStoreIntegrity: [true],
}

/** What all three know in pnpm-workspace.yaml alone. The lockfile repeats most of it, or it is about scripts and messages. */
export const WORKSPACE: Readonly<Record<string, Form>> = {
  ...each(
    'plain',
    `allowBuilds allowedDeprecatedVersions auditConfig catalog catalogs configDependencies ignoredBuiltDependencies
     ignoredOptionalDependencies neverBuiltDependencies overrides packageExtensions packages
     patchedDependencies peerDependencyRules requiredScripts supportedArchitectures updateConfig`,
  ),
  ...each('boolean', 'allowUnusedPatches catalogPrune cleanupUnusedCatalogs confirmModulesPurge enablePnp'),
  $schema: 'text',
  maxSockets: 'number',
  namedRegistries: 'registry-names',
  onlyBuiltDependenciesFile: 'inside',
  registries: 'registries',
}

/** What pnpm 10, 11 and 12 know in pnpm-workspace.yaml, and `.npmrc` of pnpm 10 too, and what is dangerous there. */
export const COMMON_REFUSED: Readonly<Record<string, string>> = {
  ...each(WHY.lockfile, 'gitBranchLockfile lockfileDir mergeGitBranchLockfiles mergeGitBranchLockfilesBranchPattern'),
  ...each(WHY.ci, 'ci'),
  ...each(WHY.part, 'only'),
  ...each(WHY.root, 'dir ignoreWorkspace prefix workspacePackages workspacePrefix workspaceRoot'),
  ...each(WHY.hooks, 'globalPnpmfile ignorePnpmfile pnpmfile'),
  ...each(WHY.store, 'cacheDir globalVirtualStoreDir storeDir virtualStoreDir'),
  ...each(WHY.modules, 'modulesDir'),
  ...each(WHY.server, 'useRunningStoreServer useStoreServer'),
  ...each(WHY.program, 'git npmPath scriptShell'),
  ...each(WHY.users, 'userconfig'),
  ...each(WHY.proxy, 'httpsProxy noProxy noproxy proxy localAddress'),
  ...each(WHY.trust, 'ca cert key'),
  ...each(WHY.file, 'cafile'),
  ...each(WHY.offline, 'offline'),
  ...each(WHY.flag, 'dryRun filter filterProd force global lockfileOnly pending version'),
  ...each(WHY.deploy, 'forceLegacyDeploy'),
  ...each(WHY.own, 'userAgent'),
  ...each(WHY.global, 'configDir globalBinDir globalDir globalPath stateDir'),
  ...each(WHY.login, 'scope'),
}

/** What all three know in pnpm-workspace.yaml alone, most of it without meaning to. */
export const WORKSPACE_REFUSED: Readonly<Record<string, string>> = {
  ...each(WHY.lockfile, 'useGitBranchLockfile useLockfile'),
  ...each(WHY.root, 'rootProjectManifestDir workspaceDir workspacePackagePatterns'),
  ...each(WHY.hooks, 'finders hooks tryLoadDefaultPnpmfile'),
  ...each(WHY.runtime, 'executionEnv'),
  ...each(WHY.proxy, 'httpProxy'),
  ...each(WHY.global, 'globalPkgDir globalPrefix pnpmHomeDir'),
  ...each(
    WHY.own,
    `allProjects allProjectsGraph allowNew bin cliOptions extraBinPaths extraEnv ignoreCurrentSpecifiers packageManager
     packageManagerNetworkConfig packageManagerRegistries prodAllProjectsGraph recursive rootProjectManifest
     selectedProjectsGraph sideEffectsCacheRead sideEffectsCacheWrite wantedPackageManager`,
  ),
}

/** Logins in `.npmrc`. pnpm sends them to the hosts that they name; the gate reads them from no repository. */
export const LOGINS: Readonly<Record<string, Form>> = {
  ...each(
    'secret',
    '_auth _authToken _password username email //*:_auth //*:_authToken //*:_password //*:username //*:email',
  ),
  ...each('boolean', 'always-auth //*:always-auth'),
  registry: 'url',
  '@*:registry': 'url',
}

/** What is dangerous in `.npmrc` on pnpm 10, 11 and 12. */
export const RC_REFUSED: Readonly<Record<string, string>> = {
  ...each(WHY.program, 'tokenHelper //*:tokenHelper'),
  ...each(WHY.trust, 'ca cert key //*:ca //*:cert //*:key'),
  ...each(WHY.file, 'cafile //*:cafile //*:certfile //*:keyfile'),
  ...each(WHY.proxy, 'http-proxy https-proxy local-address no-proxy noproxy proxy'),
}

/** Fields of package.json that pnpm reads as settings. Ranges and dependencies are in the lockfile. */
export const MANIFEST: Readonly<Record<string, Form>> = {
  packageManager: 'package-manager',
  ...each('plain', 'dependenciesMeta devEngines engines publishConfig resolutions workspaces'),
}
