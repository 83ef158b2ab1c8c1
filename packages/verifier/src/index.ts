/**
 * @packageDocumentation
 *
 * Checks ed25519 signatures in worker threads, by the one rule of `@gridmesh/ledger`: many at once, in batches, answered
 * in the order in which they were asked. While they are checked, the event loop is free for the network.
 *
 * For nodes that take blocks and transactions by the thousand. Not for single messages on the protocol path, and not for
 * a simulation: there `inlineVerifier` says the same at once.
 *
 * @example
 *
 * ```ts
 * import type { SignatureClaim } from '@gridmesh/ledger'
 * import { workerVerifier } from '@gridmesh/verifier'
 *
 * const verifier = workerVerifier({ threads: 2 })
 * const claims: SignatureClaim[] = []
 * const holds = await verifier.verify(claims)
 * console.log(holds.every(Boolean))
 * await verifier.stop()
 * ```
 */
import type { SignatureClaim } from '@gridmesh/ledger'
import { InlineWorkers } from './inline-workers.ts'
import { resolveOptions } from './options.ts'
import { PiscinaWorkers } from './piscina-workers.ts'
import { WorkerVerifier } from './worker-verifier.ts'

/** Options of `workerVerifier`. */
export interface VerifierInit {
  /** Worker threads, 1 to 256. @default one for each core that the process may use */
  threads?: number
  /** Most claims that a worker is handed at once, 1 to 65_536; fewer, where all workers would not be busy. @default 512 */
  batchSize?: number
  /** Fewest claims that are worth a worker of their own, 1 to `batchSize`. @default 64 */
  minBatchSize?: number
  /** Claims that wait or are being checked; a call that would pass it is refused with a `TooManyClaimsError`. @default 65_536 */
  maxClaims?: number
  /** Bytes of those claims, keys and signatures among them; beyond it as with `maxClaims`. @default 67_108_864 */
  maxBytes?: number
}

/** What a call may be given. */
export interface VerifyOptions {
  /** Ends the wait; what the workers have begun they finish. */
  signal?: AbortSignal | undefined
}

/** What a verifier has to do, and did since it was made. */
export interface VerifierStats {
  /** Claims that wait or are being checked. */
  claims: number
  /** Bytes of those. */
  bytes: number
  /** Claims that were checked. */
  checked: number
  /** Claims that a worker failed at, and that were checked here. */
  fallbacks: number
}

/** Checks signatures. */
export interface Verifier {
  /**
   * Says of each claim, in order, whether its signature holds.
   * @throws {TooManyClaimsError} when there would be more at once than may be
   * @throws {VerifierStoppedError} once it is stopped, calls under way too
   * @throws the signal's reason when it aborts before
   */
  verify(claims: readonly SignatureClaim[], options?: VerifyOptions): Promise<boolean[]>
  stats(): VerifierStats
  /** Ends all workers. Calls under way reject. */
  stop(): Promise<void>
}

/** A verifier with workers of its own. They start with the first call. @throws {RangeError} for an option out of its range */
export function workerVerifier(init: VerifierInit = {}): Verifier {
  const options = resolveOptions(init)
  return new WorkerVerifier(new PiscinaWorkers(options.threads), options)
}

/** A verifier without threads: a call is checked when it is made, as a simulation in virtual time needs it. */
export function inlineVerifier(init: Pick<VerifierInit, 'maxClaims' | 'maxBytes'> = {}): Verifier {
  return new WorkerVerifier(new InlineWorkers(), resolveOptions({ ...init, threads: 1 }))
}

export * from './errors.ts'
