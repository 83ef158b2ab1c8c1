import type { CounterGroup, Metrics } from '@libp2p/interface'
import type { PeerStatus } from './index.ts'
import { KNOWN_REASONS, type Verdict } from './verdicts.ts'

/** The metrics of the reconnection; all of them do nothing where the node has none. */
export class ReconnectionMetrics {
  readonly #attempts: CounterGroup | undefined
  readonly #failures: CounterGroup | undefined
  readonly #gaveUp: CounterGroup | undefined
  readonly #turnedAway: CounterGroup | undefined

  constructor(metrics: Metrics | undefined, countPeers: () => Record<PeerStatus, number>) {
    metrics?.registerMetricGroup('gridmesh_reconnection_peers', {
      label: 'status',
      help: 'Tracked peers by status',
      calculate: () => countPeers(),
    })
    this.#attempts = metrics?.registerCounterGroup('gridmesh_reconnection_attempts_total', {
      label: 'outcome',
      help: 'Attempts by outcome: succeeded, failed or cancelled',
    })
    this.#failures = metrics?.registerCounterGroup('gridmesh_reconnection_failures_total', {
      label: 'reason',
      help: 'Failed attempts by reason',
    })
    this.#gaveUp = metrics?.registerCounterGroup('gridmesh_reconnection_gave_up_total', {
      label: 'reason',
      help: 'Peers given up, by the reason of the last failure',
    })
    this.#turnedAway = metrics?.registerCounterGroup('gridmesh_reconnection_untracked_total', {
      label: 'limit',
      help: 'Peers that could not be tracked, by the limit that was reached',
    })
  }

  attempt(outcome: 'succeeded' | 'failed' | 'cancelled'): void {
    this.#attempts?.increment({ [outcome]: true })
  }

  failure(verdict: Verdict): void {
    this.#failures?.increment({ [labelOf(verdict)]: true })
  }

  gaveUp(verdict: Verdict): void {
    this.#gaveUp?.increment({ [labelOf(verdict)]: true })
  }

  untracked(): void {
    this.#turnedAway?.increment({ maxPeers: true })
  }
}

// A remote chooses the code of its goodbye, and must not choose labels with it.
function labelOf({ reason }: Verdict): string {
  return KNOWN_REASONS.has(reason) ? reason : 'other'
}
