import type { CounterGroup, Histogram, Metrics } from '@libp2p/interface'
import { REASON_CODES } from './reasons.ts'

/** Codes that get a label. A peer chooses the code it refuses with, and must not choose labels with it. */
const LABELS = new Set<string>(REASON_CODES)

/** Counts handshakes by outcome and measures how long they took. */
export class OutcomeMetrics {
  readonly #outcomes: CounterGroup | undefined
  readonly #duration: Histogram | undefined

  constructor(metrics: Metrics | undefined, countReady: () => number) {
    this.#outcomes = metrics?.registerCounterGroup('gridmesh_handshake_outcomes_total', {
      label: 'code',
      help: 'Handshakes by outcome: ready, or the code of what ended them',
    })
    this.#duration = metrics?.registerHistogram('gridmesh_handshake_duration_seconds', {
      help: 'Time from the opening of a connection to the outcome of its handshake',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    })
    metrics?.registerMetric('gridmesh_handshake_ready_peers', { help: 'Ready peers', calculate: countReady })
  }

  ready(tookMs: number): void {
    this.#record('ready', tookMs)
  }

  failed(code: string, tookMs: number): void {
    this.#record(LABELS.has(code) ? code : 'other', tookMs)
  }

  #record(label: string, tookMs: number): void {
    this.#outcomes?.increment({ [label]: true })
    this.#duration?.observe(tookMs / 1_000)
  }
}
