import type { ChainTip } from '@gridmesh/interfaces'
import { askPeer } from './ask-peer.ts'
import { checkHeaders } from './header-check.ts'
import type { RunContext } from './run-context.ts'
import type { PeerRecord } from './peer-table.ts'

/** How other peers look at a block. */
export interface Confirmation {
  /** Peers that have it, the one that named it among them. */
  confirmed: number
  /** Peers that have another one in its place. */
  dissenting: number
  /** Whether as many have it as should, where so many have any. */
  isEnough: boolean
}

/**
 * Asks peers that claim the height of a block whether they have it, too. Who does not answer does not count, and is waited for
 * only as long as too few have it.
 */
export async function confirm(
  context: RunContext,
  block: ChainTip,
  by: readonly PeerRecord[],
  signal: AbortSignal,
): Promise<Confirmation> {
  const { table, options } = context
  const needed = options.confirmations
  // Once, and a few more than are needed: who is silent is not to hold us up for long.
  const others = table
    .usable()
    .filter((peer) => !by.includes(peer) && peer.claim.tip.height >= block.height)
    .toSorted((a, b) => a.failures - b.failures)
    .slice(0, by.length >= needed ? 0 : 4 * needed)
  const over = new AbortController()
  const end = (): void => over.abort()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  let [confirmed, dissenting] = [by.length, 0]
  const count = async (peer: PeerRecord): Promise<void> => {
    const hash = await hashAt(context, peer, block.height, over.signal)
    if (hash === block.hash) confirmed++
    else if (hash !== undefined) dissenting++
    if (confirmed >= needed) end()
  }
  try {
    await Promise.all(others.map(count))
  } finally {
    signal.removeEventListener('abort', end)
  }
  return { confirmed, dissenting, isEnough: confirmed >= Math.min(needed, confirmed + dissenting) }
}

/** The hash of a peer's block at a height; `undefined` where it does not say. */
export async function hashAt(
  context: RunContext,
  peer: PeerRecord,
  height: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { requests, reader, table } = context
  const request = { height, limit: 1 }
  const call = (inner: AbortSignal) => requests.headers(peer.id, request, { signal: inner })
  const answer = await askPeer(context, peer, 'get-headers', call, signal)
  if (answer?.status !== 'found') return undefined
  const { lie, linked } = checkHeaders(answer, { limit: 1, after: height - 1 }, reader)
  if (lie === undefined) return linked.facts[0]?.hash
  table.report(peer, lie.offence, lie.message)
  return undefined
}
