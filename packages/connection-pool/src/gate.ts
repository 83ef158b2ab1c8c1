import type { ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { Arrivals } from './arrivals.ts'
import { DialRules } from './dial-rules.ts'
import { Door } from './door.ts'
import { Links } from './links.ts'
import { placeOf } from './place.ts'
import type { PoolState } from './pool-state.ts'
import type { PoolReason } from './reasons.ts'
import type { Departure } from './rooms.ts'
import { type Direction, Ticket } from './ticket.ts'

/** Who, from where, was refused, and why. */
export interface Refusal {
  readonly direction: Direction
  readonly reason: PoolReason
  /** The peer as a string, where only its address names it. */
  readonly key?: string | undefined
  readonly peer?: PeerId | undefined
  readonly address?: Multiaddr | undefined
}

/** Who acts on what the gate decides. */
export interface GateHost {
  onRefused(refusal: Refusal): void
  /** A connection of a peer was closed, since newer ones took its place. */
  onReplaced(peer: PeerId, reason: PoolReason): void
  /** Parts from a peer that made room. Resolves when all its connections are closed. */
  evict(departure: Departure): Promise<void>
  /** Resolves when a peer that is on its way out has gone. */
  gone(key: string): Promise<void>
}

/** The host until the service is there: libp2p has not started yet, so nobody is connected or told. */
const NOBODY: GateHost = {
  onRefused: () => undefined,
  onReplaced: () => undefined,
  evict: () => Promise.resolve(),
  gone: () => Promise.resolve(),
}

/** Answers libp2p's questions, in the order in which it asks them, each with what is known by then. */
export class Gate {
  readonly links: Links
  readonly door: Door
  readonly #state: PoolState
  readonly #arrivals: Arrivals
  readonly #rules: DialRules
  #host = NOBODY

  constructor(state: PoolState) {
    this.#state = state
    this.links = new Links(state)
    this.door = new Door(state)
    this.#arrivals = new Arrivals(state)
    this.#rules = new DialRules(state)
  }

  /** Whoever is told from now on. */
  attach(host: GateHost): void {
    this.#host = host
  }

  /** What libp2p is given. */
  gater(): ConnectionGater {
    return {
      denyDialPeer: (peer) => this.#denyDialPeer(peer),
      denyDialMultiaddr: (address) => this.#denyDial(address),
      denyInboundConnection: (socket) => this.#denyArrival(socket),
      denyInboundEncryptedConnection: (peer, socket) => this.#denyPeer('inbound', peer, socket),
      denyInboundUpgradedConnection: (peer, socket) => this.#denyUpgraded('inbound', peer, socket),
      denyOutboundConnection: (peer, socket) => this.#denySocket(peer, socket),
      denyOutboundEncryptedConnection: (peer, socket) => this.#denyPeer('outbound', peer, socket),
      denyOutboundUpgradedConnection: (peer, socket) => this.#denyUpgraded('outbound', peer, socket),
    }
  }

  /** Decides over a connection whose peer is known. Resolves with whether it has to be closed at once. */
  async judge(ticket: Ticket, peer: PeerId, address: Multiaddr): Promise<boolean> {
    const refusal = { direction: ticket.direction, peer, address }
    const decision = this.door.identify(ticket, peer)
    if ('reason' in decision) {
      this.#deny(decision.reason, refusal)
      return decision.kind === 'refuse'
    }
    if (decision.replaced !== undefined) {
      this.links.abort(decision.replaced.ticket, decision.replaced.reason)
      this.#host.onReplaced(peer, decision.replaced.reason)
    }
    if (decision.kind === 'admit') return false
    const { from, evicted } = decision
    await (evicted === undefined ? this.#host.gone(from.key) : this.#host.evict(evicted))
    return ticket.isClosed || this.#deny(this.door.confirm(ticket, peer), refusal)
  }

  #denyDialPeer(peer: PeerId): boolean {
    const reason = this.#rules.peerReason(peer, 0) ?? this.#rules.restReason(peer)
    return this.#deny(reason, { direction: 'outbound', peer })
  }

  #denyDial(address: Multiaddr): boolean {
    const key = address.getComponents().findLast(({ code }) => code === CODE_P2P)?.value
    const place = placeOf(address, this.#state.options.exemptLoopback)
    return this.#deny(this.#rules.addressReason(place, key), { direction: 'outbound', address, key })
  }

  #denyArrival(socket: MultiaddrConnection): boolean {
    const address = socket.remoteAddr
    const place = placeOf(address, this.#state.options.exemptLoopback)
    const taken = this.#arrivals.take(place, performance.now())
    if (!(taken instanceof Ticket)) return this.#deny(taken, { direction: 'inbound', address })
    this.links.tie(taken, socket)
    return false
  }

  #denySocket(peer: PeerId, socket: MultiaddrConnection): boolean {
    const reason = this.#state.banReason(peer)
    if (this.#deny(reason, { direction: 'outbound', peer, address: socket.remoteAddr })) return true
    // Its age counts from now, as it does at the other end.
    this.links.of(socket, 'outbound')
    return false
  }

  async #denyPeer(direction: Direction, peer: PeerId, socket: MultiaddrConnection): Promise<boolean> {
    const { ticket } = this.links.of(socket, direction)
    // A transport that asks twice must not be given a second slot.
    if (ticket.slot !== undefined) return this.#denyUpgraded(direction, peer, socket)
    return ticket.isClosed || this.judge(ticket, peer, socket.remoteAddr)
  }

  #denyUpgraded(direction: Direction, peer: PeerId, socket: MultiaddrConnection): boolean {
    const { ticket } = this.links.of(socket, direction)
    if (ticket.isClosed) return true
    return this.#deny(this.door.confirm(ticket, peer), { direction, peer, address: socket.remoteAddr })
  }

  #deny(reason: PoolReason | undefined, refusal: Omit<Refusal, 'reason'>): boolean {
    if (reason !== undefined) this.#host.onRefused({ ...refusal, reason })
    return reason !== undefined
  }
}
