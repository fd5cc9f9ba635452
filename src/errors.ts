/**
 * The gate could not do its job: bad policy, unreadable lockfile, unusable trust root, wrong arguments.
 * At the command line this is exit status 2, in a hook it stops the install. Its message is complete for a person:
 * what was found, where, what was expected, what to do next.
 */
export class GateError extends Error {
  override readonly name = 'GateError'
}
