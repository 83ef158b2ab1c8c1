import type { Connection, PeerId, Topology } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { GossipTopology } from '../src/gossip-topology.ts'
import type { BroadcastComponents } from '../src/index.ts'
import { RETELL_MS } from '../src/constants.ts'
import { peerIds } from './helpers/peer-ids.ts'

beforeEach(() => vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => vi.useRealTimers())

/** A libp2p with one peer, and a gossipsub that counts what it is told. */
async function world() {
  const [peer] = (await peerIds(1)) as [PeerId]
  const connection = { status: 'open' } as Connection
  const open = new Set([connection])
  const registered: Topology[] = []
  const told: Connection[] = []
  const components = {
    connectionManager: { getConnections: () => [...open] },
    registrar: {
      register: (_protocol: string, topology: Topology) => Promise.resolve(`${registered.push(topology)}`),
      getProtocols: () => ['/meshsub/1.2.0'],
    },
  } as unknown as BroadcastComponents
  const topology = new GossipTopology(components)
  const onConnect = (_peer: PeerId, via: Connection): void => void told.push(via)
  await topology.components.registrar.register('/meshsub/1.2.0', { onConnect })
  const meet = (): void => void registered[0]?.onConnect?.(peer, connection)
  return { topology, told, open, meet, connection }
}

it('hands on what libp2p says, and the rest of the registrar as it is', async () => {
  const { topology, told, meet, connection } = await world()
  meet()
  expect(told).toEqual([connection])
  expect(topology.components.registrar.getProtocols()).toEqual(['/meshsub/1.2.0'])
})

it('tells again of a linked peer without a stream after RETELL_MS and not 1 ms sooner', async () => {
  const { topology, told, meet } = await world()
  meet()
  vi.advanceTimersByTime(RETELL_MS - 1)
  topology.retell(() => false)
  expect(told).toHaveLength(1)
  vi.advanceTimersByTime(1)
  topology.retell(() => false)
  topology.retell(() => false)
  expect(told).toHaveLength(2)
})

it('tells nothing of a peer with a stream', async () => {
  const { topology, told, meet } = await world()
  meet()
  vi.advanceTimersByTime(RETELL_MS)
  topology.retell(() => true)
  expect(told).toHaveLength(1)
})

it('forgets a peer without a connection, until libp2p tells of it anew', async () => {
  const { topology, told, open, meet, connection } = await world()
  meet()
  open.clear()
  vi.advanceTimersByTime(RETELL_MS)
  topology.retell(() => false)
  open.add(connection)
  topology.retell(() => false)
  expect(told).toHaveLength(1)
})
