import type { PoolTransaction } from './chain.ts'
import type { Need } from './needs.ts'
import type { MempoolOptions } from './options.ts'
import { OrderedSet } from './ordered-set.ts'
import { type Refusal, refuse } from './refusal.ts'

/** A transaction that waits for what it builds on. It keeps nobody from spending what it spends. */
export interface Orphan<T extends PoolTransaction> {
  readonly transaction: T
  readonly order: number
  /** Reading of `performance.now()`. */
  readonly heldAtMs: number
  /** What it waits for, and has not come since it was judged; with none it is being judged anew. */
  readonly needs: Set<Need>
}

/** The limits on those that wait. */
export type OrphanLimits = Pick<MempoolOptions, 'maxWaiting' | 'maxWaitingBytes' | 'maxWaitingPerSender'>

/** Those that wait, oldest first. */
export class Orphans<T extends PoolTransaction> {
  readonly #limits: OrphanLimits
  readonly #byId = new Map<string, Orphan<T>>()
  readonly #order = new OrderedSet<Orphan<T>>((a, b) => a.order - b.order)
  readonly #byNeed = new Map<Need, Set<Orphan<T>>>()
  readonly #bySender = new Map<string, number>()
  #bytes = 0

  constructor(limits: OrphanLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#byId.size
  }

  get bytes(): number {
    return this.#bytes
  }

  get oldest(): Orphan<T> | undefined {
    return this.#order.first
  }

  get(id: string): Orphan<T> | undefined {
    return this.#byId.get(id)
  }

  /** Oldest first. The one that was given last may be deleted meanwhile. */
  all(): Iterable<Orphan<T>> {
    return this.#order
  }

  /**
   * Takes note that a need is met, and gives those that wait for nothing more. To judge each whenever one of 256 needs is
   * met would let whoever sends what they spend, one by one, have all that wait judged 256 times.
   */
  meet(need: Need): Orphan<T>[] {
    const waiting = this.#byNeed.get(need)
    if (waiting === undefined) return []
    this.#byNeed.delete(need)
    return Array.from(waiting).filter(({ needs }) => needs.delete(need) && needs.size === 0)
  }

  /** Why this one may not even wait. */
  refusal({ sender, size }: T): Refusal | undefined {
    const { maxWaitingBytes, maxWaitingPerSender } = this.#limits
    const count = (this.#bySender.get(sender) ?? 0) + 1
    if (count > maxWaitingPerSender) {
      return refuse('waiting-full', `${count} of one sender wait, where maxWaitingPerSender is ${maxWaitingPerSender}`)
    }
    if (size <= maxWaitingBytes) return undefined
    return refuse('waiting-full', `${size} bytes, where maxWaitingBytes is ${maxWaitingBytes}`)
  }

  add(orphan: Orphan<T>): void {
    const { id, sender, size } = orphan.transaction
    this.#byId.set(id, orphan)
    this.#order.add(orphan)
    this.#bySender.set(sender, (this.#bySender.get(sender) ?? 0) + 1)
    this.#bytes += size
    this.#link(orphan)
  }

  /** Says that an orphan goes on waiting, for something else perhaps. */
  waitOn(orphan: Orphan<T>, needs: readonly Need[]): void {
    this.#unlink(orphan)
    orphan.needs.clear()
    for (const need of needs) orphan.needs.add(need)
    this.#link(orphan)
  }

  delete(orphan: Orphan<T>): void {
    const { id, sender, size } = orphan.transaction
    if (!this.#byId.delete(id)) return
    this.#order.delete(orphan)
    const others = (this.#bySender.get(sender) ?? 0) - 1
    if (others > 0) this.#bySender.set(sender, others)
    else this.#bySender.delete(sender)
    this.#bytes -= size
    this.#unlink(orphan)
  }

  /** The limit that is exceeded, as long as one is. */
  overflow(): Refusal | undefined {
    const { maxWaiting, maxWaitingBytes } = this.#limits
    if (this.count > maxWaiting) return refuse('waiting-full', `${this.count} wait, where maxWaiting is ${maxWaiting}`)
    if (this.#bytes <= maxWaitingBytes) return undefined
    return refuse('waiting-full', `${this.#bytes} bytes wait, where maxWaitingBytes is ${maxWaitingBytes}`)
  }

  #link(orphan: Orphan<T>): void {
    for (const need of orphan.needs) {
      const waiting = this.#byNeed.get(need) ?? new Set()
      this.#byNeed.set(need, waiting.add(orphan))
    }
  }

  #unlink(orphan: Orphan<T>): void {
    for (const need of orphan.needs) {
      const waiting = this.#byNeed.get(need)
      waiting?.delete(orphan)
      if (waiting?.size === 0) this.#byNeed.delete(need)
    }
  }
}
