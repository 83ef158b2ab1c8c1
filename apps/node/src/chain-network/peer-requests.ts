import { setTimeout as delay } from 'node:timers/promises'
import type { GetBlocks, BlocksAnswer, SyncRequests } from '@gridmesh/block-sync'
import type { Messages, RequestKind } from '@gridmesh/interfaces'
import { peerIdFromString } from '@libp2p/peer-id'
import { FEW_BLOCKS, getBlocksKind, getFewBlocksKind, getHeadersKind, getStatePieceKind } from './kinds.ts'

/** Above what a sync waits for an answer, so that it is the sync that gives up, in ms. */
const DEADLINE_MS = 60_000
/** Least wait before a busy peer is asked again, in ms. */
const MIN_RETRY_MS = 50

/**
 * What a sync asks peers, carried by typed messages. A peer that is busy is asked again when it said that it would not be,
 * and for few blocks in the place of many, which it gives though it is.
 */
export function peerRequests(messages: Pick<Messages, 'request'>): SyncRequests {
  const once = async <T, R>(peer: string, kind: RequestKind<T, R>, value: T, signal: AbortSignal): Promise<R> => {
    const options = { signal, deadlineMs: DEADLINE_MS }
    return messages.request(peerIdFromString(peer), kind, value, options).catch((err: unknown) => {
      throw lieIn(err)
    })
  }
  const ask = async <T, R>(peer: string, kind: RequestKind<T, R>, value: T, signal: AbortSignal): Promise<R> => {
    for (;;) {
      try {
        return await once(peer, kind, value, signal)
      } catch (err) {
        await untilFree(err, signal)
      }
    }
  }
  const blocks = async (peer: string, request: GetBlocks, signal: AbortSignal): Promise<BlocksAnswer> => {
    const few = { ...request, hashes: request.hashes.slice(0, FEW_BLOCKS) }
    if (few.hashes.length === request.hashes.length) return ask(peer, getFewBlocksKind, few, signal)
    try {
      return await once(peer, getBlocksKind, request, signal)
    } catch (err) {
      await untilFree(err, signal)
      return ask(peer, getFewBlocksKind, few, signal)
    }
  }
  return {
    headers: async (peer, request, { signal }) => ask(peer, getHeadersKind, request, signal),
    blocks: async (peer, request, { signal }) => blocks(peer, request, signal),
    statePiece: async (peer, request, { signal }) => ask(peer, getStatePieceKind, request, signal),
  }
}

/** Waits for as long as a peer wants to be left alone. @throws `err` when that is not what it said */
async function untilFree(err: unknown, signal: AbortSignal): Promise<void> {
  const waitMs = retryAfterMs(err)
  if (waitMs === 0) throw err
  await delay(Math.max(waitMs, MIN_RETRY_MS), undefined, { signal })
}

/** When the peer said that it may be asked again; 0 where it did not. */
function retryAfterMs(err: unknown): number {
  return err instanceof Error && 'retryAfterMs' in err && typeof err.retryAfterMs === 'number' ? err.retryAfterMs : 0
}

/** An answer that cannot be read is a lie, which the router wraps as one of a message. */
function lieIn(err: unknown): unknown {
  return err instanceof Error && err.cause instanceof Error && err.cause.name === 'MalformedMessageError'
    ? err.cause
    : err
}
