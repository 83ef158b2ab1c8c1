import type { UnicastHandler, Verdict } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MAX_HOLDERS, MAX_RECENT_IDS } from '../src/constants.ts'
import { DuplicateCache } from '../src/duplicate-cache.ts'
import { toHex } from '../src/message-id.ts'
import { BroadcastMetrics } from '../src/metrics.ts'
import { SendQueue } from '../src/send-queue.ts'
import { type Control, decodeControl, encodeControl } from '../src/tree-codec.ts'
import { TreeControl } from '../src/tree-control.ts'
import { TreeLinks } from '../src/tree-links.ts'
import { type TreeMessage, TreeMessages } from '../src/tree-messages.ts'
import { peerIds } from './helpers/peer-ids.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

interface Controlled {
  control: TreeControl
  messages: TreeMessages
  cache: DuplicateCache
  links: TreeLinks
  /** Ids of what is being pulled, in hex. */
  pulled: Set<string>
  /** Whether the peer is linked. */
  linked: { isUp: boolean }
  handlers: Map<string, UnicastHandler>
  sent: ReturnType<typeof decodeControl>[]
  /** The peer says something. */
  hear: (control: Partial<Control>) => void
}

/** A started control, and what it sends to whom it hears. */
function controlOf(peer: PeerId): Controlled {
  const sent: ReturnType<typeof decodeControl>[] = []
  const handlers = new Map<string, UnicastHandler>()
  const links = new TreeLinks()
  const cache = new DuplicateCache(10, 1_000)
  const messages = new TreeMessages(10_000, 1_000)
  const pulled = new Set<string>()
  const linked = { isUp: true }
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
    peers: {
      isReachable: () => linked.isUp,
      isReady: () => true,
      report: () => expect.fail('nobody is to blame'),
    },
    cache,
    puller: { has: (id) => pulled.has(id), addSource: () => undefined },
    queue: new SendQueue(8, 8),
    trees: { links: () => links },
    messages,
    metrics: new BroadcastMetrics(undefined),
    log: defaultLogger().forComponent('test'),
    sendDeadlineMs: 1_000,
    ihaveDelayMs: 200,
    graftAfterMs: 500,
    give: () => expect.fail('there is nothing to give'),
  })
  const running = new AbortController()
  control.start(running.signal)
  const hear: Controlled['hear'] = (said) => {
    for (const handler of handlers.values()) {
      void handler(encodeControl(said), { peer, lane: 'normal', signal: running.signal })
    }
  }
  return { control, messages, cache, links, pulled, linked, handlers, sent, hear }
}

function messageOf(id: Uint8Array, first: string): TreeMessage {
  return {
    id,
    wireTopic: 'orders',
    lane: 'normal',
    bytes: new Uint8Array(1),
    isAnnouncement: false,
    origin: '07',
    first,
    holders: new Set([first]),
    isFirstRefused: false,
    isAccepted: false,
    atMs: 0,
    grafts: new Map(),
  }
}

/** As many messages as are counted, by their ids, the latest first. */
function messagesFrom(first: number, count: number): TreeMessage[] {
  return Array.from({ length: count }, (_, n) => {
    const id = new Uint8Array(20)
    new DataView(id.buffer).setUint32(0, first + n)
    return { ...messageOf(id, 'another'), atMs: -n }
  })
}

it('gathers what it tells a peer, and leaves no timer behind when it stops', async () => {
  const [peer] = await peerIds(2)
  const id = new Uint8Array(20)
  const { control, handlers, sent, hear } = controlOf(peer)
  control.announce([peer], id)
  control.announce([peer], id)
  vi.advanceTimersByTime(200)
  expect(sent).toEqual([{ ihave: [id, id], graft: [], prune: [] }])

  control.announce([peer], id)
  hear({ ihave: [id] })
  expect(vi.getTimerCount()).toBe(2)
  control.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect(handlers.size).toBe(0)
  control.announce([peer], id)
  control.prune(peer, id)
  vi.advanceTimersByTime(10_000)
  expect(sent).toHaveLength(1)
})

it('prunes no link to a peer that it did not ask, since the message was being judged', async () => {
  const [teller, bringer] = await peerIds(2)
  const { control, cache, links, sent, hear } = controlOf(teller)
  const id = new Uint8Array(20)
  hear({ ihave: [id] })
  // It comes from another, and its verdict takes longer than the teller would wait to be asked.
  const { promise: verdict } = Promise.withResolvers<Verdict>()
  cache.add(toHex(id), verdict)
  vi.advanceTimersByTime(600)
  expect(control.found(messageOf(id, bringer.toString()), performance.now())).toBe(false)
  expect(sent).toEqual([])
  expect(links.isEager(teller.toString())).toBe(true)
})

it('asks who told of a message while it was being judged, if there was no time to judge it', async () => {
  const [peer] = await peerIds(2)
  const { cache, sent, hear } = controlOf(peer)
  const id = new Uint8Array(20)
  const { promise: verdict } = Promise.withResolvers<Verdict>()
  const known = cache.add(toHex(id), verdict)
  hear({ ihave: [id] })
  vi.advanceTimersByTime(600)
  expect(sent).toEqual([])
  cache.remove(toHex(id), known)
  vi.advanceTimersByTime(500)
  expect(sent).toEqual([{ ihave: [], graft: [id], prune: [] }])
})

it('asks who told of a payload while it was being pulled, if that came to nothing', async () => {
  const [peer] = await peerIds(2)
  const { pulled, sent, hear } = controlOf(peer)
  const id = new Uint8Array(20)
  pulled.add(toHex(id))
  hear({ ihave: [id] })
  vi.advanceTimersByTime(5_000)
  expect(sent).toEqual([])
  pulled.clear()
  vi.advanceTimersByTime(500)
  expect(sent).toEqual([{ ihave: [], graft: [id], prune: [] }])
})

it('waits no longer for what is missing because another message was judged for long', async () => {
  const [peer, bringer] = await peerIds(2)
  const { control, cache, sent, hear } = controlOf(peer)
  const [slow, lost] = [new Uint8Array(20).fill(1), new Uint8Array(20).fill(2)]
  const cameAtMs = performance.now()
  cache.add(toHex(slow), Promise.withResolvers<Verdict>().promise)
  hear({ ihave: [slow] })
  vi.advanceTimersByTime(900)
  control.found(messageOf(slow, bringer.toString()), cameAtMs)
  hear({ ihave: [lost] })
  vi.advanceTimersByTime(1_000)
  expect(sent).toEqual([{ ihave: [], graft: [lost], prune: [] }])
})

it('tells a peer no more in a second than it may hear', async () => {
  const [peer, other] = await peerIds(2)
  const { control, sent } = controlOf(peer)
  const recent = Array.from({ length: MAX_RECENT_IDS }, (_, n) => messageOf(new Uint8Array(20).fill(n), 'another'))
  const told = (): number => sent.reduce((sum, said) => sum + (said?.ihave.length ?? 0), 0)
  for (let topic = 0; topic < 20; topic++) control.tell(peer, recent)
  await vi.advanceTimersByTimeAsync(999)
  expect(told()).toBe(MAX_RECENT_IDS)
  control.tell(other, recent)
  await vi.advanceTimersByTimeAsync(1)
  control.tell(peer, recent)
  await vi.advanceTimersByTimeAsync(0)
  expect(told()).toBe(3 * MAX_RECENT_IDS)
})

it('tells a peer of the latest messages of all topics, however busy one of them is', async () => {
  const [peer] = await peerIds(2)
  const { control, sent } = controlOf(peer)
  const [busy, calm] = [messagesFrom(0, MAX_RECENT_IDS), messagesFrom(10_000, 3)]
  control.tell(peer, busy)
  control.tell(peer, calm)
  await vi.advanceTimersByTimeAsync(0)
  const told = sent.flatMap((said) => said?.ihave ?? []).map(toHex)
  expect(told).toHaveLength(MAX_RECENT_IDS)
  expect(told).toEqual(expect.arrayContaining(calm.map(({ id }) => toHex(id))))
})

it('remembers no more than MAX_HOLDERS of those who say that they have a message', async () => {
  const peers = await peerIds(MAX_HOLDERS + 10)
  const [peer] = await peerIds(2)
  const { messages, handlers } = controlOf(peer)
  const message = messageOf(new Uint8Array(20), 'another')
  messages.add(toHex(message.id), message)
  const { signal } = new AbortController()
  for (const said of [{ ihave: [message.id] }, { prune: [message.id] }]) {
    for (const holder of peers) {
      for (const handler of handlers.values()) {
        void handler(encodeControl(said), { peer: holder, lane: 'normal', signal })
      }
    }
  }
  expect(message.holders.size).toBe(MAX_HOLDERS)
  expect(message.holders.has(peers[0]?.toString() ?? '')).toBe(true)
})

it('does not tell of a message whoever tells us of it first', async () => {
  const [peer] = await peerIds(2)
  const { control, messages, cache, sent, hear } = controlOf(peer)
  const ids = [1, 2].map((n) => new Uint8Array(20).fill(n))
  for (const id of ids) {
    cache.add(toHex(id), 'accept')
    messages.add(toHex(id), messageOf(id, 'another'))
    control.announce([peer], id)
  }
  hear({ ihave: ids.slice(0, 1) })
  vi.advanceTimersByTime(200)
  expect(sent).toEqual([{ ihave: ids.slice(1), graft: [], prune: [] }])
  for (const id of ids) control.announce([peer], id)
  hear({ ihave: ids })
  vi.advanceTimersByTime(200)
  expect(sent).toHaveLength(1)
})

it('tells nothing to who went meanwhile, since that would dial it', async () => {
  const [peer] = await peerIds(2)
  const { control, linked, sent } = controlOf(peer)
  control.announce([peer], new Uint8Array(20))
  linked.isUp = false
  vi.advanceTimersByTime(200)
  expect(sent).toEqual([])
  linked.isUp = true
  control.announce([peer], new Uint8Array(20))
  vi.advanceTimersByTime(200)
  expect(sent).toHaveLength(1)
})
