import type { Form, SettingsList } from '../settings/types.ts'
import {
  COMMON,
  COMMON_REFUSED,
  each,
  LOGINS,
  MANIFEST,
  RC_REFUSED,
  WHY,
  WORKSPACE,
  WORKSPACE_REFUSED,
} from './settings-shared.ts'

/** Of pnpm 11 and 12. */
export const CURRENT: Readonly<Record<string, Form>> = {
  ...COMMON,
  ...WORKSPACE,
  ...each(
    'boolean',
    `auditIgnorePrune autoConfirmAllPrompts autoInstallPeersFromHighestMatch forceIgnoresPlatform frozenStore
     minimumReleaseAgeExcludePrune minimumReleaseAgeIgnoreMissingTime minimumReleaseAgeStrict
     nodeExperimentalPackageMap runtime skipManifestObfuscation trustLockfile trustPolicyExcludePrune
     virtualStoreOnly yes`,
  ),
  ...each('number', 'maxTarballUnpackedSize'),
  ...each('texts', 'externalDependencies'),
  ...each('plain', 'tasks update versioning'),
  hoistingLimits: ['none', 'workspaces', 'dependencies'],
  nodePackageMapType: ['standard', 'loose'],
  pmOnFail: ['download', 'error', 'warn', 'ignore'],
  preferFrozenLockfile: [true],
  runtimeOnFail: ['download', 'error', 'warn', 'ignore'],
  virtualStoreType: ['global', 'project'],
}

export const CURRENT_REFUSED: Readonly<Record<string, string>> = {
  ...COMMON_REFUSED,
  ...WORKSPACE_REFUSED,
  ...each(WHY.server, 'pnprServer'),
  ...each(WHY.cache, 'remoteSideEffectsCache'),
  ...each(WHY.program, 'pnpmExecPath'),
  ...each(WHY.mirror, 'nodeDownloadMirrors'),
  ...each(WHY.users, 'npmrcAuthFile userConfig'),
  ...each(WHY.trust, 'authConfig configByUri registriesByPrefix registriesByScope registryOptionsByUrl'),
  ...each(WHY.projects, 'modulesDirsByProjectName packageConfigs'),
  ...each(WHY.own, 'explicitlySetKeys prodOnlySelectedProjectDirs'),
}

/**
 * What pnpm 11 reads. It warns of a name in pnpm-workspace.yaml that it does not know, and takes it all the same. Of `.npmrc`
 * it reads the root's alone, and there registries, logins and the network. The field `pnpm` of package.json it does not read.
 */
export const pnpm11: SettingsList = {
  manager: 'pnpm',
  major: 11,
  files: {
    'pnpm-workspace.yaml': {
      accepted: CURRENT,
      refused: {
        ...CURRENT_REFUSED,
        ...each(
          WHY.anew,
          'dedupe fixLockfile forceFullResolution frozenLockfileIfExists ignorePackageManifest latest workspace',
        ),
        ...each(WHY.own, 'enginePinManifest nodeVersionFromEnginesRuntime rawCliConfig'),
      },
    },
    '.npmrc': { accepted: { ...LOGINS, 'strict-ssl': [true] }, refused: RC_REFUSED },
    'package.json': { accepted: MANIFEST, refused: {} },
  },
}
