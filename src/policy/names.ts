/** The identity lock's file. It is committed beside the lockfile. */
export const LOCK_NAME = 'provenance-lock.yaml'
