/**
 * @packageDocumentation
 *
 * The `Broadcast` of `@gridmesh/interfaces` without a wire: nodes of one process that share a hub reach each other as
 * if each were linked to each other. Verdicts, deliveries and confirmations are those of a real network, the waiting
 * is not, so tests of what is built on a broadcast are quick and repeatable.
 *
 * Not for several processes, and not for finding out how a network behaves: nothing is lost, late or out of order.
 *
 * @example
 *
 * ```ts
 * import { memoryBroadcast, memoryHub } from '@gridmesh/memory-broadcast'
 * import { createLibp2p } from 'libp2p'
 *
 * const hub = memoryHub()
 * const create = () => createLibp2p({ services: { broadcast: memoryBroadcast(hub) } })
 * const [alice, bob] = await Promise.all([create(), create()])
 * bob.services.broadcast.subscribe('orders', (bytes) => (bytes.length > 0 ? 'accept' : 'reject'))
 * const delivery = await alice.services.broadcast.publish('orders', new Uint8Array([1, 2, 3]))
 * console.log(await delivery.confirmed(1), delivery.successRate)
 * ```
 */
import type { Broadcast, Delivery, PeerManager, PublishOptions } from '@gridmesh/interfaces'
import type { ComponentLogger, PeerId } from '@libp2p/interface'
import { MemoryHub } from './hub.ts'
import { DefaultMemoryBroadcast } from './memory-broadcast.ts'

/** Options of a hub; the limits hold for each of its nodes. */
export interface MemoryHubInit {
  /** Longest payload, in bytes; a longer one is refused with a `MessageTooLargeError`. @default 2_097_152 */
  maxMessageBytes?: number
  /** Messages that a node's handlers owe a verdict on; a further one is dropped as `queue-full`. @default 4_096 */
  maxQueued?: number
  /** Messages that a node remembers, in ids; beyond it the oldest is forgotten and could be delivered again. @default 10_000 */
  maxIds?: number
  /** How long a publish learns who has it, in ms; then `confirmed` fails with a `TimeoutError`. @default 60_000 */
  deliveryLifetimeMs?: number
  /** Time a handler has for its verdict, in ms; then it is `ignore`. @default 5_000 */
  handlerDeadlineMs?: number
}

/** What `memoryBroadcast` uses. */
export interface MemoryBroadcastComponents {
  peerId: PeerId
  logger: ComponentLogger
  /** Answers queries and takes reports of rejected messages. Absent: queries throw, and nobody is blamed. */
  peerManager?: Pick<PeerManager, 'report' | 'select'>
}

/** The service, with the errors of this implementation. */
export interface MemoryBroadcast extends Broadcast {
  /**
   * Publishes to the nodes of the hub. Resolves when each addressed node has the message in its queue, or not.
   * @throws {RangeError} when `topic` is not printable ASCII; MessageTooLargeError when the payload is too long
   * @throws {TypeError} when `to` and `strategy` contradict each other
   * @throws {PeerQueryUnavailableError} when `to` is a query and there is no peer manager
   * @throws {NotStartedError} (libp2p's) while not started
   */
  publish(topic: string, bytes: Uint8Array, options?: PublishOptions): Promise<Delivery>
}

/** Creates a hub, on which nodes meet. @throws {RangeError} when an option makes no sense */
export function memoryHub(init: MemoryHubInit = {}): MemoryHub {
  return new MemoryHub(init)
}

/** Creates a broadcast over `hub` as a libp2p service; a node is on the hub while it is started. */
export function memoryBroadcast(hub: MemoryHub): (components: MemoryBroadcastComponents) => MemoryBroadcast {
  return (components) => new DefaultMemoryBroadcast(components, hub)
}

export { MessageTooLargeError, PeerQueryUnavailableError } from '@gridmesh/interfaces'
export type { MemoryHub } from './hub.ts'
