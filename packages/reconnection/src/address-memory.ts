import type { AbortOptions, PeerId, PeerStore } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/**
 * Where one peer can be reached. libp2p's own address book forgets an address an hour after it first heard it, even
 * while connected over it, and then there is nothing left to dial.
 */
export class AddressMemory {
  readonly #max: number
  #proven: Multiaddr | undefined
  #said: readonly Multiaddr[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** What is remembered, the proven address first. */
  get all(): Multiaddr[] {
    const all = this.#proven === undefined ? this.#said : [this.#proven, ...this.#said]
    return [...new Map(all.map((address) => [address.toString(), address])).values()].slice(0, this.#max)
  }

  /** A dial of ours reached the peer there. */
  prove(address: Multiaddr): void {
    this.#proven = address
  }

  /** The address book says so; what the peer itself has said counts for more, and may be newer. */
  recall(addresses: readonly Multiaddr[]): void {
    if (this.#said.length === 0) this.hear(addresses)
  }

  /** The peer says it can be reached there; what it said before is forgotten, unless it now says nothing. */
  hear(addresses: readonly Multiaddr[]): void {
    if (addresses.length > 0) this.#said = addresses.slice(0, this.#max)
  }
}

/** Adds to libp2p's address book what it lacks of `addresses`. */
export async function restoreAddresses(
  peerStore: Pick<PeerStore, 'get' | 'merge'>,
  peer: PeerId,
  addresses: readonly Multiaddr[],
  options: AbortOptions,
): Promise<void> {
  if (addresses.length === 0) return
  // The book drops the id of the peer from the end of an address.
  const bare = (address: Multiaddr): string => address.toString().replace(`/p2p/${peer.toString()}`, '')
  const held = new Set((await heldAddresses(peerStore, peer, options)).map(bare))
  const missing = addresses.filter((address) => !held.has(bare(address)))
  if (missing.length === 0) return
  // A stale address keeps its old date for as long as it is in the book, shown or not. Writing nothing drops it.
  await peerStore.merge(peer, {}, options)
  await peerStore.merge(peer, { multiaddrs: missing }, options)
}

async function heldAddresses(
  peerStore: Pick<PeerStore, 'get'>,
  peer: PeerId,
  options: AbortOptions,
): Promise<Multiaddr[]> {
  try {
    return (await peerStore.get(peer, options)).addresses.map(({ multiaddr }) => multiaddr)
  } catch (err) {
    if (err instanceof Error && err.name === 'NotFoundError') return []
    throw err
  }
}
