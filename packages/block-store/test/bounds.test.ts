import { expect, it } from 'vitest'
import { BlockStore, memoryStore, type StoredBlock } from '../src/index.ts'
import { block, bytes, digest, hex, put } from './blocks.ts'
import { folder, opened, refusal, stateOf } from './helpers.ts'

const MIB = 1_048_576

/** Block 0 that takes so many bytes with one change of two: 64 for its two hashes, and 64 for the change. */
function sized(size: number): StoredBlock {
  return { ...block(0), header: new Uint8Array(), body: new Uint8Array(size - 64 - 64 - 2) }
}

it('takes a block of maxBlockBytes and refuses one a byte larger', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxBlockBytes: 1_000 }))
  await expect(store.append(sized(1_001), [put('a', 'b')])).rejects.toMatchObject({
    code: 'block-too-large',
    limit: 'maxBlockBytes',
    value: 1_000,
    size: 1_001,
  })
  await store.append(sized(1_000), [put('a', 'b')])
})

it('refuses a write beyond maxPendingBytes, and takes it once earlier ones are done', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxBlockBytes: 3 * MIB, maxPendingBytes: 7 * MIB }))
  const large = (height: number) => ({ ...block(height), body: new Uint8Array(2 * MIB) })
  const pending = [0, 1, 2].map((height) => store.append(large(height), []))
  expect(store.stats().pendingBytes).toBeGreaterThan(6 * MIB)
  const refused = store.append(large(3), [])
  await expect(refused).rejects.toMatchObject({ code: 'too-much-pending', limit: 'maxPendingBytes', value: 7 * MIB })
  await Promise.all(pending)
  expect(store.stats().pendingBytes).toBe(0)
  await store.append(large(3), [])
  expect(store.tip?.height).toBe(3)
})

it('does not write what is aborted before its turn, and what follows it fails by the missing block', async () => {
  const store = await opened(BlockStore.over(memoryStore()))
  const controller = new AbortController()
  const outcomes = [
    store.append(block(0), []),
    store.append(block(1), [], { signal: controller.signal }),
    store.append(block(2), []),
  ].map(refusal)
  controller.abort()
  expect((await Promise.all(outcomes)).map(({ name }) => name)).toEqual(['none', 'AbortError', 'UnlinkedBlockError'])
  expect(store.tip?.height).toBe(0)
})

it('reads maxHeaders headers at once and refuses one more', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxHeaders: 2 }))
  for (const height of [0, 1, 2]) await store.append(block(height), [])
  expect((await store.headers(1, 2)).map(({ height }) => height)).toEqual([1, 2])
  expect(await store.headers(0, 0)).toEqual([])
  await expect(store.headers(0, 3)).rejects.toThrow('limit 3 is no whole number from 0 to 2')
})

it('keeps entries under maxCacheBytes, those used last, and counts hits, misses and evictions', async () => {
  // An entry is 1 byte of key, 1 of value and 96: two fit into each of the halves.
  const store = await opened(BlockStore.over(memoryStore(), { maxCacheBytes: 4 * 98 }))
  const read = async (...names: string[]) =>
    (await store.getMany(names.map(bytes))).map((value) => value && new TextDecoder().decode(value))
  await store.append(block(0), [put('a', '1'), put('b', '2'), put('c', '3')])
  // `a` comes to the newer ones, and its value stays among the older ones too; `b` is used longest ago.
  expect(await read('a')).toEqual(['1'])
  expect(store.stats().cache).toEqual({ entries: 3, bytes: 295, hits: 1, misses: 0, evictions: 0 })
  await store.append(block(1), [put('d', '4')])
  expect(store.stats().cache).toEqual({ entries: 3, bytes: 294, hits: 1, misses: 0, evictions: 1 })
  expect(await read('a', 'c', 'd')).toEqual(['1', '3', '4'])
  expect(store.stats().cache).toMatchObject({ hits: 4, misses: 0 })
  expect(await read('b')).toEqual(['2'])
  expect(store.stats().cache).toMatchObject({ hits: 4, misses: 1 })
})

/** A value of its height. */
function filled(height: number, length: number): Uint8Array {
  return new Uint8Array(length).fill(height + 1)
}

it('gives cached values as they were written, long and short ones, and keeps no more of those written often', async () => {
  const maxCacheBytes = 1_048_576
  const store = await opened(BlockStore.over(memoryStore(), { maxCacheBytes }))
  // The second is longer than the pieces of memory that values are put into.
  const lengths = [0, 300_000, 40, 7_000]
  for (let height = 0; height < 40; height++) {
    const changes = lengths.map((length, i) => ({
      key: bytes(`key ${i}`),
      before: height === 0 ? undefined : filled(height - 1, length),
      after: filled(height, length),
    }))
    await store.append(block(height), changes)
    const values = await store.getMany(lengths.map((_, i) => bytes(`key ${i}`)))
    expect(values.map((value) => value && hex(value))).toEqual(lengths.map((length) => hex(filled(height, length))))
    expect(store.stats().cache.bytes).toBeLessThanOrEqual(maxCacheBytes)
  }
  expect(store.stats().cache).toMatchObject({ hits: 160, misses: 0 })
})

it('prunes four blocks with each append after keepBlocks is lowered, and keeps their headers', async () => {
  const disk = memoryStore()
  const archive = await BlockStore.over(disk)
  for (let height = 0; height < 20; height++) await archive.append(block(height), [])
  await archive.close()
  const store = await opened(BlockStore.over(disk, { keepBlocks: 2 }))
  const from: (number | undefined)[] = []
  for (let height = 20; height < 27; height++) {
    await store.append(block(height), [])
    from.push(store.stats().bodiesFrom)
  }
  expect(from).toEqual([4, 8, 12, 16, 20, 24, 25])
  expect(await store.headers(0, 100)).toHaveLength(27)
  expect(await store.body(block(24).hash)).toBeUndefined()
  expect(await store.transaction(digest('tx main 23 0'))).toBeUndefined()
  expect((await store.body(block(25).hash))?.length).toBe(block(25).body.length)
})

it('drops the undo data of more blocks than fit one batch when they become final', async () => {
  const store = await opened(BlockStore.over(memoryStore()))
  for (let height = 0; height < 135; height++) await store.append(block(height), [])
  const { batches } = store.stats()
  await store.finalise(132)
  expect(store.stats()).toMatchObject({ batches: batches + 2, undoFrom: 133 })
  await store.revert()
  await store.revert()
  expect((await refusal(store.revert())).code).toBe('finalised')
})

it('finds a transaction at its newest place, and at the older one after a revert', async () => {
  const store = await opened(BlockStore.over(memoryStore()))
  const id = digest('twice')
  await store.append({ ...block(0), transactions: [id] }, [])
  await store.append({ ...block(1), transactions: [digest('other'), id] }, [])
  expect(await store.transaction(id)).toEqual({ height: 1, position: 1 })
  await store.revert()
  expect(await store.transaction(id)).toEqual({ height: 0, position: 0 })
  expect(await store.transaction(digest('unknown'))).toBeUndefined()
})

it('reads entries of one tip while blocks are appended one upon the other', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxCacheBytes: 300 }))
  const keys = Array.from({ length: 50 }, (_, i) => bytes(`key ${i}`))
  const changes = (height: number) =>
    keys.map((key) => ({
      key,
      before: height === 0 ? undefined : bytes(String(height - 1)),
      after: bytes(String(height)),
    }))
  await store.append(block(0), changes(0))
  const appending = Promise.all(Array.from({ length: 100 }, (_, i) => store.append(block(i + 1), changes(i + 1))))
  let reads = 0
  while ((store.tip?.height ?? 0) < 100) {
    const tips = (await store.getMany(keys)).map((value) => value && hex(value))
    expect(new Set(tips).size).toBe(1)
    const entries = (await stateOf(store)).map(([, value]) => value)
    expect(new Set(entries).size).toBe(1)
    const headers = await store.headers(0, 200)
    expect(headers.every(({ height }, i) => height === i)).toBe(true)
    reads += 1
  }
  await appending
  expect(reads).toBeGreaterThan(0)
})

it('iterates over a range of LevelDB in key order as it was when the first entry was asked for', async () => {
  const store = await opened(BlockStore.open(folder()))
  const all = Array.from({ length: 1_500 }, (_, i) => put(`key ${String(i).padStart(4, '0')}`, `${i}`))
  await store.append(block(0), all.toReversed())
  const entries = store.entries({ gte: bytes('key 0100'), lt: bytes('key 1400') })
  const names = [(await entries.next()).value?.[0]]
  await store.append(block(1), [put('key 0100x', 'later')])
  for await (const [key] of entries) names.push(key)
  expect(names.map((name) => new TextDecoder().decode(name))).toEqual(
    Array.from({ length: 1_300 }, (_, i) => `key ${String(i + 100).padStart(4, '0')}`),
  )
  expect((await refusal(store.entries({ signal: AbortSignal.abort() }).next())).name).toBe('AbortError')
})
