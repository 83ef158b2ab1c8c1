import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runJobs } from '../../src/sim/crew.ts'
import type { Job, JobOutcome } from '../../src/sim/job.ts'

const TIMEOUT_MS = 120_000
const job = (change: Partial<Job> = {}): Job => ({ scenario: 'gossip', nodes: 2, seed: 1, level: 'host', ...change })

it(
  'gives each job one outcome: a result, or the error that ended it',
  async () => {
    const trace = join(tmpdir(), 'gridmesh-none', 'trace.jsonl')
    const jobs = [job(), job({ seed: 2 }), job({ nodes: 1 }), job({ scenario: 'none' }), job({ trace })]
    const outcomes = new Map<Job, JobOutcome>()
    await runJobs({ jobs, processes: 2, onOutcome: (done, outcome) => outcomes.set(done, outcome) })
    expect(outcomes.size).toBe(5)
    const [first, second, tooFew, unknown, noFile] = jobs.map((one) => outcomes.get(one))
    expect(first).toMatchObject({ played: { seed: 1, deliveredRatio: 1, violations: [] } })
    expect(second).toMatchObject({ played: { seed: 2 } })
    expect(tooFew).toMatchObject({ error: { name: 'RangeError', message: 'gossip takes 2 nodes or more, not 1' } })
    expect(unknown).toMatchObject({ error: { message: 'There is no scenario none' } })
    expect(noFile).toMatchObject({ error: { name: 'UnusableFileError' } })
  },
  TIMEOUT_MS,
)

it(
  'ends at once when it is aborted, without an outcome for what was under way',
  async () => {
    const aborting = new AbortController()
    const outcomes: JobOutcome[] = []
    const jobs = [job({ nodes: 1_000 }), job()]
    const running = runJobs({
      jobs,
      processes: 1,
      signal: aborting.signal,
      onOutcome: (_job, one) => outcomes.push(one),
    })
    aborting.abort()
    await running
    expect(outcomes).toEqual([])
  },
  TIMEOUT_MS,
)

it(
  'ends a process that has no result in time, and goes on with the next job in another one',
  async () => {
    const outcomes: JobOutcome[] = []
    const jobs = [job({ nodes: 1_000 }), job({ nodes: 1_000, seed: 2 })]
    await runJobs({ jobs, processes: 1, deadlineMs: 1, onOutcome: (_job, one) => outcomes.push(one) })
    const late = { error: { name: 'WorkerEndedError', message: 'The process had no result after 0.001 s' } }
    expect(outcomes).toEqual([late, late])
  },
  TIMEOUT_MS,
)

it(
  'writes the trace of a run to a file, an event a line, in the order of time',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'gridmesh-sim-'))
    try {
      const trace = join(directory, 'trace.jsonl')
      await runJobs({ jobs: [job({ trace })], onOutcome: () => {} })
      const events = readFileSync(trace, 'utf8').trimEnd().split('\n')
      const times = events.map((line) => (JSON.parse(line) as [number, number, string, number])[0])
      expect(times.length).toBeGreaterThan(100)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    } finally {
      rmSync(directory, { recursive: true })
    }
  },
  TIMEOUT_MS,
)
