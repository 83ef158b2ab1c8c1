import { heldBackBy } from './arrange.ts'
import type { AppliedTransaction, PoolTransaction } from './chain.ts'
import type { Arrival } from './changes.ts'
import type { Contents } from './contents.ts'
import type { Entry } from './entry.ts'
import { checkConflict } from './judge.ts'
import { keyNeed, metBy, metInChain, type Need, nonceNeed } from './needs.ts'
import type { Orphans } from './orphans.ts'
import type { PoolIndex } from './pool-index.ts'
import { Recent } from './recent.ts'
import { type Refusal, refuse } from './refusal.ts'
import { staleAfter } from './stale.ts'

/** Has what a pool holds follow the chain: what blocks apply goes, and what they give back comes before all others. */
export class ChainMoves<T extends PoolTransaction> {
  /** Ids that blocks have applied lately. */
  readonly applied: Recent
  /** Keys that blocks have spent lately. */
  readonly spent: Recent
  readonly #contents: Contents<T>
  readonly #index: PoolIndex<T>
  readonly #orphans: Orphans<T>
  #first = 0

  /** Remembers so many of both. */
  constructor(contents: Contents<T>, maxRemembered: number) {
    this.#contents = contents
    this.#index = contents.index
    this.#orphans = contents.orphans
    this.applied = new Recent(maxRemembered)
    this.spent = new Recent(maxRemembered)
  }

  /** Takes out what blocks applied, and what cannot be applied after it. */
  apply(transactions: readonly AppliedTransaction[]): void {
    for (const { id, spends } of transactions) {
      this.applied.add(id)
      for (const key of spends) this.spent.add(key)
    }
    // A node that catches up has none of either, and blocks without end.
    if (this.#index.count > 0) this.#clearIndex(transactions)
    if (this.#orphans.count === 0) return
    this.#clearOrphans(transactions)
    for (const transaction of transactions) this.#contents.wake(metInChain(transaction))
  }

  /** Puts back, before all others, what blocks had applied, whatever the limits. */
  giveBack(transactions: readonly T[], nowMs: number): void {
    for (const { id, spends } of transactions) {
      this.applied.delete(id)
      for (const key of spends) this.spent.delete(key)
    }
    this.#first -= transactions.length
    const unmade = new Set(transactions.flatMap(metInChain))
    const unsure = transactions.flatMap(({ mayMake = [] }) => mayMake)
    this.#suspend(this.#index.spendersFor({ makes: unsure }), unmade, nowMs)
    for (const [i, transaction] of transactions.entries()) {
      if (this.#index.get(transaction.id) !== undefined) continue
      const orphan = this.#orphans.get(transaction.id)
      const needs = this.#lacks(transaction, unmade)
      if (needs.length > 0) {
        this.#waitAgain(transaction, needs, { orphan, atMs: nowMs })
        this.#suspend(this.#leftBy(transaction), unmade, nowMs)
        continue
      }
      if (orphan !== undefined) this.#orphans.delete(orphan)
      const refusal = checkConflict(transaction, this.#index, true)
      if (refusal !== undefined) this.#lose(transaction, refusal, orphan !== undefined)
      else {
        const place = this.#contents.placeFor(transaction, this.#first + i)
        this.#contents.put({ transaction, ...place, placedAtMs: nowMs })
      }
    }
    const unspent = transactions.flatMap(({ spends }) => spends.map(keyNeed))
    this.#contents.wake(unspent.filter((need) => !unmade.has(need)))
  }

  /** Has those wait that spend what is not sure to be made again, and all that builds on them as well. */
  #suspend(roots: readonly Entry<T>[], unmade: ReadonlySet<Need>, nowMs: number): void {
    for (const root of roots) {
      // One of them may have gone with another.
      if (this.#index.get(root.transaction.id) !== root) continue
      const gone = this.#contents.cut(root).map(({ transaction }) => transaction)
      const lost = new Set(gone.flatMap(metBy))
      for (const one of gone) this.#waitAgain(one, this.#lacks(one, unmade, lost), { atMs: nowMs })
    }
  }

  #waitAgain(transaction: T, needs: readonly Need[], arrival: Arrival<T>): void {
    const missing = { needs, refusal: refuse('unknown-input', 'what it builds on was reverted') }
    const placement = this.#contents.wait(transaction, missing, arrival)
    if (placement.status !== 'refused') return
    const { code, message } = placement.refusal
    this.#contents.tellRemoved(transaction, 'refused', `${code}: ${message}`, false)
  }

  /** What a transaction needs of what was unmade, and the pool does not have. */
  #lacks({ spends, sender, nonce }: T, ...unmade: ReadonlySet<Need>[]): Need[] {
    const needs = spends.filter((key) => this.#index.makerOf(key) === undefined).map(keyNeed)
    if (nonce !== undefined && this.#index.numbered(sender, nonce - 1) === undefined) {
      needs.push(nonceNeed(sender, nonce - 1))
    }
    return needs.filter((need) => unmade.some((some) => some.has(need)))
  }

  /** Takes out what a block applied, and what stands in the way of that. */
  #clearIndex(transactions: readonly AppliedTransaction[]): void {
    for (const { id } of transactions) this.#include(id)
    const taken = new Set<Need>()
    for (const { sender, nonce } of transactions) if (nonce !== undefined) taken.add(nonceNeed(sender, nonce))
    for (const { id, sender, nonce, series, spends, makes } of transactions) {
      if (series !== undefined) for (const entry of this.#index.series.upTo(series)) this.#yieldTo(id, entry, taken)
      if (nonce !== undefined) this.#yieldTo(id, this.#index.numbered(sender, nonce), taken)
      for (const key of spends) this.#yieldTo(id, this.#index.spenderOf(key), taken)
      for (const key of makes) this.#yieldTo(id, this.#index.makerOf(key), taken)
    }
  }

  /** Takes out an entry that is in the chain now; those that build on it stay. */
  #include(id: string): void {
    const entry = this.#index.get(id)
    if (entry === undefined) return
    const children = heldBackBy(this.#index, entry)
    this.#index.delete(entry)
    this.#contents.tellRemoved(entry.transaction, 'included', 'a block applied it', false)
    this.#contents.align(children)
  }

  /** Takes out an entry that stands in the way of what a block applied. */
  #yieldTo(id: string, entry: Entry<T> | undefined, taken: ReadonlySet<Need>): void {
    // One of a series may have gone with another.
    if (entry !== undefined && this.#index.get(entry.transaction.id) === entry)
      this.#contents.removeTree(entry, 'conflict', `a block applied ${id}`, taken)
  }

  /** What did not come back takes along what builds on it. */
  #lose(transaction: T, { code, message }: Refusal, wasWaiting: boolean): void {
    this.#contents.tellRemoved(transaction, 'refused', `${code}: ${message}`, wasWaiting)
    for (const child of this.#leftBy(transaction)) {
      // One of them may have gone with another.
      if (this.#index.get(child.transaction.id) === child) {
        this.#contents.removeTree(child, 'parent-removed', `it builds on ${transaction.id}`)
      }
    }
  }

  /** Those that do not apply as a transaction did not come back. */
  #leftBy(transaction: T): Entry<T>[] {
    const { sender, nonce } = transaction
    const isNonceTaken = nonce !== undefined && this.#index.numbered(sender, nonce) !== undefined
    return isNonceTaken ? this.#index.spendersFor(transaction) : this.#index.childrenOf(transaction)
  }

  /** Drops those that a block applied, or that can never be applied after it. */
  #clearOrphans(transactions: readonly AppliedTransaction[]): void {
    const isStale = staleAfter(transactions)
    const applied = new Set(transactions.map(({ id }) => id))
    for (const orphan of this.#orphans.all()) {
      const { transaction } = orphan
      if (applied.has(transaction.id)) this.#contents.dropOrphan(orphan, 'included', 'a block applied it')
      else if (isStale(transaction)) {
        this.#contents.dropOrphan(orphan, 'conflict', 'a block applied another in its place')
      }
    }
  }
}
