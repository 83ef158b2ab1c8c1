/** Why the pool itself refuses a transaction; a chain adds codes of its own. */
export type RefusalCode =
  | 'not-running'
  | 'too-large'
  | 'malformed'
  | 'already-known'
  | 'already-applied'
  | 'busy'
  | 'pool-full'
  | 'sender-full'
  | 'waiting-full'
  | 'invalid-signature'
  | 'chain-failed'
  | 'conflict'
  | 'spent-input'
  | 'unknown-input'
  | 'stale-nonce'
  | 'nonce-gap'
  | 'expired'

/** An expected outcome, and so a value and no error. */
export interface Refusal<Code extends string = string> {
  /** Stable; a `RefusalCode`, or one of the chain. */
  readonly code: Code
  /** Names what came and what had to, and a limit with its value where there is one. */
  readonly message: string
}

export function refuse<Code extends RefusalCode>(code: Code, message: string): Refusal<Code> {
  return { code, message }
}

/** The pool takes nothing now. */
export const NOT_RUNNING = refuse('not-running', 'the pool has not started, or has stopped')
