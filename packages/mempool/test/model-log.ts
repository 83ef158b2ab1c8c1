import type { MempoolLog } from '../src/index.ts'

/** A log in memory. */
export class ModelLog implements MempoolLog {
  records: Uint8Array[]
  rewrites = 0

  constructor(records: Uint8Array[] = []) {
    this.records = records
  }

  read(): Iterable<Uint8Array> | AsyncIterable<Uint8Array> {
    return [...this.records]
  }

  append(records: readonly Uint8Array[]): void | Promise<void> {
    this.records.push(...records)
  }

  rewrite(records: Iterable<Uint8Array>): void | Promise<void> {
    this.records = [...records]
    this.rewrites += 1
  }
}
