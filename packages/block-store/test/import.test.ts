import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore, type StateEntry } from '../src/index.ts'
import { block, bytes, hex, put } from './blocks.ts'
import { dump, opened, passing, refusal, stateOf, tidied } from './helpers.ts'

function* many(count: number, valueBytes = 10): Generator<StateEntry> {
  for (let i = 0; i < count; i++) yield [bytes(`new ${i}`), new Uint8Array(valueBytes).fill(i)]
}

/** More than one batch of entries, and then none that ever comes. */
async function* stuck(): AsyncGenerator<StateEntry> {
  yield* many(10, 1_000_000)
  await new Promise(() => undefined)
}

/** A store with blocks 0 to 2, and what it holds. */
async function chain(disk: KeyValueStore = memoryStore()) {
  const store = await opened(BlockStore.over(disk))
  for (const height of [0, 1, 2]) await store.append(block(height), [put(`old ${height}`, 'value')])
  return { disk, store, before: await dump(disk) }
}

/** All but the counters of batches. */
async function contentOf(disk: KeyValueStore): Promise<Map<string, string>> {
  const all = await dump(disk)
  for (const key of all.keys()) if (!key.startsWith('67')) all.delete(key)
  return all
}

it('replaces state and blocks at once, final at the block that it is of, and appends go on from there', async () => {
  const { store, disk } = await chain()
  await store.get(bytes('old 1'))
  await store.importState(many(1_000), block(50, 'new'))
  expect(store.tip?.height).toBe(50)
  expect(store.finalised).toBe(50)
  expect(await store.get(bytes('old 1'))).toBeUndefined()
  expect(await store.header(1)).toBeUndefined()
  expect(await store.body(block(1).hash)).toBeUndefined()
  expect(await stateOf(store)).toHaveLength(1_000)
  expect((await refusal(store.revert())).code).toBe('finalised')
  await store.append(block(51, 'new'), [put('old 1', 'again')])
  expect(hex((await store.revert()).hash)).toBe(hex(block(51, 'new').hash))
  // Nothing of the old chain is left on the disk.
  await tidied(store)
  expect(new Set([...(await contentOf(disk)).keys()].map((key) => key.slice(0, 10)))).toEqual(new Set(['6700000001']))
})

it('takes history back to the first block after an import, and its bodies only as far as they are kept', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { keepBlocks: 3 }))
  await store.importState(many(1), block(5))
  for (const height of [4, 3, 2, 1, 0]) await store.prepend(block(height))
  expect((await store.headers(0, 10)).map(({ height }) => height)).toEqual([0, 1, 2, 3, 4, 5])
  expect(store.stats()).toMatchObject({ base: 0, bodiesFrom: 3, undoFrom: 6 })
  expect(hex((await store.body(block(3).hash)) ?? new Uint8Array())).toBe(hex(block(3).body))
  expect(await store.body(block(2).hash)).toBeUndefined()
  expect((await store.transaction(block(3).transactions[1] ?? new Uint8Array()))?.position).toBe(1)
})

it('goes on with the old chain until the import is whole, appends included', async () => {
  const { store } = await chain()
  const { promise, resolve } = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<StateEntry> {
    yield* many(10, 1_000_000)
    await promise
  }
  const importing = store.importState(slow(), block(50))
  await store.append(block(3), [put('old 3', 'value')])
  expect(await stateOf(store)).toHaveLength(4)
  expect(await refusal(store.importState([], block(60)))).toEqual({
    name: 'ImportUnderWayError',
    code: 'import-under-way',
  })
  resolve()
  await importing
  expect(await stateOf(store)).toHaveLength(10)
})

it('leaves no trace when its source fails or it is aborted, also while the next entry does not come', async () => {
  const { store, disk, before } = await chain()
  async function* failing(): AsyncGenerator<StateEntry> {
    yield* many(10, 1_000_000)
    throw new TypeError('the peer is gone')
  }
  expect((await refusal(store.importState(failing(), block(50)))).name).toBe('TypeError')
  expect(await dump(disk)).toEqual(before)

  const controller = new AbortController()
  async function* endless(): AsyncGenerator<StateEntry> {
    yield* many(10, 1_000_000)
    queueMicrotask(() => controller.abort())
    await new Promise(() => undefined)
  }
  expect((await refusal(store.importState(endless(), block(50), { signal: controller.signal }))).name).toBe(
    'AbortError',
  )
  expect(await dump(disk)).toEqual(before)
  const aborted = store.importState(many(5), block(50), { signal: AbortSignal.abort() })
  expect((await refusal(aborted)).name).toBe('AbortError')
  // One that failed is none under way.
  await store.importState(many(1), block(50))
})

it('ends an import whose entries do not come when the store is closed, and deletes what it left at the next open', async () => {
  const { store, disk, before } = await chain()
  const importing = refusal(store.importState(stuck(), block(50)))
  while ((await dump(disk)).size === before.size) await new Promise((resolve) => setImmediate(resolve))
  await store.close()
  expect(await importing).toEqual({ name: 'StoreClosedError', code: 'closed' })
  expect((await dump(disk)).size).toBeGreaterThan(before.size)
  const again = await opened(BlockStore.over(disk))
  await tidied(again)
  expect(await dump(disk)).toEqual(before)
  expect(again.tip?.height).toBe(2)
})

it('leaves the old state when the disk fails at any of its batches', async () => {
  // Pieces of 4 MiB: two batches of entries, the switch, and then nothing that may fail.
  for (const failing of [0, 1, 2]) {
    const { disk } = await chain()
    let batches = 0
    const faulty: KeyValueStore = {
      ...passing(disk),
      batch: async (operations, options) => {
        if (batches++ === failing) throw new TypeError('the disk is full')
        await disk.batch(operations, options)
      },
    }
    const store = await BlockStore.over(faulty)
    expect((await refusal(store.importState(many(6, 1_000_000), block(50)))).name).toBe('StoreFailedError')
    await store.close()
    const again = await opened(BlockStore.over(disk))
    expect(again.tip?.height).toBe(2)
    expect(await stateOf(again)).toHaveLength(3)
  }
})

it('refuses a block below what is final, and an entry over maxBlockBytes', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxBlockBytes: 2_000 }))
  await store.importState(many(1), block(50))
  expect(await refusal(store.importState([], block(49)))).toEqual({
    name: 'CannotFinaliseError',
    code: 'below-finalised',
  })
  expect((await refusal(store.importState(many(1, 1_999), block(51)))).name).toBe('BlockTooLargeError')
  expect(await stateOf(store)).toHaveLength(1)
})

it('refuses a block that comes to lie below what is final while its state comes, and keeps the old chain', async () => {
  const { store, disk } = await chain()
  const gate = Promise.withResolvers<void>()
  async function* slow(): AsyncGenerator<StateEntry> {
    await gate.promise
    yield* many(1)
  }
  const importing = refusal(store.importState(slow(), block(1, 'new')))
  await store.finalise(2)
  const before = await contentOf(disk)
  gate.resolve()
  expect(await importing).toEqual({ name: 'CannotFinaliseError', code: 'below-finalised' })
  expect(await contentOf(disk)).toEqual(before)
  expect(store.tip?.height).toBe(2)
})

it('has nothing in its state of an import before it that could not be deleted', async () => {
  const disk = memoryStore()
  let isFailing = false
  const { store } = await chain({
    ...passing(disk),
    clear: (range, options) =>
      isFailing ? Promise.reject(new TypeError('the disk is busy')) : disk.clear(range, options),
  })
  async function* failing(): AsyncGenerator<StateEntry> {
    yield* many(10, 1_000_000)
    isFailing = true
    throw new TypeError('the peer is gone')
  }
  expect((await refusal(store.importState(failing(), block(50)))).name).toBe('TypeError')
  isFailing = false
  await store.importState(many(1), block(50))
  expect(await stateOf(store)).toHaveLength(1)
})

it('ends its source when it ends before it, and leaves no listener on a signal', async () => {
  const any = vi.spyOn(AbortSignal, 'any')
  const store = await opened(BlockStore.over(memoryStore(), { maxBlockBytes: 2_000 }))
  let ended = 0
  async function* source(valueBytes: number): AsyncGenerator<StateEntry> {
    try {
      yield* many(2, valueBytes)
    } finally {
      ended += 1
    }
  }
  expect((await refusal(store.importState(source(1_999), block(50)))).name).toBe('BlockTooLargeError')
  expect(ended).toBe(1)
  await store.importState(source(10), block(50))
  expect(ended).toBe(2)
  const signals = any.mock.results.map(({ value }) => value as AbortSignal)
  expect(signals.map((signal) => getEventListeners(signal, 'abort'))).toEqual([[], []])
  any.mockRestore()
})
