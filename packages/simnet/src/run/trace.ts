import { createHash, type Hash } from 'node:crypto'
import type { ClockEvent, EventKind } from '../clock/virtual-clock.ts'
import type { TraceEvent } from '../types.ts'

/** Time, node with kind, size: three numbers of eight bytes. */
const RECORD_BYTES = 24
const RECORDS_PER_BLOCK = 2_048
const KINDS: readonly EventKind[] = ['timer', 'immediate', 'arrive', 'link', 'wake', 'task', 'fault']
const KIND_NUMBER = new Map(KINDS.map((kind, number) => [kind, number]))

/**
 * What happened, as a hash, and the last events in plain. Contents are left out: libraries number messages from the
 * moment they were loaded, and that differs between two runs in one process.
 */
export class Trace {
  readonly #hash: Hash = createHash('sha256')
  readonly #block = new DataView(new ArrayBuffer(RECORD_BYTES * RECORDS_PER_BLOCK))
  readonly #last: ClockEvent[] = []
  readonly #keep: number
  readonly #onTrace: ((event: TraceEvent) => void) | undefined
  #filled = 0
  #at = 0

  constructor(keep: number, onTrace: ((event: TraceEvent) => void) | undefined) {
    this.#keep = keep
    this.#onTrace = onTrace
  }

  readonly add = (event: ClockEvent): void => {
    const { atMs, actor, kind, detail } = event
    this.#block.setFloat64(this.#filled, atMs, true)
    this.#block.setInt32(this.#filled + 8, actor.index, true)
    this.#block.setInt32(this.#filled + 12, KIND_NUMBER.get(kind) ?? KINDS.length, true)
    this.#block.setFloat64(this.#filled + 16, detail, true)
    this.#filled += RECORD_BYTES
    if (this.#filled === this.#block.byteLength) this.#flush()
    if (this.#keep > 0) {
      this.#last[this.#at] = event
      this.#at = (this.#at + 1) % this.#keep
    }
    this.#onTrace?.({ atMs, node: actor.index, kind, detail })
  }

  /** The last events, oldest first. */
  last(): TraceEvent[] {
    return [...this.#last.slice(this.#at), ...this.#last.slice(0, this.#at)].map(({ atMs, actor, kind, detail }) => {
      return { atMs, node: actor.index, kind, detail }
    })
  }

  digest(): string {
    this.#flush()
    return this.#hash.copy().digest('hex')
  }

  #flush(): void {
    this.#hash.update(new Uint8Array(this.#block.buffer, 0, this.#filled))
    this.#filled = 0
  }
}
