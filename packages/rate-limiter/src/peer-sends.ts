import type { Lane, Quota } from '@gridmesh/interfaces'
import { PacedSends, type PacingContext } from './paced-sends.ts'

/**
 * The sends to one peer. `critical` has the quota, and the room to wait, for itself: its protocol is charged apart by
 * the far side, so there is nothing to save by having it wait behind the rest.
 */
export class PeerSends {
  readonly #critical: PacedSends
  readonly #others: PacedSends

  constructor(context: PacingContext, quota: () => Quota | undefined) {
    this.#critical = new PacedSends(context, quota)
    this.#others = new PacedSends(context, quota)
  }

  get waiting(): number {
    return this.#critical.waiting + this.#others.waiting
  }

  of(lane: Lane): PacedSends {
    return lane === 'critical' ? this.#critical : this.#others
  }

  /** Whether nobody waits, and the peer would take as much as from a stranger, or is gone with its quota. */
  isIdle(): boolean {
    return this.#critical.isIdle() && this.#others.isIdle()
  }

  /** Fails every send that waits. */
  clear(reason: Error): void {
    this.#critical.clear(reason)
    this.#others.clear(reason)
  }
}
