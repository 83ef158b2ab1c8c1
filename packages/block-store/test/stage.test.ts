import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore, type StateEntry } from '../src/index.ts'
import { block, bytes, hex, put } from './blocks.ts'
import { dump, folder, opened, passing, refusal, stateOf, tidied } from './helpers.ts'

/** Parts of one state, each with entries of its own. */
const partOf = (part: number, count = 3): StateEntry[] =>
  Array.from({ length: count }, (_, i) => [bytes(`new ${part} ${i}`), bytes(`value ${part} ${i}`)])
const textsOf = (parts: readonly number[]): string[][] =>
  parts
    .flatMap((part) => partOf(part))
    .map(([key, value]) => [hex(key), hex(value)])
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))

/** A store with blocks 0 to 2. */
async function chain(disk: KeyValueStore = memoryStore()): Promise<BlockStore> {
  const store = await opened(BlockStore.over(disk))
  for (const height of [0, 1, 2]) await store.append(block(height), [put(`old ${height}`, 'value')])
  return store
}

it('makes the parts of a state, in any order, the state of the store in one batch, and goes on from there', async () => {
  const disk = memoryStore()
  const store = await chain(disk)
  const staged = await store.stageState(bytes('x'))
  for (const part of [2, 0, 1]) await staged.add(part, partOf(part))
  expect(staged.parts).toEqual([0, 1, 2])
  // The old one goes on meanwhile.
  await store.append(block(3), [put('old 3', 'value')])
  expect(await stateOf(store)).toHaveLength(4)

  await staged.finish(block(50, 'new'))
  expect(store.tip?.height).toBe(50)
  expect(store.finalised).toBe(50)
  expect(store.staged).toBeUndefined()
  expect(await stateOf(store)).toEqual(textsOf([0, 1, 2]))
  expect(await store.header(3)).toBeUndefined()
  await store.append(block(51, 'new'), [put('more', 'value')])
  // Neither the old chain nor the marks of parts are left on the disk.
  await tidied(store)
  const keys = [...(await dump(disk)).keys()].filter((key) => key.startsWith('67'))
  expect(new Set(keys.map((key) => key.slice(0, 10)))).toEqual(new Set(['6700000001']))
  expect(keys.filter((key) => key.slice(10, 12) === '70')).toEqual([])
  expect(await refusal(staged.add(3, []))).toEqual({ name: 'StageOverError', code: 'stage-over' })
})

it('puts several parts by one batch, all of them or none', async () => {
  const disk = memoryStore()
  let [batches, left] = [0, Infinity]
  const store = await chain({
    ...passing(disk),
    async batch(operations, options) {
      batches++
      if (left-- <= 0) throw new TypeError('the disk is gone')
      await disk.batch(operations, options)
    },
  })
  const staged = await store.stageState(bytes('x'))
  const before = batches
  await staged.addAll([0, 2].map((part) => ({ part, entries: partOf(part) })))
  expect(batches - before).toBe(1)
  expect(staged.parts).toEqual([0, 2])
  const found: string[][] = []
  for await (const [key, value] of staged.entries()) found.push([hex(key), hex(value)])
  expect(found).toEqual(textsOf([0, 2]))

  left = 0
  const more = [1, 3].map((part) => ({ part, entries: partOf(part) }))
  expect((await refusal(staged.addAll(more))).code).toBe('write-failed')
  expect(staged.parts).toEqual([0, 2])
})

it('has the parts of the same name after a restart, and none of another', async () => {
  const path = folder()
  const first = await BlockStore.open(path)
  await first.append(block(0), [put('old', 'value')])
  const before = await first.stageState(bytes('x'))
  await before.add(7, partOf(7))
  await before.add(3, partOf(3))
  await first.close()

  const second = await BlockStore.open(path)
  expect(second.staged).toEqual(Buffer.from('x'))
  const again = await second.stageState(bytes('x'))
  expect(again.parts).toEqual([3, 7])
  expect(await stateOf(second)).toHaveLength(1)
  again.close()
  const other = await second.stageState(bytes('y'))
  expect(other.parts).toEqual([])
  await other.add(1, partOf(1))
  await second.close()

  const third = await opened(BlockStore.open(path))
  const last = await third.stageState(bytes('y'))
  await last.finish(block(9))
  expect(await stateOf(third)).toEqual(textsOf([1]))
})

it('takes no part any more while it is dropped, which would be among those of the next state', async () => {
  const disk = memoryStore()
  const gate = Promise.withResolvers<void>()
  let isSlow = false
  let cleared = 0
  const store = await chain({
    ...passing(disk),
    async batch(operations, options) {
      // Of a part, and not of what says that one is dropped.
      if (isSlow && operations.length > 1) await gate.promise
      await disk.batch(operations, options)
    },
    async clear(range, options) {
      await disk.clear(range, options)
      cleared += 1
    },
  })
  const staged = await store.stageState(bytes('x'))
  isSlow = true
  cleared = 0
  const dropping = staged.drop()
  const adding = refusal(staged.add(0, partOf(0)))
  const droppingAgain = refusal(staged.drop())
  await dropping
  const next = store.stageState(bytes('y'))
  await vi.waitFor(() => expect(cleared).toBeGreaterThan(1))
  gate.resolve()
  expect((await next).parts).toEqual([])
  expect(await adding).toEqual({ name: 'StageOverError', code: 'stage-over' })
  expect(await droppingAgain).toEqual({ name: 'StageOverError', code: 'stage-over' })
})

it('gives what is staged as it is, and leaves no trace of what is dropped', async () => {
  const disk = memoryStore()
  const store = await chain(disk)
  const before = await dump(disk)
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, partOf(0))
  const found: string[][] = []
  for await (const [key, value] of staged.entries()) found.push([hex(key), hex(value)])
  expect(found).toEqual(textsOf([0]))
  await staged.drop()
  expect(await dump(disk)).toEqual(before)
  expect(store.staged).toBeUndefined()
})

it('does one import at a time, and forgets what is staged for one that comes as a whole', async () => {
  const store = await chain()
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, partOf(0))
  const underWay = { name: 'ImportUnderWayError', code: 'import-under-way' }
  expect(await refusal(store.stageState(bytes('x')))).toEqual(underWay)
  expect(await refusal(store.importState([], block(60)))).toEqual(underWay)
  staged.close()
  staged.close()
  await store.importState(partOf(1), block(60))
  expect(store.staged).toBeUndefined()
  expect((await store.stageState(bytes('x'))).parts).toEqual([])
})

it('refuses a part over maxBlockBytes, a number that is none, a long name, and a block below what is final', async () => {
  const store = await opened(BlockStore.over(memoryStore(), { maxBlockBytes: 2_000 }))
  await store.importState([], block(50))
  expect(await refusal(store.stageState(new Uint8Array(257)))).toMatchObject({ name: 'RangeError' })
  const staged = await store.stageState(new Uint8Array(256))
  expect((await refusal(staged.add(0, [[bytes('k'), new Uint8Array(1_999)]]))).name).toBe('BlockTooLargeError')
  const half: StateEntry[] = [[bytes('k'), new Uint8Array(1_200)]]
  await staged.add(0, half)
  const both = [0, 1].map((part) => ({ part, entries: half }))
  expect((await refusal(staged.addAll(both))).name).toBe('BlockTooLargeError')
  expect((await refusal(staged.add(-1, []))).name).toBe('RangeError')
  expect((await refusal(staged.finish(block(49)))).code).toBe('below-finalised')
  expect(staged.parts).toEqual([0])
  await staged.finish(block(50, 'other'))
})

it('keeps what is staged where an import of a block below what is final is refused', async () => {
  const store = await chain()
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, partOf(0))
  staged.close()
  await store.finalise(1)
  const refused = refusal(store.importState(partOf(1), block(0)))
  expect(await refused).toEqual({ name: 'CannotFinaliseError', code: 'below-finalised' })
  expect((await store.stageState(bytes('x'))).parts).toEqual([0])
})

it('refuses a block that comes to lie below what is final before its turn, and can be finished by a later one', async () => {
  const store = await chain()
  const staged = await store.stageState(bytes('x'))
  await staged.add(0, partOf(0))
  const finalising = store.finalise(2)
  const finishing = refusal(staged.finish(block(1, 'new')))
  await finalising
  expect(await finishing).toEqual({ name: 'CannotFinaliseError', code: 'below-finalised' })
  expect(store.tip?.height).toBe(2)
  await staged.finish(block(3, 'new'))
  expect(await stateOf(store)).toEqual(textsOf([0]))
})

it('takes nothing of a state of another name for its own, where it dies while that is deleted', async () => {
  const disk = memoryStore()
  const store = await chain(disk)
  const first = await store.stageState(bytes('x'))
  await first.add(0, partOf(0))
  first.close()
  await store.close()
  let isDying = false
  const faulty: KeyValueStore = {
    ...passing(disk),
    clear: (range, options) =>
      isDying ? Promise.reject(new TypeError('the disk is gone')) : disk.clear(range, options),
  }
  const second = await opened(BlockStore.over(faulty))
  isDying = true
  expect((await refusal(second.stageState(bytes('y')))).name).toBe('TypeError')
  await second.close()
  const again = await opened(BlockStore.over(disk))
  expect(again.staged).toBeUndefined()
  expect((await again.stageState(bytes('x'))).parts).toEqual([])
})

it('is either wholly the old chain or wholly the new one, whichever write the disk dies at', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(12), fc.shuffledSubarray([0, 1, 2, 3], { minLength: 1 }), async (left, parts) => {
      const disk = memoryStore()
      await (await chain(disk)).close()
      let writes = 0
      const dies = <A extends unknown[]>(write: (...args: A) => Promise<void>) => {
        return async (...args: A): Promise<void> => {
          if (writes++ >= left) throw new TypeError('the disk is gone')
          await write(...args)
        }
      }
      const faulty = {
        ...passing(disk),
        batch: dies((...args: Parameters<KeyValueStore['batch']>) => disk.batch(...args)),
        clear: dies((...args: Parameters<KeyValueStore['clear']>) => disk.clear(...args)),
      }
      const acknowledged = await run(faulty, parts)
      const store = await opened(BlockStore.over(disk))
      const isNew = store.tip?.height === 50
      expect(isNew || !acknowledged.isDone).toBe(true)
      expect(await stateOf(store)).toHaveLength(isNew ? 3 * parts.length : 3)
      if (!isNew) await resume(store, parts, acknowledged.parts)
      expect(await stateOf(store)).toEqual(textsOf(parts))
    }),
    { numRuns: 60 },
  )
})

/** Goes on where the disk died: what was acknowledged is there. */
async function resume(store: BlockStore, parts: readonly number[], acknowledged: readonly number[]): Promise<void> {
  const again = await store.stageState(bytes('x'))
  expect(again.parts).toEqual(expect.arrayContaining([...acknowledged]))
  for (const part of parts) if (!again.parts.includes(part)) await again.add(part, partOf(part))
  await again.finish(block(50))
}

/** Stages parts and finishes, until the disk dies; says what it was told is there. */
async function run(disk: KeyValueStore, parts: readonly number[]): Promise<{ parts: number[]; isDone: boolean }> {
  const done = { parts: [] as number[], isDone: false }
  try {
    const store = await BlockStore.over(disk)
    const staged = await store.stageState(bytes('x'))
    for (const part of parts) {
      await staged.add(part, partOf(part))
      done.parts.push(part)
    }
    await staged.finish(block(50))
    done.isDone = true
  } catch {
    // As far as it came.
  }
  return done
}

it('reads the state as it was, whatever is appended, reverted or imported later', async () => {
  for (const disk of [memoryStore(), undefined]) {
    const store = await opened(disk === undefined ? BlockStore.open(folder()) : BlockStore.over(disk))
    await store.append(block(0), [put('a', '1'), put('b', '1')])
    const snapshot = await store.snapshot()
    expect(snapshot.tip).toEqual(store.tip)
    await store.append(block(1), [put('a', '2', '1'), { key: bytes('b'), before: bytes('1'), after: undefined }])
    await store.append(block(2), [put('c', '3')])
    await store.revert()
    await store.importState([], block(9))
    const found = await snapshot.getMany(['a', 'b', 'c'].map(bytes))
    expect(found.map((value) => (value === undefined ? 'none' : Buffer.from(value).toString()))).toEqual([
      '1',
      '1',
      'none',
    ])
    const keys: string[] = []
    for await (const some of snapshot.entries()) keys.push(...some.map(([key]) => Buffer.from(key).toString()))
    expect(keys).toEqual(['a', 'b'])
    await snapshot.close()
    await snapshot.close()
  }
})

it('takes a snapshot between two blocks, and none of a closed store', async () => {
  const store = await chain()
  const appending = store.append(block(3), [put('old 3', 'value')])
  const snapshot = await store.snapshot()
  await appending
  expect(snapshot.tip?.height).toBe(3)
  expect((await snapshot.getMany([bytes('old 3')]))[0]).toBeDefined()
  await store.close()
  expect((await refusal(store.snapshot())).code).toBe('closed')
  expect((await refusal(snapshot.getMany([bytes('a')]))).code).toBe('closed')
})
