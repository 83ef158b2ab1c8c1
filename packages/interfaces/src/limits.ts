import type { AbortOptions, PeerId } from '@libp2p/interface'
import type { Lane } from './lane.ts'

/** What a piece of traffic costs. */
export interface RateCost {
  /** @default 1, or 0 for a stream open */
  messages?: number
  /** @default 0 */
  bytes?: number
  /** Streams opened. @default 0 */
  streams?: number
}

/** The limit that refused, or leave to go on. */
export type RateVerdict = { ok: true } | { ok: false; limit: string; value: number; retryAfterMs: number }

/** How a send waits to be allowed. */
export interface PacingOptions extends AbortOptions {
  /** How urgent the send is. @default 'normal' */
  lane?: Lane
}

/** Limits what peers send, and what we send them. Service name `rateLimiter`. */
export interface RateLimiter {
  /**
   * Charges `peer` for inbound traffic on `protocol`. Charges nothing where it refuses. What all peers may send together
   * is counted for `critical` apart from all other lanes: no flood in another lane takes its room. `lane` is `normal`
   * by default.
   */
  take(peer: PeerId, protocol: string, cost?: RateCost, lane?: Lane): RateVerdict
  /**
   * Resolves as soon as sending `cost` to `peer` stays within the quota the peer announced. The more urgent lane goes
   * first, and `critical` is counted for itself: it waits for no other lane, and no other lane takes its room. So a
   * lane is to have a protocol of its own, as each is charged for itself by the far side.
   */
  whenAllowed(peer: PeerId, cost?: RateCost, options?: PacingOptions): Promise<void>
}
