import { beforeEach, expect, it, vi } from 'vitest'
import { GENESIS, makeBlock, makeBlocks, type ModelBlock, ModelChain } from './model-chain.ts'
import { pass, run, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const LONG = makeBlocks(GENESIS, 1_200, 'a')
const last = LONG.at(-1)

it('reaches the tip of the one peer there is, each block imported once and after its parent', async () => {
  const setup = setUp(new ModelChain())
  setup.net.join('a', new ModelChain().addAll(LONG))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 1_200, tip: { hash: last?.hash } })
  expect(setup.chain.importOrder).toEqual(LONG.map(({ hash }) => hash))
  expect(setup.net.reports).toEqual([])
})

it('asks several peers for blocks at the same time, each within its limit', async () => {
  const setup = setUp(new ModelChain(), { maxRequestsPerPeer: 2, maxRequests: 5 })
  for (const id of ['a', 'b', 'c', 'd']) setup.net.join(id, new ModelChain().addAll(LONG), { delayMs: 100 })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 1_200 })
  expect(setup.net.most).toEqual({ running: 5, toOne: 2, peers: 4 })
})

it('goes over to a longer branch from where it forks, and imports only that', async () => {
  const own = makeBlocks(LONG[99] ?? GENESIS, 60, 'b')
  const setup = setUp(new ModelChain().addAll([...LONG.slice(0, 100), ...own]))
  setup.chain.importOrder.length = 0
  setup.net.join('a', new ModelChain().addAll(LONG.slice(0, 170)))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 70, tip: { height: 170 } })
  expect(setup.chain.importOrder).toEqual(LONG.slice(100, 170).map(({ hash }) => hash))
})

it('refuses a branch that forks below what is final, and reports its peer', async () => {
  const setup = setUp(new ModelChain(GENESIS, 10).addAll(LONG.slice(0, 100)))
  setup.net.join('a', new ModelChain().addAll([...LONG.slice(0, 89), ...makeBlocks(LONG[88] ?? GENESIS, 200, 'b')]))

  expect(await run(setup)).toMatchObject({ status: 'failed', imported: 0, tip: { height: 100 } })
  expect(setup.net.reports).toMatchObject([{ peer: 'a', offence: 'forks-below-finality' }])
})

it('does not blame a peer whose headers begin above our tip, and asks somebody else', async () => {
  const setup = setUp(new ModelChain().addAll(LONG.slice(0, 10)))
  setup.net.join('young', new ModelChain(LONG[799], 1_000).addAll(LONG.slice(800)))
  setup.net.join('old', new ModelChain().addAll(LONG.slice(0, 400)))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 390 })
  expect(setup.net.reports).toEqual([])
})

it('joins a run that is under way', async () => {
  const setup = setUp(new ModelChain())
  setup.net.join('a', new ModelChain().addAll(LONG))
  const [first, second] = [setup.sync.sync(), setup.sync.sync()]

  expect(second).toBe(first)
  expect(await pass(first)).toMatchObject({ status: 'synced', imported: 1_200 })
})

it('goes on from what the chain holds after it was stopped in the middle', async () => {
  const setup = setUp(new ModelChain(), { rangeBlocks: 10, maxRequests: 1 })
  setup.net.join('a', new ModelChain().addAll(LONG), { delayMs: 40 })
  const first = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(1_000)
  await pass(setup.sync.stop())
  const reached = setup.chain.tip().height

  expect(await first).toMatchObject({ status: 'failed', code: 'stopped', imported: reached })
  expect(reached).toBeGreaterThan(0)
  setup.sync.start()
  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 1_200 - reached })
})

it('leaves no timer and nothing under way when it has stopped', async () => {
  const setup = setUp(new ModelChain())
  setup.net.join('a', new ModelChain().addAll(LONG), { delayMs: Infinity })
  const result = setup.sync.sync()
  await vi.advanceTimersByTimeAsync(100)
  await setup.sync.stop()

  expect(await result).toMatchObject({ status: 'failed', code: 'stopped' })
  expect(vi.getTimerCount()).toBe(0)
  expect(setup.net.listeners.size).toBe(0)
  expect(await setup.sync.sync()).toMatchObject({ status: 'failed', code: 'stopped' })
})

it('waits for the block that is being imported when it is stopped', async () => {
  const setup = setUp(new ModelChain())
  setup.chain.importMs = 1_000
  setup.net.join('a', new ModelChain().addAll(LONG))
  void setup.sync.sync()
  await vi.advanceTimersByTimeAsync(1_500)
  await pass(setup.sync.stop())
  const { height } = setup.chain.tip()
  await vi.advanceTimersByTimeAsync(5_000)

  expect(height).toBe(2)
  expect(setup.chain.tip().height).toBe(2)
})

it('fails where nobody is there to be asked', async () => {
  expect(await run(setUp(new ModelChain()))).toMatchObject({ status: 'failed', code: 'no-peers' })
})

it('begins by itself when a ready peer is more than `behind` ahead, and not before', async () => {
  const setup = setUp(new ModelChain(), { behind: 10 })
  const other = new ModelChain().addAll(LONG.slice(0, 10))
  setup.net.join('a', other)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(setup.chain.tip().height).toBe(0)

  other.addAll(LONG.slice(10, 11))
  setup.net.changed()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip().height).toBe(11)
})

it('follows a peer that announced a block with an unknown parent, however low', async () => {
  const setup = setUp(new ModelChain().addAll(LONG.slice(0, 5)), { behind: 10 })
  const branch = makeBlocks(GENESIS, 5, 'b')
  const tip = branch.at(-1) ?? GENESIS
  setup.net.join('a', new ModelChain().addAll(branch))
  setup.sync.unknownParent('a', { height: 5, hash: tip.hash })
  await vi.advanceTimersByTimeAsync(1_000)

  expect(setup.chain.blocksByHash.has(tip.hash)).toBe(true)
})

it('asks a peer again at once whose block came by another way meanwhile', async () => {
  const setup = setUp(new ModelChain().addAll(LONG.slice(0, 5)), { behind: 10 })
  const [next, above] = [LONG[5] ?? GENESIS, LONG[6] ?? GENESIS]
  const peer = setup.net.join('a', new ModelChain().addAll(LONG.slice(0, 6)))
  // The run that this begins finds that nothing is missing, a second ahead of what the peer announces next.
  for (let i = 0; i < 5; i++) {
    setup.chain.addAll([next])
    setup.sync.unknownParent('a', next)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(setup.sync.status()).toMatchObject({ phase: 'idle', last: { status: 'synced', imported: 0 } })
  }
  expect(setup.notices).toEqual([])
  peer.chain.addAll([above])
  setup.sync.unknownParent('a', above)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(setup.chain.tip()).toMatchObject({ height: 7, hash: above.hash })
})

it('leaves a peer alone for longer each time that its block is nowhere', async () => {
  const setup = setUp(new ModelChain().addAll(LONG.slice(0, 5)), { behind: 10, retryMs: 10_000 })
  setup.net.join('a', new ModelChain().addAll(LONG.slice(0, 5)))
  for (let s = 0; s < 75; s++) {
    setup.sync.unknownParent('a', { height: 5, hash: `ff${s}` })
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(setup.net.asked).toHaveLength(4)
})

it('leaves a peer alone for longer each time that others bring what is at the height that it claims', async () => {
  const setup = setUp(new ModelChain(), { behind: 2, retryMs: 10_000 })
  let height = 5
  setup.net.join('a', new ModelChain().addAll(LONG), {
    delayMs: 500,
    tip: () => ({ height, hash: `ff${height}` }),
    headers: ({ locator = [] }) => {
      const from = locator[1]?.height ?? 0
      return { status: 'found', headers: LONG.slice(from, height).map(({ header }) => header) }
    },
  })
  for (; height < 105; height += 5) {
    setup.net.changed()
    await vi.advanceTimersByTimeAsync(100)
    setup.chain.addAll(LONG.slice(0, height))
    await vi.advanceTimersByTimeAsync(3_900)
  }
  expect(setup.chain.tip().height).toBe(100)
  expect(setup.net.asked.filter(({ kind }) => kind === 'headers')).toHaveLength(3)
})

it('leaves a peer alone for longer that takes back what it claimed while it is asked for it', async () => {
  const setup = setUp(new ModelChain().addAll(LONG.slice(0, 5)), { behind: 2, retryMs: 10_000 })
  let isTrue = false
  const peer = setup.net.join('a', new ModelChain().addAll(LONG.slice(0, 5)), {
    tip: (honest) => (isTrue ? honest : { height: 1_000_000, hash: 'ff' }),
    headers: (_, honest) => {
      isTrue = true
      setup.net.changed()
      return honest
    },
  })
  for (let s = 0; s < 75; s++) {
    isTrue = false
    setup.net.changed()
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(peer.isReady).toBe(true)
  expect(setup.net.asked).toHaveLength(4)
})

it('holds no more headers and bytes than it may', async () => {
  const init = { maxHeadersAhead: 300, headersPerRequest: 100, rangeBlocks: 20, maxBlockBytes: 100 }
  const setup = setUp(new ModelChain(), { ...init, maxAnswerBytes: 500, maxBufferedBytes: 1_500 })
  setup.chain.importMs = 3
  for (const id of ['a', 'b', 'c']) setup.net.join(id, new ModelChain().addAll(LONG.slice(0, 1_000)), { delayMs: 5 })
  const [most, result] = [{ headers: 0, bytes: 0 }, setup.sync.sync()]
  while (setup.chain.tip().height < 1_000) {
    await vi.advanceTimersByTimeAsync(1)
    const { headersAhead, bufferedBytes } = setup.sync.status()
    most.headers = Math.max(most.headers, headersAhead)
    most.bytes = Math.max(most.bytes, bufferedBytes)
  }

  expect(await pass(result)).toMatchObject({ status: 'synced' })
  expect(most.headers).toBeLessThanOrEqual(300)
  expect(most.bytes).toBeLessThanOrEqual(1_500)
  expect(most.bytes).toBeGreaterThan(1_000)
})

it('shows the chain the next blocks while one is imported, as many as it may, where they are there', async () => {
  const chain = new ModelChain()
  chain.importMs = 5
  const shown: number[] = []
  const all = LONG.slice(0, 24)
  const prepare = (bytes: Uint8Array): void => {
    shown.push(all.findIndex((block) => Buffer.compare(block.bytes, bytes) === 0))
  }
  const setup = setUp(chain, { rangeBlocks: 12 }, { prepare })
  setup.net.join('a', new ModelChain().addAll(all))

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 24 })
  // The first of a range is not looked at before its turn.
  expect([...new Set(shown)]).toEqual(Array.from({ length: 24 }, (_, i) => i).filter((i) => i % 12 !== 0))
  expect(shown.slice(0, 8)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
})

it('shows the chain one block of any size, and more only while they are small', async () => {
  const chain = new ModelChain()
  chain.importMs = 5
  const shown: number[] = []
  const blocks: ModelBlock[] = []
  for (let i = 0; i < 4; i++) blocks.push(makeBlock(blocks.at(-1) ?? GENESIS, `${i}`.padEnd(700_000)))
  const prepare = (bytes: Uint8Array): void => {
    shown.push(blocks.findIndex((block) => Buffer.compare(block.bytes, bytes) === 0))
  }
  const setup = setUp(chain, { rangeBlocks: 4 }, { prepare })
  // All at once, which is more than was asked for.
  const answer = { blocks: blocks.map(({ bytes }) => bytes) }
  setup.net.join('a', new ModelChain().addAll(blocks), { blocks: () => answer })

  expect(await run(setup)).toMatchObject({ status: 'synced', imported: 4 })
  expect(shown).toEqual([1, 2, 3])
})
