import type { PeerManager, ReportClass } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'

/** Least time between two reports of one class, in ms: a thousand calls that fail for one reason are one offence. */
const REPORT_INTERVAL_MS = 1_000

/** Tells the peer manager what one peer is to be blamed for. */
export class PeerReporter {
  readonly #peer: PeerId
  readonly #peerManager: () => PeerManager | undefined
  readonly #reportedMs = new Map<ReportClass, number>()

  constructor(peer: PeerId, peerManager: () => PeerManager | undefined) {
    this.#peer = peer
    this.#peerManager = peerManager
  }

  report(reportClass: ReportClass, evidence: string): void {
    const now = performance.now()
    const lastMs = this.#reportedMs.get(reportClass) ?? Number.NEGATIVE_INFINITY
    // A violation ends its stream, so those are few by themselves.
    if (reportClass !== 'protocol-violation' && now - lastMs < REPORT_INTERVAL_MS) return
    this.#reportedMs.set(reportClass, now)
    this.#peerManager()?.report(this.#peer, { class: reportClass, evidence })
  }
}
