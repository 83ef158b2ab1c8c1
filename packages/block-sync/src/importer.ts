import type { ChainTip, ImportOutcome } from '@gridmesh/interfaces'
import { ask, textOf } from './ask.ts'
import type { ArrivedBlock } from './block-range.ts'
import { ChainFailedError, type RunContext } from './run-context.ts'
import { SyncStoppedError } from './errors.ts'

/** Refused blocks that are remembered in a run. */
const MAX_REFUSED = 1_000

/** Hands a block to the chain. @throws {ChainFailedError} @throws {SyncStoppedError} */
export async function importBlock(
  context: RunContext,
  { bytes, facts }: ArrivedBlock,
  final: ChainTip | undefined,
): Promise<ImportOutcome> {
  const { chain, fast } = context
  const isFinal = final !== undefined && facts.height <= final.height
  const outcome = await callChain(context, 'importBlock', (signal) =>
    isFinal && fast !== undefined ? fast.importFinal(bytes, { signal }) : chain.importBlock(bytes, { signal }),
  )
  if (outcome.status === 'refused' && (context.reader.isProof?.(outcome.code) ?? true)) {
    const [oldest] = context.refused
    if (context.refused.size >= MAX_REFUSED && oldest !== undefined) context.refused.delete(oldest)
    context.refused.add(facts.hash)
  }
  return outcome
}

/**
 * Calls the chain: that it throws or does not answer is nobody else's fault. Waits for what is under way when the sync
 * stops, since the chain may be closed next. @throws {ChainFailedError} @throws {SyncStoppedError}
 */
export async function callChain<T>(
  { options, signal }: RunContext,
  what: string,
  call: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  if (signal.aborted) throw new SyncStoppedError()
  try {
    return await ask({ what, timeoutMs: options.importTimeoutMs, signals: [signal], isWaitedFor: true }, call)
  } catch (err) {
    if (signal.aborted) throw new SyncStoppedError()
    throw new ChainFailedError(`${what} failed: ${textOf(err)}`, { cause: err })
  }
}
