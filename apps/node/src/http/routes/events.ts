import type { SSEMessage } from '@fastify/sse'
import type { GridmeshNode } from '../../node.ts'
import { HttpRefusalError } from '../answers.ts'
import type { Api } from '../server.ts'

/** Events that wait for one slow client; older ones give way. */
const MAX_WAITING = 1_000

/**
 * `GET /events`: server-sent events. `message` for each message of the feed, with its number as event id, so that a
 * client that reconnects with `Last-Event-ID` gets what it missed; `peer` for each change of a peer's state.
 */
export function eventRoutes(api: Api, node: GridmeshNode): void {
  const { maxEventStreams } = node.config.http
  let open = 0
  api.get('/events', { sse: { kind: 'only' }, schema: { hide: true } }, async (_request, reply) => {
    if (open >= maxEventStreams) {
      const error = `http.maxEventStreams is ${maxEventStreams}, and as many clients listen`
      throw new HttpRefusalError(503, 'too-many-streams', error)
    }
    open++
    const closed = new AbortController()
    reply.sse.onClose(() => closed.abort())
    // At once: a client may wait for the headers before it does what the first event comes from.
    reply.sse.sendHeaders()
    reply.raw.flushHeaders()
    try {
      await reply.sse.send(events(node, reply.sse.lastEventId, closed.signal))
    } finally {
      open--
    }
  })
}

async function* events(node: GridmeshNode, lastId: string | null, signal: AbortSignal): AsyncIterable<SSEMessage> {
  const waiting: SSEMessage[] = []
  let wake = Promise.withResolvers<void>()
  const push = (message: SSEMessage): void => {
    if (waiting.push(message) > MAX_WAITING) waiting.shift()
    wake.resolve()
  }
  const { peerManager } = node.libp2p.services
  const onPeer = ({ detail }: CustomEvent<{ peer: unknown; from: string; to: string }>): void =>
    push({ event: 'peer', data: { address: String(detail.peer), from: detail.from, to: detail.to } })
  const onAbort = (): void => wake.resolve()
  const end = node.feed.subscribe((item) => push({ event: 'message', id: String(item.number), data: item }))
  peerManager.addEventListener('peer:state', onPeer)
  signal.addEventListener('abort', onAbort)
  try {
    for (const item of missed(node, lastId)) push({ event: 'message', id: String(item.number), data: item })
    while (!signal.aborted) {
      yield* waiting.splice(0)
      await wake.promise
      wake = Promise.withResolvers()
    }
  } finally {
    end()
    peerManager.removeEventListener('peer:state', onPeer)
    signal.removeEventListener('abort', onAbort)
  }
}

/** What came after the last event the client saw, oldest first. */
function missed(node: GridmeshNode, lastId: string | null) {
  const last = Number(lastId ?? Number.NaN)
  if (!Number.isSafeInteger(last)) return []
  return node.feed
    .list({ limit: MAX_WAITING })
    .filter(({ number }) => number > last)
    .toReversed()
}
