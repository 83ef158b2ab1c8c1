import { BlockStore, memoryStore } from '@gridmesh/block-store'
import { type SignatureClaim, toHex, verifySignature } from '@gridmesh/ledger'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import {
  type Block,
  type ChainMove,
  type ChainStore,
  encodeBlock,
  KeyValueChain,
  type KeyValueChainInit,
  type Transaction,
} from '../src/index.ts'
import {
  ANN,
  at,
  BEN,
  blocksUpon,
  blockUpon,
  bytesOf,
  GENESIS,
  genesisOf,
  importAll,
  opened,
  people,
  signed,
  signerOfSlot,
  START_MS,
  textOf,
  valuesOf,
  wordOf,
} from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS + 1_000_000 })
  return () => vi.useRealTimers()
})

const idsOf = (blocks: readonly Block[]): string[] =>
  blocks.flatMap(({ transactions }) => transactions.map(({ id }) => toHex(id)))

function movesOf(chain: KeyValueChain): ChainMove[] {
  const moves: ChainMove[] = []
  chain.addEventListener('chain:moved', ({ detail }) => void moves.push(detail))
  return moves
}

it('sets and deletes what the transactions of its blocks say, and counts their senders on', async () => {
  const chain = await opened()
  const [ann, ben] = [at(people, ANN).publicKey, at(people, BEN).publicKey]
  const blocks = blocksUpon(GENESIS.header, 2, { firstSlot: 1 }, (i) =>
    i === 0
      ? [signed(ANN, 0, { lamp: 'on', door: 'shut' }), signed(BEN, 0, { lamp: 'off' })]
      : [signed(ANN, 1, { door: undefined, gone: undefined })],
  )
  expect(await importAll(chain, blocks)).toEqual(['imported', 'imported'])
  expect(await valuesOf(chain)).toEqual({ lamp: 'off' })
  expect(textOf((await chain.get(bytesOf('lamp'))) ?? bytesOf(''))).toBe('off')
  expect(await chain.get(bytesOf('door'))).toBeUndefined()
  expect([await chain.nextNonce(ann), await chain.nextNonce(ben)]).toEqual([2, 1])
})

it('goes over to a better branch, tells what it reverted and what came, and gives what it left', async () => {
  const chain = await opened()
  const a = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }, (i) => [signed(ANN, i, { a: String(i), [`a${i}`]: 'x' })])
  const b = blocksUpon(GENESIS.header, 3, { firstSlot: 3 }, (i) => [signed(BEN, i, { a: `b${i}` })])
  await importAll(chain, a)
  const moves = movesOf(chain)
  expect(await importAll(chain, b)).toEqual(['imported', 'imported', 'imported'])
  expect(chain.tip()).toEqual({ height: 3, hash: toHex(at(b, 2).header.hash) })
  expect(await valuesOf(chain)).toEqual({ a: 'b2' })

  expect(moves.flatMap(({ reverted }) => reverted.map(({ id }) => id))).toEqual(idsOf(a))
  expect(moves.flatMap(({ applied }) => applied.map(({ id }) => id))).toEqual(idsOf(b))
  expect(moves.at(-1)?.tip).toEqual(chain.tip())
  const [left] = await chain.blocks([toHex(at(a, 1).header.hash)])
  expect(Buffer.from(left ?? [])).toEqual(Buffer.from(encodeBlock(at(a, 1))))
  expect(chain.stats().sideBlocks).toBe(2)

  // And back.
  const more = blocksUpon(at(a, 1).header, 2, { firstSlot: 6 })
  await importAll(chain, more)
  expect(await valuesOf(chain)).toEqual({ a: '1', a0: 'x', a1: 'x' })
})

it('stays where it is when a block of a better branch is false, and holds that against what stands upon it', async () => {
  const chain = await opened()
  const main = blocksUpon(GENESIS.header, 3, { firstSlot: 2 }, (i) => [signed(ANN, i, { a: String(i) })])
  // The second block has a nonce left out, which nobody sees before it is applied.
  const branch = blocksUpon(GENESIS.header, 4, { firstSlot: 3 }, (i) => [
    signed(BEN, i < 1 ? 0 : i + 1, { a: `b${i}` }),
  ])
  await importAll(chain, main)
  const [moves, tip] = [movesOf(chain), chain.tip()]
  const words = await importAll(chain, branch)
  // Of two of one height the smaller hash is better, so that it may be found out one block earlier.
  expect(words.slice(0, 2)).toEqual(['imported', 'imported'])
  expect(['invalid-ancestor', 'unknown-parent']).toContain(words[3])
  expect([chain.tip(), await valuesOf(chain), moves]).toEqual([tip, { a: '2' }, []])
  expect(chain.stats().sideBlocks).toBe(1)
  // It may be offered again, and comes to nothing again.
  await importAll(chain, branch)
  expect([chain.tip(), await valuesOf(chain)]).toEqual([tip, { a: '2' }])
  const [, more] = [0, blocksUpon(at(main, 2).header, 1, { firstSlot: 8 }, () => [signed(ANN, 3, { a: 'on' })])]
  expect(await importAll(chain, more)).toEqual(['imported'])
})

it('executes a false branch once, whoever brings its end again', async () => {
  const store = await BlockStore.over(memoryStore())
  onTestFinished(() => store.close())
  const chain = await KeyValueChain.open({ store, genesis: GENESIS })
  const main = blocksUpon(GENESIS.header, 3, { firstSlot: 2 })
  const branch = blocksUpon(GENESIS.header, 3, { firstSlot: 3 })
  const end = blockUpon(at(branch, 2).header, 9, [signed(ANN, 7, { a: 'b' })])
  await importAll(chain, [...main, ...branch])
  expect(await importAll(chain, [end])).toEqual(['nonce-gap'])
  const { batches } = store.stats()
  const above = blockUpon(end.header, 11)
  expect(await importAll(chain, [end, end, above])).toEqual(['nonce-gap', 'nonce-gap', 'invalid-ancestor'])
  expect(store.stats().batches).toBe(batches)
})

it('checks the signatures of a block once that has a forged one', async () => {
  const store = await BlockStore.over(memoryStore())
  onTestFinished(() => store.close())
  let asked = 0
  const verify = (claim: SignatureClaim): boolean => (asked++, verifySignature(claim))
  const chain = await KeyValueChain.open({ store, genesis: GENESIS, verify })
  const block = blockUpon(GENESIS.header, 1, [signed(ANN, 0, { a: 'b' }, genesisOf({ name: 'another' }).chainId)])
  expect(await importAll(chain, [block, block])).toEqual(['invalid-signature', 'invalid-signature'])
  expect(asked).toBe(2)
})

it('does not give blocks that it never applied', async () => {
  const chain = await opened()
  await importAll(chain, blocksUpon(GENESIS.header, 2, { firstSlot: 2 }))
  const beside = blockUpon(GENESIS.header, 3)
  expect(wordOf(await chain.importBlock(encodeBlock(beside)))).toBe('imported')
  expect(await chain.blocks([toHex(beside.header.hash)])).toEqual([undefined])
})

it('stores and takes back a block that deletes as much as one may', async () => {
  const genesis = genesisOf({ finalDepth: 100 })
  const chain = await opened({}, memoryStore(), genesis)
  const deletes = 4_000
  const value = 'x'.repeat(4_096)
  const keys = Array.from({ length: deletes }, (_, i) => `${i}`)
  const perTransaction = 15
  const sets: Transaction[] = []
  for (let i = 0; i < deletes; i += perTransaction) {
    const words = Object.fromEntries(keys.slice(i, i + perTransaction).map((key) => [key, value]))
    sets.push(signed(ANN, sets.length, words, genesis.chainId))
  }
  const filled = blocksUpon(
    genesis.header,
    Math.ceil(sets.length / perTransaction),
    { firstSlot: 2, stride: 1 },
    (i) => sets.slice(i * perTransaction, (i + 1) * perTransaction),
    genesis,
  )
  expect(new Set(await importAll(chain, filled))).toEqual(new Set(['imported']))
  const removals: Transaction[] = []
  for (let i = 0; i < deletes; i += 64) {
    const words = Object.fromEntries(keys.slice(i, i + 64).map((key) => [key, undefined]))
    removals.push(signed(ANN, sets.length + removals.length, words, genesis.chainId))
  }
  const tip = at(filled, filled.length - 1).header
  expect(await importAll(chain, [blockUpon(tip, 40, removals, genesis)])).toEqual(['imported'])
  expect(await valuesOf(chain)).toEqual({})
  expect(
    await importAll(
      chain,
      blocksUpon(tip, 2, { firstSlot: 41 }, () => [], genesis),
    ),
  ).toContain('imported')
  expect(Object.keys(await valuesOf(chain))).toHaveLength(deletes)
})

it('is final by depth, lets go of what is below, and refuses it from then on', async () => {
  const chain = await opened()
  const beside = blocksUpon(GENESIS.header, 2, { firstSlot: 3 })
  const main = blocksUpon(GENESIS.header, 6, { firstSlot: 2 })
  await importAll(chain, main.slice(0, 4))
  expect(chain.finalised().height).toBe(0)
  await importAll(chain, beside)
  expect(chain.stats().sideBlocks).toBe(2)
  await importAll(chain, main.slice(4))
  expect(chain.finalised()).toEqual({ height: 2, hash: toHex(at(main, 1).header.hash) })
  expect(chain.stats()).toMatchObject({ sideBlocks: 0, sideBytes: 0 })
  expect(await importAll(chain, beside)).toEqual(['below-finalised', 'below-finalised'])
  expect(chain.reader.isProof('below-finalised')).toBe(false)
})

it('lets go of all that stands upon what is below the final block, however high, and of what is as high as that', async () => {
  const chain = await opened()
  const main = blocksUpon(GENESIS.header, 6, { firstSlot: 2 })
  await importAll(chain, main.slice(0, 5))
  // Three upon genesis, and one upon the first block.
  await importAll(chain, [...blocksUpon(at(main, 0).header, 3, { firstSlot: 5 }), blockUpon(at(main, 1).header, 31)])
  expect(chain.stats().sideBlocks).toBe(4)
  await importAll(chain, main.slice(5))
  expect(chain.finalised().height).toBe(2)
  expect(chain.stats().sideBlocks).toBe(1)
})

it('keeps blocks in a memory of its own', async () => {
  const chain = await opened()
  await importAll(chain, blocksUpon(GENESIS.header, 2, { firstSlot: 2 }))
  const branch = blocksUpon(GENESIS.header, 3, { firstSlot: 3 }, (i) => [signed(BEN, i, { a: `b${i}` })])
  for (const bytes of branch.map(encodeBlock)) {
    expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
    bytes.fill(0)
  }
  expect(await valuesOf(chain)).toEqual({ a: 'b2' })
})

it('imports nothing whose signal aborts while it waits, and goes on with the rest', async () => {
  const chain = await opened()
  const [first, second] = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }).map(encodeBlock)
  const controller = new AbortController()
  const { signal } = controller
  const importing = chain.importBlock(first ?? new Uint8Array())
  const waiting = chain.importBlock(second ?? new Uint8Array(), { signal }).catch((err: unknown) => err)
  const reading = chain.headers(0, 9)
  controller.abort()
  expect(await waiting).toBe(signal.reason)
  expect(await importing).toMatchObject({ status: 'imported' })
  expect(await reading).toHaveLength(2)
  expect(chain.tip().height).toBe(1)
})

it('refuses a block of a slot that begins more than maxClockAheadMs from now, until it is its time', async () => {
  const chain = await opened({ maxClockAheadMs: 200 })
  const bytes = encodeBlock(blockUpon(GENESIS.header, 1_001))
  vi.setSystemTime(START_MS + 1_001_000 - 201)
  expect(wordOf(await chain.importBlock(bytes))).toBe('time-ahead')
  expect(chain.reader.isProof('time-ahead')).toBe(false)
  vi.setSystemTime(START_MS + 1_001_000 - 200)
  expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
})

it('keeps maxSideBlocks beside the chain, the newest branches, and says so where one alone has no room', async () => {
  const chain = await opened({ maxSideBlocks: 1 })
  const [first, second] = [blockUpon(GENESIS.header, 3), blockUpon(GENESIS.header, 5)]
  await importAll(chain, blocksUpon(GENESIS.header, 3, { firstSlot: 2 }))
  expect(await importAll(chain, [first, second])).toEqual(['imported', 'imported'])
  expect(await importAll(chain, [blockUpon(first.header, 7)])).toEqual(['unknown-parent'])
  const third = encodeBlock(blockUpon(second.header, 7))
  await expect(chain.importBlock(third)).rejects.toMatchObject({ code: 'side-blocks-full' })
  expect(chain.stats().sideBlocks).toBe(1)
  const small = await opened({ maxSideBytes: encodeBlock(first).byteLength - 1 })
  await importAll(small, blocksUpon(GENESIS.header, 2, { firstSlot: 2 }))
  await expect(small.importBlock(encodeBlock(first))).rejects.toMatchObject({ name: 'SideBlocksFullError' })
})

it.each([
  ['by count', { maxSideBlocks: 8 }, ''],
  ['by bytes', { maxSideBytes: 20_000 }, 'x'.repeat(3_000)],
])('goes over to a better branch however many blocks one producer signs for one slot, %s', async (_, init, value) => {
  const chain = await opened(init)
  await importAll(chain, blocksUpon(GENESIS.header, 4, { firstSlot: 2, stride: 1 }))
  const flood = (slot: number): Block[] =>
    Array.from({ length: 40 }, (__, i) => blockUpon(GENESIS.header, slot, [signed(ANN, 0, { [`a${i}`]: value })]))
  await importAll(chain, flood(9))
  // Of the other producer, and then also of the one that signed so many.
  const branch = blocksUpon(GENESIS.header, 5, { firstSlot: 10, stride: 2 })
  for (const block of branch) {
    expect(await importAll(chain, [block])).toEqual(['imported'])
    await importAll(chain, flood(9))
  }
  expect(chain.tip().hash).toBe(toHex(at(branch, 4).header.hash))
})

it('keeps the newest of many blocks of one slot, upon which others may stand', async () => {
  const chain = await opened({ maxSideBlocks: 6 })
  await importAll(chain, blocksUpon(GENESIS.header, 4, { firstSlot: 2, stride: 1 }))
  const many = Array.from({ length: 20 }, (_, i) => blockUpon(GENESIS.header, 9, [signed(ANN, 0, { a: String(i) })]))
  await importAll(chain, many)
  const branch = blocksUpon(at(many, 19).header, 4, { firstSlot: 10 })
  expect(await importAll(chain, branch)).toEqual(branch.map(() => 'imported'))
  expect(chain.tip().hash).toBe(toHex(at(branch, 3).header.hash))
})

it('goes over to a branch where there is no room for what it leaves, which has to be fetched again', async () => {
  const chain = await opened({ maxSideBytes: 1_000 })
  const a = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }, (i) => [signed(ANN, i, { a: 'x'.repeat(1_000) })])
  const b = blocksUpon(GENESIS.header, 3, { firstSlot: 3 })
  await importAll(chain, [...a, ...b])
  expect(chain.tip().hash).toBe(toHex(at(b, 2).header.hash))
  expect(await valuesOf(chain)).toEqual({})
  expect(chain.stats()).toMatchObject({ sideBlocks: 0, sideBytes: 0 })
  expect(await chain.blocks([toHex(at(a, 0).header.hash)])).toEqual([undefined])
  expect(await importAll(chain, [blockUpon(at(a, 1).header, 20)])).toEqual(['unknown-parent'])
})

it('has maxQueued calls wait, and refuses one more', async () => {
  const chain = await opened({ maxQueued: 2 })
  const calls = await Promise.allSettled([1, 2, 3].map(async () => chain.headers(0, 1)))
  expect(calls.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected'])
  expect(calls[2]).toMatchObject({ reason: { name: 'QueueFullError', limit: 'maxQueued', value: 2 } })
  expect(await chain.headers(0, 1)).toHaveLength(1)
})

it('has maxQueued blocks of maxQueuedBytes wait, and answers whoever reads all the same', async () => {
  const blocks = blocksUpon(GENESIS.header, 4, { firstSlot: 2 }).map(encodeBlock)
  const size = at(blocks, 0).byteLength
  const limits = [
    { limit: 'maxQueued', value: 3 },
    { limit: 'maxQueuedBytes', value: 3 * size },
  ]
  for (const { limit, value } of limits) {
    const chain = await opened({ [limit]: value })
    const imports = Promise.allSettled(blocks.map(async (block) => chain.importBlock(block)))
    expect(chain.stats()).toMatchObject({ queued: 3, queuedBytes: 3 * size })
    expect(await chain.headers(0, 9)).toHaveLength(4)
    const [last, ...others] = (await imports).toReversed()
    expect(last).toMatchObject({ reason: { name: 'QueueFullError', limit, value } })
    expect(others.every(({ status }) => status === 'fulfilled')).toBe(true)
    expect(chain.stats()).toMatchObject({ queued: 0, queuedBytes: 0 })
  }
})

it('takes a block over maxQueuedBytes where nothing is under way, and its bytes again once it was aborted', async () => {
  const [first, second] = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }).map(encodeBlock)
  const chain = await opened({ maxQueuedBytes: 1 })
  expect(wordOf(await chain.importBlock(first ?? new Uint8Array()))).toBe('imported')
  const controller = new AbortController()
  const waiting = chain.importBlock(second ?? new Uint8Array(), { signal: controller.signal })
  controller.abort()
  await expect(waiting).rejects.toBe(controller.signal.reason)
  expect(chain.stats().queuedBytes).toBe(0)
})

it.each<[keyof KeyValueChainInit, number]>([
  ['maxSideBlocks', -1],
  ['maxSideBytes', Number.NaN],
  ['maxQueued', 0],
  ['maxQueuedBytes', 0],
  ['maxClockAheadMs', 1.5],
])('refuses %s of %d', async (name, value) => {
  await expect(opened({ [name]: value })).rejects.toThrow(`${name} is ${value}`)
})

it('gives at most 1,000 headers, whatever is asked for', async () => {
  const asked: number[] = []
  const store = await BlockStore.over(memoryStore())
  onTestFinished(() => store.close())
  const headers = store.headers.bind(store)
  store.headers = async (from, limit) => (asked.push(limit), headers(from, limit))
  const chain = await KeyValueChain.open({ store, genesis: GENESIS })
  await chain.headers(0, 1_000_000)
  expect(asked).toEqual([1_000])
})

it('finishes what is under way when it is closed, and refuses what waits and what comes', async () => {
  const chain = await opened()
  const [first, second] = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }).map(encodeBlock)
  const seen: string[] = []
  const importing = chain.importBlock(first ?? new Uint8Array()).finally(() => seen.push('imported'))
  await Promise.resolve()
  await Promise.resolve()
  const waiting = chain.importBlock(second ?? new Uint8Array()).catch((err: unknown) => err)
  await chain.close()
  seen.push('closed')
  expect(seen).toEqual(['imported', 'closed'])
  expect(await waiting).toMatchObject({ code: 'chain-closed' })
  expect(await importing).toMatchObject({ status: 'imported' })
  await expect(chain.get(bytesOf('a'))).rejects.toMatchObject({ name: 'ChainClosedError' })
  await chain.close()
})

it('refuses a store with another chain in it', async () => {
  const disk = memoryStore()
  await opened({}, disk)
  await expect(opened({}, disk, genesisOf({ name: 'another' }))).rejects.toMatchObject({ code: 'wrong-genesis' })
})

it('is at the same place when it is opened again, with the same final block', async () => {
  const disk = memoryStore()
  const chain = await opened({}, disk)
  await importAll(
    chain,
    blocksUpon(GENESIS.header, 7, { firstSlot: 2 }, (i) => [signed(ANN, i, { n: String(i) })]),
  )
  const again = await opened({}, disk)
  expect([again.tip(), again.finalised()]).toEqual([chain.tip(), chain.finalised()])
  expect(again.finalised().height).toBe(3)
  expect(await valuesOf(again)).toEqual({ n: '6' })
})

/** A store whose next write fails, once it is told. */
async function failing(): Promise<{ store: ChainStore; failNow: () => void }> {
  const store = await BlockStore.over(memoryStore())
  onTestFinished(() => store.close())
  const state = { isFailing: false }
  const append = store.append.bind(store)
  store.append = async (...args) => {
    if (!state.isFailing) return append(...args)
    state.isFailing = false
    throw new TypeError('the disk is full')
  }
  return { store, failNow: () => (state.isFailing = true) }
}

it('takes no further block once its store has failed, and tells why', async () => {
  const { store, failNow } = await failing()
  const chain = await KeyValueChain.open({ store, genesis: GENESIS })
  const [first, second] = blocksUpon(GENESIS.header, 2, { firstSlot: 2 })
  await importAll(chain, [first ?? blockUpon(GENESIS.header, 2)])
  failNow()
  const bytes = encodeBlock(second ?? blockUpon(GENESIS.header, 2))
  for (const _ of [1, 2]) {
    const error = await chain.importBlock(bytes).catch((err: unknown) => err)
    expect(error).toMatchObject({
      code: 'chain-failed',
      message: expect.stringMatching(/: the disk is full$/v),
      cause: { message: 'the disk is full' },
    })
  }
  expect(chain.tip().height).toBe(1)
})

it('asks the verify it was given, and takes a block only if that says yes', async () => {
  const store = await BlockStore.over(memoryStore())
  onTestFinished(() => store.close())
  let asked = 0
  const chain = await KeyValueChain.open({ store, genesis: GENESIS, verify: () => (asked++, asked % 2 === 1) })
  const block = blockUpon(GENESIS.header, 1, [signed(ANN, 0, { a: 'b' })])
  expect(await importAll(chain, [block])).toEqual(['invalid-signature'])
  expect(asked).toBe(2)
})

it('proposes a block in the slot of a producer, once, of transactions that apply', async () => {
  const chain = await opened()
  const slot = 1_000
  const [whose, other] = [signerOfSlot(slot), signerOfSlot(slot + 1)]
  expect(await chain.propose([], other)).toBeUndefined()
  expect(await chain.propose([signed(ANN, 1, { a: 'b' })], whose)).toBeUndefined()
  const bytes = await chain.propose([signed(ANN, 0, { a: 'b' })], whose)
  expect(wordOf(await chain.importBlock(bytes ?? new Uint8Array()))).toBe('imported')
  expect(await chain.propose([], whose)).toBeUndefined()
  vi.setSystemTime(START_MS + 1_001_000)
  expect(await chain.propose([], other)).toBeDefined()
  vi.setSystemTime(START_MS - 5_000)
  expect(await chain.propose([], other)).toBeUndefined()
})
