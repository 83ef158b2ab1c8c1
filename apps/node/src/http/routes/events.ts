import type { SSEMessage } from '@fastify/sse'
import type { PeerManagerEvents } from '@gridmesh/interfaces'
import type { TypedEventTarget } from '@libp2p/interface'
import { z } from 'zod'
import type { Feed } from '../../energy/feed.ts'
import { HttpRefusalError } from '../answers.ts'
import { subscribeToChain } from '../chain/events.ts'
import type { ChainHost } from '../chain/of-node.ts'
import { EventQueue } from '../event-queue.ts'
import type { Api } from '../server.ts'

/** Messages of the feed that a client which comes back is sent. */
const MAX_MISSED = 1_000

const NAMES = ['message', 'peer', 'new_block', 'new_transaction', 'chain_reorg', 'sync_progress'] as const
const RULE = `names of events, with commas between: ${NAMES.join(', ')}`

/** `?events=new_block,chain_reorg`: which events are wanted. */
const query = z.strictObject({
  events: z
    .string()
    .transform((text) => text.split(','))
    .refine((names) => names.every((name) => (NAMES as readonly string[]).includes(name)), {
      error: ({ input }) => `expected ${RULE}; got ${JSON.stringify(String(input))}`,
    })
    .optional(),
})

/** What the events are of. */
export interface EventHost extends ChainHost {
  readonly feed: Feed
  readonly libp2p: {
    readonly services: {
      readonly peerManager: Pick<TypedEventTarget<PeerManagerEvents>, 'addEventListener' | 'removeEventListener'>
    }
  }
}

/**
 * `GET /events`: server-sent events. `message` for each message of the feed, with its number as event id, so that a
 * client that reconnects with `Last-Event-ID` gets what it missed; `peer` for each change of a peer's state; and of the
 * chain, where there is one, `new_block`, `new_transaction`, `chain_reorg` and `sync_progress`.
 */
export function eventRoutes(api: Api, node: EventHost): void {
  const { maxEventStreams } = node.config.http
  let open = 0
  const schema = { hide: true, querystring: query }
  api.get('/events', { sse: { kind: 'only' }, schema }, async (request, reply) => {
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
      const wanted = new Set<string>(request.query.events ?? NAMES)
      await reply.sse.send(events(node, wanted, reply.sse.lastEventId, closed.signal))
    } finally {
      open--
    }
  })
}

async function* events(
  node: EventHost,
  wanted: ReadonlySet<string>,
  lastId: string | null,
  signal: AbortSignal,
): AsyncIterable<SSEMessage> {
  const queue = new EventQueue(({ event }) => event === 'new_transaction')
  const push = (message: SSEMessage): void => {
    if (wanted.has(message.event ?? '')) queue.push(message)
  }
  const { peerManager } = node.libp2p.services
  const onPeer = ({ detail }: CustomEvent<{ peer: unknown; from: string; to: string }>): void =>
    push({ event: 'peer', data: { address: String(detail.peer), from: detail.from, to: detail.to } })
  const endFeed = node.feed.subscribe((item) => push({ event: 'message', id: String(item.number), data: item }))
  const endChain = node.chain === undefined ? () => {} : subscribeToChain(node.chain, push)
  peerManager.addEventListener('peer:state', onPeer)
  try {
    for (const item of missed(node, lastId)) push({ event: 'message', id: String(item.number), data: item })
    yield* queue.take(signal)
  } finally {
    endFeed()
    endChain()
    peerManager.removeEventListener('peer:state', onPeer)
  }
}

/** What came after the last event the client saw, oldest first. */
function missed({ feed }: EventHost, lastId: string | null) {
  const last = Number(lastId ?? Number.NaN)
  if (!Number.isSafeInteger(last)) return []
  return feed
    .list({ limit: MAX_MISSED })
    .filter(({ number }) => number > last)
    .toReversed()
}
