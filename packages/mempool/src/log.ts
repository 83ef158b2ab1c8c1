/** What a call of the log is given. */
export interface LogCall {
  /** Aborts when the pool waits no longer: when it stops, and for what is being written `deadlineMs` later. */
  readonly signal: AbortSignal
}

/**
 * Where the pool writes down what it holds, so that a restart finds it: a file, a table, a list. It keeps records apart
 * and in order. One call runs at a time. Records check themselves: it may lose some, and tear them.
 */
export interface MempoolLog {
  /** All records, oldest first. */
  read(call: LogCall): Iterable<Uint8Array> | AsyncIterable<Uint8Array>
  /** Puts records behind the others. */
  append(records: readonly Uint8Array[], call: LogCall): void | Promise<void>
  /** Puts these in the place of all; at best at once, so that a crash leaves the old ones or the new ones. */
  rewrite(records: Iterable<Uint8Array>, call: LogCall): void | Promise<void>
}
