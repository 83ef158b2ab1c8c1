/**
 * What one ping says of a peer.
 *
 * - `answered`: in time and rightly
 * - `alive`: it speaks no ping, and saying so it showed that the link works
 * - `unanswered`: it had its time and did not answer, or wrongly
 * - `unmeasured`: nothing was asked, through no fault of the peer
 */
export type PingOutcome =
  | { kind: 'answered'; latencyMs: number }
  | { kind: 'alive' }
  | { kind: 'unanswered'; failure: string; isTimeBased: boolean; isViolation: boolean }
  | { kind: 'unmeasured'; failure: string }

/**
 * Errors of our own side. Another user of libp2p's ping, its connection monitor say, may hold the only stream allowed;
 * and a service that is missing or not started asks nobody.
 */
const OWN_FAILURES: ReadonlySet<string> = new Set([
  'LimitedConnectionError',
  'MissingServiceError',
  'NotStartedError',
  'TooManyOutboundProtocolStreamsError',
])

const TIME_FAILURES: ReadonlySet<string> = new Set(['AbortError', 'TimeoutError'])

/** Tells whose fault a failed ping is. `isLinked` is whether there still is a connection to the peer. */
export function outcomeOf(err: unknown, isLinked: boolean): PingOutcome {
  const failure = err instanceof Error ? err.name : 'UnknownError'
  if (failure === 'UnsupportedProtocolError') return { kind: 'alive' }
  // A connection that closed under the ping is news of its own, told by libp2p.
  if (!isLinked || OWN_FAILURES.has(failure)) return { kind: 'unmeasured', failure }
  const isTimeBased = TIME_FAILURES.has(failure)
  return { kind: 'unanswered', failure, isTimeBased, isViolation: failure === 'ProtocolError' }
}
