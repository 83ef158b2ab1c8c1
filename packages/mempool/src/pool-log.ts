import type { PoolTransaction } from './chain.ts'
import type { PoolChange } from './changes.ts'
import { Journal } from './journal.ts'
import { contentsOf, recordsOf } from './keep.ts'
import type { LocalMarks } from './local-marks.ts'
import type { MempoolLog } from './log.ts'
import type { Pool } from './pool.ts'
import { encodeRecord, type RecordReader } from './records.ts'

/** What the log of a pool is about, and who hears that it failed. */
export interface PoolLogInit<T extends PoolTransaction> {
  pool: Pool<T>
  local: LocalMarks
  onFailure: (message: string) => void
}

/** What a pool writes down. Until it was read, the log stays as it is: what happens before is in it once it is written anew. */
export class PoolLog<T extends PoolTransaction> {
  readonly #journal: Journal
  #isRead = false

  constructor(log: MempoolLog, { pool, local, onFailure }: PoolLogInit<T>) {
    this.#journal = new Journal(log, {
      contents: () => contentsOf(pool, local),
      extent: () => ({
        records: pool.index.count + pool.orphans.count + local.count,
        bytes: pool.index.bytes + pool.orphans.bytes,
      }),
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

  /** Says that all that was read has been through the pool: what the pool holds now takes its place. */
  begin(): void {
    this.#isRead = true
    this.#journal.rewrite()
  }

  changed(changes: readonly PoolChange<T>[]): void {
    if (!this.#isRead) return
    for (const record of recordsOf(changes)) this.#journal.write(record)
  }

  /** To be called for what is held. */
  markedLocal(id: string): void {
    if (this.#isRead) this.#journal.write(encodeRecord({ type: 'local', id }))
  }

  /** Waits for what is to be written; after the deadline, gives it up. What is being read is given up at once. */
  async close(deadlineMs: number): Promise<void> {
    await this.#journal.close(deadlineMs)
  }
}
