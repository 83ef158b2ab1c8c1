import type { AddressManager, NodeAddress } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'

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
