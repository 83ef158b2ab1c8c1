import { optional, type Reason } from '@gridmesh/interfaces'
import type { Logger, PeerId } from '@libp2p/interface'
import { within } from './deadline.ts'
import type { HealthMonitorComponents } from './index.ts'
import type { HealthOptions } from './options.ts'
import { isUnseen } from './reasons.ts'

type CloserComponents = Pick<HealthMonitorComponents, 'connectionManager' | 'peerManager'>

/** Closes links on which nothing comes any more: with a goodbye where there is a peer manager. */
export class LinkCloser {
  readonly #components: CloserComponents
  readonly #options: HealthOptions
  readonly #log: Logger

  constructor(components: CloserComponents, options: HealthOptions, log: Logger) {
    this.#components = components
    this.#options = options
    this.#log = log
  }

  /** Resolves with the reason once the link is closed, or with `undefined` where that failed. Never rejects. */
  async close(peer: PeerId, unseenMs: number, stopped: AbortSignal): Promise<Reason | undefined> {
    const { maxUnseenMs, closeTimeoutMs } = this.#options
    const reason = isUnseen(unseenMs, maxUnseenMs)
    const manager = optional(this.#components, 'peerManager')
    try {
      await within(closeTimeoutMs, stopped, async (signal) =>
        manager === undefined
          ? this.#components.connectionManager.closeConnections(peer, { signal })
          : manager.disconnect(peer, reason, { signal }),
      )
      this.#log('closed the link to %p: %s', peer, reason.message)
      return reason
    } catch (err) {
      if (!stopped.aborted) this.#log.error('could not close the link to %p - %e', peer, err)
      return undefined
    }
  }
}
