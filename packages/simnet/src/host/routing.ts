import { type ContentRouting, type PeerId, type PeerInfo, type PeerRouting, NotFoundError } from '@libp2p/interface'
import type { AddressManager, NodeAddress, RandomWalk } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

/** Finds no content: a simulated host has no router of its own. */
export const noContentRouting: ContentRouting = {
  async provide() {},
  async cancelReprovide() {},
  async *findProviders() {},
  async put() {},
  async get(): Promise<never> {
    throw new NotFoundError('No content routers available')
  },
}

/** Finds no peers, for the same reason. */
export const noPeerRouting: PeerRouting = {
  async findPeer(peer: PeerId): Promise<PeerInfo> {
    throw new NotFoundError(`No peer routers available to find ${peer.toString()}`)
  },
  async *getClosestPeers() {},
}

export const noRandomWalk: RandomWalk = {
  async *walk() {},
}

/** The one address of a simulated host. */
export class HostAddressManager implements AddressManager {
  readonly #address: Multiaddr

  constructor(address: Multiaddr) {
    this.#address = address
  }

  getListenAddrs(): Multiaddr[] {
    return [this.#address]
  }

  getAnnounceAddrs(): Multiaddr[] {
    return []
  }

  getObservedAddrs(): Multiaddr[] {
    return []
  }

  getAddresses(): Multiaddr[] {
    return [this.#address]
  }

  getAddressesWithMetadata(): NodeAddress[] {
    return [{ multiaddr: this.#address, verified: true, expires: Infinity, type: 'transport' }]
  }

  confirmObservedAddr(): void {}
  removeObservedAddr(): void {}
  addObservedAddr(): void {}
  addDNSMapping(): void {}
  removeDNSMapping(): void {}
  addPublicAddressMapping(): void {}
  removePublicAddressMapping(): void {}
}
