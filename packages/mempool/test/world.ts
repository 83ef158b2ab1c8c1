import { LANES } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { expect, vi } from 'vitest'
import { Mempool, type MempoolInit } from '../src/index.ts'
import { GENESIS } from './drafts.ts'
import { addBlock, all, ids, ModelChain, type ModelTransaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'

const which = fc.nat(29)
export const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ type: fc.constant('add' as const), which, count: fc.nat(6) }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('block' as const), count: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('foreign' as const), which, count: fc.nat(6) }) },
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('revert' as const), depth: fc.nat(3), isAtOnce: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('detour' as const), which, count: fc.nat(6) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('switch' as const),
      depth: fc.nat(3),
      kept: fc.nat(4),
      which,
      count: fc.nat(6),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reject' as const), which }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('pass' as const), ms: fc.constantFrom(1_000, 4_000, 9_000) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('restart' as const), isSettled: fc.boolean() }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

export const limits = fc.record({
  maxTransactions: fc.integer({ min: 1, max: 20 }),
  maxBytes: fc.integer({ min: 200, max: 2_500 }),
  maxTransactionsPerSender: fc.integer({ min: 2, max: 12 }),
  maxBytesPerSender: fc.integer({ min: 200, max: 1_800 }),
  maxWaiting: fc.nat(6),
  maxWaitingBytes: fc.integer({ min: 0, max: 700 }),
  maxWaitingPerSender: fc.integer({ min: 0, max: 3 }),
  maxPending: fc.integer({ min: 1, max: 20 }),
  maxPendingBytes: fc.integer({ min: 100, max: 1_500 }),
  batchSize: fc.integer({ min: 1, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  maxAgeMs: fc.constant(20_000),
  maxWaitingMs: fc.constant(8_000),
})
export type Limits = typeof limits extends fc.Arbitrary<infer L> ? L : never

/** A pool and its chain, walked step by step. */
export class World {
  readonly chain = new ModelChain(...GENESIS)
  readonly log = new ModelLog()
  readonly offered: ModelTransaction[]
  readonly init: MempoolInit
  pool: Mempool<ModelTransaction>
  /** Until then the pool knows of every block that there is. */
  isRestarted = false
  /** By id, what the events say is in the pool, and what waits. */
  told = { placed: new Set<string>(), waiting: new Set<string>() }

  constructor(offered: ModelTransaction[], init: MempoolInit) {
    this.offered = offered
    this.init = init
    this.pool = this.makePool()
  }

  makePool(): Mempool<ModelTransaction> {
    const pool = new Mempool<ModelTransaction>({ chain: this.chain, log: this.log }, this.init)
    const told = { placed: new Set<string>(), waiting: new Set<string>() }
    this.told = told
    pool.addEventListener('transaction:added', ({ detail }) => {
      told.waiting.delete(detail.transaction.id)
      told.placed.add(detail.transaction.id)
    })
    pool.addEventListener('transaction:waiting', ({ detail }) => {
      told.placed.delete(detail.transaction.id)
      told.waiting.add(detail.transaction.id)
    })
    pool.addEventListener('transaction:removed', ({ detail: { transaction, wasWaiting } }) => {
      const held = wasWaiting ? told.waiting : told.placed
      held.delete(transaction.id)
    })
    return pool
  }

  async take(one: Step): Promise<void> {
    if (one.type === 'add') this.offer(one.which, one.count)
    else if (one.type === 'settle') await this.settle()
    else if (one.type === 'block') addBlock(this.chain, this.pool, all(this.pool).slice(0, one.count))
    else if (one.type === 'foreign') addBlock(this.chain, this.pool, this.applicable(one.which, one.count))
    else if (one.type === 'revert') this.revert(one.depth, one.isAtOnce)
    else if (one.type === 'detour') await this.detour(one.which, one.count)
    else if (one.type === 'switch') this.switch(one.depth, one.kept, this.at(one.which), one.count)
    else if (one.type === 'reject') this.pool.reject(this.at(one.which).id, { code: 'no', message: 'not today' })
    else if (one.type === 'pass') vi.advanceTimersByTime(one.ms)
    else await this.restart(one.isSettled)
  }

  offer(first: number, count: number): void {
    for (let i = 0; i <= count; i++) void this.pool.add(this.at(first + i).bytes)
  }

  /** Once nothing is under way, what waits does so for want of something. */
  async settle(): Promise<void> {
    await this.pool.whenIdle()
    const taken = all(this.pool)
    const made = new Set(taken.flatMap(({ makes }) => makes))
    const fork = this.chain.fork()
    fork.apply(taken)
    for (const { id, spends, sender, nonce } of this.offered) {
      if (!this.told.waiting.has(id)) continue
      const isKeyMissing = spends.some((key) => !this.chain.owners.has(key) && !made.has(key))
      expect(isKeyMissing || (nonce !== undefined && nonce > fork.next(sender))).toBe(true)
    }
  }

  at(index: number): ModelTransaction {
    const one = this.offered[index % this.offered.length]
    if (one === undefined) throw new RangeError('nothing is offered')
    return one
  }

  /** Of the offered, in their order from one on, those that apply one after the other. */
  applicable(from: number, count: number): ModelTransaction[] {
    const fork = this.chain.fork()
    const block: ModelTransaction[] = []
    for (const one of this.offered.slice(from % this.offered.length)) {
      if (block.length >= count || !one.isSigned || fork.fault(one) !== undefined) continue
      fork.apply([one])
      block.push(one)
    }
    return block
  }

  revert(depth: number, isAtOnce: boolean): void {
    const reverted: ModelTransaction[][] = []
    for (let i = 0; i < depth && this.chain.blocks.length > 0; i++) {
      const block = this.chain.revert()
      reverted.unshift(block)
      if (!isAtOnce) this.pool.onRevert(block)
    }
    if (isAtOnce) this.pool.onRevert(reverted.flat())
  }

  /** Has a block of others, has the pool take what builds on that, and goes back to before the block. */
  async detour(from: number, count: number): Promise<void> {
    addBlock(this.chain, this.pool, this.applicable(from, count))
    for (let i = 0; i < this.offered.length; i++) await this.pool.add(this.at(from + i).bytes)
    await this.settle()
    this.revert(1, true)
  }

  /** Goes over to a branch that begins with what the one before began with, and has others after that. */
  switch(depth: number, kept: number, from: ModelTransaction, count: number): void {
    const reverted: ModelTransaction[] = []
    for (let i = 0; i < depth && this.chain.blocks.length > 0; i++) reverted.unshift(...this.chain.revert())
    const common = reverted.slice(0, kept)
    this.chain.apply(common)
    const more = this.applicable(this.offered.indexOf(from), count)
    this.chain.apply(more)
    this.pool.onSwitch(reverted, [...common, ...more])
  }

  /**
   * What was being checked when it stopped may be in another place after: only what had settled is the same. Of that, what
   * waits is judged anew, which refuses what is in the way of one in the pool by now.
   */
  async restart(isSettled: boolean): Promise<void> {
    this.isRestarted = true
    if (isSettled) await this.settle()
    await this.pool.stop()
    const before = { placed: ids(all(this.pool)), waiting: this.waiting() }
    this.pool = this.makePool()
    const report = await this.pool.start()
    await this.pool.whenIdle()
    if (isSettled) {
      const [waiting, conflicts] = [this.waiting(), report.refused['conflict'] ?? 0]
      expect(ids(all(this.pool))).toEqual(before.placed)
      expect(before.waiting).toEqual(expect.arrayContaining(waiting))
      expect(waiting.length).toBe(before.waiting.length - conflicts)
    }
    expect(report.corrupt).toBe(0)
  }

  waiting(): string[] {
    const placed = new Set(ids(this.pool.transactions()))
    return ids(this.offered.filter(({ id }) => this.pool.has(id) && !placed.has(id))).toSorted()
  }

  check(limit: Limits): void {
    const taken = all(this.pool)
    const stats = this.pool.stats()
    expect(ids(this.pool.transactions())).toEqual(ids(taken))
    // Each applies after those before it.
    const fork = this.chain.fork()
    for (const one of taken) {
      expect(fork.fault(one)).toBeUndefined()
      fork.apply([one])
    }
    const applied = this.offered.filter(({ id }) => this.chain.applied.has(id) && this.pool.has(id))
    expect(applied.filter(({ id }) => !this.isRestarted || !this.told.waiting.has(id))).toEqual([])
    expect(new Set(ids(taken))).toEqual(this.told.placed)
    expect(this.waiting()).toEqual([...this.told.waiting].toSorted())
    expect(stats.waiting).toBe(this.told.waiting.size)
    checkBounds(taken, stats, limit)
    expect(effectiveRanks(taken)).toEqual(effectiveRanks(taken).toSorted((a, b) => a - b))
  }
}

function checkBounds(taken: ModelTransaction[], stats: ReturnType<Mempool['stats']>, limit: Limits): void {
  expect(stats).toMatchObject({ transactions: taken.length, bytes: bytesOf(taken) })
  expect(taken.length).toBeLessThanOrEqual(limit.maxTransactions)
  expect(stats.bytes).toBeLessThanOrEqual(limit.maxBytes)
  for (const of of Map.groupBy(taken, ({ sender }) => sender).values()) {
    expect(of.length).toBeLessThanOrEqual(limit.maxTransactionsPerSender)
    expect(bytesOf(of)).toBeLessThanOrEqual(limit.maxBytesPerSender)
  }
  expect(stats.waiting).toBeLessThanOrEqual(limit.maxWaiting)
  expect(stats.waitingBytes).toBeLessThanOrEqual(limit.maxWaitingBytes)
  expect(stats.pending).toBeLessThanOrEqual(limit.maxPending)
  expect(stats.pendingBytes).toBeLessThanOrEqual(limit.maxPendingBytes)
}

const bytesOf = (of: readonly ModelTransaction[]): number => of.reduce((sum, { size }) => sum + size, 0)

/** By place: the least urgent of the lanes of a transaction and of all that it builds on in the pool. */
function effectiveRanks(taken: readonly ModelTransaction[]): number[] {
  const ranks = new Map<string, number>()
  for (const one of taken) {
    const parents = taken.filter(
      ({ makes, sender, nonce, series }) =>
        (series !== undefined && series.number < (one.series?.number ?? 0)) ||
        one.spends.some((key) => makes.includes(key)) ||
        (one.nonce !== undefined && sender === one.sender && nonce === one.nonce - 1),
    )
    ranks.set(one.id, Math.max(LANES.indexOf(one.lane), ...parents.map(({ id }) => ranks.get(id) ?? Infinity)))
  }
  return [...ranks.values()]
}
