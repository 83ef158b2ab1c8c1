import type { ComponentLogger, Logger, PeerId, Startable } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import { peerIdFromString } from '@libp2p/peer-id'
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr'

/** Time before the second try, in ms; doubled after each failure. */
const FIRST_DELAY_MS = 500
const MAX_DELAY_MS = 30_000
/** Time one dial may take, in ms. */
const DIAL_DEADLINE_MS = 10_000
/** Time between two looks at who is missing, in ms. */
const LOOK_INTERVAL_MS = 250

/** What redialling needs from the node. */
export interface RedialComponents {
  connectionManager: ConnectionManager
  logger: ComponentLogger
  peerId: PeerId
}

/**
 * Creates the service that dials the bootstrap peers until each is connected, and again when one is lost. libp2p's
 * bootstrap dials once, so that two nodes that start at the same moment can miss each other for ever.
 */
export function redial(addresses: readonly string[]): (components: RedialComponents) => Startable {
  return (components) => new Redial(components, addresses)
}

interface Target {
  peer: PeerId
  address: Multiaddr
  delayMs: number
  dueMs: number
  isDialling: boolean
}

class Redial implements Startable {
  readonly #components: RedialComponents
  readonly #addresses: readonly string[]
  readonly #log: Logger
  #targets: Target[] = []
  #timer: ReturnType<typeof setInterval> | undefined
  #stopping = new AbortController()

  constructor(components: RedialComponents, addresses: readonly string[]) {
    this.#components = components
    this.#addresses = addresses
    this.#log = components.logger.forComponent('gridmesh:redial')
  }

  start(): void {
    if (this.#timer !== undefined) return
    this.#stopping = new AbortController()
    this.#targets = this.#addresses
      .map((text) => targetOf(multiaddr(text)))
      .filter((target) => !target.peer.equals(this.#components.peerId))
    this.#timer = setInterval(() => this.#look(), LOOK_INTERVAL_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#stopping.abort()
  }

  #look(): void {
    const now = performance.now()
    for (const target of this.#targets) {
      if (target.isDialling || this.#components.connectionManager.getConnections(target.peer).length > 0) continue
      if (now >= target.dueMs) void this.#dial(target)
    }
  }

  async #dial(target: Target): Promise<void> {
    target.isDialling = true
    try {
      const signal = AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(DIAL_DEADLINE_MS)])
      await this.#components.connectionManager.openConnection(target.address, { signal })
      target.delayMs = FIRST_DELAY_MS
    } catch (err) {
      this.#log.trace('no connection to %p yet: %e', target.peer, err)
      target.delayMs = Math.min(MAX_DELAY_MS, target.delayMs * 2)
    }
    target.dueMs = performance.now() + target.delayMs * (0.5 + Math.random() / 2)
    target.isDialling = false
  }
}

/** A bootstrap address with the peer id it ends in; the configuration was checked for one. */
function targetOf(address: Multiaddr): Target {
  const id = address.getComponents().findLast(({ name }) => name === 'p2p')?.value ?? ''
  return { peer: peerIdFromString(id), address, delayMs: FIRST_DELAY_MS, dueMs: 0, isDialling: false }
}
