import { scenarios } from '@gridmesh/simnet/scenarios'
import { expect, it } from 'vitest'
import { runJobs } from '../../src/sim/crew.ts'
import { figuresOf, type Job, type JobFigures } from '../../src/sim/job.ts'

const SEEDS = 20
/** Those that take little time with as few nodes as they allow. */
const SMALL = ['gossip', 'mass-restart', 'cold-boot']
/** Some 15 s on two cores of their own; the machine may have other things to do. */
const TIMEOUT_MS = 300_000
const LEAST = new Map(scenarios.map(({ name, nodes }) => [name, nodes.least]))

it.each(SMALL)(
  'finds no broken law in %s with 20 seeds, and the same trace for a seed in another run',
  async (scenario) => {
    const seeds = Array.from({ length: SEEDS }, (_, at) => at + 1)
    const jobs = seeds.map((seed): Job => ({ scenario, nodes: LEAST.get(scenario) ?? 0, seed, level: 'host' }))
    const figures = new Map<number, JobFigures[]>(seeds.map((seed) => [seed, []]))
    const faults: unknown[] = []
    await runJobs({
      // The second runs follow in another order, so that what ran before in a process is other than the first time.
      jobs: [...jobs, ...jobs.toReversed()],
      onOutcome: (job, outcome) => {
        if ('error' in outcome) faults.push({ seed: job.seed, ...outcome.error })
        else {
          figures.get(job.seed)?.push(figuresOf(job, outcome.played))
          for (const { invariant, message } of outcome.played.violations)
            faults.push({ seed: job.seed, invariant, message })
        }
      },
    })
    expect(faults).toEqual([])
    for (const [first, second] of figures.values()) {
      expect(first?.deliveredRatio).toBe(1)
      expect(second?.traceHash).toBe(first?.traceHash)
    }
  },
  TIMEOUT_MS,
)
