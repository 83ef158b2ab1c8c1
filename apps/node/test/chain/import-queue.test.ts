import { expect, it } from 'vitest'
import { ImportQueue } from '../../src/chain/import-queue.ts'

/** Which of what waits behind one of no size is prepared before that one is done. */
async function preparedOf(sizes: readonly number[]): Promise<number[]> {
  const queue = new ImportQueue({ maxQueuedBlocks: 100, maxQueuedBytes: 100_000_000 })
  const prepared = new Set<number>()
  const { promise, resolve } = Promise.withResolvers<void>()
  const first = queue.run(0, async () => promise)
  const others = sizes.map(async (bytes, i) => {
    const prepare = (): void => void prepared.add(i)
    return queue.run(bytes, async () => Promise.resolve(i), { prepare })
  })
  const early = [...prepared]
  resolve()
  await first
  expect(await Promise.all(others)).toEqual(sizes.map((_, i) => i))
  // In its turn at last each was among the next.
  expect([...prepared]).toEqual(sizes.map((_, i) => i))
  return early
}

it('prepares eight of those that wait where they are small', async () => {
  expect(await preparedOf(Array.from({ length: 10 }, () => 1))).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

it('prepares as many as have a megabyte, and two of any size', async () => {
  expect(await preparedOf([400_000, 400_000, 200_000, 1, 1])).toEqual([0, 1, 2])
  expect(await preparedOf([1_000_000, 1_000_000, 1])).toEqual([0, 1])
})
