import type { Logger, PeerId } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Datastore, Key } from 'interface-datastore'
import { DATASTORE_PREFIX } from './constants.ts'
import { decodePeer, encodePeer, type RestoredPeer, type StoredPeer } from './stored-peer.ts'

/** What one write is to do, by peer id string. */
export interface ArchiveWrite {
  /** The time to which the records stand, ms since the epoch. */
  readonly nowMs: number
  readonly put: ReadonlyMap<string, StoredPeer>
  readonly remove: readonly string[]
}

/** Who is told of what is read. */
export interface ArchiveReader {
  /** The datastore gave one more. */
  onRead(): void
  take(peer: RestoredPeer): void
  /** What it gave is no peer. */
  skip(): void
}

/** The peers in the datastore, one value per peer. Writes follow one another, so that none overtakes a newer one. */
export class PeerArchive {
  readonly #datastore: Datastore
  readonly #log: Logger
  readonly #stored = new Set<string>()
  #lastWrite: Promise<void> = Promise.resolve()

  constructor(datastore: Datastore, log: Logger) {
    this.#datastore = datastore
    this.#log = log
  }

  /** Reads all peers as of `nowMs`. Those that cannot be read are logged, skipped and left where they are. */
  async load(nowMs: number, reader: ArchiveReader, signal: AbortSignal): Promise<void> {
    for await (const { key, value } of this.#datastore.query({ prefix: `${DATASTORE_PREFIX}/` }, { signal })) {
      signal.throwIfAborted()
      reader.onRead()
      try {
        const id = peerIdFromKey(key)
        const peer = decodePeer(id, value, nowMs)
        this.#stored.add(id.toString())
        reader.take(peer)
      } catch (err) {
        reader.skip()
        this.#log.error('skipped what is stored at %s - %e', key.toString(), err)
      }
    }
  }

  /** Whether the datastore holds something of the peer. */
  holds(key: string): boolean {
    return this.#stored.has(key)
  }

  /** Writes what `collect` returns once all earlier writes are done. */
  write(collect: () => ArchiveWrite, signal: AbortSignal): Promise<void> {
    const write = this.#lastWrite.then(() => {
      signal.throwIfAborted()
      return this.#commit(collect(), signal)
    })
    // The caller hears of a failure; the next write must not.
    this.#lastWrite = write.catch(() => {})
    return write
  }

  async #commit({ nowMs, put, remove }: ArchiveWrite, signal: AbortSignal): Promise<void> {
    if (put.size === 0 && remove.length === 0) return
    const batch = this.#datastore.batch()
    for (const [key, peer] of put) batch.put(keyOf(key), encodePeer(peer, nowMs))
    for (const key of remove) batch.delete(keyOf(key))
    await batch.commit({ signal })
    for (const key of put.keys()) this.#stored.add(key)
    for (const key of remove) this.#stored.delete(key)
  }
}

function keyOf(peer: string): Key {
  return new Key(`${DATASTORE_PREFIX}/${peer}`)
}

function peerIdFromKey(key: Key): PeerId {
  return peerIdFromString(key.baseNamespace())
}
