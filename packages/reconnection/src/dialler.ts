import { optional } from '@gridmesh/interfaces'
import { ConnectionClosedError, type Logger, type PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { restoreAddresses } from './address-memory.ts'
import { within } from './deadline.ts'
import { PeerBannedError } from './errors.ts'
import type { WantedPeer } from './importance.ts'
import type { ReconnectionComponents } from './index.ts'
import { isLinked } from './links.ts'
import type { TrackedPeer } from './tracked-peer.ts'

/** Makes one attempt: dials, through the pool where there is one, and waits until the peer is ready. */
export class Dialler {
  readonly #components: ReconnectionComponents
  readonly #wanted: ReadonlyMap<string, WantedPeer>
  readonly #deadlineMs: number
  readonly #log: Logger

  constructor(
    components: ReconnectionComponents,
    wanted: ReadonlyMap<string, WantedPeer>,
    deadlineMs: number,
    log: Logger,
  ) {
    this.#components = components
    this.#wanted = wanted
    this.#deadlineMs = deadlineMs
    this.#log = log
  }

  /** Resolves when the peer is connected, and ready where there is a handshake. Takes one deadline at most. */
  async reach(peer: TrackedPeer, signal: AbortSignal): Promise<void> {
    await within(this.#deadlineMs, signal, async (combined) => this.#reach(peer, combined))
  }

  async #reach(peer: TrackedPeer, signal: AbortSignal): Promise<void> {
    const { connectionManager } = this.#components
    if (optional(this.#components, 'peerManager')?.isBanned(peer.id) === true) throw new PeerBannedError(peer.key)
    await this.#restoreAddresses(peer, signal)
    // Nobody waits for this any more, but without a look it would go on and dial.
    signal.throwIfAborted()
    await this.#dial(peer.id, signal)
    await optional(this.#components, 'handshake')?.whenReady(peer.id, { signal })
    if (!isLinked(connectionManager, peer.id)) throw new ConnectionClosedError('It closed as soon as it was open')
  }

  async #dial(peer: PeerId, signal: AbortSignal): Promise<void> {
    const pool = optional(this.#components, 'connectionPool')
    // The pool tells the peer manager itself: whoever dials does.
    if (pool !== undefined) {
      await pool.acquire(peer, { signal })
      return
    }
    this.#tellManager('markConnecting', peer)
    try {
      await this.#components.connectionManager.openConnection(peer, { signal })
    } catch (err) {
      this.#tellManager('markFailed', peer)
      throw err
    }
  }

  // An address book that fails is no reason not to dial: it may well know enough.
  async #restoreAddresses(peer: TrackedPeer, signal: AbortSignal): Promise<void> {
    const configured = this.#wanted.get(peer.key)?.addresses ?? []
    const known = [...peer.addresses.all, ...configured]
    const addresses = known.length > 0 ? known : this.#recorded(peer.id)
    try {
      await restoreAddresses(this.#components.peerStore, peer.id, addresses, { signal })
    } catch (err) {
      signal.throwIfAborted()
      this.#log.error('could not restore the addresses of %p - %e', peer.id, err)
    }
  }

  #recorded(peer: PeerId): Multiaddr[] {
    const record = optional(this.#components, 'peerManager')?.get(peer)
    return (record?.addresses ?? []).flatMap((address) => {
      try {
        return [multiaddr(address)]
      } catch {
        return []
      }
    })
  }

  // A manager that finds a move illegal has its own view of the peer; it must not cost us the dial.
  #tellManager(what: 'markConnecting' | 'markFailed', peer: PeerId): void {
    try {
      optional(this.#components, 'peerManager')?.[what](peer)
    } catch (err) {
      this.#log.error('the peer manager did not take what it was told of %p - %e', peer, err)
    }
  }
}
