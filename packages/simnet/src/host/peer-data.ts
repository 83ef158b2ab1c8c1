import { InvalidParametersError, type PeerData, type PeerId, type TagOptions } from '@libp2p/interface'
import { isMultiaddr } from '@multiformats/multiaddr'

const MAX_TAG_VALUE = 100

/** The entries of a map, or of an object that stands for one. */
export function entriesOf<V>(values: Map<string, V> | Record<string, V> | undefined): [string, V][] {
  if (values === undefined) return []
  return values instanceof Map ? [...values.entries()] : Object.entries(values)
}

function checkTag({ value = 0, ttl = 0 }: TagOptions): void {
  if (!Number.isInteger(value)) throw new InvalidParametersError('Tag value must be an integer')
  if (value < 0 || value > MAX_TAG_VALUE) throw new InvalidParametersError('Tag value must be between 0-100')
  if (!Number.isInteger(ttl)) throw new InvalidParametersError('Tag ttl must be an integer')
  if (ttl < 0) throw new InvalidParametersError('Tag ttl must be between greater than 0')
}

/** @throws {InvalidParametersError} when libp2p's peer store would not take it */
export function checkPeerData(id: PeerId, data: PeerData): void {
  if (data == null) throw new InvalidParametersError('Invalid PeerData')
  if (data.publicKey !== undefined && !id.equals(data.publicKey.toMultihash().bytes)) {
    throw new InvalidParametersError('publicKey does not match peer id')
  }
  for (const [, value] of entriesOf(data.metadata)) {
    if (value == null || value instanceof Uint8Array) continue
    throw new InvalidParametersError('Metadata value must be a Uint8Array')
  }
  for (const [, tag] of entriesOf(data.tags)) if (tag != null) checkTag(tag)
  for (const address of [...(data.multiaddrs ?? []), ...(data.addresses ?? []).map(({ multiaddr }) => multiaddr)]) {
    if (!isMultiaddr(address)) throw new InvalidParametersError('Multiaddr was invalid')
  }
}
