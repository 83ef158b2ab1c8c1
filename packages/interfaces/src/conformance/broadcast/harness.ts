import type { PeerId } from '@libp2p/interface'
import type { Broadcast, BroadcastStrategy } from '../../carriers.ts'

/** One node of a network under test. */
export interface BroadcastNode {
  readonly peerId: PeerId
  readonly broadcast: Broadcast
}

/** A network made for one case. */
export interface BroadcastNetwork {
  /** As many as were asked for, started. */
  readonly nodes: readonly BroadcastNode[]
  stop(): Promise<void> | void
}

/** What a case wants of its network. */
export interface BroadcastNetworkOptions {
  /** `all`: each node is linked to each other. `line`: each to the next, and to no other. */
  readonly links: 'all' | 'line'
  /** How long a delivery learns, in ms; where it is left out, as long as the module would by itself. */
  readonly deliveryLifetimeMs?: number
}

/** How the suite gets at a broadcast, and which of the contract's freedoms that broadcast takes. */
export interface BroadcastHarness {
  /** Makes a network of `count` nodes, whose links are up. */
  create(count: number, options: BroadcastNetworkOptions): Promise<BroadcastNetwork>
  /**
   * Resolves when what anybody publishes or passes on reaches each of these subscribers: a mesh may take a moment to
   * form. Called before each publish. @default at once
   */
  ready?(subscribers: readonly BroadcastNode[], topic: string): Promise<void>
  /** Ways of spreading that there are; cases of others are left out. @default all three */
  strategies?: readonly BroadcastStrategy[]
  /** Whether nodes pass on what they accepted; without it `links: 'line'` is never asked for. @default true */
  relays?: boolean
  /** Whether peers that accepted a message come to be `acknowledged` or `seen`. @default true */
  confirms?: boolean
  /** Whether `deliveryLifetimeMs` is heeded; without it the case of its end is left out. @default true */
  expires?: boolean
  /** Whether a handler may write into the bytes it is given without anybody else seeing it. @default true */
  ownBytes?: boolean
  /** Payload that is carried, in bytes; one twice as long must be refused. @default none, and that case is left out */
  maxMessageBytes?: number
  /** Peer id strings of those that `node` has blamed. Without it the cases of blame are left out. */
  blamedBy?(node: BroadcastNode): readonly string[]
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}
