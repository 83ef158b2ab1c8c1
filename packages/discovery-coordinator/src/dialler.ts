import { optional, type Candidate } from '@gridmesh/interfaces'
import type { Connection, PeerId } from '@libp2p/interface'
import { CODE_P2P, type Multiaddr } from '@multiformats/multiaddr'
import { leadsTo } from './book-entry.ts'
import { within } from './deadline.ts'
import type { DiscoveryComponents } from './index.ts'
import { networkGroup } from './network-group.ts'

/** A candidate at one of its hosts. */
export interface Way extends Candidate {
  /** There is another host to try, so this one may not take all the time there is. */
  readonly hasNext?: boolean
}

/** Opens connections: through the pool, which is the one dial budget of the node, or else by libp2p itself. */
export class Dialler {
  readonly #components: DiscoveryComponents
  readonly #deadlineMs: number

  constructor(components: DiscoveryComponents, deadlineMs: number) {
    this.#components = components
    this.#deadlineMs = deadlineMs
  }

  /**
   * Resolves with an open connection to a peer, by the first of `ways` that leads there; the next is taken only when the
   * one before has failed, or has had half of the time that was left. Only the addresses of a way are dialled, if it has
   * any.
   */
  async dial(ways: Iterable<Way>, signal: AbortSignal): Promise<Connection> {
    const endsAt = performance.now() + this.#deadlineMs
    return within(this.#deadlineMs, signal, async (inTime) => {
      const errors: unknown[] = []
      for (const way of ways) {
        try {
          if (way.hasNext !== true) return await this.#connect(way, inTime)
          // Where nothing comes back, as from an address that a peer has left, a dial ends with the time it is given.
          const shareMs = (endsAt - performance.now()) / 2
          return await within(shareMs, inTime, async (inShare) => this.#connect(way, inShare))
        } catch (err) {
          inTime.throwIfAborted()
          errors.push(err)
        }
      }
      throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'No way led to the peer')
    })
  }

  /**
   * Tests whether a peer can be reached, and keeps no connection to it. Resolves with the address where it answered, or
   * one of the same network group.
   */
  async probe(candidate: Candidate, signal: AbortSignal): Promise<Multiaddr> {
    const pool = optional(this.#components, 'connectionPool')
    const [first] = candidate.addresses
    if (pool === undefined || first === undefined) return this.#dialAndClose(candidate, signal)
    const group = networkGroup(first)
    const addresses = candidate.addresses.filter((address) => networkGroup(address) === group)
    await within(this.#deadlineMs, signal, async (inTime) => pool.probe(candidate.id, addresses, { signal: inTime }))
    return first
  }

  async #connect(way: Candidate, signal: AbortSignal): Promise<Connection> {
    const pool = optional(this.#components, 'connectionPool')
    return pool === undefined ? this.#open(way, signal) : pool.acquire(way.id, { addresses: way.addresses, signal })
  }

  /** The pool tells the peer manager of its dials; here we do. */
  async #open({ id, addresses }: Candidate, signal: AbortSignal): Promise<Connection> {
    const own = ownAddresses(id, addresses)
    const peerManager = optional(this.#components, 'peerManager')
    peerManager?.markConnecting(id)
    try {
      return await this.#components.connectionManager.openConnection(own.length === 0 ? id : own, { signal })
    } catch (err) {
      peerManager?.markFailed(id)
      throw err
    }
  }

  async #dialAndClose(candidate: Candidate, signal: AbortSignal): Promise<Multiaddr> {
    const connection = await this.dial([candidate], signal)
    await within(this.#deadlineMs, signal, async (inTime) => {
      try {
        // A node of another network answers too, and is of no use.
        await optional(this.#components, 'handshake')?.whenReady(candidate.id, { signal: inTime })
      } finally {
        await connection.close({ signal: inTime })
      }
    })
    return connection.remoteAddr
  }
}

/** The addresses as libp2p wants them: each ending in the id of the peer. Those that end in another's are left out. */
function ownAddresses(id: PeerId, addresses: readonly Multiaddr[]): Multiaddr[] {
  const key = id.toString()
  return addresses
    .filter((address) => leadsTo(address, key))
    .map((address) =>
      address.getComponents().at(-1)?.code === CODE_P2P ? address : address.encapsulate(`/p2p/${key}`),
    )
}

const OURS = new Set(['ConnectionRefusedError', 'DialDeniedError', 'NotStartedError'])

/** What became of a dial: `neutral` says nothing of the peer, since we stopped it, or limits of ours or its own did. */
export function judgeFailure(err: unknown): 'failed' | 'neutral' {
  if (!(err instanceof Error)) return 'failed'
  if (err instanceof AggregateError)
    return err.errors.every((one) => judgeFailure(one) === 'neutral') ? 'neutral' : 'failed'
  // Errors of our limits name the limit.
  return OURS.has(err.name) || 'limit' in err || isTheirLimit(err) ? 'neutral' : 'failed'
}

/** A peer that is full answers, and may have room the next time. */
function isTheirLimit(err: Error): boolean {
  if (err.name !== 'HandshakeRejectedError' || !('by' in err && err.by === 'them' && 'reason' in err)) return false
  return typeof err.reason === 'object' && err.reason !== null && 'limit' in err.reason
}
