import type { Form } from './types.ts'

/**
 * What each manager that reads an `.npmrc` takes from there about registries. The gate reads where packages come from by
 * itself. A login is for its host alone: keys that name files or programs (`:cafile`, `:tokenHelper`) are not among these.
 */
export const REGISTRIES_AND_LOGINS: Readonly<Record<string, Form>> = {
  registry: 'url',
  '@*:registry': 'url',
  '//*:_auth': 'secret',
  '//*:_authToken': 'secret',
  '//*:_password': 'secret',
  '//*:always-auth': 'boolean',
  '//*:email': 'secret',
  '//*:username': 'secret',
}
