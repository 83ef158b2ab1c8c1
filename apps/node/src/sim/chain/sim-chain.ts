import type { Handshake, Messages, PeerManager } from '@gridmesh/interfaces'
import type { ComponentLogger, Startable } from '@libp2p/interface'
import type { ChainMeters } from '../../chain-network/chain-metrics.ts'
import { ChainService, type ChainServiceInit } from '../../chain-network/chain-service.ts'
import type { Place } from './place.ts'
import type { Version } from './scenario.ts'
import { talkStrangely } from './versions.ts'
import type { Witness } from './witness.ts'

/** What the chain of a simulated node is made of. */
export interface SimChainInit {
  readonly node: number
  readonly place: Place
  readonly version: Version | undefined
  readonly chain: Pick<ChainServiceInit, 'name' | 'genesis' | 'signer' | 'consensus' | 'verify' | 'checkpointBehind'>
  /** What is different on this node. */
  readonly change: (init: ChainServiceInit) => ChainServiceInit
  /** Of honest nodes. */
  readonly witness: Witness | undefined
  /** Is told of the chain of each life. */
  readonly onOpened: (service: ChainService) => void
}

interface Siblings {
  readonly logger: ComponentLogger
  readonly messages: Messages
  readonly handshake: Handshake
  readonly peerManager: PeerManager
}

/** Figures that nobody reads. */
const gauge = {
  update: () => undefined,
  increment: () => undefined,
  decrement: () => undefined,
  reset: () => undefined,
  timer: () => () => undefined,
}
const meters: ChainMeters = {
  registerMetric: () => gauge,
  registerCounter: () => gauge,
  registerCounterGroup: () => gauge,
}

/** The chain of a simulated node, as a service that starts after the others, and stops before them. */
export function simChain(init: SimChainInit): (components: never) => Startable {
  return (siblings) => new SimChain(siblings, init)
}

class SimChain implements Startable {
  readonly #siblings: Siblings
  readonly #init: SimChainInit
  readonly #over = new AbortController()
  #service: ChainService | undefined

  constructor(siblings: Siblings, init: SimChainInit) {
    this.#siblings = siblings
    this.#init = init
  }

  async start(): Promise<void> {
    const { messages, handshake, peerManager, logger } = this.#siblings
    const { node, place, chain, witness, onOpened, change } = this.#init
    const parts = await place.open()
    const service = await ChainService.open(
      change({ ...chain, parts, verifyThreads: 0, messages, handshake, peerManager, metrics: meters, logger }),
    )
    this.#service = service
    witness?.watch(node, peerManager)
    await witness?.opened(node, service)
    onOpened(service)
  }

  async afterStart(): Promise<void> {
    const { messages, peerManager } = this.#siblings
    await this.#service?.start()
    if (this.#init.version === 'more-kinds') void talkStrangely(messages, peerManager, this.#over.signal)
  }

  async beforeStop(): Promise<void> {
    this.#over.abort()
    await this.#service?.quiet()
  }

  async stop(): Promise<void> {
    await this.#service?.close()
  }
}
