import type { Counter, CounterGroup } from '@libp2p/interface'
import type { EnvelopeComponents } from './index.ts'

/** Counts what was sealed, opened and refused; does nothing without libp2p metrics. */
export class EnvelopeMetrics {
  readonly #sealed: Counter | undefined
  readonly #opened: Counter | undefined
  readonly #refused: CounterGroup | undefined

  constructor(metrics: EnvelopeComponents['metrics']) {
    this.#sealed = metrics?.registerCounter('gridmesh_envelope_sealed_total', { help: 'Envelopes sealed' })
    this.#opened = metrics?.registerCounter('gridmesh_envelope_opened_total', { help: 'Envelopes opened' })
    this.#refused = metrics?.registerCounterGroup('gridmesh_envelope_refused_total', {
      label: 'code',
      help: 'Envelopes refused, by the code of the error',
    })
  }

  sealed(): void {
    this.#sealed?.increment()
  }

  opened(): void {
    this.#opened?.increment()
  }

  refused(err: unknown): void {
    const code = err instanceof Error && 'code' in err && typeof err.code === 'string' ? err.code : 'other'
    this.#refused?.increment({ [code]: true })
  }
}
