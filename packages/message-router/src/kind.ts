import { LANES } from '@gridmesh/interfaces'
import type { Codec, Lane, MessageKind, RequestKind } from '@gridmesh/interfaces'
import { DEFAULT_LANE, DEFAULT_MAX_BYTES, KIND_PATTERN, MAX_KIND_LENGTH, MAX_PACE_MS } from './constants.ts'

/** What makes a kind of message. */
export interface MessageDefinition<T> {
  /** Name on the wire and of the topic: lower-case, kebab-case, at most 64 characters. */
  kind: string
  /** Turns values into bytes and back; its `decode` is the first judge of what comes in. */
  codec: Codec<T>
  /** Lane of every message of the kind. @default 'normal' */
  lane?: Lane
  /** Largest encoded value, in bytes; beyond it neither sent nor taken. @default 65_536 */
  maxBytes?: number
  /**
   * Time between two broadcasts of the kind at least, in ms, where the lane is batched: what comes sooner is gathered,
   * unless the batch is full. For what is needed by the dozen and not at once. @default 0
   */
  paceMs?: number
}

/** What makes a kind of message that is answered. */
export interface RequestDefinition<T, R> extends MessageDefinition<T> {
  /** Turns answers into bytes and back. */
  reply: Codec<R>
}

/** What of a kind can be wrong. */
type Nameable = Pick<MessageKind<unknown>, 'kind' | 'lane' | 'maxBytes' | 'paceMs'>

const checked = new WeakSet<object>()

/**
 * Names a kind of message. Share the result between the sender and the handler, and both agree at compile time.
 * @throws {RangeError} when the name, the lane or the size cannot be used
 */
export function defineMessage<T>(definition: MessageDefinition<T>): MessageKind<T> {
  const { kind, codec, lane = DEFAULT_LANE, maxBytes = DEFAULT_MAX_BYTES, paceMs = 0 } = definition
  return frozen({ kind, codec, lane, maxBytes, ...(paceMs !== 0 && { paceMs }) })
}

/**
 * Names a kind of message that is answered.
 * @throws {RangeError} when the name, the lane or the size cannot be used
 */
export function defineRequest<T, R>(definition: RequestDefinition<T, R>): RequestKind<T, R> {
  const { kind, codec, reply, lane = DEFAULT_LANE, maxBytes = DEFAULT_MAX_BYTES } = definition
  return frozen({ kind, codec, reply, lane, maxBytes })
}

/** Checks a kind that was made by hand; one made by `defineMessage` costs a lookup. */
export function assertKind(kind: Nameable): void {
  if (checked.has(kind)) return
  if (kind.kind.length > MAX_KIND_LENGTH || !KIND_PATTERN.test(kind.kind)) {
    throw new RangeError(
      `kind ${JSON.stringify(kind.kind)} must be kebab-case of at most ${MAX_KIND_LENGTH} characters`,
    )
  }
  if (!LANES.includes(kind.lane)) throw new RangeError(`lane ${kind.lane} must be one of ${LANES.join(', ')}`)
  if (!(Number.isSafeInteger(kind.maxBytes) && kind.maxBytes > 0)) {
    throw new RangeError(`maxBytes ${kind.maxBytes} must be a whole number above 0`)
  }
  const { paceMs = 0 } = kind
  if (!(paceMs >= 0 && paceMs <= MAX_PACE_MS)) {
    throw new RangeError(`paceMs ${paceMs} must be 0 or more, and at most ${MAX_PACE_MS}`)
  }
}

function frozen<K extends Nameable>(kind: K): Readonly<K> {
  assertKind(kind)
  checked.add(kind)
  return Object.freeze(kind)
}
