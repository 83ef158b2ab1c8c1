import { expect, it } from 'vitest'
import { BlockStore, memoryStore, type StateIndex } from '../src/index.ts'
import { Keys } from '../src/keys.ts'
import { seal } from '../src/records.ts'
import { block, bytes, hex, put } from './blocks.ts'
import { counting, folder, opened, refusal } from './helpers.ts'
import { indexedOf } from './expect-index.ts'

/** An index by the whole value. */
const whole: StateIndex = { id: 'whole', termOf: (_key, value) => value }
const keysOf = async (store: BlockStore, term: Uint8Array): Promise<string[]> =>
  (await indexedOf(store, term)).map(([key]) => Buffer.from(key, 'hex').toString())

it('finds what has a term, and nothing of one that begins like it, up to 255 bytes of 0xff', async () => {
  const disk = memoryStore()
  const store = await opened(BlockStore.over(disk, { index: whole }))
  const terms = [0, 1, 2, 254, 255].map((length) => new Uint8Array(length).fill(0xff))
  const entries = terms.flatMap((after, i) =>
    ['', 'a', '\uffff'].map((name) => ({ key: bytes(`${i}${name}`), before: undefined, after })),
  )
  await store.append(block(0), entries)
  for (const [i, term] of terms.entries()) expect(await keysOf(store, term)).toEqual([`${i}`, `${i}a`, `${i}\uffff`])
})

it('writes what an entry needs, and nothing for one whose term stays, in the batch of its block', async () => {
  const { store: disk, batches } = counting(memoryStore())
  const first: StateIndex = { id: 'first', termOf: (_key, value) => value.slice(0, 1) }
  const index = await opened(BlockStore.over(disk, { index: first }))
  const { store: plainDisk, batches: plainBatches } = counting(memoryStore())
  const plain = await opened(BlockStore.over(plainDisk))
  const more = async (changes: Parameters<BlockStore['append']>[1]): Promise<number> => {
    for (const store of [index, plain]) await store.append(block((store.tip?.height ?? -1) + 1), changes)
    return (batches.at(-1) ?? 0) - (plainBatches.at(-1) ?? 0)
  }
  const opening = batches.length - plainBatches.length
  expect(await more([put('made', 'a1')])).toBe(1)
  expect(await more([put('made', 'a2', 'a1')])).toBe(0)
  expect(await more([put('made', 'b1', 'a2')])).toBe(2)
  expect(await more([{ key: bytes('made'), before: bytes('b1'), after: undefined }])).toBe(1)
  expect(await more([{ key: bytes('made'), before: undefined, after: undefined }])).toBe(0)
  expect(batches.length - plainBatches.length).toBe(opening)
})

it('reads one tip, however many blocks come while it reads', async () => {
  const store = await opened(BlockStore.open(folder(), { index: whole }))
  const names = Array.from({ length: 5_000 }, (_, i) => `key ${String(i).padStart(5, '0')}`)
  await store.append(
    block(0),
    names.map((name) => put(name, 'a')),
  )
  const reading = store.indexed(bytes('a'))
  const found = [(await reading.next()).value?.[0]]
  await store.append(
    block(1),
    names.map((name) => put(name, 'b', 'a')),
  )
  for await (const [each] of reading) found.push(each)
  expect(found.map((each) => Buffer.from(each ?? []).toString())).toEqual(names)
  expect(await keysOf(store, bytes('a'))).toEqual([])
  expect(await keysOf(store, bytes('b'))).toEqual(names)
  await store.revert()
  expect(await keysOf(store, bytes('b'))).toEqual([])
})

it('ends by an abort, before the first entry and in the middle', async () => {
  const store = await opened(BlockStore.open(folder(), { index: whole }))
  const changes = Array.from({ length: 5_000 }, (_, i) => put(`${i}`, 'a'))
  await store.append(block(0), changes)
  expect((await refusal(store.indexed(bytes('a'), { signal: AbortSignal.abort() }).next())).name).toBe('AbortError')
  const controller = new AbortController()
  let found = 0
  const reading = async (): Promise<void> => {
    for await (const _entry of store.indexed(bytes('a'), { signal: controller.signal })) {
      found += 1
      controller.abort()
    }
  }
  expect((await refusal(reading())).name).toBe('AbortError')
  expect(found).toBeLessThan(5_000)
})

it('is there in a snapshot, too, as it was then', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { index: whole }))
  await store.append(block(0), [put('a', 'x'), put('b', 'x')])
  const snapshot = await store.snapshot()
  await store.append(block(1), [put('b', 'y', 'x')])
  const found: string[] = []
  for await (const some of snapshot.indexed(bytes('x'))) found.push(...some.map(([key]) => Buffer.from(key).toString()))
  expect(found).toEqual(['a', 'b'])
  await snapshot.close()
})

it.each<[string, (keys: Keys) => [Uint8Array, Uint8Array | undefined], string]>([
  ['a record that is damaged', (keys) => [keys.index(bytes('x'), bytes('a')), bytes('wrong')], 'checksum'],
  ['a record of an entry that is not there', (keys) => [keys.state(bytes('a')), undefined], 'missing'],
  ['a record of an entry with another term', (keys) => [keys.state(bytes('a')), seal(bytes('y'))], 'malformed'],
  ['a record of an entry with no term', (keys) => [keys.state(bytes('a')), seal(bytes(''))], 'malformed'],
  ['an entry that is damaged', (keys) => [keys.state(bytes('a')), bytes('wrong')], 'checksum'],
])('names %s', async (_name, damage, code) => {
  const disk = memoryStore()
  const index: StateIndex = { id: 'x', termOf: (_key, value) => (value.length === 0 ? undefined : value) }
  const store = await opened(BlockStore.over(disk, { index }))
  await store.append(block(0), [put('a', 'x')])
  const [key, value] = damage(new Keys(0))
  await disk.batch([{ key, value }], { sync: true })
  expect(await refusal(indexedOf(store, bytes('x')))).toEqual({ name: 'CorruptStoreError', code })
})

it('refuses a term that is none, and changes nothing', async () => {
  let term: Uint8Array = new Uint8Array(256)
  const store = await opened(BlockStore.over(memoryStore(), { index: { id: 'x', termOf: () => term } }))
  expect(await refusal(store.append(block(0), [put('a', 'x')]))).toMatchObject({ name: 'RangeError' })
  term = 'text' as unknown as Uint8Array
  expect(await refusal(store.append(block(0), [put('a', 'x')]))).toMatchObject({ name: 'TypeError' })
  expect(store.tip).toBeUndefined()
  expect((await refusal(indexedOf(store, new Uint8Array(256)))).name).toBe('RangeError')
  term = new Uint8Array(255)
  await store.append(block(0), [put('a', 'x')])
  expect((await indexedOf(store, term)).map(([key]) => key)).toEqual([hex(bytes('a'))])
})

it.each(['', 'x'.repeat(257)])(
  'refuses an id of no bytes or too many, and leaves the directory as it was',
  async (id) => {
    await expect(BlockStore.open(folder(), { index: { id, termOf: () => undefined } })).rejects.toThrow(
      /^bytes of index\.id (0|257) is no whole number from 1 to 256$/,
    )
  },
)

it('is read by nobody once the store is closed', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { index: whole }))
  const snapshot = await store.snapshot()
  await store.close()
  const closed = { name: 'StoreClosedError', code: 'closed' }
  expect(await refusal(indexedOf(store, bytes('x')))).toEqual(closed)
  expect(() => snapshot.indexed(bytes('x'))).toThrow(expect.objectContaining(closed))
})
