import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'
import type { PayloadManifest } from './payload-shape.ts'

/** Why a message was refused by its receiver. The index in `REFUSAL_CODES` is the number on the wire. */
export type RefusalCode = 'cancelled' | 'message-too-large' | 'too-many-messages' | 'too-many-bytes' | 'idle' | 'other'

export const REFUSAL_CODES: readonly RefusalCode[] = [
  'cancelled',
  'message-too-large',
  'too-many-messages',
  'too-many-bytes',
  'idle',
  'other',
]

/** The limit that is behind a code. */
const REFUSAL_LIMITS: Partial<Record<RefusalCode, string>> = {
  'message-too-large': 'maxMessageBytes',
  'too-many-messages': 'maxPartialMessages',
  'too-many-bytes': 'maxPartialBytes',
  idle: 'partialIdleMs',
}

/** The bytes on a stream are not frames. The channel is lost. */
export class FramingError extends Error implements Blameworthy {
  static override readonly name = 'FramingError'
  override readonly name = 'FramingError'
  readonly code = 'framing'
  readonly report: ReportClass = 'protocol-violation'
}

/** The stream ended inside a message or a frame. */
export class TruncatedError extends Error {
  static override readonly name = 'TruncatedError'
  override readonly name = 'TruncatedError'
  readonly code = 'truncated'

  constructor(options?: ErrorOptions) {
    super('The stream ended inside a message', options)
  }
}

/** A message given to `send` is larger than `maxMessageBytes`. */
export class MessageTooLargeError extends Error {
  static override readonly name = 'MessageTooLargeError'
  override readonly name = 'MessageTooLargeError'
  readonly code = 'message-too-large'
  readonly limit = 'maxMessageBytes'
  readonly value: number
  /** Size of the message, in bytes. */
  readonly size: number

  constructor(size: number, value: number) {
    super(`A message of ${size} bytes is over maxMessageBytes, which is ${value}`)
    this.size = size
    this.value = value
  }
}

/** One message was given up by its receiver; the others of the channel go on. */
export class MessageRefusedError extends Error implements Blameworthy {
  static override readonly name = 'MessageRefusedError'
  override readonly name = 'MessageRefusedError'
  readonly report: ReportClass = 'rate-limited'
  readonly code: RefusalCode
  /** Who refused. */
  readonly by: 'us' | 'them'
  /** Name of the limit that applied, with whoever refused. */
  readonly limit: string | undefined
  /** Value of that limit. */
  readonly value: number | undefined

  constructor(code: RefusalCode, by: 'us' | 'them', value?: number) {
    const limit = value == null ? undefined : REFUSAL_LIMITS[code]
    super(`Message refused by ${by}: ${code}${limit == null ? '' : `: ${limit} is ${value}`}`)
    this.code = code
    this.by = by
    this.limit = limit
    this.value = limit == null ? undefined : value
  }
}

/** The sender of a message gave it up before its end. */
export class MessageAbortedError extends Error {
  static override readonly name = 'MessageAbortedError'
  override readonly name = 'MessageAbortedError'
  readonly code = 'message-aborted'

  constructor() {
    super('The sender gave the message up')
  }
}

/** The channel is closed: what was not handed to the stream is lost. `cause` says why, where it failed. */
export class ChannelClosedError extends Error {
  static override readonly name = 'ChannelClosedError'
  override readonly name = 'ChannelClosedError'
  readonly code = 'channel-closed'

  constructor(options?: ErrorOptions) {
    super('The channel is closed', options)
  }
}

/** A payload is larger than `maxTotalBytes`, as it is or as its manifest declares. */
export class PayloadTooLargeError extends Error {
  static override readonly name = 'PayloadTooLargeError'
  override readonly name = 'PayloadTooLargeError'
  readonly code = 'payload-too-large'
  readonly limit = 'maxTotalBytes'
  readonly value: number
  /** Size of the payload, in bytes. */
  readonly size: number

  constructor(size: number, value: number) {
    super(`A payload of ${size} bytes is over maxTotalBytes, which is ${value}`)
    this.size = size
    this.value = value
  }
}

/** A manifest describes no payload. */
export class InvalidManifestError extends Error implements Blameworthy {
  static override readonly name = 'InvalidManifestError'
  override readonly name = 'InvalidManifestError'
  readonly code = 'invalid-manifest'
  readonly report: ReportClass = 'protocol-violation'
  /** The field that is wrong. */
  readonly limit: keyof PayloadManifest
  /** What it says. */
  readonly value: number | string

  constructor(limit: keyof PayloadManifest, value: number | string, expected: string) {
    super(`${limit} of the manifest is ${value}, and must be ${expected}`)
    this.limit = limit
    this.value = value
  }
}

/** What gives a chunk away: its index, its length, the length of its proof, or the root that it leads to. */
export type ChunkFault = 'wrong-index' | 'wrong-length' | 'wrong-proof-length' | 'wrong-root'

/** A chunk is none of the payload's. No fault of a link makes one: its sender made it up, or never checked it. */
export class ForgedChunkError extends Error implements Blameworthy {
  static override readonly name = 'ForgedChunkError'
  override readonly name = 'ForgedChunkError'
  readonly report: ReportClass = 'invalid-message'
  readonly code: ChunkFault
  readonly index: number
  /** What the chunk was held to, and its value. */
  readonly limit: string
  readonly value: number | string

  constructor(code: ChunkFault, index: number, limit: string, value: number | string, came: number | string) {
    super(`Chunk ${index} refused: ${code}: ${limit} is ${value}, and not ${came}`)
    this.code = code
    this.index = index
    this.limit = limit
    this.value = value
  }
}

/** A chunk was received before. */
export class DuplicateChunkError extends Error {
  static override readonly name = 'DuplicateChunkError'
  override readonly name = 'DuplicateChunkError'
  readonly code = 'duplicate-chunk'
  readonly limit = 'copies of a chunk'
  readonly value = 1
  readonly index: number

  constructor(index: number) {
    super(`Chunk ${index} was received before`)
    this.index = index
  }
}

/** The payload was asked for while chunks are missing. */
export class PayloadIncompleteError extends Error {
  static override readonly name = 'PayloadIncompleteError'
  override readonly name = 'PayloadIncompleteError'
  readonly code = 'payload-incomplete'
  readonly limit = 'chunkCount'
  readonly value: number
  readonly receivedChunks: number

  constructor(receivedChunks: number, value: number) {
    super(`${receivedChunks} of ${value} chunks were received`)
    this.receivedChunks = receivedChunks
    this.value = value
  }
}
