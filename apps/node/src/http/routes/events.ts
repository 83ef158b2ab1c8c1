import type { SSEMessage } from '@fastify/sse'
import type { FastifyReply } from 'fastify'
import { z } from 'zod'
import { shown } from '../../faults.ts'
import { HttpRefusalError } from '../answers.ts'
import { EventHub, type EventHost, messageEvent } from '../event-hub.ts'
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
      error: ({ input }) => `expected ${RULE}; got ${shown(String(input))}`,
    })
    .optional(),
})

/**
 * `GET /events`: server-sent events. `message` for each message of the feed, with an id, so that a client that reconnects
 * with `Last-Event-ID` gets what it missed, and all that the feed has where the node began anew; `peer` for each change of
 * a peer's state; and of the chain, where there is one, `new_block`, `new_transaction`, `chain_reorg` and `sync_progress`.
 */
export function eventRoutes(api: Api, node: EventHost): void {
  const { maxEventStreams } = node.config.http
  const hub = new EventHub(node)
  const open = new Set<AbortController>()
  api.addHook('preClose', async () => {
    for (const stream of open) stream.abort()
  })
  const schema = { hide: true, querystring: query }
  // No HEAD: it would hold a stream open too, without anything to read.
  api.get(
    '/events',
    { sse: { kind: 'only' }, schema, exposeHeadRoute: false, preSerialization: inOurShape },
    async (request, reply) => {
      if (open.size >= maxEventStreams) {
        const error = `http.maxEventStreams is ${maxEventStreams}, and as many clients listen`
        throw new HttpRefusalError(503, 'too-many-streams', error)
      }
      const ending = new AbortController()
      const ended = Promise.withResolvers<void>()
      ending.signal.addEventListener('abort', () => ended.resolve())
      reply.sse.onClose(() => ending.abort())
      open.add(ending)
      // At once: a client may wait for the headers before it does what the first event comes from.
      reply.sse.sendHeaders()
      reply.raw.flushHeaders()
      const wanted = new Set<string>(request.query.events ?? NAMES)
      const sent = events(node, hub, wanted, reply.sse.lastEventId, ending.signal)
      try {
        // A write that waits for a client to read never ends once that client has gone.
        await Promise.race([reply.sse.send(sent), ended.promise])
      } finally {
        open.delete(ending)
        await sent.return()
        // Nor does the end of the stream wait for one that does not read.
        if (reply.raw.writableNeedDrain) reply.raw.destroy()
      }
    },
  )
}

async function* events(
  node: EventHost,
  hub: EventHub,
  wanted: ReadonlySet<string>,
  lastId: string | null,
  signal: AbortSignal,
): AsyncGenerator<SSEMessage, void> {
  const queue = new EventQueue(({ event }) => event === 'new_transaction')
  const push = (message: SSEMessage): void => {
    if (wanted.has(message.event ?? '')) queue.push(message)
  }
  const unsubscribe = hub.subscribe(push)
  try {
    const missed = lastId === null ? [] : node.feed.after(lastId, MAX_MISSED)
    for (const item of missed) push(messageEvent(node.feed, item))
    yield* queue.take(signal)
  } finally {
    unsubscribe()
  }
}

/** What the stream's plugin refuses, a client that takes no events, is answered as all else is. */
async function inOurShape(_: unknown, { statusCode }: FastifyReply, answer: unknown): Promise<unknown> {
  if (statusCode !== 406) return answer
  return { success: false, error: 'accept: expected text/event-stream', code: 'not-acceptable' }
}
