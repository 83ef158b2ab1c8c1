import { setImmediate } from 'node:timers/promises'
import { type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import { BUCKETS, decodePiece, type Entry, StateTree } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Checkpoint, type Entries } from '../../src/chain/checkpoints/checkpoint.ts'
import { GENESIS_MS } from './chains.ts'
import { chainOf, growBy, NEVER, pieceOf } from './states.ts'

const BLOCK = { height: 5, hash: 'aa' }

interface Held {
  checkpoint: Checkpoint
  /** Keys that were read, and most reads that were under way at once. */
  reads: { keys: number; most: number }
}

/** A state of so many entries; `onRead` is called when some of them are read. */
function held(count: number, valueBytes: number, onRead: () => void = () => undefined): Held {
  const entries = Array.from({ length: count }, (_, i): Entry => [Buffer.from(`key ${i}`), Buffer.alloc(valueBytes, i)])
  const values = new Map(entries.map(([key, value]) => [Buffer.from(key).toString(), value]))
  const tree = new StateTree()
  tree.apply(entries.map(([key, after]) => ({ key, before: undefined, after })))
  const reads = { keys: 0, most: 0 }
  let running = 0
  const snapshot: Entries = {
    async *entries() {
      for (const [key, value] of entries) yield Promise.resolve<[Uint8Array, Uint8Array][]>([[key, value]])
    },
    async getMany(keys) {
      onRead()
      reads.keys += keys.length
      reads.most = Math.max(reads.most, ++running)
      await setImmediate()
      running--
      return keys.map((key) => values.get(Buffer.from(key).toString()))
    },
    close: async () => Promise.resolve(),
  }
  return { checkpoint: new Checkpoint(BLOCK, snapshot, tree.snapshot()), reads }
}

describe('a piece', () => {
  it('of more than 16 MiB is none, and nothing is read for it', async () => {
    const { checkpoint, reads } = held(300, 60_000)
    expect(await checkpoint.piece(0, 1, NEVER.signal)).toBeUndefined()
    expect(reads.keys).toBe(0)
    const halves = await Promise.all([0, 1].map(async (piece) => checkpoint.piece(piece, 2, NEVER.signal)))
    const given = halves.map((bytes) => decodePiece(bytes ?? new Uint8Array()))
    expect(given.map(({ count }) => count)).toEqual([BUCKETS / 2, BUCKETS / 2])
    expect(given.flatMap(({ entries }) => entries)).toHaveLength(300)
  })

  it('is read no further once nobody waits for it', async () => {
    const asking = new AbortController()
    const { checkpoint, reads } = held(5_000, 10, () => asking.abort())
    await expect(checkpoint.piece(0, 1, asking.signal)).rejects.toThrow('abort')
    expect(reads.keys).toBeLessThan(5_000)
    expect(await checkpoint.piece(0, 1, NEVER.signal)).toBeDefined()
  })

  it('is read no further, and none, once its state is let go of', async () => {
    const { checkpoint, reads } = held(5_000, 10, () => void checkpoint.close())
    expect(await checkpoint.piece(0, 1, NEVER.signal)).toBeUndefined()
    expect(reads.keys).toBeLessThan(5_000)
  })

  it.each([
    { what: 'over 1 MiB waits for those before it', valueBytes: 60_000, most: 1 },
    { what: 'up to 1 MiB does not', valueBytes: 10, most: 4 },
  ])('of $what', async ({ valueBytes, most }) => {
    const { checkpoint, reads } = held(100, valueBytes)
    const pieces = await Promise.all([0, 1, 2, 3].map(async (piece) => checkpoint.piece(piece, 4, NEVER.signal)))
    expect(pieces.every((piece) => piece !== undefined)).toBe(true)
    expect(reads.most).toBe(most)
  })
})

describe('what is read of a state that a newer one takes the place of', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
    return () => vi.useRealTimers()
  })

  it('keeps no block waiting', async () => {
    const reading = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const chain = await chainOf(7, { store: withSlowWalk(memoryStore(), asked.resolve, reading.promise) })
    const piece = pieceOf(chain, 0, 1)
    await asked.promise
    await growBy(chain, 5)
    expect(chain.stateReader.checkpoint()?.height).toBe(10)
    expect(chain.head.height).toBe(12)
    reading.resolve()
    expect(await piece).toBeUndefined()
  })
})

/** All that a store does, but that the first walk over a snapshot tells of its begin, and waits. */
function withSlowWalk(store: KeyValueStore, onBegin: () => void, until: Promise<void>): KeyValueStore {
  return {
    get: (key) => store.get(key),
    getMany: (keys) => store.getMany(keys),
    batch: (operations, options) => store.batch(operations, options),
    iterator: (range) => store.iterator(range),
    clear: (range, options) => store.clear(range, options),
    close: () => store.close(),
    snapshot() {
      const snapshot = store.snapshot()
      const iterator: typeof snapshot.iterator = (range) => {
        const inner = snapshot.iterator(range)
        return {
          async next() {
            onBegin()
            await until
            return inner.next()
          },
          close: () => inner.close(),
        }
      }
      return { getMany: (keys) => snapshot.getMany(keys), iterator, close: () => snapshot.close() }
    },
  }
}
