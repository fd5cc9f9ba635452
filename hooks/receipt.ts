import { realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import packageJson from '../package.json' with { type: 'json' }
import type { Places } from '../src/evidence/places.ts'
import { openReceipts, type Receipts } from '../src/evidence/receipts.ts'
import type { LockedPackage } from '../src/lockfile/types.ts'
import { projectRoot } from '../src/project.ts'
import { asReceipt, digestOf, isSoundBase, judgedFrom } from '../src/receipt/receipt.ts'
import { bringNothing, modulesState } from '../src/receipt/state.ts'
import type { Receipt } from '../src/receipt/types.ts'
import { warning } from '../src/report/output.ts'
import { makeFolder } from '../src/util/folders.ts'
import { realPath } from '../src/util/links.ts'

/** Writes receipts of what one process judges: docs/check.md. An install never fails for want of one; `check` does. */
export interface Recorder {
  /** Before a lockfile in that folder is judged, and before anything is linked. */
  begin(lockfileDir: string): Promise<void>
  /**
   * That all of these are allowed. Of a lockfile that changes on the way the last list counts.
   *
   * @param projects folders of the projects that the lockfile is about
   */
  allow(lockfileDir: string, packages: readonly LockedPackage[], projects: readonly string[], policy: string): void
  /** Something is refused: what this process leaves is not known to be whole. */
  refuse(): void
}

export interface RecorderOptions {
  readonly places: Places
  /** The hooks share pnpm's process: they see its end. */
  readonly insidePnpm: boolean
  /** Of pnpm. For people: nothing is decided by it. */
  readonly version: string
  /** Nothing is linked, so that there is nothing to leave a receipt of. */
  readonly linksNothing: boolean
}

export function openRecorder(options: RecorderOptions): Recorder {
  const { places, insidePnpm, version, linksNothing } = options
  const begun = new Map<string, Receipt>()
  const written = new Map<string, Receipt>()
  let receipts: Promise<Receipts | undefined> | undefined
  let store: Receipts | undefined
  let isRefused = false
  let isToEnd = false

  function write(receipt: Receipt): void {
    try {
      store?.write(receipt.folder, receipt)
      written.set(receipt.folder, receipt)
    } catch (error) {
      warning(noReceipt(receipt.folder, (error as Error).message))
    }
  }

  /** Synchronous: nothing else runs any more. */
  function end(): void {
    if (isRefused) return
    for (const receipt of written.values())
      write({ ...receipt, after: modulesState(receipt.folder), endedAt: Date.now() })
  }

  return {
    begin: async (lockfileDir) => {
      if (linksNothing) return
      receipts ??= openReceipts(places)
      store = await receipts
      const folder = realpathSync(lockfileDir)
      if (store === undefined) {
        if (!begun.has(folder)) warning(noReceipt(folder, `there is no key of this user alone at ${places.keyFile}`))
      } else if (!insidePnpm) {
        // A folder that is made now is known by its inode. pnpm 12 keeps it.
        try {
          makeFolder(path.join(folder, 'node_modules'))
        } catch {}
      }
      const before = modulesState(folder)
      begun.set(folder, {
        form: 1,
        folder,
        manager: { name: 'pnpm', version },
        gate: packageJson.version,
        judgedAt: Date.now(),
        policy: '',
        lockfile: '',
        judged: [],
        isWhole: isSoundBase(asReceipt(store?.read(folder)), before),
        projects: [],
        loadedBy: insidePnpm ? [] : loadedFiles(),
        // Measured: pnpm 10 replaces a folder that it finds empty, 12 does not.
        keepsFolder: !insidePnpm,
        before,
      })
    },

    allow: (lockfileDir, packages, projects, policy) => {
      const folder = realpathSync(lockfileDir)
      const opened = begun.get(folder)
      if (opened === undefined || store === undefined) return
      // Where each project has a lockfile of its own, each has a receipt of its own.
      const others =
        realPath(projectRoot(folder)) !== folder
          ? []
          : projects.map(realPath).filter((each) => !begun.has(each) && !opened.projects.includes(each))
      const isWhole = opened.isWhole && bringNothing(others, asReceipt(store.read(folder)), opened.judgedAt)
      const known = { ...opened, isWhole, projects: [...opened.projects, ...others] }
      begun.set(folder, known)
      const judged = judgedFrom(packages)
      write({ ...known, policy, judged, lockfile: digestOf(judged) })
      if (!insidePnpm || isToEnd) return
      isToEnd = true
      process.once('exit', end)
    },

    refuse: () => {
      isRefused = true
    },
  }
}

/** pnpm 12 notes in node_modules which pnpmfiles it has loaded. The gate is one of these, or one of these has loaded it. */
function loadedFiles(): readonly string[] {
  return Object.keys(createRequire(import.meta.url).cache).slice(0, MAX_LOADED)
}

/** A pnpmfile may load whatever it likes; its own name comes early. */
const MAX_LOADED = 100

function noReceipt(folder: string, why: string): string {
  return `no receipt of this install is left for ${folder}, and \`provenance-gate check\` will say so: ${why}.`
}
