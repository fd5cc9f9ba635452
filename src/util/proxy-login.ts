/** What a status says of the user's proxy; undefined where it says nothing of it. */
export function proxyLogin(status: unknown): string | undefined {
  return status === 407 ? PROXY_LOGIN : undefined
}

const PROXY_LOGIN =
  "the proxy wants a login, or does not accept the one that it got: write it into the proxy's URL, `https-proxy` in the user's .npmrc or HTTPS_PROXY, as http://USER:PASSWORD@HOST:PORT with special characters percent-encoded"
