import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockStore, type KeyValueStore, memoryStore } from '../src/index.ts'
import { block, hex, put } from './blocks.ts'
import { folder, opened, passing, refusal, stateOf } from './helpers.ts'

/** A store whose batches do only as many operations as told, then fail, as if its disk tore them. */
function tearing(disk: KeyValueStore): { store: KeyValueStore; tearAfter: (operations: number) => void } {
  let left = Infinity
  const store: KeyValueStore = {
    ...passing(disk),
    async batch(operations, options) {
      if (left === Infinity) return await disk.batch(operations, options)
      await disk.batch(operations.slice(0, left), options)
      throw new TypeError('the disk is gone')
    },
  }
  return { store, tearAfter: (operations) => (left = operations) }
}

/** Where a store opens and what it holds, or the code of what it refuses by. */
async function outcomeOf(opening: Promise<BlockStore>): Promise<string> {
  const { code } = await refusal(opening)
  if (typeof code === 'string') return code
  const store = await opening
  const entries = await stateOf(store)
  await store.close()
  return `tip ${store.tip?.height}, ${entries.length} entries`
}

async function threeBlocks(store: BlockStore): Promise<void> {
  for (const height of [0, 1, 2]) await store.append(block(height), [put(`key ${height}`, 'value')])
}

/** A folder with three blocks in LevelDB's log, and the log. */
async function written(): Promise<{ path: string; log: string }> {
  const path = folder()
  const store = await opened(BlockStore.open(path))
  await threeBlocks(store)
  const log = readdirSync(path).find((name) => name.endsWith('.log'))
  return { path, log: log ?? '' }
}

describe('the log of LevelDB', () => {
  it('opens at the last whole block, wherever the log is cut or its end is garbage', async () => {
    const { path, log } = await written()
    const whole = readFileSync(join(path, log))
    const seen = new Set<number>()
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length), fc.uint8Array({ maxLength: 50 }), async (end, garbage) => {
        const copy = folder()
        cpSync(path, copy, { recursive: true })
        writeFileSync(join(copy, log), Buffer.concat([whole.subarray(0, end), garbage]))
        const store = await BlockStore.open(copy)
        const height = store.tip?.height ?? -1
        seen.add(height)
        expect(await stateOf(store)).toHaveLength(height + 1)
        const body = await store.body(block(height).hash)
        expect(body && hex(body)).toBe(height === -1 ? undefined : hex(block(height).body))
        await store.append(block(height + 1), [put('more', 'value')])
        await store.close()
      }),
      {
        numRuns: 40,
        examples: [
          [0, new Uint8Array()],
          [whole.length, new Uint8Array()],
          [whole.length - 1, new Uint8Array()],
        ],
      },
    )
    expect(seen).toContain(2)
    expect(seen.size).toBeGreaterThan(2)
  }, 60_000)

  it.each([
    // LevelDB drops the rest of 32 KiB with a damaged record: within them nothing that follows is left.
    { bodyBytes: 10, outcome: 'tip 0, 1 entries' },
    { bodyBytes: 100_000, outcome: 'lost-batch' },
  ])(
    'opens at the block before a damaged one, or says so: $outcome at $bodyBytes bytes',
    async ({ bodyBytes, outcome }) => {
      const [path, copy] = [folder(), folder()]
      const store = await opened(BlockStore.open(path))
      for (const height of [0, 1, 2]) {
        await store.append({ ...block(height), body: new Uint8Array(bodyBytes).fill(7) }, [
          put(`key ${height}`, 'value'),
        ])
      }
      cpSync(path, copy, { recursive: true })
      const log = join(copy, readdirSync(copy).find((name) => name.endsWith('.log')) ?? '')
      const damaged = readFileSync(log)
      damaged[damaged.indexOf('header main 1')] = 0
      writeFileSync(log, damaged)
      expect(await outcomeOf(BlockStore.open(copy))).toBe(outcome)
    },
  )
})

describe('a disk that does part of a batch', () => {
  it('opens at the old tip or the new one, or says that a batch is torn, after any number of operations', async () => {
    const outcomes = new Set<string>()
    for (let operations = 0; operations < 14; operations++) {
      const { store: disk, tearAfter } = tearing(memoryStore())
      const store = await BlockStore.over(disk)
      await threeBlocks(store)
      tearAfter(operations)
      expect(await refusal(store.append(block(3), [put('a', 'b')]))).toEqual({
        name: 'StoreFailedError',
        code: 'write-failed',
      })
      await store.close()
      outcomes.add(await outcomeOf(BlockStore.over(disk)))
    }
    expect([...outcomes]).toEqual(['tip 2, 3 entries', 'torn-batch', 'tip 3, 4 entries'])
  })

  it('says which batch is lost where one among the last 64 never came to the disk', async () => {
    const disk = memoryStore()
    let isLosing = false
    const losing: KeyValueStore = {
      ...passing(disk),
      batch: (operations, options) => (isLosing ? Promise.resolve() : disk.batch(operations, options)),
    }
    const store = await BlockStore.over(losing)
    await threeBlocks(store)
    isLosing = true
    await store.append(block(3), [])
    isLosing = false
    await store.append(block(4), [])
    await store.close()
    expect(await refusal(BlockStore.over(disk))).toEqual({ name: 'CorruptStoreError', code: 'lost-batch' })
  })

  it('reads and writes nothing after a write that failed, until it is opened anew', async () => {
    const { store: disk, tearAfter } = tearing(memoryStore())
    const store = await opened(BlockStore.over(disk))
    await threeBlocks(store)
    tearAfter(0)
    const queued = [store.append(block(3), []), store.append(block(4), []), store.revert()]
    const failed = { name: 'StoreFailedError', code: 'write-failed' }
    expect(await Promise.all(queued.map(refusal))).toEqual([failed, failed, failed])
    expect(await refusal(store.get(new Uint8Array()))).toEqual(failed)
    expect(await refusal(store.header(0))).toEqual(failed)
    tearAfter(Infinity)
    const again = await BlockStore.over(disk)
    expect(again.tip?.height).toBe(2)
    await again.append(block(3), [])
  })
})
