import type { Lane } from './lane.ts'
import type { Reason } from './links.ts'
import type { ReportClass } from './peer.ts'

/** A bounded queue had no room for new work. The newest, least urgent work is what is refused. */
export class QueueFullError extends Error {
  static override readonly name = 'QueueFullError'
  override readonly name = 'QueueFullError'
  readonly code = 'queue-full'
  /** Name of the queue's limit, as in the options. */
  readonly limit: string
  readonly value: number
  /** Lane of the work, where the queue has any. */
  readonly lane: Lane | undefined

  constructor(limit: string, value: number, lane?: Lane) {
    super(`The ${lane === undefined ? '' : `${lane} `}queue is full: ${limit} is ${value}`)
    this.limit = limit
    this.value = value
    this.lane = lane
  }
}

/** A peer sent more than its limit allows. */
export class RateLimitedError extends Error {
  static override readonly name = 'RateLimitedError'
  override readonly name = 'RateLimitedError'
  readonly code = 'rate-limited'
  readonly limit: string
  readonly value: number
  readonly retryAfterMs: number

  constructor(limit: string, value: number, retryAfterMs: number) {
    super(`Over ${limit}, which is ${value}; try again in ${Math.ceil(retryAfterMs)} ms`)
    this.limit = limit
    this.value = value
    this.retryAfterMs = retryAfterMs
  }
}

/** A message for `Broadcast.publish` is longer than `maxMessageBytes`. */
export class MessageTooLargeError extends RangeError {
  static override readonly name = 'MessageTooLargeError'
  override readonly name = 'MessageTooLargeError'
  readonly code = 'message-too-large'
  readonly limit = 'maxMessageBytes'
  /** Value of the limit, in bytes. */
  readonly value: number
  /** Length of the message, in bytes. */
  readonly byteLength: number

  constructor(byteLength: number, value: number) {
    super(`A message of ${byteLength} bytes is over maxMessageBytes, which is ${value}`)
    this.byteLength = byteLength
    this.value = value
  }
}

/** A directed publish names its peers by a query, and there is no peer manager to answer it. */
export class PeerQueryUnavailableError extends Error {
  static override readonly name = 'PeerQueryUnavailableError'
  override readonly name = 'PeerQueryUnavailableError'
  readonly code = 'no-peer-manager'

  constructor() {
    super('Peers given as a query need the service peerManager; give peer ids instead')
  }
}

/** The handshake did not make the peer ready: one side refused, or the peer is not ready at all. */
export class HandshakeRejectedError extends Error {
  static override readonly name = 'HandshakeRejectedError'
  override readonly name = 'HandshakeRejectedError'
  readonly code: string
  readonly reason: Reason
  /** Who refused. */
  readonly by: 'us' | 'them'

  constructor(reason: Reason, by: 'us' | 'them', options?: ErrorOptions) {
    super(`Handshake refused by ${by}: ${reason.code}: ${reason.message}`, options)
    this.code = reason.code
    this.reason = reason
    this.by = by
  }
}

/** No service has the name by which others look for it: they would do without it, and say nothing. */
export class ServiceNameError extends Error {
  static override readonly name = 'ServiceNameError'
  override readonly name = 'ServiceNameError'
  readonly code = 'service-name'
  /** The name that is missing. */
  readonly service: string

  constructor(service: string, options?: ErrorOptions) {
    super(`No service is named ${service}: others look for it by that name, so the services need it as a key`, options)
    this.service = service
  }
}

/** An error that says what the peer who caused it is to be blamed for. */
export interface Blameworthy {
  readonly report: ReportClass
}
