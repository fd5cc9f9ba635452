import type { SettingsList } from '../settings/types.ts'
import { CURRENT, CURRENT_REFUSED } from './settings-11.ts'
import { each, LOGINS, MANIFEST, RC_REFUSED, WHY } from './settings-shared.ts'

/**
 * What pnpm 12 reads: fields that it names itself, each in camelCase. Others it reports, and does not take. Of `.npmrc` it
 * reads the root's alone, as pnpm 11 does.
 */
export const pnpm12: SettingsList = {
  manager: 'pnpm',
  major: 12,
  files: {
    'pnpm-workspace.yaml': {
      accepted: {
        ...CURRENT,
        ...each('boolean', 'addMissingPeerTypes autoDedupe projectScopedOptionalPeers saveTypes'),
        ...each('number', 'publishWaitTimeout'),
        ...each('plain', 'bootConfig concurrencyGroups macosBackup nodePackageMap permissions pipelines'),
        ...each('text', 'pipelineBase'),
        'skills.dirs': 'skill-folders',
        storeIndexFormat: ['sqlite', 'files'],
      },
      refused: {
        ...CURRENT_REFUSED,
        ...each(WHY.other, 'cargo python'),
        ...each(WHY.elsewhere, 'include'),
        ...each(WHY.cache, 'remoteCache'),
        ...each(WHY.mirror, 'tools'),
        ...each(WHY.lockfile, 'symlinkedLockfileTargetDirs'),
        ...each(WHY.global, 'globalShims'),
      },
    },
    '.npmrc': { accepted: { ...LOGINS, 'strict-ssl': [true] }, refused: RC_REFUSED },
    'package.json': { accepted: MANIFEST, refused: {} },
  },
}
