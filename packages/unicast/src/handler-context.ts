import type { Lane, UnicastContext } from '@gridmesh/interfaces'
import { TimeoutError, type PeerId } from '@libp2p/interface'

/** What a handler learns of its call. The signal, and the timer behind it, exist once a handler asks for them. */
export class HandlerContext implements UnicastContext {
  readonly peer: PeerId
  readonly lane: Lane
  readonly #expiresMs: number
  #controller: AbortController | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #error: Error | undefined
  #isDone = false

  /** `expiresMs` is when the caller stops waiting, by `performance.now()`. */
  constructor(peer: PeerId, lane: Lane, expiresMs: number) {
    this.peer = peer
    this.lane = lane
    this.#expiresMs = expiresMs
  }

  get signal(): AbortSignal {
    if (this.#controller == null) {
      this.#controller = new AbortController()
      if (this.#error != null) this.#controller.abort(this.#error)
      else if (!this.#isDone && Number.isFinite(this.#expiresMs)) {
        // A timer drops the part of a ms: the handler would end, and could answer, before its caller gives up.
        const ms = Math.max(0, Math.ceil(this.#expiresMs - performance.now()))
        this.#timer = setTimeout(() => this.abort(new TimeoutError('The caller waits no longer')), ms)
      }
    }
    return this.#controller.signal
  }

  /** How long the caller still waits, in ms; infinite where only it knows. */
  get leftMs(): number {
    return this.#error == null ? Math.max(0, this.#expiresMs - performance.now()) : 0
  }

  /** Aborts the signal. */
  abort(error: Error): void {
    this.#error ??= error
    clearTimeout(this.#timer)
    this.#controller?.abort(this.#error)
  }

  /** The handler is done: the signal says nothing more. */
  done(): void {
    this.#isDone = true
    clearTimeout(this.#timer)
  }
}
