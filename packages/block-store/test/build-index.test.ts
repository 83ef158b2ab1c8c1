import { expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore, type StateEntry, type StateIndex } from '../src/index.ts'
import { INDEX_KEY, Keys } from '../src/keys.ts'
import { seal } from '../src/records.ts'
import { block, bytes, put } from './blocks.ts'
import { expectIndex, indexedOf, recordsOfIndex } from './expect-index.ts'
import { content, counting, opened, passing, refusal, stateOf } from './helpers.ts'
import { INDEXES, withIndex } from './indexes.ts'

/** A disk with a chain of one block with 20 entries, written with an index or without. */
async function written(index?: string): Promise<KeyValueStore> {
  const disk = memoryStore()
  const store = await BlockStore.over(disk, withIndex(index))
  await store.append(
    block(0),
    Array.from({ length: 20 }, (_, i) => put(`key ${i}`, `${i}`)),
  )
  await store.close()
  return disk
}

it('is built when a store is opened that has none or another one, kept where it is the same, and gone without', async () => {
  const disk = await written()
  const before = await content(disk)
  const { store: counted, batches } = counting(disk)
  for (const name of ['value', 'key', 'value']) {
    const store = await BlockStore.over(counted, withIndex(name))
    await expectIndex(store, { index: INDEXES[name], disk })
    await store.close()
  }
  const writes = batches.length
  const again = await BlockStore.over(counted, withIndex('value'))
  expect(batches.length).toBe(writes)
  await expectIndex(again, { index: INDEXES['value'], disk })
  await again.close()

  await (await BlockStore.over(counted)).close()
  expect(await content(disk)).toEqual(before)
})

it('writes nothing where no index is asked for and none was', async () => {
  const disk = await written()
  const { store: counted, batches } = counting(disk)
  await (await BlockStore.over(counted)).close()
  expect(batches).toEqual([])
})

async function formatOf(disk: KeyValueStore): Promise<number> {
  return Buffer.from((await disk.get(bytes('format'))) ?? []).readDoubleBE()
}

it('keeps older versions from a store with an index, which they would leave behind the state', async () => {
  const disk = await written('value')
  expect(await formatOf(disk)).toBe(2)
  await (await BlockStore.over(disk)).close()
  expect(await formatOf(disk)).toBe(1)
})

it('is built in batches of some 4 MiB, which an abort ends; the next open begins again', async () => {
  const disk = memoryStore()
  const whole: StateIndex = { id: 'whole', termOf: (_key, value) => value }
  const big: StateEntry[] = Array.from({ length: 10 }, (_, i) => [bytes(`${i}`.repeat(1_000_000)), bytes('x')])
  const plain = await BlockStore.over(disk)
  await plain.importState(big, block(7))
  await plain.close()
  const controller = new AbortController()
  const sizes: number[] = []
  const faulty: KeyValueStore = {
    ...passing(disk),
    async batch(operations, options) {
      await disk.batch(operations, options)
      sizes.push(operations.reduce((sum, { key }) => sum + key.length, 0))
      if ((sizes.at(-1) ?? 0) > 1_000_000) controller.abort()
    },
  }
  const opening = BlockStore.over(faulty, { index: whole }, { signal: controller.signal })
  expect((await refusal(opening)).name).toBe('AbortError')
  expect(Math.max(...sizes)).toBeLessThan(6_000_000)
  const left = await recordsOfIndex(disk)
  expect(left).toBeGreaterThan(0)
  expect(left).toBeLessThan(10)
  const store = await opened(BlockStore.over(disk, { index: whole }))
  expect(await indexedOf(store, bytes('x'))).toHaveLength(10)
})

it('is that of a state that was staged, as far as it came, with another index or none', async () => {
  for (const [first, second] of [
    ['value', 'key'],
    [undefined, 'key'],
    ['value', undefined],
  ] as const) {
    const disk = await written(first)
    const before = await BlockStore.over(disk, withIndex(first))
    const staged = await before.stageState(bytes('x'))
    await staged.add(0, [[bytes('one'), bytes('1')]])
    // It was over at the last moment: some of an index is there.
    await disk.batch([{ key: new Keys(1).index(bytes('?'), bytes('one')), value: seal(new Uint8Array()) }], {
      sync: true,
    })
    await before.close()
    const store = await opened(BlockStore.over(disk, withIndex(second)))
    const again = await store.stageState(bytes('x'))
    expect(again.parts).toEqual([0])
    await again.add(1, [[bytes('two'), bytes('2')]])
    await again.finish(block(9))
    expect(await stateOf(store)).toHaveLength(2)
    await expectIndex(store, { index: withIndex(second).index, disk })
  }
})

it('takes no part while it is finished, and takes parts again where that fails', async () => {
  const store = await opened(BlockStore.over(memoryStore(), withIndex('value')))
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, [[bytes('one'), bytes('1')]])
  const finishing = staged.finish(block(9), { signal: AbortSignal.abort() })
  const over = { name: 'StageOverError', code: 'stage-over' }
  expect(await refusal(staged.add(1, []))).toEqual(over)
  expect((await refusal(finishing)).name).toBe('AbortError')
  await staged.add(1, [[bytes('two'), bytes('2')]])
  const again = staged.finish(block(9))
  expect(await refusal(staged.add(2, []))).toEqual(over)
  await again
  await expectIndex(store, { index: INDEXES['value'] })
})

it('is that of what is staged in the end, where it was built before and parts came again with something else', async () => {
  const disk = memoryStore()
  const controller = new AbortController()
  let isBuilding = false
  const store = await opened(
    BlockStore.over(
      {
        ...passing(disk),
        async batch(operations, options) {
          await disk.batch(operations, options)
          if (isBuilding) controller.abort()
        },
      },
      withIndex('value'),
    ),
  )
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, [[bytes('one'), bytes('1')]])
  isBuilding = true
  expect((await refusal(staged.finish(block(9), { signal: controller.signal }))).name).toBe('AbortError')
  expect(await recordsOfIndex(disk, 1)).toBe(1)
  await staged.add(0, [[bytes('one'), bytes('2')]])
  await staged.finish(block(9))
  await expectIndex(store, { index: INDEXES['value'], disk })
})

it('refuses to open where the record of which index there is is damaged', async () => {
  const disk = await written('value')
  await disk.batch([{ key: INDEX_KEY, value: bytes('wrong') }], { sync: true })
  const damaged = { name: 'CorruptStoreError', code: 'checksum' }
  expect(await refusal(BlockStore.over(disk, withIndex('value')))).toEqual(damaged)
  expect(await refusal(BlockStore.over(disk))).toEqual(damaged)
})
