import { optional, type ConnectionPool, type Handshake, type PeerManager, type RateLimiter } from '@gridmesh/interfaces'
import type { UnicastComponents } from './index.ts'

/** The services beside this one, where present. */
export interface Siblings {
  readonly handshake: Handshake | undefined
  readonly rateLimiter: RateLimiter | undefined
  readonly peerManager: PeerManager | undefined
  readonly connectionPool: ConnectionPool | undefined
}

/**
 * Reads the sibling services. Reading one that is absent costs libp2p an exception, so this is done once, when all
 * services are known to be constructed, and not for each message.
 */
export function readSiblings(components: UnicastComponents): Siblings {
  return {
    handshake: optional(components, 'handshake'),
    rateLimiter: optional(components, 'rateLimiter'),
    peerManager: optional(components, 'peerManager'),
    connectionPool: optional(components, 'connectionPool'),
  }
}
