import { align, aheadOf, placeFor } from './arrange.ts'
import type { Arrival, Placement, PoolChange, RemovalReason } from './changes.ts'
import type { PoolTransaction } from './chain.ts'
import type { Entry, Place } from './entry.ts'
import type { Missing } from './judge.ts'
import { metBy, type Need, nonceNeed } from './needs.ts'
import type { MempoolOptions } from './options.ts'
import { type Orphan, Orphans } from './orphans.ts'
import { PoolIndex } from './pool-index.ts'

const NONE: ReadonlySet<Need> = new Set()

/**
 * What a pool holds: transactions that apply and those that wait, and the ways in and out. Each leaves all of it in order,
 * wakes whoever waited for it, and is told by `drain`.
 */
export class Contents<T extends PoolTransaction> {
  readonly index = new PoolIndex<T>()
  readonly orphans: Orphans<T>
  readonly #limits: MempoolOptions
  #next = 0
  #changes: PoolChange<T>[] = []
  #woken: Orphan<T>[] = []

  constructor(limits: MempoolOptions) {
    this.#limits = limits
    this.orphans = new Orphans(limits)
  }

  /** The order of whatever comes next. */
  get next(): number {
    return this.#next
  }

  /** What happened since the last call. */
  drain(): PoolChange<T>[] {
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  /** Those of the waiting that may have what they wait for, since the last call. */
  drainWoken(): Orphan<T>[] {
    const woken = this.#woken
    this.#woken = []
    return woken
  }

  /** An order that nobody has, behind all others. */
  takeOrder(): number {
    return this.#next++
  }

  /** Has a transaction wait for what is missing, or go on waiting; a refusal where it may not. */
  wait(transaction: T, { needs, refusal: missing }: Missing, { orphan: held, isFirm, atMs }: Arrival<T>): Placement {
    if (held !== undefined) {
      this.orphans.waitOn(held, needs)
      return { status: 'waiting', missing }
    }
    if (isFirm === true || this.#limits.maxWaiting === 0) return { status: 'refused', refusal: missing }
    const refusal = this.orphans.refusal(transaction)
    if (refusal !== undefined) return { status: 'refused', refusal }
    const orphan = { transaction, order: this.takeOrder(), heldAtMs: atMs, needs: new Set(needs) }
    this.orphans.add(orphan)
    // The oldest goes: what has waited longest in vain is least likely to get what it waits for.
    for (let full = this.orphans.overflow(); full !== undefined; full = this.orphans.overflow()) {
      const { oldest } = this.orphans
      if (oldest !== undefined) this.dropOrphan(oldest, 'waiting-full', full.message)
    }
    this.#changes.push({ type: 'waiting', orphan, missing })
    return { status: 'waiting', missing }
  }

  /** The place of a transaction that wants an order: later than what it builds on. */
  placeFor(transaction: T, wanted: number): Place {
    return placeFor(this.index, transaction, wanted, () => this.takeOrder())
  }

  /** Puts in a transaction that applies, whatever the limits. */
  put(entry: Entry<T>): void {
    this.index.insert(entry)
    this.#changes.push({ type: 'added', entry })
    this.align(aheadOf(this.index, entry))
    this.wake(metBy(entry.transaction))
  }

  /** Gives entries the place that what they build on now leaves them. */
  align(entries: readonly Entry<T>[]): void {
    for (const entry of align(this.index, entries, () => this.takeOrder())) this.#changes.push({ type: 'moved', entry })
  }

  /** Takes out an entry and all that builds on it, and tells why. */
  removeTree(root: Entry<T>, reason: RemovalReason, message: string, taken = NONE): void {
    for (const { transaction } of this.cut(root, taken)) {
      if (transaction === root.transaction) this.tellRemoved(transaction, reason, message, false)
      else this.tellRemoved(transaction, 'parent-removed', `it builds on ${root.transaction.id}`, false)
    }
  }

  /**
   * Takes out an entry and all that builds on it, and gives them. Who has the nonce after one that is `taken` goes on: it
   * does not matter by whom. So does who is later in a series.
   */
  cut(root: Entry<T>, taken = NONE): Entry<T>[] {
    const { index } = this
    const gone = new Set([root])
    const freed: Entry<T>[] = []
    // A set that grows while it is walked: what is added is walked too.
    for (const { transaction } of gone) {
      for (const child of index.spendersFor(transaction)) gone.add(child)
      const { sender, nonce } = transaction
      const later = index.series.after(transaction)
      if (later !== undefined) freed.push(later)
      const next = index.nextOf(transaction)
      if (next === undefined || nonce === undefined) continue
      if (taken.has(nonceNeed(sender, nonce))) freed.push(next)
      else gone.add(next)
    }
    for (const entry of gone) index.delete(entry)
    this.align(freed.filter((entry) => !gone.has(entry)))
    return [...gone]
  }

  /** Takes out one that waits. */
  dropOrphan(orphan: Orphan<T>, reason: RemovalReason, message: string): void {
    this.orphans.delete(orphan)
    this.tellRemoved(orphan.transaction, reason, message, true)
  }

  /** Wakes those that wait for nothing more, now that these needs are met. */
  wake(needs: readonly Need[]): void {
    if (this.orphans.count === 0) return
    for (const need of needs) this.#woken.push(...this.orphans.meet(need))
  }

  /** Tells that a transaction is not held any more. */
  tellRemoved(transaction: T, reason: RemovalReason, message: string, wasWaiting: boolean): void {
    this.#changes.push({ type: 'removed', transaction, reason, message, wasWaiting })
  }
}
