import type { Violation } from '@gridmesh/simnet'
import { colours } from './colours.ts'
import { type Job, type JobOutcome, replayCommand } from '../sim/job.ts'
import { asCalled } from './launcher.ts'
import type { Output } from './output.ts'

/** Events before a violation that are told. */
const TOLD_EVENTS = 10
/** Laws that did not hold and are told of one run. */
const TOLD_VIOLATIONS = 5

/** Tells what went wrong, what happened last before it, and how to see it again. */
export function tell(job: Job, outcome: JobOutcome, output: Output): void {
  const violations = 'played' in outcome ? outcome.played.violations : []
  if (output.json) {
    const error = 'error' in outcome ? { error: outcome.error } : { violations }
    process.stdout.write(`${JSON.stringify({ seed: job.seed, replay: replayCommand(job), ...error })}\n`)
    return
  }
  if ('error' in outcome)
    output.note(`${colours.red(`${job.scenario}, seed ${job.seed}`)}: ${outcome.error.name}: ${outcome.error.message}`)
  for (const violation of violations.slice(0, TOLD_VIOLATIONS)) output.note(describe(job, violation))
  if (violations.length > TOLD_VIOLATIONS) output.note(`and ${violations.length - TOLD_VIOLATIONS} more`)
  output.note(`Replay it with: ${asCalled(replayCommand(job))}\n`)
}

function describe({ scenario, seed }: Job, { atMs, invariant, lastEvents, message, node }: Violation): string {
  const where = node < 0 ? 'the scenario' : `node ${node}`
  const events = lastEvents.slice(-TOLD_EVENTS).map((event) => {
    return `  ${event.atMs.toFixed(3)} ms  ${event.node < 0 ? 'scenario' : `node ${event.node}`}  ${event.kind} ${round(event.detail)}`
  })
  const head = `${colours.red(`${scenario}, seed ${seed}`)}: ${colours.bold(invariant)} at ${atMs.toFixed(3)} ms in ${where}: ${message}`
  return [head, 'last events before it:', ...events].join('\n')
}

/** A number for people. */
export function round(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(3)
}
