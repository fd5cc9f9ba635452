import { parentPort, workerData } from 'node:worker_threads'
import { computeFloor, type SignatureCheck } from './floor.ts'

const checks = workerData as readonly SignatureCheck[]
parentPort?.on('message', () => {
  computeFloor(checks)
  parentPort?.postMessage('done')
})
parentPort?.postMessage('ready')
