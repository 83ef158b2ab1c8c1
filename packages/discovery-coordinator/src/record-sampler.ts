import type { Peer, PeerId, PeerStore } from '@libp2p/interface'
import { shuffle } from './book-table.ts'
import { MAX_SHARED_MS, MIN_SHARED_MS, PEER_EXCHANGE_PROTOCOL, SHARED_MS_PER_RECORD } from './constants.ts'
import { sizeInReply } from './exchange-messages.ts'
import { Reservoir } from './reservoir.ts'

/** A signed record, ready to be passed on. */
interface SharedRecord {
  peer: PeerId
  bytes: Uint8Array
}

/** Limits of what is held for replies. */
export interface SamplerInit {
  maxRecordBytes: number
  maxSharedRecords: number
}

/** Limits of one reply, in which each record is a field of protobuf. */
export interface SampleLimits {
  records: number
  bytes: number
}

/**
 * Random samples of the signed records that libp2p's peer store holds of peers that speak our protocol: those were
 * connected to us once, since nothing else brings a signed record there.
 */
export class RecordSampler {
  readonly #peerStore: Pick<PeerStore, 'forEach'>
  readonly #init: SamplerInit
  #records: Promise<SharedRecord[]> | undefined
  #staleAt = 0

  constructor(peerStore: Pick<PeerStore, 'forEach'>, init: SamplerInit) {
    this.#peerStore = peerStore
    this.#init = init
  }

  /** Records for `asker` within the limits, without those of `isUnwanted`. */
  async sample(asker: PeerId, limits: SampleLimits, isUnwanted: (peer: PeerId) => boolean): Promise<Uint8Array[]> {
    const sample: Uint8Array[] = []
    let size = 0
    for (const { peer, bytes } of shuffle([...(await this.#read())])) {
      if (sample.length >= limits.records) break
      const next = size + sizeInReply(bytes)
      if (next > limits.bytes || peer.equals(asker) || isUnwanted(peer)) continue
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
    // The store may hold many times what is shared.
    const chosen = new Reservoir<SharedRecord>(this.#init.maxSharedRecords)
    await this.#peerStore.forEach((peer) => {
      const bytes = this.#recordOf(peer)
      if (bytes !== undefined) chosen.offer({ peer: peer.id, bytes })
    })
    const records = chosen.items
    const ageMs = Math.min(Math.max(records.length * SHARED_MS_PER_RECORD, MIN_SHARED_MS), MAX_SHARED_MS)
    this.#staleAt = performance.now() + ageMs
    return records
  }

  #recordOf({ peerRecordEnvelope: bytes, addresses, protocols }: Peer): Uint8Array | undefined {
    if (bytes === undefined || bytes.byteLength > this.#init.maxRecordBytes) return undefined
    return addresses.length > 0 && protocols.includes(PEER_EXCHANGE_PROTOCOL) ? bytes : undefined
  }
}
