import type { SettingsList } from '../settings/types.ts'
import { ACCEPTED_PACKAGE } from './settings-package.ts'
import { ACCEPTED_RC, REFUSED_RC } from './settings-shared.ts'

/** What npm 12 reads from a repository, by its own list: `@npmcli/config/lib/definitions` of npm 12.2. */
export const NPM_12: SettingsList = {
  manager: 'npm',
  major: 12,
  files: {
    '.npmrc': {
      accepted: {
        ...ACCEPTED_RC,
        // For `npm patch`, `npm pack` and `npm publish`; npm reads the two about patches on the command line only.
        'allow-unused-patches': 'boolean',
        'edit-dir': 'inside',
        'global-ignore-file': 'inside',
        'ignore-existing': 'boolean',
        'ignore-extension': 'boolean',
        'ignore-patch-failures': 'boolean',
        'keep-edit-dir': 'boolean',
        'patches-dir': 'inside',
        'strict-npmrc': 'boolean',
        to: 'text',
      },
      refused: {
        ...REFUSED_RC,
        'extension-file': 'names a program that npm runs, which may change what packages depend on',
      },
    },
    'package.json': {
      accepted: {
        ...ACCEPTED_PACKAGE,
        // The lockfile has a digest of each, and `npm ci` stops where it is another.
        packageExtensions: 'plain',
        patchedDependencies: 'plain',
      },
      refused: {},
    },
  },
}
