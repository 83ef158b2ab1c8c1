// A process that runs simulations for `gridmesh sim`, one after the other. A simulation takes over the timers, the clock
// and the randomness of its process, so the command line keeps its own.
import type { Job, JobOutcome } from './job.ts'
import { playables } from './scenarios.ts'
import { TraceFile } from './trace-file.ts'

process.on('message', (job: Job) => {
  void perform(job).then((outcome) => process.send?.(outcome))
})
process.on('disconnect', () => process.exit())

async function perform({ scenario: name, nodes, seed, level, trace }: Job): Promise<JobOutcome> {
  const scenario = playables.find((one) => one.name === name)
  if (scenario === undefined) return { error: { name: 'RangeError', message: `There is no scenario ${name}` } }
  const file = trace === undefined ? undefined : new TraceFile(trace)
  try {
    const onTrace = file === undefined ? {} : { onTrace: file.add }
    return { played: await scenario.play({ nodes, seed, level, ...onTrace }) }
  } catch (err) {
    const known = err instanceof Error ? err : new TypeError(String(err))
    return { error: { name: known.name, message: known.message } }
  } finally {
    file?.close()
  }
}
