import { type KeyValueStore, memoryStore } from '@gridmesh/block-store'
import type { StateImport } from '@gridmesh/block-sync'
import { BUCKETS, decodeHeader, decodePiece, encodePiece, toHex } from '@gridmesh/ledger'
import * as fc from 'fast-check'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { EnergyChainInit } from '../../src/chain/init.ts'
import { at, dying, genesisOf, GENESIS_MS, grow, offer, opened, payment, RULES, stateOf, whoseTurn } from './chains.ts'
import { SyncNet, syncOnce, syncOf } from './sync-net.ts'

const NEVER = { signal: new AbortController().signal }

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

/** A chain of so many blocks, each with one payment, that gives its state after every fifth. */
async function chainOf(blocks: number, init: Partial<EnergyChainInit> = {}): Promise<EnergyChain> {
  const chain = await opened({ checkpoints: { every: 5 }, ...init })
  await chain.start()
  await growBy(chain, blocks)
  return chain
}

async function growBy(chain: EnergyChain, blocks: number): Promise<void> {
  for (let i = 0; i < blocks; i++) {
    await offer(chain, payment(chain, chain.head.height))
    await grow(chain, 0, 1_000)
  }
}

async function blockOf(chain: EnergyChain, hash: string): Promise<Uint8Array> {
  const [block] = await chain.backend.blocks([hash])
  if (block === undefined) throw new RangeError(`no block ${hash}`)
  return block
}

/** The root that the header of the head states. */
async function rootOf(chain: EnergyChain): Promise<string> {
  const [header = new Uint8Array()] = await chain.backend.headers(chain.head.height, 1)
  return toHex(decodeHeader(header).stateRoot)
}

describe('the state that is given to others', () => {
  it('is that after the newest final multiple, as it was, while the chain goes on', async () => {
    const chain = await chainOf(4)
    expect(chain.stateReader.checkpoint()).toBeUndefined()
    await growBy(chain, 2)
    // Not final yet: of one authority, a block is after two more.
    expect(chain.stateReader.checkpoint()).toBeUndefined()
    await growBy(chain, 1)
    expect(chain.stateReader.checkpoint()?.height).toBe(5)
    const before = await pieceOf(chain, 0, 1)
    await growBy(chain, 4)
    expect(chain.stateReader.checkpoint()?.height).toBe(5)
    expect(await pieceOf(chain, 0, 1)).toEqual(before)
    await growBy(chain, 1)
    expect(chain.stateReader.checkpoint()?.height).toBe(10)
    expect(await pieceOf(chain, 0, 1)).not.toEqual(before)
  })

  it('has all entries in its pieces, however many, and each once', async () => {
    const chain = await chainOf(7)
    const whole = decodePiece((await pieceOf(chain, 0, 1)) ?? new Uint8Array())
    for (const pieces of [2, 64, 1_024]) {
      const entries = []
      for (let i = 0; i < pieces; i++) {
        entries.push(...decodePiece((await pieceOf(chain, i, pieces)) ?? new Uint8Array()).entries)
      }
      expect(entries).toEqual(whole.entries)
    }
  })

  it('is none for another block, for parts that there are not, without any checkpoint, and once it is stopped', async () => {
    const chain = await chainOf(7)
    const block = chain.stateReader.checkpoint() ?? chain.head
    const piece = async (request: object) => chain.stateReader.piece({ block, piece: 0, pieces: 1, ...request }, NEVER)
    expect(await piece({})).toBeDefined()
    expect(await piece({ block: chain.head })).toBeUndefined()
    expect(await piece({ block: { ...block, height: 4 } })).toBeUndefined()
    expect(await piece({ pieces: 3 })).toBeUndefined()
    expect(await piece({ pieces: 2, piece: 2 })).toBeUndefined()
    expect((await chainOf(7, { checkpoints: { every: 0 } })).stateReader.checkpoint()).toBeUndefined()
    await chain.stop()
    expect(await piece({})).toBeUndefined()
  })

  it('is never that of a block that was taken off', async () => {
    const genesis = genesisOf(2)
    const a = await opened({ genesis, checkpoints: { every: 2 } })
    const b = await opened({ genesis, checkpoints: { every: 2 } })
    await a.start()
    await b.start()
    // Late blocks are no votes, so that the longer branch is the better one.
    await b.importBlock((await grow(a, 0, 60_000)).bytes)
    // The block of the multiple alone is taken off.
    await grow(a, 0, 60_000)
    for (let i = 0; i < 2; i++) {
      if (i === 0) await offer(b, payment(b, 0))
      const { bytes } = await grow(b, 1, 60_000)
      await a.importBlock(bytes)
    }
    expect(a.head).toEqual(b.head)
    for (let i = 0; i < 8; i++) {
      const who = whoseTurn(b.head.height + 1, 2)
      const { bytes } = await grow(b, who, 1_000)
      await a.importBlock(bytes)
    }
    expect(a.stateReader.checkpoint()?.height).toBeGreaterThan(0)
    expect(await pieceOf(a, 0, 1)).toEqual(await pieceOf(b, 0, 1))
  })

  it('refuses options that make no sense', async () => {
    await expect(opened({ checkpoints: { every: -1 } })).rejects.toThrow('every is -1')
    await expect(opened({ checkpoints: { pieces: 3 } })).rejects.toThrow('pieces is 3')
    await expect(opened({ checkpoints: { pieces: 2 * BUCKETS } })).rejects.toThrow(RangeError)
  })
})

async function pieceOf(chain: EnergyChain, piece: number, pieces: number): Promise<Uint8Array | undefined> {
  const block = chain.stateReader.checkpoint()
  return block === undefined ? undefined : chain.stateReader.piece({ block, piece, pieces }, NEVER)
}

describe('a node that syncs to a checkpoint', () => {
  it('takes the state in pieces, goes on by blocks, and fills in the history down to genesis', async () => {
    const full = await chainOf(9)
    const chain = await opened({ checkpoints: { every: 5, pieces: 16 } })
    const net = new SyncNet()
    for (const id of ['a', 'b']) net.join(id, full)
    expect(await syncOnce(chain, net, true)).toMatchObject({ status: 'synced', tip: full.head, imported: 4 })

    expect(new Set(net.pieces.map(({ piece }) => piece)).size).toBe(16)
    expect(new Set(net.pieces.map(({ peer }) => peer))).toEqual(new Set(['a', 'b']))
    expect(net.reports).toEqual([])
    expect(await stateOf(chain)).toEqual(await stateOf(full))
    expect((await stateOf(chain)).root).toBe(await rootOf(full))
    const headers = await full.backend.headers(0, 20)
    expect(await chain.backend.headers(0, 20)).toEqual(headers)
    const hashes = headers.map((header) => full.headers.decode(header).hash)
    expect(await chain.backend.blocks(hashes)).toEqual(await full.backend.blocks(hashes))
    expect(await chain.index.transaction(payment(chain, 0).id)).toEqual({ height: 1, position: 0 })
  })

  it('makes blocks, gives its state and finds the same final blocks as one that has executed all', async () => {
    const full = await chainOf(7)
    const chain = await opened({ checkpoints: { every: 5, pieces: 4 } })
    await chain.start()
    const net = new SyncNet()
    net.join('a', full)
    await syncOnce(chain, net)
    expect(chain.head).toEqual(full.head)
    for (let i = 0; i < 6; i++) {
      await offer(chain, payment(chain, chain.head.height))
      const { bytes } = await grow(chain, 0, 1_000)
      expect(await full.importBlock(bytes)).toMatchObject({ status: 'imported' })
      expect(chain.finalised).toEqual(full.finalised)
    }
    expect(chain.stateReader.checkpoint()).toEqual(full.stateReader.checkpoint())
    expect(await pieceOf(chain, 3, 8)).toEqual(await pieceOf(full, 3, 8))
    expect(await stateOf(chain)).toEqual(await stateOf(full))
  })

  it('tells of the new head and of what is final, and judges the mempool anew', async () => {
    const full = await chainOf(7)
    const chain = await opened({ checkpoints: { pieces: 4 } })
    await chain.start()
    await offer(chain, payment(chain, 0), payment(chain, 30))
    const told: string[] = []
    for (const type of ['chain:block', 'chain:head', 'chain:final'] as const) {
      chain.addEventListener(type, () => void told.push(`${type} ${chain.head.height}`))
    }
    const net = new SyncNet()
    net.join('a', full)
    const synced = syncOf(chain, net)
    synced.start()
    const isAtCheckpoint = new Promise((resolve) => chain.addEventListener('chain:final', resolve, { once: true }))
    await Promise.all([isAtCheckpoint, synced.sync()])
    await synced.stop()
    await chain.mempool.whenIdle()
    expect(told.slice(0, 2)).toEqual(['chain:head 5', 'chain:final 5'])
    // The first was spent before the checkpoint, and nobody there knows what it spent; the other one applies.
    expect([...chain.mempool.transactions()].map(({ id }) => id)).toEqual([toHex(payment(chain, 30).id)])
  })

  it('opens again at the checkpoint, and where its history was', async () => {
    const full = await chainOf(9)
    const store = memoryStore()
    const init = { store, genesis: genesisOf(), consensus: RULES, checkpoints: { every: 5, pieces: 4 } }
    const first = await opened(init)
    const net = new SyncNet()
    net.join('a', full)
    await syncOnce(first, net)
    await first.history.prepend(
      await blockOf(full, full.headers.decode(at(await full.backend.headers(4, 1), 0)).hash),
      NEVER,
    )
    await first.stop()

    const again = await opened(init)
    expect(again.head).toEqual(full.head)
    expect(again.finalised).toEqual(full.finalised)
    expect(again.history.lowest()?.height).toBeLessThanOrEqual(4)
    expect(await syncOnce(again, net, true)).toMatchObject({ status: 'synced', imported: 0 })
    expect(again.history.lowest()).toBeUndefined()
    expect(await stateOf(again)).toEqual(await stateOf(full))
  })

  it('takes only the checkpoint that is trusted, and reports who gives a false piece', async () => {
    const full = await chainOf(9)
    const trusted = full.stateReader.checkpoint() ?? full.head
    for (const [hash, imported] of [
      [trusted.hash, 4],
      ['ff'.repeat(32), 9],
    ] as const) {
      const chain = await opened({ checkpoints: { pieces: 4, trusted: { ...trusted, hash } } })
      const net = new SyncNet()
      net.join('liar', full, ({ piece }) => ({ piece: piece?.map((byte, i) => (i === 20 ? byte ^ 1 : byte)) }))
      net.join('honest', full)
      expect(await syncOnce(chain, net)).toMatchObject({ status: 'synced', tip: full.head, imported })
      const lies = imported === 4 ? [{ peer: 'liar', offence: 'false-piece' }] : []
      expect(net.reports).toEqual(lies)
    }
  })
})

describe('the history', () => {
  it('takes nothing but the parent of the lowest block, with the body of its header, of this chain', async () => {
    const full = await chainOf(7)
    const other = await chainOf(7, { genesis: genesisOf(1, 'other') })
    const chain = await opened({ checkpoints: { pieces: 1 } })
    await take(chain, full)
    expect(chain.history.lowest()?.height).toBe(5)
    const [good, below] = [await heightOf(full, 4), await heightOf(full, 3)]
    const headerBytes = full.headers.ofBlock(good).byteLength
    const mixed = Buffer.concat([good.subarray(0, headerBytes), below.subarray(headerBytes)])
    await expect(chain.history.prepend(await heightOf(other, 4), NEVER)).rejects.toMatchObject({
      code: 'wrong-history',
    })
    await expect(chain.history.prepend(mixed, NEVER)).rejects.toMatchObject({ code: 'wrong-history' })
    await expect(chain.history.prepend(below, NEVER)).rejects.toMatchObject({ code: 'wrong-height' })
    expect(chain.history.lowest()?.height).toBe(5)
    for (let height = 4; height >= 0; height--) await chain.history.prepend(await heightOf(full, height), NEVER)
    expect(chain.history.lowest()).toBeUndefined()
    expect(await chain.backend.headers(0, 1)).toEqual(await full.backend.headers(0, 1))
  })
})

/** Takes the state at the checkpoint of another chain, piece by piece, in an order. */
async function take(chain: EnergyChain, from: EnergyChain, order?: readonly number[]): Promise<void> {
  const state = await begin(chain, from)
  const missing = order ?? Array.from({ length: state.pieces }, (_, i) => i)
  for (const piece of missing) {
    if (state.kept.includes(piece)) continue
    const refusal = await state.add(piece, (await pieceOf(from, piece, state.pieces)) ?? new Uint8Array(), NEVER)
    if (refusal !== undefined) throw new RangeError(refusal.code)
  }
  await state.finish(NEVER)
}

async function begin(chain: EnergyChain, from: EnergyChain): Promise<StateImport> {
  const { hash } = from.stateReader.checkpoint() ?? from.head
  return chain.stateTarget.begin(await blockOf(from, hash), NEVER)
}

const openOver = async (store: KeyValueStore, pieces: number): Promise<EnergyChain> =>
  opened({ store, genesis: genesisOf(), consensus: RULES, checkpoints: { pieces } })

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
        for (const lie of lies) expect(await state.add(i, lie, NEVER)).toMatchObject({ code: expect.any(String) })
        expect(await state.add((i + 1) % 16, honest, NEVER)).toMatchObject({ code: 'another-piece' })
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

  it('deletes what was kept of it and is not that state any more, and stays where it was', async () => {
    const disk = memoryStore()
    const chain = await openOver(disk, 2)
    const state = await begin(chain, full)
    for (const i of [0, 1]) await state.add(i, (await pieceOf(full, i, 2)) ?? new Uint8Array(), NEVER)
    await removeStaged(disk)
    await expect(state.finish(NEVER)).rejects.toMatchObject({ code: 'corrupt-checkpoint' })
    expect(chain.head.height).toBe(0)
    await take(chain, full)
    expect((await stateOf(chain)).root).toBe(root)
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
      expect(await state.add(0, piece, NEVER)).toMatchObject({ code })
      await expect(state.finish(NEVER)).rejects.toThrow(RangeError)
      await state.close()
    }
  })

  it('does not go back: not to a final height, nor to one that was passed while it was fetched', async () => {
    const chain = await openOver(memoryStore(), 1)
    const state = await begin(chain, full)
    await state.add(0, (await pieceOf(full, 0, 1)) ?? new Uint8Array(), NEVER)
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
    await state.add(0, (await pieceOf(full, 0, 2)) ?? new Uint8Array(), NEVER)
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

async function heightOf(chain: EnergyChain, height: number): Promise<Uint8Array> {
  return blockOf(chain, chain.headers.decode(at(await chain.backend.headers(height, 1), 0)).hash)
}

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

/** Takes one entry out of what is staged. */
async function removeStaged(disk: KeyValueStore): Promise<void> {
  const keys = await keysOf(disk, STAGED)
  const entry = at(
    keys.filter((key) => key[5] === 0x73),
    0,
  )
  await disk.batch([{ key: entry, value: undefined }], { sync: true })
}
