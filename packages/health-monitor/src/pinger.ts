import type { PeerId } from '@libp2p/interface'
import { within } from './deadline.ts'
import type { HealthMonitorComponents } from './index.ts'
import { outcomeOf, type PingOutcome } from './ping-outcome.ts'

type PingerComponents = Pick<HealthMonitorComponents, 'connectionManager' | 'ping'>

/** Asks one peer once, through libp2p's ping. */
export class Pinger {
  readonly #components: PingerComponents
  readonly #deadlineMs: number

  constructor(components: PingerComponents, deadlineMs: number) {
    this.#components = components
    this.#deadlineMs = deadlineMs
  }

  /** Never rejects, and takes no longer than the deadline, whatever the peer does. */
  async ask(peer: PeerId, stopped: AbortSignal): Promise<PingOutcome> {
    const startedMs = performance.now()
    try {
      // libp2p's ping would dial a peer that is gone, or is reached by limited connections alone: that is not for us.
      if (!this.#isLinked(peer)) return { kind: 'unmeasured', failure: 'ConnectionClosedError' }
      const roundTripMs = await within(this.#deadlineMs, stopped, async (signal) =>
        this.#components.ping.ping(peer, { signal }),
      )
      // It is measured by the calendar clock, which may be set while a ping is under way.
      const elapsedMs = performance.now() - startedMs
      return { kind: 'answered', latencyMs: roundTripMs >= 0 ? Math.min(roundTripMs, elapsedMs) : elapsedMs }
    } catch (err) {
      return outcomeOf(err, this.#isLinked(peer))
    }
  }

  #isLinked(peer: PeerId): boolean {
    const connections = this.#components.connectionManager.getConnections(peer)
    return connections.some(({ status, limits }) => status === 'open' && limits === undefined)
  }
}
