import type { Lane, LoadLevel } from '@gridmesh/interfaces'
import type { RefusalCode } from './reasons.ts'

/** An encoded value is over the limit of its kind. */
export class MessageTooLargeError extends Error {
  static override readonly name = 'MessageTooLargeError'
  override readonly name = 'MessageTooLargeError'
  readonly code = 'too-large'
  readonly kind: string
  readonly bytes: number
  /** Name of the limit that applied. */
  readonly limit: string
  readonly value: number

  constructor(kind: string, bytes: number, value: number, limit = `maxBytes.${kind}`) {
    super(`${bytes} bytes of ${kind} are over ${limit}, which is ${value}`)
    this.kind = kind
    this.bytes = bytes
    this.limit = limit
    this.value = value
  }
}

/** A message was refused. It is thrown to the sender of a unicast, with its code, and to the caller of a request. */
export class MessageRejectedError extends Error {
  static override readonly name = 'MessageRejectedError'
  override readonly name = 'MessageRejectedError'
  readonly code: RefusalCode
  readonly kind: string
  /** Name and value of the limit that applied, where it was one. */
  readonly limit: string | undefined
  readonly value: number | undefined

  constructor(
    code: RefusalCode,
    kind: string,
    detail: string,
    options: ErrorOptions & { limit?: string; value?: number } = {},
  ) {
    super(`Refused ${kind} message: ${detail}`, options)
    this.code = code
    this.kind = kind
    this.limit = options.limit
    this.value = options.value
  }
}

/** This node is under load and takes no messages of the lane for now. */
export class NodeBusyError extends Error {
  static override readonly name = 'NodeBusyError'
  override readonly name = 'NodeBusyError'
  readonly code = 'busy'
  readonly lane: Lane
  readonly load: LoadLevel
  /** What the load allows of the lane: none. */
  readonly limit: string
  readonly value = 0
  /** When it is worth trying again, in ms. */
  readonly retryAfterMs: number

  constructor(lane: Lane, load: Exclude<LoadLevel, 'normal'>, retryAfterMs: number) {
    super(`The node is ${load} and takes no ${lane} messages for now; try again in ${retryAfterMs} ms`)
    this.lane = lane
    this.load = load
    this.limit = `${lane}MessagesWhile${load === 'busy' ? 'Busy' : 'Overloaded'}`
    this.retryAfterMs = retryAfterMs
  }
}

/** JSON that is not the value its kind asks for. */
export class InvalidValueError extends Error {
  static override readonly name = 'InvalidValueError'
  override readonly name = 'InvalidValueError'
  readonly code = 'invalid-value'
  /** Keys and indices that lead to the fault; empty where it is the value as a whole, or not known. */
  readonly path: readonly PropertyKey[]

  constructor(path: readonly PropertyKey[], detail: string, options?: ErrorOptions) {
    super(path.length === 0 ? detail : `At ${path.map(String).join('.')}: ${detail}`, options)
    this.path = path
  }
}
