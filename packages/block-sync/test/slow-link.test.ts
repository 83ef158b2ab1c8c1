import { beforeEach, expect, it, vi } from 'vitest'
import { AnswerSize } from '../src/answer-size.ts'
import type { BlocksAnswer } from '../src/index.ts'
import { GENESIS, makeBlocks, ModelChain } from './model-chain.ts'
import { run, setUp, useVirtualTime } from './support.ts'

beforeEach(useVirtualTime)

const BLOCK_BYTES = 10_000
const BLOCKS = makeBlocks(GENESIS, 300, 'b'.repeat(BLOCK_BYTES))

/** Brings answers one after the other, so many bytes a second; also those that nobody waits for any more. */
function link(bytesPerSecond: number): (_: unknown, answer: BlocksAnswer) => Promise<BlocksAnswer> {
  let freeAtMs = 0
  return async (_, answer) => {
    const bytes = answer.blocks.reduce((sum, block) => sum + (block?.byteLength ?? 0), 0)
    freeAtMs = Math.max(freeAtMs, performance.now()) + (bytes / bytesPerSecond) * 1_000
    await new Promise((resolve) => setTimeout(resolve, freeAtMs - performance.now()))
    return answer
  }
}

it.each([20_000, 40_000, 100_000, 1_000_000])('reaches the tip over a link of %d bytes a second', async (rate) => {
  const setup = setUp(new ModelChain())
  setup.net.join('a', new ModelChain().addAll(BLOCKS), { blocks: link(rate) })
  const beganMs = performance.now()
  expect(await run(setup)).toMatchObject({ status: 'synced', imported: BLOCKS.length })
  expect(setup.net.reports).toEqual([])
  // Most of the time of the link brings what is needed.
  expect(performance.now() - beganMs).toBeLessThan((2 * BLOCKS.length * BLOCK_BYTES * 1_000) / rate)
})

it('asks a quick peer for more and more at once', async () => {
  const setup = setUp(new ModelChain(), { maxAnswerBytes: 4_000_000, rangeBlocks: 300, maxRequestsPerPeer: 1 })
  const sizes: number[] = []
  setup.net.join('a', new ModelChain().addAll(BLOCKS), {
    blocks: ({ maxBytes }, answer) => {
      sizes.push(maxBytes)
      return answer
    },
  })
  expect(await run(setup)).toMatchObject({ status: 'synced' })
  expect(sizes).toEqual([131_072, 262_144, 524_288, 1_048_576, 2_097_152])
})

it('keeps its size with answers that are neither quick nor slow, or short', () => {
  const size = new AnswerSize(10_000)
  const before = size.bytes
  size.took(before, 2_000)
  size.took(before / 2 - 1, 10)
  expect(size.bytes).toBe(before)
  size.took(0, 10_000)
  expect(size.bytes).toBe(before / 2)
  for (let i = 0; i < 20; i++) size.took(0, 10_000)
  expect(size.bytes).toBe(32_768)
  for (let i = 0; i < 20; i++) size.took(size.bytes, 10)
  expect(size.bytes).toBe(16_777_216)
  vi.useRealTimers()
})
