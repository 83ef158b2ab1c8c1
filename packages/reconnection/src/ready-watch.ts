import type { Handshake } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { READY_WATCH_MS } from './constants.ts'
import { within } from './deadline.ts'

/** Waits for the handshakes of connections that opened, whoever opened them. */
export class ReadyWatch {
  readonly #onReady: (peer: PeerId) => void
  readonly #onRefused: (peer: PeerId, error: unknown) => void
  // One each: a signal with a listener for every connection would look like a leak.
  readonly #waits = new Set<AbortController>()

  constructor(onReady: (peer: PeerId) => void, onRefused: (peer: PeerId, error: unknown) => void) {
    this.#onReady = onReady
    this.#onRefused = onRefused
  }

  /** Waits until `peer` is ready or refused, and tells. */
  async add(peer: PeerId, handshake: Pick<Handshake, 'whenReady'>): Promise<void> {
    const controller = new AbortController()
    this.#waits.add(controller)
    try {
      // The handshake may be told of the connection after us, in the same tick.
      await Promise.resolve()
      await within(READY_WATCH_MS, controller.signal, async (signal) => handshake.whenReady(peer, { signal }))
    } catch (err) {
      if (!controller.signal.aborted) this.#onRefused(peer, err)
      return
    } finally {
      this.#waits.delete(controller)
    }
    if (!controller.signal.aborted) this.#onReady(peer)
  }

  stop(reason: Error): void {
    for (const controller of this.#waits) controller.abort(reason)
    this.#waits.clear()
  }
}
