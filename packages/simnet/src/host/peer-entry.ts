import type { Address, PeerId, Tag } from '@libp2p/interface'

export interface StoredTag extends Tag {
  expiresAt?: number
}

/** What is stored of a peer. */
export interface Entry {
  readonly id: PeerId
  addresses: readonly Address[]
  protocols: readonly string[]
  metadata: ReadonlyMap<string, Uint8Array> | undefined
  tags: ReadonlyMap<string, StoredTag> | undefined
  peerRecordEnvelope: Uint8Array | undefined
}

type IsSame<V> = (a: V, b: V) => boolean

export function isSameList<V extends {}>(a: readonly V[], b: readonly V[], isSame: IsSame<V> = Object.is): boolean {
  const hasSame = (value: V, at: number): boolean => {
    const other = b[at]
    return other !== undefined && isSame(value, other)
  }
  return a === b || (a.length === b.length && a.every(hasSame))
}

function isSameMap<V>(
  a: ReadonlyMap<string, V> | undefined,
  b: ReadonlyMap<string, V> | undefined,
  isSame: IsSame<V>,
): boolean {
  if (a === b) return true
  return isSameList(
    [...(a ?? [])],
    [...(b ?? [])],
    ([name, value], [other, its]) => name === other && isSame(value, its),
  )
}

function isSameAddress(a: Address, b: Address): boolean {
  return a.isCertified === b.isCertified && (a.multiaddr === b.multiaddr || a.multiaddr.equals(b.multiaddr))
}

function isSameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0
}

function isSameTag(a: StoredTag, b: StoredTag): boolean {
  return a.value === b.value && a.expiresAt === b.expiresAt
}

/** Whether nobody has to be told of a change. */
export function isSameEntry(a: Entry, b: Entry): boolean {
  return (
    isSameList(a.protocols, b.protocols) &&
    isSameList(a.addresses, b.addresses, isSameAddress) &&
    isSameMap(a.metadata, b.metadata, isSameBytes) &&
    isSameMap(a.tags, b.tags, isSameTag) &&
    a.peerRecordEnvelope === b.peerRecordEnvelope
  )
}
