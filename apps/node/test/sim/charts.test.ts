import type { Played } from '@gridmesh/simnet/scenarios'
import { expect, it } from 'vitest'
import { coverage, delayBuckets } from '../../src/sim/charts.ts'
import { reportPage } from '../../src/sim/page.ts'

const job = { scenario: 'gossip', nodes: 3, seed: 7, level: 'host' } as const

function played(delays: readonly number[], deliveredRatio = 1): Played {
  return {
    scenario: 'gossip',
    level: 'host',
    seed: 7,
    traceHash: 'ab'.repeat(32),
    events: 10,
    deliveredRatio,
    p50Ms: 1,
    p99Ms: 2,
    virtualMs: 3,
    wallMs: 4,
    peakBytes: 5,
    violations: [{ invariant: 'one <law>', message: 'node & node', atMs: 1, node: 0, lastEvents: [] }],
    observations: delays.map((delayMs, node) => ({ id: 'a', node, delayMs })),
    topology: [
      { index: 0, region: 'bangkok', isHonest: true, status: 'up', links: [1, 2] },
      { index: 1, region: 'north', isHonest: false, status: 'up', links: [] },
      { index: 2, region: 'bangkok', isHonest: true, status: 'crashed', links: [] },
    ],
  }
}

it('puts every delay into one bucket, the longest into the last', () => {
  const buckets = delayBuckets(played([0, 10, 10, 400]))
  expect(buckets.reduce((sum, { share }) => sum + share, 0)).toBe(1)
  expect(buckets.at(-1)?.share).toBe(0.25)
  expect(buckets[1]?.share).toBe(0.5)
})

it('ends coverage at the share that was delivered, not at all that was', () => {
  const points = coverage(played([5, 1, 3], 0.75))
  expect(points).toEqual([
    [0, 0],
    [1, 0.25],
    [3, 0.5],
    [5, 0.75],
    [5, 0.75],
  ])
})

it('draws an empty run', () => {
  expect(coverage(played([]))).toEqual([[0, 0]])
  expect(reportPage(job, 'nothing', played([]))).toContain('<svg')
})

it('writes a page that loads nothing, with the pictures, the broken laws escaped, and the command that replays it', () => {
  const page = reportPage(job, 'nothing goes wrong', played([1, 2]))
  expect(page.match(/<svg/g)).toHaveLength(3)
  expect(page).toContain('one &lt;law&gt;: node &amp; node')
  expect(page).toContain('gridmesh sim --scenario gossip --nodes 3 --seed 7')
  expect(page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, '')).not.toMatch(/https?:|<script|<link|src=/)
})
