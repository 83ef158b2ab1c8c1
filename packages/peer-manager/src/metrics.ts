import type { PeerState, ReportClass } from '@gridmesh/interfaces'
import type { Counter, CounterGroup, Metrics } from '@libp2p/interface'

/** The metrics of the peer manager; all of them do nothing where the node has none. */
export class PeerManagerMetrics {
  readonly #reports: CounterGroup | undefined
  readonly #bans: CounterGroup | undefined
  readonly #disconnects: CounterGroup | undefined
  readonly #corrupt: Counter | undefined
  readonly #storageFailures: Counter | undefined

  constructor(metrics: Metrics | undefined, counts: () => Record<PeerState, number>) {
    metrics?.registerMetricGroup('gridmesh_peer_manager_peers', {
      label: 'state',
      help: 'Peers in the registry by state',
      calculate: () => counts(),
    })
    this.#reports = metrics?.registerCounterGroup('gridmesh_peer_manager_reports_total', {
      label: 'class',
      help: 'Reports on peers by class',
    })
    this.#bans = metrics?.registerCounterGroup('gridmesh_peer_manager_bans_total', {
      label: 'cause',
      help: 'Bans by cause: reputation or request',
    })
    this.#disconnects = metrics?.registerCounterGroup('gridmesh_peer_manager_disconnects_total', {
      label: 'code',
      help: 'Disconnects from our side by reason code',
    })
    this.#corrupt = metrics?.registerCounter('gridmesh_peer_manager_corrupt_records_total', {
      help: 'Stored peers that could not be read back',
    })
    this.#storageFailures = metrics?.registerCounter('gridmesh_peer_manager_storage_failures_total', {
      help: 'Failed reads and writes of the datastore',
    })
  }

  report(reportClass: ReportClass): void {
    this.#reports?.increment({ [reportClass]: true })
  }

  ban(cause: 'reputation' | 'request'): void {
    this.#bans?.increment({ [cause]: true })
  }

  disconnect(code: string): void {
    this.#disconnects?.increment({ [code]: true })
  }

  corrupt(): void {
    this.#corrupt?.increment()
  }

  storageFailure(): void {
    this.#storageFailures?.increment()
  }
}
