/** The phases of a shutdown, in order. */
export const SHUTDOWN_PHASES = ['stop-accepting', 'goodbye', 'drain', 'close', 'flush', 'verify'] as const

/** When in a shutdown a step runs. Steps of one phase run side by side. */
export type ShutdownPhase = (typeof SHUTDOWN_PHASES)[number]

/** Options of one step. */
export interface ShutdownStepOptions {
  /** Time the step may take, in ms. @default 5_000 */
  deadlineMs?: number
}

/** What became of one step. */
export interface ShutdownStepResult {
  phase: ShutdownPhase
  name: string
  /** `abandoned`: still running when its deadline, or the grace period, was over. */
  outcome: 'done' | 'failed' | 'abandoned'
  tookMs: number
  error?: Error
}

/** What became of a shutdown. */
export interface ShutdownReport {
  steps: ShutdownStepResult[]
  tookMs: number
  /** Every step was done. */
  clean: boolean
}

/** Ordered, bounded shutdown. Service name `shutdown`. */
export interface Shutdown {
  /** Adds a step. The signal it gets aborts at its deadline. Returns the call that removes it. */
  register(
    phase: ShutdownPhase,
    name: string,
    step: (signal: AbortSignal) => void | Promise<void>,
    options?: ShutdownStepOptions,
  ): () => void
  /** Runs all steps once; later calls get the same report. */
  run(): Promise<ShutdownReport>
}
