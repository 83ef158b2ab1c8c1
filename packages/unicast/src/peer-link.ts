import { ByteBudget } from '@gridmesh/chunking'
import type { Lane, PeerManager } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import type { Remote } from './core.ts'
import type { InboundSession } from './inbound-session.ts'
import type { Limits } from './limits.ts'
import type { OutboundSession } from './outbound-session.ts'
import { PeerReporter } from './peer-reporter.ts'

/** All that is open between us and one peer. */
export class PeerLink implements Remote {
  readonly peer: PeerId
  readonly key: string
  readonly partialBudget: ByteBudget
  readonly heldBudget: ByteBudget
  readonly reporter: PeerReporter
  readonly inbound = new Set<InboundSession>()
  readonly outbound = new Map<Lane, OutboundSession>()

  constructor(peer: PeerId, limits: Limits, peerManager: () => PeerManager | undefined) {
    this.peer = peer
    this.key = peer.toString()
    this.partialBudget = new ByteBudget(limits.maxPartialBytesPerPeer)
    this.heldBudget = new ByteBudget(limits.maxHeldBytesPerPeer)
    this.reporter = new PeerReporter(peer, peerManager)
  }

  /** Whether nothing is open, and nothing of the peer is held. */
  get isIdle(): boolean {
    return this.inbound.size === 0 && this.outbound.size === 0 && this.heldBudget.used === 0
  }

  /** Streams of a lane that the peer has open. */
  inboundOf(lane: Lane): number {
    let count = 0
    for (const session of this.inbound) if (session.lane === lane) count += 1
    return count
  }

  /** Ends every stream and call at once. */
  abort(error: Error): void {
    for (const session of this.outbound.values()) session.abort(error)
    for (const session of this.inbound) session.abort(error)
  }
}
