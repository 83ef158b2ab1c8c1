import { expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore } from '../src/index.ts'
import { block, bytes, put } from './blocks.ts'
import { opened, passing, stateOf } from './helpers.ts'

// Room for one entry in each half, and three come: `a` and `c`, written last, are cached, and `b` is not.
const TWO_ENTRIES = { maxCacheBytes: 2 * (1 + 3 + 96) }

/** A store with `b` and `a` as block 0 has left them, and the changes of block 1. */
async function twoEntries(disk: KeyValueStore) {
  const store = await opened(BlockStore.over(disk, TWO_ENTRIES))
  await store.append(block(0), [put('b', 'old'), put('a', 'old'), put('c', 'old')])
  const read = async () =>
    (await store.getMany([bytes('a'), bytes('b')])).map((value) => new TextDecoder().decode(value))
  return { store, read, append: () => store.append(block(1), [put('b', 'new', 'old'), put('a', 'new', 'old')]) }
}

it('reads all of the new tip where a block is appended between the cache and the disk', async () => {
  const disk = memoryStore()
  const gate = Promise.withResolvers<void>()
  let isSlow = false
  const slow: KeyValueStore = {
    ...passing(disk),
    getMany: async (keys) => {
      if (isSlow) await gate.promise
      return await disk.getMany(keys)
    },
  }
  const { read, append } = await twoEntries(slow)
  isSlow = true
  const reading = read()
  await append()
  gate.resolve()
  expect(await reading).toEqual(['new', 'new'])
})

it('keeps nothing in the cache that the disk gave before a block was appended', async () => {
  const disk = memoryStore()
  const found = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  let isSlow = false
  const slow: KeyValueStore = {
    ...passing(disk),
    getMany: async (keys) => {
      const values = await disk.getMany(keys)
      if (isSlow) {
        found.resolve()
        await gate.promise
      }
      return values
    },
  }
  const { read, append } = await twoEntries(slow)
  isSlow = true
  const reading = read()
  await found.promise
  await append()
  gate.resolve()
  expect(await reading).toEqual(['new', 'new'])
  expect(await read()).toEqual(['new', 'new'])
})

it('reads all of the old tip while a block is on the disk and not acknowledged, and iterates over the new one after', async () => {
  const disk = memoryStore()
  const gate = Promise.withResolvers<void>()
  const written = Promise.withResolvers<void>()
  let isSlow = false
  const slow: KeyValueStore = {
    ...passing(disk),
    batch: async (operations, options) => {
      await disk.batch(operations, options)
      if (!isSlow) return
      written.resolve()
      await gate.promise
    },
  }
  const { store, read, append } = await twoEntries(slow)
  isSlow = true
  const appending = append()
  await written.promise
  expect(store.tip?.height).toBe(0)
  expect(await read()).toEqual(['old', 'old'])
  expect(await store.heightOf(block(1).hash)).toBeUndefined()
  const entries = stateOf(store)
  gate.resolve()
  await appending
  expect(await read()).toEqual(['new', 'new'])
  expect((await entries).map(([, value]) => Buffer.from(value, 'hex').toString())).toEqual(['new', 'new', 'old'])
})
