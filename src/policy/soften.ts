import { INEXCUSABLE, type Refusal } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import { describeSource, hasBytes } from './source.ts'
import { endOf, startOf } from './time.ts'
import type { Enforcement, Exception, Policy, Rule, Verdict } from './types.ts'

type Refused = Pick<Verdict, 'package' | 'rule' | 'claims'> & { readonly refusal: Refusal }

/**
 * What becomes of a package that is not what its rule asks for. An exception lets it pass, a rule that only warns lets
 * it pass for now; everything else is refused, and so is what nothing can excuse.
 */
export function soften(refused: Refused, policy: Policy, now: Date): Verdict {
  if (INEXCUSABLE.has(refused.refusal.code)) return { ...refused, status: 'refused' }
  const exception = policy.exceptions.find((each) => isAbout(each, refused.package))
  if (exception === undefined) return { ...refused, status: strictness(refused.rule, policy, now) }
  const { line } = exception.place
  const inapplicable = whyInapplicable(exception, refused.package)
  if (inapplicable !== undefined) {
    const found = `${refused.refusal.found} (the exception at line ${line} is for ${inapplicable})`
    return { ...refused, refusal: { ...refused.refusal, found }, status: strictness(refused.rule, policy, now) }
  }
  if (now < endOf(exception.expires)) return { ...refused, status: 'excepted', exception }
  const refusal: Refusal = {
    code: 'EXCEPTION_EXPIRED',
    found: `${refused.refusal.found} (${refused.refusal.code}); the exception at line ${line} held until ${exception.expires}`,
    expected: refused.refusal.expected,
  }
  return { ...refused, refusal, status: strictness(refused.rule, policy, now) }
}

/**
 * Exactly one version of exactly one package: whatever comes next has to be looked at again. A registry publishes a version
 * once; what comes from elsewhere may call itself that version, too. It is told by its bytes, or not at all.
 */
function isAbout({ name, version, integrity }: Exception, pkg: LockedPackage): boolean {
  if (name !== pkg.name) return false
  if (pkg.source === 'registry') return version === pkg.version
  const isVersion = version === pkg.version || pkg.version === ''
  return isVersion && integrity !== undefined && hasBytes(pkg, integrity)
}

function whyInapplicable({ integrity }: Exception, pkg: LockedPackage): string | undefined {
  if (integrity !== undefined) return hasBytes(pkg, integrity) ? undefined : 'other bytes: its integrity differs'
  return pkg.outside === undefined ? undefined : `what the registry has, and this is ${describeSource(pkg)}`
}

function strictness(rule: Rule | undefined, policy: Policy, now: Date): 'refused' | 'warned' {
  const { mode, enforceFrom }: Enforcement = rule?.enforcement ?? policy.enforcement
  const isWarning = mode === 'warn' && (enforceFrom === undefined || now < startOf(enforceFrom))
  return isWarning ? 'warned' : 'refused'
}
