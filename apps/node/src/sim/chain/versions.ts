import { setInterval as intervals } from 'node:timers/promises'
import { statusCodec } from '@gridmesh/block-sync'
import type { Messages, PeerManager } from '@gridmesh/interfaces'
import { bytesCodec, defineMessage, defineRequest } from '@gridmesh/message-router'
import { getBlocksKind, getHeadersKind, statusKind, transactionKind } from '../../chain-network/kinds.ts'
import type { Version } from './scenario.ts'

/** All that a node knows of which the version knows few kinds. */
const FEW_KINDS: ReadonlySet<string> = new Set([
  'block',
  ...[getBlocksKind, getHeadersKind, statusKind, transactionKind].map(({ kind }) => kind),
])
/** A version of the status that nobody knows. */
const OTHER_VERSION = 9
/** Time between two messages of a kind that nobody knows, in ms. */
const TALK_MS = 5_000
const MAX_BYTES = 1_000

const news = defineMessage({ kind: 'chain-news', codec: bytesCodec, lane: 'normal', maxBytes: MAX_BYTES })
const getNews = defineRequest({
  kind: 'get-chain-news',
  codec: bytesCodec,
  reply: bytesCodec,
  lane: 'bulk',
  maxBytes: MAX_BYTES,
})
const otherStatus = defineMessage({
  kind: statusKind.kind,
  codec: bytesCodec,
  lane: statusKind.lane,
  maxBytes: statusKind.maxBytes,
})

function nothing(): void {}

/** The messages of a node of another version, over those of ours. */
export function messagesOf(version: Version, messages: Messages): Messages {
  const knows = (kind: string): boolean => version !== 'few-kinds' || FEW_KINDS.has(kind)
  return {
    on: (kind, handler, options) => (knows(kind.kind) ? messages.on(kind, handler, options) : nothing),
    respond: (kind, handler, options) => (knows(kind.kind) ? messages.respond(kind, handler, options) : nothing),
    broadcast: async (kind, value, options) => messages.broadcast(kind, value, options),
    request: async (peer, kind, value, options) => messages.request(peer, kind, value, options),
    async send(peer, kind, value, options) {
      if (version !== 'other-status' || kind.kind !== statusKind.kind) return messages.send(peer, kind, value, options)
      const [, ...rest] = statusCodec.encode(statusCodec.decode(kind.codec.encode(value)))
      return messages.send(peer, otherStatus, Uint8Array.of(OTHER_VERSION, ...rest, 1, 2, 3), options)
    },
  }
}

/** Sends all peers what they have never heard of, and asks them for it, until the signal aborts. */
export async function talkStrangely(messages: Messages, peers: PeerManager, signal: AbortSignal): Promise<void> {
  const value = Uint8Array.of(1, 2, 3)
  try {
    for await (const _ of intervals(TALK_MS, undefined, { signal })) {
      messages.broadcast(news, value, { signal }).catch(nothing)
      for (const { id } of peers.select()) {
        messages.send(id, news, value, { signal }).catch(nothing)
        messages.request(id, getNews, value, { signal }).catch(nothing)
      }
    }
  } catch (err) {
    if (!signal.aborted) throw err
  }
}
