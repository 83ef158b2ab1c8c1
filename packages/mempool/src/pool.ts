import { aheadOf, align, heldBackBy, placeFor } from './arrange.ts'
import type { AppliedTransaction, PoolTransaction, StateFacts } from './chain.ts'
import type { Arrival, Placement, PoolChange, RemovalReason } from './changes.ts'
import { type Entry, type Place, rankOf } from './entry.ts'
import { checkConflict, judge, type Missing } from './judge.ts'
import { keyNeed, metBy, metInChain, type Need, nonceNeed } from './needs.ts'
import type { MempoolOptions } from './options.ts'
import { type Orphan, Orphans } from './orphans.ts'
import { PoolIndex } from './pool-index.ts'
import { Recent } from './recent.ts'
import { type Refusal, refuse } from './refusal.ts'
import { hasNoRoom, makeRoom, overflow, overflowOf, type Victim } from './room.ts'
import { staleAfter } from './stale.ts'

const NONE: ReadonlySet<Need> = new Set()

/**
 * The pool itself, without a clock of its own, a chain or a log: every call leaves it whole, and tells what it did by
 * `drain`. In it are only transactions that apply, one after the other in its order, to the state as of the tip.
 */
export class Pool<T extends PoolTransaction> {
  readonly index = new PoolIndex<T>()
  readonly orphans: Orphans<T>
  readonly #limits: MempoolOptions
  readonly #applied: Recent
  readonly #spent: Recent
  #epoch = 0
  #first = 0
  #next = 0
  #changes: PoolChange<T>[] = []
  #woken: Orphan<T>[] = []

  constructor(limits: MempoolOptions) {
    this.#limits = limits
    this.orphans = new Orphans(limits)
    this.#applied = new Recent(limits.maxRemembered)
    this.#spent = new Recent(limits.maxRemembered)
  }

  /** Rises whenever the tip moves: what was read of the state before is of no use after. */
  get epoch(): number {
    return this.#epoch
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

  /** Refuses what is there, and what was there until a block applied it. */
  checkKnown({ id }: T): Refusal | undefined {
    if (this.index.get(id) !== undefined) return refuse('already-known', `${id} is in the pool`)
    if (this.orphans.get(id) !== undefined) return refuse('already-known', `${id} waits for what it builds on`)
    return this.#applied.has(id) ? refuse('already-applied', `${id} is in the chain`) : undefined
  }

  /** Refuses what the state need not be asked about. */
  precheck(transaction: T, isFirm = false): Refusal | undefined {
    const place = { rank: rankOf(transaction), order: this.#next }
    return checkConflict(transaction, this.index, isFirm) ?? hasNoRoom(this.index, this.#limits, transaction, place)
  }

  /** What keeps a transaction from applying after those in the pool, by what the state says of it. */
  judge(transaction: T, facts: StateFacts, isFirm?: boolean): Refusal | Missing | undefined {
    return judge(transaction, { index: this.index, spent: this.#spent, facts, isFirm })
  }

  /** Places a transaction by what the state says of it. */
  place(transaction: T, facts: StateFacts, arrival: Arrival<T>): Placement {
    const { orphan, atMs, isFirm } = arrival
    const refusal = orphan === undefined ? this.checkKnown(transaction) : undefined
    if (refusal !== undefined) return { status: 'refused', refusal }
    const outcome = this.judge(transaction, facts, isFirm)
    if (outcome !== undefined && 'needs' in outcome) return this.#wait(transaction, outcome, arrival)
    const final = outcome ?? this.#insert(transaction, this.#next++, atMs)
    if (orphan !== undefined) this.orphans.delete(orphan)
    if (final === undefined) return { status: 'added' }
    if (orphan !== undefined) this.#tellRemoved(transaction, 'refused', `${final.code}: ${final.message}`, true)
    return { status: 'refused', refusal: final }
  }

  /**
   * Puts back, before all others, what is no longer applied, and then takes out what is applied now and what cannot be
   * applied after it. The state is that after all of it. Only then the limits count: what comes back and goes again, or is
   * in the way of what blocks applied, takes no room from others.
   */
  move(back: readonly T[], applied: readonly AppliedTransaction[], nowMs: number): void {
    this.#epoch += 1
    if (back.length > 0) this.#giveBack(back, nowMs)
    this.#apply(applied)
    this.#shrink(new Set(back.map(({ sender }) => sender)))
    for (const { spends } of back) this.#wake(spends.map(keyNeed))
  }

  /** Takes out what does not apply although it looked like it. Says whether it was there. */
  reject(id: string, message: string): boolean {
    const entry = this.index.get(id)
    if (entry !== undefined) this.#removeTree(entry, 'rejected', message)
    return entry !== undefined
  }

  /** Takes out what is too old. What older records told of may stay as long as what was placed before it. */
  expire(nowMs: number): void {
    const { maxAgeMs, maxWaitingMs } = this.#limits
    for (const entry of this.index.oldestFirst()) {
      if (nowMs - entry.placedAtMs < maxAgeMs) break
      this.#removeTree(entry, 'expired', `in the pool for ${maxAgeMs} ms, which is maxAgeMs`)
    }
    for (const orphan of this.orphans.all()) {
      if (nowMs - orphan.heldAtMs < maxWaitingMs) break
      this.#dropOrphan(orphan, 'expired', `waited for ${maxWaitingMs} ms, which is maxWaitingMs`)
    }
  }

  #wait(transaction: T, { needs, refusal: missing }: Missing, { orphan: held, isFirm, atMs }: Arrival<T>): Placement {
    if (held !== undefined) {
      this.orphans.waitOn(held, needs)
      return { status: 'waiting', missing }
    }
    if (isFirm === true || this.#limits.maxWaiting === 0) return { status: 'refused', refusal: missing }
    const refusal = this.orphans.refusal(transaction)
    if (refusal !== undefined) return { status: 'refused', refusal }
    const orphan = { transaction, order: this.#next++, heldAtMs: atMs, needs: new Set(needs) }
    this.orphans.add(orphan)
    // The oldest goes: what has waited longest in vain is least likely to get what it waits for.
    for (let full = this.orphans.overflow(); full !== undefined; full = this.orphans.overflow()) {
      const { oldest } = this.orphans
      if (oldest !== undefined) this.#dropOrphan(oldest, 'waiting-full', full.message)
    }
    this.#changes.push({ type: 'waiting', orphan, missing })
    return { status: 'waiting', missing }
  }

  /** Puts a transaction that applies into the pool, if there is room. */
  #insert(transaction: T, wanted: number, nowMs: number): Refusal | undefined {
    const place = this.#placeFor(transaction, wanted)
    const victims = makeRoom(this.index, this.#limits, transaction, place)
    if (!Array.isArray(victims)) return victims
    for (const victim of victims) {
      if (this.index.get(victim.entry.transaction.id) === victim.entry) this.#evict(victim)
    }
    this.#put({ transaction, ...place, placedAtMs: nowMs })
    return undefined
  }

  #placeFor(transaction: T, wanted: number): Place {
    return placeFor(this.index, transaction, wanted, () => this.#next++)
  }

  #put(entry: Entry<T>): void {
    this.index.insert(entry)
    this.#changes.push({ type: 'added', entry })
    this.#align(aheadOf(this.index, entry))
    this.#wake(metBy(entry.transaction))
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
    this.#removeTree(entry, why.code, why.message)
  }

  /** Takes out what blocks applied, and what cannot be applied after it. */
  #apply(transactions: readonly AppliedTransaction[]): void {
    for (const { id, spends } of transactions) {
      this.#applied.add(id)
      for (const key of spends) this.#spent.add(key)
    }
    // A node that catches up has none of either, and blocks without end.
    if (this.index.count > 0) this.#clearIndex(transactions)
    if (this.orphans.count === 0) return
    this.#clearOrphans(transactions)
    for (const transaction of transactions) this.#wake(metInChain(transaction))
  }

  /** Puts back, before all others, what blocks had applied, whatever the limits. */
  #giveBack(transactions: readonly T[], nowMs: number): void {
    for (const { id, spends } of transactions) {
      this.#applied.delete(id)
      for (const key of spends) this.#spent.delete(key)
    }
    this.#first -= transactions.length
    const unmade = new Set(transactions.flatMap(metInChain))
    for (const key of transactions.flatMap(({ mayMake = [] }) => mayMake)) this.#suspend(key, unmade, nowMs)
    for (const [i, transaction] of transactions.entries()) {
      if (this.index.get(transaction.id) !== undefined) continue
      const orphan = this.orphans.get(transaction.id)
      const needs = this.#lacks(transaction, unmade)
      if (needs.length > 0) {
        this.#waitAgain(transaction, needs, { orphan, atMs: nowMs })
        continue
      }
      if (orphan !== undefined) this.orphans.delete(orphan)
      const refusal = checkConflict(transaction, this.index, true)
      if (refusal !== undefined) this.#lose(transaction, refusal, orphan !== undefined)
      else this.#put({ transaction, ...this.#placeFor(transaction, this.#first + i), placedAtMs: nowMs })
    }
  }

  /** Has whoever spends a key that is not sure to be made again wait for it, and all that builds on that as well. */
  #suspend(key: string, unmade: ReadonlySet<Need>, nowMs: number): void {
    const root = this.index.spenderOf(key)
    if (root === undefined) return
    const gone = this.#cut(root).map(({ transaction }) => transaction)
    const wanting = new Set([...unmade, ...gone.flatMap(metBy)])
    for (const one of gone) this.#waitAgain(one, this.#lacks(one, wanting), { atMs: nowMs })
  }

  #waitAgain(transaction: T, needs: readonly Need[], arrival: Arrival<T>): void {
    const missing = { needs, refusal: refuse('unknown-input', 'what it builds on was reverted') }
    const placement = this.#wait(transaction, missing, arrival)
    if (placement.status !== 'refused') return
    const { code, message } = placement.refusal
    this.#tellRemoved(transaction, 'refused', `${code}: ${message}`, false)
  }

  /** What a transaction needs of what was unmade, and the pool does not have. */
  #lacks({ spends, sender, nonce }: T, unmade: ReadonlySet<Need>): Need[] {
    const needs = spends.filter((key) => this.index.makerOf(key) === undefined).map(keyNeed)
    if (nonce !== undefined && this.index.numbered(sender, nonce - 1) === undefined) {
      needs.push(nonceNeed(sender, nonce - 1))
    }
    return needs.filter((need) => unmade.has(need))
  }

  #align(entries: readonly Entry<T>[]): void {
    for (const entry of align(this.index, entries, () => this.#next++)) this.#changes.push({ type: 'moved', entry })
  }

  /** Takes out what a block applied, and what stands in the way of that. */
  #clearIndex(transactions: readonly AppliedTransaction[]): void {
    for (const { id } of transactions) this.#include(id)
    const taken = new Set<Need>()
    for (const { sender, nonce } of transactions) if (nonce !== undefined) taken.add(nonceNeed(sender, nonce))
    for (const { id, sender, nonce, series, spends, makes } of transactions) {
      if (series !== undefined) for (const entry of this.index.series.upTo(series)) this.#yieldTo(id, entry, taken)
      if (nonce !== undefined) this.#yieldTo(id, this.index.numbered(sender, nonce), taken)
      for (const key of spends) this.#yieldTo(id, this.index.spenderOf(key), taken)
      for (const key of makes) this.#yieldTo(id, this.index.makerOf(key), taken)
    }
  }

  /** Takes out an entry that is in the chain now; those that build on it stay. */
  #include(id: string): void {
    const entry = this.index.get(id)
    if (entry === undefined) return
    const children = heldBackBy(this.index, entry)
    this.index.delete(entry)
    this.#tellRemoved(entry.transaction, 'included', 'a block applied it', false)
    this.#align(children)
  }

  /** Takes out an entry that stands in the way of what a block applied. */
  #yieldTo(id: string, entry: Entry<T> | undefined, taken: ReadonlySet<Need>): void {
    // One of a series may have gone with another.
    if (entry !== undefined && this.index.get(entry.transaction.id) === entry)
      this.#removeTree(entry, 'conflict', `a block applied ${id}`, taken)
  }

  #removeTree(root: Entry<T>, reason: RemovalReason, message: string, taken = NONE): void {
    for (const { transaction } of this.#cut(root, taken)) {
      if (transaction === root.transaction) this.#tellRemoved(transaction, reason, message, false)
      else this.#tellRemoved(transaction, 'parent-removed', `it builds on ${root.transaction.id}`, false)
    }
  }

  /**
   * Takes out an entry and all that builds on it, and gives them. Who has the nonce after one that is `taken` goes on: it
   * does not matter by whom. So does who is later in a series.
   */
  #cut(root: Entry<T>, taken = NONE): Entry<T>[] {
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
    this.#align(freed.filter((entry) => !gone.has(entry)))
    return [...gone]
  }

  /** What did not come back takes along what builds on it. */
  #lose(transaction: T, { code, message }: Refusal, wasWaiting: boolean): void {
    this.#tellRemoved(transaction, 'refused', `${code}: ${message}`, wasWaiting)
    const { id, sender, nonce } = transaction
    const isNonceTaken = nonce !== undefined && this.index.numbered(sender, nonce) !== undefined
    const children = isNonceTaken ? this.index.spendersFor(transaction) : this.index.childrenOf(transaction)
    for (const child of children) {
      // One of them may have gone with another.
      if (this.index.get(child.transaction.id) === child) {
        this.#removeTree(child, 'parent-removed', `it builds on ${id}`)
      }
    }
  }

  /** Drops those that a block applied, or that can never be applied after it. */
  #clearOrphans(transactions: readonly AppliedTransaction[]): void {
    const isStale = staleAfter(transactions)
    const applied = new Set(transactions.map(({ id }) => id))
    for (const orphan of this.orphans.all()) {
      const { transaction } = orphan
      if (applied.has(transaction.id)) this.#dropOrphan(orphan, 'included', 'a block applied it')
      else if (isStale(transaction)) {
        this.#dropOrphan(orphan, 'conflict', 'a block applied another in its place')
      }
    }
  }

  #dropOrphan(orphan: Orphan<T>, reason: RemovalReason, message: string): void {
    this.orphans.delete(orphan)
    this.#tellRemoved(orphan.transaction, reason, message, true)
  }

  #wake(needs: readonly Need[]): void {
    if (this.orphans.count === 0) return
    for (const need of needs) this.#woken.push(...this.orphans.meet(need))
  }

  #tellRemoved(transaction: T, reason: RemovalReason, message: string, wasWaiting: boolean): void {
    this.#changes.push({ type: 'removed', transaction, reason, message, wasWaiting })
  }
}
