import type { Lane, PeerManager } from '@gridmesh/interfaces'
import type { Connection, PeerId } from '@libp2p/interface'
import type { Direction, Remote } from './core.ts'
import { LinkLostError } from './errors.ts'
import type { InboundSession } from './inbound-session.ts'
import type { Limits } from './limits.ts'
import type { OutboundSession } from './outbound-session.ts'
import type { LaneBudgets } from './node-budgets.ts'
import { PeerBudgets } from './peer-budgets.ts'
import { PeerReporter } from './peer-reporter.ts'
import type { SharedBudget } from './shared-budget.ts'

/** All that is open between us and one peer. */
export class PeerLink implements Remote {
  readonly peer: PeerId
  readonly key: string
  readonly #budgets: PeerBudgets
  /** Streams of the peer that wait until it is ready, by lane. */
  readonly #waiting = new Map<Lane, number>()
  readonly reporter: PeerReporter
  /** Its streams that are served, the oldest first, and what they came over. */
  readonly inbound = new Map<InboundSession, Connection>()
  readonly outbound = new Map<Lane, OutboundSession>()

  constructor(peer: PeerId, limits: Limits, budgets: LaneBudgets, peerManager: () => PeerManager | undefined) {
    this.peer = peer
    this.key = peer.toString()
    this.#budgets = new PeerBudgets(limits, budgets)
    this.reporter = new PeerReporter(peer, peerManager)
  }

  /** Whether nothing is open, and nothing of the peer is held. */
  get isIdle(): boolean {
    const isOpen = this.inbound.size > 0 || this.outbound.size > 0 || this.#waiting.size > 0
    return !isOpen && this.#budgets.held === 0
  }

  partialBudget(lane: Lane, of: Direction): SharedBudget {
    return this.#budgets.of(lane)[of]
  }

  heldBudget(lane: Lane): SharedBudget {
    return this.#budgets.of(lane).held
  }

  /** Notes a stream that waits until the peer is ready. Returns the call that ends the wait. */
  wait(lane: Lane): () => void {
    this.#waiting.set(lane, (this.#waiting.get(lane) ?? 0) + 1)
    return () => {
      const left = (this.#waiting.get(lane) ?? 0) - 1
      if (left > 0) this.#waiting.set(lane, left)
      else this.#waiting.delete(lane)
    }
  }

  /** Streams of a lane that the peer has open, those that wait included. */
  inboundOf(lane: Lane): number {
    let count = this.#waiting.get(lane) ?? 0
    for (const session of this.inbound.keys()) if (session.lane === lane) count += 1
    return count
  }

  /** Ends the oldest stream of a lane, unless that came over `connection`. Says whether it did. */
  endOldest(lane: Lane, connection: Connection): boolean {
    const oldest = [...this.inbound].find(([session]) => session.lane === lane)
    if (oldest == null || oldest[1] === connection) return false
    oldest[0].abort(new LinkLostError())
    return true
  }

  /** Ends every stream and call at once. */
  abort(error: Error): void {
    for (const session of this.outbound.values()) session.abort(error)
    for (const session of this.inbound.keys()) session.abort(error)
  }
}
