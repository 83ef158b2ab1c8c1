import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BlockStore, type BlockStoreInit, type KeyValueStore, memoryStore, type StoredBlock } from '../src/index.ts'
import { FORMAT_KEY, Keys, META_KEY } from '../src/keys.ts'
import { encodeNumber, seal } from '../src/records.ts'
import { block, bytes, digest, put } from './blocks.ts'
import { dump, folder, opened, passing, refusal, stateOf } from './helpers.ts'

async function store(init: BlockStoreInit = {}, disk: KeyValueStore = memoryStore()): Promise<BlockStore> {
  return await opened(BlockStore.over(disk, init))
}

/** A store of blocks 0 to 3, closed, whose record is then replaced. */
async function damaged(key: Uint8Array, value: Uint8Array | undefined): Promise<KeyValueStore> {
  const disk = memoryStore()
  const written = await BlockStore.over(disk)
  for (const height of [0, 1, 2, 3]) await written.append(block(height), [put('key', `${height}`)])
  await written.close()
  await disk.batch([{ key, value }], { sync: true })
  return disk
}

describe('opening', () => {
  it('says that the directory is open already, and opens it once it is closed', async () => {
    const path = folder()
    const first = await opened(BlockStore.open(path))
    await expect(BlockStore.open(path)).rejects.toMatchObject({ name: 'StoreLockedError', code: 'locked', path })
    await first.close()
    await opened(BlockStore.open(path))
  })

  it('says why a directory cannot be opened', async () => {
    const file = join(folder(), 'file')
    writeFileSync(file, 'no directory')
    await expect(BlockStore.open(file)).rejects.toMatchObject({
      name: 'StoreUnavailableError',
      cause: expect.any(Error),
    })
  })

  it('says that files of LevelDB are damaged', async () => {
    const path = folder()
    await (await BlockStore.open(path)).close()
    const current = readdirSync(path).find((name) => name.startsWith('MANIFEST')) ?? ''
    writeFileSync(join(path, current), Buffer.alloc(100, 1))
    expect(await refusal(BlockStore.open(path))).toEqual({ name: 'CorruptStoreError', code: 'files' })
  })

  it('refuses another format and names both, and leaves the directory free', async () => {
    const disk = await damaged(FORMAT_KEY, seal(encodeNumber(3)))
    await expect(BlockStore.over(disk)).rejects.toMatchObject({
      name: 'FormatVersionError',
      code: 'format-version',
      expected: 2,
      received: 3,
    })
  })

  it.each([
    ['a store of something else', bytes('format'), undefined, 'foreign'],
    ['a meta record that is gone', META_KEY, undefined, 'missing'],
    ['a meta record of another length', META_KEY, seal(bytes('short')), 'malformed'],
    ['a meta record with a wrong checksum', META_KEY, new Uint8Array(92), 'checksum'],
    ['a format too short for a checksum', FORMAT_KEY, new Uint8Array(3), 'malformed'],
    ['a header of the tip that is gone', new Keys(0).header(3), undefined, 'missing'],
    ['a header of the tip too short', new Keys(0).header(3), seal(new Uint8Array(63)), 'malformed'],
    ['a header of the tip of another block', new Keys(0).header(3), seal(new Uint8Array(64)), 'malformed'],
  ])('refuses %s', async (_name, key, value, code) => {
    const disk = await damaged(key, value)
    expect(await refusal(BlockStore.over(disk))).toEqual({ name: 'CorruptStoreError', code })
  })

  it.each([
    ['keepBlocks', 0],
    ['keepBlocks', 1.5],
    ['keepBlocks', Number.NaN],
    ['maxBlockBytes', 0],
    ['maxBlockBytes', 2 ** 31],
    ['maxPendingBytes', 33_554_431],
    ['maxCacheBytes', -1],
    ['maxHeaders', 0],
    ['writeBufferBytes', 65_535],
    ['blockCacheBytes', Number.NaN],
  ])('refuses %s of %d, and leaves the directory as it was', async (name, value) => {
    const path = folder()
    await expect(BlockStore.open(path, { [name]: value })).rejects.toThrow(new RegExp(`^${name} ${value} is n`))
    expect(readdirSync(path)).toEqual([])
  })
})

describe('records that are damaged', () => {
  const keys = new Keys(0)
  const [two, three] = [block(2), block(3)]
  it.each<[string, Uint8Array, Uint8Array | undefined, (store: BlockStore) => Promise<unknown>, string]>([
    ['a header', keys.header(1), new Uint8Array(80).fill(1), (chain) => chain.header(1), 'checksum'],
    ['a header that is gone', keys.header(1), undefined, (chain) => chain.headers(0, 4), 'missing'],
    ['a body', keys.body(2, two.hash), bytes('wrong'), (chain) => chain.body(two.hash), 'checksum'],
    ['a body that is gone', keys.body(2, two.hash), undefined, (chain) => chain.body(two.hash), 'missing'],
    ['a height', keys.heightOf(two.hash), seal(bytes('7 bytes')), (chain) => chain.heightOf(two.hash), 'malformed'],
    ['an entry', keys.state(bytes('key')), bytes('wrong'), (chain) => chain.get(bytes('key')), 'checksum'],
    ['an entry of all', keys.state(bytes('key')), bytes('wrong'), (chain) => stateOf(chain), 'checksum'],
    [
      'a place',
      keys.transaction(digest('tx main 3 0'), 3),
      bytes('wrong'),
      (chain) => chain.transaction(digest('tx main 3 0')),
      'checksum',
    ],
    ['undo data', keys.undo(3), bytes('wrong'), (chain) => chain.revert(), 'checksum'],
    [
      'undo data that ends early',
      keys.undo(3),
      seal(Buffer.from([0, 0, 0, 9, 1])),
      (chain) => chain.revert(),
      'malformed',
    ],
    ['undo data that is gone', keys.undo(3), undefined, (chain) => chain.revert(), 'missing'],
    ['a list of transactions', keys.ids(3), seal(new Uint8Array(33)), (chain) => chain.revert(), 'malformed'],
    ['a list that is gone', keys.ids(3), undefined, (chain) => chain.revert(), 'missing'],
    ['a body to revert', keys.body(3, three.hash), undefined, (chain) => chain.revert(), 'missing'],
  ])('names %s', async (_name, key, value, read, code) => {
    const damagedStore = await store({ maxCacheBytes: 0 }, await damaged(key, value))
    expect(await refusal(read(damagedStore))).toEqual({ name: 'CorruptStoreError', code })
  })
})

describe('blocks that do not join', () => {
  it('refuses a height or a parent that does not follow the tip, and changes nothing', async () => {
    const disk = memoryStore()
    const chain = await store({}, disk)
    await chain.append(block(5), [])
    const before = await dump(disk)
    await expect(chain.append(block(7), [])).rejects.toMatchObject({
      name: 'UnlinkedBlockError',
      code: 'wrong-height',
      expected: '6',
      received: '7',
    })
    expect((await refusal(chain.append(block(6, 'other'), []))).code).toBe('wrong-parent')
    expect(await dump(disk)).toEqual(before)
  })

  it('refuses to put before the lowest block what is not its parent', async () => {
    const chain = await store()
    expect((await refusal(chain.prepend(block(4)))).code).toBe('empty')
    await chain.append(block(5), [])
    expect((await refusal(chain.prepend(block(3)))).code).toBe('wrong-height')
    expect((await refusal(chain.prepend(block(4, 'other')))).code).toBe('wrong-hash')
    await chain.prepend(block(4))
    expect((await chain.header(4))?.height).toBe(4)
  })

  it('says why the tip stays: empty, final, or without undo data', async () => {
    const chain = await store({ keepBlocks: 2 })
    expect(await refusal(chain.revert())).toEqual({ name: 'CannotRevertError', code: 'empty' })
    for (const height of [0, 1, 2, 3]) await chain.append(block(height), [])
    await chain.revert()
    await chain.revert()
    expect((await refusal(chain.revert())).code).toBe('no-undo-data')
    await chain.finalise(1)
    expect((await refusal(chain.revert())).code).toBe('finalised')
  })

  it('refuses a final height above the tip or below what is final', async () => {
    const chain = await store()
    expect(await refusal(chain.finalise(0))).toEqual({ name: 'CannotFinaliseError', code: 'above-tip' })
    await chain.append(block(0), [])
    await chain.append(block(1), [])
    expect((await refusal(chain.finalise(2))).code).toBe('above-tip')
    await chain.finalise(1)
    await chain.finalise(1)
    expect((await refusal(chain.finalise(0))).code).toBe('below-finalised')
  })
})

describe('bad input', () => {
  it.each<[string, Partial<StoredBlock>, string]>([
    ['a height of 2^48', { height: 2 ** 48 }, 'RangeError'],
    ['a height of -1', { height: -1 }, 'RangeError'],
    ['a hash of 31 bytes', { hash: new Uint8Array(31) }, 'RangeError'],
    ['a parent of 33 bytes', { parent: new Uint8Array(33) }, 'RangeError'],
    ['a header that is text', { header: 'text' as unknown as Uint8Array }, 'TypeError'],
    ['a transaction id of 1 byte', { transactions: [new Uint8Array(1)] }, 'RangeError'],
    ['a transaction twice', { transactions: [digest('a'), digest('b'), digest('a')] }, 'RangeError'],
  ])('refuses %s', async (_name, wrong, name) => {
    const chain = await store()
    expect((await refusal(chain.append({ ...block(0), ...wrong }, []))).name).toBe(name)
    expect(chain.tip).toBeUndefined()
  })

  it('refuses two changes of one entry and values that are no bytes', async () => {
    const chain = await store()
    expect((await refusal(chain.append(block(0), [put('a', '1'), put('a', '2')]))).name).toBe('RangeError')
    const text = { key: bytes('a'), before: undefined, after: 'text' as unknown as Uint8Array }
    expect((await refusal(chain.append(block(0), [text]))).name).toBe('TypeError')
    expect((await refusal(chain.heightOf(new Uint8Array(5)))).name).toBe('RangeError')
    expect((await refusal(chain.header(-1))).name).toBe('RangeError')
  })
})

describe('closing', () => {
  it('finishes the write under way, refuses those behind it, and every call after it; again is the same', async () => {
    const disk = memoryStore()
    const { promise, resolve } = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const slow: KeyValueStore = {
      ...passing(disk),
      batch: async (operations, options) => {
        begun.resolve()
        await promise
        await disk.batch(operations, options)
      },
    }
    await (await BlockStore.over(disk)).close()
    const chain = await BlockStore.over(slow)
    const outcomes = [0, 1, 2].map((height) => refusal(chain.append(block(height), [])))
    await begun.promise
    const closings = [chain.close(), chain.close()]
    resolve()
    await Promise.all(closings)
    const closed = { name: 'StoreClosedError', code: 'closed' }
    expect(await Promise.all(outcomes)).toEqual([{ name: 'none', code: undefined }, closed, closed])
    const calls = [
      chain.append(block(2), []),
      chain.revert(),
      chain.finalise(0),
      chain.prepend(block(0)),
      chain.importState([], block(9)),
      chain.header(0),
      chain.body(block(0).hash),
      chain.heightOf(block(0).hash),
      chain.transaction(block(0).hash),
      chain.get(bytes('a')),
      stateOf(chain),
    ]
    for (const call of calls) expect(await refusal(call)).toEqual(closed)
    expect((await store({}, disk)).tip?.height).toBe(0)
  })

  it('resolves though the database does not close', async () => {
    const disk = memoryStore()
    const stuck = { ...passing(disk), close: () => Promise.reject(new TypeError('no')) }
    await expect((await BlockStore.over(stuck)).close()).resolves.toBeUndefined()
  })

  it('reads ahead for nobody who left: what fails there, nobody hears of', async () => {
    const disk = memoryStore()
    await (await store({}, disk)).append(block(0), [put('a', '1')])
    const unheard: unknown[] = []
    const hear = (reason: unknown): void => void unheard.push(reason)
    process.on('unhandledRejection', hear)
    const failed = Promise.withResolvers<void>()
    const ahead: KeyValueStore['iterator'] = (range) => {
      const iterator = disk.iterator(range)
      let calls = 0
      const next = async (): ReturnType<typeof iterator.next> => {
        calls += 1
        if (calls === 1) return iterator.next()
        await new Promise(setImmediate)
        failed.resolve()
        throw new TypeError('the disk is gone')
      }
      return { next, close: () => iterator.close() }
    }
    const reopened = await store({}, { ...passing(disk), iterator: ahead })
    for await (const _entry of reopened.entries()) break
    await failed.promise
    // It would be told of behind what was to be done in this turn.
    await new Promise(setImmediate)
    process.off('unhandledRejection', hear)
    expect(unheard).toEqual([])
    expect((await refusal(stateOf(reopened))).name).toBe('TypeError')
  })

  it('ends an iteration over LevelDB by a typed error', async () => {
    const chain = await BlockStore.open(folder())
    await chain.append(
      block(0),
      Array.from({ length: 2_000 }, (_, i) => put(`${i}`, 'value')),
    )
    const entries = chain.entries()
    await entries.next()
    await chain.close()
    const rest = async () => {
      for await (const _entry of entries);
    }
    expect((await refusal(rest())).name).toBe('StoreClosedError')
  })
})
