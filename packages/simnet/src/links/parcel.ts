import type { PeerId, SignedPeerRecord } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'

/** A signed peer record: what it says, and the bytes that prove it. */
export interface OwnRecord extends SignedPeerRecord {
  readonly envelope: Uint8Array
}

/** What a peer tells about itself when asked who it is. */
export interface Identity {
  readonly protocols: string[]
  readonly agentVersion: string
  /** The addresses it has signed, for others to pass on; none before the node has started. */
  readonly record: OwnRecord | undefined
}

/**
 * What travels on a connection. At level `stack` only `bytes`; at level `host` what yamux, multistream-select and
 * identify would say, as objects.
 */
export type Parcel =
  | { readonly type: 'bytes'; readonly bytes: Uint8ArrayList }
  | { readonly type: 'hello'; readonly peer: PeerId }
  | { readonly type: 'push' }
  | { readonly type: 'identify' }
  | { readonly type: 'identity'; readonly identity: Identity }
  | { readonly type: 'open'; readonly stream: number; readonly protocols: readonly string[] }
  | { readonly type: 'accept'; readonly stream: number; readonly protocol: string }
  | { readonly type: 'refuse'; readonly stream: number }
  | { readonly type: 'data'; readonly stream: number; readonly bytes: Uint8ArrayList }
  | { readonly type: 'window'; readonly stream: number; readonly bytes: number }
  | { readonly type: 'close-write'; readonly stream: number }
  | { readonly type: 'reset'; readonly stream: number }
