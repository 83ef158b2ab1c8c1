import type {
  MaybePromise,
  MessageContext,
  MessageHandlerOptions,
  MessageKind,
  RequestKind,
  Verdict,
} from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import { MessageRejectedError } from './errors.ts'
import { assertKind } from './kind.ts'
import { after, all, settle } from './maybe.ts'
import { textOf } from './thrown.ts'

/** What became of one encoded message: its handler, ready to run, or a refusal that blames or does not. */
export type Judged =
  | { verdict: 'accept'; run: () => MaybePromise<Uint8Array | void> }
  | { verdict: 'ignore' | 'reject'; run?: never }

/** The handler of one kind, with its type closed over. */
export interface Registration {
  readonly kind: string
  readonly lane: Lane
  readonly maxBytes: number
  /** Whether the handler answers; if so, what it runs to is the encoded answer. */
  readonly isRequest: boolean
  /** Decodes and validates; at once where the validator does. Throws, or rejects with, a `MessageRejectedError`. */
  judge(bytes: Uint8Array, context: MessageContext): MaybePromise<Judged>
  /** As `judge`, for all messages of a broadcast together, where the kind has a validator for that. */
  readonly judgeBatch?: (messages: readonly Uint8Array[], context: MessageContext) => MaybePromise<Judged>
}

/** The handlers of this node, one per kind. */
export class Registry {
  readonly #maxBytes: number
  readonly #registrations = new Map<string, Registration>()

  /** @param maxBytes the largest message that any queue can hold */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(kind: string): Registration | undefined {
    return this.#registrations.get(kind)
  }

  values(): IterableIterator<Registration> {
    return this.#registrations.values()
  }

  /** @throws {RangeError} when the kind is taken, or larger than any queue can hold */
  add(registration: Registration): void {
    const { kind, maxBytes } = registration
    assertKind(registration)
    if (this.#registrations.has(kind)) throw new RangeError(`kind ${kind} already has a handler`)
    if (maxBytes > this.#maxBytes) {
      throw new RangeError(`maxBytes ${maxBytes} of kind ${kind} is over maxQueuedBytes, which is ${this.#maxBytes}`)
    }
    this.#registrations.set(kind, registration)
  }

  /** Removes `registration`, and no later one of the same kind. Returns whether it was there. */
  remove(registration: Registration): boolean {
    if (this.#registrations.get(registration.kind) !== registration) return false
    return this.#registrations.delete(registration.kind)
  }
}

/** Closes over the type of a one-way kind. */
export function messageRegistration<T>(
  kind: MessageKind<T>,
  handler: (value: T, context: MessageContext) => void | Promise<void>,
  options: MessageHandlerOptions<T> = {},
): Registration {
  const registration = register(kind, false, options, (value, context) => handler(value, context))
  const judgeBatch = batchJudge(kind, handler, options)
  return judgeBatch === undefined ? registration : { ...registration, judgeBatch }
}

/** Closes over the types of a request kind. */
export function requestRegistration<T, R>(
  kind: RequestKind<T, R>,
  handler: (value: T, context: MessageContext) => R | Promise<R>,
  options: MessageHandlerOptions<T> = {},
): Registration {
  return register(kind, true, options, async (value, context) => kind.reply.encode(await handler(value, context)))
}

function register<T>(
  kind: MessageKind<T>,
  isRequest: boolean,
  options: MessageHandlerOptions<T>,
  run: (value: T, context: MessageContext) => MaybePromise<Uint8Array | void>,
): Registration {
  return {
    kind: kind.kind,
    lane: kind.lane,
    maxBytes: kind.maxBytes,
    isRequest,
    judge(bytes, context) {
      const value = decodeValue(kind.kind, kind.codec, bytes)
      const verdict = validate(kind.kind, () => options.validate?.(value, context) ?? 'accept')
      return after(verdict, (final): Judged =>
        final === 'accept' ? { verdict: final, run: () => run(value, context) } : { verdict: final },
      )
    },
  }
}

function batchJudge<T>(
  kind: MessageKind<T>,
  handler: (value: T, context: MessageContext) => void | Promise<void>,
  options: MessageHandlerOptions<T>,
): Registration['judgeBatch'] {
  if (options.validateBatch === undefined) return undefined
  return (messages, context) => {
    const values = messages.map((bytes) => decodeValue(kind.kind, kind.codec, bytes))
    const verdict = validate(kind.kind, () => options.validateBatch?.(values, context) ?? 'accept')
    return after(verdict, (final): Judged =>
      final === 'accept' ? { verdict: final, run: () => runAll(values, context, handler) } : { verdict: final },
    )
  }
}

/** Calls the handler with each; one that throws keeps none of the others from it. */
function runAll<T>(
  values: readonly T[],
  context: MessageContext,
  handler: (value: T, context: MessageContext) => void | Promise<void>,
): MaybePromise<void> {
  const ends = values.map((value) =>
    settle(
      () => handler(value, context),
      () => undefined,
      (err) => ({ err }),
    ),
  )
  return after(all(ends), (results) => {
    const failed = results.find((result) => result !== undefined)
    if (failed !== undefined) throw failed.err
  })
}

/** Decodes one value; whatever the codec throws becomes a refusal. @throws {MessageRejectedError} */
export function decodeValue<T>(kind: string, codec: { decode(bytes: Uint8Array): T }, bytes: Uint8Array): T {
  try {
    return codec.decode(bytes)
  } catch (err) {
    throw new MessageRejectedError('invalid', kind, textOf(err), { cause: err })
  }
}

/** A validator that throws has failed, and found nothing: its author is to blame and no peer. */
function validate(kind: string, judge: () => MaybePromise<Verdict>): MaybePromise<Verdict> {
  return settle(
    judge,
    (verdict) => verdict,
    (err) => {
      throw new MessageRejectedError('validator-threw', kind, textOf(err), { cause: err })
    },
  )
}
