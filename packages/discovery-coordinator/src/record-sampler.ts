import type { Peer, PeerId, PeerStore } from '@libp2p/interface'
import { shuffle } from './book-table.ts'
import { MAX_SHARED_MS, MIN_SHARED_MS, PEER_EXCHANGE_PROTOCOL, SHARED_MS_PER_RECORD } from './constants.ts'
import { sizeInReply } from './exchange-messages.ts'

/** A signed record, ready to be passed on. */
interface SharedRecord {
  peer: PeerId
  bytes: Uint8Array
}

/** Limits of a reply, and of what is held for replies. */
export interface SamplerInit {
  maxRecords: number
  maxRecordBytes: number
  maxReplyBytes: number
  maxSharedRecords: number
}

/**
 * Random samples of the signed records that libp2p's peer store holds of peers that speak our protocol: those were
 * connected to us once, since nothing else brings a signed record there.
 */
export class RecordSampler {
  readonly #peerStore: Pick<PeerStore, 'all'>
  readonly #init: SamplerInit
  #records: Promise<SharedRecord[]> | undefined
  #staleAt = 0

  constructor(peerStore: Pick<PeerStore, 'all'>, init: SamplerInit) {
    this.#peerStore = peerStore
    this.#init = init
  }

  /** At most `limit` records for a reply to `asker`, without those of `isUnwanted`. */
  async sample(asker: PeerId, limit: number, isUnwanted: (peer: PeerId) => boolean): Promise<Uint8Array[]> {
    const { maxRecords, maxReplyBytes } = this.#init
    const sample: Uint8Array[] = []
    let size = 0
    for (const { peer, bytes } of shuffle([...(await this.#read())])) {
      if (sample.length >= Math.min(limit, maxRecords)) break
      const next = size + sizeInReply(bytes)
      if (next > maxReplyBytes || peer.equals(asker) || isUnwanted(peer)) continue
      size = next
      sample.push(bytes)
    }
    return sample
  }

  /** Forgets what was read. */
  clear(): void {
    this.#records = undefined
  }

  #read(): Promise<SharedRecord[]> {
    if (this.#records === undefined || performance.now() >= this.#staleAt) {
      // Nobody reads beside the one who does.
      this.#staleAt = Infinity
      this.#records = this.#readAll()
      // A failure is told to who waits for it, and the next one reads anew.
      this.#records.catch(() => this.clear())
    }
    return this.#records
  }

  async #readAll(): Promise<SharedRecord[]> {
    const peers = await this.#peerStore.all({ filters: [(peer) => this.#isShared(peer)] })
    const chosen = shuffle(peers).slice(0, this.#init.maxSharedRecords)
    const ageMs = Math.min(Math.max(chosen.length * SHARED_MS_PER_RECORD, MIN_SHARED_MS), MAX_SHARED_MS)
    this.#staleAt = performance.now() + ageMs
    return chosen.flatMap(({ id, peerRecordEnvelope: bytes }) => {
      return bytes === undefined ? [] : [{ peer: id, bytes }]
    })
  }

  #isShared({ peerRecordEnvelope, addresses, protocols }: Peer): boolean {
    if (peerRecordEnvelope === undefined || addresses.length === 0) return false
    return peerRecordEnvelope.byteLength <= this.#init.maxRecordBytes && protocols.includes(PEER_EXCHANGE_PROTOCOL)
  }
}
