/**
 * Every code that this package gives a call or a stream that came to nothing. Those that cross the wire do so with the
 * limit that applied and its value; beside them stand the codes of handlers, of chunking and of the handshake.
 */
export const REASON_CODES = [
  // Said by the far side.
  'busy',
  'rate-limited',
  'unknown-handler',
  'handler-failed',
  'handler-timeout',
  'waited-too-long',
  'answer-forgotten',
  'queue-full',
  'not-ready',
  'too-many-streams',
  // Found by the near side.
  'unreachable',
  'link-lost',
  'malformed-message',
] as const

/** Why a call or a stream came to nothing. */
export type ReasonCode = (typeof REASON_CODES)[number]
