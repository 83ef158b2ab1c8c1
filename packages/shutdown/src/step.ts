import type { ShutdownPhase, ShutdownStepResult } from '@gridmesh/interfaces'
import { TimeoutError } from '@libp2p/interface'
import { StepThrewError } from './errors.ts'

/** One thing to do. */
export interface Step {
  readonly phase: ShutdownPhase
  readonly name: string
  readonly deadlineMs: number
  readonly run: (signal: AbortSignal) => void | Promise<void>
}

/** Runs a step for `budgetMs` at most. What it does after that goes on, and nobody waits for it. Never rejects. */
export async function runStep(step: Step, budgetMs: number): Promise<ShutdownStepResult> {
  const { phase, name } = step
  const controller = new AbortController()
  const startedAtMs = performance.now()
  const overdue = Promise.withResolvers<undefined>()
  const onDeadline = (): void => {
    controller.abort(new TimeoutError(`The step ${name} was still running after ${Math.round(budgetMs)} ms`))
    // One more turn, for a step that has something to say when it is told to end.
    timer = setTimeout(() => overdue.resolve(undefined), 0)
  }
  let timer = setTimeout(onDeadline, budgetMs)
  const error = await Promise.race([attempt(step, controller.signal), overdue.promise])
  clearTimeout(timer)

  const tookMs = performance.now() - startedAtMs
  if (controller.signal.aborted) {
    const reason: TimeoutError = controller.signal.reason
    return { phase, name, outcome: 'abandoned', tookMs, error: error ?? reason }
  }
  return error === undefined
    ? { phase, name, outcome: 'done', tookMs }
    : { phase, name, outcome: 'failed', tookMs, error }
}

/** Resolves with what the step threw, or with nothing. */
async function attempt({ name, run }: Step, signal: AbortSignal): Promise<Error | undefined> {
  try {
    await run(signal)
    return undefined
  } catch (err) {
    return err instanceof Error ? err : new StepThrewError(name, err)
  }
}
