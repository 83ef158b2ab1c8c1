import type { Candidate } from '@gridmesh/interfaces'
import { AbortError, type Counter, type IdentifyResult, type Logger, type PeerId } from '@libp2p/interface'
import { AddressBook } from './address-book.ts'
import { type BookEntry, reachedOf } from './book-entry.ts'
import { BookArchive, newSecret } from './book-archive.ts'
import { BookPlaces } from './book-places.ts'
import { within } from './deadline.ts'
import { networkGroup } from './network-group.ts'
import { believed } from './reach.ts'
import type { StoredComponents, StoredInit } from './stored.ts'
import type { DiscoverOptions, SourcedCandidate, Strategy } from './strategy.ts'

/** The address book as a strategy: fed by what others find and by libp2p's identify, kept in the datastore. */
export class StoredPeers implements Strategy {
  readonly name = 'stored'
  readonly #components: StoredComponents
  readonly #init: Required<StoredInit>
  readonly #log: Logger
  readonly #archive: BookArchive
  readonly #corrupt: Counter | undefined
  #book: AddressBook
  #timer: ReturnType<typeof setInterval> | undefined
  #running = new AbortController()
  #saving: Promise<void> = Promise.resolve()
  #isLoaded = false

  constructor(components: StoredComponents, init: Required<StoredInit>) {
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('gridmesh:discovery-coordinator:stored')
    this.#archive = new BookArchive(components.datastore, this.#log)
    this.#book = this.#newBook(newSecret())
    this.#corrupt = components.metrics?.registerCounter('gridmesh_discovery_coordinator_corrupt_entries_total', {
      help: 'Stored peers that could not be read back',
    })
    components.metrics?.registerMetricGroup('gridmesh_discovery_coordinator_stored_peers', {
      label: 'table',
      help: 'Peers in the address book, by table',
      calculate: () => this.#book.counts,
    })
  }

  async start(): Promise<void> {
    if (this.#timer !== undefined) return
    this.#components.events.addEventListener('peer:identify', this.#onIdentify)
    this.#timer = setInterval(() => void this.#save(), this.#init.saveIntervalMs)
    this.#running = new AbortController()
    if (!this.#isLoaded) await this.#load(this.#running.signal)
  }

  async stop(): Promise<void> {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#running.abort(new AbortError('The address book was stopped'))
    this.#components.events.removeEventListener('peer:identify', this.#onIdentify)
    await this.#save()
  }

  async *discover({ need }: DiscoverOptions): AsyncGenerator<SourcedCandidate> {
    for (const entry of this.#book.select(need, this.#init.maxPerRun)) yield { ...entry, ...reachedOf(entry) }
  }

  found(candidate: SourcedCandidate, strategy: string): void {
    // Where no peer told of it, the strategy as a whole is the source, and gets the share of one.
    this.#book.add(candidate, candidate.source === undefined ? `strategy/${strategy}` : networkGroup(candidate.source))
  }

  succeeded(candidate: Candidate): void {
    this.#book.succeeded(candidate)
  }

  failed(peer: PeerId): void {
    this.#book.failed(peer.toString())
  }

  feeler(): Candidate | undefined {
    return this.#book.feeler()
  }

  readonly #onIdentify = ({ detail }: CustomEvent<IdentifyResult>): void => {
    try {
      const { peerId, connection, signedPeerRecord, listenAddrs } = detail
      // What it says now counts even where libp2p knows a record with a later number, as after its clock was set back.
      const addresses = [...listenAddrs, ...(signedPeerRecord?.addresses ?? [])]
      const signed = signedPeerRecord !== undefined && { record: { seq: signedPeerRecord.seq, addresses } }
      const candidate = believed({ id: peerId, addresses, ...signed }, [connection.remoteAddr])
      if (candidate !== undefined) this.#book.add(candidate, networkGroup(connection.remoteAddr))
    } catch (err) {
      this.#log.error('could not take in what %p said of itself - %e', detail.peerId, err)
    }
  }

  async #load(running: AbortSignal): Promise<void> {
    try {
      await within(this.#init.storageTimeoutMs, running, async (signal, goOn) => {
        const book = this.#newBook(await this.#archive.secret(signal))
        const reader = { onRead: goOn, take: (entry: BookEntry) => book.restore(entry) }
        const corrupt = await this.#archive.load(reader, this.#init.maxAddresses, signal)
        this.#corrupt?.increment(corrupt)
        signal.throwIfAborted()
        book.takeChanged()
        // What was learnt while there was nothing to read is kept, and yet to be written.
        book.markChanged(this.#book.entries().flatMap((entry) => (book.restore(entry) ? [entry.id.toString()] : [])))
        this.#book = book
      })
      this.#isLoaded = true
      this.#log('read %d tried and %d new peers', this.#book.counts.tried, this.#book.counts.new)
    } catch (err) {
      if (running.aborted) return
      this.#log.error('could not read the stored peers, going on without - %e', err)
    }
  }

  /** Writes what changed, after what is being written; never rejects. */
  async #save(): Promise<void> {
    this.#saving = this.#saveAfter(this.#saving)
    await this.#saving
  }

  async #saveAfter(earlier: Promise<void>): Promise<void> {
    await earlier
    this.#book.checkTimes()
    const peers = this.#book.takeChanged()
    if (peers.length === 0) return
    try {
      await within(this.#init.storageTimeoutMs, undefined, async (signal) => {
        await this.#archive.save(peers, (peer) => this.#book.get(peer), signal)
      })
    } catch (err) {
      // They are tried again with the next. Of those that came and went meanwhile there is nothing to write or delete.
      this.#book.markChanged(peers.filter((peer) => this.#book.get(peer) !== undefined || this.#archive.holds(peer)))
      this.#log.error('could not store %d peers - %e', peers.length, err)
    }
  }

  #newBook(secret: Uint8Array): AddressBook {
    return new AddressBook(new BookPlaces(secret, this.#init), this.#init.maxAddresses)
  }
}
