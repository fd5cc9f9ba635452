import { posix } from 'node:path'
import * as v from 'valibot'
import { bytesProblem } from './identity.ts'
import { isPackageName, packageProblem, versionProblem } from './packages.ts'
import { at, choice, described, mapping, oneOrMany, type Problem, text } from './parts.ts'
import { NamedPublishersSchema, nameOrPublisher } from './publisher-schema.ts'
import { RULE_SOURCES } from './source.ts'
import { sourceProblems } from './source-problems.ts'
import { describe, quote } from './text.ts'
import { dayProblem, spanProblem } from './time.ts'
import { TrustSchema } from './trust-schema.ts'
import { registryProblem, templateProblem } from './url.ts'

/**
 * The policy file: the one definition from which its types, its checks and its JSON schema come.
 *
 * Every mapping is strict, at every depth: a key that is not known is an error, because a misspelt key that is ignored
 * is a check that is not made. For the same reason no value is ever converted, and only these have a default: the issuer
 * that follows from a repository's host.
 */

/** Of a rule, or of the whole file. */
const ENFORCEMENT = {
  mode: v.exactOptional(described(choice(['enforce', 'warn']), 'Whether what is wrong is refused, or only told.')),
  enforceFrom: v.exactOptional(described(text(dayProblem), 'Day (UTC) from which a warning is a refusal: 2027-01-31.')),
}

const RuleSchema = v.pipe(
  mapping('a rule', {
    packages: described(
      oneOrMany(text(packageProblem), 'at least one package'),
      'Which packages: name, @scope/*, name@range, !name to take out, ** for all.',
    ),
    require: described(
      choice(['provenance', 'signature', 'nothing']),
      "What a package needs: provenance by a publisher, the registry's signature, or nothing.",
    ),
    source: v.exactOptional(
      described(
        oneOrMany(choice(RULE_SOURCES), 'at least one source'),
        'Only for what comes from there. Without it a rule that requires nothing covers registry and workspace.',
      ),
    ),
    integrity: v.exactOptional(
      described(text(bytesProblem), 'Only for these bytes, from wherever: with one exact name@1.0.0.'),
    ),
    publisher: v.exactOptional(
      described(
        oneOrMany(nameOrPublisher, 'at least one publisher'),
        'Whose provenance is accepted: one or several, or names from "publishers".',
      ),
    ),
    registry: v.exactOptional(
      described(text(), 'Whose signature it has to be: a name of "trust", "registries"; npm\'s where it is left out.'),
    ),
    unchanged: v.exactOptional(
      described(
        v.boolean((issue) => `expected true or false, found ${describe(issue.input)}`),
        'Hold to provenance-lock.yaml: the same publisher as before, and no loss of provenance.',
      ),
    ),
    minimumAge: v.exactOptional(described(text(spanProblem), 'How long ago it must have been signed: 12h, 3d, 2w.')),
    evidenceFrom: v.exactOptional(
      described(
        text(registryProblem),
        'The registry that has the evidence, where the one that has the packages serves none: https://registry.npmjs.org/.',
      ),
    ),
    ...ENFORCEMENT,
    reason: v.exactOptional(described(text(), 'Why the rule is as it is.')),
  }),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const rule = dataset.value
    const patterns = [rule.packages].flat()
    if (patterns.length > 0 && patterns.every((pattern) => pattern.startsWith('!'))) {
      addIssue(
        at(
          rule,
          'packages',
          'only negated patterns, which take packages out of nothing: name what the rule is about too, such as "**"',
        ),
      )
    }
    if (rule.require === 'provenance' && rule.publisher === undefined && rule.unchanged !== true) {
      addIssue(
        at(
          rule,
          'require',
          '"provenance" without "publisher" would accept a package that anybody built and signed, an attacker included: add "publisher", such as "publisher": {"repository": "owner/name"}, or "unchanged": true for whom provenance-lock.yaml names',
        ),
      )
    }
    if (rule.require !== 'provenance' && rule.publisher !== undefined) {
      addIssue(
        at(
          rule,
          'publisher',
          `this rule requires ${quote(rule.require)}, so its "publisher" would never be looked at: write "require": "provenance", or remove "publisher"`,
        ),
      )
    }
    if (rule.require !== 'signature' && rule.registry !== undefined) {
      addIssue(
        at(
          rule,
          'registry',
          `this rule requires ${quote(rule.require)}, so its "registry" would never be looked at: write "require": "signature", or remove it`,
        ),
      )
    }
    for (const { key, message } of sourceProblems(rule)) addIssue(at(rule, key, message))
    for (const key of ['minimumAge', 'evidenceFrom', 'mode', 'enforceFrom'] as const) {
      if (rule.require !== 'nothing' || rule[key] === undefined) continue
      if (rule.unchanged === true && key !== 'minimumAge') continue
      addIssue(at(rule, key, `this rule requires "nothing", so its "${key}" would never be looked at: remove it`))
    }
  }),
)

const ExceptionSchema = mapping('an exception', {
  package: described(text(versionProblem), 'Exactly one version: name@1.0.0.'),
  integrity: v.exactOptional(described(text(bytesProblem), 'Only for these bytes.')),
  reason: described(text(), 'Why it is lived with.'),
  expires: described(text(dayProblem), 'The last day (UTC) on which it holds.'),
})

const AllowedSettingSchema = mapping('an allowed setting', {
  file: described(text(settingsFileProblem), "The file, from the lockfile's folder: .npmrc, apps/web/.npmrc."),
  key: described(text(), 'The setting, as the file has it; nested ones with dots: install.cache.dir.'),
  value: v.exactOptional(
    described(
      v.union(
        [text(), v.number(), v.boolean()],
        (issue) => `expected text, a number, true or false, found ${describe(issue.input)}: leave it out for any value`,
      ),
      'Only this value.',
    ),
  ),
  reason: described(text(), 'Why it is safe here.'),
  expires: described(text(dayProblem), 'The last day (UTC) on which it holds.'),
})

function settingsFileProblem(file: string): Problem {
  const isRelative = !/^[/~]|\\|:/.test(file) && posix.normalize(file) === file && !file.endsWith('/')
  return isRelative
    ? undefined
    : `${quote(file)} is not a file as the gate names it: write its path from the lockfile's folder, such as ".npmrc" or "apps/web/.npmrc"`
}

const LockAllowanceSchema = mapping('an entry of "allowLockChanges"', {
  package: described(text(nameProblem), 'The name of one package, as in provenance-lock.yaml.'),
  reason: described(text(), 'Why the change is right.'),
  expires: described(text(dayProblem), 'The last day (UTC) on which it holds.'),
})

function nameProblem(name: string): Problem {
  return isPackageName(name) && !name.includes('*')
    ? undefined
    : `${quote(name)} is not exactly one package: write its whole name`
}

/** A template, or a mapping with one. What is text is read as a template and nothing else, as in `oneOrMany`. */
const MirrorSchema = (() => {
  const template = text(templateProblem)
  const mirror = mapping('"attestations"', {
    url: described(template, 'Of a document, with {name} and {version} in its path.'),
    fallback: described(
      choice(['registry', 'none']),
      'Whether the registry is asked for what the mirror does not have, or nobody.',
    ),
  })
  const union = v.union([template, mirror])
  const run: (typeof union)['~run'] = (dataset, config) =>
    (typeof dataset.value === 'string' ? template : mirror)['~run'](dataset, config)
  return { ...union, '~run': run }
})()

const SHARED = /^(?:\.{1,2}\/|(?:@[\w~-][\w.~-]*\/)?[\w~-][\w.~-]*\/)[^\\]*$/

/** `./file` and `../file`, from the policy's folder; `name/file` and `@scope/name/file`, of an installed package. */
function sharedProblem(path: string): Problem {
  if (path.includes('://')) return `${quote(path)} is a URL: a policy takes no rules from the network while it decides`
  if (!SHARED.test(path)) {
    return `${quote(path)} is not a shared policy: write a path that begins with "./" or "../", or a file of an installed package, such as "@acme/policy/sigstorerc.yaml"`
  }
  const inPackage = !path.startsWith('.')
  return inPackage && path.split('/').includes('..')
    ? `${quote(path)} leads out of its package: remove ".."`
    : undefined
}

/** A folder of the workspace, as the root's policy names it. */
function projectProblem(folder: string): Problem {
  if (/[*?]/.test(folder))
    return `${quote(folder)} is a pattern: name each project, so that none can lose its policy unseen`
  if (folder.includes('\\') || folder.startsWith('/') || folder.includes(':'))
    return `${quote(folder)} is not a folder of the workspace: write its path from this file, such as "apps/web"`
  return posix.join(folder, '/') === './' ? 'the root has this policy: name other projects' : undefined
}

export const PolicySchema = mapping('a policy', {
  $schema: v.exactOptional(text()),
  extends: v.exactOptional(
    described(
      oneOrMany(text(sharedProblem), 'at least one file'),
      'Shared policies, whose rules come after these: a path, or a file of an installed package.',
    ),
  ),
  projects: v.exactOptional(
    described(
      v.pipe(
        v.array(
          text(projectProblem),
          (issue) => `"projects" is a list of folders, but here is ${describe(issue.input)}`,
        ),
        v.nonEmpty('no projects: name one, or remove it'),
      ),
      'Folders of projects with a policy of their own, which can only tighten this one for what they need.',
    ),
  ),
  trust: v.exactOptional(TrustSchema),
  attestations: v.exactOptional(
    described(
      MirrorSchema,
      'A mirror, instead of the registry: https://mirror.example/{name}@{version}.json. Or {url, fallback}, to ask it first.',
    ),
  ),
  publishers: v.exactOptional(NamedPublishersSchema),
  ...ENFORCEMENT,
  exceptions: v.exactOptional(
    v.array(ExceptionSchema, (issue) => `"exceptions" is a list of exceptions, but here is ${describe(issue.input)}`),
  ),
  allowSettings: v.exactOptional(
    described(
      v.array(
        AllowedSettingSchema,
        (issue) => `"allowSettings" is a list of settings, but here is ${describe(issue.input)}`,
      ),
      'Settings of the repository that are refused otherwise, for they can change what is installed.',
    ),
  ),
  allowLockChanges: v.exactOptional(
    described(
      v.array(
        LockAllowanceSchema,
        (issue) => `"allowLockChanges" is a list of packages, but here is ${describe(issue.input)}`,
      ),
      'Packages for which a change may ask less in provenance-lock.yaml than the protected branch (verify --base-lock).',
    ),
  ),
  rules: v.pipe(
    v.array(RuleSchema, (issue) => `"rules" is a list of rules, but here is ${describe(issue.input)}`),
    v.nonEmpty('no rules: every package would be refused. Write at least one'),
  ),
})

export type PolicyFile = v.InferOutput<typeof PolicySchema>
export type RuleFile = PolicyFile['rules'][number]
