import type { RequestKind } from '@gridmesh/interfaces'
import { defineRequest, jsonCodec } from '@gridmesh/message-router'

/** Work for one node of one round. */
export interface Job {
  /** Time after which nothing new is begun, in ms: on a busy machine rounds get smaller and not longer. */
  forMs: number
  /** Energy orders, to everybody. */
  orders: number
  /** Typed requests by unicast, over all peers. */
  requests: number
  /** Streams to open and close, over all peers. */
  streams: number
  /** Times to part from a peer and to come back, over all peers. */
  reconnects: number
  /** Peer ids to work with. */
  peers: readonly string[]
}

/** What became of work. */
export interface Tally {
  published: number
  /** Orders of others that arrived. */
  delivered: number
  /** Requests that were answered. */
  answered: number
  /** Streams opened and ended. */
  streams: number
  /** Streams of others that were answered. */
  accepted: number
  reconnects: number
  /** What did not succeed, of any sort: most of it was under way to a node that was killed. */
  refused: number
}

/** What the soak tells a node in a process of its own. */
export type ToPeer = { type: 'work'; job: Job } | { type: 'settle'; with: readonly string[] }
/** What the node answers: once for each. */
export type FromPeer = { type: 'ready' } | { type: 'done'; tally: Tally } | { type: 'settled' }

/** A tally of nothing. */
export function emptyTally(): Tally {
  return { published: 0, delivered: 0, answered: 0, streams: 0, accepted: 0, reconnects: 0, refused: 0 }
}

/** Adds `part` to `sum`. */
export function addTally(sum: Tally, part: Readonly<Tally>): void {
  for (const key of Object.keys(part) as (keyof Tally)[]) sum[key] += part[key]
}

/** The request that every node of the soak answers with its own words. */
export const soakRequest: RequestKind<string, string> = defineRequest({
  kind: 'soak-request',
  lane: 'normal',
  maxBytes: 1_024,
  codec: jsonCodec(String),
  reply: jsonCodec(String),
})
