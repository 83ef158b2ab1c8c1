import { memoryStore } from '@gridmesh/block-store'
import { type BuiltBlock, memoryRecord } from '@gridmesh/consensus'
import {
  authorityRegister,
  decodeBlock,
  decodeHeader,
  defaultRegistry,
  meterReading,
  outputId,
  type OutputId,
  toHex,
  type Transaction,
  transfer,
  txRoot,
  verifySignature,
} from '@gridmesh/ledger'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import type { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { ChainReorg } from '../../src/chain/events.ts'
import { Gate } from '../../src/chain/gate.ts'
import {
  addressOfPerson,
  at,
  buildOn,
  DAN,
  dying,
  emptyBranch,
  ERIN,
  genesisOf,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  OUTPUTS,
  payment,
  people,
  reading,
  refilled,
  resealed,
  signed,
  stateOf,
  whoseTurn,
  wordOf,
} from './chains.ts'

const genesis = genesisOf(2)

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

/** Grows a branch of its own; blocks so late are no votes, so that the longer one is the better one. */
async function branch(count: number, who: number, onBlock?: (chain: EnergyChain, i: number) => Promise<unknown>) {
  const chain = await opened({ genesis })
  await chain.start()
  const blocks: BuiltBlock[] = []
  for (let i = 0; i < count; i++) {
    await onBlock?.(chain, i)
    blocks.push(await grow(chain, who))
  }
  return { chain, blocks }
}

async function importAll(chain: EnergyChain, blocks: readonly BuiltBlock[]): Promise<string[]> {
  const words: string[] = []
  for (const { bytes } of blocks) words.push(wordOf(await chain.importBlock(bytes)))
  return words
}

const idsOf = (transactions: readonly Transaction[]): string[] => transactions.map(({ id }) => toHex(id))

/** Sells energy of Erin's to Dan. */
function sale(chain: EnergyChain, input: OutputId, amount: number): Transaction {
  const made = { asset: 'energy', amount, owner: addressOfPerson(DAN), zone: 1 } as const
  return signed(chain, ERIN, transfer, { inputs: [input], outputs: [made] })
}

const heights = (blocks: readonly { height: number }[]): number[] => blocks.map(({ height }) => height)

describe('a better branch', () => {
  it.each([1, 2, 20])('is gone to over %i blocks, and what they held goes back to the mempool', async (length) => {
    const a = await branch(length, 0, async (chain, i) =>
      offer(chain, payment(chain, i), ...(i === 0 ? [reading(chain, 1)] : [])),
    )
    const b = await branch(length + 1, 1, async (chain, i) => (i === 0 ? offer(chain, issue(chain, 0)) : []))
    const { chain } = a
    const [from, reorgs, heads]: [unknown, ChainReorg[], number[]] = [chain.head, [], []]
    const lost: string[] = []
    chain.addEventListener('chain:reorg', ({ detail }) => reorgs.push(detail))
    chain.addEventListener('chain:head', ({ detail }) => heads.push(detail.height))
    chain.mempool.addEventListener('transaction:removed', ({ detail }) => lost.push(detail.reason))

    expect(await importAll(chain, b.blocks)).toEqual(b.blocks.map(() => 'imported'))
    expect(chain.head).toEqual(b.chain.head)
    expect(await stateOf(chain)).toEqual(await stateOf(b.chain))
    // Equally long ones are told apart by their hashes, so it may have gone over one block earlier, and then further.
    expect(reorgs).toHaveLength(1)
    const [reorg] = reorgs
    expect(reorg).toMatchObject({ from, ancestor: { height: 0, hash: chain.chainId } })
    expect(heights(reorg?.reverted ?? [])).toEqual(heights(a.blocks.map(({ header }) => header)))
    expect(reorg?.to).toEqual(reorg?.applied.at(-1))
    expect(heads.at(-1)).toBe(length + 1)

    await chain.mempool.whenIdle()
    expect(chain.mempool.stats().transactions).toBe(length + 1)
    expect(lost).toEqual([])
    await grow(chain, 1)
    expect(chain.mempool.stats().transactions).toBe(0)
    expect((await stateOf(chain)).isExact).toBe(true)
  })

  it('is left again for the one before, once that is better', async () => {
    const a = await branch(2, 0, async (chain, i) => offer(chain, payment(chain, i)))
    const b = await branch(3, 1)
    const follower = await opened({ genesis })
    await importAll(follower, [...a.blocks, ...b.blocks])
    expect(follower.head).toEqual(b.chain.head)
    const more = [await grow(a.chain, 0), await grow(a.chain, 0)]
    expect(await importAll(follower, more)).toEqual(['imported', 'imported'])
    expect(follower.head).toEqual(a.chain.head)
    expect(await stateOf(follower)).toEqual(await stateOf(a.chain))
    expect(follower.stats().sideBlocks).toBe(3)
  })

  it('drops what conflicts with it, and keeps the rest', async () => {
    const a = await branch(1, 0, async (chain) =>
      offer(chain, payment(chain, 0), payment(chain, 1), issue(chain, 0, 5)),
    )
    const b = await branch(2, 1, async (chain, i) => (i === 0 ? offer(chain, issue(chain, 0, 6)) : []))
    const reasons: string[] = []
    a.chain.mempool.addEventListener('transaction:removed', ({ detail }) => reasons.push(detail.reason))
    await importAll(a.chain, b.blocks)
    expect(reasons).toEqual(['conflict'])
    expect(a.chain.mempool.stats().transactions).toBe(2)
  })

  it.each([true, false])(
    'keeps the next reading of a meter and sales of the one before; both have that: %s',
    async (both) => {
      const [a, b] = [await branch(0, 0), await branch(0, 1)]
      const first = reading(a.chain, 1)
      await offer(a.chain, first)
      if (both) await offer(b.chain, first)
      await grow(a.chain, 0)
      const waiting = [reading(a.chain, 2), sale(a.chain, outputId(first.id, 0), 500)]
      await a.chain.mempool.addAll(
        waiting.map(({ bytes }) => bytes),
        { isLocal: true },
      )
      await importAll(a.chain, [await grow(b.chain, 1), await grow(b.chain, 1)])
      expect(a.chain.head).toEqual(b.chain.head)
      const wanted = idsOf(both ? waiting : [first, ...waiting])
      expect(Array.from(a.chain.mempool.transactions(), ({ id }) => id)).toEqual(wanted)
      expect(Array.from(a.chain.mempool.local(), ({ id }) => id)).toEqual(idsOf(waiting))
      await grow(a.chain, 0)
      expect(a.chain.mempool.stats().transactions).toBe(0)
      expect(await stateOf(a.chain)).toMatchObject({ energy: 1_000n, isExact: true })
    },
  )

  it('has what spends the change of a reading wait where that reading is gone', async () => {
    const [a, b] = [await branch(0, 0), await branch(0, 1)]
    const first = reading(a.chain, 1)
    await offer(a.chain, first)
    await importAll(b.chain, [await grow(a.chain, 0)])
    const inputs = [outputId(first.id, 0)]
    const body = { meter: 'roof', zone: 1, sequence: 2, timeMs: GENESIS_MS, producedWh: 0, consumedWh: 100, inputs }
    const second = signed(a.chain, 0, meterReading, body)
    await offer(a.chain, second)
    await grow(a.chain, 0)
    const spender = sale(a.chain, outputId(second.id, 1), 400)
    expect(await offer(a.chain, spender)).toEqual(['added'])
    // The energy that the reading burned a part of is sold on the other branch.
    expect(await offer(b.chain, sale(b.chain, outputId(first.id, 0), 500))).toEqual(['added'])
    await importAll(a.chain, [await grow(b.chain, 1), await grow(b.chain, 1)])
    await a.chain.mempool.whenIdle()
    expect(a.chain.head).toEqual(b.chain.head)
    expect(a.chain.mempool.stats()).toMatchObject({ transactions: 0, waiting: 1 })
    expect(a.chain.mempool.has(toHex(spender.id))).toBe(true)
  })

  it('comes to the same head and state in whatever order the blocks arrive, parents first', async () => {
    const [a, b] = [await branch(3, 0), await branch(4, 1)]
    const orders = [
      [...a.blocks, ...b.blocks],
      [...b.blocks, ...a.blocks],
      [0, 1, 2, 3].flatMap((i) => b.blocks.slice(i, i + 1).concat(a.blocks.slice(i, i + 1))),
    ]
    const heads: unknown[][] = []
    for (const blocks of orders) {
      const chain = await opened({ genesis })
      await importAll(chain, blocks)
      heads.push([chain.head, await stateOf(chain)])
    }
    expect(heads).toEqual(heads.map(() => [b.chain.head, heads[0]?.[1]]))
  })
})

/** A branch whose second block states a wrong root of the state; only who executes it can tell. */
async function withCulprit() {
  const good = await branch(5, 0, async (chain, i) => offer(chain, payment(chain, i)))
  const { blocks } = await branch(2, 1, async (chain, i) => offer(chain, payment(chain, 10 + i)))
  const stateRoot = new Uint8Array(32).fill(7)
  const culprit = resealed(at(blocks, 1).bytes, { stateRoot }, 1)
  return { ...good, bad: [at(blocks, 0), culprit, ...emptyBranch(culprit, 5, stateRoot, 1)], culprit }
}

describe('a block beside the main chain', () => {
  it('is neither passed on nor served before it was executed, but is after', async () => {
    const [a, b] = [await branch(2, 0), await branch(3, 1)]
    const chain = await opened({ genesis })
    await importAll(chain, a.blocks)
    const served = async (blocks: readonly BuiltBlock[]): Promise<number> =>
      (await chain.backend.blocks(blocks.map(({ header }) => header.hash))).filter((block) => block !== undefined)
        .length
    expect(await chain.engine.receive('block', at(b.blocks, 0).bytes)).toMatchObject({ verdict: 'ignore' })
    expect([chain.stats().sideBlocks, await served(b.blocks)]).toEqual([1, 0])
    await importAll(chain, b.blocks.slice(1, 2))
    expect(await chain.engine.receive('block', at(b.blocks, 2).bytes)).toMatchObject({ verdict: 'accept' })
    expect([await served(a.blocks), await served(b.blocks)]).toEqual([2, 3])
  })

  it('is nobody’s fault where its height became final on its way', async () => {
    const chain = await opened()
    const late = await buildOn(await opened(), 0, 20_000)
    for (let i = 0; i < 4; i++) await grow(chain, 0, 1_000)
    expect(wordOf(await chain.importBlock(late.bytes))).toBe('below-finalised')
    expect(await chain.engine.receive('block', late.bytes)).toMatchObject({ verdict: 'ignore' })
  })
})

describe('while branches are switched', () => {
  it('a move waits for whoever reads already', async () => {
    const gate = new Gate()
    const { promise, resolve } = Promise.withResolvers<void>()
    const done: string[] = []
    const reads = [gate.read(async () => promise), gate.read(async () => Promise.reject(new RangeError('no')))]
    const results = Promise.allSettled(reads)
    const moving = gate.move(async () => Promise.resolve(void done.push('moved')))
    const later = gate.read(async () => Promise.resolve(void done.push('read')))
    await new Promise(setImmediate)
    expect(done).toEqual([])
    resolve()
    await Promise.all([moving, later, results])
    expect(done).toEqual(['moved', 'read'])
  })

  it('the head is the old one, and whoever reads waits for the new one', async () => {
    const [a, b] = [await branch(2, 0), await branch(3, 1)]
    const disk = memoryStore()
    let hold: Promise<void> | undefined
    const { promise: reached, resolve: onReached } = Promise.withResolvers<void>()
    const { promise: released, resolve: release } = Promise.withResolvers<void>()
    const { store } = dying(disk, async () => {
      if (hold !== undefined) onReached()
      await hold
    })
    const chain = await opened({ store, genesis })
    await chain.start()
    await importAll(chain, [...a.blocks, ...b.blocks.slice(0, 2)])
    const before = chain.head
    hold = released
    const switching = importAll(chain, b.blocks.slice(2))
    await reached
    expect([chain.head, chain.consensus.head().header.hash]).toEqual([before, before.hash])
    let answers = 0
    const reads = Promise.all(
      [
        chain.consensus.hashAt(1),
        chain.backend.headers(1, 1).then(([header]) => chain.headers.decode(header ?? new Uint8Array()).hash),
        buildOn(chain, 1)
          .then(({ header }) => header.parent)
          .catch((err: unknown) => (err instanceof Error ? err.name : '')),
        offer(chain, payment(chain, 0)).then(([word]) => word),
      ].map(async (read) => read.finally(() => (answers += 1))),
    )
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    expect([answers, chain.head]).toEqual([0, before])
    release()
    expect(await switching).toEqual(['imported'])
    expect(await reads).toEqual([at(b.blocks, 0).header.hash, at(b.blocks, 0).header.hash, 'HeadMovedError', 'added'])
  })

  it('a check of signatures that fails leaves all as it is, and the block that comes again leads on', async () => {
    const a = await branch(1, 0)
    const b = await branch(2, 1, async (chain, i) => offer(chain, payment(chain, i)))
    let isBroken = false
    const chain = await opened({
      genesis,
      async verify(claims) {
        // The first of a block is its proposer alone, whose message begins otherwise.
        const isTransaction = claims.some(({ message }) => Buffer.from(message).includes('gridmesh/tx'))
        if (isBroken && isTransaction) throw new RangeError('no worker')
        return Promise.resolve(claims.map(verifySignature))
      },
    })
    await importAll(chain, a.blocks)
    isBroken = true
    const results = await Promise.allSettled(b.blocks.map(async ({ bytes }) => chain.importBlock(bytes)))
    expect(results.at(-1)).toMatchObject({ status: 'rejected', reason: { code: 'verify-failed' } })
    expect(chain.head).toEqual(a.chain.head)
    isBroken = false
    expect(await importAll(chain, b.blocks.slice(1))).toEqual(['known'])
    expect(chain.head).toEqual(b.chain.head)
  })
})

describe('a better branch with an invalid block in it', () => {
  it('leaves everything as it was, and is remembered with all that builds on it', async () => {
    const { chain: good, bad, culprit, blocks } = await withCulprit()
    let batches = 0
    const { store } = dying(memoryStore(), async () => Promise.resolve(void (batches += 1)))
    const chain = await opened({ store, genesis })
    await importAll(chain, blocks)
    expect(chain.head).toEqual(good.head)
    batches = 0
    const told: string[] = []
    for (const name of ['chain:block', 'chain:head', 'chain:reorg'] as const) {
      chain.addEventListener(name, () => told.push(name))
    }
    chain.mempool.addEventListener('transaction:added', () => told.push('added'))
    const before = [chain.consensus.head(), chain.finalised, await stateOf(chain)]
    const words = await importAll(chain, bad)
    // It is tried once it is longer, or as long and of the smaller hash; all of it above the culprit is remembered then.
    const isTriedEarly = words[4] === 'invalid-parent'
    expect(words.slice(0, 4)).toEqual(['imported', 'imported', 'imported', 'imported'])
    expect(words.slice(isTriedEarly ? 4 : 5, 6)).toEqual((isTriedEarly ? [4, 5] : [5]).map(() => 'invalid-parent'))
    // What came after it was never kept, and so is not remembered.
    expect(words[6]).toBe(isTriedEarly ? 'unknown-parent' : 'invalid-parent')
    expect([chain.consensus.head(), chain.finalised, await stateOf(chain)]).toEqual(before)
    expect(told).toEqual([])
    // Five off, one of the branch on and off, five on: it is tried once, and nothing above the culprit is.
    expect(batches).toBe(12)
    expect(await chain.importBlock(culprit.bytes)).toMatchObject({ status: 'refused', code: 'wrong-state-root' })
    expect(wordOf(await chain.importBlock(at(emptyBranch(culprit, 1, new Uint8Array(32), 0), 0).bytes))).toBe(
      'invalid-parent',
    )
    // What was valid of the branch is kept beside, and every old block is there.
    expect(chain.stats()).toMatchObject({ sideBlocks: 1 })
    expect(
      (await chain.backend.blocks(blocks.map(({ header }) => header.hash))).every((block) => block !== undefined),
    ).toBe(true)
    await grow(chain, 0)
    expect((await stateOf(chain)).isExact).toBe(true)
  })

  it('is found out by a false signature before anything is written', async () => {
    const a = await branch(2, 0)
    const { blocks } = await branch(2, 1, async (its, i) => offer(its, payment(its, i)))
    // The last byte of the only transaction is of its signature: so its id, and the root over it, are other ones.
    const forged = Uint8Array.from(at(blocks, 1).bytes)
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    const { transactions } = decodeBlock(forged, defaultRegistry)
    const culprit = resealed(forged, { txRoot: txRoot(transactions.map(({ id }) => id)) }, 1)
    let batches = 0
    const { store } = dying(memoryStore(), async () => Promise.resolve(void (batches += 1)))
    const chain = await opened({ store, genesis })
    await importAll(chain, a.blocks)
    batches = 0
    await importAll(chain, [at(blocks, 0), culprit, ...emptyBranch(culprit, 1, new Uint8Array(32), 1)])
    expect(wordOf(await chain.importBlock(culprit.bytes))).toBe('invalid-signature')
    expect([batches, chain.head]).toEqual([0, a.chain.head])
  })

  it('says so, and imports nothing any more, where taking back a block does not lead to the state before it', async () => {
    const [a, b] = [await branch(1, 0, async (chain) => offer(chain, reading(chain, 1))), await branch(2, 1)]
    const store = memoryStore()
    const chain = await opened({ store, genesis, blockStore: { maxCacheBytes: 0 } })
    await importAll(chain, a.blocks)
    // Whoever certified the reading is an authority no longer, though no block said so.
    const iterator = store.iterator({})
    const keys = (await iterator.next()).map(([key]) => Buffer.from(key))
    await iterator.close()
    const lost = keys.filter((key) => key.includes(Buffer.concat([Buffer.from('a'), addressOfPerson(0)])))
    await store.batch(
      lost.map((key) => ({ key, value: undefined })),
      { sync: true },
    )
    await expect(importAll(chain, b.blocks)).rejects.toMatchObject({
      name: 'ChainFailedError',
      cause: { name: 'StateMismatchError', height: 0 },
    })
    await expect(importAll(chain, b.blocks)).rejects.toMatchObject({ code: 'chain-failed' })
    expect(chain.head).toEqual(a.chain.head)
  })
})

describe('blocks beside the main chain', () => {
  it('are at most maxSideBlocks: the worst goes, and one that would be the worst is not taken', async () => {
    const a = await branch(6, 0)
    const rivals = await Promise.all(
      [1, 2, 3].map(async (afterMs) => {
        const chain = await opened({ genesis })
        const blocks = [await grow(chain, 1, 20_000 + afterMs), await grow(chain, 1)]
        return { chain, blocks }
      }),
    )
    const chain = await opened({ genesis, limits: { maxSideBlocks: 4 } })
    await importAll(chain, a.blocks.slice(0, 4))
    const [first = [], second = [], third = []] = rivals.map(({ blocks }) => blocks)
    const longer = [await grow(at(rivals, 0).chain, 1)]
    expect(await importAll(chain, [...first, ...second])).toEqual(['imported', 'imported', 'imported', 'imported'])
    expect(chain.stats().sideBlocks).toBe(4)
    await expect(chain.importBlock(at(third, 0).bytes)).rejects.toMatchObject({
      name: 'SideBlocksFullError',
      code: 'side-full',
    })
    const held = async (...blocks: BuiltBlock[]): Promise<boolean[]> => {
      const words: string[] = []
      for (const { bytes } of blocks) words.push(await chain.importBlock(bytes).then(wordOf, String))
      return words.map((word) => word === 'known')
    }
    expect(await held(...first, ...second, ...third)).toEqual([true, true, true, true, false, false])
    // One that makes its branch the best beside the main chain pushes out the end of the other one.
    expect(await importAll(chain, [at(longer, 0)])).toEqual(['imported'])
    expect(chain.stats().sideBlocks).toBe(4)
    expect(await held(...first, at(longer, 0), ...second)).toEqual([true, true, true, true, false])
    expect(chain.head).toEqual(expect.objectContaining({ height: 4 }))
  })

  it('have room for a branch that comes back, however many blocks one authority signs of a height', async () => {
    const three = genesisOf(3)
    const main = await opened({ genesis: three })
    const blocks = [await grow(main, 0), await grow(main, 0)]
    const rivals = await Promise.all(Array.from({ length: 6 }, async (_, i) => buildOn(main, 1, 20_000 + i)))
    blocks.push(await grow(main, 0), await grow(main, 0))
    const back = await opened({ genesis: three })
    const returning = [await grow(back, 2), await grow(back, 2)]
    const size = Math.max(...rivals.map(({ bytes }) => bytes.byteLength))
    for (const limits of [{ maxSideBlocks: 4 }, { maxSideBytes: 4 * size }]) {
      const chain = await opened({ genesis: three, limits })
      await importAll(chain, blocks)
      for (const { bytes } of rivals) await chain.importBlock(bytes).catch(() => undefined)
      expect(chain.stats().sideBlocks).toBe(4)
      expect(await importAll(chain, returning)).toEqual(['imported', 'imported'])
      // Four together, of which each has two by now.
      expect(await importAll(chain, returning)).toEqual(['known', 'known'])
      expect(chain.stats().sideBlocks).toBe(4)
    }
  })

  it('have room for one of others where the blocks of one authority are few and large', async () => {
    const three = genesisOf(3)
    const [main, back] = [await opened({ genesis: three }), await opened({ genesis: three })]
    const blocks = [await grow(main, 0), await grow(main, 0)]
    const payments = Array.from({ length: OUTPUTS }, (_, i) => payment(main, i))
    const large = refilled((await buildOn(main, 1, 20_000)).bytes, payments, 'energy', 1)
    blocks.push(await grow(main, 0), await grow(main, 0))
    const returning = [await grow(back, 2), await grow(back, 2), await grow(back, 2)]
    const chain = await opened({ genesis: three, limits: { maxSideBytes: large.bytes.byteLength } })
    expect(await importAll(chain, [...blocks, large, ...returning])).toEqual(Array(8).fill('imported'))
    expect(await importAll(chain, returning)).toEqual(['known', 'known', 'known'])
  })

  it('count for the authority that signed them, or named who did by itself', async () => {
    const three = genesisOf(3)
    const [main, back] = [await opened({ genesis: three }), await opened({ genesis: three })]
    const blocks = [await grow(main, 0), await grow(main, 0), await grow(main, 0)]
    const returning = [await grow(back, 2), await grow(back, 2)]
    const empty = await buildOn(await opened({ genesis: three }), 1, 20_000)
    // Of each of two keys it says that the others let it in, which only whoever executes the block can deny.
    const rivals = [3, 4].flatMap((named) => {
      const ref = { proposer: addressOfPerson(0), proposal: new Uint8Array(32) }
      const authority = { publicKey: at(people, named).publicKey, zones: [] }
      const change = signed(main, 1, authorityRegister, { ...ref, authority }, named)
      const first = refilled(empty.bytes, [change], 'governance', 1)
      return [first].concat(emptyBranch(first, 1, new Uint8Array(32), named))
    })
    const chain = await opened({ genesis: three, limits: { maxSideBlocks: 4 } })
    expect(await importAll(chain, [...blocks, ...rivals])).toEqual(Array(7).fill('imported'))
    expect(chain.stats().sideBlocks).toBe(4)
    expect(await importAll(chain, returning)).toEqual(['imported', 'imported'])
    expect(await importAll(chain, returning)).toEqual(['known', 'known'])
  })

  it('have no room for one of our own, which then counts as done, so that we make the next one', async () => {
    const own = await branch(1, 0)
    const others = await branch(2, 1)
    const options = { genesis, signer: at(people, 0), record: memoryRecord(), limits: { maxSideBlocks: 0 } }
    const chain = await opened(options)
    await importAll(chain, others.blocks)
    const [block] = own.blocks.map(({ bytes }) => bytes)
    expect(await chain.consensus.importBlock(block ?? new Uint8Array())).toEqual({ status: 'known' })
    const foreign = await opened({ ...options, signer: at(people, 1) })
    await importAll(foreign, others.blocks)
    const refused = foreign.consensus.importBlock(block ?? new Uint8Array())
    await expect(refused).rejects.toMatchObject({ name: 'SideBlocksFullError' })
  })

  it('are gone once they contradict what is final', async () => {
    const chain = await opened({ genesis })
    const a = await opened({ genesis })
    const side = await branch(1, whoseTurn(2, 2))
    const blocks: BuiltBlock[] = []
    for (const i of [1, 2, 3, 4, 5]) blocks.push(await grow(a, whoseTurn(i, 2), 1_000))
    await importAll(chain, [at(blocks, 0), ...side.blocks])
    expect(chain.stats().sideBlocks).toBe(1)
    await importAll(chain, blocks)
    expect(chain.head).toEqual(a.head)
    expect(chain.finalised.height).toBeGreaterThan(0)
    expect(chain.stats()).toMatchObject({ sideBlocks: 0, sideBytes: 0 })
  })

  it('are not gone to where more than maxSideBlocks would be reverted, which is told', async () => {
    const a = await branch(3, 0)
    const b = await opened({ genesis })
    const inTurn = [await grow(b, whoseTurn(1, 2), 1_000), await grow(b, whoseTurn(2, 2), 1_000)]
    for (const [maxSideBlocks, isGoneTo] of [
      [3, true],
      [2, false],
    ] as const) {
      const chain = await opened({ genesis, limits: { maxSideBlocks } })
      const stuck: string[] = []
      chain.addEventListener('chain:stuck', ({ detail }) => stuck.push(detail.code))
      expect(await importAll(chain, [...a.blocks, ...inTurn])).toEqual(Array.from({ length: 5 }, () => 'imported'))
      expect(chain.head).toEqual(isGoneTo ? b.head : a.chain.head)
      // Once for a branch, however often it comes.
      expect(await importAll(chain, inTurn)).toEqual(['known', 'known'])
      expect(stuck).toEqual(isGoneTo ? [] : ['reorg-too-long'])
    }
  })

  it('are not gone to where more than maxSideBytes would be reverted, which is told', async () => {
    const a = await branch(3, 0, async (chain, i) =>
      offer(chain, ...Array.from({ length: 9 }, (_, j) => payment(chain, 9 * i + j))),
    )
    const b = await opened({ genesis })
    const inTurn = [await grow(b, whoseTurn(1, 2), 1_000), await grow(b, whoseTurn(2, 2), 1_000)]
    const maxSideBytes = a.blocks.reduce((sum, { bytes }) => sum + bytes.byteLength, -1)
    const chain = await opened({ genesis, limits: { maxSideBytes } })
    const stuck: string[] = []
    chain.addEventListener('chain:stuck', ({ detail }) => stuck.push(detail.code))
    await importAll(chain, [...a.blocks, ...inTurn])
    expect([chain.head, stuck]).toEqual([a.chain.head, ['reorg-too-long']])
  })

  it('are not gone to where what would be reverted is pruned, which is told', async () => {
    const [a, b] = [await branch(3, 0), await branch(4, 1)]
    const chain = await opened({ genesis, blockStore: { keepBlocks: 2 } })
    const stuck: string[] = []
    chain.addEventListener('chain:stuck', ({ detail }) => stuck.push(detail.code))
    await importAll(chain, [...a.blocks, ...b.blocks])
    expect(chain.head).toEqual(a.chain.head)
    expect(stuck.at(-1)).toBe('reorg-pruned')
  })
})

describe('a store that dies', () => {
  it('opens at a whole chain of one branch or the other after any batch of a reorganisation', async () => {
    const a = await branch(3, 0, async (chain, i) => offer(chain, payment(chain, i)))
    const b = await branch(4, 1, async (chain, i) => offer(chain, payment(chain, 20 + i)))
    const known = new Set([a.chain.chainId, ...[...a.blocks, ...b.blocks].map(({ header }) => header.hash)])
    const seen = new Set<string>()
    for (let batches = 0; ; batches++) {
      const { store, dieAfter } = dying(memoryStore())
      const chain = await opened({ store, genesis })
      await importAll(chain, [...a.blocks, ...b.blocks.slice(0, 2)])
      dieAfter(batches)
      const rest = await importAll(chain, b.blocks.slice(2)).catch((err: unknown) => err)
      await chain.stop()
      dieAfter(Infinity)
      const again = await opened({ store, genesis })
      seen.add(`${again.head.height}`)
      expect(known).toContain(again.head.hash)
      const { root, isExact } = await stateOf(again)
      const [header = new Uint8Array()] = await again.backend.headers(again.head.height, 1)
      expect([root, isExact]).toEqual([toHex(decodeHeader(header).stateRoot), true])
      // Whatever it has lost comes back from others.
      await importAll(again, [...a.blocks, ...b.blocks])
      expect(again.head).toEqual(b.chain.head)
      expect(await stateOf(again)).toEqual(await stateOf(b.chain))
      if (Array.isArray(rest)) break
      expect(rest).toMatchObject({ name: 'ChainFailedError', code: 'chain-failed' })
    }
    expect(seen).toContain('0')
    expect(seen).toContain('4')
  })
})
