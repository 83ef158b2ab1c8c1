import { Worker } from 'node:worker_threads'
import { keep } from './corpus.ts'
import { MAX_INPUT_BYTES } from './edits.ts'

/** What a thread is to do. */
export interface Job {
  name: string
  totalMs: number
  seed: number
}

/** What a thread did. */
export interface JobReport {
  target: string
  executions: number
  read: number
  blocks: number
  kept: number
  faults: { path: string; message: string }[]
}

/** The input under way, seen from another thread: a counter, a length, and the bytes. */
export type Beat = SharedArrayBuffer

const COUNTERS = 2
const HEAD_BYTES = 8
/** Time without another input after which the one under way is taken for one that never ends, in ms. */
const STUCK_MS = 20_000
/** Memory of a thread beside its buffers, in MiB: an input that takes more ends it. */
const MAX_HEAP_MIB = 512

/** Notes the input that is about to be read. */
export function writeBeat(beat: Beat, bytes: Uint8Array): void {
  const counters = new Uint32Array(beat, 0, COUNTERS)
  counters[1] = bytes.byteLength
  new Uint8Array(beat, HEAD_BYTES).set(bytes.subarray(0, MAX_INPUT_BYTES))
  Atomics.add(counters, 0, 1)
}

function inputOf(beat: Beat): Uint8Array {
  const [, length = 0] = new Uint32Array(beat, 0, COUNTERS)
  return Uint8Array.from(new Uint8Array(beat, HEAD_BYTES, Math.min(length, MAX_INPUT_BYTES)))
}

/** Runs a job in a thread. One that ends it, or never ends, is a fault by the input that was under way. */
export async function runJob(job: Job): Promise<JobReport> {
  const beat = new SharedArrayBuffer(HEAD_BYTES + MAX_INPUT_BYTES)
  const worker = new Worker(new URL('worker.js', import.meta.url), {
    workerData: { ...job, beat },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MIB },
  })
  const { promise, resolve } = Promise.withResolvers<JobReport>()
  const counters = new Uint32Array(beat, 0, COUNTERS)
  const fault = (message: string): void => {
    const path = keep(job.name, inputOf(beat), true) ?? ''
    const [executions = 0] = counters
    resolve({ target: job.name, executions, read: 0, blocks: 0, kept: 0, faults: [{ path, message }] })
  }
  let last = -1
  const watch = setInterval(() => {
    const now = Atomics.load(counters, 0)
    if (now === last) fault(`an input that takes over ${STUCK_MS} ms`)
    last = now
  }, STUCK_MS)
  worker.once('message', (report: JobReport) => resolve(report))
  worker.once('error', (err) => fault(`ended by ${err instanceof Error ? err.message : String(err)}`))
  try {
    return await promise
  } finally {
    clearInterval(watch)
    await worker.terminate()
  }
}
