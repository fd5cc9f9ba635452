import { GATE_NAME } from '../util/gate-name.ts'
import type { LockedPackage } from './types.ts'

/**
 * The same packages. Where config dependencies pin the gate by its digest, an entry of the gate's name with another version
 * or digest is one that nobody pinned: it comes back as `unknown`, which no rule permits for the gate.
 *
 * @param pinned the config dependencies, as pnpm-workspace.yaml, package.json or the lockfile's first document pin them
 */
export function markReplacedGate(
  packages: readonly LockedPackage[],
  pinned: readonly LockedPackage[],
): readonly LockedPackage[] {
  const pin = pinned.find(({ name, integrity }) => name === GATE_NAME && integrity !== undefined)
  if (pin === undefined) return packages
  return packages.map((pkg) => {
    const isOther = pkg.name === GATE_NAME && !isVouchedBy(pin, pkg)
    return isOther
      ? { ...pkg, source: 'unknown', origin: `not ${pin.version} (${pin.integrity}), which is pinned` }
      : pkg
  })
}

/** An entry of pnpm-workspace.yaml without a digest says no more than a version: its digest is in the lockfile. */
function isVouchedBy(pin: LockedPackage, { version, integrity, source }: LockedPackage): boolean {
  return source === 'registry' && version === pin.version && (integrity === undefined || integrity === pin.integrity)
}
