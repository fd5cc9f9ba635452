import type { Form, SettingsList } from '../settings/types.ts'
import {
  COMMON,
  COMMON_REFUSED,
  each,
  kebabbed,
  LOGINS,
  MANIFEST,
  RC_REFUSED,
  WHY,
  WORKSPACE,
  WORKSPACE_REFUSED,
} from './settings-shared.ts'

/** Of pnpm 10 alone. Half of it is npm's, which pnpm knows and does not use. */
const OWN: Readonly<Record<string, Form>> = {
  ...COMMON,
  ...each(
    'boolean',
    `alwaysAuth hamItUp ifPresent ignoreDepScripts ignorePrepublish legacyBundling managePackageManagerVersions
     packageManagerStrict packageManagerStrictVersion preferOnline readOnly rebuildBundle rollback saveBundle
     sendMetrics shamefullyFlatten shrinkwrap timing unicode`,
  ),
  ...each(
    'number',
    `cacheLockRetries cacheLockStale cacheLockWait cacheMax cacheMin logsMax searchlimit searchstaleness
     ssoPollFrequency`,
  ),
  ...each('text', 'heading metricsRegistry searchexclude searchopts'),
  ...each('plain', 'cidr group user'),
  also: ['dev', 'development'],
  authType: ['legacy', 'sso', 'saml', 'oauth'],
  ssoType: ['oauth', 'saml'],
}

const OWN_REFUSED: Readonly<Record<string, string>> = {
  ...COMMON_REFUSED,
  ...each(WHY.lockfile, 'lockfileDirectory packageLockOnly'),
  // Whatever its value, an install in CI keeps to the lockfile only where it is not set.
  ...each(WHY.ci, 'preferFrozenLockfile'),
  ...each(WHY.store, 'cache tmp'),
  ...each(WHY.program, 'browser editor initModule onloadScript shell viewer'),
  ...each(WHY.runtime, 'useNodeVersion'),
  ...each(WHY.users, 'globalconfig'),
  ...each(WHY.flag, '_exit globalStyle link usage versions'),
  ...each(WHY.own, 'logstream'),
}

const { 'node-options': _, ...rcRefused } = kebabbed(OWN_REFUSED)

/** Options of npm in `.npmrc` that pnpm does not know, and which repositories have for npm. */
const OF_NPM: Readonly<Record<string, Form>> = {
  ...each('boolean', 'fund install-links legacy-peer-deps prefer-dedupe strict-peer-deps workspaces-update'),
  ...each('number', 'lockfile-version min-release-age'),
  'install-strategy': ['hoisted', 'nested', 'shallow', 'linked'],
}

/**
 * What pnpm 10 reads. It takes every name in pnpm-workspace.yaml for an option, also those that it has for itself, such as
 * `dedupe`; so what is not named here is dangerous there. `.npmrc` it reads in the root and in each project.
 */
export const pnpm10: SettingsList = {
  manager: 'pnpm',
  major: 10,
  files: {
    'pnpm-workspace.yaml': {
      accepted: { ...OWN, ...WORKSPACE, ...each('boolean', 'allowNonAppliedPatches ignorePatchFailures') },
      refused: {
        ...OWN_REFUSED,
        ...WORKSPACE_REFUSED,
        ...each(
          WHY.anew,
          `dedupe fixLockfile forceFullResolution frozenLockfileIfExists ignorePackageManifest latest update updateMatching
           updatePackageManifest workspace`,
        ),
        ...each(WHY.lockfile, 'saveLockfile'),
        ...each(
          WHY.own,
          'ignoreLocalPackages include includeDirect nodeExecPath rawConfig rawLocalConfig sslConfigs storeController',
        ),
      },
    },
    '.npmrc': {
      // Of the install itself it does not take it, only of `pnpm run` and `pnpm exec`.
      accepted: { ...kebabbed(OWN), ...OF_NPM, ...LOGINS, 'node-options': 'text' },
      refused: { ...rcRefused, ...RC_REFUSED, ...each(WHY.mirror, 'node-mirror:*') },
    },
    'package.json': {
      accepted: {
        ...MANIFEST,
        ...each(
          'plain',
          `pnpm.allowBuilds pnpm.allowedDeprecatedVersions pnpm.auditConfig pnpm.configDependencies
           pnpm.ignoredBuiltDependencies pnpm.ignoredOptionalDependencies pnpm.neverBuiltDependencies
           pnpm.onlyBuiltDependencies pnpm.overrides pnpm.packageExtensions pnpm.patchedDependencies
           pnpm.peerDependencyRules pnpm.requiredScripts pnpm.supportedArchitectures pnpm.updateConfig`,
        ),
        ...each('boolean', 'pnpm.allowNonAppliedPatches pnpm.allowUnusedPatches pnpm.ignorePatchFailures'),
        'pnpm.onlyBuiltDependenciesFile': 'inside',
      },
      refused: { 'pnpm.executionEnv': WHY.runtime },
    },
  },
}
