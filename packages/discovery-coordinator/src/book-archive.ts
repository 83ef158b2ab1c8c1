import type { Logger } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Datastore, Key } from 'interface-datastore'
import type { BookEntry } from './book-entry.ts'
import { DATASTORE_PREFIX, SECRET_BYTES } from './constants.ts'
import { decodeEntry, encodeEntry } from './stored-entry.ts'

const SECRET_KEY = new Key(`${DATASTORE_PREFIX}/secret`)
const ENTRIES_PREFIX = `${DATASTORE_PREFIX}/peers`

/** Who is told of what is read. */
export interface BookReader {
  /** The datastore gave one more. */
  onRead(): void
  /** Returns whether the entry is wanted. */
  take(entry: BookEntry): boolean
}

/** The address book in the datastore: the secret that places peers, and one value per peer. */
export class BookArchive {
  readonly #datastore: Datastore
  readonly #log: Logger
  readonly #stored = new Set<string>()

  constructor(datastore: Datastore, log: Logger) {
    this.#datastore = datastore
    this.#log = log
  }

  /** The stored secret, or a new one that is stored now. */
  async secret(signal: AbortSignal): Promise<Uint8Array> {
    if (await this.#datastore.has(SECRET_KEY, { signal })) {
      const stored = await this.#datastore.get(SECRET_KEY, { signal })
      if (stored.byteLength === SECRET_BYTES) return stored
      this.#log.error('replaced a stored secret of %d bytes', stored.byteLength)
    }
    const secret = newSecret()
    await this.#datastore.put(SECRET_KEY, secret, { signal })
    return secret
  }

  /** Reads all entries. What cannot be read, or is not wanted, is removed, where it can be. Resolves with the number of the unreadable. */
  async load(reader: BookReader, maxAddresses: number, signal: AbortSignal): Promise<number> {
    const unwanted: Key[] = []
    let corrupt = 0
    for await (const { key, value } of this.#datastore.query({ prefix: `${ENTRIES_PREFIX}/` }, { signal })) {
      signal.throwIfAborted()
      reader.onRead()
      this.#stored.add(key.baseNamespace())
      try {
        if (reader.take(decodeEntry(peerIdFromString(key.baseNamespace()), value, maxAddresses))) continue
      } catch (err) {
        corrupt++
        this.#log.error('skipped what is stored at %s - %e', key.toString(), err)
      }
      unwanted.push(key)
    }
    await this.#remove(unwanted, signal)
    return corrupt
  }

  /** Whether the datastore holds something of the peer. */
  holds(peer: string): boolean {
    return this.#stored.has(peer)
  }

  /** Writes the entries of `peers`, and removes those that have none any more. */
  async save(
    peers: readonly string[],
    read: (peer: string) => BookEntry | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const batch = this.#datastore.batch()
    const put: string[] = []
    for (const peer of peers) {
      const entry = read(peer)
      const key = new Key(`${ENTRIES_PREFIX}/${peer}`)
      if (entry === undefined) batch.delete(key)
      else batch.put(key, encodeEntry(entry))
      if (entry !== undefined) put.push(peer)
    }
    await batch.commit({ signal })
    for (const peer of peers) this.#stored.delete(peer)
    for (const peer of put) this.#stored.add(peer)
  }

  // A full disk takes no deletion, and what could be read is worth having all the same.
  async #remove(keys: readonly Key[], signal: AbortSignal): Promise<void> {
    const batch = this.#datastore.batch()
    for (const key of keys) batch.delete(key)
    try {
      await batch.commit({ signal })
      for (const key of keys) this.#stored.delete(key.baseNamespace())
    } catch (err) {
      signal.throwIfAborted()
      this.#log.error('could not remove %d stored peers - %e', keys.length, err)
    }
  }
}

export function newSecret(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(SECRET_BYTES))
}
