import type { SettingsList } from '../settings/types.ts'
import { ACCEPTED_PACKAGE } from './settings-package.ts'
import { ACCEPTED_RC, REFUSED_RC } from './settings-shared.ts'

/** What npm 11 reads from a repository, by its own list: `@npmcli/config/lib/definitions` of npm 11.21. */
export const NPM_11: SettingsList = {
  manager: 'npm',
  major: 11,
  files: {
    '.npmrc': {
      accepted: ACCEPTED_RC,
      refused: { ...REFUSED_RC, shrinkwrap: 'is an old name of package-lock' },
    },
    'package.json': { accepted: ACCEPTED_PACKAGE, refused: {} },
  },
}
