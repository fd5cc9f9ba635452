import { Argument, Command, CommanderError, Option } from 'commander'
import packageJson from '../../package.json' with { type: 'json' }
import { GateError } from '../errors.ts'
import { REPAIRS } from '../repair.ts'
import { escapeLines } from '../util/text.ts'
import type { AcceptOptions } from './accept.ts'
import type { CheckOptions } from './check.ts'
import type { ExplainOptions } from './explain.ts'
import type { ExportOptions } from './export.ts'
import type { PolicyOptions } from './policy.ts'
import type { RunOptions } from './run/run.ts'
import type { SourceOptions } from './sources.ts'
import type { TrustOptions } from './trust.ts'
import type { VerifyOptions } from './verify.ts'
import type { VerifyBundleOptions } from './verify-bundle.ts'

/** Runs the command line. Returns the exit status; everything for people goes to standard error. */
export async function main(argv: readonly string[], now: Date): Promise<number> {
  let status: number = 0
  const program = new Command('provenance-gate')
    .description('Checks who published every package of a lockfile, by its verified Sigstore provenance.')
    .version(packageJson.version)
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => process.stdout.write(text),
      writeErr: (text) => process.stderr.write(escapeLines(text)),
    })

  withSources(
    program
      .command('verify')
      .description(
        'judge every entry of a lockfile; exit status 0: all allowed, 1: something refused, 2: could not be judged',
      ),
  )
    .addOption(policyOption())
    .option(
      '--base-lock <file>',
      'the identity lock of the protected branch, from which a change may take nothing away',
    )
    .option('--json', 'print a report for machines to standard output')
    .action(async (options: VerifyOptions) => {
      const { verify } = await import('./verify.ts')
      status = await verify(options, now)
    })

  withSources(
    program
      .command('explain')
      .description(
        'say why a package of the lockfile ends as it does: evidence, claims, rules, and what would make it pass',
      )
      .argument('<package>', 'name, or name@version'),
  )
    .addOption(policyOption())
    .action(async (wanted: string, options: ExplainOptions) => {
      const { explainPackage } = await import('./explain.ts')
      status = await explainPackage(wanted, options, now)
    })

  withSources(
    program
      .command('init')
      .description('write a first policy and identity lock, under which what the lockfile has today passes'),
  ).action(async (options: SourceOptions) => {
    const { init } = await import('./init.ts')
    status = await init(options, now)
  })

  withSources(
    program
      .command('accept')
      .description('write who publishes what into provenance-lock.yaml; packages whose publisher changed must be named')
      .argument('[packages...]', 'names, or name@version, of which a change or a loss is accepted'),
  )
    .option('--policy <file>', "the policy, for its trust root (default: .sigstorerc in the lockfile's folder)")
    .option('--check', 'write nothing; exit status 1 if there is something to write')
    .action(async (names: readonly string[], options: AcceptOptions) => {
      const { accept } = await import('./accept.ts')
      status = await accept(names, options, now)
    })

  program
    .command('export')
    .description('write the evidence of a lockfile: a folder to serve as a mirror, and bundles for other tools')
    .requiredOption('--out <dir>', 'the folder; what it has of the same name is replaced')
    .addOption(lockfileOption())
    .addOption(attestationsOption())
    .addOption(offlineOption())
    .option('--policy <file>', 'a policy whose rules say where else evidence is (evidenceFrom)')
    .action(async (options: ExportOptions) => {
      const { exportEvidence } = await import('./export.ts')
      status = await exportEvidence(options)
    })

  const policy = program.command('policy').description('look at a policy itself')
  withPolicy(
    policy.command('check').description('its mistakes, rules that decide nothing, exceptions that end'),
  ).action(async (options: PolicyOptions) => {
    const { check } = await import('./policy.ts')
    status = await check(options, now)
  })
  withPolicy(
    policy
      .command('test')
      .description('try it on made-up packages; exit status 1 if one does not end as its case expects')
      .argument('<file>', 'the cases (docs/policy.md)'),
  ).action(async (file: string, options: PolicyOptions) => {
    const { test } = await import('./policy.ts')
    status = await test(file, options, now)
  })

  const trust = program.command('trust').description('show, renew and move the trust root that is kept on this machine')
  withTrust(trust.command('status').description('until when it is good; exit status 2 where it is over')).action(
    async (options: TrustOptions) => {
      const { trustStatus } = await import('./trust.ts')
      status = await trustStatus(options, now)
    },
  )
  withTrust(trust.command('update').description('renew it, or ask for it for the first time')).action(
    async (options: TrustOptions) => {
      const { trustUpdate } = await import('./trust.ts')
      status = await trustUpdate(options, now)
    },
  )
  withTrust(
    trust.command('export').description('write it to a file, for a machine without network').argument('<file>'),
  ).action(async (file: string, options: TrustOptions) => {
    const { trustExport } = await import('./trust.ts')
    status = await trustExport(file, options)
  })
  withTrust(trust.command('import').description('take it over from a file').argument('<file>')).action(
    async (file: string, options: TrustOptions) => {
      const { trustImport } = await import('./trust.ts')
      status = await trustImport(file, options, now)
    },
  )

  program
    .command('verify-bundle')
    .description('say whether a Sigstore bundle proves who signed one file')
    .argument('<artifact>', 'a file, or sha256:DIGEST or sha512:DIGEST')
    .requiredOption('--bundle <file>', 'the bundle')
    .option('--certificate-identity <name>', 'who must have signed it: subject alternative name, exactly')
    .option('--certificate-oidc-issuer <url>', 'who must vouch for that name, exactly')
    .option('--key <file>', 'or the public key (PEM) that must have signed it')
    .option('--trusted-root <file>', 'a Sigstore trusted_root.json instead of the embedded one')
    .option(
      '--domain <name>',
      'the trust domain that has to vouch for it: sigstore, github, or one of a policy',
      'sigstore',
    )
    .option('--predicate-type <type>', 'what kind of statement must have been signed, exactly')
    .option('--policy <file>', 'the policy whose trust domains, with what each asks for, are meant')
    .option('--staging', "for Sigstore's staging instance; needs --trusted-root")
    .action(async (artifact: string, options: VerifyBundleOptions) => {
      const { verifyBundle } = await import('./verify-bundle.ts')
      status = await verifyBundle(artifact, options, now)
    })

  program
    .command('repair')
    .description('move the lockfile off a refused package with pnpm, without linking or running anything')
    .addArgument(new Argument('<command>', 'what pnpm does').choices([...REPAIRS]))
    .argument('[args...]', 'its arguments, such as package names')
    .allowUnknownOption()
    .passThroughOptions()
    .action(async (command: string, args: readonly string[]) => {
      const { repair } = await import('./repair.ts')
      status = await repair(command, args, now)
    })

  program
    .command('run')
    .description(
      'run a package manager whose every download comes through the gate; exit status 1 if something is refused, else that of the command',
    )
    .argument('<command...>', 'npm ci, yarn install, bun add NAME, …, best behind `--`')
    .addOption(policyOption())
    .option('--lockfile <file>', 'the lockfile (default: the nearest one of that package manager)')
    .addOption(attestationsOption())
    .option('--trusted-root <file>', 'a Sigstore trusted_root.json instead of the embedded one')
    .option('--npm-keys <file>', "a registry's keys.json instead of the embedded one")
    .option('--cache <dir>', "keep evidence and proofs in this folder (default: the user's cache, docs/cache.md)")
    .passThroughOptions()
    .action(async (command: readonly string[], options: RunOptions) => {
      const { run } = await import('./run/run.ts')
      status = await run(command, options, now)
    })

  program
    .command('check')
    .description(
      'say whether node_modules was installed under the gate; exit status 0: it was, 1: it was not, 2: could not be found out',
    )
    .addOption(policyOption())
    .option('--json', 'print a report for machines to standard output')
    .action(async (options: CheckOptions) => {
      const { check } = await import('./check.ts')
      status = await check(options, now)
    })

  try {
    await program.parseAsync([...argv], { from: 'user' })
    return status
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const message =
      error instanceof GateError ? error.message : `an error of the gate itself, please report it: ${describe(error)}`
    // It may quote what somebody else wrote: a further line (one for each mistake of a policy) is never one of the gate's.
    process.stderr.write(`${escapeLines(`provenance-gate: ${message}`, '  ')}\n`)
    return 2
  }
}

/** The options of every command that looks at a lockfile and at evidence. */
function withSources(command: Command): Command {
  return command
    .addOption(lockfileOption())
    .addOption(attestationsOption())
    .option('--trusted-root <file>', 'a Sigstore trusted_root.json instead of the embedded one')
    .option('--npm-keys <file>', "a registry's keys.json instead of the embedded one")
    .addOption(offlineOption())
    .option('--cache <dir>', "keep evidence and proofs in this folder (default: the user's cache, docs/cache.md)")
}

function lockfileOption(): Option {
  return new Option('--lockfile <file>', 'the lockfile, of pnpm, npm, yarn or bun (default: what this folder has)')
}

function attestationsOption(): Option {
  return new Option(
    '--attestations <dir>',
    'read attestation documents from a folder, DIR/@scope/name@1.0.0.json, instead of the network',
  )
}

function offlineOption(): Option {
  return new Option('--offline', 'make no request')
}

function policyOption(): Option {
  return new Option('--policy <file>', "the policy (default: .sigstorerc in the lockfile's folder)")
}

function withPolicy(command: Command): Command {
  return command.addOption(policyOption()).addOption(lockfileOption())
}

function withTrust(command: Command): Command {
  return command
    .option('--policy <file>', 'the policy whose TUF repository it is (default: .sigstorerc here, if there is one)')
    .option('--domain <name>', 'the trust domain: sigstore, github, or one of the policy', 'sigstore')
}

function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error)
}
