import { expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore } from '../src/index.ts'
import { block, put } from './blocks.ts'
import { dump, opened, refusal } from './helpers.ts'

/** A store with so many blocks, none of them final. */
async function chainOf(count: number, disk: KeyValueStore = memoryStore()): Promise<BlockStore> {
  const store = await opened(BlockStore.over(disk))
  for (let height = 0; height < count; height++) await store.append(block(height), [put(`key ${height}`, 'value')])
  return store
}

/** All but the numbers of batches. */
async function contentOf(disk: KeyValueStore): Promise<Map<string, string>> {
  const all = await dump(disk)
  for (const key of all.keys()) if (!key.startsWith('67')) all.delete(key)
  return all
}

it('appends a block and makes others below it final in one batch, as the two calls do in two', async () => {
  const disks = [memoryStore(), memoryStore()] as const
  const [one, two] = [await chainOf(4, disks[0]), await chainOf(4, disks[1])]
  const before = one.stats().batches
  await one.append(block(4), [put('key 4', 'value')], { finalise: 2 })
  expect(one.stats().batches).toBe(before + 1)
  await two.append(block(4), [put('key 4', 'value')])
  await two.finalise(2)
  expect(await contentOf(disks[0])).toEqual(await contentOf(disks[1]))
  for (const store of [one, two]) {
    expect(store.finalised).toBe(2)
    expect(store.stats().undoFrom).toBe(3)
    await store.revert()
    await store.revert()
    expect((await refusal(store.revert())).code).toBe('finalised')
  }
})

it('refuses to make final the block that is appended, or what is below the newest final one, and appends nothing', async () => {
  const store = await chainOf(4)
  await store.finalise(2)
  for (const [finalise, code] of [
    [4, 'above-tip'],
    [1, 'below-finalised'],
  ] as const) {
    expect((await refusal(store.append(block(4), [], { finalise }))).code).toBe(code)
  }
  expect((await refusal(store.append(block(4), [], { finalise: -1 }))).name).toBe('RangeError')
  expect(store.tip?.height).toBe(3)
  await store.append(block(4), [], { finalise: 2 })
  expect(store.finalised).toBe(2)
})

it('drops as much undo data as a batch may, and the rest with the next ones', async () => {
  const store = await chainOf(200)
  await store.append(block(200), [], { finalise: 199 })
  expect(store.finalised).toBe(199)
  expect(store.stats().undoFrom).toBe(128)
  await store.append(block(201), [], { finalise: 200 })
  expect(store.stats().undoFrom).toBe(201)
  expect((await refusal(store.finalise(199))).code).toBe('below-finalised')
})
