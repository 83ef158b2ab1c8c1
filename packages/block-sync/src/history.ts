import { askPeer } from './ask-peer.ts'
import { type ArrivedBlock, BlockRange } from './block-range.ts'
import { FetchLoop } from './fetch-loop.ts'
import { checkHeaders } from './header-check.ts'
import { callChain } from './importer.ts'
import type { PeerRecord } from './peer-table.ts'
import type { HeaderFacts, HistoryTarget, Refusal } from './ports.ts'
import type { RunContext } from './run-context.ts'

/**
 * Fetches the blocks before the lowest one, the newest first, until none is missing. Each is the parent of one that is
 * held, by its hash, and so true if that one is: nothing is executed, and nothing is proven of the checkpoint. Says why it ended before. @throws {ChainFailedError} @throws {SyncStoppedError}
 */
export async function fillHistory(context: RunContext, history: HistoryTarget): Promise<Refusal | undefined> {
  for (let lowest = history.lowest(); lowest !== undefined && lowest.height > 0; lowest = history.lowest()) {
    context.signal.throwIfAborted()
    context.table.refresh()
    const { height } = lowest
    const source = context.table.usable().find(({ claim }) => claim.tip.height >= height)
    if (source === undefined) return { code: 'no-peers', message: `nobody gives headers below ${lowest.height}` }
    const facts = await headersBelow(context, source, lowest)
    if (facts === undefined) continue
    if (!(await fetchPart(context, history, source, facts.toReversed()))) {
      return { code: 'no-progress', message: `nobody gives blocks below ${history.lowest()?.height}` }
    }
  }
  return undefined
}

/** Headers that end with the parent of a block; `undefined` where this peer did not give them. */
async function headersBelow(
  context: RunContext,
  source: PeerRecord,
  lowest: HeaderFacts,
): Promise<HeaderFacts[] | undefined> {
  const { requests, reader, table, options } = context
  const limit = Math.min(options.rangeBlocks, lowest.height)
  const height = lowest.height - limit
  const call = (signal: AbortSignal) => requests.headers(source.id, { height, limit }, { signal })
  const answer = await askPeer(context, source, 'get-headers', call)
  if (answer === undefined) return undefined
  const found = answer.status === 'found' ? answer : ({ status: 'found', headers: [] } as const)
  const { lie, linked } = checkHeaders(found, { limit, after: height - 1 }, reader)
  const facts = linked?.facts ?? []
  if (lie !== undefined) table.report(source, lie.offence, lie.message)
  else if (facts.length < limit) table.exclude(source, 'absent', `it has no headers of heights from ${height} on`)
  else if (facts.at(-1)?.hash === lowest.parent) return facts
  // It may have been cut off, and cannot know what became final meanwhile.
  else table.report(source, 'forks-below-finality', `block ${lowest.height - 1} is not ${lowest.parent}`)
  return undefined
}

/** Fetches some blocks of the history, given descending. Says whether all came. */
async function fetchPart(
  context: RunContext,
  history: HistoryTarget,
  source: PeerRecord,
  facts: readonly HeaderFacts[],
): Promise<boolean> {
  const range = new BlockRange({ ...context, source }, facts)
  const left = (): number => range.length
  const prepend = async (block: ArrivedBlock): Promise<boolean> => {
    await callChain(context, 'prepend', (signal) => history.prepend(block.bytes, { signal }))
    range.shift()
    context.onProgress(block.facts.height, 0)
    return true
  }
  const take = (): Promise<boolean> | undefined => {
    const block = range.first()
    return block === undefined ? undefined : prepend(block)
  }
  return new FetchLoop({ context, phase: 'history', jobs: () => [range], left, headersAhead: left, take }).run()
}
