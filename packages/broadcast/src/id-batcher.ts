import type { PeerId } from '@libp2p/interface'
import { MAX_COUNTED_PEERS } from './constants.ts'
import { WindowCounter } from './window-counter.ts'

/** Bounds and outlet of an `IdBatcher`. */
export interface IdBatcherInit {
  delayMs: number
  maxIdsPerBatch: number
  maxIdsPerSecond: number
  send(peer: PeerId, ids: Uint8Array[]): void
}

/** Gathers the message ids that one peer is to be told, so that a burst of messages costs one send. */
export class IdBatcher {
  readonly #init: IdBatcherInit
  readonly #perSecond: WindowCounter
  readonly #batches = new Map<string, { peer: PeerId; ids: Uint8Array[]; timer: ReturnType<typeof setTimeout> }>()

  constructor(init: IdBatcherInit) {
    this.#init = init
    this.#perSecond = new WindowCounter(init.maxIdsPerSecond, MAX_COUNTED_PEERS)
  }

  /** Returns `false`, and gathers nothing, where the limit per second would be passed. */
  add(peer: PeerId, id: Uint8Array): boolean {
    const key = peer.toString()
    // The author of a frame is a claim, so this is also what a forger can make us send to a victim, at most.
    if (!this.#perSecond.tryTake(key, 1)) return false
    const batch = this.#batches.get(key)
    if (batch === undefined) {
      const timer = setTimeout(() => this.#flush(key), this.#init.delayMs)
      this.#batches.set(key, { peer, ids: [id], timer })
    } else {
      batch.ids.push(id)
    }
    if ((batch?.ids.length ?? 1) >= this.#init.maxIdsPerBatch) this.#flush(key)
    return true
  }

  clear(): void {
    for (const { timer } of this.#batches.values()) clearTimeout(timer)
    this.#batches.clear()
  }

  #flush(key: string): void {
    const batch = this.#batches.get(key)
    if (batch === undefined) return
    clearTimeout(batch.timer)
    this.#batches.delete(key)
    this.#init.send(batch.peer, batch.ids)
  }
}
