/** The identity lock's file. It is committed beside the lockfile. */
export const LOCK_NAME = 'provenance-lock.yaml'

/** A manifest, and the key under which it may hold a policy. */
export const MANIFEST = 'package.json'
export const MANIFEST_KEY = 'sigstore'
