import { crc32 } from 'node:zlib'
import { type BatchOperation, type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import { decodeHeader, decodePiece, encodePiece, toHex } from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import { at, dying, genesisOf, GENESIS_MS, opened, RULES, stateOf } from './chains.ts'
import { add, begin, blockOf, growBy, heightOf, NEVER, openOver, pieceOf, take } from './states.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

describe('the import of a state', () => {
  let full: EnergyChain
  let root: string
  beforeAll(async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
    full = await EnergyChain.open({
      store: memoryStore(),
      genesis: genesisOf(),
      consensus: RULES,
      checkpoints: { every: 5 },
    })
    await full.start()
    await growBy(full, 7)
    const header = await full.backend.headers(5, 1)
    root = toHex(decodeHeader(at(header, 0)).stateRoot)
    vi.useRealTimers()
    return async () => full.stop()
  })

  it('leads to the state that the header states, whatever the number of pieces and their order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 6 }), fc.infiniteStream(fc.nat()), async (power, random) => {
        const pieces = 2 ** power
        const order = Array.from({ length: pieces }, (_, i) => [i, random.next().value ?? 0] as const)
          .toSorted(([, a], [, b]) => a - b)
          .map(([i]) => i)
        const chain = await openOver(memoryStore(), pieces)
        await take(chain, full, order)
        expect(chain.head).toEqual(full.stateReader.checkpoint())
        expect(chain.finalised).toEqual(chain.head)
        expect((await stateOf(chain)).root).toBe(root)
        await chain.stop()
      }),
      { numRuns: 8 },
    )
  })

  it('refuses a piece with any byte changed, cut off or added, and that of another place', async () => {
    const chain = await openOver(memoryStore(), 16)
    const state = await begin(chain, full)
    const pieces: Uint8Array[] = []
    for (let i = 0; i < 16; i++) pieces.push((await pieceOf(full, i, 16)) ?? new Uint8Array())
    await fc.assert(
      fc.asyncProperty(fc.nat(15), fc.nat(), fc.integer({ min: 1, max: 255 }), async (i, where, flip) => {
        const honest = at(pieces, i)
        const place = where % honest.byteLength
        const changed = honest.map((byte, j) => (j === place ? byte ^ flip : byte))
        const lies = [changed, honest.subarray(0, place), Buffer.concat([honest, Uint8Array.of(flip)])]
        for (const lie of lies) expect(await add(state, i, lie)).toMatchObject({ code: expect.any(String) })
        expect(await add(state, (i + 1) % 16, honest)).toMatchObject({ code: 'another-piece' })
      }),
      { numRuns: 200 },
    )
    await state.close()
    expect((await begin(chain, full)).kept).toEqual([])
  })

  it('leaves either the old state or the new one, and goes on, whichever write it was killed at', async () => {
    // Genesis and the record of the import come first, then four pieces and the switch.
    let finished = 0
    for (let batches = 0; batches <= 7; batches++) {
      const disk = memoryStore()
      await (await openOver(disk, 4)).stop()
      const { store, dieAfter } = dying(disk)
      const first = await EnergyChain.open({
        store,
        genesis: genesisOf(),
        consensus: RULES,
        checkpoints: { pieces: 4 },
      })
      dieAfter(batches)
      const isDone = await take(first, full, [2, 0, 3, 1]).then(
        () => true,
        () => false,
      )
      await first.stop().catch(() => undefined)

      if (isDone) finished++
      const again = await openOver(disk, 4)
      expect(again.head.height).toBe(isDone ? 5 : 0)
      const state = isDone ? undefined : await begin(again, full)
      const due = [2, 0, 3, 1].slice(0, Math.max(0, batches - 1)).toSorted((x, y) => x - y)
      expect(state?.kept ?? due).toEqual(due)
      await state?.close()
      if (!isDone) await take(again, full, [0, 1, 2, 3])
      expect((await stateOf(again)).root).toBe(root)
      expect(again.head).toEqual(full.stateReader.checkpoint())
      await again.stop()
    }
    expect(finished).toBe(2)
  })

  it('deletes what was kept of it over a restart and is not that state any more, and stays where it was', async () => {
    const key = Buffer.from('670000000173', 'hex')
    const more = { key: Buffer.concat([key, Buffer.from('x')]), value: sealed(Uint8Array.of(1)) }
    const changes: ((entry: Uint8Array) => BatchOperation)[] = [
      (entry) => ({ key: entry, value: undefined }),
      (entry) => ({ key: entry, value: sealed(Uint8Array.of(7)) }),
      () => more,
    ]
    for (const change of changes) {
      const disk = memoryStore()
      const before = await openOver(disk, 2)
      const first = await begin(before, full)
      for (const i of [0, 1]) await add(first, i, await pieceOf(full, i, 2))
      await first.close()
      await before.stop()
      await disk.batch([change(at(await stagedKeys(disk), 0))], { sync: true })

      const chain = await openOver(disk, 2)
      const state = await begin(chain, full)
      expect(state.kept).toEqual([0, 1])
      await expect(state.finish(NEVER)).rejects.toMatchObject({ code: 'corrupt-checkpoint' })
      expect(chain.head.height).toBe(0)
      expect(await stagedKeys(disk)).toEqual([])
      await take(chain, full)
      expect((await stateOf(chain)).root).toBe(root)
      await chain.stop()
    }
  })

  it('is not finished while a piece is missing, and one that comes twice counts once', async () => {
    const chain = await openOver(memoryStore(), 2)
    const state = await begin(chain, full)
    for (const i of [0, 0]) expect(await add(state, i, await pieceOf(full, i, 2))).toBeUndefined()
    await expect(state.finish(NEVER)).rejects.toMatchObject({ code: 'corrupt-checkpoint' })
    const again = await begin(chain, full)
    for (const i of [1, 0, 1]) expect(await add(again, i, await pieceOf(full, i, 2))).toBeUndefined()
    await again.finish(NEVER)
    expect((await stateOf(chain)).root).toBe(root)
  })

  it('is not finished while a piece that was proved is not on the disk, since whoever added it gave up', async () => {
    const disk = memoryStore()
    const chain = await openOver(disk, 2)
    const state = await begin(chain, full)
    expect(await add(state, 0, await pieceOf(full, 0, 2))).toBeUndefined()
    const last = { piece: 1, bytes: (await pieceOf(full, 1, 2)) ?? new Uint8Array() }
    await expect(state.add([last], { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
    await expect(state.finish(NEVER)).rejects.toMatchObject({
      code: 'corrupt-checkpoint',
      cause: { message: '1 of 2 pieces are there' },
    })
    expect(chain.head.height).toBe(0)
    expect(await stagedKeys(disk)).toEqual([])
  })

  it('takes the true ones of several pieces, and tells of the others', async () => {
    const chain = await openOver(memoryStore(), 4)
    const state = await begin(chain, full)
    const pieces = await Promise.all(
      [0, 1, 2, 3].map(async (piece) => ({ piece, bytes: (await pieceOf(full, piece, 4)) ?? new Uint8Array() })),
    )
    const lies = pieces.map(({ piece, bytes }, i) => ({ piece, bytes: i % 2 === 1 ? bytes.subarray(1) : bytes }))
    const refused = expect.objectContaining({ code: expect.any(String) })
    expect(await state.add(lies, NEVER)).toEqual([undefined, refused, undefined, refused])
    await state.close()
    const again = await begin(chain, full)
    expect(again.kept).toEqual([0, 2])
    expect(
      await again.add(
        pieces.filter(({ piece }) => piece % 2 === 1),
        NEVER,
      ),
    ).toEqual([undefined, undefined])
    await again.finish(NEVER)
    expect((await stateOf(chain)).root).toBe(root)
  })

  it('tells of a write that failed with the pieces that come next, and by its end', async () => {
    const { store, dieAfter } = dying(memoryStore())
    const chain = await openOver(store, 2)
    const state = await begin(chain, full)
    dieAfter(0)
    await add(state, 0, await pieceOf(full, 0, 2))
    await expect(add(state, 1, await pieceOf(full, 1, 2))).rejects.toMatchObject({ code: 'write-failed' })
    await expect(state.finish(NEVER)).rejects.toMatchObject({ code: 'write-failed' })
    await state.close()
  })

  it('is closed when nothing is on its way to the disk any more', async () => {
    let gate = Promise.resolve()
    const { store } = dying(memoryStore(), async () => gate)
    const chain = await openOver(store, 2)
    const state = await begin(chain, full)
    const opening = Promise.withResolvers<void>()
    gate = opening.promise
    await add(state, 0, await pieceOf(full, 0, 2))
    let isClosed = false
    const closing = state.close().then(() => (isClosed = true))
    await new Promise((resolve) => setImmediate(resolve))
    expect(isClosed).toBe(false)
    opening.resolve()
    await closing
    expect((await begin(chain, full)).kept).toEqual([0])
  })

  it('refuses every piece of a block of another chain, and of one that its maker did not sign', async () => {
    const other = await opened({ genesis: genesisOf(1, 'other') })
    const chain = await openOver(memoryStore(), 1)
    const { hash } = full.stateReader.checkpoint() ?? full.head
    const block = await blockOf(full, hash)
    const unsigned = block.map((byte, i) => (i === full.headers.ofBlock(block).byteLength - 1 ? byte ^ 1 : byte))
    const piece = (await pieceOf(full, 0, 1)) ?? new Uint8Array()
    for (const [target, bytes, code] of [
      [other, block, 'wrong-chain'],
      [chain, unsigned, 'invalid-block-signature'],
    ] as const) {
      const state = await target.stateTarget.begin(bytes, NEVER)
      expect(await add(state, 0, piece)).toMatchObject({ code })
      await expect(state.finish(NEVER)).rejects.toThrow(RangeError)
      await state.close()
    }
  })

  it('does not go back: not to a final height, nor to one that was passed while it was fetched', async () => {
    const chain = await openOver(memoryStore(), 1)
    const state = await begin(chain, full)
    await add(state, 0, await pieceOf(full, 0, 1))
    for (let height = 1; height <= 5; height++) await chain.importBlock(await heightOf(full, height))
    const before = chain.head
    await expect(state.finish(NEVER)).rejects.toMatchObject({ code: 'checkpoint-behind', reached: 5 })
    expect(chain.head).toEqual(before)
    await state.close()
    for (let height = 6; height <= 7; height++) await chain.importBlock(await heightOf(full, height))
    await expect(begin(chain, full)).rejects.toMatchObject({ name: 'CheckpointBehindError', code: 'checkpoint-behind' })
  })

  it('forgets what was kept of a state that the chain has passed, when it is opened', async () => {
    const disk = memoryStore()
    const chain = await openOver(disk, 2)
    const state = await begin(chain, full)
    await add(state, 0, await pieceOf(full, 0, 2))
    for (let height = 1; height <= 7; height++) await chain.importBlock(await heightOf(full, height))
    await chain.stop()
    await openOver(disk, 2)
    expect(await keysOf(disk, STAGED)).toEqual([])
  })

  it('has pieces of a canonical form, so that what two nodes give is the same', async () => {
    const piece = (await pieceOf(full, 5, 32)) ?? new Uint8Array()
    expect(Buffer.compare(encodePiece(decodePiece(piece)), piece)).toBe(0)
  })
})

/** Where the store keeps the first state that is staged: under its next generation. */
const STAGED = { gte: Buffer.from('6700000001', 'hex'), lt: Buffer.from('6700000002', 'hex') }

async function keysOf(disk: KeyValueStore, range: typeof STAGED): Promise<Uint8Array[]> {
  const iterator = disk.iterator(range)
  const keys: Uint8Array[] = []
  for (let some = await iterator.next(); some.length > 0; some = await iterator.next())
    keys.push(...some.map(([key]) => key))
  await iterator.close()
  return keys
}

/** Keys of the entries of what is staged. */
async function stagedKeys(disk: KeyValueStore): Promise<Uint8Array[]> {
  return (await keysOf(disk, STAGED)).filter((key) => key[5] === 0x73)
}

/** A value as the store has it, with its checksum behind it. */
function sealed(value: Uint8Array): Uint8Array {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(value))
  return Buffer.concat([value, checksum])
}
