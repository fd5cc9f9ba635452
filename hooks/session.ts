import '../src/home.ts'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { GateError } from '../src/errors.ts'
import { githubAsset, githubOrigin, gitOrigin, isGitArchive, lockedPackages } from '../src/lockfile/pnpm.ts'
import type { LockedPackage } from '../src/lockfile/types.ts'
import { isFolder } from '../src/util/sources.ts'
import { escapeText } from '../src/util/text.ts'
import { addChecksum, checksumOfGate } from './checksum.ts'
import { commandOf, keepsLockfile, mayFetch, replacesPackages, writesLockfileOnly } from './command.ts'
import { neededBy, openJudge } from './judge.ts'
import { openNames } from './names.ts'
import { commandPlace, installRoot, isDeployed, movedLockfile, real } from './place.ts'
import {
  type FetchOptions,
  isPnpmError,
  type Manifest,
  type PnpmConfig,
  type PreResolutionContext,
  pnpmError,
  type Resolution,
  type WantedDependency,
} from './pnpm.ts'
import type { RunningPnpm } from './running.ts'
import { sourceOf } from './specifier.ts'
import { stranger, strangersOfConfig, strangersOfManifest, strangersOnCommandLine } from './strangers.ts'
import { tellsRegistriesApart, unguardedRepository } from './versions.ts'

/** One process's view of one install: translates pnpm's calls into questions to the gate. */
export interface Session {
  /** Judges what is on disk, for `pnpm fetch` on pnpm 12. */
  judgeLockfile(config: PnpmConfig): Promise<void>
  preResolution(context: PreResolutionContext): Promise<void>
  canResolve(wanted: WantedDependency): Promise<void>
  readPackage(manifest: Manifest): Promise<void>
  /** Whether the gate has to be asked once more, for the name of a repository, before its scripts run. */
  canFetch(id: string, resolution: Resolution): Promise<boolean>
  /** Judges a git repository that pnpm 10 is about to fetch, by the names under which it is wanted. */
  judgeAliases(resolution: Resolution, pkg: FetchOptions['pkg']): Promise<void>
  /** Options for the fetcher of a repository (10, 11): it is judged by its own name before its scripts run. */
  judgingBuilds(resolution: Resolution, options: FetchOptions): Promise<Pick<FetchOptions, 'allowBuild'>>
  afterAllResolved(lockfile: unknown): Promise<void>
}

export interface SessionOptions {
  /** Inside of it (10, 11) its command line is known, and `afterAllResolved` comes before linking. */
  readonly pnpm: RunningPnpm
  /** Only the lockfile is written, nothing is linked or run: what it holds now need not be judged, what is new must. */
  readonly repairing: boolean
  /** Empty in the second process of pnpm 12, in which `updateConfig` does not run. */
  readonly settings: PnpmConfig
}

export function openSession({ pnpm, repairing, settings }: SessionOptions): Session {
  const { insidePnpm } = pnpm
  const place = commandPlace(insidePnpm)
  const { argv } = place
  const root = installRoot(place)
  const linksNothing = repairing && writesLockfileOnly(argv)
  const receipt = {
    insidePnpm,
    version: pnpm.version ?? 'unknown',
    linksNothing: linksNothing || argv.includes('--lockfile-only'),
  }
  const installing = tellsRegistriesApart(pnpm) ? 'from-11.20' : 'any'
  const judge = openJudge(root, receipt, (lockfileDir) => isDeployed(lockfileDir, place), installing)
  const edge = <T>(run: () => Promise<T>) => stopping(run, judge.giveUp)
  const fetching = !insidePnpm && mayFetch(argv)
  /** Whether there is a hook to come that knows which project needs what, before anything of it is linked. */
  const isJudgedAgain = insidePnpm || linksNothing
  const judgesExisting = !linksNothing && !(insidePnpm && replacesPackages(commandOf(argv)))
  /** Names and versions that need no verdict when they pass `readPackage` again without a digest. */
  const known = new Set<string>()
  let resolving = false
  /** Whether anything is resolved anew: then the lockfile does not tell any more who needs what. */
  let isResolving = false
  const wanted = {
    /** Whether this pnpm asks resolvers. */
    asked: false,
    /** What was let through although no registry has it. */
    strangers: [] as LockedPackage[],
    fromRegistry: new Set<string>(),
    /** The other names under which a package of a registry is wanted. */
    aliases: new Map<string, readonly string[]>(),
  }
  const names = openNames()
  /** Names of the workspace's projects, which pnpm 12 lets pass `readPackage` before everything else. */
  const projects = new Set<string>()
  /** What the lockfile has. */
  const existing: LockedPackage[] = []
  /** For pnpm 10: whatever may turn out to be from a repository, by the name under which it is wanted. */
  const strangers = [...strangersOfConfig(settings), ...strangersOnCommandLine(argv)]
  /** What is being judged while pnpm resolves on. */
  const pending: Promise<unknown>[] = []
  let onDisk: Promise<void> | undefined
  let forAnyone: Promise<void> | undefined

  async function judgeFolder(
    lockfileDir: string,
    everyBranch: boolean,
    registries?: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    await judge.open(lockfileDir, registries)
    const files = readdirSync(lockfileDir).filter(
      (name) => name === 'pnpm-lock.yaml' || (everyBranch && /^pnpm-lock\..+\.yaml$/.test(name)),
    )
    const { readLockfile } = await import('../src/lockfile/read.ts')
    for (const file of files) {
      const { packages } = await readLockfile(path.join(lockfileDir, file), installing)
      await judge.locked(await judge.placed(packages, lockfileDir), lockfileDir)
    }
  }

  function repositoriesAt(origin: string): readonly LockedPackage[] {
    return existing.filter((each) => each.source === 'git' && each.origin === origin)
  }

  /** A folder has no version in the lockfile. */
  function isKnown(name: string, version: string): boolean {
    return known.has(`${name}@${version}`) || known.has(`${name}@`)
  }

  /** pnpm 12 reuses what is locked, and says too late under which name. */
  async function wantedAs(alias: string, target: string): Promise<void> {
    wanted.aliases.set(target, [...(wanted.aliases.get(target) ?? []), alias])
    if (isJudgedAgain) return
    const locked = existing.filter(({ name }) => name === target)
    await judge.added(
      locked.map((pkg) => ({ ...pkg, aliases: [alias], forAnyone: true })),
      false,
    )
  }

  /**
   * On pnpm 12 the package.json of a folder or repository arrives as it is, and may claim a `dist` with the digest of a
   * proven package. Its name then is one that nobody wanted from a registry.
   */
  function isForged(name: string): boolean {
    return !insidePnpm && wanted.strangers.length > 0 && !wanted.fromRegistry.has(name)
  }

  /**
   * What a manifest without a registry may be, by its own name: whatever was let through under that name, else anything
   * that was. Each has to be permitted, for the manifest does not say which one it is.
   */
  function asStrangers(name: string, version: string): readonly LockedPackage[] {
    const named = wanted.strangers.filter((each) => each.name === name)
    const sources = new Set((named.length > 0 ? named : wanted.strangers).map(({ source }) => source))
    return (sources.size > 0 ? [...sources] : (['unknown'] as const)).map((source) => ({
      ...resolved(name, version),
      source,
    }))
  }

  return {
    judgeLockfile: ({ lockfileDir, dir, useGitBranchLockfile, registriesByScope }) =>
      edge(async () => {
        // With `sharedWorkspaceLockfile: false` it is the lockfile of the current project, which only `dir` names.
        const folders = new Set([root, lockfileDir, dir].filter((each) => each !== undefined).map(real))
        for (const each of folders) await judgeFolder(each, useGitBranchLockfile !== false, registriesByScope)
      }),

    preResolution: ({ lockfileDir: given, registries, wantedLockfile }) =>
      edge(async () => {
        const moved = movedLockfile(given, place)
        if (moved !== undefined) throw pnpmError(moved)
        const lockfileDir = real(given)
        resolving = true
        // Loaded in any case: an install without a usable policy stops here, before it downloads anything.
        await judge.open(lockfileDir, registries)
        const listed = await judge.placed(await judge.listed(wantedLockfile, lockfileDir), lockfileDir)
        const isCopy = isDeployed(lockfileDir, place)
        const packages = isCopy ? listed.filter((pkg) => !isUnneededRoot(pkg, lockfileDir, root)) : listed
        // Reused packages of a registry do not pass `readPackage` on pnpm 12, so one of their names without a digest is
        // something else under that name.
        for (const { name, version, source } of packages) if (source !== 'registry') known.add(`${name}@${version}`)
        names.lock(packages)
        for (const pkg of packages) existing.push(pkg)
        if (judgesExisting) await judge.locked(packages, lockfileDir)
        // pnpm 10 compares no digest of hooks with the lockfile that `deploy` makes, and refuses one that has any.
        if (!isCopy) addChecksum(wantedLockfile, () => checksumOfGate(root, PNPMFILE))
      }),

    canResolve: ({ alias, bareSpecifier }) =>
      edge(async () => {
        wanted.asked = true
        isResolving = true
        // Something is resolved, so that a project may get what only others had. Which one, pnpm 12 does not say in time.
        if (!isJudgedAgain) forAnyone ??= judge.forAnyone(existing)
        await forAnyone
        const specifier = bareSpecifier ?? ''
        const isRegistry = sourceOf(specifier) === 'registry'
        const [, target = alias ?? ''] = /^npm:((?:@[^/@]+\/)?[^@]+)/.exec(specifier) ?? []
        // pnpm 12 says too late what it has made of a name: the folder is judged before anything is put into it.
        const misnamed = alias ? names.want(alias, specifier, isRegistry ? target : undefined) : []
        if (misnamed.length > 0) await judge.added(misnamed, isJudgedAgain)
        if (isRegistry) {
          wanted.fromRegistry.add(target)
          if (alias && alias !== target) await wantedAs(alias, target)
          // A range may lead to a project of the workspace; pnpm 12 then links it before any other hook could tell.
          if (projects.has(target) && (await linksProjects(root)))
            await judge.added([{ ...stranger(target, specifier), source: 'workspace' }], isJudgedAgain)
          return
        }
        // `pnpm add ./folder`, on pnpm 11: judged by its own name, in time, when it has one. pnpm 12 finds that out first.
        if (insidePnpm && !alias) return
        // An asset of a release is proven by its bytes, which are known before anything of it is linked or run.
        if (insidePnpm && githubAsset(specifier) !== undefined) return
        const wantedOne = stranger(alias ?? '', specifier)
        await judge.added([wantedOne], isJudgedAgain)
        wanted.strangers.push(wantedOne)
      }),

    readPackage: (manifest) =>
      edge(async () => {
        const { name = '', version = '', dist } = manifest
        isResolving ||= resolving
        if (insidePnpm && !wanted.asked) strangers.push(...strangersOfManifest(manifest))
        if (dist !== undefined && isForged(name)) {
          await judge.added(asStrangers(name, version), isJudgedAgain)
        } else if (dist !== undefined) {
          const aliases = wanted.aliases.get(name)
          const pkg = resolved(name, version, dist.integrity, dist.tarball)
          const judged = judge.added([aliases === undefined ? pkg : { ...pkg, aliases }], isJudgedAgain)
          // pnpm need not wait: a hook to come stops it, before anything of this is linked.
          if (isJudgedAgain) pending.push(judged.catch(() => {}))
          else await judged
        } else if (insidePnpm) {
          // `afterAllResolved` comes in time, and knows where it is from.
        } else if (!resolving) {
          known.add(`${name}@${version}`)
          projects.add(name)
          // Where the command line cannot be read, this is for `fetch`, which calls no `preResolution` on pnpm 12.
          if (argv.length === 0 && judgesExisting) onDisk ??= judgeFolder(root, true)
          await onDisk
        } else if (!isKnown(name, version) && (wanted.strangers.length > 0 || !wanted.asked)) {
          // Not a project, not judged before, and not from a registry, so nothing can prove it.
          await judge.added(asStrangers(name, version), isJudgedAgain)
        }
      }),

    canFetch: (id, resolution) =>
      edge(async () => {
        // On pnpm 12 `updateConfig` has judged the whole lockfile, in another process, which knew where it is.
        if (fetching && !judge.isOpen()) return false
        const [, name, version] = REGISTRY_ID.exec(id) ?? []
        const { integrity, tarball } = resolution
        // Git repositories, folders and tarball URLs have no name yet. They are judged where they have one.
        if (name !== undefined && version !== undefined) {
          await judge.fetched(resolved(name, version, integrity, tarball), isJudgedAgain)
        }
        return insidePnpm && isRepository(resolution)
      }),

    judgeAliases: (resolution, pkg) =>
      edge(async () => {
        const { name, version = '' } = pkg ?? {}
        const origin = gitOrigin(resolution)
        const locked = repositoriesAt(origin).filter((each) => each.name === name)
        if (locked.length > 0)
          return judge.added(isResolving ? locked.map((pkg) => ({ ...pkg, forAnyone: true })) : locked, linksNothing)
        const named = name === undefined ? [] : [{ ...stranger(name, origin), version, source: 'git' as const }]
        // Whatever a specifier looks like, what is fetched now is a repository.
        const fetched = strangers.map((each) =>
          each.source === 'unknown' ? { ...each, source: 'git' as const } : each,
        )
        await judge.added([...named, ...fetched], linksNothing)
        const reason = unguardedRepository(pnpm, escapeText(origin))
        if (reason !== undefined) throw pnpmError(reason)
      }),

    judgingBuilds: (resolution, { allowBuild }) =>
      edge(async () => {
        if (allowBuild === undefined) return {}
        const origin = gitOrigin(resolution)
        const github = githubOrigin(resolution as Readonly<Record<string, unknown>>)
        const repository = { ...stranger('', origin), source: 'git' } as const
        const demand = await judge.addedStranger(github === undefined ? repository : { ...repository, github })
        // Who needs it is known of what is in the lockfile, as long as nothing is resolved anew.
        const importers = isResolving ? [] : repositoriesAt(origin).flatMap((each) => each.importers)
        return {
          allowBuild: (own, ...more) => {
            const at = own.indexOf('@', 1)
            const name = at === -1 ? own : own.slice(0, at)
            const pkg = { ...stranger(name, at === -1 ? '' : own.slice(at + 1)), key: own, source: 'git' } as const
            demand(importers.length === 0 ? pkg : neededBy(pkg, importers))
            return allowBuild(own, ...more)
          },
        }
      }),

    afterAllResolved: (lockfile) =>
      edge(async () => {
        const packages = lockedPackages(lockfile, installing)
        // Where there is nothing but links, pnpm 10 and 11 resolve in any case.
        const isResolved = packages.some(({ source }) => !isFolder(source))
        if (isResolved && keepsLockfile(argv)) throw pnpmError(UNDONE)
        await Promise.all(pending)
        judge.stopIfAnyWasRefused()
        await judge.result(packages, linksNothing, !insidePnpm && !linksNothing)
      }),
  }
}

/** The one that pnpm loads: in the root of the package, as the folder of this file is. */
const PNPMFILE = fileURLToPath(new URL('../pnpmfile.cjs', import.meta.url))

const UNDONE = [
  'provenance-gate refuses this command: it is to keep to the lockfile (`--frozen-lockfile`), but pnpm resolves dependencies.',
  'A setting of the repository has undone it: look for `dedupe`, `fixLockfile`, `update`, `packageLock` and `lockfile`',
  'in pnpm-workspace.yaml, package.json and .npmrc, and remove it.',
].join('\n')

/** Whether ranges lead to projects of the workspace. Only asked on pnpm 12, which tells no hook its settings there. */
async function linksProjects(root: string): Promise<boolean> {
  const { readYaml } = await import('../src/evidence/files.ts')
  const { linkWorkspacePackages } = readYaml(path.join(root, 'pnpm-workspace.yaml'), 'repository')
  const variable = process.env.pnpm_config_link_workspace_packages
  return ![undefined, null, false, 'false'].includes((variable ?? linkWorkspacePackages) as string | undefined)
}

/**
 * The root of the workspace, where nobody needs it: pnpm 10 writes it into the lockfile of a deployed project, and so does pnpm 12
 * with `--legacy`. Such an entry is not installed (tried).
 *
 * @param lockfileDir of the deployed project
 */
function isUnneededRoot(pkg: LockedPackage, lockfileDir: string, root: string): boolean {
  const { source, origin = '', importers, forAnyone } = pkg
  const [, folder] = /^file:(.*)$/s.exec(isFolder(source) ? origin : '') ?? []
  if (folder === undefined || importers.length > 0 || forAnyone === true) return false
  return real(path.resolve(lockfileDir, folder)) === real(root)
}

function isRepository({ type, tarball, gitHosted }: Resolution): boolean {
  return type === 'git' || (type === undefined && (gitHosted === true || isGitArchive(tarball ?? '')))
}

/** Where a registry points to the archive of a git host, that is repacked: what is installed is not what was attested. */
function resolved(name: string, version: string, integrity?: string, tarball?: string): LockedPackage {
  const source = isGitArchive(tarball ?? '') ? 'git' : 'registry'
  const who = { importers: [], forAnyone: true } as const
  const unnamed = name === '' ? { unnamed: true as const } : {}
  const pkg = {
    name,
    version,
    integrity,
    source,
    origin: undefined,
    ...who,
    ...unnamed,
    key: `${name}@${version}`,
  } as const
  if (tarball === undefined) return pkg
  return source === 'registry' ? { ...pkg, tarball, outside: '' } : { ...pkg, tarball }
}

/** `name@1.0.0`, `@scope/name@1.0.0-rc.1`: how pnpm names what it has resolved from a registry. */
const REGISTRY_ID = /^((?:@[^/@]+\/)?[^/@]+)@(\d+\.\d+\.\d+[^/:]*)$/

/** Everything that leaves a hook is an error that pnpm prints as a message, and stops the install. */
async function stopping<T>(run: () => Promise<T>, giveUp: () => void): Promise<T> {
  try {
    return await run()
  } catch (error) {
    giveUp()
    if (isPnpmError(error)) throw error
    const what =
      error instanceof GateError ? error.message : `an error of the gate itself, please report it (${String(error)})`
    throw pnpmError(`provenance-gate: ${what}`)
  }
}
