import { optional, type Reason } from '@gridmesh/interfaces'
import { type Logger, type PeerId, TimeoutError } from '@libp2p/interface'
import { within } from './deadline.ts'
import type { HealthMonitorComponents } from './index.ts'
import type { HealthOptions } from './options.ts'
import { isUnseen } from './reasons.ts'

type CloserComponents = Pick<HealthMonitorComponents, 'connectionManager' | 'peerManager'>

/** Closes links on which nothing comes any more: with a goodbye where there is a peer manager, and by force in the end. */
export class LinkCloser {
  readonly #components: CloserComponents
  readonly #options: HealthOptions
  readonly #log: Logger

  constructor(components: CloserComponents, options: HealthOptions, log: Logger) {
    this.#components = components
    this.#options = options
    this.#log = log
  }

  /** Resolves with the reason once the link is closed, and with `undefined` when `stopped` aborts. Never rejects. */
  async close(peer: PeerId, unseenMs: number, stopped: AbortSignal): Promise<Reason | undefined> {
    const { maxUnseenMs, closeTimeoutMs } = this.#options
    const reason = isUnseen(unseenMs, maxUnseenMs)
    const { connectionManager } = this.#components
    const manager = optional(this.#components, 'peerManager')
    const connections = connectionManager.getConnections(peer)
    try {
      await within(closeTimeoutMs, stopped, async (signal) =>
        manager === undefined
          ? connectionManager.closeConnections(peer, { signal })
          : manager.disconnect(peer, reason, { signal }),
      )
    } catch (err) {
      if (stopped.aborted) return undefined
      this.#log('closing the link to %p the hard way - %e', peer, err)
      // A close waits for what is not sent yet, and over a dead link nothing is sent any more.
      for (const connection of connections) connection.abort(new TimeoutError(`Not closed within ${closeTimeoutMs} ms`))
    }
    this.#log('closed the link to %p: %s', peer, reason.message)
    return reason
  }
}
