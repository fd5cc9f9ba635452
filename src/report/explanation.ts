import type { Refusal, RefusalCode } from '../codes.ts'
import type { LockedPackage } from '../lockfile/types.ts'
import type { Explanation, Verdict } from '../policy/types.ts'
import { escapeText, listText } from '../util/text.ts'
import type { Claims } from '../verify/types.ts'
import { MOST_LISTED } from './bounds.ts'
import { identityText } from './identity.ts'
import { packageText, projectsText, shortPath } from './refusal.ts'
import { renewal, type TrustedFiles } from './renewal.ts'

/** For each claim number N of OID 1.3.6.1.4.1.57264.1.N, and the deprecated one that may stand in its place. */
const OIDS: Readonly<Record<keyof Required<Claims>, string>> = {
  domain: 'whose authority issued the certificate',
  subjectAlternativeName: 'SAN',
  issuer: 'OID 8, or 1',
  buildSignerUri: 'OID 9',
  buildSignerDigest: 'OID 10',
  runnerEnvironment: 'OID 11',
  repository: 'OID 12, or 5',
  commit: 'OID 13, or 3',
  ref: 'OID 14, or 6',
  repositoryId: 'OID 15',
  owner: 'OID 16',
  ownerId: 'OID 17',
  buildConfigUri: 'OID 18',
  buildConfigDigest: 'OID 19',
  trigger: 'OID 20, or 2',
  runUri: 'OID 21',
  visibility: 'OID 22',
  environment: 'OID 23',
  tokenSubject: 'OID 24',
  workflow: 'path in OID 18; before there was one, in the name',
  delegatedBuilder: 'in the provenance, and OID 9 vouches for it',
}

/** Everything about one package. Each is one line of bounded length, whoever wrote what is in it. */
export function explanationLines(
  pkg: LockedPackage,
  explanation: Explanation,
  folder: string,
  trust: TrustedFiles = {},
): readonly string[] {
  const { verdict, rules, projects, publishers, evidenceFrom, proof } = explanation
  const ruleLines = (explained: Explanation['rules']) =>
    explained.map(
      ({ rule, why }) =>
        `${shortPath(rule.place.file, folder)}:${rule.place.line}  ${listText(rule.packages, MOST_LISTED)}: ${why}`,
    )
  // Those that decide come first.
  const deciding = new Set(verdict.projects)
  const first = [
    ...projects.filter(({ project }) => deciding.has(project)),
    ...projects.filter(({ project }) => !deciding.has(project)),
  ].slice(0, MOST_LISTED)
  const lines = [
    packageText(pkg),
    ...section('entry', [
      `integrity   ${pkg.integrity ?? 'none'}`,
      `source      ${pkg.source}${pkg.origin === undefined ? '' : ` (${pkg.origin})`}`,
      ...(pkg.bundledIn === undefined ? [] : [`ends as     ${pkg.bundledIn.key}, and what follows is about that`]),
      `needed by   ${pkg.importers.length === 0 ? 'nobody' : projectsText(pkg.importers, MOST_LISTED)}`,
      ...(pkg.aliases === undefined ? [] : [`installed as ${listText(pkg.aliases, MOST_LISTED)}`]),
    ]),
    ...section('evidence', [
      ...(evidenceFrom === undefined ? [] : [`from ${evidenceFrom}, as the rule for its name says`]),
      ...evidenceLines(explanation),
    ]),
    ...section('rules', ruleLines(rules)),
    ...first.flatMap(({ project, rules: own }) => section(`rules of ${project}`, ruleLines(own))),
    ...(projects.length > first.length
      ? section(`rules of ${projects.length - first.length} more projects that need it`, ['not shown'])
      : []),
    ...(publishers.length === 0
      ? []
      : section(
          'publishers of that rule',
          publishers.map(({ publisher, attestation, differs }) => {
            const which = proof.ok && proof.value.provenance.length > 1 ? `, attestation ${attestation + 1}` : ''
            return `${publisher + 1}${which}: ${differs ?? 'met'}`
          }),
        )),
    ...lockLines(explanation),
    ...section('verdict', verdictLines(verdict, renewal(trust, folder))),
  ]
  return lines.map((line) => escapeText(line))
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return [`  ${title}`, ...lines.map((line) => `    ${line}`)]
}

/** Who published before, who does now, and what differs. */
function lockLines({ locked, publishedBy }: Explanation): readonly string[] {
  if (locked === undefined) return []
  const { since, recorded, mayLack } = locked
  return section('identity lock', [
    `since ${since.from} (line ${since.line}): ${identityText(since.identity)}`,
    ...publishedBy.flatMap(({ identity, difference }) => [
      `now: ${identityText(identity)}`,
      ...(difference === undefined ? [] : [`differs: ${difference.found}; expected ${difference.expected}`]),
    ]),
    ...(recorded === undefined
      ? []
      : [
          `recorded without provenance (line ${recorded.line}), ${mayLack ? 'with these bytes' : `for other bytes: ${recorded.integrity}`}`,
        ]),
  ])
}

function evidenceLines({ proof }: Explanation): readonly string[] {
  if (!proof.ok) {
    const { code, found, expected, leftOut } = proof.refusal
    return [`${code}: found ${found}; expected ${expected}`, ...leftOutLines(leftOut)]
  }
  const { provenance, publish, signature, leftOut } = proof.value
  return [
    ...provenance.flatMap(({ predicateType, claims, signedAt }) => [
      `provenance (${predicateType}), signed at ${signedAt}`,
      ...(Object.keys(OIDS) as (keyof Claims)[])
        .filter((claim) => claim !== 'delegatedBuilder' || claims[claim] !== undefined)
        .map((claim) => `  ${claim.padEnd(22)} ${claims[claim] ?? '–'}  (${OIDS[claim]})`),
    ]),
    ...publish.map(
      ({ registry, signedAt }) => `publish attestation by the registry${named(registry)}, signed at ${signedAt}`,
    ),
    ...(publish.length === 0 ? ['no publish attestation'] : []),
    ...(signature === undefined
      ? []
      : [`signature by the registry${named(signature.registry)}, with its key ${signature.keyId}`]),
    ...leftOutLines(leftOut),
  ]
}

/** Attestations that neither prove anything nor speak against it. */
function leftOutLines(leftOut: readonly Refusal[] = []): readonly string[] {
  return leftOut.map(({ code, found }) => `left out: ${found} (${code})`)
}

function named(registry: string | undefined): string {
  return registry === undefined ? '' : ` ${registry}`
}

function verdictLines(verdict: Verdict, renew: string): readonly string[] {
  const { package: pkg, status, refusal, exception, projects } = verdict
  const whose = projects === undefined ? status : `${status}, by the policy of ${projectsText(projects, MOST_LISTED)}`
  if (refusal === undefined) return [whose]
  const why = [`${whose}: ${refusal.code}`, `found     ${refusal.found}`, `expected  ${refusal.expected}`]
  if (exception !== undefined) return [...why, `excepted until ${exception.expires}: ${exception.reason}`]
  const isStranger = pkg.source !== 'registry' && refusal.code === 'EVIDENCE_MISSING'
  return [...why, `to pass   ${isStranger ? strangerAdvice(pkg) : adviceFor(verdict, refusal.code, renew)}`]
}

function strangerAdvice({ source }: LockedPackage): string {
  return source === 'unknown'
    ? 'a lockfile that says where it comes from: let the package manager write it again'
    : STRANGER
}

function adviceFor({ rule }: Verdict, code: RefusalCode, renew: string): string {
  if (code === 'EVIDENCE_MISSING' && rule?.require === 'signature') return NO_SIGNATURE
  if (code === 'EVIDENCE_UNKNOWN')
    return `a newer trust root or gate: ${renew}; for an organisation's own, "domains" or "registries" under "trust"`
  return ADVICE[code] ?? CHANGE_RULE
}

const CHANGE_RULE =
  'if what was found is right, name it under the publisher of that rule, in a commit that somebody reviews'
const NO_EVIDENCE =
  'a version that has provenance; or "evidenceFrom" in that rule, where this registry only passes packages on; or a rule that requires nothing of it; or an exception, for a time'
const NO_SIGNATURE =
  'a version that the registry has signed, or that has provenance; or "evidenceFrom" in that rule, where this registry only passes packages on; or a rule that requires nothing of it; or an exception, for a time'
const STRANGER =
  'a rule for its name with its "source", which requires nothing: what no registry has can never be proven'
const NOTHING_GOOD = 'nothing of yours: the evidence does not hold. Do not install it, and tell its maintainers'

/** What would make it pass. Codes that are not here are answered by the rule's publisher. */
const ADVICE: Readonly<Partial<Record<RefusalCode, string>>> = {
  EVIDENCE_MISSING: NO_EVIDENCE,
  EVIDENCE_UNAVAILABLE:
    'a network and a registry that answer: try again; with --offline, a folder that has the evidence (--attestations)',
  EVIDENCE_MALFORMED: NOTHING_GOOD,
  SIGNATURE_INVALID: NOTHING_GOOD,
  CERTIFICATE_UNTRUSTED: 'a trust root that vouches for it: is the one in use current, and the right one?',
  LOG_ENTRY_INVALID: NOTHING_GOOD,
  TIMESTAMP_INVALID: 'a clock that is right, and a trust root that is current',
  SUBJECT_MISMATCH: NOTHING_GOOD,
  DIGEST_MISMATCH:
    'the bytes that were attested: remove the entry from the lockfile (with pnpm: from `packages`), and let the package manager write it again (`npm install --package-lock-only`, `pnpm install --fix-lockfile`); if it is refused then, too, do not install it, and tell its maintainers',
  UNBOUND:
    '`provenance-gate run -- yarn install`, which binds it to the bytes that are fetched; or a rule that requires nothing of it',
  INTEGRITY_MISSING:
    'a lockfile entry with one sha512 alone: where there is one, take the other hashes out of its `integrity`; else remove the entry (with pnpm: from `packages`), and let the package manager write it again (`pnpm install --fix-lockfile`)',
  PREDICATE_MISMATCH: NOTHING_GOOD,
  IDENTITY_UNKNOWN: 'look at who it is, and run `provenance-gate accept`',
  IDENTITY_CHANGED: 'find out why it changed; if it is right, run `provenance-gate accept` with its name and version',
  PROVENANCE_LOST:
    'find out why it is gone; a version that has it; if it is right, run `provenance-gate accept` with its name and version',
  TOO_YOUNG: 'time, or an older version',
  EXCEPTION_EXPIRED: 'what the exception was waiting for; or a new day for it, with a reason',
  SOURCE_NOT_ALLOWED:
    'what the rule covers, from there; or, if this is meant, a rule of its own before it, which names the source',
  GATE_REPLACED:
    'the entry that `pnpm add --config pnpm-plugin-provenance-gate` or `npm install` writes; no rule permits others',
  NO_RULE: 'a rule that is about it',
  INTERNAL_ERROR: 'a gate without this mistake: please report it',
}
