import { beforeEach, expect, it, vi } from 'vitest'
import type { HeaderFacts, HistoryTarget } from '../src/index.ts'
import { GENESIS, makeBlocks, ModelChain, reader } from './model-chain.ts'
import { type Setup, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const BLOCKS = makeBlocks(GENESIS, 60, 'a')
const [base = GENESIS] = BLOCKS.slice(39)
const full = (): ModelChain => new ModelChain().addAll(BLOCKS)

/** A node that took a checkpoint and everything after it before it started: nobody is ahead of it. */
function atTip(): Setup & { history: HistoryTarget; failed: string[] } {
  let lowest: HeaderFacts = base
  const history: HistoryTarget = {
    lowest: () => (lowest.height === 0 ? undefined : lowest),
    prepend: async (bytes) => {
      const facts = await reader.block(bytes)
      expect(facts.hash).toBe(lowest.parent)
      lowest = facts
    },
  }
  const setup = setUp(new ModelChain(base).addAll(BLOCKS.slice(40)), { rangeBlocks: 10, retryMs: 10_000 }, { history })
  const failed: string[] = []
  setup.sync.addEventListener('sync:history-failed', ({ detail }) => void failed.push(detail.code))
  return { ...setup, history, failed }
}

it('is fetched as soon as somebody is there who may have it, though nobody is ahead', async () => {
  const { net, history, failed } = atTip()
  net.join('low', new ModelChain())
  await vi.advanceTimersByTimeAsync(60_000)
  expect([history.lowest()?.height, net.asked]).toEqual([40, []])
  net.join('a', full())
  await vi.advanceTimersByTimeAsync(1_000)
  expect([history.lowest(), failed]).toEqual([undefined, []])
})

it('is gone on with when the peer that gave it is back', async () => {
  const { net, history, failed } = atTip()
  const peer = net.join('a', full(), { delayMs: 100 })
  await vi.advanceTimersByTimeAsync(500)
  const be = (isReady: boolean): void => {
    peer.isReady = isReady
    net.changed()
  }
  be(false)
  await vi.advanceTimersByTimeAsync(60_000)
  expect(history.lowest()?.height).toBeLessThan(40)
  expect(history.lowest()?.height).toBeGreaterThan(0)
  expect(failed).toEqual(['no-progress'])
  be(true)
  await vi.advanceTimersByTimeAsync(10_000)
  expect([history.lowest(), failed]).toEqual([undefined, ['no-progress']])
})

it('is asked for again after a time that doubles, whatever else happens', async () => {
  const { net, history, sync } = atTip()
  const failures: number[] = []
  sync.addEventListener('sync:history-failed', () => void failures.push(performance.now()))
  const beganMs = performance.now()
  let has = false
  net.join('a', full(), { headers: (_, honest) => (has ? honest : { status: 'found', headers: [] }) })
  for (let s = 0; s < 75; s++) {
    await vi.advanceTimersByTimeAsync(1_000)
    net.changed()
  }
  expect(failures.map((ms) => Math.round((ms - beganMs) / 1_000))).toEqual([0, 10, 30, 70])
  expect(net.asked).toHaveLength(4)
  has = true
  await vi.advanceTimersByTimeAsync(80_000)
  expect(history.lowest()).toBe(undefined)
})

it('is asked of somebody new at once, and of those who had none only after the time, the wait growing on', async () => {
  const { net, history, failed } = atTip()
  const none = { headers: () => ({ status: 'found', headers: [] }) as const }
  net.join('a', full(), none)
  await vi.advanceTimersByTimeAsync(1_000)
  net.join('b', full(), none)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(failed).toEqual(['no-peers', 'no-peers'])
  // `b` came at 1 s, and twice `retryMs` after it nobody is settled any more.
  const [a] = net.all
  if (a !== undefined) a.behaviour = {}
  net.changed()
  await vi.advanceTimersByTimeAsync(18_000)
  expect([history.lowest()?.height, net.asked.length]).toEqual([40, 3])
  await vi.advanceTimersByTimeAsync(2_000)
  expect(history.lowest()).toBe(undefined)
})

it('waits for the time, too, where a peer gives headers and no blocks', async () => {
  const { net, failed } = atTip()
  net.join('a', full(), { blocks: ({ hashes }) => ({ blocks: hashes.map(() => undefined) }) })
  for (let s = 0; s < 9; s++) {
    await vi.advanceTimersByTimeAsync(1_000)
    net.changed()
  }
  expect(failed).toEqual(['no-progress'])
})
