import { expect, it } from 'vitest'
import { BlockStore, type EntryIterator, type KeyValueStore, memoryStore, type StateEntry } from '../src/index.ts'
import { block, bytes, put } from './blocks.ts'
import { opened, passing, stateOf } from './helpers.ts'
import { withIndex } from './indexes.ts'

const TERM = Uint8Array.of(5)
const entries: StateEntry[] = ['new 1', 'new 2'].map((key) => [bytes(key), bytes('value')])

/** All that a store does, on a chain of blocks 2 to 6. */
async function doAll(store: BlockStore): Promise<void> {
  await store.importState(entries, block(1))
  await store.prepend(block(0))
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, entries)
  for await (const _entry of staged.entries()) break
  await staged.finish(block(2))
  for (const height of [3, 4, 5, 6, 7]) await store.append(block(height), [put(`old ${height}`, 'value')])
  await store.revert()
  await store.finalise(4)
  await (await store.stageState(bytes('y'))).drop()
}

it('writes nothing that it does not wait for until it is on the disk', async () => {
  const disk = memoryStore()
  const syncs: boolean[] = []
  const batch: KeyValueStore['batch'] = async (operations, options) => {
    syncs.push(options.sync)
    await disk.batch(operations, options)
  }
  await doAll(await opened(BlockStore.over({ ...passing(disk), batch }, withIndex('key'))))
  expect(syncs.length).toBeGreaterThan(12)
  expect(syncs).not.toContain(false)
})

it('closes each iterator that it makes, also when whoever reads leaves early', async () => {
  const disk = memoryStore()
  const open = new Set<EntryIterator>()
  const watched = (iterator: EntryIterator): EntryIterator => {
    const own: EntryIterator = {
      next: () => iterator.next(),
      async close() {
        open.delete(own)
        await iterator.close()
      },
    }
    open.add(own)
    return own
  }
  const watching: KeyValueStore = {
    ...passing(disk),
    iterator: (range) => watched(disk.iterator(range)),
    snapshot() {
      const snapshot = disk.snapshot()
      return { ...snapshot, iterator: (range) => watched(snapshot.iterator(range)) }
    },
  }
  const store = await opened(BlockStore.over(watching, withIndex('key')))
  await doAll(store)
  expect(await store.transaction(block(6).transactions[0] ?? bytes(''))).toMatchObject({ height: 6 })
  expect(await store.transaction(block(7).transactions[0] ?? bytes(''))).toBeUndefined()
  expect(await stateOf(store)).toHaveLength(6)
  for await (const _entry of store.entries()) {
    expect(open.size).toBe(1)
    break
  }
  for await (const _entry of store.indexed(TERM)) {
    expect(open.size).toBe(1)
    break
  }
  expect(open.size).toBe(0)
})
