import type { SignatureClaim } from '@gridmesh/ledger'
import { Piscina } from 'piscina'
import { packClaims } from './claim-batch.ts'
import type { Workers } from './worker-verifier.ts'

/**
 * Batches that a worker is handed at once. With one it would have nothing to do, after each, for as long as the event loop
 * is busy, and the loop of a chain that executes a block is busy for long.
 */
const BATCHES_AHEAD = 8
/** Time for the batches that workers have, in ms: many times what they take. Of a worker that died, none comes back. */
const CLOSE_TIMEOUT_MS = 2_000

/** Threads that check batches. */
export class PiscinaWorkers implements Workers {
  readonly #threads: number
  #pool: Piscina<Uint8Array, Uint8Array> | undefined

  constructor(threads: number) {
    this.#threads = threads
  }

  async check(claims: readonly SignatureClaim[]): Promise<boolean[]> {
    const packed = packClaims(claims)
    const verdicts = await this.#started().run(packed, { transferList: [packed.buffer] })
    return Array.from(verdicts, (verdict) => verdict === 1)
  }

  async stop(): Promise<void> {
    const pool = this.#pool
    if (pool === undefined) return
    this.#pool = undefined
    // The timer of the pool holds no process, which would end while we wait.
    const awake = setInterval(() => {}, CLOSE_TIMEOUT_MS)
    try {
      // What waits is given up. A worker that is cut off in a batch would answer nobody, which ends the process.
      await pool.close({ force: true })
    } finally {
      clearInterval(awake)
    }
  }

  /** The pool, which takes its threads with the first batch. */
  #started(): Piscina<Uint8Array, Uint8Array> {
    if (this.#pool !== undefined) return this.#pool
    const pool = new Piscina<Uint8Array, Uint8Array>({
      // The sources run as they are, too.
      filename: new URL(`verify-worker${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url).href,
      minThreads: this.#threads,
      maxThreads: this.#threads,
      concurrentTasksPerWorker: BATCHES_AHEAD,
      closeTimeout: CLOSE_TIMEOUT_MS,
    })
    // A worker that dies between two batches has failed at none; unheard, its end would be that of the process.
    pool.on('error', () => {})
    this.#pool = pool
    return pool
  }
}
