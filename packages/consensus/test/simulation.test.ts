// Whole networks of engines on one simulated clock. Safety, one signature for each place, and that no chain stands
// still are checked by the simulation at every step; what follows here is what has to come of it in the end.
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type Quorum, verifyEquivocation } from '../src/index.ts'
import { codec } from './blocks.ts'
import { RULES } from './sim-node.ts'
import { type Scenario, Simulation } from './simulation.ts'

// A campaign: RUNS=1000 npx vitest run --project unit packages/consensus/test/simulation.test.ts
const RUNS = Number(process.env['RUNS'] ?? 12)

beforeEach(() => vi.useFakeTimers({ now: 0 }))
afterEach(() => vi.useRealTimers())

const CALM: Scenario = {
  seed: 1,
  size: 4,
  quorum: 'majority',
  forkChoice: 'authority',
  twins: 0,
  maxDelayMs: 50,
  loss: 0,
  maxSkewMs: 50,
  troubleMs: 0,
  dead: 0,
  busy: 4,
}

const anyTrouble = (sizes: [number, number] = [1, 5], twins = 0): fc.Arbitrary<Scenario> =>
  fc
    .tuple(fc.integer({ min: sizes[0], max: sizes[1] }), fc.constantFrom('majority', 'two-thirds'))
    .chain(([size, quorum]) =>
      fc.record({
        seed: fc.nat(),
        size: fc.constant(size),
        quorum: fc.constant(twins > 0 ? 'two-thirds' : quorum),
        forkChoice: fc.constantFrom('authority', 'timestampReputation', 'longest'),
        twins: fc.constant(twins),
        maxDelayMs: fc.integer({ min: 1, max: 150 }),
        loss: fc.constantFrom(0, 0.1, 0.4),
        maxSkewMs: fc.integer({ min: 0, max: 100 }),
        troubleMs: fc.integer({ min: 5_000, max: 60_000 }),
        dead: fc.nat(twins > 0 ? 0 : spare(size, quorum)),
        busy: fc.integer({ min: 1, max: size }),
      }),
    )

/** How many authorities may be dead, and a quorum is left. */
const spare = (size: number, quorum: Quorum): number =>
  size - 1 - Math.floor(quorum === 'majority' ? size / 2 : (2 * size) / 3)

/** Time for those who have to wait with their votes to do so, and for two quorums after that, in ms. */
const settleMs = ({ size }: Scenario): number => 5 * size * (RULES.maxIntervalMs + size * RULES.fallbackMs)

async function run(scenario: Scenario, check: (net: Simulation) => Promise<void>): Promise<void> {
  vi.setSystemTime(0)
  const net = new Simulation(scenario)
  await net.start()
  try {
    await check(net)
  } finally {
    const stopped = net.stop()
    await vi.runAllTimersAsync()
    await stopped
  }
  net.check()
  expect(vi.getTimerCount()).toBe(0)
}

it(
  'agrees on what is final through crashes, restarts, partitions, loss and skew, and goes on when they are over',
  async () => {
    await fc.assert(
      fc.asyncProperty(anyTrouble(), async (scenario) =>
        run(scenario, async (net) => {
          await net.trouble()
          await net.calm()
          await net.pass(settleMs(scenario))
          const before = Math.max(...net.finalHeights)
          await net.pass(settleMs(scenario))
          expect(Math.min(...net.finalHeights)).toBeGreaterThan(before)
        }),
      ),
      { numRuns: RUNS },
    )
  },
  120_000 + 5_000 * RUNS,
)

it('makes a block each minIntervalMs at most, each in turn, while transactions wait and all is well', async () => {
  await run(CALM, async (net) => {
    const [node] = net.nodes
    if (node === undefined) throw new RangeError('no node')
    for (let i = 0; i < 100; i += 1) {
      for (const { chain } of net.nodes) chain.mempool.add(`more ${i}`)
      await net.pass(300)
    }
    const { header, standing } = node.chain.head()
    expect(header.height).toBeLessThanOrEqual(100)
    expect(header.height).toBeGreaterThanOrEqual(75)
    expect(standing.weight).toBe(2 * header.height)
    expect(header.height - node.chain.finalised().height).toBeLessThanOrEqual(7)
  })
})

it.each([
  [3, 5],
  [5, 7],
])('makes a transaction final among %i authorities in %i blocks in a row, and is quiet then', async (size, blocks) => {
  await run({ ...CALM, size, maxSkewMs: 0, busy: 0 }, async (net) => {
    await net.pass(11_000)
    for (const { chain } of net.nodes) chain.mempool.add('one alone')
    const height = Math.max(...net.nodes.map(({ chain }) => chain.head().header.height))
    // Each takes 300 ms, and 50 ms to get to the next.
    await net.pass((blocks + 1) * 350)
    expect(Math.min(...net.finalHeights)).toBeGreaterThanOrEqual(height + 1)
    // One that is empty may come in its time.
    await net.pass(RULES.maxIntervalMs - 400)
    for (const { chain } of net.nodes) expect(chain.head().header.height).toBeLessThanOrEqual(height + blocks + 1)
  })
})

it('goes on with one authority alone, and finalises nothing', async () => {
  await run({ ...CALM, size: 5, dead: 4 }, async (net) => {
    await net.calm()
    await net.pass(60_000)
    expect(net.nodes[4]?.chain.head().header.height).toBeGreaterThan(20)
    expect(net.finalHeights).toEqual([0])
  })
})

it('finalises with no more than a quorum alive, of which one alone sees transactions and takes turns by it', async () => {
  // Found by a campaign: with each round another one was taken, and no two rounds in a row were whole.
  const scenario: Scenario = { ...CALM, size: 5, quorum: 'two-thirds', dead: 1, busy: 1, maxDelayMs: 1, maxSkewMs: 0 }
  await run(scenario, async (net) => {
    await net.calm()
    await net.pass(settleMs(scenario))
    const alive = net.nodes.filter(({ isUp }) => isUp)
    const behind = alive.map(({ chain }) => chain.head().header.height - chain.finalised().height)
    expect(Math.max(...behind)).toBeLessThanOrEqual(25)
  })
})

it('makes two halves of four go on apart, finalise nothing, and agree again', async () => {
  await run({ ...CALM, seed: 7 }, async (net) => {
    net.split([0, 0, 1, 1])
    await net.pass(60_000)
    expect(net.finalHeights).toEqual([0, 0, 0, 0])
    const heads = new Set(net.nodes.map(({ chain }) => chain.head().header.hash))
    expect(heads.size).toBeGreaterThan(1)
    await net.calm()
    await net.pass(settleMs(CALM))
    expect(Math.min(...net.finalHeights)).toBeGreaterThan(0)
  })
})

it('lets a busy minority not outweigh a majority that is idle', async () => {
  await run({ ...CALM, size: 5, busy: 2 }, async (net) => {
    net.split([0, 0, 0, 1, 1])
    await net.pass(40_000)
    const [one, , , , other] = net.nodes
    const final = Math.min(...net.finalHeights.slice(0, 3))
    const hash = one?.chain.at(final)?.hash
    expect(final).toBeGreaterThan(0)
    expect(other?.chain.head().standing.weight).toBeGreaterThan(one?.chain.head().standing.weight ?? Infinity)
    await net.calm()
    await net.pass(5_000)
    expect(net.nodes.map(({ chain }) => chain.at(final)?.hash)).toEqual([hash, hash, hash, hash, hash])
  })
})

it('finds every equivocation of an authority that runs twice, on each node that saw both blocks, once', async () => {
  let places = 0
  await fc.assert(
    fc.asyncProperty(anyTrouble([4, 4], 1), async (scenario) =>
      run(scenario, async (net) => {
        await net.trouble()
        await net.calm()
        await net.pass(10_000)
        for (const { seen, found } of net.nodes) {
          const both = [...seen].filter(([, hashes]) => hashes.size > 1).map(([place]) => place)
          const told = found.map(({ proposer, height, parent }) => `${proposer}/${height}/${parent}`)
          expect(new Set(told).size).toBe(told.length)
          expect(told).toEqual(expect.arrayContaining(both))
          for (const evidence of found) {
            expect(evidence.proposer).toBe('a')
            expect(verifyEquivocation(evidence, codec)).toBeUndefined()
          }
          places += both.length
        }
      }),
    ),
    { numRuns: 10 },
  )
  expect(places).toBeGreaterThan(0)
}, 60_000)
