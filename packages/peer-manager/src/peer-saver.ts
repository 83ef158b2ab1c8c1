import type { Logger } from '@libp2p/interface'
import { MAX_RESTING_ENTRIES } from './constants.ts'
import { within } from './deadline.ts'
import type { PeerManagerMetrics } from './metrics.ts'
import type { PeerManagerOptions } from './options.ts'
import type { ArchiveWrite, PeerArchive } from './peer-archive.ts'
import type { PeerBook } from './peer-book.ts'
import { ReportLedger } from './report-ledger.ts'
import { isWorthKeeping } from './retention.ts'
import type { StoredPeer } from './stored-peer.ts'

/** Brings peers to the archive and back: most in batches now and then, bans at once. Its failures are never fatal. */
export class PeerSaver {
  readonly #archive: PeerArchive
  readonly #book: PeerBook
  readonly #options: PeerManagerOptions
  readonly #metrics: PeerManagerMetrics
  readonly #log: Logger
  readonly #changed = new Set<string>()
  #loading: Promise<void> | undefined

  constructor(
    archive: PeerArchive,
    book: PeerBook,
    metrics: PeerManagerMetrics,
    options: PeerManagerOptions,
    log: Logger,
  ) {
    this.#archive = archive
    this.#book = book
    this.#metrics = metrics
    this.#options = options
    this.#log = log
  }

  /** Notes that a peer was changed or forgotten. */
  touch(key: string): void {
    // Strangers come and go in floods; what is not stored needs no deleting.
    if (this.#book.has(key) || this.#archive.holds(key)) this.#changed.add(key)
    else this.#changed.delete(key)
  }

  /** Reads the peers of earlier runs, once. */
  load(): Promise<void> {
    this.#loading ??= this.#load()
    return this.#loading
  }

  /** Writes all that changed, or one peer. What could not be written is tried again with the next batch; never rejects. */
  async save(key?: string): Promise<void> {
    let keys: readonly string[] = []
    const collect = (): ArchiveWrite => {
      this.#book.foldTraffic(key)
      keys = key === undefined ? [...this.#changed] : [key]
      for (const taken of keys) this.#changed.delete(taken)
      return this.#collect(keys)
    }
    try {
      await within(this.#options.storageTimeoutMs, [], (signal) => this.#archive.write(collect, signal))
    } catch (err) {
      for (const lost of keys) this.touch(lost)
      this.#metrics.storageFailure()
      this.#log.error('could not store %d peers - %e', keys.length, err)
    }
  }

  async #load(): Promise<void> {
    this.#book.followClock()
    const skip = (): void => this.#metrics.corrupt()
    try {
      await within(this.#options.storageTimeoutMs, [], (signal, goOn) =>
        this.#archive.load(this.#book.now(), { onRead: goOn, take: (peer) => this.#book.restore(peer), skip }, signal),
      )
    } catch (err) {
      this.#metrics.storageFailure()
      this.#log.error('could not read the stored peers, going on without - %e', err)
    }
  }

  #collect(keys: readonly string[]): ArchiveWrite {
    const nowMs = this.#book.now()
    const put = new Map<string, StoredPeer>()
    const remove: string[] = []
    for (const key of keys) {
      const record = this.#book.peek(key)
      if (record !== undefined && isWorthKeeping(record, nowMs, this.#options.halfLifeMs)) {
        put.set(key, { record, ledger: new ReportLedger(MAX_RESTING_ENTRIES, this.#book.ledgerState(key)).state() })
      } else if (this.#archive.holds(key)) remove.push(key)
    }
    return { nowMs, put, remove }
  }
}
