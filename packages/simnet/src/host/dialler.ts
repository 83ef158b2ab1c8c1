import {
  AbortError,
  type Address,
  type Connection,
  DialError,
  type DialTarget,
  InvalidParametersError,
  InvalidPeerIdError,
  isPeerId,
  type PeerId,
  TimeoutError,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  circuitRelayAddressesLast,
  loopbackAddressLast,
  publicAddressesFirst,
  reliableTransportsFirst,
} from '@libp2p/utils'
import type { Multiaddr } from '@multiformats/multiaddr'
import { DialDeniedError, NoValidAddressesError } from '../errors.ts'
import { raceAbort } from '../links/race-abort.ts'
import type { WireEnd } from '../links/wire.ts'
import type { HostConnection } from './connection.ts'
import { checkGater } from './gate.ts'
import { greet } from './handshake.ts'
import type { HostContext } from './host-context.ts'
import { HostSocket } from './socket.ts'

/** As libp2p's defaults: how long one address may take, and how many of a peer are tried. */
const ADDRESS_DIAL_MS = 6_000
const MAX_ADDRESSES = 25

/** A dial that several callers may wait for; it ends when all of them have given up. */
interface RunningDial {
  readonly connection: Promise<Connection>
  readonly controller: AbortController
  /** Addresses that callers have given, and that were not tried yet. */
  readonly given: Multiaddr[]
  waiting: number
}

/** Who or what is to be dialled. */
export interface Target {
  readonly peerId: PeerId | undefined
  readonly addresses: readonly Multiaddr[]
}

export function endpointOf(address: Multiaddr): { ip: string; port: number } | undefined {
  const parts = address.getComponents()
  const ip = parts.find(({ name }) => name === 'ip4' || name === 'ip6')?.value
  const port = Number(parts.find(({ name }) => name === 'tcp')?.value)
  return ip === undefined || Number.isNaN(port) ? undefined : { ip, port }
}

/** The peer that an address names. */
function peerOf(address: Multiaddr): string | undefined {
  return address.getComponents().findLast(({ name }) => name === 'p2p')?.value
}

/** An address with the peer that is meant, by which two spellings of one are the same. */
function nameOf(address: Multiaddr, peerId: PeerId | undefined): string {
  const name = address.toString()
  return peerId === undefined || peerOf(address) !== undefined ? name : `${name}/p2p/${peerId.toString()}`
}

/** Whether an address says where, and not only who. */
function isPlace(address: Multiaddr): boolean {
  return address.getComponents().some(({ name }) => name !== 'p2p')
}

/** The order in which libp2p tries the addresses of a peer. */
function compareAddresses(a: Address, b: Address): number {
  return (
    loopbackAddressLast(a.multiaddr, b.multiaddr) ||
    publicAddressesFirst(a.multiaddr, b.multiaddr) ||
    circuitRelayAddressesLast(a.multiaddr, b.multiaddr) ||
    Number(b.isCertified) - Number(a.isCertified) ||
    reliableTransportsFirst(a.multiaddr, b.multiaddr)
  )
}

/** Dials of a simulated host: which addresses, in which order, past which gates. */
export class HostDialler {
  readonly #host: HostContext
  readonly #open: (end: WireEnd, socket: HostSocket, peer: PeerId) => HostConnection
  readonly #dials = new Map<string, RunningDial>()

  /** `open` makes a connection of what the dial has reached. */
  constructor(host: HostContext, open: (end: WireEnd, socket: HostSocket, peer: PeerId) => HostConnection) {
    this.#host = host
    this.#open = open
  }

  /** What is being dialled. */
  running(): string[] {
    return [...this.#dials.keys()]
  }

  /** Ends all dials. */
  stop(): void {
    for (const { controller } of this.#dials.values()) controller.abort(new AbortError())
  }

  /** @throws {InvalidParametersError} when addresses are of several peers */
  target(target: DialTarget): Target {
    if (isPeerId(target)) return { peerId: target, addresses: [] }
    const addresses = [target].flat()
    const [peer, ...others] = new Set(addresses.map(peerOf))
    if (others.length > 0) {
      throw new InvalidParametersError('Multiaddrs must all have the same peer id or have no peer id')
    }
    const peerId = peer === undefined ? undefined : (this.#host.findPeer(peer) ?? peerIdFromString(peer))
    return { peerId, addresses: addresses.filter(isPlace) }
  }

  /** Connects to a target. Several calls for one are one dial, which goes on while one of them waits. */
  async dial(target: Target, signal: AbortSignal): Promise<Connection> {
    const dial = this.#dialOnce(target)
    dial.waiting++
    try {
      return await raceAbort(dial.connection, signal)
    } finally {
      if (--dial.waiting === 0) dial.controller.abort(signal.reason)
    }
  }

  #dialOnce(target: Target): RunningDial {
    const key = target.peerId?.toString() ?? target.addresses.join()
    const running = this.#dials.get(key)
    if (running !== undefined && !running.controller.signal.aborted) {
      running.given.push(...target.addresses)
      return running
    }
    const controller = new AbortController()
    const given = [...target.addresses]
    const connection = this.#dialAll(target.peerId, given, controller.signal).finally(() => {
      if (this.#dials.get(key) === dial) this.#dials.delete(key)
    })
    const dial: RunningDial = { connection, controller, given, waiting: 0 }
    this.#dials.set(key, dial)
    return dial
  }

  /** Tries addresses, those too that are given meanwhile, until one works. */
  async #dialAll(peerId: PeerId | undefined, given: Multiaddr[], signal: AbortSignal): Promise<Connection> {
    const { connectionGater: gater } = this.#host
    if (peerId !== undefined && (await gater.denyDialPeer?.(peerId)) === true) {
      throw new DialDeniedError('denyDialPeer')
    }
    const tried = new Set<string>()
    const errors: unknown[] = []
    do {
      for (const address of await this.#addressesOf({ peerId, addresses: given.splice(0) }, signal)) {
        const name = nameOf(address, peerId)
        if (tried.has(name) || signal.aborted) continue
        if (errors.length === MAX_ADDRESSES) throw new DialError('Peer had more than maxPeerAddrsToDial')
        tried.add(name)
        try {
          return await this.#tryAddress(address, peerId, signal)
        } catch (err) {
          errors.push(err)
        }
      }
    } while (given.length > 0 && !signal.aborted)
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }

  /** Where a target is dialled, what is likely to work first. */
  async #addressesOf({ peerId, addresses }: Target, signal: AbortSignal): Promise<Multiaddr[]> {
    const { connectionGater: gater } = this.#host
    const given = addresses.map((multiaddr) => ({ multiaddr, isCertified: false }))
    const found = given.length > 0 || peerId === undefined ? given : await this.#lookUp(peerId, signal)
    const own = found.filter(({ multiaddr }) => {
      const peer = peerOf(multiaddr)
      return endpointOf(multiaddr) !== undefined && (peer === undefined || peerId?.toString() === peer)
    })
    const unique = new Map<string, Address>()
    for (const { multiaddr, isCertified } of own) {
      const name = nameOf(multiaddr, peerId)
      const known = unique.get(name)
      unique.set(name, { multiaddr, isCertified: isCertified || known?.isCertified === true })
    }
    if (unique.size === 0) throw new NoValidAddressesError(String(peerId ?? 'unknown'))
    const allowed: Address[] = []
    for (const address of unique.values()) {
      if ((await gater.denyDialMultiaddr?.(address.multiaddr)) !== true) allowed.push(address)
    }
    if (allowed.length === 0) throw new DialDeniedError('denyDialMultiaddr')
    return allowed.toSorted(compareAddresses).map(({ multiaddr }) => multiaddr)
  }

  async #lookUp(peerId: PeerId, signal: AbortSignal): Promise<Address[]> {
    const { peerStore, peerRouting } = this.#host
    const peer = await peerStore.get(peerId).catch(() => undefined)
    if (peer !== undefined && peer.addresses.length > 0) return peer.addresses
    const found = await peerRouting.findPeer(peerId, { signal }).catch(() => undefined)
    return (found?.multiaddrs ?? []).map((multiaddr) => ({ multiaddr, isCertified: false }))
  }

  // The timer is cleared: a signal of `AbortSignal.timeout` would abort once more for each dial that worked.
  async #tryAddress(address: Multiaddr, peerId: PeerId | undefined, signal: AbortSignal): Promise<Connection> {
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new TimeoutError()), ADDRESS_DIAL_MS)
    try {
      return await this.#dialAddress(address, peerId, AbortSignal.any([signal, timeout.signal]))
    } finally {
      clearTimeout(timer)
    }
  }

  async #dialAddress(address: Multiaddr, peerId: PeerId | undefined, signal: AbortSignal): Promise<Connection> {
    const { fabric, machine, connectionGater: gater, peerStore, logger, peerId: self } = this.#host
    const to = endpointOf(address)
    if (to === undefined) throw new NoValidAddressesError(String(peerId ?? address))
    const end = await fabric.dial(machine, to.ip, to.port, signal)
    try {
      const socket = new HostSocket(end, address, 'outbound', logger.forComponent('simnet:socket'))
      if (peerId !== undefined) await checkGater(gater, ['denyOutboundConnection'], peerId, socket)
      const peer = await greet(end, self, fabric.model.handshakeRoundTrips, signal)
      if (peerId !== undefined && !peer.equals(peerId)) {
        throw new InvalidPeerIdError(`Dialled ${peerId.toString()}, and ${peer.toString()} answered`)
      }
      await checkGater(gater, ['denyOutboundEncryptedConnection', 'denyOutboundUpgradedConnection'], peer, socket)
      const connection = this.#open(end, socket, peer)
      await peerStore.merge(peer, { multiaddrs: [address] })
      return connection
    } catch (err) {
      end.end()
      throw err
    }
  }
}
