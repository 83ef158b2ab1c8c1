import type { PeerId } from '@libp2p/interface'
import type { Unicast } from '../../carriers.ts'

/** One node of a network under test. */
export interface UnicastNode {
  readonly peerId: PeerId
  readonly unicast: Unicast
}

/** A network made for one case. */
export interface UnicastNetwork {
  /** As many as were asked for, started. */
  readonly nodes: readonly UnicastNode[]
  stop(): Promise<void> | void
}

/** How the suite gets at a unicast, and which of the contract's freedoms that unicast takes. */
export interface UnicastHarness {
  /** Makes a network of `count` nodes, each linked to each other. */
  create(count: number): Promise<UnicastNetwork>
  /**
   * Breaks the links between two nodes, as a fault of the network would; the next call may bring them up again.
   * Without it the cases of lost links and of repeated calls are left out.
   */
  breakLinks?(from: UnicastNode, to: UnicastNode): Promise<void> | void
  /** Payload that is carried, in bytes; one twice as long must be refused. @default none, and that case is left out */
  maxMessageBytes?: number
  /** Bytes of one direction of a streamed call that may be on their way or wait to be taken. @default 4_194_304 */
  maxStreamBytes?: number
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}
