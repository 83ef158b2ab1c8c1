import { type BuiltBlock, memoryRecord } from '@gridmesh/consensus'
import { verifySignature } from '@gridmesh/ledger'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { memoryStore } from '@gridmesh/block-store'
import { EnergyChain } from '../../src/chain/energy-chain.ts'
import type { VerifyClaims } from '../../src/chain/verifier.ts'
import {
  at,
  buildOn,
  dying,
  genesisOf,
  GENESIS_MS,
  grow,
  offer,
  opened,
  payment,
  people,
  stateOf,
  wordOf,
} from './chains.ts'

const START_MS = GENESIS_MS + 1_000_000

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date', 'performance'], now: START_MS })
})
afterEach(() => void vi.useRealTimers())

/** A verify port that answers when it is told to. */
function heldVerify(): { verify: VerifyClaims; calls: (() => void)[]; release: () => void } {
  const calls: (() => void)[] = []
  let isHeld = true
  const verify: VerifyClaims = async (claims) => {
    if (isHeld) await new Promise<void>((resolve) => calls.push(resolve))
    return claims.map(verifySignature)
  }
  const release = (): void => {
    isHeld = false
    for (const answer of calls.splice(0)) answer()
  }
  return { verify, calls, release }
}

/** Blocks one upon the other, each with one payment. */
async function blocksOf(count: number): Promise<BuiltBlock[]> {
  const chain = await opened()
  await chain.start()
  const blocks: BuiltBlock[] = []
  for (let i = 0; i < count; i++) {
    await offer(chain, payment(chain, i))
    blocks.push(await grow(chain))
  }
  return blocks
}

/** What a promise came to, in a word. */
async function ending(promise: Promise<unknown>): Promise<string> {
  try {
    const value = await promise
    return typeof value === 'object' && value !== null && 'status' in value ? String(value.status) : 'fine'
  } catch (err) {
    return err instanceof Error ? err.name : String(err)
  }
}

describe('the import queue', () => {
  it('takes one block at a time, maxQueuedBlocks wait, and one more is an error that says nothing of it', async () => {
    const blocks = await blocksOf(4)
    const { verify, release } = heldVerify()
    const chain = await opened({ verify, limits: { maxQueuedBlocks: 2 } })
    const endings = blocks.map(async ({ bytes }) => ending(chain.importBlock(bytes)))
    expect(await endings[3]).toBe('ImportQueueFullError')
    expect(chain.stats().queuedBlocks).toBe(2)
    release()
    expect(await Promise.all(endings)).toEqual(['imported', 'imported', 'imported', 'ImportQueueFullError'])
    expect(await ending(chain.importBlock(at(blocks, 0).bytes))).toBe('known')
    expect(chain.stats().queuedBlocks).toBe(0)
  })

  it('holds at most maxQueuedBytes that wait', async () => {
    const blocks = await blocksOf(3)
    const { verify, release } = heldVerify()
    const maxQueuedBytes = at(blocks, 1).bytes.byteLength
    const chain = await opened({ verify, limits: { maxQueuedBytes } })
    const endings = blocks.map(async ({ bytes }) => ending(chain.importBlock(bytes)))
    expect(await endings[2]).toBe('ImportQueueFullError')
    release()
    expect(await Promise.all(endings.slice(0, 2))).toEqual(['imported', 'imported'])
  })

  it('lets a block go that is aborted while it waits, and finishes one that is under way', async () => {
    const blocks = await blocksOf(3)
    const { verify, calls, release } = heldVerify()
    const chain = await opened({ verify })
    const controllers = blocks.map(() => new AbortController())
    const endings = blocks.map(async ({ bytes }, i) =>
      ending(chain.importBlock(bytes, { signal: at(controllers, i).signal })),
    )
    // Its own, and those of the two that wait.
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    at(controllers, 0).abort()
    at(controllers, 1).abort()
    expect(await endings[1]).toBe('AbortError')
    release()
    expect(await endings[0]).toBe('imported')
    // Its parent is the one that was let go.
    expect(await endings[2]).toBe('unknown-parent')
    expect(await ending(chain.importBlock(at(blocks, 1).bytes, { signal: AbortSignal.abort() }))).toBe('AbortError')
  })

  it('refuses what waits as soon as the chain is to stop, though it waits for what it is about to sign', async () => {
    const { promise: saved, resolve: save } = Promise.withResolvers<void>()
    const { promise: reached, resolve: onReached } = Promise.withResolvers<void>()
    const record = {
      ...memoryRecord(),
      async save() {
        onReached()
        return saved
      },
    }
    const { verify, calls, release } = heldVerify()
    const chain = await opened({ signer: at(people, 0), record, verify })
    await chain.start()
    await reached
    const blocks = await blocksOf(2)
    const endings = blocks.map(async ({ bytes }) => ending(chain.importBlock(bytes)))
    await vi.waitFor(() => expect(calls).toHaveLength(2))
    const stopping = chain.stop()
    expect(await endings[1]).toBe('ChainStoppedError')
    release()
    expect(await endings[0]).toBe('imported')
    save()
    await stopping
  })

  it('refuses what waits when the chain stops, and gives up a check that does not answer', async () => {
    const blocks = await blocksOf(3)
    const { verify, calls } = heldVerify()
    const chain = await opened({ verify })
    const endings = blocks.map(async ({ bytes }) => ending(chain.importBlock(bytes)))
    await vi.waitFor(() => expect(calls).toHaveLength(3))
    await chain.stop()
    expect(await Promise.all(endings)).toEqual(['VerifyFailedError', 'ChainStoppedError', 'ChainStoppedError'])
    expect(vi.getTimerCount()).toBe(0)
    await expect(chain.start()).rejects.toMatchObject({ code: 'stopped' })
  })
})

/** A block with so many transactions. */
async function filled(count: number): Promise<BuiltBlock> {
  const chain = await opened()
  await chain.start()
  await offer(chain, ...Array.from({ length: count }, (_, i) => payment(chain, i)))
  return buildOn(chain)
}

describe('the verify port', () => {
  it('is asked for all transactions at once, and not for the proposer', async () => {
    const sizes: number[] = []
    const verify: VerifyClaims = async (claims) => (
      sizes.push(claims.length),
      Promise.resolve(claims.map(verifySignature))
    )
    const chain = await opened({ verify })
    expect(wordOf(await chain.importBlock((await filled(10)).bytes))).toBe('imported')
    expect(sizes).toEqual([10])
  })

  it('is not asked again for what the mempool has checked', async () => {
    const sizes: number[] = []
    const verify: VerifyClaims = async (claims) => (
      sizes.push(claims.length),
      Promise.resolve(claims.map(verifySignature))
    )
    const chain = await opened({ verify })
    await chain.start()
    await offer(chain, payment(chain, 0), payment(chain, 1))
    sizes.length = 0
    expect(wordOf(await chain.importBlock((await filled(3)).bytes))).toBe('imported')
    expect(sizes).toEqual([1])
  })

  it.each<[string, VerifyClaims]>([
    ['throws', async () => Promise.reject(new RangeError('no worker'))],
    ['answers for too few', async () => Promise.resolve([])],
    ['does not answer', async () => new Promise(() => undefined)],
  ])('that %s is an error that says nothing of the block', async (_, verify) => {
    let isBroken = true
    const chain = await opened({
      verify: async (claims, call) => (isBroken ? verify(claims, call) : claims.map(verifySignature)),
    })
    const block = await filled(1)
    const result = ending(chain.importBlock(block.bytes))
    await vi.advanceTimersByTimeAsync(10_000)
    expect(await result).toBe('VerifyFailedError')
    isBroken = false
    expect(wordOf(await chain.importBlock(block.bytes))).toBe('imported')
  })
})

/** Blocks of one height that state so much more than the clock allows. */
async function early(missingMs: number): Promise<BuiltBlock> {
  const chain = await opened()
  return buildOn(chain, 0, START_MS - GENESIS_MS + 300 + missingMs)
}
const tick = async (ms: number): Promise<void> => void (await vi.advanceTimersByTimeAsync(ms))

describe('a block ahead of the clock', () => {
  it('is refused by code, and comes in by itself when it is time and not 1 ms sooner', async () => {
    const chain = await opened()
    const block = await early(700)
    expect(wordOf(await chain.importBlock(block.bytes))).toBe('time-ahead')
    await tick(699)
    expect([chain.head.height, chain.stats().earlyBlocks]).toEqual([0, 1])
    await tick(1)
    await vi.waitFor(() => expect(chain.head.height).toBe(1))
    expect(chain.head.hash).toBe(block.header.hash)
    expect([chain.stats().earlyBlocks, vi.getTimerCount()]).toEqual([0, 0])
  })

  it('is kept only up to maxEarlyBlocks and maxEarlyMs, and once', async () => {
    const chain = await opened({ limits: { maxEarlyBlocks: 2, maxEarlyMs: 500 } })
    await chain.importBlock((await early(501)).bytes)
    expect(chain.stats().earlyBlocks).toBe(0)
    for (const ms of [500, 500, 400, 300]) await chain.importBlock((await early(ms)).bytes)
    expect(chain.stats().earlyBlocks).toBe(2)
    await chain.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is kept beside those of an authority that signs many, of which the latest goes', async () => {
    const genesis = genesisOf(2)
    const ahead = async (who: number, missingMs: number): Promise<BuiltBlock> =>
      buildOn(await opened({ genesis }), who, START_MS - GENESIS_MS + 300 + missingMs)
    const chain = await opened({ genesis, limits: { maxEarlyBlocks: 3 } })
    for (const ms of [900, 800, 700, 600]) await chain.importBlock((await ahead(1, ms)).bytes)
    const honest = await ahead(0, 850)
    await chain.importBlock(honest.bytes)
    expect(chain.stats().earlyBlocks).toBe(3)
    await tick(850)
    expect(wordOf(await chain.importBlock(honest.bytes))).toBe('known')
    expect(chain.stats().earlyBlocks).toBe(0)
  })

  it('is not kept where its maker did not sign it', async () => {
    const chain = await opened()
    const { bytes } = await early(400)
    const forged = Uint8Array.from(bytes)
    forged[249] = (forged[249] ?? 0) ^ 1
    expect(wordOf(await chain.importBlock(forged))).toBe('invalid-block-signature')
    expect(chain.stats().earlyBlocks).toBe(0)
  })
})

describe('opening', () => {
  it('goes on after a death at any batch of the first opening and of blocks that become final', async () => {
    const reference = await opened()
    await reference.start()
    await offer(reference, payment(reference, 0))
    const blocks: BuiltBlock[] = []
    for (let i = 0; i < 4; i++) blocks.push(await grow(reference, 0, 1_000))
    let deaths = 0
    for (let batches = 0; ; batches++) {
      const { store, dieAfter } = dying(memoryStore())
      dieAfter(batches)
      const work = async (): Promise<void> => {
        const chain = await opened({ store })
        for (const { bytes } of blocks) await chain.importBlock(bytes)
      }
      const result = await ending(work())
      dieAfter(Infinity)
      const again = await opened({ store })
      expect(again.finalised.height).toBe(Math.max(0, again.head.height - 2))
      for (const { bytes } of blocks.slice(again.head.height))
        expect(wordOf(await again.importBlock(bytes))).toBe('imported')
      expect([again.head, again.finalised, await stateOf(again)]).toEqual([
        reference.head,
        reference.finalised,
        await stateOf(reference),
      ])
      if (result === 'fine') break
      deaths += 1
    }
    // Format, genesis, and each block with what it makes final.
    expect(deaths).toBe(6)
  })

  it('imports nothing any more after a step that failed, and says so once', async () => {
    const { store, dieAfter } = dying(memoryStore())
    const chain = await opened({ store })
    const failures: string[] = []
    chain.addEventListener('chain:failed', ({ detail }) => failures.push(detail.name))
    const blocks = await blocksOf(2)
    dieAfter(0)
    const head = chain.head
    for (const { bytes } of blocks) expect(await ending(chain.importBlock(bytes))).toBe('ChainFailedError')
    expect(failures).toEqual(['ChainFailedError'])
    expect(chain.head).toEqual(head)
    await chain.stop()
  })

  it('refuses a state that is not that of the tip, and names both roots', async () => {
    const store = memoryStore()
    const chain = await opened({ store })
    await grow(chain)
    await chain.stop()
    // One entry less: its key begins with the generation's letter, and the letter of entries.
    const iterator = store.iterator({})
    const keys = (await iterator.next()).map(([key]) => key)
    await iterator.close()
    const entry = keys.find((key) => Buffer.from(key).includes('roof'))
    await store.batch([{ key: entry ?? new Uint8Array(), value: undefined }], { sync: true })
    await expect(opened({ store })).rejects.toMatchObject({
      name: 'StateMismatchError',
      code: 'state-mismatch',
      height: 1,
    })
  })

  it.each([
    ['maxQueuedBlocks', 0],
    ['maxQueuedBytes', -1],
    ['maxSideBlocks', 0.5],
    ['maxMarks', 0],
    ['maxEarlyMs', 2 ** 31],
    ['verifyDeadlineMs', Number.NaN],
  ])('refuses %s %d and names it', async (name, value) => {
    await expect(opened({ limits: { [name]: value } })).rejects.toThrow(`${name} is ${value}`)
  })

  it('asks for either a directory or a store, and for a record where there is a signer without a directory', async () => {
    const genesis = genesisOf()
    await expect(EnergyChain.open({ genesis })).rejects.toThrow('either a directory or a store')
    await expect(EnergyChain.open({ genesis, store: memoryStore(), directory: '/nowhere' })).rejects.toThrow('either')
    await expect(opened({ signer: at(people, 0) })).rejects.toThrow('a record of what it signed')
  })
})
