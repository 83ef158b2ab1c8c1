import { runJobs } from '../sim/crew.ts'
import { figuresOf, type Job, type JobOutcome, replayCommand } from '../sim/job.ts'
import { EXIT } from './exit-codes.ts'
import type { Output } from './output.ts'
import { tell } from './sim-faults.ts'

/** Runs many simulations, tells each that fails as it does, and in the end, or when it is aborted, how many did. */
export async function runCampaign(
  scenario: string,
  jobs: readonly Job[],
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const progress = output.progress(scenario, jobs.length)
  const failed: string[] = []
  let runs = 0
  const onOutcome = (job: Job, outcome: JobOutcome): void => {
    runs += 1
    if (output.json && 'played' in outcome) process.stdout.write(`${JSON.stringify(figuresOf(job, outcome.played))}\n`)
    if ('error' in outcome || outcome.played.violations.length > 0) {
      failed.push(replayCommand(job))
      progress.clear()
      tell(job, outcome, output)
    }
    progress.advance(runs, `${failed.length} failed`)
  }
  await runJobs({ jobs, signal, onOutcome })
  progress.end()
  const left = jobs.length - runs
  if (output.json) process.stdout.write(`${JSON.stringify({ scenario, runs, left, failed })}\n`)
  else {
    const stopped = left === 0 ? '' : `; stopped before the other ${left}`
    output.result(undefined, () => `${runs - failed.length} of ${runs} runs passed${stopped}`)
  }
  if (left > 0) process.exitCode = EXIT.partly
  if (failed.length > 0) process.exitCode = EXIT.violated
}
