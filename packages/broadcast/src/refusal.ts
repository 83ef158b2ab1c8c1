import { NotStartedError } from '@libp2p/interface'
import { MAX_REASON_CHARACTERS } from './constants.ts'
import type { FrameFault } from './frame.ts'

/**
 * Why a message that came in was not taken.
 *
 * - `malformed`, `too-large`, `wrong-network`: not a frame of this network
 * - `not-ready`, `rate-limited`, `busy`: would have been judged from another peer, or later
 * - `not-subscribed`: nobody here wants the topic
 * - `no-unicast`, `unavailable`: announced, and cannot be pulled at all; or nobody gave all of it in time
 * - `absent`: we were asked for chunks of a payload that we do not keep
 * - `rejected`, `ignored`: the handler said so, or gave no verdict, which is as good as `ignored`
 */
export type RefusalReason =
  | FrameFault
  | 'wrong-network'
  | 'not-ready'
  | 'rate-limited'
  | 'busy'
  | 'not-subscribed'
  | 'no-unicast'
  | 'unavailable'
  | 'absent'
  | 'rejected'
  | 'ignored'

/** Names a failed send by what failed, short enough to be kept: the text may come from the remote peer. */
export function reasonOf(err: unknown): string {
  if (!(err instanceof Error)) return 'failed'
  if (err.name === 'AbortError') return 'aborted'
  if (err.name === 'TimeoutError') return 'timeout'
  const code = 'code' in err && typeof err.code === 'string' && err.code !== '' ? err.code : err.name
  return code.slice(0, MAX_REASON_CHARACTERS)
}

/** What a send ended by where the same one would end no better later. */
const FINAL: ReadonlySet<string> = new Set([
  'malformed',
  'too-large',
  'wrong-network',
  'not-subscribed',
  'rejected',
  'ignored',
  'aborted',
  'stopped',
  'self',
  'no-unicast',
])

/** Whether a message that was not taken for this reason will not be taken later either. */
export function isFinal(reason: string): boolean {
  return FINAL.has(reason)
}

/** Names what ended sends early: our own stop, or whoever asked for them. */
export function abortReasonOf(signal: AbortSignal): 'aborted' | 'stopped' {
  return signal.reason instanceof NotStartedError ? 'stopped' : 'aborted'
}
