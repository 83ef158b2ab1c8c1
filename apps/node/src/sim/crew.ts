import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, totalmem } from 'node:os'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Job, JobOutcome } from './job.ts'

const WORKER = fileURLToPath(new URL(`./worker${extname(import.meta.url)}`, import.meta.url))
const BYTES_PER_MIB = 2 ** 20
/** Share of the machine's memory that all simulations together may take. */
const MEMORY_SHARE = 0.85
/** Most of what a simulation makes dies at once: with a large young generation it is never copied. In MiB. */
const YOUNG_MIB = 64
/**
 * From so many nodes on, the heap has some GiB of which hardly anything dies, and the collector is to look at it seldom:
 * its young generation begins as large as it gets, in MiB, and the old one may grow to a size before it is looked at.
 */
const LARGE_NODES = 2_000
const LARGE_YOUNG_MIB = 256
const LARGE_INITIAL_MIB = 12_000
/** Jobs after which a process is replaced, so that what libraries remember does not add up. */
const JOBS_PER_PROCESS = 50

/** Longest time of one job, in ms: that of the simulator, which ends its own runs, and a minute for one that hangs. */
const JOB_MS = 3_660_000

/** What comes of each job, as it comes. */
export interface CrewInit {
  jobs: readonly Job[]
  /** Processes at once. @default one for each core, and no more than there are jobs */
  processes?: number
  signal?: AbortSignal
  /** Time after which a process without a result is ended, in ms. @default 3_660_000 */
  deadlineMs?: number
  onOutcome: (job: Job, outcome: JobOutcome) => void
}

/** Runs simulations in processes of their own, as many at once as there are cores. */
export async function runJobs({ jobs, processes, signal, deadlineMs = JOB_MS, onOutcome }: CrewInit): Promise<void> {
  const count = Math.min(processes ?? availableParallelism(), jobs.length)
  const waiting = [...jobs]
  const isAborted = (): boolean => signal?.aborted ?? false
  const work = async (): Promise<void> => {
    while (waiting.length > 0 && !isAborted()) {
      const worker = startWorker(count, waiting[0]?.nodes ?? 0)
      try {
        for (let done = 0; done < JOBS_PER_PROCESS && !isAborted(); done++) {
          const job = waiting.shift()
          if (job === undefined) break
          const outcome = await perform(worker, job, deadlineMs, signal)
          if (outcome !== undefined) onOutcome(job, outcome)
          if (worker.exitCode !== null || worker.signalCode !== null) break
        }
      } finally {
        worker.kill('SIGKILL')
      }
    }
  }
  await Promise.all(Array.from({ length: count }, work))
}

function startWorker(count: number, nodes: number): ChildProcess {
  const heapMib = Math.floor((totalmem() * MEMORY_SHARE) / count / BYTES_PER_MIB)
  const worker = fork(WORKER, {
    execArgv: [`--max-old-space-size=${heapMib}`, ...collector(nodes, heapMib)],
    // Results of large networks are large.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  // An exit is heard of by whoever waits for an outcome.
  worker.on('error', () => {})
  return worker
}

/** Flags that fit the collector to the size of a network. */
function collector(nodes: number, heapMib: number): string[] {
  if (nodes < LARGE_NODES) return [`--max-semi-space-size=${YOUNG_MIB}`]
  const initialMib = Math.min(LARGE_INITIAL_MIB, Math.floor(heapMib / 2))
  const young = [`--min-semi-space-size=${LARGE_YOUNG_MIB}`, `--max-semi-space-size=${LARGE_YOUNG_MIB}`]
  return [...young, `--initial-heap-size=${initialMib}`]
}

/** The outcome of one job; `undefined` when it was aborted. */
async function perform(
  worker: ChildProcess,
  job: Job,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): Promise<JobOutcome | undefined> {
  const over = new AbortController()
  const until = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
  const answered = once(worker, 'message', { signal: until }).then(([outcome]: JobOutcome[]) => outcome)
  const ended = once(worker, 'exit', { signal: until }).then(([code, killedBy]: unknown[]): JobOutcome => {
    const why = isLate ? `had no result after ${deadlineMs / 1_000} s` : `ended by ${String(killedBy ?? code)}`
    return { error: { name: 'WorkerEndedError', message: `The process ${why}` } }
  })
  let isLate = false
  const deadline = setTimeout(() => (isLate = worker.kill('SIGKILL')), deadlineMs)
  try {
    worker.send(job)
    return await Promise.race([answered, ended])
  } catch (err) {
    if (signal?.aborted === true) return undefined
    throw err
  } finally {
    clearTimeout(deadline)
    over.abort()
    await Promise.allSettled([answered, ended])
  }
}
