import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { GateError } from '../errors.ts'
import type { TrustInputs } from '../trust/inputs.ts'
import { type Answer, type Question, THREAD, type ThreadData } from './question.ts'
import type { Verifiers } from './verifiers.ts'

/** The verifiers, wherever they run. `start` starts the threads: there will be much to do. */
export type Verifying = { readonly start: () => void } & {
  readonly [Method in keyof Verifiers]: (
    ...args: Parameters<Verifiers[Method]>
  ) => Promise<ReturnType<Verifiers[Method]>>
}

interface Task extends Question {
  readonly resolve: (value: never) => void
  readonly reject: (error: unknown) => void
}

/** Starting threads takes longer than verifying so many packages without them. */
const FEW = 24
/** Questions of one message: so few that no thread waits for the last ones of another. */
const BATCH = 8
/** More cores than that no install waits for. */
const MAX_THREADS = 8
/** Megabytes for what lives shortly. More make nothing faster, and every thread has as many. */
const YOUNG = 4

/** Where the thread's code is: the build names the bundle. */
declare const WORKER_FILE: string | undefined
const WORKER = typeof WORKER_FILE === 'undefined' ? './worker.ts' : WORKER_FILE

/**
 * Verifies in this thread as long as there is little to do, else in as many as there are cores. A thread that cannot be
 * started, or dies, leaves its questions to this one: where something is verified makes no difference to the verdict.
 */
export function openPool(trust: TrustInputs): Verifying {
  const waiting: Task[] = []
  const idle: Worker[] = []
  const busy = new Map<Worker, ReadonlyMap<number, Task>>()
  let asked = 0
  let isFlushing = false
  let isThreaded = false
  let isBroken = false
  let own: Promise<Verifiers> | undefined

  function ask(method: keyof Verifiers, args: readonly unknown[]): Promise<never> {
    return new Promise((resolve, reject) => {
      waiting.push({ id: asked++, method, args, resolve, reject })
      if (isFlushing) return
      isFlushing = true
      // What is asked for at once is looked at together.
      setImmediate(flush)
    })
  }

  function flush(): void {
    isFlushing = false
    if (asked > FEW) start()
    if (!isThreaded || isBroken) {
      for (const task of waiting.splice(0)) void runHere(task)
      return
    }
    while (waiting.length > 0) {
      const worker = idle.pop()
      if (worker === undefined) return
      const tasks = waiting.splice(0, BATCH)
      try {
        worker.postMessage(tasks.map(({ id, method, args }): Question => ({ id, method, args })))
      } catch {
        // What is nested too deeply to be copied: who writes evidence must not end the process of the package manager.
        idle.push(worker)
        for (const task of tasks) void runHere(task)
        continue
      }
      // It holds the process as long as somebody waits for it, and no longer.
      worker.ref()
      busy.set(worker, new Map(tasks.map((task) => [task.id, task])))
    }
  }

  async function runHere({ method, args, resolve, reject }: Task): Promise<void> {
    try {
      own ??= import('./verifiers.ts').then(({ openVerifiers }) => openVerifiers(trust))
      const run = (await own)[method] as (...args: readonly unknown[]) => never
      resolve(run(...args))
    } catch (error) {
      reject(error)
    }
  }

  function start(): void {
    if (isThreaded) return
    isThreaded = true
    try {
      for (let count = Math.min(availableParallelism(), MAX_THREADS); count > 0; count -= 1) idle.push(thread())
    } catch {
      isBroken = true
    }
  }

  function thread(): Worker {
    const worker = new Worker(new URL(WORKER, import.meta.url), {
      workerData: { [THREAD]: trust } satisfies ThreadData,
      // Nothing that somebody wants to have loaded into the process of the package manager.
      execArgv: [],
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG },
    })
    worker.unref()
    // What was said before it runs, Node forgets then.
    worker.once('online', () => {
      if (!busy.has(worker)) worker.unref()
    })
    worker.on('message', (answers: readonly Answer[]) => {
      const tasks = busy.get(worker)
      busy.delete(worker)
      worker.unref()
      for (const answer of answers) settle(tasks?.get(answer.id), answer)
      idle.push(worker)
      flush()
    })
    const leave = () => {
      isBroken = true
      waiting.push(...(busy.get(worker)?.values() ?? []))
      busy.delete(worker)
      flush()
    }
    worker.on('error', leave)
    worker.on('exit', leave)
    return worker
  }

  return {
    start,
    attestations: (...args) => ask('attestations', args),
    release: (...args) => ask('release', args),
    signature: (...args) => ask('signature', args),
    isBeyondKeys: (...args) => ask('isBeyondKeys', args),
  }
}

function settle(task: Task | undefined, answer: Answer): void {
  if ('value' in answer) {
    task?.resolve(answer.value as never)
    return
  }
  const { name, message, isGateError } = answer.error
  task?.reject(isGateError ? new GateError(message) : Object.assign(new Error(message), { name }))
}
