import type { Actor } from '../clock/actor.ts'
import type { Random } from '../random/random.ts'
import type { FairPort } from './fair-port.ts'
import type { WireEnd } from './wire.ts'

/** Takes a connection that arrives; refuses it by aborting its end. */
export type Acceptor = (end: WireEnd) => void

/** A computer on the simulated network: what stays when the node on it crashes. */
export interface Machine {
  readonly index: number
  readonly region: string
  readonly ip: string
  /** Its port of the address, which it may share with others: the first has 4001, the next one more. */
  readonly port: number
  /** Draws what happens to the messages it sends. */
  readonly random: Random
  /** Its network card, on whose behalf the network works: never slow, never gone. */
  readonly card: Actor
  /** The node that runs on it now. */
  actor: Actor
  /** Who takes connections, by port. */
  readonly listeners: Map<number, Acceptor>
  /** The ends of its open connections. */
  readonly ends: Set<WireEnd>
  readonly uplink: FairPort | undefined
  readonly downlink: FairPort | undefined
  /** False while it lacks power: then nobody answers. */
  isUp: boolean
}
