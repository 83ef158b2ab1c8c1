/**
 * What a peer needs that has none of our code: the frame and the message id, written anew from our documentation, and
 * the lines by which a test drives it in a process of its own. No dependencies, so that any generation of libp2p fits.
 */
export { decodeFrame, encodeFrame } from './frame.ts'
export { heard, judge, meshOf, toPublish } from './gossip.ts'
export { messageId } from './message-id.ts'
export type { ForeignEvent, ForeignInit, ForeignLink, ForeignPeer } from './peer.ts'
export { type Answer, type Ask, readInit, serve, tell } from './stdio.ts'
