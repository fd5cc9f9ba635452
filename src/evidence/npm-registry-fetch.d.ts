/** npm's choice of credentials, which `@types/npm-registry-fetch` does not know. */
declare module 'npm-registry-fetch/lib/auth.js' {
  /** Credentials and client certificate for one URL. */
  interface Auth {
    readonly token: string | null
    /** Base64 of `user:password`. */
    readonly auth: string | null
    readonly cert: string | null
    readonly key: string | null
  }

  /** Chooses what npm's settings (`//host/path/:_authToken`, …) give for a URL, and nothing for any other host. */
  export default function getAuth(url: string, settings: Readonly<Record<string, unknown>>): Auth
}
