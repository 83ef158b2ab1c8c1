import type { Lane } from '@gridmesh/interfaces'

/**
 * The link to the peer was lost while a call was under way: whether the handler ran is not known. Where the call was made
 * again in vain, `cause` says why the last attempt did not run.
 */
export class LinkLostError extends Error {
  static override readonly name = 'LinkLostError'
  override readonly name = 'LinkLostError'
  readonly code = 'link-lost'

  constructor(options?: ErrorOptions) {
    super('The link to the peer was lost', options)
  }
}

/** No stream to the peer could be opened: the handler did not run. `cause` says why. */
export class UnreachableError extends Error {
  static override readonly name = 'UnreachableError'
  override readonly name = 'UnreachableError'
  readonly code = 'unreachable'

  constructor(options: ErrorOptions = {}) {
    const { cause } = options
    super(`No stream to the peer could be opened${cause instanceof Error ? `: ${cause.message}` : ''}`, options)
  }
}

/** The remote peer has too many handlers running or waiting: the handler did not run. */
export class BusyError extends Error {
  static override readonly name = 'BusyError'
  override readonly name = 'BusyError'
  readonly code = 'busy'
  /** Name and value of the remote limit. */
  readonly limit: string
  readonly value: number
  readonly retryAfterMs: number

  constructor(limit: string, value: number, retryAfterMs: number) {
    super(`Busy: ${limit} is ${value}; try again in ${Math.ceil(retryAfterMs)} ms`)
    this.limit = limit
    this.value = value
    this.retryAfterMs = retryAfterMs
  }
}

/** The remote peer has no handler of that name and sort. */
export class UnknownHandlerError extends Error {
  static override readonly name = 'UnknownHandlerError'
  override readonly name = 'UnknownHandlerError'
  readonly code = 'unknown-handler'
  /** The name asked for. */
  readonly handler: string

  constructor(handler: string) {
    super(`No handler of that sort is named ${JSON.stringify(handler)}`)
    this.handler = handler
  }
}

/** What a remote peer says of its error beside code and message. */
export interface RemoteErrorDetail {
  /** Name of the remote limit that applied. @default none */
  readonly limit?: string | undefined
  readonly value?: number | undefined
  /** When to try again, in ms; then nothing was done. @default 0: there is no use in that */
  readonly retryAfterMs?: number
}

/** The remote handler failed. Code and message are its own, or `handler-failed`; a stack never crosses the wire. */
export class RemoteError extends Error {
  static override readonly name = 'RemoteError'
  override readonly name = 'RemoteError'
  readonly code: string
  readonly limit: string | undefined
  readonly value: number | undefined
  readonly retryAfterMs: number

  constructor(code: string, message: string, { limit, value, retryAfterMs = 0 }: RemoteErrorDetail = {}) {
    super(message)
    this.code = code
    this.limit = limit
    this.value = value
    this.retryAfterMs = retryAfterMs
  }
}

/** Bytes on a stream are not messages of this protocol, or come out of order. The stream is lost. */
export class MalformedMessageError extends Error {
  static override readonly name = 'MalformedMessageError'
  override readonly name = 'MalformedMessageError'
  readonly code = 'malformed-message'
  readonly report = 'protocol-violation' as const
}

/** A stream came from a peer that did not finish its handshake in time. */
export class NotReadyError extends Error {
  static override readonly name = 'NotReadyError'
  override readonly name = 'NotReadyError'
  readonly code = 'not-ready'
  /** The limit that was in the way, ours or one of the handshake, where it was a limit. */
  readonly limit: string | undefined
  readonly value: number | undefined

  constructor(why: string, options: ErrorOptions & RemoteErrorDetail = {}) {
    super(`The peer has not finished its handshake: ${why}`, options)
    this.limit = options.limit
    this.value = options.value
  }
}

/** A peer opened more streams of a lane than are kept. */
export class TooManyStreamsError extends Error {
  static override readonly name = 'TooManyStreamsError'
  override readonly name = 'TooManyStreamsError'
  readonly code = 'too-many-streams'
  readonly limit = 'streamsPerLane'
  readonly value: number
  readonly retryAfterMs: number

  constructor(lane: Lane, value: number, retryAfterMs: number) {
    super(`More than ${value} streams of the ${lane} lane`)
    this.value = value
    this.retryAfterMs = retryAfterMs
  }
}

/** The deadline of a call passed while it waited for a handler, which did not run. Its caller gets a `TimeoutError`. */
export class WaitedTooLongError extends Error {
  static override readonly name = 'WaitedTooLongError'
  override readonly name = 'WaitedTooLongError'
  readonly code = 'waited-too-long'

  constructor() {
    super('The deadline passed while the call waited for a handler')
  }
}

/** A handler did not end in the time of its caller, nor in the grace after it: what it answers later is dropped. */
export class HandlerTimeoutError extends Error {
  static override readonly name = 'HandlerTimeoutError'
  override readonly name = 'HandlerTimeoutError'
  readonly code = 'handler-timeout'
  readonly limit = 'handlerGraceMs'
  readonly value: number

  constructor(value: number) {
    super(`The handler did not end within handlerGraceMs, which is ${value}, once nobody waited for it`)
    this.value = value
  }
}

/** A handler gave back something that is not bytes. */
export class InvalidAnswerError extends Error {
  static override readonly name = 'InvalidAnswerError'
  override readonly name = 'InvalidAnswerError'
  readonly code = 'handler-failed'

  constructor() {
    super('The handler returned neither bytes nor nothing')
  }
}
