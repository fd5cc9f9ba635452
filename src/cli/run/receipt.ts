import { realpathSync } from 'node:fs'
import packageJson from '../../../package.json' with { type: 'json' }
import { userPlaces } from '../../evidence/places.ts'
import { openReceipts } from '../../evidence/receipts.ts'
import type { ManagerName } from '../../managers/types.ts'
import type { Verdict } from '../../policy/types.ts'
import { asReceipt, digestOf, isAllNew, isSoundBase, judgedFrom, union } from '../../receipt/receipt.ts'
import { bringNothing, isMadeSince, modulesState } from '../../receipt/state.ts'
import type { ModulesState, Receipt } from '../../receipt/types.ts'
import { warning } from '../../report/output.ts'
import { realPath } from '../../util/links.ts'

/** Of one command that `run` starts. An install never fails for want of a receipt; `check` does. */
export interface RunReceipt {
  /** Before the command is started: of what is allowed by then. */
  begin(verdicts: readonly Verdict[]): void
  /** When the command has ended well, and everything that it has installed is allowed. */
  end(verdicts: readonly Verdict[]): void
}

export interface RunReceiptOptions {
  /** The folder of the lockfile. */
  readonly root: string
  readonly manager: ManagerName
  /** Folders of the workspace's projects. */
  readonly projects: readonly string[]
  /** Digest of the policy. */
  readonly policy: string
  /** The command removes everything that is in node_modules before it installs. */
  readonly clears: boolean
  readonly cache: string | undefined
}

export async function openRunReceipt(options: RunReceiptOptions): Promise<RunReceipt> {
  const { root, manager, policy, clears, cache } = options
  const projects = options.projects.map(realPath).filter((each) => each !== realPath(root))
  const places = userPlaces({ cache, project: root, warn: warning })
  const receipts = await openReceipts(places)
  const folder = realpathSync(root)
  const judgedAt = Date.now()
  const before = modulesState(folder)
  const earlier = asReceipt(receipts?.read(folder))
  const isSound = isSoundBase(earlier, before) && bringNothing(projects, earlier, judgedAt)
  // What is in place was judged by then, if it was by this policy.
  const kept = isSound && earlier?.policy === policy ? earlier.judged : []

  function write(verdicts: readonly Verdict[], after?: ModulesState): void {
    try {
      if (receipts === undefined)
        throw new Error(
          `there is no key of this user alone${places.keyFile === undefined ? '' : ` at ${places.keyFile}`}`,
        )
      const judged = union(judgedFrom(verdicts.map((verdict) => verdict.package)), kept)
      receipts.write(folder, {
        form: 1,
        folder,
        manager: { name: manager, version: 'unknown' },
        gate: packageJson.version,
        judgedAt,
        policy,
        lockfile: digestOf(judged),
        judged,
        // A setting may have kept the command from removing anything.
        isWhole:
          isSound ||
          (clears &&
            after !== undefined &&
            isAllNew(after, judgedAt) &&
            projects.every((each) => isMadeSince(each, judgedAt))),
        projects,
        loadedBy: [],
        keepsFolder: false,
        before,
        ...(after && { after, endedAt: Date.now() }),
      } satisfies Receipt)
    } catch (error) {
      warning(
        `no receipt of this install is left for ${folder}, and \`provenance-gate check\` will say so: ${(error as Error).message}.`,
      )
    }
  }

  return {
    begin: (verdicts) => write(verdicts),
    end: (verdicts) => {
      const after = modulesState(folder)
      // Plug'n'Play, or a command that installs nothing here.
      if (after.folder !== undefined) write(verdicts, after)
    },
  }
}
