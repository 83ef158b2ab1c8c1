import { memoryStore } from '@gridmesh/block-store'
import { BUCKETS, decodeHeader, decodePiece, encodeBlock, toHex } from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { at, genesisOf, GENESIS_MS, grow, offer, opened, payment, RULES, stateOf, whoseTurn } from './chains.ts'
import { forgedBlock, forgedPiece } from './forger.ts'
import { add, blockOf, chainOf, growBy, heightOf, NEVER, pieceOf, rootOf, take } from './states.ts'
import { SyncNet, syncOnce, syncOf } from './sync-net.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 100_000_000 })
  return () => vi.useRealTimers()
})

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

  it('takes the state in more pieces where one of them is too long for it, and blames nobody', async () => {
    const full = await chainOf(9)
    const chain = await opened({ checkpoints: { every: 5, pieces: 1 } })
    const net = new SyncNet()
    for (const id of ['a', 'b', 'c']) net.join(id, full)
    const sync = syncOf(chain, net, { maxBlockBytes: 2_000, maxAnswerBytes: 2_000 })
    sync.start()
    expect(await sync.sync()).toMatchObject({ status: 'synced', tip: full.head, imported: 4 })
    await sync.stop()
    expect((await stateOf(chain)).root).toBe(await rootOf(full))
    expect(new Set(net.pieces.map(({ piece }) => piece)).size).toBe(16)
    expect(net.reports).toEqual([])
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

  it('takes no block that its maker did not sign, and none but genesis as the first', async () => {
    const first = forgedBlock({ height: 0 })
    const signed = forgedBlock({ height: 1, parent: first.header.hash })
    const { bytes } = signed.header
    const header = decodeHeader(bytes.map((byte, i) => (i === bytes.byteLength - 1 ? byte ^ 1 : byte)))
    const unsigned = { ...signed, header }
    for (const { good, bad } of [
      { good: [], bad: unsigned },
      { good: [signed], bad: first },
    ]) {
      const chain = await opened({ checkpoints: { pieces: 1 } })
      const top = forgedBlock({ height: 2, parent: (good[0] ?? bad).header.hash })
      const state = await chain.stateTarget.begin(encodeBlock(top), NEVER)
      expect(await add(state, 0, forgedPiece(0, 1))).toBeUndefined()
      await state.finish(NEVER)
      for (const block of good) await chain.history.prepend(encodeBlock(block), NEVER)
      await expect(chain.history.prepend(encodeBlock(bad), NEVER)).rejects.toMatchObject({ code: 'wrong-history' })
      expect(chain.history.lowest()?.height).toBe(2 - good.length)
    }
  })
})
