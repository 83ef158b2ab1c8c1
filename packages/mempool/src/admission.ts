import { ask } from './ask.ts'
import { candidatesFor, hasItsParents, isWhole } from './candidates.ts'
import type { ChainCall, MempoolChain, PoolTransaction, StateFacts } from './chain.ts'
import type { Placement } from './changes.ts'
import { MAX_LOOKS } from './constants.ts'
import type { AddResult } from './index.ts'
import { checkLength, checkShape, read, type Reading, screen } from './inspect.ts'
import { type Item, weigh } from './item.ts'
import { metBy, type Need, needsOf } from './needs.ts'
import { Offer } from './offer.ts'
import type { MempoolOptions } from './options.ts'
import type { Orphan } from './orphans.ts'
import { Pending } from './pending.ts'
import { Pipeline } from './pipeline.ts'
import type { Pool } from './pool.ts'
import { NOT_RUNNING, type Refusal, refuse } from './refusal.ts'

/** What admission works with. */
export interface AdmissionInit<T extends PoolTransaction> {
  chain: MempoolChain<T>
  pool: Pool<T>
  options: MempoolOptions
  /** Tells of what happened in the pool. */
  readonly publish: () => void
}

/** The way into the pool: what is cheap to check first, then signatures in batches, then the state. */
export class Admission<T extends PoolTransaction> {
  readonly #init: AdmissionInit<T>
  readonly #pipeline: Pipeline<Item<T>>
  readonly #pending = new Pending<T>()
  /** Those that have waited, and that the chain gave no answer for. */
  #unanswered: Orphan<T>[] = []
  #controller = new AbortController()

  constructor(init: AdmissionInit<T>) {
    this.#init = init
    this.#controller.abort()
    const steps = {
      verify: (batch: readonly Item<T>[]) => this.#verify(batch),
      judge: (batch: Item<T>[]) => this.#judge(batch),
    }
    this.#pipeline = new Pipeline(steps, init.options)
  }

  /** How many are being checked, and their sizes together. */
  get pending(): Readonly<Pick<Pending<T>, 'count' | 'bytes'>> {
    return this.#pending
  }

  open(): void {
    if (this.#controller.signal.aborted) this.#controller = new AbortController()
  }

  /** Resolves once all that was under way is settled. */
  async close(): Promise<void> {
    this.#controller.abort()
    for (const { settle } of this.#pipeline.drain()) settle({ status: 'refused', refusal: NOT_RUNNING })
    await this.#pipeline.whenIdle()
  }

  whenIdle(): Promise<void> {
    return this.#pipeline.whenIdle()
  }

  /**
   * Takes transactions through all checks, and gives what became of each, in order.
   * @throws the signal's reason when it aborts before all are through
   */
  async add(list: readonly Uint8Array[], signal?: AbortSignal): Promise<AddResult[]> {
    const offer = new Offer(list.length)
    const items: Item<T>[] = []
    for (const [i, bytes] of list.entries()) {
      const { transaction, refusal } = this.#enter(bytes)
      if (refusal !== undefined) {
        offer.settle(i, { status: 'refused', ...refusal })
        continue
      }
      const item = this.#itemOf(transaction, (result) => offer.settle(i, result))
      items.push(item)
      this.#pending.add(transaction)
      this.#pipeline.push(item)
    }
    return offer.results(signal, () => {
      for (const item of items) item.isAbandoned = true
    })
  }

  /** Judges those that have waited and may have what they waited for. */
  retry(orphans: readonly Orphan<T>[]): void {
    const items = orphans.map((orphan) => ({ ...weigh(orphan.transaction), orphan, isHeld: true, settle: ignore }))
    this.#pipeline.judge(items)
  }

  /** Judges those anew that the chain gave no answer for. */
  retryUnanswered(): void {
    const unanswered = this.#unanswered
    this.#unanswered = []
    this.retry(unanswered)
  }

  /** Takes a batch of transactions that were held before a restart through all checks, in order. */
  async restore(batch: readonly { transaction: T; atMs: number; isFirm: boolean }[]): Promise<Placement[]> {
    const placements: Placement[] = batch.map(() => ({ status: 'refused', refusal: NOT_RUNNING }))
    // The chain may be closed by now.
    if (this.#controller.signal.aborted) return placements
    const { pool, options } = this.#init
    const { batchSize } = options
    const items: Item<T>[] = []
    for (const [i, { transaction, atMs, isFirm }] of batch.entries()) {
      const settle = (placement: Placement): void => {
        placements[i] = placement
      }
      // What waited may have come before the pool was full, and takes no room there.
      const refusal = this.#inspect(transaction) ?? (isFirm ? pool.precheck(transaction, isFirm) : undefined)
      if (refusal === undefined) items.push({ ...weigh(transaction), atMs, isFirm, isHeld: true, settle })
      else settle({ status: 'refused', refusal })
    }
    const batches = Array.from({ length: Math.ceil(items.length / batchSize) }, (_, i) =>
      this.#verify(items.slice(i * batchSize, (i + 1) * batchSize)),
    )
    await this.#judge((await Promise.all(batches)).flat())
    return placements
  }

  /** Reads a transaction, and refuses what need not be looked at any closer. */
  #enter(bytes: Uint8Array): Reading<T> {
    const { chain, pool, options } = this.#init
    const reading = read(bytes, chain, options.maxTransactionBytes)
    const { transaction } = reading
    if (transaction === undefined) return reading
    const refusal = this.#inspect(transaction) ?? pool.precheck(transaction) ?? this.#findPlace(transaction)
    return refusal === undefined ? reading : { refusal }
  }

  #inspect(transaction: T): Refusal | undefined {
    const { chain, pool, options } = this.#init
    return (
      checkLength(transaction.bytes, options.maxTransactionBytes) ??
      checkShape(transaction) ??
      this.#pending.checkKnown(transaction) ??
      pool.checkKnown(transaction) ??
      screen(transaction, chain)
    )
  }

  /**
   * Room among those being checked: the newest of the lane that takes most of it make way, unless all of them would not
   * do. Nobody knows yet whether a lane is what it says, so urgency takes no room from others.
   */
  #findPlace(transaction: T): Refusal | undefined {
    const { maxPending, maxPendingBytes } = this.#init.options
    let [count, bytes] = [this.#pending.count + 1, this.#pending.bytes + transaction.size]
    if (count <= maxPending && bytes <= maxPendingBytes) return undefined
    const values = `${count} with ${bytes} bytes to be checked`
    const busy = refuse(
      'busy',
      `${values}, where maxPending is ${maxPending} and maxPendingBytes is ${maxPendingBytes}`,
    )
    const shed: Item<T>[] = []
    while (count > maxPending || bytes > maxPendingBytes) {
      const least = this.#pipeline.shed(weigh(transaction))
      if (least === undefined) {
        for (const item of shed.toReversed()) this.#pipeline.putBack(item)
        return busy
      }
      shed.push(least)
      count -= 1
      bytes -= least.transaction.size
    }
    for (const { settle } of shed) settle({ status: 'refused', refusal: busy })
    return undefined
  }

  #itemOf(transaction: T, onSettled: (result: AddResult) => void): Item<T> {
    return {
      ...weigh(transaction),
      settle: (placement) => {
        this.#pending.delete(transaction)
        const { id } = transaction
        onSettled(placement.status === 'refused' ? { status: 'refused', ...placement.refusal } : { id, ...placement })
      },
    }
  }

  async #verify(batch: readonly Item<T>[]): Promise<Item<T>[]> {
    const items = batch.filter((item) => this.#isWanted(item))
    if (items.length === 0) return []
    const transactions = items.map(({ transaction }) => transaction)
    const verdicts = await this.#ask('verify', items, (call) => this.#init.chain.verify(transactions, call))
    if (verdicts === undefined) return []
    return items.filter((item, i) => {
      if (verdicts[i] === true) return true
      this.#fail([item], refuse('invalid-signature', `no valid signature of ${item.transaction.sender}`))
      return false
    })
  }

  async #judge(batch: readonly Item<T>[]): Promise<void> {
    let items = batch
    for (let looks = 0; items.length > 0;) {
      const left = await this.#judgeOnce(items.filter((item) => this.#isWanted(item)))
      looks = left.length < items.length ? 0 : looks + 1
      items = left
      if (looks < MAX_LOOKS) continue
      this.#fail(items, refuse('busy', `the state changed while it was looked at, ${MAX_LOOKS} times`))
      return
    }
  }

  /** Gives back those for which what the state said does not count any more. */
  async #judgeOnce(items: readonly Item<T>[]): Promise<Item<T>[]> {
    if (items.length === 0) return []
    const { chain, pool } = this.#init
    const { epoch } = pool
    const candidates = candidatesFor(
      items.map(({ transaction }) => transaction),
      pool.index,
    )
    const facts = await this.#ask('look', items, (call) => chain.look(candidates, call))
    if (facts === undefined) return []
    /** What is met once those are through that are looked at again: what builds on it is not judged before. */
    const later = new Set<Need>()
    const lookAgain = (transaction: T): true => {
      for (const need of metBy(transaction)) later.add(need)
      return true
    }
    return items.filter((item, i) => {
      if (!this.#isWanted(item)) return false
      if (pool.epoch !== epoch) return true
      const { transaction } = item
      const own = facts[i]
      if (!isWhole(own, transaction)) {
        this.#fail([item], refuse('chain-failed', `look did not say enough of ${transaction.id}`))
        return false
      }
      if (later.size > 0 && needsOf(transaction).some((need) => later.has(need))) return lookAgain(transaction)
      const candidate = candidates[i]
      const isLookedAt = candidate !== undefined && hasItsParents(candidate, pool.index)
      // Parents bear on nothing but what else the state says of it, and that only counts for what would apply. So a
      // family whose first is refused costs one look, and not one for each.
      const isOpen = !isLookedAt && pool.judge(transaction, { ...own, refusal: undefined }, item.isHeld) === undefined
      if (isOpen) return lookAgain(transaction)
      this.#place(item, own)
      return false
    })
  }

  #place(item: Item<T>, facts: StateFacts): void {
    const { transaction, orphan, atMs = performance.now() } = item
    const { pool, publish } = this.#init
    // It may have been dropped meanwhile, or a revert may have brought it back.
    if (orphan !== undefined && pool.orphans.get(transaction.id) !== orphan) return
    item.settle(pool.place(transaction, facts, { ...item, atMs }))
    publish()
  }

  /** Asks the chain for an answer to each; where it gives none, all are refused. */
  async #ask<V>(
    what: string,
    items: readonly Item<T>[],
    call: (call: ChainCall) => readonly V[] | Promise<readonly V[]>,
  ): Promise<readonly V[] | undefined> {
    const { signal } = this.#controller
    const answer = await ask(what, (own) => call({ signal: own }), this.#init.options.deadlineMs, signal)
    if (signal.aborted) {
      this.#fail(items, NOT_RUNNING)
      return undefined
    }
    if (answer.ok && Array.isArray(answer.value) && answer.value.length === items.length) return answer.value
    const message = answer.ok ? `${what} did not give ${items.length} answers for as many` : answer.message
    this.#fail(items, refuse('chain-failed', message))
    return undefined
  }

  /** Refuses them; one that has waited goes on waiting. */
  #fail(items: readonly Item<T>[], refusal: Refusal): void {
    for (const { orphan, settle } of items) {
      if (orphan !== undefined) this.#unanswered.push(orphan)
      settle({ status: 'refused', refusal })
    }
  }

  /** Whether somebody waits for it; one for which nobody does is settled. */
  #isWanted(item: Item<T>): boolean {
    if (item.isAbandoned === true) item.settle({ status: 'refused', refusal: NOT_RUNNING })
    return item.isAbandoned !== true
  }
}

/** Those that have waited are told of by events. */
function ignore(): void {}
