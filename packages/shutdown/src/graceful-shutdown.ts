import {
  SHUTDOWN_PHASES,
  type Shutdown,
  type ShutdownPhase,
  type ShutdownReport,
  type ShutdownStepOptions,
  type ShutdownStepResult,
} from '@gridmesh/interfaces'
import {
  serviceCapabilities,
  TypedEventEmitter,
  type CounterGroup,
  type Logger,
  type Startable,
} from '@libp2p/interface'
import { DEFAULT_FLUSH_RESERVE_MS, DEFAULT_GRACE_MS, DEFAULT_STEP_DEADLINE_MS } from './constants.ts'
import { ShutdownStartedError } from './errors.ts'
import type { HandleSignalsInit, LeftoversInit, ShutdownComponents, ShutdownEvents, ShutdownInit } from './index.ts'
import { Leftovers } from './leftovers.ts'
import { SignalTrap } from './signal-trap.ts'
import { runStep, type Step } from './step.ts'
import { timeMs } from './times.ts'

/** The phases for which time is kept. */
const LAST_PHASES: ReadonlySet<ShutdownPhase> = new Set(['flush', 'verify'])

/**
 * Runs registered steps phase by phase, once. Usable with or without libp2p.
 *
 * `run` resolves within `graceMs` and a few milliseconds, whatever the steps wait for. Every step is called, even one
 * for which no time is left: its signal then aborts at once, and it is recorded as abandoned unless it is done by then.
 * The phases before `flush` have to leave `flushReserveMs`, so that what must be written still is.
 */
export class GracefulShutdown extends TypedEventEmitter<ShutdownEvents> implements Shutdown, Startable {
  readonly [Symbol.toStringTag] = '@gridmesh/shutdown'
  readonly [serviceCapabilities] = ['@gridmesh/shutdown']
  readonly #graceMs: number
  readonly #stepDeadlineMs: number
  readonly #flushReserveMs: number
  readonly #log: Logger | undefined
  readonly #outcomes: CounterGroup | undefined
  readonly #steps = new Set<Step>()
  readonly #begun = new Set<ShutdownPhase>()
  #running = 0
  #report: Promise<ShutdownReport> | undefined
  #trap: SignalTrap | undefined

  /** @throws {RangeError} when an option is not a time, or `flushReserveMs` is not below `graceMs` */
  constructor(init: ShutdownInit = {}, components: ShutdownComponents = {}) {
    super()
    const { graceMs = DEFAULT_GRACE_MS, stepDeadlineMs = DEFAULT_STEP_DEADLINE_MS } = init
    const { flushReserveMs = Math.min(DEFAULT_FLUSH_RESERVE_MS, graceMs / 2) } = init
    this.#graceMs = timeMs('graceMs', graceMs)
    this.#stepDeadlineMs = timeMs('stepDeadlineMs', stepDeadlineMs)
    this.#flushReserveMs = flushReserveMs
    if (!(flushReserveMs >= 0 && flushReserveMs < graceMs)) {
      throw new RangeError(`flushReserveMs is ${flushReserveMs}, and must be 0 or more and below graceMs, ${graceMs}`)
    }
    this.#log = components.logger?.forComponent('gridmesh:shutdown')
    this.#outcomes = components.metrics?.registerCounterGroup('gridmesh_shutdown_steps_total', { label: 'outcome' })
  }

  /** Takes up signals again, where `stop` let go of them. Runs nothing. */
  start(): void {
    if (this.#report === undefined) this.#trap?.attach()
  }

  /**
   * Lets go of signals, unless a shutdown is under way: then it is a step of it that stops libp2p, and a second signal
   * still has to be heard. Runs nothing: libp2p is stopped by the shutdown, not the shutdown by libp2p.
   */
  stop(): void {
    if (this.#report === undefined) this.#trap?.detach()
  }

  /**
   * Adds a step to a phase that has not begun. Returns the call that removes it.
   *
   * @throws {RangeError} when there is no such phase, or `deadlineMs` is not a time
   * @throws {ShutdownStartedError} when the phase has begun
   */
  register(phase: ShutdownPhase, name: string, step: Step['run'], options: ShutdownStepOptions = {}): () => void {
    const { deadlineMs = this.#stepDeadlineMs } = options
    if (!SHUTDOWN_PHASES.includes(phase)) {
      throw new RangeError(`There is no phase ${phase}; there are ${SHUTDOWN_PHASES.join(', ')}`)
    }
    timeMs('deadlineMs', deadlineMs)
    if (this.#begun.has(phase)) throw new ShutdownStartedError(phase, name)

    const added: Step = { phase, name, deadlineMs, run: step }
    this.#steps.add(added)
    return () => {
      this.#steps.delete(added)
    }
  }

  /**
   * Adds a step to `verify` that fails with a `LeftoversError` if anything is left that was not there at this call:
   * resources that keep the process alive, and whatever `checks` count. Call it before anything is opened.
   *
   * @throws {RangeError} when `settleMs` is not a time
   * @throws {ShutdownStartedError} when `verify` has begun
   */
  checkLeftovers(init: LeftoversInit = {}): () => void {
    const leftovers = new Leftovers(init)
    // Each step that runs has one timer: that of its deadline.
    const ownTimers = (): number => this.#running
    return this.register('verify', 'leftovers', async (signal) => leftovers.verify(signal, ownTimers))
  }

  /**
   * Runs the shutdown and then ends the program on the first SIGINT or SIGTERM, and ends it at once on the second. Ends
   * when the shutdown is over, or by the returned call; a later call takes the place of an earlier one.
   */
  handleSignals(init: HandleSignalsInit = {}): () => void {
    this.#trap?.detach()
    const trap = new SignalTrap(async () => this.run(), init)
    this.#trap = trap
    trap.attach()
    return () => {
      trap.detach()
      if (this.#trap === trap) this.#trap = undefined
    }
  }

  /**
   * Runs all steps once; later calls get the same report. Never rejects. A step that waits for it waits for itself, and
   * is abandoned at its deadline.
   */
  run(): Promise<ShutdownReport> {
    // Not before this is assigned: a step may call it again at once.
    this.#report ??= Promise.resolve().then(async () => this.#runAll())
    return this.#report
  }

  async #runAll(): Promise<ShutdownReport> {
    const startedAtMs = performance.now()
    const graceEndsMs = startedAtMs + this.#graceMs
    const steps: ShutdownStepResult[] = []
    for (const phase of SHUTDOWN_PHASES) {
      const untilMs = LAST_PHASES.has(phase) ? graceEndsMs : graceEndsMs - this.#flushReserveMs
      steps.push(...(await this.#runPhase(phase, untilMs)))
    }
    this.#trap?.detach()
    const tookMs = performance.now() - startedAtMs
    const clean = steps.every(({ outcome }) => outcome === 'done')
    this.#log?.('ended %s after %d ms', clean ? 'clean' : 'not clean', Math.round(tookMs))
    return { steps, tookMs, clean }
  }

  async #runPhase(phase: ShutdownPhase, untilMs: number): Promise<ShutdownStepResult[]> {
    const steps = [...this.#steps].filter((step) => step.phase === phase)
    this.#begun.add(phase)
    for (const step of steps) this.#steps.delete(step)
    this.#log?.('%s: %d steps', phase, steps.length)
    this.safeDispatchEvent('shutdown:phase', { detail: { phase, steps: steps.length } })
    return Promise.all(steps.map(async (step) => this.#runStep(step, untilMs)))
  }

  async #runStep(step: Step, untilMs: number): Promise<ShutdownStepResult> {
    this.#running += 1
    const result = await runStep(step, Math.max(0, Math.min(step.deadlineMs, untilMs - performance.now())))
    this.#running -= 1
    const { phase, name, outcome, tookMs, error } = result
    if (error !== undefined)
      this.#log?.error('%s: %s %s after %d ms - %e', phase, name, outcome, Math.round(tookMs), error)
    this.#outcomes?.increment({ [outcome]: true })
    this.safeDispatchEvent('shutdown:step', { detail: result })
    return result
  }
}
