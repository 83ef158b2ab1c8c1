import { AbortError, type Connection, type Logger, type PeerId } from '@libp2p/interface'
import { CROSSED_MAX_MS, CROSSING_MS, HANDSHAKE_PROTOCOL } from './constants.ts'
import { within } from './deadline.ts'
import type { Links } from './links.ts'
import { haveCrossed } from './oldest.ts'
import type { PoolState } from './pool-state.ts'
import type { Ticket } from './ticket.ts'

/** A connection that is to be closed. */
interface Spare {
  readonly ticket: Ticket
  readonly connection: Connection
}

/**
 * Ends one of the two connections of nodes that dialled each other at once. Which of them is used, both sides know; so
 * after a while nothing goes over the other, and the side that dialled it closes it. Left to either side, both might be
 * closed, or the one to a peer that has started anew: whoever dials has no other connection, and so does not hold a dead
 * one for the better.
 */
export class Crossings {
  readonly #state: PoolState
  readonly #links: Links
  readonly #log: Logger
  readonly #onClosed: () => void
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  constructor(state: PoolState, links: Links, log: Logger, onClosed: () => void) {
    this.#state = state
    this.#links = links
    this.#log = log
    this.#onClosed = onClosed
  }

  /** A connection to a peer is open. */
  opened(peer: PeerId): void {
    if (this.#spare(peer) !== undefined) this.#watch(peer)
  }

  stop(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer)
    this.#timers.clear()
  }

  #watch(peer: PeerId): void {
    const key = peer.toString()
    clearTimeout(this.#timers.get(key))
    const settle = (): void => {
      this.#timers.delete(key)
      this.#settle(peer)
    }
    this.#timers.set(key, setTimeout(settle, CROSSING_MS))
  }

  #settle(peer: PeerId): void {
    const spare = this.#spare(peer)
    if (spare === undefined) return
    const ageMs = performance.now() - spare.ticket.openedAtMs
    if (isInUse(spare.connection) && ageMs < CROSSED_MAX_MS) this.#watch(peer)
    else void this.#close(spare)
  }

  /** What we dialled, where the peer dialled us at the same time, and its own dial is the one that counts. */
  #spare(peer: PeerId): Spare | undefined {
    const { ledger, view } = this.#state
    const key = peer.toString()
    if (!view.isLesserThan(peer) || ledger.leavingReason(key) !== undefined) return undefined
    const held = ledger.residents().get(key) ?? []
    const theirs = held.filter(({ direction }) => direction === 'inbound')
    const ticket = held.find((one) => one.direction === 'outbound' && theirs.some((other) => haveCrossed(one, other)))
    const connection = this.#links.connected().find((link) => link.ticket === ticket)?.connection
    return ticket === undefined || connection === undefined ? undefined : { ticket, connection }
  }

  async #close({ connection }: Spare): Promise<void> {
    this.#log('closing the connection to %p that crossed its own', connection.remotePeer)
    this.#onClosed()
    try {
      await within(this.#state.options.closeTimeoutMs, [], async (signal) => connection.close({ signal }))
    } catch (err) {
      connection.abort(err instanceof Error ? err : new AbortError())
    }
  }
}

/** Whether anything is under way. The stream of the handshake stays open for good, and has nothing to say of its own. */
function isInUse({ streams }: Connection): boolean {
  return streams.some(({ protocol }) => protocol !== HANDSHAKE_PROTOCOL)
}
