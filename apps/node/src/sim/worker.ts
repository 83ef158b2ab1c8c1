// A process that runs simulations for `gridmesh sim`, one after the other. A simulation takes over the timers, the clock
// and the randomness of its process, so the command line keeps its own.
import type { Played } from '@gridmesh/simnet/scenarios'
import type { Job, JobOutcome } from './job.ts'
import { playables } from './scenarios.ts'
import { TraceFile } from './trace-file.ts'

process.on('message', (job: Job) => {
  void perform(job).then((outcome) => process.send?.(outcome))
})
process.on('disconnect', () => process.exit())
// A terminal sends them to all processes at once: whoever began this one ends it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})

async function perform(job: Job): Promise<JobOutcome> {
  try {
    return { played: await play(job) }
  } catch (err) {
    const known = err instanceof Error ? err : new TypeError(String(err))
    return { error: { name: known.name, message: known.message } }
  }
}

/** @throws {RangeError} when there is no such scenario @throws {UnusableFileError} when the trace cannot be written */
async function play({ scenario: name, nodes, seed, level, trace }: Job): Promise<Played> {
  const scenario = playables.find((one) => one.name === name)
  if (scenario === undefined) throw new RangeError(`There is no scenario ${name}`)
  if (trace === undefined) return scenario.play({ nodes, seed, level })
  const file = new TraceFile(trace)
  try {
    return await scenario.play({ nodes, seed, level, onTrace: file.add })
  } finally {
    file.close()
  }
}
