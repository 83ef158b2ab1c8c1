import { expect, it, vi } from 'vitest'
import { runCampaign } from '../../src/cli/sim-campaign.ts'
import { EXIT } from '../../src/cli/exit-codes.ts'
import { Output } from '../../src/cli/output.ts'
import { untilSignal } from '../../src/cli/until-signal.ts'
import type { Job } from '../../src/sim/job.ts'

const TIMEOUT_MS = 120_000
const job = (nodes: number, seed: number): Job => ({ scenario: 'gossip', nodes, seed, level: 'host' })

it(
  'tells each failure as it comes, and how far it got, when a signal stops it',
  async () => {
    const said: unknown[] = []
    // The first failure is followed by a job that takes long.
    const write = vi.spyOn(process.stdout, 'write').mockImplementation((line) => {
      said.push(JSON.parse(String(line)))
      if (said.length === 1) process.emit('SIGINT')
      return true
    })
    try {
      const jobs = [job(1, 7), ...Array.from({ length: 50 }, (_, seed) => job(1_000, seed))]
      await untilSignal(async (signal) => runCampaign('gossip', jobs, new Output({ json: true }), signal))
      expect(process.exitCode).toBe(EXIT.violated)
    } finally {
      write.mockRestore()
      process.exitCode = 0
    }
    const replay = 'gridmesh sim --scenario gossip --nodes 1 --seed 7'
    expect(said).toEqual([
      { seed: 7, replay, error: { name: 'RangeError', message: 'gossip takes 2 nodes or more, not 1' } },
      { scenario: 'gossip', runs: 1, left: 50, failed: [replay] },
    ])
    expect(process.listenerCount('SIGINT')).toBe(0)
  },
  TIMEOUT_MS,
)
