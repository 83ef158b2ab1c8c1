import type { SyncStatus } from '@gridmesh/block-sync'

/** Time without progress after which a run no longer keeps us from making blocks, in ms. */
const PATIENCE_MS = 5_000

/**
 * Whether this node has caught up, as far as it knows. It has not while a sync gets on; a run that does not may be one
 * that somebody began by claiming a height that there is not, and must not keep an authority silent.
 */
export class Readiness {
  readonly #status: () => Pick<SyncStatus, 'phase' | 'progress'>
  #height = -1
  #sinceMs = 0

  constructor(status: () => Pick<SyncStatus, 'phase' | 'progress'>) {
    this.#status = status
  }

  isReady(): boolean {
    const { phase, progress } = this.#status()
    if (phase === 'idle' || phase === 'history') {
      this.#height = -1
      return true
    }
    const height = progress?.height ?? 0
    if (height !== this.#height) {
      this.#height = height
      this.#sinceMs = performance.now()
    }
    return performance.now() - this.#sinceMs >= PATIENCE_MS
  }
}
