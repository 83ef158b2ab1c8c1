import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Mempool } from '../src/index.ts'
import { draft, GENESIS, manyDrafts, plainDraft, write } from './drafts.ts'
import { addBlock, all, ids, ModelChain, type ModelTransaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'
import { limits, step, World } from './world.ts'

/** How many times as many runs as usual: for a campaign. */
const CAMPAIGN = Number(process.env['CAMPAIGN'] ?? 1)

// Many runs, on machines that do other things besides.
vi.setConfig({ testTimeout: 60_000 * CAMPAIGN })
beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
})
afterEach(() => void vi.useRealTimers())

it('holds only what applies in its order, within all bounds, whatever comes and whenever', async () => {
  await fc.assert(
    fc.asyncProperty(
      manyDrafts,
      limits,
      fc.array(step, { maxLength: 60 }),
      fc.nat(7),
      async (drafts, limit, steps, delay) => {
        const world = new World(write(drafts), limit)
        world.chain.delay = delay
        try {
          await world.pool.start()
          for (const one of steps) {
            await world.take(one)
            world.check(limit)
          }
          await world.settle()
          world.check(limit)
        } finally {
          await world.pool.stop()
        }
        expect(vi.getTimerCount()).toBe(0)
      },
    ),
    { numRuns: 500 * CAMPAIGN },
  )
})

/** Those that apply one after the other upon a chain: none is in the way of another. */
function applicable(chain: ModelChain, offered: readonly ModelTransaction[]): ModelTransaction[] {
  const fork = chain.fork()
  return offered.filter((one) => {
    if (!one.isSigned || fork.fault(one) !== undefined) return false
    fork.apply([one])
    return true
  })
}

const shuffled = fc
  .array(plainDraft, { minLength: 1, maxLength: 30 })
  .map((drafts) => applicable(new ModelChain(...GENESIS), write(drafts)))
  .chain((offered) => fc.tuple(fc.constant(offered), fc.shuffledSubarray(offered, { minLength: offered.length })))

it('holds the same transactions in whatever order those come that are not in the way of each other', async () => {
  await fc.assert(
    fc.asyncProperty(shuffled, fc.nat(5), async ([offered, arrivals], delay) => {
      const chain = new ModelChain(...GENESIS)
      chain.delay = delay
      const pool = new Mempool({ chain })
      await pool.start()
      await Promise.all(arrivals.map(({ bytes }) => pool.add(bytes)))
      await pool.whenIdle()
      expect(ids(all(pool)).toSorted()).toEqual(ids(offered).toSorted())
      expect(pool.stats().waiting).toBe(0)
      chain.apply(all(pool))
      await pool.stop()
    }),
    { numRuns: 300 * CAMPAIGN },
  )
})

it('is the same after a restart, from its log and from a snapshot', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(draft, { maxLength: 30 }),
      fc.array(fc.record({ index: fc.nat(29), isLocal: fc.boolean() }), { maxLength: 40 }),
      fc.nat(6),
      async (drafts, arrivals, applied) => {
        const chain = new ModelChain(...GENESIS)
        const log = new ModelLog()
        const offered = write(drafts)
        const pool = new Mempool({ chain, log })
        await pool.start()
        for (const { index, isLocal } of arrivals)
          await pool.add(offered[index]?.bytes ?? new Uint8Array(1), { isLocal })
        await pool.whenIdle()
        addBlock(chain, pool, pool.take(1e6, applied))
        await pool.whenIdle()
        await pool.stop()

        for (const records of [log.records, pool.snapshot()]) {
          const next = new Mempool({ chain, log: new ModelLog(records) })
          const report = await next.start()
          expect(ids(all(next))).toEqual(ids(all(pool)))
          expect(ids([...next.local()]).toSorted()).toEqual(ids([...pool.local()]).toSorted())
          const { transactions, waiting } = pool.stats()
          expect(report).toEqual({ added: transactions, waiting, refused: {}, corrupt: 0 })
          await next.stop()
        }
      },
    ),
    { numRuns: 200 * CAMPAIGN },
  )
})

it('holds after a revert what it held before the block, and after the block again what it held after it', async () => {
  await fc.assert(
    fc.asyncProperty(
      shuffled,
      fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      async ([, arrivals], counts, isAtOnce) => {
        const chain = new ModelChain(...GENESIS)
        const pool = new Mempool({ chain })
        await pool.start()
        await Promise.all(arrivals.map(({ bytes }) => pool.add(bytes)))
        await pool.whenIdle()
        const before = ids(all(pool)).toSorted()
        for (const count of counts) addBlock(chain, pool, pool.take(1e6, count))
        const after = ids(all(pool))

        const blocks: ModelTransaction[][] = []
        for (const _ of counts) {
          blocks.unshift(chain.revert())
          if (!isAtOnce) pool.onRevert(blocks[0] ?? [])
        }
        if (isAtOnce) pool.onRevert(blocks.flat())
        expect(ids(all(pool)).toSorted()).toEqual(before)
        new ModelChain(...GENESIS).apply(all(pool))
        for (const block of blocks) addBlock(chain, pool, block)
        expect(ids(all(pool))).toEqual(after)
        await pool.stop()
      },
    ),
    { numRuns: 300 * CAMPAIGN },
  )
})

it('goes over to another branch as if what both branches have had never gone', async () => {
  await fc.assert(
    fc.asyncProperty(
      shuffled,
      fc.array(fc.nat(5), { minLength: 1, maxLength: 4 }),
      fc.nat(8),
      fc.nat(5),
      async ([, arrivals], counts, common, more) => {
        const chain = new ModelChain(...GENESIS)
        const pool = new Mempool({ chain }, { maxTransactions: Math.max(1, arrivals.length) })
        await pool.start()
        await Promise.all(arrivals.map(({ bytes }) => pool.add(bytes)))
        await pool.whenIdle()
        const before = ids(all(pool))
        for (const count of counts) addBlock(chain, pool, pool.take(1e6, count))
        const told: string[] = []
        const reverted = counts
          .map(() => chain.revert())
          .toReversed()
          .flat()
        // The other branch has the first of them, and then some that this one left.
        const [kept, gone] = [reverted.slice(0, common), reverted.slice(common)]
        chain.apply(kept)
        const late = new Set(ids(all(pool)).slice(0, more))
        const came = applicable(
          chain,
          arrivals.filter(({ id }) => late.has(id)),
        )
        chain.apply(came)
        pool.addEventListener('transaction:added', ({ detail }) => void told.push(detail.transaction.id))
        pool.addEventListener('transaction:removed', ({ detail }) => void told.push(detail.transaction.id))
        pool.onSwitch(reverted, [...kept, ...came])
        const applied = new Set(ids([...kept, ...came]))
        expect(ids(all(pool)).toSorted()).toEqual(before.filter((id) => !applied.has(id)).toSorted())
        expect(told.toSorted()).toEqual(ids([...gone, ...came]).toSorted())
        chain.apply(all(pool))
        await pool.stop()
      },
    ),
    { numRuns: 300 * CAMPAIGN },
  )
})
