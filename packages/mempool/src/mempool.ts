import { orAbort } from './abort.ts'
import { Admission } from './admission.ts'
import { announce } from './announce.ts'
import type { AppliedTransaction, PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import { SWEEP_INTERVAL_MS } from './constants.ts'
import { type MempoolEvents, TypedTarget } from './events.ts'
import type {
  AddOptions,
  AddResult,
  CallOptions,
  MempoolComponents,
  MempoolInit,
  MempoolStats,
  RestoreReport,
  TakeOptions,
} from './index.ts'
import { type MempoolOptions, resolveOptions } from './options.ts'
import { Pool } from './pool.ts'
import { contentsOf } from './keep.ts'
import { LocalMarks } from './local-marks.ts'
import { PoolLog } from './pool-log.ts'
import type { RecordReader } from './records.ts'
import { NOT_RUNNING, type Refusal } from './refusal.ts'
import { nothing, readerOf, type Restored, restore } from './restore.ts'
import { statsOf } from './stats.ts'
import { take } from './take.ts'
import { Tally } from './tally.ts'
import { Teller } from './teller.ts'

type Sweeper = ReturnType<typeof setInterval>

/** Transactions that wait for a block. */
export class Mempool<T extends PoolTransaction = PoolTransaction> extends TypedTarget<MempoolEvents<T>> {
  readonly #components: MempoolComponents<T>
  readonly #options: MempoolOptions
  readonly #pool: Pool<T>
  readonly #admission: Admission<T>
  readonly #log: PoolLog<T> | undefined
  readonly #teller = new Teller<T>((change) => this.#tell(change))
  readonly #local = new LocalMarks()
  readonly #tally = new Tally()
  #isRunning = false
  #sweeper: Sweeper | undefined
  #starting: Promise<RestoreReport> | undefined

  /** @throws {RangeError} when a number is out of its range */
  constructor(components: MempoolComponents<T>, init: MempoolInit = {}) {
    super()
    this.#components = components
    this.#options = resolveOptions(init)
    this.#pool = new Pool(this.#options)
    this.#admission = new Admission({
      chain: components.chain,
      pool: this.#pool,
      options: this.#options,
      publish: () => this.#publish(),
    })
    if (components.log === undefined) return
    const onFailure = (message: string): void => this.#failLog(message)
    this.#log = new PoolLog(components.log, { pool: this.#pool, local: this.#local, onFailure })
  }

  /** Whether it takes transactions. */
  get isRunning(): boolean {
    return this.#isRunning
  }

  /**
   * Begins to take transactions. The first time, those of the log come first, through the same checks as all others: the
   * chain has to answer by now. At later times there is nothing to report. While it starts, each call gives one report.
   */
  async start(): Promise<RestoreReport> {
    if (this.#isRunning) return nothing()
    this.#starting ??= this.#begin()
    return this.#starting
  }

  /** Ends taking transactions; what is being checked is refused, what is held stays. No timer is left. */
  async stop(): Promise<void> {
    clearInterval(this.#sweeper)
    this.#sweeper = undefined
    this.#starting = undefined
    this.#isRunning = false
    await this.#admission.close()
    await this.#log?.close(this.#options.deadlineMs)
  }

  /**
   * Offers a transaction. Resolves once it is in the pool, waits or is refused; it has not been written to the log by
   * then.
   *
   * @throws the signal's reason when it aborts before
   */
  async add(bytes: Uint8Array, options: AddOptions = {}): Promise<AddResult> {
    const [result] = await this.addAll([bytes], options)
    return result ?? { status: 'refused', ...NOT_RUNNING }
  }

  /**
   * Offers transactions together, which costs less than one by one. Each is judged on its own, and gives its own result,
   * in order. Resolves once all are settled.
   *
   * @throws the signal's reason when it aborts before; some may be in the pool by then
   */
  async addAll(list: readonly Uint8Array[], { signal, isLocal = false }: AddOptions = {}): Promise<AddResult[]> {
    signal?.throwIfAborted()
    const results: AddResult[] = this.#isRunning
      ? await this.#admission.add(list, signal)
      : list.map(() => ({ status: 'refused', ...NOT_RUNNING }))
    for (const result of results) {
      if (result.status === 'refused') this.#tally.refusal(result.code)
      else if (isLocal) this.#markLocal(result.id)
    }
    return results
  }

  /**
   * Those of the transactions held that were offered as local, the oldest first, also over a restart where there is a log:
   * whoever offered them counts on this node to pass them on. Not to be walked over a change.
   */
  *local(): Generator<T, void> {
    for (const id of this.#local.ids()) {
      const transaction = this.get(id)
      if (transaction !== undefined) yield transaction
    }
  }

  /** Whether a transaction is in the pool, or waits. */
  has(id: string): boolean {
    return this.get(id) !== undefined
  }

  /** A transaction that is in the pool, or waits. */
  get(id: string): T | undefined {
    return this.#pool.index.get(id)?.transaction ?? this.#pool.orphans.get(id)?.transaction
  }

  /** All that is in the pool, in its order, in which each applies after those before. Not to be walked over a change. */
  *transactions(): Generator<T, void> {
    for (const { transaction } of this.#pool.index.order) yield transaction
  }

  /**
   * What a block may hold: the first in the order of the pool that fit, at most `maxCount` of at most `maxBytes` in all
   * by their `size`. They stay in the pool until a block has them. After a thousand in a row that do not fit it ends; of
   * those that `accepts` refuses it may pass over all of the pool.
   *
   * @throws {RangeError} for what is not a whole number of 0 or more
   */
  take(maxBytes: number, maxCount: number, options: TakeOptions<T> = {}): T[] {
    const accepts = (transaction: T): boolean => options.accepts?.(transaction) ?? true
    const onTaken = (transaction: T): void => options.onTaken?.(transaction)
    return take(this.#pool.index, { maxBytes, maxCount, accepts, onTaken })
  }

  /**
   * Takes out a transaction that did not apply when a block was built, and all that builds on it. Without it the next
   * block would be offered it again. Says whether it was in the pool.
   */
  reject(id: string, refusal: Refusal): boolean {
    const wasThere = this.#pool.reject(id, `${refusal.code}: ${refusal.message}`)
    this.#publish()
    return wasThere
  }

  /**
   * Takes out what a block applied, and what conflicts with it. To be called at once when the state is that after the
   * block, for each block in turn.
   */
  onBlock(transactions: readonly AppliedTransaction[]): void {
    this.onSwitch([], transactions)
  }

  /**
   * Gives back the transactions of reverted blocks, before all others of their lanes and in their order; signatures are
   * not checked again. To be called at once when the state is that before them: for all blocks at once, oldest first, or
   * for one after the other, newest first.
   *
   * @throws what `decode` throws for bytes that it did not make
   */
  onRevert(transactions: readonly PoolTransaction[]): void {
    this.onSwitch(transactions, [])
  }

  /**
   * Goes over from one branch to another, which is more than to tell of a revert and then of blocks: what both branches
   * applied is not given back, and the limits count for what is left in the end. To be called at once when the state is
   * that after the switch, with the transactions of all blocks of either branch, oldest first.
   *
   * @throws what `decode` throws for bytes that it did not make
   */
  onSwitch(reverted: readonly PoolTransaction[], applied: readonly AppliedTransaction[]): void {
    const { chain } = this.#components
    const after = new Set(reverted.length > 0 ? applied.map(({ id }) => id) : [])
    const left = reverted.filter(({ id }) => !after.has(id))
    // Copies: the bytes of a block would stay in memory as a whole.
    const back = left.map(({ bytes }) => chain.decode(new Uint8Array(bytes)))
    this.#pool.move(back, applied, performance.now())
    this.#publish()
  }

  /** What the pool holds, as records that `restore` reads; those of a log are alike. */
  snapshot(): Uint8Array[] {
    return contentsOf(this.#pool, this.#local).map((record) => record())
  }

  /** Offers the transactions that records tell of, in the order in which they were held. The pool has to run. */
  async restore(records: Iterable<Uint8Array>): Promise<RestoreReport> {
    const reader = readerOf(this.#components.chain, this.#options)
    for (const record of records) reader.read(record)
    return (await this.#restore(reader)).report
  }

  /**
   * Goes over to a state that did not come of the one before: takes all out, and offers it to that anew. To be
   * called at once when the state is that. A log keeps all of it until it is through.
   */
  async renew(): Promise<RestoreReport> {
    const sweeper = this.#sweeper
    const held = this.snapshot()
    const release = this.#log?.hold()
    this.#pool.clear('the state is another one: it is judged anew')
    this.#publish()
    return this.restore(held).finally(() => release?.(sweeper !== undefined && this.#sweeper === sweeper))
  }

  /** Resolves once nothing that was offered, or had waited, is being checked. */
  async whenIdle({ signal }: CallOptions = {}): Promise<void> {
    await orAbort(this.#admission.whenIdle(), signal)
  }

  /** What the pool holds, and what it did. */
  stats(): MempoolStats {
    const tally = this.#tally.counts()
    return { ...statsOf(this.#pool, this.#admission), unwrittenRecords: this.#log?.waiting ?? 0, ...tally }
  }

  async #begin(): Promise<RestoreReport> {
    const sweeper = setInterval(() => this.#sweep(), SWEEP_INTERVAL_MS)
    this.#sweeper = sweeper
    this.#admission.open()
    const report = this.#log === undefined || this.#log.isRead ? nothing() : await this.#readLog(this.#log, sweeper)
    // It may have been stopped meanwhile.
    if (this.#sweeper !== sweeper) return report
    this.#isRunning = true
    this.#admission.retryUnanswered()
    return report
  }

  #sweep(): void {
    this.#pool.expire(performance.now())
    this.#publish()
    this.#admission.retryUnanswered()
  }

  async #readLog(log: PoolLog<T>, sweeper: Sweeper): Promise<RestoreReport> {
    const reader = readerOf(this.#components.chain, this.#options)
    await log.read(reader)
    const { report, unjudged } = await this.#restore(reader)
    // Where it was stopped before all was through, the log keeps what is not, for the next start.
    if (this.#sweeper === sweeper) log.begin(unjudged)
    return report
  }

  async #restore(reader: RecordReader<T>): Promise<Restored<T>> {
    const restored = await restore(reader, this.#admission, this.#options)
    for (const { transaction, isLocal } of reader.kept()) if (isLocal) this.#markLocal(transaction.id)
    this.#tally.corruptRecords(restored.report.corrupt)
    return restored
  }

  #failLog(message: string): void {
    this.#tally.logFailure()
    this.dispatch('mempool:log-failed', { message })
  }

  /** Writes down and tells what happened in the pool. */
  #publish(): void {
    const changes = this.#pool.drain()
    const woken = this.#pool.drainWoken()
    this.#log?.changed(changes)
    this.#admission.retry(woken)
    // Last, since a listener may call the pool.
    this.#teller.tell(changes)
  }

  #markLocal(id: string): void {
    if (this.has(id) && this.#local.add(id)) this.#log?.markedLocal(id)
  }

  #tell(change: PoolChange<T>): void {
    this.#tally.change(change)
    if (change.type === 'removed') this.#local.delete(change.transaction.id)
    announce(change, (name, detail) => this.dispatch(name, detail))
  }
}
