import { ask, textOf } from './ask.ts'
import { LOG_SLACK, LOG_SLACK_BYTES } from './constants.ts'
import type { LogCall, MempoolLog } from './log.ts'

/** How much there is of something. */
export interface Extent {
  readonly records: number
  readonly bytes: number
}

/** What a journal is given. */
export interface JournalInit {
  /** All records that count, as of the call. */
  contents(): readonly (() => Uint8Array)[]
  /** How many they are, and how large. */
  extent(): Extent
  onFailure(message: string): void
}

/**
 * Writes records to a log, behind the pool's back and one call at a time. What comes while a call runs goes with the
 * next. Where a call fails, or more waits than there is, the log is written anew as a whole.
 */
export class Journal {
  readonly #log: MempoolLog
  readonly #init: JournalInit
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  /** What the log holds. */
  #written: Extent = { records: 0, bytes: 0 }
  #isStale = false
  #running: Promise<void> | undefined
  /** Of the call that writes. */
  #controller = new AbortController()
  /** Of the call that reads. */
  #reading: AbortController | undefined

  constructor(log: MempoolLog, init: JournalInit) {
    this.#log = log
    this.#init = init
  }

  /** Records that were not given to the log yet. */
  get waiting(): number {
    return this.#waiting.length
  }

  write(record: Uint8Array): void {
    if (!this.#isStale) {
      this.#waiting.push(record)
      this.#waitingBytes += record.byteLength
    }
    if (this.#isTooMuch({ records: this.#waiting.length, bytes: this.#waitingBytes })) this.rewrite()
    else this.#run()
  }

  /** Writes the log anew. */
  rewrite(): void {
    this.#drop()
    this.#run()
  }

  /** Reads the log, as far as it goes, or until it is closed. */
  async read(onRecord: (record: Uint8Array) => void): Promise<void> {
    this.#reading = new AbortController()
    const { signal } = this.#reading
    const answer = await ask('the log', (own) => this.#readAll(onRecord, own), undefined, signal)
    if (!answer.ok && !signal.aborted) this.#init.onFailure(answer.message)
  }

  /** Waits for what is to be written; after the deadline, gives it up. What is being read is given up at once. */
  async close(deadlineMs: number): Promise<void> {
    this.#reading?.abort()
    const answer = await ask('the log', () => this.#settle(), deadlineMs, new AbortController().signal)
    if (answer.ok) return
    this.#controller.abort()
    this.#controller = new AbortController()
    this.#init.onFailure(answer.message)
  }

  async #readAll(onRecord: (record: Uint8Array) => void, signal: AbortSignal): Promise<void> {
    for await (const record of this.#log.read({ signal })) {
      if (signal.aborted) return
      onRecord(record)
    }
  }

  async #settle(): Promise<void> {
    this.#run()
    while (this.#running !== undefined) await this.#running
  }

  #run(): void {
    if (this.#running !== undefined || (this.#waiting.length === 0 && !this.#isStale)) return
    this.#running = this.#writeAll()
  }

  async #writeAll(): Promise<void> {
    // What happens in one turn is written by one call.
    await Promise.resolve()
    try {
      while (this.#waiting.length > 0 || this.#isStale) await this.#writeOnce()
    } catch (err) {
      // The next change tries again, and no loop does.
      this.#drop()
      this.#init.onFailure(`the log could not be written: ${textOf(err)}`)
    } finally {
      // In the turn in which nothing was left, so that nothing is left behind.
      this.#running = undefined
    }
  }

  async #writeOnce(): Promise<void> {
    const records = this.#waiting
    const next = {
      records: this.#written.records + records.length,
      bytes: this.#written.bytes + this.#waitingBytes,
    }
    this.#waiting = []
    this.#waitingBytes = 0
    if (this.#isStale || this.#isTooMuch(next)) {
      await this.#writeAnew()
      return
    }
    await this.#log.append(records, this.#call())
    this.#written = next
  }

  async #writeAnew(): Promise<void> {
    const contents = this.#init.contents()
    this.#isStale = false
    let bytes = 0
    await this.#log.rewrite(
      encoded(contents, (record) => void (bytes += record.byteLength)),
      this.#call(),
    )
    this.#written = { records: contents.length, bytes }
  }

  #isTooMuch({ records, bytes }: Extent): boolean {
    const extent = this.#init.extent()
    return records > 2 * extent.records + LOG_SLACK || bytes > 2 * extent.bytes + LOG_SLACK_BYTES
  }

  /** Lets go of what waits: all is to be written anew. */
  #drop(): void {
    this.#waiting = []
    this.#waitingBytes = 0
    this.#isStale = true
  }

  #call(): LogCall {
    return { signal: this.#controller.signal }
  }
}

/** One after the other as they are asked for, so that they are not in memory twice. */
function* encoded(
  contents: readonly (() => Uint8Array)[],
  onRecord: (record: Uint8Array) => void,
): Generator<Uint8Array, void> {
  for (const make of contents) {
    const record = make()
    onRecord(record)
    yield record
  }
}
