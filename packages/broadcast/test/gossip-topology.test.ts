import type { Connection, PeerId, Stream, StreamHandler, Topology } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GossipTopology } from '../src/gossip-topology.ts'
import type { BroadcastComponents } from '../src/index.ts'
import { RETELL_MS } from '../src/constants.ts'
import { peerIds } from './helpers/peer-ids.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

interface FakeStream {
  writeStatus: Stream['writeStatus']
}

/** A libp2p with one peer, and a gossipsub that counts what it is told and opens streams as the real one does. */
async function world() {
  const [peer] = (await peerIds(1)) as [PeerId]
  const id = peer.toString()
  const opened: FakeStream[] = []
  const connection = {
    status: 'open',
    remotePeer: peer,
    newStream: () => {
      const stream: FakeStream = { writeStatus: 'writable' }
      opened.push(stream)
      return Promise.resolve(stream)
    },
  } as unknown as Connection
  const open = new Set([connection])
  const registered: Topology[] = []
  const handlers: StreamHandler[] = []
  const told: Connection[] = []
  const streams = new Map<string, unknown>()
  const components = {
    connectionManager: { getConnections: () => [...open] },
    registrar: {
      register: (_protocol: string, topology: Topology) => Promise.resolve(`${registered.push(topology)}`),
      handle: (_protocol: string, handler: StreamHandler) => Promise.resolve(handlers.push(handler)),
      getProtocols: () => ['/meshsub/1.2.0'],
    },
  } as unknown as BroadcastComponents
  const topology = new GossipTopology(components)
  topology.follow(streams)

  const openStream = async (via = told.at(-1)): Promise<void> => {
    if (!streams.has(id)) streams.set(id, await via?.newStream('/meshsub/1.2.0'))
  }
  const onConnect = (_peer: PeerId, via: Connection): void => void told.push(via)
  await topology.components.registrar.register('/meshsub/1.2.0', { onConnect })
  await topology.components.registrar.handle('/meshsub/1.2.0', (_stream, via) => openStream(via))
  const meet = (): void => void registered[0]?.onConnect?.(peer, connection)
  const hear = async (): Promise<void> => handlers[0]?.({} as Stream, connection)
  return { topology, told, open, meet, hear, connection, streams, opened, openStream, id }
}

it('hands on what libp2p says, and the rest of the registrar and of the connection as it is', async () => {
  const { topology, told, meet } = await world()
  meet()
  expect(told.map(({ status }) => status)).toEqual(['open'])
  expect(topology.components.registrar.getProtocols()).toEqual(['/meshsub/1.2.0'])
})

it('tells again of a linked peer without a stream after RETELL_MS and not 1 ms sooner', async () => {
  const { topology, told, meet } = await world()
  meet()
  vi.advanceTimersByTime(RETELL_MS - 1)
  topology.retell()
  expect(told).toHaveLength(1)
  vi.advanceTimersByTime(1)
  topology.retell()
  topology.retell()
  expect(told).toHaveLength(2)
})

it('tells nothing of a peer with a stream', async () => {
  const { topology, told, meet, openStream, id } = await world()
  meet()
  await openStream()
  expect(topology.hasStream(id)).toBe(true)
  vi.advanceTimersByTime(RETELL_MS)
  topology.retell()
  expect(told).toHaveLength(1)
})

it('takes away a stream that died while it was opened, and tells of its peer again at once, and once', async () => {
  const { topology, told, meet, openStream, opened, streams, id } = await world()
  meet()
  await openStream()
  for (const stream of opened) stream.writeStatus = 'closed'
  expect(topology.hasStream(id)).toBe(false)
  topology.retell()
  topology.retell()
  expect(streams.has(id)).toBe(false)
  expect(told).toHaveLength(2)
  await openStream()
  expect(topology.hasStream(id)).toBe(true)
})

it('takes away a dead stream before gossipsub is told of a new connection, or it would open none', async () => {
  const { topology, meet, openStream, opened, id } = await world()
  meet()
  await openStream()
  for (const stream of opened) stream.writeStatus = 'closed'
  meet()
  await openStream()
  expect(opened).toHaveLength(2)
  expect(topology.hasStream(id)).toBe(true)
})

it('sees the streams that gossipsub opens because the peer has opened one', async () => {
  const { topology, told, hear, opened, streams, id } = await world()
  await hear()
  expect(topology.hasStream(id)).toBe(true)
  for (const stream of opened) stream.writeStatus = 'closed'
  topology.retell()
  expect(streams.has(id)).toBe(false)
  expect(told).toHaveLength(1)
})

it('forgets a peer without a connection, until libp2p tells of it anew', async () => {
  const { topology, told, open, meet, connection } = await world()
  meet()
  open.clear()
  vi.advanceTimersByTime(RETELL_MS)
  topology.retell()
  open.add(connection)
  topology.retell()
  expect(told).toHaveLength(1)
})
