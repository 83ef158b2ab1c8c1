import { createHmac } from 'node:crypto'
import { SHARE_OF_BUCKETS } from './constants.ts'

/** The size of the address book. */
export interface BookSize {
  /** Buckets for peers that were only heard of. */
  newBuckets: number
  /** Buckets for peers that were reached. */
  triedBuckets: number
  /** Peers a bucket holds. */
  slotsPerBucket: number
}

/**
 * Gives each peer its one place in each table. Only who knows the secret can tell which, so nobody can aim at the place
 * of another. A place in the new table follows from who told of the peer: the addresses in a record are whatever its
 * author claims, while the teller's is proved by a connection. A place in the tried table follows from the address
 * that was reached. Either way one network group gets no further than its share of the buckets.
 */
export class BookPlaces {
  readonly #secret: Uint8Array
  readonly #size: BookSize
  readonly #newShare: number
  readonly #triedShare: number

  constructor(secret: Uint8Array, size: BookSize) {
    this.#secret = secret
    this.#size = size
    this.#newShare = shareOf(size.newBuckets)
    this.#triedShare = shareOf(size.triedBuckets)
  }

  inNew(peer: string, sourceGroup: string): number {
    return this.#place('new', peer, sourceGroup, this.#newShare, this.#size.newBuckets)
  }

  inTried(peer: string, group: string): number {
    return this.#place('tried', peer, group, this.#triedShare, this.#size.triedBuckets)
  }

  #place(table: string, peer: string, group: string, share: number, buckets: number): number {
    const { slotsPerBucket } = this.#size
    const ofPeer = this.#hash(table, 'peer', peer)
    const which = String(ofPeer.readUInt32BE(0) % share)
    const bucket = this.#hash(table, 'bucket', group, which).readUInt32BE() % buckets
    return bucket * slotsPerBucket + (ofPeer.readUInt32BE(4) % slotsPerBucket)
  }

  #hash(...parts: string[]): Buffer {
    // As JSON, so that no two lists of parts are the same text.
    return createHmac('sha256', this.#secret).update(JSON.stringify(parts)).digest()
  }
}

/** Buckets that one group reaches. */
function shareOf(buckets: number): number {
  return Math.max(1, Math.floor(buckets * SHARE_OF_BUCKETS))
}
