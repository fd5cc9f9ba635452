/** Bounds on what a download may cost. Times in milliseconds, sizes in bytes. */
export interface ProxyLimits {
  /** Without a byte from the server. */
  readonly stall: number
  /** One download, from the connection to the last byte. */
  readonly total: number
  /** Of a tarball. */
  readonly tarball: number
  /** Of metadata, unpacked. The largest known documents have some tens of megabytes. */
  readonly metadata: number
  /** What an archive that nobody has announced may unpack to while it is looked into. */
  readonly unpacked: number
  /** Requests to servers at once. */
  readonly concurrency: number
}

export const PROXY_LIMITS: ProxyLimits = {
  stall: 60_000,
  total: 15 * 60_000,
  tarball: 1 << 30,
  metadata: 128 << 20,
  unpacked: 8 * 2 ** 30,
  concurrency: 64,
}
