import { expect, it } from 'vitest'
import { chainScenarios } from '../../src/sim/chain/index.ts'
import { runJobs } from '../../src/sim/crew.ts'
import { figuresOf, type Job } from '../../src/sim/job.ts'

/** Those that take the least time; `npm run sim:campaign` plays all, with many seeds. */
const QUICK = [
  'chain-checkpoint',
  'chain-false-checkpoint',
  'chain-held-up',
  'chain-crash',
  'chain-reorg',
  'chain-versions',
]
const SEED = 1
/** The one that is played twice: it has disks, reorganisations and restarts. */
const TWICE = 'chain-crash'
/** Some 15 s on two cores of their own; the machine may have other things to do. */
const TIMEOUT_MS = 400_000

it(
  `finds no broken law in ${QUICK.join(', ')}, and the same trace in another run`,
  async () => {
    const quick = chainScenarios.filter(({ name }) => QUICK.includes(name))
    const jobs = quick.map(({ name, nodes }): Job => ({
      scenario: name,
      nodes: nodes.least,
      seed: SEED,
      level: 'host',
    }))
    const again = jobs.filter(({ scenario }) => scenario === TWICE)
    const faults: unknown[] = []
    const hashes = new Map<string, Set<string>>()
    const ratios = new Map<string, number>()
    await runJobs({
      jobs: [...jobs, ...again],
      onOutcome: ({ scenario, seed, ...job }, outcome) => {
        if ('error' in outcome) faults.push({ scenario, seed, ...outcome.error })
        else {
          const { traceHash, deliveredRatio } = figuresOf({ scenario, seed, ...job }, outcome.played)
          const key = `${scenario} ${seed}`
          hashes.set(key, (hashes.get(key) ?? new Set()).add(traceHash))
          ratios.set(key, deliveredRatio)
          for (const { invariant, message } of outcome.played.violations)
            faults.push({ scenario, seed, invariant, message })
        }
      },
    })
    expect(faults).toEqual([])
    expect(hashes.size).toBe(QUICK.length)
    expect([...hashes.values()].map(({ size }) => size)).toEqual(jobs.map(() => 1))
    // All that was paid is in a block of each node; but what was paid at a node that crashed.
    const unpaid = [...ratios].filter(([key, ratio]) => ratio < 1 && !key.startsWith(TWICE))
    expect(unpaid).toEqual([])
  },
  TIMEOUT_MS,
)
