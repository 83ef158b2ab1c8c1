/**
 * @packageDocumentation
 *
 * Many messages at once over one libp2p stream: each is cut into bounded frames that take turns, so that a large one
 * never holds a small one up, and the writes of a tick leave in as few calls as possible. Backpressure is honoured
 * both ways, and whatever the remote side can make grow is bounded.
 *
 * `FrameChannel` is the whole of it over a stream; `SendQueue`, `FrameDecoder` and `Reassembler` are its parts without
 * one, and `IdTable` holds what is under way by its id. `splitPayload` and `PayloadAssembler` are for a payload that comes from several peers: chunks under one Merkle
 * root, in any order, each checked alone. Not for choosing whom to send to, nor for matching answers with questions:
 * that is `@gridmesh/unicast`.
 *
 * @example
 *
 * ```ts
 * import { FrameChannel } from '@gridmesh/chunking'
 * import type { Stream } from '@libp2p/interface'
 *
 * async function greet(stream: Stream): Promise<void> {
 *   const channel = new FrameChannel(stream, {
 *     onMessage: (bytes) => stream.log('received %d bytes', bytes.byteLength),
 *     onClose: (error) => stream.log('closed - %e', error),
 *   })
 *   channel.start()
 *   await channel.send(new TextEncoder().encode('hello'), { signal: AbortSignal.timeout(5_000) })
 *   await channel.close()
 * }
 * ```
 */
import type { Lane } from '@gridmesh/interfaces'
import type { AbortOptions } from '@libp2p/interface'
import type { ByteBudget } from './byte-budget.ts'
import type { MessageAbortedError, MessageRefusedError } from './errors.ts'
import type { LaneWeights } from './lane-scheduler.ts'

/** Limits of a `FrameChannel`, and what it tells. Its callbacks must not throw: one that does ends the channel. */
export interface FrameChannelInit {
  /** Takes a complete message. It may be a view of a larger buffer: copy what is kept for long. */
  onMessage(bytes: Uint8Array): void
  /** Learns of an incoming message that will not be completed; the others go on. */
  onMessageLost?(error: MessageRefusedError | MessageAbortedError): void
  /** The peer ended its side; no more messages come. */
  onEnd?(): void
  /** The channel is over; `error` says why, where it was not closed by both sides. */
  onClose?(error?: Error): void
  /** Nothing is queued any more: all was handed to the stream, or the stream is closed. */
  onDrain?(): void
  /** Largest frame, and largest write, in bytes, 64 to 65_000; a larger one received ends the channel. @default 65_000 */
  maxFrameBytes?: number
  /** Largest message, in bytes, up to 104_861_696; a larger one is refused on either side. @default 10_485_760 */
  maxMessageBytes?: number
  /** Messages of several frames under way at once in one direction; more wait to be sent, and are refused on receipt. Of those sent, an eighth can be `critical` alone. @default 64 */
  maxPartialMessages?: number
  /** Memory of all incoming partial messages, in bytes, at least `maxMessageBytes`; a message past it is refused. @default 33_554_432 */
  maxPartialBytes?: number
  /** Time without a piece after which an incoming partial message is refused, in ms; it has ten times that in all, and a second more for each 32 KiB that came. @default 30_000 */
  partialIdleMs?: number
  /** Budget shared with other channels, of the same peer say, in the place of `maxPartialBytes`. @default one of its own */
  partialBudget?: ByteBudget
  /** Bytes of outgoing messages of several frames under way; more wait, a larger one goes alone. The critical lane has as much for itself. @default 8_388_608 */
  maxStartedBytes?: number
  /** Bytes queued, 64 more for each message; beyond is a `QueueFullError`. The critical lane has as much for itself. @default 33_554_432 */
  maxQueuedBytes?: number
  /** Bytes the stream may hold while paused, in bytes; at least its window, or a paused stream is reset. @default 17_825_792 */
  maxReadBufferBytes?: number
  /** Shares of the lanes below `critical`, which goes first. @default { high: 16, normal: 4, bulk: 1 } */
  laneWeights?: Partial<LaneWeights>
}

/** Options of `FrameChannel.send`. */
export interface SendOptions extends AbortOptions {
  /** Lane within the channel. @default 'normal' */
  lane?: Lane
}

export { ByteBudget } from './byte-budget.ts'
export * from './errors.ts'
export { varintLength, writeVarint } from './frame.ts'
export { FrameChannel } from './frame-channel.ts'
export { FrameDecoder, type FrameSink } from './frame-decoder.ts'
export { IdTable } from './id-table.ts'
export { type LaneWeights } from './lane-scheduler.ts'
export { HASH_BYTES, leafHash, MerkleTree, pathLength, rootOfPath } from './merkle-tree.ts'
export type { MessageOptions, OutgoingMessage } from './outgoing-message.ts'
export { PayloadAssembler, type PayloadAssemblerInit } from './payload-assembler.ts'
export type { PayloadManifest } from './payload-shape.ts'
export { Reassembler, type ReassemblerEvents, type ReassemblerInit } from './reassembler.ts'
export { SendQueue } from './send-queue.ts'
export { type SendQueueInit } from './send-limits.ts'
export {
  type PayloadChunk,
  splitPayload,
  splitPayloadInTurns,
  type SplitPayloadInit,
  type SplitPayload,
} from './split-payload.ts'
