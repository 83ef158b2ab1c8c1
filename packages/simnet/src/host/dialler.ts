import {
  AbortError,
  InvalidPeerIdError,
  type Connection,
  type DialTarget,
  isPeerId,
  type PeerId,
} from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { DialDeniedError, NoValidAddressesError } from '../errors.ts'
import { raceAbort } from '../links/race-abort.ts'
import type { WireEnd } from '../links/wire.ts'
import type { HostConnection } from './connection.ts'
import { checkGater } from './gate.ts'
import { greet } from './handshake.ts'
import type { HostContext } from './host-context.ts'
import { HostSocket } from './socket.ts'

/** A dial that several callers may wait for; it ends when all of them have given up. */
interface RunningDial {
  readonly connection: Promise<Connection>
  readonly controller: AbortController
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

  target(target: DialTarget): Target {
    if (isPeerId(target)) return { peerId: target, addresses: [] }
    const addresses = Array.isArray(target) ? target : [target]
    const peer = addresses[0]?.getComponents().findLast(({ name }) => name === 'p2p')?.value
    const peerId = peer === undefined ? undefined : (this.#host.findPeer(peer) ?? peerIdFromString(peer))
    return { peerId, addresses: addresses.filter((address) => endpointOf(address) !== undefined) }
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
    if (running !== undefined && !running.controller.signal.aborted) return running
    const controller = new AbortController()
    const connection = this.#dialAll(target, controller.signal).finally(() => {
      if (this.#dials.get(key) === dial) this.#dials.delete(key)
    })
    const dial: RunningDial = { connection, controller, waiting: 0 }
    this.#dials.set(key, dial)
    return dial
  }

  async #dialAll(target: Target, signal: AbortSignal): Promise<Connection> {
    const { connectionGater: gater } = this.#host
    if (target.peerId !== undefined && (await gater.denyDialPeer?.(target.peerId)) === true) {
      throw new DialDeniedError('denyDialPeer')
    }
    const errors: unknown[] = []
    for (const address of await this.#addressesOf(target)) {
      if ((await gater.denyDialMultiaddr?.(address)) === true) continue
      try {
        return await this.#dialAddress(address, target.peerId, signal)
      } catch (err) {
        errors.push(err)
        if (signal.aborted) break
      }
    }
    if (errors.length === 0) throw new NoValidAddressesError(String(target.peerId ?? 'unknown'))
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }

  async #addressesOf({ peerId, addresses }: Target): Promise<readonly Multiaddr[]> {
    if (addresses.length > 0 || peerId === undefined) return addresses
    const peer = await this.#host.peerStore.get(peerId).catch(() => undefined)
    return peer?.addresses.map((address) => address.multiaddr) ?? []
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
