import { setImmediate } from 'node:timers/promises'
import { defaultLogger } from '@libp2p/logger'
import type { Connection, NewStreamOptions, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RETELL_MS, STREAM_OPEN_MS } from '../src/constants.ts'
import { GossipTopology } from '../src/gossip-topology.ts'
import type { BroadcastComponents } from '../src/index.ts'
import { peerIds } from './helpers/peer-ids.ts'

const PROTOCOLS = ['/meshsub/1.2.0', '/meshsub/1.1.0']

beforeEach(() => vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => vi.useRealTimers())

class FakeStream extends EventTarget {
  status: Stream['status'] = 'open'
  writeStatus: Stream['writeStatus'] = 'writable'

  async close(): Promise<void> {
    await Promise.resolve()
    this.abort()
  }

  abort(): void {
    this.status = 'aborted'
    this.writeStatus = 'closed'
    this.dispatchEvent(new Event('close'))
  }
}

function refusal(): Promise<never> {
  const refused = Promise.reject(new TypeError('reset'))
  // It is looked at a turn later.
  refused.catch(() => undefined)
  return refused
}

/** A connection that opens streams at once, or when it is told to. */
class FakeConnection {
  status = 'open'
  readonly opened: FakeStream[] = []
  readonly asked: { protocols: string | string[]; options: NewStreamOptions | undefined }[] = []
  /** Streams are opened when this resolves. */
  turn: Promise<unknown> = Promise.resolve()
  readonly remotePeer: PeerId

  constructor(remotePeer: PeerId) {
    this.remotePeer = remotePeer
  }

  async newStream(protocols: string | string[], options?: NewStreamOptions): Promise<FakeStream> {
    this.asked.push({ protocols, options })
    await this.turn
    options?.signal?.throwIfAborted()
    const stream = new FakeStream()
    this.opened.push(stream)
    return stream
  }

  /** As libp2p does: the streams go first. */
  close(): void {
    for (const stream of this.opened) stream.abort()
    this.status = 'closed'
  }
}

/** A libp2p with connections to peers, and a gossipsub that takes a stream, one after the other, as the real one does. */
async function world(peers = 1, onTold: () => void = () => undefined, isStarted = true) {
  const connections = (await peerIds(peers)).map((peer) => new FakeConnection(peer))
  const [first] = connections
  if (first === undefined) throw new RangeError('no peer')
  const registered: Topology[] = []
  const handlers: StreamHandler[] = []
  const told: string[] = []
  const heard: unknown[] = []
  const streams = new Map<string, unknown>()
  const inbound = new Map<string, unknown>()
  const onStream = vi.fn<() => void>()
  const components = {
    logger: defaultLogger(),
    connectionManager: {
      getConnections: (peer: PeerId) => connections.filter(({ remotePeer }) => remotePeer.equals(peer)),
    },
    registrar: {
      register: async (_protocol: string, topology: Topology) => `${registered.push(topology)}`,
      handle: async (_protocol: string, handler: StreamHandler) => handlers.push(handler),
      getProtocols: () => PROTOCOLS,
    },
  } as unknown as BroadcastComponents
  const used = vi.fn<() => Connection | undefined>()
  const topology = new GossipTopology(components, { used, isReady: () => true })
  topology.follow({ streamsOutbound: streams, streamsInbound: inbound }, onStream)
  if (isStarted) topology.start()

  let queue = Promise.resolve()
  const open = async (peer: PeerId, via: Connection): Promise<void> => {
    if (!streams.has(peer.toString())) streams.set(peer.toString(), await via.newStream(PROTOCOLS))
  }
  const enqueue = (peer: PeerId, via: Connection): void => {
    queue = queue.then(async () => open(peer, via)).catch(() => undefined)
  }
  const onConnect = (peer: PeerId, via: Connection): void => {
    told.push(peer.toString())
    onTold()
    enqueue(peer, via)
  }
  const { registrar } = topology.components
  for (const protocol of PROTOCOLS) await registrar.register(protocol, { onConnect })
  await registrar.handle('/meshsub/1.2.0', (stream, via) => {
    heard.push(stream)
    inbound.set(via.remotePeer.toString(), stream)
    enqueue(via.remotePeer, via)
  })
  const settle = async (): Promise<void> => {
    // The turn in which streams are opened.
    await setImmediate()
    await queue
    await vi.advanceTimersByTimeAsync(0)
    await queue
  }
  const identify = async ({ remotePeer }: FakeConnection, via: unknown = first): Promise<void> => {
    for (const each of registered) void each.onConnect?.(remotePeer, via as Connection)
    await settle()
  }
  const meet = async (): Promise<void> => identify(first)
  const hear = (stream = new FakeStream()): unknown =>
    handlers[0]?.(stream as unknown as Stream, first as unknown as Connection)
  const id = first.remotePeer.toString()
  return {
    topology,
    told,
    heard,
    connections,
    first,
    meet,
    identify,
    hear,
    settle,
    streams,
    inbound,
    onStream,
    id,
    used,
  }
}

it('opens one stream with all protocols, in their order, and tells gossipsub once', async () => {
  const { topology, told, first, meet, streams, onStream, id } = await world()
  await meet()
  expect(first.asked.map(({ protocols }) => protocols)).toEqual([PROTOCOLS])
  expect(told).toEqual([id])
  expect(streams.get(id)).toBe(first.opened[0])
  expect(topology.hasStream(id)).toBe(true)
  expect(onStream).toHaveBeenCalledTimes(1)
  expect(topology.components.registrar.getProtocols()).toEqual(PROTOCOLS)
})

it('lets no peer wait for another whose stream does not open', async () => {
  const { told, connections, identify, streams } = await world(3)
  const ids = connections.map(({ remotePeer }) => remotePeer.toString())
  for (const connection of connections) {
    if (connection === connections[0]) connection.turn = new Promise(() => undefined)
    await identify(connection, connection)
  }
  expect(told).toEqual(ids.slice(1))
  expect([...streams.keys()]).toEqual(ids.slice(1))
})

it('gives a stream STREAM_OPEN_MS to open, and leaves no timer behind where it opens', async () => {
  const { first, meet } = await world()
  await meet()
  expect(vi.getTimerCount()).toBe(0)
  first.opened[0]?.abort()
  first.turn = new Promise(() => undefined)
  await meet()
  await vi.advanceTimersByTimeAsync(STREAM_OPEN_MS - 1)
  const signals = first.asked.map(({ options }) => options?.signal)
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, false])
  await vi.advanceTimersByTimeAsync(1)
  expect(signals.map((signal) => signal?.aborted)).toEqual([false, true])
})

it('tells again of a linked peer without a stream after RETELL_MS and not 1 ms sooner', async () => {
  const { topology, told, first, meet, settle, id } = await world()
  first.turn = refusal()
  await meet()
  first.turn = Promise.resolve()
  await vi.advanceTimersByTimeAsync(RETELL_MS - 1)
  topology.retell()
  await settle()
  expect(told).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  topology.retell()
  topology.retell()
  await settle()
  expect(told).toEqual([id])
  expect(first.asked).toHaveLength(2)
})

it('gives up a stream that the router fails to take, leaves no rejection unhandled, and tells again', async () => {
  const unhandled = vi.fn<() => void>()
  process.on('unhandledRejection', unhandled)
  try {
    const failing = vi.fn<() => void>().mockImplementationOnce(() => {
      throw new TypeError('a router of the caller')
    })
    const { topology, told, first, settle, streams, id } = await world(1, failing)
    topology.meet(first.remotePeer)
    await settle()
    await setImmediate()
    expect(unhandled).not.toHaveBeenCalled()
    expect(first.opened.map(({ writeStatus }) => writeStatus)).toEqual(['closed'])
    vi.advanceTimersByTime(RETELL_MS)
    topology.retell()
    await settle()
    expect(told).toEqual([id, id])
    expect(streams.get(id)).toBe(first.opened[1])
  } finally {
    process.off('unhandledRejection', unhandled)
  }
})

it('tells nothing of a peer with a stream', async () => {
  const { topology, told, first, meet, settle } = await world()
  await meet()
  vi.advanceTimersByTime(RETELL_MS)
  topology.retell()
  await meet()
  await settle()
  expect(told).toHaveLength(1)
  expect(first.asked).toHaveLength(1)
})

it('takes away a stream that died, and tells of its peer again at the next heartbeat, once', async () => {
  const { topology, told, first, meet, settle, streams, id } = await world()
  await meet()
  first.opened[0]?.abort()
  expect(topology.hasStream(id)).toBe(false)
  topology.retell()
  expect(streams.has(id)).toBe(false)
  topology.retell()
  await settle()
  expect(told).toHaveLength(2)
  expect(topology.hasStream(id)).toBe(true)
})

it('opens another stream at once where another connection is left', async () => {
  const { topology, told, first, meet, settle, connections, streams, id } = await world()
  const second = new FakeConnection(first.remotePeer)
  connections.push(second)
  await meet()
  first.close()
  await settle()
  expect(told).toHaveLength(2)
  expect(streams.get(id)).toBe(second.opened[0])
  expect(topology.hasStream(id)).toBe(true)
})

it('opens it on the newest connection that is left: the peer may have lost the older ones, and be back on that', async () => {
  const { first, meet, settle, connections, streams, id } = await world()
  const [older, newest] = [new FakeConnection(first.remotePeer), new FakeConnection(first.remotePeer)]
  connections.push(older, newest)
  await meet()
  first.close()
  await settle()
  expect(streams.get(id)).toBe(newest.opened[0])
  expect(older.asked).toEqual([])
})

it('moves it to the connection that is used, and ends the one before only when gossipsub has the other', async () => {
  const { topology, first, meet, connections, streams, identify, id, used } = await world()
  const second = new FakeConnection(first.remotePeer)
  connections.push(second)
  await meet()
  await identify(second, second)
  expect(second.asked).toEqual([])
  used.mockReturnValue(second as unknown as Connection)
  const before = first.opened[0]
  const heldAtEnd: unknown[] = []
  before?.addEventListener('close', () => heldAtEnd.push(streams.get(id)))
  // Whichever of them calls for it.
  await meet()
  expect(heldAtEnd).toEqual([second.opened[0]])
  expect(topology.hasStream(id)).toBe(true)
  await identify(second, second)
  expect([first, second].map(({ asked }) => asked.length)).toEqual([1, 1])
})

it('leaves it where it is while none opens on the connection that is used', async () => {
  const { topology, first, meet, connections, streams, id, used } = await world()
  const second = new FakeConnection(first.remotePeer)
  connections.push(second)
  await meet()
  second.turn = refusal()
  used.mockReturnValue(second as unknown as Connection)
  await meet()
  expect(streams.get(id)).toBe(first.opened[0])
  expect(topology.hasStream(id)).toBe(true)
})

it('opens none in the turn in which another ended: its connection may be the next to end, and yamux would throw', async () => {
  const { first, meet, settle, connections } = await world()
  const second = new FakeConnection(first.remotePeer)
  connections.push(second)
  await meet()
  first.close()
  await Promise.resolve()
  expect(second.asked).toHaveLength(0)
  await settle()
  expect(second.asked).toHaveLength(1)
})

it('does that once between two heartbeats, or a peer could keep it busy', async () => {
  const { topology, told, first, meet, settle, connections } = await world()
  connections.push(new FakeConnection(first.remotePeer))
  await meet()
  const close = async (): Promise<void> => {
    for (const { opened } of connections) for (const stream of opened) stream.abort()
    await settle()
  }
  await close()
  await close()
  expect(told).toHaveLength(2)
  topology.retell()
  await settle()
  expect(told).toHaveLength(3)
  await close()
  expect(told).toHaveLength(4)
})

it('takes away a dead stream before gossipsub is told of a new connection, or it would open none', async () => {
  const { topology, first, meet, id } = await world()
  await meet()
  first.opened[0]?.abort()
  await meet()
  expect(first.opened).toHaveLength(2)
  expect(topology.hasStream(id)).toBe(true)
})

it('opens a stream to a ready peer that libp2p has not identified, and to one without a connection none', async () => {
  const { topology, first, settle, connections, id } = await world()
  topology.meet(first.remotePeer)
  await settle()
  expect(topology.hasStream(id)).toBe(true)
  connections.length = 0
  topology.meet(first.remotePeer)
  await settle()
  expect(first.asked).toHaveLength(1)
})

it('opens a stream to a peer that has opened one, before gossipsub hears it', async () => {
  const { topology, heard, first, hear, settle, id } = await world()
  const turn = Promise.withResolvers<void>()
  first.turn = turn.promise
  void hear()
  await settle()
  expect(heard).toHaveLength(0)
  turn.resolve()
  await settle()
  expect(heard).toHaveLength(1)
  expect(topology.hasStream(id)).toBe(true)
  expect(first.opened).toHaveLength(1)
})

it('lets gossipsub hear a peer that no stream can be opened to', async () => {
  const { topology, heard, first, hear, settle, id } = await world()
  first.turn = refusal()
  void hear()
  await settle()
  expect(heard).toHaveLength(1)
  expect(topology.hasStream(id)).toBe(false)
  expect(first.asked).toHaveLength(1)
})

it('forgets a peer without a connection, until libp2p tells of it anew', async () => {
  const { topology, told, first, meet, settle, connections, id } = await world()
  await meet()
  connections.length = 0
  first.close()
  topology.retell()
  expect(topology.peer(id)).toBeUndefined()
  connections.push(new FakeConnection(first.remotePeer))
  topology.retell()
  await settle()
  expect(told).toHaveLength(1)
})

it('closes what opens after it was stopped', async () => {
  const { topology, told, first, meet, settle } = await world()
  const turn = Promise.withResolvers<void>()
  first.turn = turn.promise
  await meet()
  topology.stop()
  turn.resolve()
  await settle()
  expect(told).toEqual([])
  expect(first.opened.map(({ writeStatus }) => writeStatus)).toEqual(['closed'])
})

it('opens no stream and lets none be heard before gossipsub has started', async () => {
  const { topology, told, heard, first, meet, hear, settle, id } = await world(1, undefined, false)
  await meet()
  void hear()
  await settle()
  expect([told, heard, first.asked]).toEqual([[], [], []])
  topology.start()
  await settle()
  await settle()
  expect([told, heard.length, first.asked.length]).toEqual([[id], 1, 1])
})

it('refuses what waited for gossipsub where that was stopped instead, and starts again', async () => {
  const { topology, told, heard, meet, hear } = await world(1, undefined, false)
  await meet()
  const hearing = hear()
  topology.stop()
  await expect(hearing).rejects.toMatchObject({ name: 'ConnectionFailedError' })
  expect([told, heard]).toEqual([[], []])
  topology.start()
  await meet()
  expect(told).toHaveLength(1)
})

it('ends the streams of a peer that gossipsub hears no more, at the next heartbeat, and no others', async () => {
  const { topology, hear, settle, inbound, id } = await world()
  const streams = [new FakeStream(), new FakeStream()]
  for (const stream of streams) void hear(stream)
  await settle()
  topology.retell()
  expect(streams.map(({ writeStatus }) => writeStatus)).toEqual(['writable', 'writable'])
  inbound.delete(id)
  topology.retell()
  expect(streams.map(({ writeStatus }) => writeStatus)).toEqual(['closed', 'closed'])
})

it('tells again of a peer whose stream died at the next heartbeat, though gossipsub has let go of it by then', async () => {
  const { topology, told, first, meet, settle, streams, id } = await world()
  await meet()
  first.opened[0]?.abort()
  streams.delete(id)
  topology.retell()
  await settle()
  expect(told).toHaveLength(2)
})

it('opens none on another connection of a peer whose stream ends because gossipsub stops', async () => {
  const { topology, first, meet, settle, connections, streams } = await world()
  const second = new FakeConnection(first.remotePeer)
  connections.push(second)
  await meet()
  topology.stop()
  streams.clear()
  first.opened[0]?.abort()
  await settle()
  expect(second.asked).toEqual([])
})

it('keeps a stream from gossipsub that ended while it waited, or that of the peer before it would be replaced', async () => {
  const { heard, first, hear, settle } = await world()
  const turn = Promise.withResolvers<void>()
  first.turn = turn.promise
  const [ended, open] = [new FakeStream(), new FakeStream()]
  for (const stream of [open, ended]) void hear(stream)
  ended.abort()
  turn.resolve()
  await settle()
  expect(heard).toEqual([open])
})
