import * as v from 'valibot'
import { DEFAULT_DOMAIN, GITHUB_DOMAIN } from '../domains.ts'
import { domainProblem } from './fields.ts'
import { at, described, mapping, named, type Problem, text } from './parts.ts'
import { describe, quote } from './text.ts'
import { spanProblem } from './time.ts'
import { urlProblem } from './url.ts'

/** The part of a policy that says whose word counts. Strict as all of it. */

const RepositorySchema = mapping('a TUF repository', {
  url: described(text(urlProblem), 'Of the repository: its metadata are below it, its files below its targets/.'),
  root: described(text(fileProblem), 'Its root.json, from which on it is verified.'),
})

const threshold = v.pipe(
  v.number((issue) => `expected a number, found ${describe(issue.input)}`),
  v.check((count) => Number.isInteger(count) && count >= 0 && count <= 8, 'expected a whole number from 0 to 8'),
)

const DomainSchema = mapping('a trust domain', {
  trustedRoot: v.exactOptional(described(text(fileProblem), 'Its trusted_root.json.')),
  tuf: v.exactOptional(RepositorySchema),
  logEntries: v.exactOptional(described(threshold, 'From how many transparency logs there has to be an entry.')),
  certificateTimestamps: v.exactOptional(
    described(threshold, 'How many certificate logs have to have promised to log the certificate (SCTs).'),
  ),
  signedTimestamps: v.exactOptional(
    described(threshold, 'How many timestamp authorities have to have signed the time (RFC 3161).'),
  ),
})

const DomainsSchema = named(
  DomainSchema,
  '"domains"',
  'trust domains',
  (name, domain) => domainProblem(name) ?? domainFilesProblem(name, domain),
)

function domainFilesProblem(name: string, domain: v.InferOutput<typeof DomainSchema>): Problem {
  const files = [domain.trustedRoot, domain.tuf].filter((each) => each !== undefined).length
  if (name === DEFAULT_DOMAIN && files > 0)
    return `the trust root of ${quote(name)} stands under "trust" itself, and only what it asks for here: move it`
  if (files > 1) return `${quote(name)} has two trust roots: keep "trustedRoot" or "tuf"`
  if (files === 0 && name !== DEFAULT_DOMAIN && name !== GITHUB_DOMAIN)
    return `${quote(name)} has no trust root: add "trustedRoot" or "tuf"`
  return undefined
}

const RegistriesSchema = named(text(fileProblem), '"registries"', 'files of keys', (name) =>
  /^[a-z][a-z0-9-]*$/.test(name)
    ? undefined
    : `${quote(name)} is not a name for a registry: a letter, then letters, digits and "-"`,
)

export const TrustSchema = v.pipe(
  mapping('"trust"', {
    trustedRoot: v.exactOptional(text(fileProblem)),
    npmKeys: v.exactOptional(text(fileProblem)),
    tuf: v.exactOptional(RepositorySchema),
    registries: v.exactOptional(
      described(RegistriesSchema, 'Files with the keys of other registries, by names that rules refer to.'),
    ),
    domains: v.exactOptional(
      described(DomainsSchema, "Other trust domains, and what each asks for: an organisation's own, GitHub's."),
    ),
    maxStaleness: v.exactOptional(
      described(text(spanProblem), 'How long after its expiry a trust root is used on that cannot be renewed: 14d.'),
    ),
  }),
  v.check((trust) => Object.keys(trust).length > 0, '"trust" names nothing: name a file, or remove it'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed || dataset.value.trustedRoot === undefined) return
    for (const key of ['tuf', 'maxStaleness'] as const) {
      if (dataset.value[key] === undefined) continue
      addIssue(
        at(
          dataset.value,
          key,
          `"trustedRoot" pins a file, which is never renewed, so "${key}" says nothing: remove one of the two`,
        ),
      )
    }
  }),
)

function fileProblem(path: string): Problem {
  return path.includes('://') ? `${quote(path)} is a URL: write the path of a file, relative to the policy` : undefined
}
