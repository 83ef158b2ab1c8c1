import type { HandshakeService, PeerRefused } from '@gridmesh/handshake'
import { type EnergyOrder, energyKinds } from '@gridmesh/node'
import { Network } from '@gridmesh-internal/support'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ForeignProcess, GENERATIONS } from '../src/foreign-process.ts'
import { soon } from '../src/meeting.ts'

// The nodes must make it too, on a busy machine.
const DEADLINE_MS = 5_000

let network: Network
const refused: PeerRefused[] = []

beforeAll(async () => {
  network = await Network.start({ nodes: 2, flags: { 'handshake.deadlineMs': DEADLINE_MS } })
  const handshake = network.node(0).libp2p.services.handshake as HandshakeService
  handshake.addEventListener('peer:refused', ({ detail }) => refused.push(detail))
})
afterAll(() => network.stop())

// Whoever knocked: the nodes are ready with each other, and what one says arrives.
let orders = 0
afterEach(async () => {
  await network.whenConnected()
  const id = `order-${++orders}`
  const order: EnergyOrder = {
    id,
    type: 'sell',
    priceSatangPerKwh: 400,
    quantityWh: 1,
    zone: 'north',
    expiresAtMs: Date.now() + 60_000,
  }
  await network.node(0).energy.publish(energyKinds['energy-order'], order)
  await vi.waitFor(() => {
    const ids = network
      .node(1)
      .feed.list()
      .map(({ value }) => (value as EnergyOrder).id)
    expect(ids).toContain(id)
  }, soon)
})

describe.each(GENERATIONS)('$name', (kind) => {
  let foreign: ForeignProcess
  beforeAll(async () => {
    foreign = await ForeignProcess.start(kind)
  })
  afterAll(() => foreign.kill())

  /** The refusal with this code, once the foreign peer has been parted from. */
  const refusalWith = async (code: string): Promise<PeerRefused | undefined> => {
    const { peer } = await foreign.self
    const find = () => refused.find((refusal) => String(refusal.peer) === peer && refusal.reason.code === code)
    await vi.waitFor(() => {
      expect(find()).toBeDefined()
      expect(foreign.told('disconnected')).not.toEqual([])
      expect(network.node(0).libp2p.getConnections(peerIdFromString(peer)).length).toBe(0)
    }, soon)
    return find()
  }

  it('is disconnected by a whole node that it dials, for saying no hello until the deadline', async () => {
    await foreign.ask('dial', { address: String(network.node(0).libp2p.getMultiaddrs()[0]) })
    expect(await refusalWith('timeout')).toMatchObject({
      by: 'us',
      reason: { message: expect.stringContaining(`${DEADLINE_MS} ms`), limit: 'deadlineMs' },
    })
  })

  it('is disconnected by a whole node that dials it, for not speaking the handshake', async () => {
    const { address } = await foreign.self
    // It may be over before the dial is.
    await network
      .node(0)
      .libp2p.dial(multiaddr(address))
      .catch(() => undefined)
    expect(await refusalWith('unsupported')).toMatchObject({
      by: 'us',
      reason: { message: expect.stringContaining('/gridmesh/handshake/1') },
    })
  })
})
