import {
  type ComponentLogger,
  type Connection,
  type CreateListenerOptions,
  type DialTransportOptions,
  InvalidMultiaddrError,
  ListenError,
  type Listener,
  type ListenerEvents,
  serviceCapabilities,
  type Transport,
  transportSymbol,
  TypedEventEmitter,
  type Upgrader,
} from '@libp2p/interface'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'
import type { TransportComponents } from '../index.ts'
import type { Fabric } from '../links/fabric.ts'
import type { Machine } from '../links/machine.ts'
import type { WireEnd } from '../links/wire.ts'
import { StackSocket } from './stack-socket.ts'

const FIRST_EPHEMERAL_PORT = 32_768

interface Endpoint {
  readonly ip: string
  readonly port: number
}

function endpointOf(address: Multiaddr): Endpoint | undefined {
  const [host, port, next] = address.getComponents()
  if (host?.name !== 'ip4' || port?.name !== 'tcp' || (next !== undefined && next.name !== 'p2p')) return undefined
  return { ip: host.value ?? '', port: Number(port.value) }
}

/** A libp2p transport whose packets go through a simulation; addresses are those of TCP over IPv4. */
export class SimTransport implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@gridmesh/simnet'
  readonly [serviceCapabilities] = ['@libp2p/transport']
  readonly #components: TransportComponents
  readonly #fabric: Fabric
  readonly #machine: Machine

  constructor(components: TransportComponents, fabric: Fabric, machine: Machine) {
    this.#components = components
    this.#fabric = fabric
    this.#machine = machine
  }

  async dial(address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const to = endpointOf(address)
    if (to === undefined) throw new InvalidMultiaddrError(`${address.toString()} is not /ip4/…/tcp/…`)
    const end = await this.#fabric.dial(this.#machine, to.ip, to.port, options.signal)
    const log = this.#components.logger.forComponent('simnet:socket')
    const socket = new StackSocket(end, { remoteAddr: address, direction: 'outbound', log })
    try {
      return await options.upgrader.upgradeOutbound(socket, options)
    } catch (err) {
      socket.abort(err instanceof Error ? err : new InvalidMultiaddrError(String(err)))
      throw err
    }
  }

  createListener(options: CreateListenerOptions): Listener {
    return new SimListener(this.#fabric, this.#machine, options.upgrader, this.#components.logger)
  }

  readonly listenFilter = (addresses: Multiaddr[]): Multiaddr[] =>
    addresses.filter((address) => endpointOf(address) !== undefined)

  readonly dialFilter = this.listenFilter
}

/** Takes connections at a port of a machine. Port 0 is the first free one; the IP address is the machine's. */
class SimListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #fabric: Fabric
  readonly #machine: Machine
  readonly #upgrader: Upgrader
  readonly #logger: ComponentLogger
  readonly #shutdown = new AbortController()
  #port: number | undefined
  #arrivals = 0

  constructor(fabric: Fabric, machine: Machine, upgrader: Upgrader, logger: ComponentLogger) {
    super()
    this.#fabric = fabric
    this.#machine = machine
    this.#upgrader = upgrader
    this.#logger = logger
  }

  async listen(address: Multiaddr): Promise<void> {
    const { listeners, ip, port: first } = this.#machine
    let port = endpointOf(address)?.port ?? 0
    if (port !== 0 && this.#fabric.isTaken(ip, port)) throw new ListenError(`Address ${ip}:${port} is in use already`)
    if (port === 0) for (port = first; this.#fabric.isTaken(ip, port);) port++
    listeners.set(port, (end) => this.#arrive(end))
    this.#port = port
    queueMicrotask(() => this.safeDispatchEvent('listening'))
  }

  getAddrs(): Multiaddr[] {
    return this.#port === undefined ? [] : [multiaddr(`/ip4/${this.#machine.ip}/tcp/${this.#port}`)]
  }

  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    if (this.#port !== undefined) this.#machine.listeners.delete(this.#port)
    this.#port = undefined
    this.#shutdown.abort()
    queueMicrotask(() => this.safeDispatchEvent('close'))
  }

  #arrive(end: WireEnd): void {
    const port = FIRST_EPHEMERAL_PORT + (this.#arrivals++ % FIRST_EPHEMERAL_PORT)
    const remoteAddr = multiaddr(`/ip4/${end.remote.ip}/tcp/${port}`)
    const log = this.#logger.forComponent('simnet:socket')
    const socket = new StackSocket(end, { remoteAddr, direction: 'inbound', log })
    this.#upgrader.upgradeInbound(socket, { signal: this.#shutdown.signal }).catch((err: unknown) => {
      socket.abort(err instanceof Error ? err : new ListenError(String(err)))
    })
  }
}
