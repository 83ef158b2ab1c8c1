import type { UnicastHandler } from '@gridmesh/interfaces'
import { defaultLogger } from '@libp2p/logger'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { DuplicateCache } from '../src/duplicate-cache.ts'
import { BroadcastMetrics } from '../src/metrics.ts'
import { SendQueue } from '../src/send-queue.ts'
import { decodeControl, encodeControl } from '../src/tree-codec.ts'
import { TreeControl } from '../src/tree-control.ts'
import { TreeMessages } from '../src/tree-messages.ts'
import { peerIds } from './helpers/peer-ids.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

it('gathers what it tells a peer, and leaves no timer behind when it stops', async () => {
  const [peer] = await peerIds(2)
  const id = new Uint8Array(20)
  const sent: ReturnType<typeof decodeControl>[] = []
  const handlers = new Map<string, UnicastHandler>()
  const unicast = {
    handle: (name: string, handler: UnicastHandler) => void handlers.set(name, handler),
    unhandle: (name: string) => void handlers.delete(name),
    send: async (_peer: unknown, _name: string, bytes: Uint8Array) => {
      sent.push(decodeControl(bytes))
      return { peer, roundTripMs: 0, attempts: 1 }
    },
    request: () => Promise.reject(new TypeError('nothing is requested here')),
  }
  const control = new TreeControl({
    siblings: { unicast },
    peers: { isReady: () => true, report: () => expect.fail('nobody is to blame') },
    cache: new DuplicateCache(10, 1_000),
    puller: { has: () => false, addSource: () => undefined },
    queue: new SendQueue(8, 8),
    trees: { links: () => undefined },
    messages: new TreeMessages(1_000, 1_000),
    metrics: new BroadcastMetrics(undefined),
    log: defaultLogger().forComponent('test'),
    sendDeadlineMs: 1_000,
    ihaveDelayMs: 200,
    graftAfterMs: 500,
    give: () => expect.fail('there is nothing to give'),
  })
  const running = new AbortController()
  control.start(running.signal)
  control.announce([peer], id)
  control.announce([peer], id)
  vi.advanceTimersByTime(200)
  expect(sent).toEqual([{ ihave: [id, id], graft: [], prune: [] }])

  control.announce([peer], id)
  for (const handler of handlers.values()) {
    void handler(encodeControl({ ihave: [id] }), { peer, lane: 'normal', signal: running.signal })
  }
  expect(vi.getTimerCount()).toBe(2)
  control.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect(handlers.size).toBe(0)
  control.announce([peer], id)
  control.prune(peer, id)
  vi.advanceTimersByTime(10_000)
  expect(sent).toHaveLength(1)
})
