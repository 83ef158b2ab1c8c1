import { multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import type { Libp2p, PeerId, ServiceMap } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Datastore } from 'interface-datastore'
import { type Actor, createActor } from '../clock/actor.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { DEFAULT_MAX_CONNECTIONS } from '../constants.ts'
import { HostLibp2p } from '../host/host-libp2p.ts'
import type { Fabric } from '../links/fabric.ts'
import type { Machine } from '../links/machine.ts'
import { quietLogger } from '../quiet-logger.ts'
import { Random } from '../random/random.ts'
import { createStackNode } from '../stack/stack-node.ts'
import type { NodePlan, ServiceFactories, SimulationInit } from '../types.ts'
import { identityOf } from './identity.ts'

/** Random numbers of a node that was built again are others than before. */
const RESTART_STRIDE = 0x10_0000

/**
 * Each of the first 65,536 nodes in a /24 of its own. Private addresses, since libp2p does not announce public ones
 * before somebody outside has confirmed them.
 */
export function defaultIp(index: number): string {
  return `10.${(index >>> 8) & 0xff}.${index & 0xff}.${1 + (index >>> 16)}`
}

/** What a node is before, between and after its lives. */
export interface Site {
  readonly plan: NodePlan
  readonly machine: Machine
}

/** Where nodes are built: identities, machines and disks, and the level of the simulation. */
export class World<S extends ServiceMap> {
  readonly clock: VirtualClock
  readonly fabric: Fabric
  readonly #init: SimulationInit<S>
  readonly #seed: number
  readonly #disks = new Map<number, Datastore>()
  readonly #peers = new Map<string, { peerId: PeerId; address: Multiaddr }>()

  constructor(init: SimulationInit<S>, seed: number, clock: VirtualClock, fabric: Fabric) {
    this.#init = init
    this.#seed = seed
    this.clock = clock
    this.fabric = fabric
  }

  /** Gives a node its key, its place and its address. */
  found(index: number): Site {
    const { regions } = this.fabric.model
    const region = this.#init.region?.(index) ?? regions[index % regions.length] ?? 'one'
    const ip = this.#init.ip?.(index) ?? defaultIp(index)
    const identity = identityOf(this.#seed, index)
    const peer = identity.peerId.toString()
    const machine = this.fabric.addMachine(index, ip, region)
    const address = multiaddr(`/ip4/${ip}/tcp/${machine.port}/p2p/${peer}`)
    this.#peers.set(peer, { peerId: identity.peerId, address })
    return { plan: { index, region, restarts: 0, address, ...identity }, machine }
  }

  /** The actor of the next life of a node. */
  createActor({ index, restarts }: NodePlan): Actor {
    return createActor(index, new Random(this.#seed, index + restarts * RESTART_STRIDE))
  }

  forgetDisk(index: number): void {
    this.#disks.delete(index)
  }

  /** Builds a node, not yet started. Call it on behalf of the node's actor. */
  async build(plan: NodePlan, machine: Machine): Promise<Libp2p<S>> {
    const options = this.#init.options?.(plan) ?? {}
    const datastore = options.datastore ?? this.#disk(plan.index)
    const services: ServiceFactories<S> = Object.assign({}, this.#init.services?.(plan), options.services)
    const common = {
      privateKey: plan.privateKey,
      machine,
      fabric: this.fabric,
      datastore,
      options,
      logger: options.logger ?? quietLogger,
      maxConnections: options.maxConnections ?? DEFAULT_MAX_CONNECTIONS,
      services,
    }
    if (this.#init.level === 'stack') return createStackNode<S>(common)
    return new HostLibp2p<S>({
      ...common,
      peerId: plan.peerId,
      address: plan.address,
      findPeer: (peer) => this.#peers.get(peer)?.peerId,
      addressOf: (peer) => this.#peers.get(peer.toString())?.address,
    })
  }

  #disk(index: number): Datastore {
    const disk = this.#disks.get(index) ?? new MemoryDatastore()
    this.#disks.set(index, disk)
    return disk
  }
}
