import { expect, it } from 'vitest'
import { BlockStore, type KeyRange, type KeyValueStore, memoryStore, type StateEntry } from '../src/index.ts'
import { block, bytes, put } from './blocks.ts'
import { dump, folder, opened, passing, refusal, stateOf, tidied } from './helpers.ts'

const ALL: KeyRange = { gte: bytes('a'), lt: bytes('b') }
const entries: StateEntry[] = [[bytes('new'), bytes('value')]]

/** Generations that something is left of. */
async function generations(disk: KeyValueStore): Promise<number[]> {
  const keys = [...(await dump(disk)).keys()].filter((key) => key.startsWith('67'))
  return [...new Set(keys.map((key) => Number.parseInt(key.slice(2, 10), 16)))]
}

/** A disk on which nothing is deleted until the gate opens, or whoever asked does not want it any more. */
function slow(disk: KeyValueStore, gate: Promise<void>): { store: KeyValueStore; underWay: () => number } {
  let underWay = 0
  const store: KeyValueStore = {
    ...passing(disk),
    async clear(range, options) {
      underWay += 1
      try {
        const aborted = Promise.withResolvers<never>()
        options?.signal?.addEventListener('abort', () => aborted.reject(options.signal?.reason))
        await Promise.race([gate, aborted.promise])
        await disk.clear(range, options)
      } finally {
        underWay -= 1
      }
    },
  }
  return { store, underWay: () => underWay }
}

/** A store with blocks 0 to 2 on a disk that deletes nothing yet. */
async function chain() {
  const disk = memoryStore()
  const before = await BlockStore.over(disk)
  for (const height of [0, 1, 2]) await before.append(block(height), [put(`old ${height}`, 'value')])
  const staged = await before.stageState(bytes('x'))
  await staged.add(0, entries)
  await before.close()
  const { promise, resolve } = Promise.withResolvers<void>()
  const { store, underWay } = slow(disk, promise)
  return { disk, store, underWay, release: resolve }
}

it('opens, switches to another state and goes on while what was there before is deleted', async () => {
  const { disk, store: slowDisk, release } = await chain()
  const store = await opened(BlockStore.over(slowDisk))
  const staged = await store.stageState(bytes('x'))
  await staged.finish(block(50))
  await store.append(block(51), [put('more', 'value')])
  expect(await stateOf(store)).toHaveLength(2)
  expect(await generations(disk)).toEqual([0, 1])
  // The next one waits, so that there are never more than three.
  const next = store.stageState(bytes('y'))
  release()
  await (await next).add(0, entries)
  expect(await generations(disk)).toEqual([1, 2])
  expect(await stateOf(store)).toHaveLength(2)
})

it('goes on while what was there before an import is deleted', async () => {
  const { disk, store: slowDisk, release } = await chain()
  const store = await opened(BlockStore.over(slowDisk))
  const importing = store.importState(entries, block(50))
  release()
  await importing
  await store.append(block(51), [])
  await tidied(store)
  expect(await generations(disk)).toEqual([1])
})

it('ends what it deletes when it is closed, and goes on with it when it is opened anew', async () => {
  const { disk, store: slowDisk, underWay } = await chain()
  const store = await BlockStore.over(slowDisk)
  await (await store.stageState(bytes('x'))).finish(block(50))
  const waiting = refusal(store.stageState(bytes('y')))
  expect(underWay()).toBe(1)
  await store.close()
  expect(underWay()).toBe(0)
  expect(await waiting).toEqual({ name: 'StoreClosedError', code: 'closed' })
  expect(await generations(disk)).toEqual([0, 1])

  const again = await opened(BlockStore.over(disk))
  expect(again.tip?.height).toBe(50)
  await tidied(again)
  expect(await generations(disk)).toEqual([1])
  expect(await stateOf(again)).toHaveLength(1)
})

it('deletes nothing once a write has failed: what is deleted may be in use', async () => {
  const { disk } = await chain()
  let left = Infinity
  const store = await BlockStore.over({
    ...passing(disk),
    async batch(operations, options) {
      await disk.batch(operations, options)
      if (left-- === 0) throw new TypeError('it may be on the disk, or not')
    },
  })
  // What was staged is forgotten, the entries come in one batch, and then the switch, which is on the disk.
  left = 2
  expect((await refusal(store.importState(entries, block(50)))).name).toBe('StoreFailedError')
  await store.close()
  const again = await opened(BlockStore.over(disk))
  expect(again.tip?.height).toBe(50)
  expect(await stateOf(again)).toHaveLength(1)
})

it.each(['memory', 'LevelDB'])('deletes many entries of a store in %s beside appends', async (kind) => {
  const store = await opened(kind === 'memory' ? BlockStore.over(memoryStore()) : BlockStore.open(folder()))
  const changes = Array.from({ length: 30_000 }, (_, i) => put(`old ${i}`, 'value'))
  await store.append(block(0), changes)
  const snapshot = await store.snapshot()
  await store.importState(entries, block(50))
  for (const height of [51, 52, 53]) await store.append(block(height), [put(`${height}`, 'value')])
  await tidied(store)
  expect(await stateOf(store)).toHaveLength(4)
  // Whoever still reads what is deleted reads all of it.
  let count = 0
  for await (const some of snapshot.entries()) count += some.length
  expect(count).toBe(30_000)
  await snapshot.close()
})

it('deletes a range of a store in pieces, and ends between two of them by the reason of the signal', async () => {
  const disk = memoryStore()
  const keys = Array.from({ length: 30_000 }, (_, i) => bytes(`a${String(i).padStart(5, '0')}`))
  const outside = [bytes('`'), bytes('b')]
  // It opens by itself in a moment, which reads wait for, and batches do not.
  await disk.get(bytes('a'))
  await disk.batch(
    [...outside, ...keys].map((key) => ({ key, value: bytes('value') })),
    { sync: true },
  )
  const controller = new AbortController()
  const clearing = refusal(disk.clear(ALL, { signal: controller.signal }))
  while ((await disk.get(keys[0] ?? bytes(''))) !== undefined) continue
  controller.abort()
  expect((await clearing).name).toBe('AbortError')
  expect((await dump(disk)).size).toBeGreaterThan(10_000)
  await disk.clear(ALL)
  expect((await dump(disk)).size).toBe(2)
  const refused = disk.clear({}, { signal: AbortSignal.abort(new TypeError('not now')) })
  expect((await refusal(refused)).name).toBe('TypeError')
  expect((await dump(disk)).size).toBe(2)
})
