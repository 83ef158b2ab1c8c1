import { ask, isMalformed, textOf } from './ask.ts'
import type { PeerRecord } from './peer-table.ts'
import type { RunContext } from './run-context.ts'

/**
 * Asks a peer something. That it does not answer counts against it, in this run; an answer that is none is a lie.
 * `undefined` for both, and where it was not waited for.
 */
export async function askPeer<T>(
  { table, options, signal }: RunContext,
  peer: PeerRecord,
  what: string,
  call: (signal: AbortSignal) => Promise<T>,
  over: AbortSignal = signal,
): Promise<T | undefined> {
  try {
    const signals = [signal, over, peer.signal]
    const answer = await ask({ what, timeoutMs: options.requestTimeoutMs, signals }, call)
    peer.failures = 0
    return answer
  } catch (err) {
    if (isMalformed(err)) table.report(peer, 'malformed-answer', textOf(err))
    else if (!signal.aborted && !over.aborted && peer.isUsable) table.failed(peer, textOf(err))
    return undefined
  }
}
