import type { Lane, LoadLevel } from '@gridmesh/interfaces'

/** An encoded value is over the limit of its kind. */
export class MessageTooLargeError extends Error {
  static override readonly name = 'MessageTooLargeError'
  override readonly name = 'MessageTooLargeError'
  readonly code = 'too-large'
  readonly kind: string
  readonly bytes: number
  readonly maxBytes: number

  constructor(kind: string, bytes: number, maxBytes: number) {
    super(`A ${kind} of ${bytes} bytes is over its limit of ${maxBytes} bytes`)
    this.kind = kind
    this.bytes = bytes
    this.maxBytes = maxBytes
  }
}

/**
 * Why a message was refused, where the envelope was in order.
 *
 * - `malformed`: the payload is not a batch, or not an answer
 * - `unknown-kind`: nobody handles the kind here
 * - `wrong-recipient`: meant for another peer, or for one where all were expected
 * - `wrong-reply`: the answer to another request
 * - `invalid`: the codec or the validator of the kind refused it
 * - `ignored`: the validator of the kind does not want it, and blames nobody
 * - `validator-threw`: the validator of the kind failed
 */
export type RefusalCode =
  | 'malformed'
  | 'unknown-kind'
  | 'wrong-recipient'
  | 'wrong-reply'
  | 'invalid'
  | 'ignored'
  | 'validator-threw'

/** A message was refused. It is thrown to the sender of a unicast, with its code, and to the caller of a request. */
export class MessageRejectedError extends Error {
  static override readonly name = 'MessageRejectedError'
  override readonly name = 'MessageRejectedError'
  readonly code: RefusalCode
  readonly kind: string

  constructor(code: RefusalCode, kind: string, detail: string, options?: ErrorOptions) {
    super(`Refused ${kind} message: ${detail}`, options)
    this.code = code
    this.kind = kind
  }
}

/** This node is under load and takes no messages of the lane for now. */
export class NodeBusyError extends Error {
  static override readonly name = 'NodeBusyError'
  override readonly name = 'NodeBusyError'
  readonly code = 'busy'
  readonly lane: Lane
  readonly load: LoadLevel

  constructor(lane: Lane, load: LoadLevel) {
    super(`The node is ${load} and takes no ${lane} messages for now`)
    this.lane = lane
    this.load = load
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
