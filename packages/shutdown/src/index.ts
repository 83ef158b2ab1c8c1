/**
 * @packageDocumentation
 *
 * An ordered, bounded and verified end: steps registered by phase run in order, none can hold up the rest, and a report
 * tells what became of each. As a libp2p service, or by the plain class `GracefulShutdown`.
 *
 * It stops nothing by itself: closing libp2p is a step like any other, and the program decides when to `run`.
 *
 * @example
 *
 * ```ts
 * import { shutdown } from '@gridmesh/shutdown'
 * import { createLibp2p } from 'libp2p'
 *
 * const node = await createLibp2p({ services: { shutdown: shutdown({ graceMs: 10_000 }) } })
 * const ending = node.services.shutdown
 * ending.register('close', 'libp2p', () => node.stop())
 * ending.checkLeftovers({ checks: [{ name: 'connections', count: () => node.getConnections().length }] })
 * ending.handleSignals()
 * ```
 */
import type { ShutdownPhase, ShutdownStepResult } from '@gridmesh/interfaces'
import type { ComponentLogger, Metrics } from '@libp2p/interface'
import { GracefulShutdown } from './graceful-shutdown.ts'

/** Options of a shutdown. */
export interface ShutdownInit {
  /** Time of all phases together, in ms; when it is over, steps are still called but not waited for. @default 30_000 */
  graceMs?: number
  /** Time of a step that names none, in ms; when it is over, the step is abandoned. @default 5_000 */
  stepDeadlineMs?: number
  /** Part of `graceMs` that only `flush` and `verify` may use, in ms. @default 5_000, or half of `graceMs` if less */
  flushReserveMs?: number
}

/** What the shutdown uses. */
export interface ShutdownComponents {
  logger?: ComponentLogger
  metrics?: Pick<Metrics, 'registerCounterGroup'>
}

/** A phase, and how much there is to do in it. */
export interface ShutdownPhaseDetail {
  phase: ShutdownPhase
  /** Number of its steps. */
  steps: number
}

/** The events of a shutdown. */
export interface ShutdownEvents {
  /** A phase begins. */
  'shutdown:phase': CustomEvent<ShutdownPhaseDetail>
  /** A step is done, has failed or was abandoned. */
  'shutdown:step': CustomEvent<ShutdownStepResult>
}

/** The signals that end the program. */
export type EndSignal = 'SIGINT' | 'SIGTERM'

/** Where signals come from: `process`, or something like it. */
export interface SignalSource {
  on(signal: EndSignal, listener: (signal: EndSignal) => void): unknown
  off(signal: EndSignal, listener: (signal: EndSignal) => void): unknown
}

/** How signals are handled. */
export interface HandleSignalsInit {
  /** Ends the program with a code: 0 clean, 1 not clean, 128 + signal at once. @default process.exit */
  exit?: (code: number) => void
  /** Where signals come from. @default process */
  source?: SignalSource
}

/** Something that should be gone in the end. */
export interface LeftoverCheck {
  name: string
  /** How many of it there still are. */
  count(): number
}

/** What is left at the end. */
export interface Leftover {
  name: string
  count: number
}

/** What to look for at the end. */
export interface LeftoversInit {
  /** What else has to be gone. @default [] */
  checks?: readonly LeftoverCheck[]
  /** Types of resources that may be left. @default ['PipeWrap', 'TTYWrap'] */
  ignore?: readonly string[]
  /** Types of the resources that keep the program alive, one entry each. @default process.getActiveResourcesInfo */
  resources?: () => readonly string[]
  /** Time for what is left to go, in ms, since closed handles do so a little later. @default 2_000 */
  settleMs?: number
}

/**
 * Creates the shutdown as a libp2p service. Who holds the node calls `run`, or has `handleSignals` call it; libp2p's
 * own `stop` does not.
 *
 * @throws {RangeError} when an option is not a time
 */
export function shutdown(init: ShutdownInit = {}): (components: ShutdownComponents) => GracefulShutdown {
  return (components) => new GracefulShutdown(init, components)
}

export { LeftoversError, ShutdownStartedError, StepThrewError } from './errors.ts'
export { GracefulShutdown } from './graceful-shutdown.ts'
