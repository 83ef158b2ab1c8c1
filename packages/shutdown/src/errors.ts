import type { ShutdownPhase } from '@gridmesh/interfaces'
import type { Leftover } from './index.ts'

/** A step came too late: its phase has begun, or is over. */
export class ShutdownStartedError extends Error {
  static override readonly name = 'ShutdownStartedError'
  override readonly name = 'ShutdownStartedError'
  readonly code = 'shutdown-started'
  readonly phase: ShutdownPhase

  constructor(phase: ShutdownPhase, step: string) {
    super(`The step ${step} came after the phase ${phase} had begun`)
    this.phase = phase
  }
}

/** A step threw something that is no error; it is the `cause`. */
export class StepThrewError extends Error {
  static override readonly name = 'StepThrewError'
  override readonly name = 'StepThrewError'
  readonly code = 'step-threw'

  constructor(step: string, thrown: unknown) {
    super(`The step ${step} threw what is no error: ${textOf(thrown)}`, { cause: thrown })
  }
}

/** Something is left that should be gone. */
export class LeftoversError extends Error {
  static override readonly name = 'LeftoversError'
  override readonly name = 'LeftoversError'
  readonly code = 'leftovers'
  readonly leftovers: readonly Leftover[]

  constructor(leftovers: readonly Leftover[]) {
    super(`Left at the end: ${leftovers.map(({ name, count }) => `${count} ${name}`).join(', ')}`)
    this.leftovers = leftovers
  }
}

/** What was thrown, in words. Never throws: not everything has a text, and what is no error may be anything. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown)
  } catch {
    return 'something that has no text'
  }
}
