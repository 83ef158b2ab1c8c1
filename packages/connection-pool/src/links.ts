import type { Reason } from '@gridmesh/interfaces'
import { AbortError, type Connection, type MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { placeOf } from './place.ts'
import type { PoolState } from './pool-state.ts'
import { type Direction, Ticket } from './ticket.ts'

/** What a socket and the connection that comes of it have in common: libp2p hands the object on, and to no other. */
type Timeline = MultiaddrConnection['timeline']

/** A ticket, the socket it was given to, and the connection that came of that. */
export interface Link {
  readonly ticket: Ticket
  readonly timeline: Timeline
  readonly socket?: MultiaddrConnection
  connection?: Connection
  /** Stops listening to the socket. */
  readonly untie?: () => void
}

/** Ties tickets to libp2p's sockets and connections: a ticket ends when its socket closes, however far that came. */
export class Links {
  readonly #state: PoolState
  /** By timeline: an address may begin as another does, or be that of many connections through one relay. */
  readonly #links = new Map<Timeline, Link>()

  constructor(state: PoolState) {
    this.#state = state
  }

  /** The link of a socket. A transport may skip the first question of the gater; the ticket is opened then. */
  of(socket: MultiaddrConnection, direction: Direction): Link {
    const known = this.#links.get(socket.timeline)
    if (known !== undefined) return known
    const ticket = this.#state.ledger.open(direction, this.#placeOf(socket.remoteAddr), performance.now())
    return this.tie(ticket, socket)
  }

  /** Ties a new ticket to its socket. */
  tie(ticket: Ticket, socket: MultiaddrConnection): Link {
    const onClose = (): void => this.drop(link)
    const { timeline } = socket
    const link: Link = { ticket, timeline, socket, untie: () => socket.removeEventListener('close', onClose) }
    this.#links.set(timeline, link)
    socket.addEventListener('close', onClose)
    // A remote may have closed before anybody listened.
    if (socket.status !== 'open') this.drop(link)
    return link
  }

  /** The link of a connection that is open. One that came past the gater gets its ticket now. */
  opened(connection: Connection): Link {
    const link = this.find(connection) ?? this.#adopt(connection)
    link.connection = connection
    return link
  }

  find({ timeline }: Connection): Link | undefined {
    return this.#links.get(timeline)
  }

  /** All links that have come as far as a connection. */
  connected(): Link[] {
    return [...this.#links.values()].filter(({ connection }) => connection !== undefined)
  }

  /** Links whose socket, or connection, has closed without a word. */
  lost(): Link[] {
    return [...this.#links.values()].filter(({ socket, connection }) => isOver(socket?.status ?? connection?.status))
  }

  /** Ends a link, and with it its ticket. */
  drop(link: Link): void {
    this.#links.delete(link.timeline)
    link.untie?.()
    this.#state.ledger.close(link.ticket)
  }

  /** Ends the connection of a ticket at once, however far it has come: a dead one would not answer a close. */
  abort(ticket: Ticket, { code, message }: Reason): void {
    const link = [...this.#links.values()].find((one) => one.ticket === ticket)
    const stream = link?.connection ?? link?.socket
    stream?.abort(new AbortError(`${code}: ${message}`))
    if (link !== undefined) this.drop(link)
  }

  clear(): void {
    for (const link of this.#links.values()) this.drop(link)
  }

  #adopt({ direction, remoteAddr, timeline }: Connection): Link {
    const ticket = this.#state.ledger.open(direction, this.#placeOf(remoteAddr), performance.now())
    const link: Link = { ticket, timeline }
    this.#links.set(timeline, link)
    return link
  }

  #placeOf(address: Multiaddr): Ticket['place'] {
    return placeOf(address, this.#state.options.exemptLoopback)
  }
}

function isOver(status: string | undefined): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
