import type { Form } from '../settings/types.ts'

/** In package.json: what npm ci takes from the lockfile, or compares with it, or only checks. */
export const ACCEPTED_PACKAGE: Readonly<Record<string, Form>> = {
  allowScripts: 'plain',
  config: 'plain',
  devEngines: 'plain',
  overrides: 'plain',
  packageManager: 'package-manager',
  workspaces: 'plain',
}
