import fc from 'fast-check'
import { CODES, type RefusalCode } from '../../src/codes.ts'
import type { LockedPackage } from '../../src/lockfile/types.ts'
import type { Rule, Status, Verdict } from '../../src/policy/types.ts'
import type { Claims } from '../../src/verify/types.ts'

export const STATUSES: readonly Status[] = ['proven', 'permitted', 'bundled', 'warned', 'excepted', 'refused']

export const FOLDER = '/work/project'

export function rule(line = 12, file = `${FOLDER}/.sigstorerc`): Rule {
  return {
    packages: ['**'],
    require: 'provenance',
    publishers: [],
    unchanged: false,
    enforcement: { mode: 'enforce' },
    place: { file, line, column: 5 },
  }
}

export function pkg(changes: Partial<LockedPackage> = {}): LockedPackage {
  const { name = '@acme/widgets', version = '1.2.3' } = changes
  return {
    name,
    version,
    integrity: 'sha512-x',
    source: 'registry',
    origin: undefined,
    importers: ['.', 'packages/app'],
    key: `${name}@${version}`,
    ...changes,
  }
}

export function verdict(status: Status, changes: Partial<Verdict> = {}): Verdict {
  return { package: pkg(), status, refusal: undefined, rule: rule(), claims: undefined, ...changes }
}

export function refusal(changes: Partial<Verdict> = {}, code: RefusalCode = 'REF_MISMATCH'): Verdict {
  return verdict('refused', {
    refusal: { code, found: 'the ref refs/heads/evil', expected: 'the ref refs/tags/v*' },
    ...changes,
  })
}

export const CLAIMS: Claims = {
  domain: 'sigstore',
  subjectAlternativeName: 'https://github.com/acme/widgets/.github/workflows/release.yml@refs/tags/v1.2.3',
  issuer: 'https://token.actions.githubusercontent.com',
  buildSignerUri: undefined,
  buildSignerDigest: undefined,
  runnerEnvironment: 'github-hosted',
  repository: 'https://github.com/acme/widgets',
  commit: undefined,
  ref: 'refs/tags/v1.2.3',
  repositoryId: undefined,
  owner: undefined,
  ownerId: undefined,
  buildConfigUri: undefined,
  buildConfigDigest: undefined,
  trigger: undefined,
  runUri: undefined,
  visibility: undefined,
  environment: undefined,
  tokenSubject: undefined,
  workflow: '.github/workflows/release.yml',
}

/** Text of which any part may be meant for the terminal rather than for its reader. */
export const hostileText = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('\u001b[2K', '\u001b]0;x\u0007', '\r', '\n', '\u009b1A', '\u202e', '\u2066', '\u200b', '\u2028'),
      fc.constantFrom('\ufeff', '\u00ad', '\ufe0f', '\u3164', '\u115f', '\u034f', '\u{e0041}', '\u{e0101}', '\b\b\b'),
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''))

const codes = Object.keys(CODES) as RefusalCode[]

/** Verdicts as the gate makes them, from a lockfile, certificates and a policy that somebody made up. */
export const anyVerdict: fc.Arbitrary<Verdict> = fc
  .record({
    status: fc.constantFrom(...STATUSES),
    code: fc.constantFrom(...codes),
    text: fc.array(hostileText, { minLength: 7, maxLength: 7 }),
    importers: fc.array(hostileText, { maxLength: 3 }),
    line: fc.nat(),
    bare: fc.boolean(),
  })
  .map(
    ({
      status,
      code,
      text: [name, version, found = '', expected = '', file, claim, key = ''],
      importers,
      line,
      bare,
    }) => ({
      package: pkg({
        ...(name === undefined ? {} : { name }),
        ...(version === undefined ? {} : { version }),
        importers,
        key,
      }),
      status,
      refusal: status === 'refused' ? { code, found, expected } : undefined,
      rule: bare ? undefined : rule(line, file),
      claims: bare ? undefined : { ...CLAIMS, repository: claim },
    }),
  )

/** Whatever could move a cursor, or reorder or hide what is shown. */
export const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
