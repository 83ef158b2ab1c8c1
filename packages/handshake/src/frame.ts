import type { Hello, PeerStatus, Reason } from '@gridmesh/interfaces'

/** A frame that we send. */
export type OutboundFrame =
  | { kind: 'hello'; hello: Hello }
  /** Accepts, unless there is a refusal. That may come with signed records of peers to try instead. */
  | { kind: 'verdict'; refusal?: Reason | undefined; referrals?: readonly Uint8Array[] }
  | { kind: 'status'; status: PeerStatus }
  | { kind: 'goodbye'; reason: Reason }

/** A frame that came. Later versions may add kinds, so an unknown one is no error by itself. */
export type Frame = OutboundFrame | { kind: 'unknown' }

/** What a frame that came may hold. */
export interface FrameLimits {
  maxCapabilities: number
  maxListenAddresses: number
}
