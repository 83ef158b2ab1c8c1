import { memoryStore, type KeyValueStore } from '@gridmesh/block-store'
import * as fc from 'fast-check'
import { beforeEach, expect, it, vi } from 'vitest'
import {
  buildOn,
  genesisOf,
  GENESIS_MS,
  grow,
  issue,
  offer,
  opened,
  payment,
  reading,
  resealed,
  wordOf,
} from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: GENESIS_MS + 10_000_000 })
  return () => vi.useRealTimers()
})

/** Everything that is on a disk. */
async function dump(store: KeyValueStore): Promise<string> {
  const all: string[] = []
  const iterator = store.iterator({})
  for (let some = await iterator.next(); some.length > 0; some = await iterator.next()) {
    for (const entry of some) all.push(entry.map((bytes) => Buffer.from(bytes).toString('hex')).join(' '))
  }
  await iterator.close()
  return all.join('\n')
}

/** A chain, the block that comes next, and all there is to see of the chain. */
async function setUp() {
  const store = memoryStore()
  const chain = await opened({ store, genesis: genesisOf(2) })
  await chain.start()
  await offer(chain, payment(chain, 0))
  await grow(chain)
  await offer(chain, payment(chain, 1), reading(chain, 1), issue(chain, 0))
  const next = await buildOn(chain)
  const seen = async () => ({
    head: chain.consensus.head(),
    finalised: chain.finalised,
    mempool: chain.mempool.stats(),
    beside: { ...chain.stats(), marks: 0 },
    disk: await dump(store),
  })
  return { chain, next, seen }
}

const hash32 = fc.uint8Array({ minLength: 32, maxLength: 32 })

it('changes nothing for a block whose bytes were tampered with, and takes the true one after all of them', async () => {
  const { chain, next, seen } = await setUp()
  const before = await seen()
  const { bytes } = next
  const tampered = fc.oneof(
    fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([place, bits]) => {
      const copy = Uint8Array.from(bytes)
      copy[place] = (copy[place] ?? 0) ^ bits
      return copy
    }),
    fc.nat(bytes.length - 1).map((length) => bytes.slice(0, length)),
    fc.uint8Array({ minLength: 1, maxLength: 40 }).map((more) => Buffer.concat([bytes, more])),
    fc.uint8Array({ maxLength: 400 }),
  )
  const words = new Set<string>()
  await fc.assert(
    fc.asyncProperty(tampered, async (block) => {
      const word = wordOf(await chain.importBlock(block))
      words.add(word)
      expect(['imported', 'known']).not.toContain(word)
    }),
    { numRuns: 200 },
  )
  expect(await seen()).toEqual(before)
  // It came to what is checked late, too.
  expect([...words]).toEqual(
    expect.arrayContaining(['truncated', 'trailing-bytes', 'invalid-block-signature', 'wrong-tx-root']),
  )
  expect(chain.stats().marks).toBe(0)
  expect(wordOf(await chain.importBlock(bytes))).toBe('imported')
})

it('changes nothing for a block that its proposer signed, and that is wrong, and knows it by its mark thereafter', async () => {
  const { chain, next, seen } = await setUp()
  const before = await seen()
  const wrong = fc.oneof(
    hash32.map((stateRoot) => ({ fields: { stateRoot }, code: 'wrong-state-root' })),
    hash32.map((root) => ({ fields: { txRoot: root }, code: 'wrong-tx-root' })),
    hash32.map((chainId) => ({ fields: { chainId }, code: 'wrong-chain' })),
    fc
      .integer({ min: 1, max: 1_000 })
      .map((gridSequence) => ({ fields: { gridSequence }, code: 'wrong-grid-sequence' })),
    fc.integer({ min: 3, max: 1_000 }).map((height) => ({ fields: { height }, code: 'wrong-height' })),
    fc.integer({ min: 0, max: 299 }).map((ms) => ({
      fields: { timeMs: next.header.timeMs - 10_000 + ms },
      code: ms === 0 ? 'wrong-time' : 'too-early',
    })),
    fc.constant({ fields: { kind: 'genesis' as const }, code: 'wrong-block-kind' }),
    fc.constant({ fields: { kind: 'governance' as const }, code: 'wrong-family' }),
  )
  await fc.assert(
    fc.asyncProperty(wrong, async ({ fields, code }) => {
      const block = resealed(next.bytes, fields, 0)
      for (let twice = 0; twice < 2; twice++) expect(wordOf(await chain.importBlock(block.bytes))).toBe(code)
    }),
    { numRuns: 60 },
  )
  expect(await seen()).toEqual(before)
  expect(chain.stats().marks).toBeGreaterThan(0)
  expect(wordOf(await chain.importBlock(next.bytes))).toBe('imported')
})

it('remembers at most maxMarks invalid blocks', async () => {
  const chain = await opened({ limits: { maxMarks: 3 } })
  const next = await buildOn(chain)
  for (let i = 0; i < 5; i++) {
    await chain.importBlock(resealed(next.bytes, { stateRoot: new Uint8Array(32).fill(i) }, 0).bytes)
  }
  expect(chain.stats().marks).toBe(3)
})

it('refuses the block of somebody who is no authority, and of one whose turn it is not', async () => {
  const { chain, next } = await setUp()
  const parentMs = next.header.timeMs - 10_000
  const byStranger = resealed(next.bytes, { proposer: new Uint8Array(32).fill(9) }, 0)
  expect(wordOf(await chain.importBlock(byStranger.bytes))).toBe('not-authority')
  const early = await Promise.all([0, 1].map(async (who) => buildOn(chain, who, 400)))
  expect(early.map(({ header }) => header.timeMs)).toEqual([parentMs + 400, parentMs + 400])
  const words = await Promise.all(early.map(async ({ bytes }) => wordOf(await chain.importBlock(bytes))))
  expect(words.toSorted()).toEqual(['imported', 'not-your-turn'])
})

it('takes two blocks of one authority in one place for evidence, though they come past the engine', async () => {
  const [chain, a, b] = [await opened(), await opened(), await opened()]
  const found: string[] = []
  chain.engine.addEventListener('consensus:equivocation', ({ detail }) => found.push(detail.parent))
  await chain.importBlock((await buildOn(a, 0, 10_000)).bytes)
  expect(found).toEqual([])
  await chain.backend.importBlock((await buildOn(b, 0, 20_000)).bytes)
  expect(found).toEqual([chain.chainId])
})
