import type { Blameworthy, ReportClass } from '@gridmesh/interfaces'

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
  /** Name and value of our own limit, where we refused. */
  readonly limit: string | undefined
  readonly value: number | undefined

  constructor(code: RefusalCode, by: 'us' | 'them', limit?: string, value?: number) {
    super(`Message refused by ${by}: ${code}${limit == null ? '' : `: ${limit} is ${value}`}`)
    this.code = code
    this.by = by
    this.limit = limit
    this.value = value
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
