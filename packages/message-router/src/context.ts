import type { PeerId } from '@libp2p/interface'
import type { Lane, MessageContext, MessageMeta } from '@gridmesh/interfaces'

/** How a message reached us. */
export interface Arrival {
  /** The peer that handed it to us. */
  readonly from: PeerId
  readonly via: 'broadcast' | 'unicast'
  /** Abort when the router stops, or the caller gives up. */
  readonly signals: readonly AbortSignal[]
}

/** Context of one message. Its signal is made when first read: most handlers never do, and one costs microseconds. */
export class InboundContext implements MessageContext {
  readonly sender: PeerId
  readonly sequence: bigint
  readonly timeMs: number
  readonly from: PeerId
  readonly kind: string
  readonly lane: Lane
  readonly via: 'broadcast' | 'unicast'
  readonly #signals: readonly AbortSignal[]
  readonly #own = new LazyAbort()
  #signal: AbortSignal | undefined

  constructor(meta: MessageMeta, kind: { kind: string; lane: Lane }, arrival: Arrival) {
    this.sender = meta.sender
    this.sequence = meta.sequence
    this.timeMs = meta.timeMs
    this.from = arrival.from
    this.kind = kind.kind
    this.lane = kind.lane
    this.via = arrival.via
    this.#signals = arrival.signals
  }

  get signal(): AbortSignal {
    this.#signal ??= AbortSignal.any([...this.#signals, this.#own.signal])
    return this.#signal
  }

  /** As `signal.aborted`, without making the signal. */
  get isAborted(): boolean {
    return this.#own.isAborted || this.#signals.some(({ aborted }) => aborted)
  }

  /** Aborts `signal`, for this message alone. */
  abort(reason: Error): void {
    this.#own.abort(reason)
  }
}

/** An abort controller that is made when somebody listens. */
class LazyAbort {
  #controller: AbortController | undefined
  #reason: Error | undefined

  get isAborted(): boolean {
    return this.#reason != null
  }

  get signal(): AbortSignal {
    if (this.#controller == null) {
      this.#controller = new AbortController()
      if (this.#reason != null) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  abort(reason: Error): void {
    this.#reason ??= reason
    this.#controller?.abort(this.#reason)
  }
}
