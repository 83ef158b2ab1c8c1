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
 * - `validator-timeout`: the validator of the kind did not answer within `handlerTimeoutMs`
 */
export const REFUSAL_CODES = [
  'malformed',
  'unknown-kind',
  'wrong-recipient',
  'wrong-reply',
  'invalid',
  'ignored',
  'validator-threw',
  'validator-timeout',
] as const

/** Code of a `MessageRejectedError`. */
export type RefusalCode = (typeof REFUSAL_CODES)[number]

/**
 * Every code that this package gives a message that was not handled: refusals, bounds (`too-large`, `queue-full`,
 * `busy`) and failures. Beside them stand the codes of the envelope.
 */
export const REASON_CODES = [
  ...REFUSAL_CODES,
  'too-large',
  'queue-full',
  'busy',
  'handler-threw',
  'handler-timeout',
  'internal',
  'unnamed',
] as const

/** Code of a message that was not handled. */
export type ReasonCode = (typeof REASON_CODES)[number]
