import { randomBytes } from 'node:crypto'
import { type EnergyOrder, type GridEmergency, type GridmeshNode, energyKinds } from '@gridmesh/node'
import { Network } from '@gridmesh-internal/support'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { counter } from '../src/counters.ts'
import { Stranger } from '../src/stranger.ts'

const soon = { interval: 20 }
const NORMAL = '/gridmesh/unicast/1/normal'

let network: Network
const strangers: Stranger[] = []
const introduce = async (stranger: Promise<Stranger>): Promise<Stranger> => {
  strangers.push(await stranger)
  return stranger
}

beforeAll(async () => {
  network = await Network.start({ nodes: 4, flags: { 'handshake.deadlineMs': 8_000 } })
})
afterAll(() => network.stop())

// Whatever a stranger did: the honest nodes are all still there, and what they say arrives.
let orders = 0
afterEach(async () => {
  for (const stranger of strangers.splice(0)) await stranger.stop()
  await network.whenConnected()
  const id = `honest-${++orders}`
  await network.node(1).energy.publish(energyKinds['energy-order'], order(id))
  const has = (node: GridmeshNode): boolean => node.feed.list().some(({ value }) => (value as EnergyOrder).id === id)
  await vi.waitFor(() => {
    const lacking = network.nodes.filter((node) => !has(node)).map(({ config: { name } }) => name)
    expect(lacking, `nodes without ${id}`).toEqual([])
  }, soon)
})

function order(id: string): EnergyOrder {
  return { id, type: 'sell', priceSatangPerKwh: 400, quantityWh: 1, zone: 'north', expiresAtMs: Date.now() + 60_000 }
}

/** The envelope of a message as our own router would send it to the first node. */
async function sealedOrder(stranger: Stranger, id: string): Promise<Uint8Array> {
  const { message } = energyKinds['energy-order']
  const recipient = network.node(0).libp2p.peerId.toMultihash().bytes
  const payload = Buffer.concat([field(1, message.codec.encode(order(id))), field(2, recipient)])
  return stranger.libp2p.services.envelope.seal({ kind: message.kind, lane: message.lane, payload })
}

/** A protobuf field of bytes. */
function field(number: number, bytes: Uint8Array): Uint8Array {
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  return Uint8Array.from([(number << 3) | 2, ...length, ...bytes])
}

it('refuses a peer of another chain, with a code that both sides see and count', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0), { chainId: 'another' }))
  await expect(stranger.meet(network.node(0))).rejects.toMatchObject({
    name: 'HandshakeRejectedError',
    code: 'wrong-chain',
  })
  await vi.waitFor(async () => {
    expect(await counter(network.node(0), 'gridmesh_handshake_outcomes_total', 'wrong-chain')).toBe(1)
  }, soon)
})

it('closes the connection of a peer that never says hello, after the deadline', async () => {
  const stranger = await introduce(Stranger.silent())
  await stranger.dial(network.node(0))
  await vi.waitFor(() => expect(stranger.libp2p.getConnections()).toEqual([]), soon)
  expect(network.node(0).libp2p.services.handshake.isReady(stranger.libp2p.peerId)).toBe(false)
})

it('accepts no stream of ours from a peer that has not shaken hands', async () => {
  const stranger = await introduce(Stranger.silent())
  await stranger.dial(network.node(0))
  const stream = await stranger.open(network.node(0), NORMAL)
  stream.send(randomBytes(100))
  await vi.waitFor(() => expect(stream.status).not.toBe('open'), soon)
})

it('answers garbage after the handshake with the end of that stream, and blames the peer', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0)))
  await stranger.meet(network.node(0))
  const stream = await stranger.open(network.node(0), NORMAL)
  stream.send(Uint8Array.from({ length: 2_000 }, () => 0xff))
  await vi.waitFor(() => expect(stream.status).not.toBe('open'), soon)
  await vi.waitFor(async () => {
    const { peerManager } = network.node(0).libp2p.services
    expect(peerManager.explain(stranger.libp2p.peerId).join()).toContain('protocol')
    expect(await counter(network.node(0), 'gridmesh_peer_manager_reports_total', 'protocol-violation')).toBeGreaterThan(
      0,
    )
  }, soon)
})

it('refuses a message larger than the limit, and blames the peer', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0)))
  await stranger.meet(network.node(0))
  const blamed = (): Promise<number> => counter(network.node(0), 'gridmesh_peer_manager_reports_total', 'rate-limited')
  const before = await blamed()
  const oversized = new Uint8Array(network.node(0).config.messages.maxBytes + 1)
  // The stranger's own limit is that of the node.
  await expect(
    stranger.libp2p.services.unicast.send(network.node(0).libp2p.peerId, 'message', oversized),
  ).rejects.toMatchObject({ code: 'message-too-large' })
  expect(await blamed()).toBe(before)
  const stream = await stranger.open(network.node(0), NORMAL)
  // A first frame that announces 2^40 bytes.
  stream.send(frameThatAnnounces(2 ** 40))
  await vi.waitFor(async () => expect(await blamed()).toBeGreaterThan(before), soon)
})

it('takes an envelope once: the second time it is a replay', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0)))
  await stranger.meet(network.node(0))
  const { unicast } = stranger.libp2p.services
  const { peerId } = network.node(0).libp2p
  const bytes = await sealedOrder(stranger, 'replayed')
  await unicast.send(peerId, 'message', bytes)
  await expect(unicast.send(peerId, 'message', bytes)).rejects.toMatchObject({
    code: expect.stringContaining('replay'),
  })
  await vi.waitFor(() => {
    const ids = network
      .node(0)
      .feed.list()
      .map(({ value }) => (value as EnergyOrder).id)
    expect(ids.filter((id) => id === 'replayed')).toHaveLength(1)
  }, soon)
  expect(await counter(network.node(0), 'gridmesh_envelope_refused_total', 'replay')).toBe(1)
})

it('refuses a forged signature, and blames the peer that brought it', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0)))
  await stranger.meet(network.node(0))
  const { peerId } = network.node(0).libp2p
  const bytes = await sealedOrder(stranger, 'forged')
  const last = bytes.length - 1
  bytes[last] = (bytes[last] ?? 0) ^ 1
  await expect(stranger.libp2p.services.unicast.send(peerId, 'message', bytes)).rejects.toMatchObject({
    code: expect.stringContaining('signature'),
  })
  await vi.waitFor(async () => {
    expect(await counter(network.node(0), 'gridmesh_peer_manager_reports_total', 'invalid-signature')).toBe(1)
    // A reputation is settled at the end of the tick.
    expect(network.node(0).libp2p.services.peerManager.reputation(stranger.libp2p.peerId)).toBeLessThan(0)
  }, soon)
})

it("refuses an emergency of a key that is no authority's, blames the peer, and counts it", async () => {
  const producer = network.node(3)
  const { message } = energyKinds['grid-emergency']
  const value: GridEmergency = {
    id: 'false-alarm',
    severity: 'critical',
    zones: ['north'],
    requiredAction: 'disconnect',
    message: '',
  }
  await producer.libp2p.services.messages.broadcast(message, value)
  await vi.waitFor(async () => {
    expect(await counter(network.node(0), 'gridmesh_energy_messages_total', 'not-authority')).toBeGreaterThan(0)
  }, soon)
  const { peerManager } = network.node(0).libp2p.services
  await vi.waitFor(() => expect(peerManager.reputation(producer.libp2p.peerId)).toBeLessThan(0), soon)
  expect(network.node(0).feed.list({ kind: 'grid-emergency' })).toEqual([])
})

it('lives through a stream that is reset while it drains', async () => {
  const stranger = await introduce(Stranger.polite(network.node(0)))
  await stranger.meet(network.node(0))
  const bulk = network
    .node(0)
    .libp2p.services.unicast.send(stranger.libp2p.peerId, 'nothing', new Uint8Array(8_000_000), {
      lane: 'bulk',
      deadlineMs: 5_000,
    })
  bulk.catch(() => {})
  await vi.waitFor(() => {
    const streams = stranger.libp2p.getConnections().flatMap((connection) => connection.streams)
    const bulkStreams = streams.filter(({ protocol }) => protocol === '/gridmesh/unicast/1/bulk')
    expect(bulkStreams).not.toEqual([])
    for (const stream of bulkStreams) stream.abort(new Error('reset on purpose'))
  }, soon)
  await expect(bulk).rejects.toBeInstanceOf(Error)
})

it('lives through 10,000 rapid streams of one peer: keeps two at most, refuses and counts the others', async () => {
  const stranger = await introduce(Stranger.unlimited(network.node(0)))
  await stranger.meet(network.node(0))
  const isConnected = (): boolean => stranger.libp2p.getConnections().length > 0
  for (let burst = 0; burst < 100 && isConnected(); burst++) {
    const results = await Promise.allSettled(Array.from({ length: 100 }, () => stranger.open(network.node(0), NORMAL)))
    const streams = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
    await vi.waitFor(
      () => expect(streams.filter(({ status }) => status === 'open').length).toBeLessThanOrEqual(2),
      soon,
    )
    for (const stream of streams) stream.abort(new Error('next'))
  }
  expect(await counter(network.node(0), 'gridmesh_rate_limiter_refused_total', 'streamsPerSecond')).toBeGreaterThan(0)
  const { peerManager } = network.node(0).libp2p.services
  await vi.waitFor(() => expect(peerManager.reputation(stranger.libp2p.peerId)).toBeLessThan(0), soon)
}, 120_000)

/** The first frame of a message, by hand: flags, id, announced length, length of this piece, the piece. */
function frameThatAnnounces(total: number): Uint8Array {
  const varint: number[] = []
  for (let rest = total; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) {
      varint.push(rest)
      break
    }
    varint.push((rest % 128) | 128)
  }
  return Uint8Array.from([1, 1, ...varint, 1, 0])
}
