import { expect, it, vi } from 'vitest'
import { poaRules } from '../src/index.ts'
import { addressesOf, sealBlock } from './blocks.ts'
import { next, pass, setUp, underFakeTimers } from './engines.ts'
import { SimChain } from './sim-chain.ts'

const TEST_BLOCK = { height: 1, proposer: 'a', salt: '' } as const

underFakeTimers()

it('makes an empty block at maxIntervalMs and not 1 ms sooner', async () => {
  const { engine, chain, made, events } = setUp()
  await engine.start()
  await pass(9_999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 10_000]])
  expect(events['consensus:proposed']).toEqual([{ height: 1, hash: chain.head().header.hash }])
})

it('makes a block at once when a transaction comes, and not before minIntervalMs', async () => {
  const { engine, chain, made } = setUp()
  await engine.start()
  await pass(100)
  chain.mempool.add('one')
  await pass(199)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 300]])
})

it('makes a block in the moment that a transaction comes after minIntervalMs', async () => {
  const { engine, chain, made } = setUp()
  await engine.start()
  await pass(4_321)
  chain.mempool.add('one')
  await pass(0)
  expect(made()).toEqual([[1, 4_321]])
})

it.each([
  ['c', 1_300],
  ['a', 2_300],
])('lets %s, out of turn, wait until %i ms', async (address, dueMs) => {
  const { engine, chain, made } = setUp({ address })
  chain.mempool.add('one')
  await engine.start()
  await pass(dueMs - 1)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, dueMs]])
  expect(chain.head().standing.weight).toBe(1)
})

it('gives those in turn a chance first when all come back after a long time', async () => {
  vi.setSystemTime(3_600_000)
  const { engine, chain, made } = setUp({ address: 'c' })
  chain.mempool.add('one')
  await engine.start()
  await pass(999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 3_601_000]])
})

it('waits for no transactions in the two turns after one that another took', async () => {
  const { engine, chain, made } = setUp({ count: 2 })
  await engine.start()
  const other = async (afterMs: number): Promise<void> => {
    await pass(afterMs)
    expect(await engine.receive('block', next(chain, Date.now(), 'a'))).toEqual({ verdict: 'accept' })
  }
  await other(1_300)
  await other(300)
  // Height 3 and 5 at once, and height 7 as ever.
  for (const delayMs of [300, 300, 10_000]) {
    const { height, timeMs } = chain.head().header
    await pass(delayMs - 1)
    expect(chain.head().header.height).toBe(height)
    await pass(1)
    expect(made().at(-1)).toEqual([height + 1, timeMs + delayMs])
    await other(300)
  }
})

it('goes on alone, at the latest n × fallbackMs after maxIntervalMs', async () => {
  const { engine, made } = setUp()
  await engine.start()
  await pass(60_000)
  // In turn, then of rank 2, then of rank 1.
  expect(made()).toEqual([
    [1, 10_000],
    [2, 22_000],
    [3, 33_000],
    [4, 43_000],
    [5, 55_000],
  ])
})

it('makes no empty block early of transactions of which none applies', async () => {
  const { engine, chain, made } = setUp()
  chain.mempool.add('bad one')
  await engine.start()
  await pass(5_000)
  chain.mempool.add('bad two')
  await pass(4_999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 10_000]])
})

it.each([
  ['one engine', false],
  ['another engine after a restart', true],
])(
  'waits with an own turn until all others had theirs, while its last vote is on another branch: %s',
  async (_, isRestarted) => {
    const { engine, chain, made, record } = setUp({ count: 2 })
    await engine.start()
    await pass(10_000)
    expect(made()).toEqual([[1, 10_000]])
    // The other one has a heavier branch of its own, all of it at times that allow it.
    const rival = new SimChain(poaRules(), addressesOf(2))
    for (const [timeMs, proposer] of [
      [1_300, 'a'],
      [1_600, 'a'],
      [2_900, 'a'],
      [3_200, 'a'],
    ] as const) {
      await rival.importBlock(next(rival, timeMs, proposer, 'rival'))
    }
    for (const bytes of rival.blocksFor(chain)) await engine.receive('block', bytes)
    if (isRestarted) {
      await engine.stop()
      await setUp({ chain, record }).engine.start()
    }
    expect(chain.head().header).toMatchObject({ height: 4, proposer: 'a' })
    chain.mempool.add('one')
    await pass(5_199)
    expect(chain.head().header.height).toBe(4)
    await pass(1)
    expect(chain.head().header).toMatchObject({ height: 5, timeMs: 15_200, proposer: 'b' })
    expect(chain.head().standing).toMatchObject({ votes: [2, 4] })
  },
)

it('waits for no transactions in its turn while nothing was final for more than 3n blocks', async () => {
  const { engine, chain } = setUp()
  await engine.start()
  await pass(150_000)
  // Alone of three, so nothing ever is. Its turns are those of height 1, 4, 7, …
  const delays = [4, 7, 10, 13].map((height) => (chain.at(height)?.timeMs ?? 0) - (chain.at(height - 1)?.timeMs ?? 0))
  expect(delays).toEqual([10_000, 10_000, 300, 300])
  expect(chain.head().standing).toMatchObject({ final: 0, certified: 0 })
})

it('makes empty blocks at minIntervalMs until the last one with a transaction is final, and then none for long', async () => {
  const { engine, chain, made } = setUp({ address: 'a', count: 1 })
  chain.mempool.add('one')
  await engine.start()
  await pass(25_000)
  // The second and the third make the first one final.
  expect(made()).toEqual([
    [1, 300],
    [2, 600],
    [3, 900],
    [4, 10_900],
    [5, 20_900],
  ])
  chain.mempool.add('two')
  await pass(0)
  await pass(5_000)
  expect(made().slice(5)).toEqual([
    [6, 25_000],
    [7, 25_300],
    [8, 25_600],
  ])
  expect(chain.finalised().height).toBe(6)
})

it('takes the turn of another while a transaction is to be final no sooner than while one waits', async () => {
  const { engine, chain, made } = setUp()
  await engine.start()
  const filled = sealBlock({ ...TEST_BLOCK, parent: chain.head().header.hash, timeMs: 2_300, transactions: ['one'] })
  await pass(2_300)
  expect(await engine.receive('block', filled)).toEqual({ verdict: 'accept' })
  // At height 2 it is the last of three.
  await pass(2_299)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[2, 4_600]])
})

it('gives those in turn a chance first when all come back long after a transaction that is not final', async () => {
  vi.setSystemTime(3_600_000)
  const { engine, chain, made } = setUp()
  await chain.importBlock(next(chain, 300, 'b', ''))
  const parent = chain.head().header.hash
  const block = { height: 2, parent, timeMs: 600, proposer: 'c', salt: '', transactions: ['one'] }
  await chain.importBlock(sealBlock(block))
  chain.mempool.include(['one'])
  await engine.start()
  // The second in order at height 3.
  await pass(999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[3, 3_601_000]])
})

it('makes no more than 3n empty blocks early where no quorum is there to make any final', async () => {
  const { engine, chain, made } = setUp()
  chain.mempool.add('one')
  await engine.start()
  await pass(200_000)
  const times = [0, ...made().map(([, timeMs]) => timeMs)]
  const delays = times.slice(1).map((timeMs, index) => timeMs - (times[index] ?? 0))
  // One with the transaction, nine more, by turn, and from then on as ever: its own turns are hurried for want of finality.
  expect(delays.slice(0, 10)).toEqual([300, 2_300, 1_300, 300, 2_300, 1_300, 300, 2_300, 1_300, 300])
  expect(delays.slice(10, 16)).toEqual([12_000, 11_000, 300, 12_000, 11_000, 300])
})

it('proposes nothing while it is not ready, and looks again each fallbackMs', async () => {
  let isReady = false
  const { engine, made } = setUp({ ports: { isReady: () => isReady } })
  await engine.start()
  await pass(10_500)
  isReady = true
  await pass(499)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 11_000]])
})

it('looks at the clock again after maxIntervalMs, since it may be set right meanwhile', async () => {
  let errorMs = -3_600_000
  const { engine, made } = setUp({ ports: { clock: { nowMs: () => Date.now() + errorMs } } })
  await engine.start()
  await pass(5_000)
  errorMs = 0
  await pass(4_999)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 10_000]])
})

it('goes by the clock it is given', async () => {
  const { engine, made } = setUp({ ports: { clock: { nowMs: () => Date.now() + 400 } } })
  await engine.start()
  await pass(9_599)
  expect(made()).toEqual([])
  await pass(1)
  expect(made()).toEqual([[1, 10_000]])
})
