import type { AbortOptions, PeerId } from '@libp2p/interface'

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

/** Limits what peers send, and what we send them. Service name `rateLimiter`. */
export interface RateLimiter {
  /** Charges `peer` for inbound traffic on `protocol`. Charges nothing where it refuses. */
  take(peer: PeerId, protocol: string, cost?: RateCost): RateVerdict
  /** Resolves as soon as sending `cost` to `peer` stays within the quota the peer announced. */
  whenAllowed(peer: PeerId, cost?: RateCost, options?: AbortOptions): Promise<void>
}
