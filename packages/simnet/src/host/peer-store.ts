import {
  type Address,
  type ConsumePeerRecordOptions,
  type Libp2pEvents,
  NotFoundError,
  type Peer,
  type PeerData,
  type PeerId,
  type PeerInfo,
  type PeerQuery,
  type PeerStore,
  type TypedEventTarget,
} from '@libp2p/interface'
import { peerIdFromCID } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { checkPeerData, entriesOf } from './peer-data.ts'
import { type Entry, isSameEntry, isSameList, type StoredTag } from './peer-entry.ts'

type Change = 'save' | 'patch' | 'merge'

function mergedMap<V>(
  before: ReadonlyMap<string, V> | undefined,
  changes: [string, V | undefined][],
): Map<string, V> | undefined {
  const merged = new Map(before)
  for (const [key, value] of changes) {
    if (value === undefined) merged.delete(key)
    else merged.set(key, value)
  }
  return merged.size === 0 ? undefined : merged
}

function mergedAddresses(before: readonly Address[], added: readonly Address[]): readonly Address[] {
  const isKnown = (address: Address): boolean =>
    before.some((known) => known.multiaddr === address.multiaddr || known.multiaddr.equals(address.multiaddr))
  const fresh = added.filter((address) => !isKnown(address))
  if (fresh.length === 0) return before
  return [...before, ...fresh].toSorted((a, b) => a.multiaddr.toString().localeCompare(b.multiaddr.toString()))
}

function mergedProtocols(before: readonly string[], added: readonly string[]): readonly string[] {
  const fresh = added.filter((protocol) => !before.includes(protocol))
  return fresh.length === 0 ? before : [...new Set([...before, ...fresh])].toSorted()
}

function toTags(data: PeerData): [string, StoredTag | undefined][] {
  return entriesOf(data.tags).map(([name, tag]) => {
    if (tag === undefined) return [name, undefined]
    const value = tag.value ?? 0
    return [name, tag.ttl === undefined ? { value } : { value, expiresAt: Date.now() + tag.ttl }]
  })
}

/**
 * Peers of a node, in memory, with the rules and events of libp2p's peer store. Lists that two entries have in common
 * are shared, since with ten thousand nodes the same dozen of protocols is stored a hundred thousand times.
 */
export class HostPeerStore implements PeerStore {
  readonly [Symbol.toStringTag] = '@libp2p/peer-store'
  readonly #self: PeerId
  readonly #events: TypedEventTarget<Libp2pEvents>
  readonly #entries = new Map<string, Entry>()

  constructor(self: PeerId, events: TypedEventTarget<Libp2pEvents>) {
    this.#self = self
    this.#events = events
  }

  async forEach(fn: (peer: Peer) => void, query?: PeerQuery): Promise<void> {
    for (const peer of await this.all(query)) fn(peer)
  }

  async all(query: PeerQuery = {}): Promise<Peer[]> {
    let peers = [...this.#entries.values()].filter(({ id }) => !id.equals(this.#self)).map((entry) => this.#peer(entry))
    for (const filter of query.filters ?? []) peers = peers.filter(filter)
    for (const order of query.orders ?? []) peers.sort(order)
    const from = query.offset ?? 0
    return peers.slice(from, query.limit === undefined ? undefined : from + query.limit)
  }

  async delete(peerId: PeerId): Promise<void> {
    if (!peerId.equals(this.#self)) this.#entries.delete(peerId.toString())
  }

  async has(peerId: PeerId): Promise<boolean> {
    return this.#entries.has(peerId.toString())
  }

  async get(peerId: PeerId): Promise<Peer> {
    const entry = this.#entries.get(peerId.toString())
    if (entry === undefined) throw new NotFoundError()
    return this.#peer(entry)
  }

  async getInfo(peerId: PeerId): Promise<PeerInfo> {
    const { id, addresses } = await this.get(peerId)
    return { id, multiaddrs: addresses.map(({ multiaddr }) => multiaddr) }
  }

  async save(id: PeerId, data: PeerData): Promise<Peer> {
    return this.#change(id, data, 'save')
  }

  async patch(id: PeerId, data: PeerData): Promise<Peer> {
    return this.#change(id, data, 'patch')
  }

  async merge(id: PeerId, data: PeerData): Promise<Peer> {
    return this.#change(id, data, 'merge')
  }

  async consumePeerRecord(bytes: Uint8Array, options: ConsumePeerRecordOptions = {}): Promise<boolean> {
    const envelope = await RecordEnvelope.openAndCertify(bytes, PeerRecord.DOMAIN, options)
    const signer = peerIdFromCID(envelope.publicKey.toCID())
    if (options.expectedPeer?.equals(signer) === false) return false
    const record = PeerRecord.createFromProtobuf(envelope.payload)
    if (!record.peerId.equals(signer)) return false
    const known = this.#entries.get(signer.toString())?.peerRecordEnvelope
    if (known !== undefined) {
      const { payload } = RecordEnvelope.createFromProtobuf(known)
      if (PeerRecord.createFromProtobuf(payload).seqNumber >= record.seqNumber) return false
    }
    const addresses = record.multiaddrs.map((multiaddr) => ({ isCertified: true, multiaddr }))
    this.#change(record.peerId, { peerRecordEnvelope: bytes, addresses }, 'patch')
    return true
  }

  #change(id: PeerId, data: PeerData, change: Change): Peer {
    checkPeerData(id, data)
    const key = id.toString()
    const before = this.#entries.get(key)
    const entry = this.#changed(id, change === 'save' ? undefined : before, data, change)
    this.#entries.set(key, entry)
    const peer = this.#peer(entry)
    if (before === undefined || !isSameEntry(before, entry)) this.#emit(peer, before)
    return peer
  }

  #changed(id: PeerId, before: Entry | undefined, data: PeerData, change: Change): Entry {
    const given = (data.multiaddrs ?? []).map((multiaddr) => ({ multiaddr, isCertified: false }))
    const addresses = [...given, ...(data.addresses ?? [])]
    const isMerge = change === 'merge'
    const hasAddresses = data.multiaddrs !== undefined || data.addresses !== undefined
    const keep = <T>(isGiven: boolean, old: T): T | undefined => (isMerge || !isGiven ? old : undefined)
    return {
      id,
      addresses: mergedAddresses(keep(hasAddresses, before?.addresses) ?? [], addresses),
      protocols: this.#protocols(before, data, isMerge),
      metadata: mergedMap(keep(data.metadata !== undefined, before?.metadata), entriesOf(data.metadata)),
      tags: mergedMap(keep(data.tags !== undefined, before?.tags), toTags(data)),
      peerRecordEnvelope: data.peerRecordEnvelope ?? before?.peerRecordEnvelope,
    }
  }

  #protocols(before: Entry | undefined, data: PeerData, isMerge: boolean): readonly string[] {
    const known = before?.protocols ?? []
    if (data.protocols === undefined) return known
    if (isMerge) return mergedProtocols(known, data.protocols)
    return isSameList(known, data.protocols) ? known : data.protocols
  }

  #emit(peer: Peer, before: Entry | undefined): void {
    const isSelf = peer.id.equals(this.#self)
    const detail = before === undefined ? { peer } : { peer, previous: this.#peer(before) }
    this.#events.safeDispatchEvent(isSelf ? 'self:peer:update' : 'peer:update', { detail })
    if (isSelf || before !== undefined) return
    const multiaddrs = peer.addresses.map(({ multiaddr }) => multiaddr)
    this.#events.safeDispatchEvent('peer:discovery', { detail: { id: peer.id, multiaddrs } })
  }

  #peer({ id, addresses, protocols, metadata, tags, peerRecordEnvelope }: Entry): Peer {
    const now = Date.now()
    const live = [...(tags ?? [])].filter(([, { expiresAt = Infinity }]) => expiresAt > now)
    return {
      id,
      addresses: [...addresses],
      protocols: [...protocols],
      metadata: new Map(metadata),
      tags: new Map(live.map(([name, { value }]) => [name, { value }])),
      ...(peerRecordEnvelope === undefined ? {} : { peerRecordEnvelope }),
    }
  }
}
