import type { PeerId } from '@libp2p/interface'
import type { RateLimiter } from '../../limits.ts'
import type { Quota } from '../../links.ts'

/** A started rate limiter, and peers to limit. */
export interface RateLimiterWorld {
  readonly limiter: RateLimiter
  /** At least two, of which nothing was taken yet. */
  readonly peers: readonly PeerId[]
  /** Has a peer announce its quota. Without it only peers without a quota are sent to. */
  announce?(peer: PeerId, quota: Quota): Promise<void> | void
  /** Makes time pass for `take`. Without it the suite lets real time pass, which takes a few seconds. */
  advance?(ms: number): Promise<void> | void
  stop(): Promise<void> | void
}

/** The limits that a case wants each peer to have on each protocol; all others are to be out of reach. */
export interface RateLimiterLimits {
  readonly messagesPerSecond: number
  /** Messages at once. */
  readonly messagesBurst: number
}

/** How the suite gets at a rate limiter, and which of the contract's freedoms that limiter takes. */
export interface RateLimiterHarness {
  create(limits: RateLimiterLimits): Promise<RateLimiterWorld> | RateLimiterWorld
  /** Whether a peer has a limit of its own on each protocol, not one for all of them. @default true */
  perProtocol?: boolean
  /** Whether peers in `create` may `announce` a quota, which `whenAllowed` then keeps. @default true */
  quotas?: boolean
  /** How much of an announced quota may be sent at once, in ms of its rate. @default 1_000 */
  outboundBurstMs?: number
  /** Time that a case waits for what must happen, in ms; the runner needs to allow several times that. @default 10_000 */
  patienceMs?: number
}
