import { fileURLToPath } from 'node:url'
import { createProject, markedPackage, type Project, type ProjectOptions } from './pnpm/index.ts'
import { type PackageSource, type PackedPackage, type Registry, startRegistry } from './registry/index.ts'
import { createSigstore, type LocalSigstore, type ProvenanceOptions } from './sigstore/index.ts'

/** When everything was signed. In the past: the gate compares it with the machine's clock. */
export const SIGNED_AT = new Date('2026-01-15T12:00:00Z')

export const REPOSITORY = 'https://github.com/acme/widgets'

/** The built hook, as it is published. */
export const PNPMFILE = fileURLToPath(new URL('../../pnpmfile.cjs', import.meta.url))

/** The built command line, as it is published. */
export const CLI = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url))

/** A rule for everything, which names the repository and the workflow that `publish` uses by default. */
export const POLICY = `
trust: { trustedRoot: trust/trusted_root.json, npmKeys: trust/keys.json }
rules:
  - packages: "**"
    require: provenance
    publisher:
      repository: acme/widgets
      workflow: .github/workflows/release.yml
`

type Signed = Partial<Omit<ProvenanceOptions, 'name' | 'version'>>

/** A Sigstore and a registry of one's own. */
export interface World {
  readonly sigstore: LocalSigstore
  readonly registry: Registry
  /** Packs a package whose postinstall leaves a mark, attests it as `signed` says, and publishes it with its attestations. */
  publish(source: PackageSource, signed?: Signed): Promise<PackedPackage>
  /** The same without attestations. */
  publishUnproven(source: PackageSource): PackedPackage
  /** The attestation document that `publish` would serve. */
  attest(pkg: PackedPackage, signed?: Signed): Promise<unknown>
  /** The trust root and a policy, as files of a project. */
  policyFiles(policy?: string): Readonly<Record<string, string>>
  /** A project whose `.pnpmfile.cjs` loads the built hook. */
  gatedProject(options: Omit<ProjectOptions, 'registry' | 'pnpmfile'> & { readonly policy?: string }): Project
  close(): Promise<void>
}

export async function startWorld(): Promise<World> {
  const sigstore = await createSigstore({ now: SIGNED_AT })
  const registry = await startRegistry({ keys: sigstore.npmKeys })

  const attest: World['attest'] = ({ manifest, integrity }, signed = {}) =>
    sigstore.document({
      name: manifest.name,
      version: manifest.version,
      integrity,
      now: SIGNED_AT,
      ...signed,
      identity: { repository: REPOSITORY, ...signed.identity },
    })

  const policyFiles: World['policyFiles'] = (policy = POLICY) => ({
    '.sigstorerc': policy,
    'trust/trusted_root.json': JSON.stringify(sigstore.trustedRoot),
    'trust/keys.json': JSON.stringify(sigstore.npmKeys),
  })

  return {
    sigstore,
    registry,
    attest,
    policyFiles,
    publish: async (source, signed) => {
      const pkg = markedPackage(source)
      registry.publish(pkg, { attestations: await attest(pkg, signed) })
      return pkg
    },
    publishUnproven: (source) => {
      const pkg = markedPackage(source)
      registry.publish(pkg)
      return pkg
    },
    gatedProject: ({ policy, files, ...options }) =>
      createProject({
        ...options,
        registry: registry.url,
        pnpmfile: `module.exports = require(${JSON.stringify(PNPMFILE)})\n`,
        files: { ...policyFiles(policy), ...files },
      }),
    close: () => registry.close(),
  }
}
