import type { AppliedTransaction, PoolTransaction, StateFacts } from './chain.ts'
import type { Arrival, Placement, PoolChange } from './changes.ts'
import { ChainMoves } from './chain-moves.ts'
import { Contents } from './contents.ts'
import { rankOf } from './entry.ts'
import { checkConflict, judge, type Missing } from './judge.ts'
import type { MempoolOptions } from './options.ts'
import type { Orphan, Orphans } from './orphans.ts'
import type { PoolIndex } from './pool-index.ts'
import { type Refusal, refuse } from './refusal.ts'
import { hasNoRoom, makeRoom, overflow, overflowOf, type Victim } from './room.ts'

/**
 * The pool itself, without a clock of its own, a chain or a log: every call leaves it whole, and tells what it did by
 * `drain`. In it are only transactions that apply, one after the other in its order, to the state as of the tip.
 */
export class Pool<T extends PoolTransaction> {
  readonly #limits: MempoolOptions
  readonly #contents: Contents<T>
  readonly #moves: ChainMoves<T>
  #epoch = 0

  constructor(limits: MempoolOptions) {
    this.#limits = limits
    this.#contents = new Contents(limits)
    this.#moves = new ChainMoves(this.#contents, limits.maxRemembered)
  }

  /** Those that apply. */
  get index(): PoolIndex<T> {
    return this.#contents.index
  }

  /** Those that wait. */
  get orphans(): Orphans<T> {
    return this.#contents.orphans
  }

  /** Rises whenever the tip moves: what was read of the state before is of no use after. */
  get epoch(): number {
    return this.#epoch
  }

  /** What happened since the last call. */
  drain(): PoolChange<T>[] {
    return this.#contents.drain()
  }

  /** Those of the waiting that may have what they wait for, since the last call. */
  drainWoken(): Orphan<T>[] {
    return this.#contents.drainWoken()
  }

  /** Refuses what is there, and what was there until a block applied it. */
  checkKnown({ id }: T): Refusal | undefined {
    if (this.index.get(id) !== undefined) return refuse('already-known', `${id} is in the pool`)
    if (this.orphans.get(id) !== undefined) return refuse('already-known', `${id} waits for what it builds on`)
    return this.#moves.applied.has(id) ? refuse('already-applied', `${id} is in the chain`) : undefined
  }

  /** Refuses what the state need not be asked about. */
  precheck(transaction: T, isHeld = false): Refusal | undefined {
    const place = { rank: rankOf(transaction), order: this.#contents.next }
    return checkConflict(transaction, this.index, isHeld) ?? hasNoRoom(this.index, this.#limits, transaction, place)
  }

  /** What keeps a transaction from applying after those in the pool, by what the state says of it. */
  judge(transaction: T, facts: StateFacts, isHeld?: boolean): Refusal | Missing | undefined {
    return judge(transaction, { index: this.index, spent: this.#moves.spent, facts, isHeld })
  }

  /** Places a transaction by what the state says of it. */
  place(transaction: T, facts: StateFacts, arrival: Arrival<T>): Placement {
    const { orphan, atMs, isHeld } = arrival
    const refusal = orphan === undefined ? this.checkKnown(transaction) : undefined
    if (refusal !== undefined) return { status: 'refused', refusal }
    const outcome = this.judge(transaction, facts, isHeld)
    if (outcome !== undefined && 'needs' in outcome) return this.#contents.wait(transaction, outcome, arrival)
    const final = outcome ?? this.#insert(transaction, this.#contents.takeOrder(), atMs)
    if (orphan !== undefined) this.orphans.delete(orphan)
    if (final === undefined) return { status: 'added' }
    const { code, message } = final
    if (orphan !== undefined) this.#contents.tellRemoved(transaction, 'refused', `${code}: ${message}`, true)
    return { status: 'refused', refusal: final }
  }

  /**
   * Puts back, before all others, what is no longer applied, and then takes out what is applied now and what cannot be
   * applied after it. The state is that after all of it. Only then the limits count: what comes back and goes again, or is
   * in the way of what blocks applied, takes no room from others.
   */
  move(back: readonly T[], applied: readonly AppliedTransaction[], nowMs: number): void {
    this.#epoch += 1
    if (back.length > 0) this.#moves.giveBack(back, nowMs)
    this.#moves.apply(applied)
    this.#shrink(new Set(back.map(({ sender }) => sender)))
  }

  /** Takes out what does not apply although it looked like it. Says whether it was there. */
  reject(id: string, message: string): boolean {
    const entry = this.index.get(id)
    if (entry !== undefined) this.#contents.removeTree(entry, 'rejected', message)
    return entry !== undefined
  }

  /** Takes out all, also what waits: what was read of the state is of no use for any of it. */
  clear(why: string): void {
    this.#epoch += 1
    const { order } = this.index
    for (let first = order.first; first !== undefined; first = order.first) this.reject(first.transaction.id, why)
    for (const orphan of this.orphans.all()) this.#contents.dropOrphan(orphan, 'rejected', why)
  }

  /** Takes out what is too old. What older records told of may stay as long as what was placed before it. */
  expire(nowMs: number): void {
    const { maxAgeMs, maxWaitingMs } = this.#limits
    for (const entry of this.index.oldestFirst()) {
      if (nowMs - entry.placedAtMs < maxAgeMs) break
      this.#contents.removeTree(entry, 'expired', `in the pool for ${maxAgeMs} ms, which is maxAgeMs`)
    }
    for (const orphan of this.orphans.all()) {
      if (nowMs - orphan.heldAtMs < maxWaitingMs) break
      this.#contents.dropOrphan(orphan, 'expired', `waited for ${maxWaitingMs} ms, which is maxWaitingMs`)
    }
  }

  /** Puts a transaction that applies into the pool, if there is room. */
  #insert(transaction: T, wanted: number, nowMs: number): Refusal | undefined {
    const place = this.#contents.placeFor(transaction, wanted)
    const victims = makeRoom(this.index, this.#limits, transaction, place)
    if (!Array.isArray(victims)) return victims
    for (const victim of victims) {
      if (this.index.get(victim.entry.transaction.id) === victim.entry) this.#evict(victim)
    }
    this.#contents.put({ transaction, ...place, placedAtMs: nowMs })
    return undefined
  }

  /** Evicts what is beyond the limits, first of each of some senders and then of all. */
  #shrink(senders: ReadonlySet<string>): void {
    for (const sender of senders) this.#evictWhile(() => overflowOf(this.index, this.#limits, sender))
    this.#evictWhile(() => overflow(this.index, this.#limits))
  }

  #evictWhile(next: () => Victim<T> | undefined): void {
    for (let victim = next(); victim !== undefined; victim = next()) this.#evict(victim)
  }

  #evict({ entry, why }: Victim<T>): void {
    this.#contents.removeTree(entry, why.code, why.message)
  }
}
