import type { Connection, MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { placeOf } from './place.ts'
import type { PoolState } from './pool-state.ts'
import { type Direction, Ticket } from './ticket.ts'

/** A ticket, the socket it was given to, and the connection that came of that. */
export interface Link {
  readonly ticket: Ticket
  readonly socket?: MultiaddrConnection
  connection?: Connection
  /** Stops listening to the socket. */
  readonly untie?: () => void
}

/** Ties tickets to libp2p's sockets and connections: a ticket ends when its socket closes, however far that came. */
export class Links {
  readonly #state: PoolState
  readonly #links = new Set<Link>()
  readonly #bySocket = new Map<MultiaddrConnection, Link>()

  constructor(state: PoolState) {
    this.#state = state
  }

  /** The link of a socket. A transport may skip the first question of the gater; the ticket is opened then. */
  of(socket: MultiaddrConnection, direction: Direction): Link {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) return known
    const ticket = this.#state.ledger.open(direction, this.#placeOf(socket.remoteAddr), performance.now())
    return this.tie(ticket, socket)
  }

  /** Ties a new ticket to its socket. */
  tie(ticket: Ticket, socket: MultiaddrConnection): Link {
    const onClose = (): void => this.drop(link)
    const link: Link = { ticket, socket, untie: () => socket.removeEventListener('close', onClose) }
    this.#links.add(link)
    this.#bySocket.set(socket, link)
    socket.addEventListener('close', onClose)
    // A remote may have closed before anybody listened.
    if (socket.status !== 'open') this.drop(link)
    return link
  }

  /** The link that a connection belongs to, if it came through the gater. */
  opened(connection: Connection): Link | undefined {
    const known = this.find(connection)
    if (known !== undefined) return known
    const key = connection.remotePeer.toString()
    const waiting = [...this.#links].filter(
      ({ ticket, connection: taken }) =>
        taken === undefined && ticket.key === key && ticket.direction === connection.direction,
    )
    const address = connection.remoteAddr.toString()
    const isSame = (socket: MultiaddrConnection): boolean => address.startsWith(socket.remoteAddr.toString())
    const link = waiting.find(({ socket }) => socket !== undefined && isSame(socket)) ?? waiting[0]
    if (link !== undefined) link.connection = connection
    return link
  }

  /** Opens a ticket for a connection that no gater was asked about. */
  adopt(connection: Connection): Link {
    const { direction, remoteAddr } = connection
    const ticket = this.#state.ledger.open(direction, this.#placeOf(remoteAddr), performance.now())
    const link: Link = { ticket, connection }
    this.#links.add(link)
    return link
  }

  find({ id }: Connection): Link | undefined {
    return [...this.#links].find(({ connection }) => connection?.id === id)
  }

  /** All links that have come as far as a connection. */
  connected(): Link[] {
    return [...this.#links].filter(({ connection }) => connection !== undefined)
  }

  /** Links whose socket, or connection, has closed without a word. */
  lost(): Link[] {
    return [...this.#links].filter(({ socket, connection }) => isOver(socket?.status ?? connection?.status))
  }

  /** Ends a link, and with it its ticket. */
  drop(link: Link): void {
    this.#links.delete(link)
    link.untie?.()
    if (link.socket !== undefined) this.#bySocket.delete(link.socket)
    this.#state.ledger.close(link.ticket)
  }

  clear(): void {
    for (const link of this.#links) this.drop(link)
  }

  #placeOf(address: Multiaddr): Ticket['place'] {
    return placeOf(address, this.#state.options.exemptLoopback)
  }
}

function isOver(status: string | undefined): boolean {
  return status === 'closed' || status === 'aborted' || status === 'reset'
}
