import '../home.ts'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import { GateError } from '../errors.ts'
import { type Answer, type Question, THREAD, type ThreadData } from './question.ts'
import { openVerifiers, type Verifiers } from './verifiers.ts'

/** A thread that verifies: what it is asked comes in lists, and each list is answered as a whole. */
// Whoever loads this to verify by itself may be a thread too, of somebody else's.
if (parentPort !== null && isOurs(workerData)) listen(parentPort, openVerifiers(workerData[THREAD]))

function isOurs(data: unknown): data is ThreadData {
  return typeof data === 'object' && data !== null && THREAD in data
}

function listen(port: MessagePort, verifiers: Verifiers): void {
  port.on('message', (questions: readonly Question[]) => {
    port.postMessage(questions.map((question) => answer(question, verifiers)))
  })
}

function answer({ id, method, args }: Question, verifiers: Verifiers): Answer {
  try {
    const run = verifiers[method] as (...args: readonly unknown[]) => ReturnType<Verifiers[typeof method]>
    return { id, value: run(...args) }
  } catch (error) {
    const { name, message } = error instanceof Error ? error : new Error(String(error))
    return { id, error: { name, message, isGateError: error instanceof GateError } }
  }
}
