import { HandshakeRejectedError, type Hello, type PeerStatus } from '@gridmesh/interfaces'
import { DEFAULT_MAX_LISTEN_ADDRESSES, MAX_ADDRESS_BYTES, MAX_CREDENTIALS_BYTES } from './constants.ts'
import type { HandshakeComponents, HandshakeInit } from './index.ts'
import { readIdentity, readStatus, type Identity } from './options.ts'
import { reason } from './reasons.ts'
import { textFault } from './text.ts'

/** Knows what we say of ourselves. */
export class OwnHello {
  readonly #identity: Identity
  readonly #credentials: HandshakeInit['credentials']
  readonly #addresses: HandshakeComponents['addressManager']
  // What the block hash of the chain's start is, only its owner knows.
  #status: PeerStatus = { height: 0, tipHash: '' }

  constructor(init: HandshakeInit, addresses: HandshakeComponents['addressManager']) {
    this.#identity = readIdentity(init)
    this.#credentials = init.credentials
    this.#addresses = addresses
  }

  get status(): PeerStatus {
    return this.#status
  }

  /** Changes the status. Returns whether it differs from before. */
  setStatus(status: PeerStatus): boolean {
    const next = readStatus(status)
    const isNew = !isSameStatus(next, this.#status)
    this.#status = next
    return isNew
  }

  /**
   * Resolves with our Hello of now.
   * @throws {HandshakeRejectedError} when the credentials cannot be had: without them no peer would accept us
   */
  async build(): Promise<Hello> {
    const credentials = await this.#readCredentials()
    return {
      ...this.#identity,
      ...this.#status,
      listenAddresses: this.#readAddresses(),
      timeMs: Date.now(),
      ...(credentials != null && { credentials }),
    }
  }

  async #readCredentials(): Promise<Uint8Array | undefined> {
    try {
      const credentials = await this.#credentials?.()
      if (credentials == null || credentials.byteLength <= MAX_CREDENTIALS_BYTES) return credentials
      throw new RangeError(`credentials of ${credentials.byteLength} bytes are above ${MAX_CREDENTIALS_BYTES}`)
    } catch (cause) {
      const message = 'this node could not produce its credentials'
      throw new HandshakeRejectedError(reason('unavailable', message, { limit: 'credentials' }), 'us', { cause })
    }
  }

  #readAddresses(): string[] {
    const addresses = this.#addresses.getAddresses().map((address) => address.toString())
    return addresses
      .filter((address) => textFault(address, MAX_ADDRESS_BYTES) == null)
      .slice(0, DEFAULT_MAX_LISTEN_ADDRESSES)
  }
}

/** Whether two statuses say the same. */
export function isSameStatus(a: PeerStatus, b: PeerStatus): boolean {
  return a.height === b.height && a.tipHash === b.tipHash
}
