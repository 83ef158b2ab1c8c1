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
/** Jobs after which a process is replaced, so that what libraries remember does not add up. */
const JOBS_PER_PROCESS = 50

/** What comes of each job, as it comes. */
export interface CrewInit {
  jobs: readonly Job[]
  /** Processes at once. @default one for each core, and no more than there are jobs */
  processes?: number
  signal?: AbortSignal
  onOutcome: (job: Job, outcome: JobOutcome) => void
}

/** Runs simulations in processes of their own, as many at once as there are cores. */
export async function runJobs({ jobs, processes, signal, onOutcome }: CrewInit): Promise<void> {
  const count = Math.min(processes ?? availableParallelism(), jobs.length)
  const waiting = [...jobs]
  const isAborted = (): boolean => signal?.aborted ?? false
  const work = async (): Promise<void> => {
    while (waiting.length > 0 && !isAborted()) {
      const worker = startWorker(count)
      try {
        for (let done = 0; done < JOBS_PER_PROCESS && !isAborted(); done++) {
          const job = waiting.shift()
          if (job === undefined) break
          const outcome = await perform(worker, job, signal)
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

function startWorker(count: number): ChildProcess {
  const heapMib = Math.floor((totalmem() * MEMORY_SHARE) / count / BYTES_PER_MIB)
  const worker = fork(WORKER, {
    execArgv: [`--max-old-space-size=${heapMib}`, `--max-semi-space-size=${YOUNG_MIB}`],
    // Results of large networks are large.
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  // An exit is heard of by whoever waits for an outcome.
  worker.on('error', () => {})
  return worker
}

/** The outcome of one job; `undefined` when it was aborted. */
async function perform(
  worker: ChildProcess,
  job: Job,
  signal: AbortSignal | undefined,
): Promise<JobOutcome | undefined> {
  const over = new AbortController()
  const until = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
  const answered = once(worker, 'message', { signal: until }).then(([outcome]: JobOutcome[]) => outcome)
  const ended = once(worker, 'exit', { signal: until }).then(([code, killedBy]: unknown[]): JobOutcome => {
    return { error: { name: 'WorkerEndedError', message: `The process ended by ${String(killedBy ?? code)}` } }
  })
  try {
    worker.send(job)
    return await Promise.race([answered, ended])
  } catch (err) {
    if (signal?.aborted === true) return undefined
    throw err
  } finally {
    over.abort()
    await Promise.allSettled([answered, ended])
  }
}
