/** A connection as a foreign peer sees it. */
export interface ForeignLink {
  peer: string
  direction: string
  /** Protocol of the secure channel. */
  encryption: string | undefined
  /** Protocol of the muxer. */
  muxer: string | undefined
}

/** What a foreign peer can be told to do. Bytes are base64, ids hex, peers and addresses text. */
export interface ForeignPeer {
  dial(ask: { address: string }): Promise<ForeignLink>
  hangUp(ask: { peer: string }): Promise<void>
  links(ask: object): ForeignLink[]
  /** Measures one round trip, in ms. */
  ping(ask: { peer: string }): Promise<number>
  subscribe(ask: { topic: string }): void
  /** Peers in the mesh of a topic. */
  mesh(ask: { topic: string }): string[]
  /** Publishes a payload in its frame, or bytes as they are. Resolves with those it was sent to. */
  publish(ask: { topic: string; payload: string } | { topic: string; bytes: string }): Promise<string[]>
  /** Opens streams, one after the other, and keeps those that open. */
  openStreams(ask: { peer: string; protocol: string; count: number }): Promise<void>
  /** How many of them are still open. */
  countOpen(ask: object): number
  closeStreams(ask: object): Promise<void>
  /** Sends bytes on a stream of their own. */
  send(ask: { peer: string; protocol: string; bytes: string }): Promise<void>
  stop(ask: object): Promise<void>
}

/** What a foreign peer tells by itself. */
export type ForeignEvent =
  | { event: 'ready'; peer: string; address: string }
  | { event: 'disconnected'; peer: string }
  | { event: 'identified'; peer: string; agent: string | undefined; protocols: string[] }
  | { event: 'grafted'; topic: string; peer: string }
  | { event: 'judged'; topic: string; verdict: 'Accept' | 'Ignore' | 'Reject' }
  | { event: 'message'; topic: string; from: string; id: string; lane: string; payload: string }

/** How a foreign peer is started, as JSON in the first argument. */
export interface ForeignInit {
  encryption: 'noise' | 'tls'
  /** Whether it stays outside every mesh, and only tells of its messages, for a minute. @default false */
  isLazy?: boolean
  /** Whether it signs its messages, as gossipsub does unless told otherwise. @default false */
  isSigning?: boolean
}
