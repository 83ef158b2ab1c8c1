import type {
  Broadcast,
  ConnectionPool,
  Discovery,
  Envelope,
  Handshake,
  Health,
  Messages,
  PeerManager,
  RateLimiter,
  Reconnection,
  Unicast,
} from '@gridmesh/interfaces'
import type { LinkInit, NodeOptions, NodePlan } from '@gridmesh/simnet'
import type { Stage } from './stage.ts'

/** Nodes through which the network is entered: the first ones. */
export const SEEDS = 3

/** The modules of a node, by the contracts that they keep. With `modules: 'gossip'` only the first three are there. */
// A type, not an interface: libp2p's map of services asks for an index signature, which only a type has.
export type ModuleServices = {
  peerManager: PeerManager
  health: Health
  broadcast: Broadcast
  handshake: Handshake
  unicast: Unicast
  rateLimiter: RateLimiter
  connectionPool: ConnectionPool
  discovery: Discovery
  reconnection: Reconnection
  envelope: Envelope
  messages: Messages
}

/** What a scenario asks of a node. */
export interface NodeSettings {
  /** `all` modules, or `gossip`: peer manager, health monitor and broadcast alone. @default 'all' */
  modules: 'all' | 'gossip'
  /** Addresses through which the network is entered. @default those of the first three nodes */
  bootstrap: readonly string[]
  /** Ready peers below which nobody is dropped but for a proved offence, and peers are looked for. @default 3 */
  minPeers: number
  /** Ready peers up to which peers are looked for. @default 8 */
  targetPeers: number
  /** Inbound connections at once. @default 50 */
  maxInbound: number
  /** Peers that the registry holds. @default 1_000 */
  maxPeers: number
  /** Messages a second that one peer may send. @default 100 */
  messagesPerSecond: number
  /** Peers in a gossip mesh. @default 8 */
  gossipDegree: number
  /** How messages below the critical lane spread. @default 'gossip' */
  strategy: 'gossip' | 'tree'
}

/** How much of a bounded thing is in use. */
export interface Usage {
  readonly name: string
  readonly used: number
  readonly limit: number
}

/** Makes the modules that a scenario is played with: whoever keeps the contracts may stand here. */
export interface NodeKit {
  /** Makes what a node has. Called on behalf of the node, again after each restart. */
  build(plan: NodePlan, settings: NodeSettings): NodeOptions<ModuleServices>
  /** What of a node is bounded, and how full it is. */
  usage(services: ModuleServices, settings: NodeSettings): Iterable<Usage>
}

/** Who plays: the first nodes are honest, the last ones attack. */
export interface Cast {
  readonly nodes: number
  readonly honest: number
  readonly attackers: number
}

/** What attackers do with a message: `late` passes it on after four seconds. */
export type Conduct = 'pass' | 'drop' | 'late'

/** A network, what goes wrong with it, and what holds all the same. */
export interface Scenario {
  /** Kebab-case. */
  readonly name: string
  /** One line: what goes wrong, and what must hold. */
  readonly about: string
  /** Nodes where nobody says how many, and the fewest with which it makes sense. */
  readonly nodes: { readonly usual: number; readonly least: number }
  /** How many of the nodes attack. @default none */
  attackers?(nodes: number): number
  /** What is different from the defaults, for one node. */
  settings?(cast: Cast, index: number): Partial<NodeSettings>
  /** What links are like. @default latencies between Thailand's regions, 2 ms jitter */
  readonly links?: LinkInit
  /** The IPv4 address of a node. @default each in a /24 of its own */
  ip?(cast: Cast, index: number): string
  /** What an attacker does with the bytes of a message, while the attack is on. @default drops them */
  conduct?(bytes: Uint8Array): Conduct
  play(stage: Stage): Promise<void>
}
