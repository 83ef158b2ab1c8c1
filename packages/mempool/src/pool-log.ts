import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import { type Extent, Journal } from './journal.ts'
import { contentsOf, recordsOf } from './keep.ts'
import type { LocalMarks } from './local-marks.ts'
import type { MempoolLog } from './log.ts'
import type { Pool } from './pool.ts'
import { encodeRecord, type Kept, type RecordReader } from './records.ts'

/** What the log of a pool is about, and who hears that it failed. */
export interface PoolLogInit<T extends PoolTransaction> {
  pool: Pool<T>
  local: LocalMarks
  onFailure: (message: string) => void
}

interface Held {
  readonly records: readonly (() => Uint8Array)[]
  readonly extent: Extent
}

/** What a pool writes down. Until it was read, the log stays as it is: what happens before is in it once it is written anew. */
export class PoolLog<T extends PoolTransaction> {
  readonly #journal: Journal
  readonly #init: PoolLogInit<T>
  /** What was taken out of the pool to be judged anew, and is not through. */
  readonly #held = new Set<Held>()
  /** What the chain gave no answer for at the start: the next one finds it again. */
  #unjudged: Held = { records: [], extent: { records: 0, bytes: 0 } }
  #isRead = false

  constructor(log: MempoolLog, init: PoolLogInit<T>) {
    const { pool, local, onFailure } = init
    this.#init = init
    this.#journal = new Journal(log, {
      contents: () => this.#beside.flatMap(({ records }) => records).concat(contentsOf(pool, local)),
      extent: () => this.#beside.map(({ extent }) => extent).reduce(sum, extentOf(init)),
      onFailure,
    })
  }

  /** Whether all that it held has been through the pool. */
  get isRead(): boolean {
    return this.#isRead
  }

  /** Records that were not given to the log yet. */
  get waiting(): number {
    return this.#journal.waiting
  }

  async read(reader: RecordReader<T>): Promise<void> {
    await this.#journal.read((record) => reader.read(record))
  }

  /** Says that all that was read has been through the pool: what it holds now takes its place, with what was not judged. */
  begin(unjudged: readonly Kept<T>[]): void {
    this.#isRead = true
    this.#unjudged = heldOf(unjudged)
    this.#journal.rewrite()
  }

  /**
   * Keeps what the pool holds now, though it is taken out to be judged anew, until what this returns is called: whoever
   * stops or dies before all of it is through finds it at the next start.
   */
  hold(): (isThrough: boolean) => void {
    const { pool, local } = this.#init
    const held = { records: contentsOf(pool, local), extent: extentOf(this.#init) }
    this.#held.add(held)
    return (isThrough) => {
      this.#held.delete(held)
      // The next start reads it.
      if (!isThrough) this.#isRead = false
      else if (this.#isWriting) this.#journal.rewrite()
    }
  }

  /** What the log has beside what the pool holds. */
  get #beside(): Held[] {
    return [this.#unjudged, ...this.#held]
  }

  get #isWriting(): boolean {
    return this.#isRead && this.#held.size === 0
  }

  changed(changes: readonly PoolChange<T>[]): void {
    if (!this.#isWriting) return
    for (const record of recordsOf(changes)) this.#journal.write(record)
  }

  /** To be called for what is held. */
  markedLocal(id: string): void {
    if (this.#isWriting) this.#journal.write(encodeRecord({ type: 'local', id }))
  }

  /** Waits for what is to be written; after the deadline, gives it up. What is being read is given up at once. */
  async close(deadlineMs: number): Promise<void> {
    await this.#journal.close(deadlineMs)
  }
}

function heldOf<T extends PoolTransaction>(kept: readonly Kept<T>[]): Held {
  const records = kept.flatMap(({ transaction: { id, bytes }, type, order, atMs, isLocal }) => {
    const record = (): Uint8Array => encodeRecord({ type, order, atMs, bytes })
    return isLocal ? [record, () => encodeRecord({ type: 'local', id })] : [record]
  })
  const bytes = kept.reduce((total, { transaction }) => total + transaction.bytes.byteLength, 0)
  return { records, extent: { records: records.length, bytes } }
}

function extentOf<T extends PoolTransaction>({ pool: { index, orphans }, local }: PoolLogInit<T>): Extent {
  return { records: index.count + orphans.count + local.count, bytes: index.bytes + orphans.bytes }
}

function sum(a: Extent, b: Extent): Extent {
  return { records: a.records + b.records, bytes: a.bytes + b.bytes }
}
