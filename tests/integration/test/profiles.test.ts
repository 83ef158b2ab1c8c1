import { randomBytes } from 'node:crypto'
import type { PublishOptions } from '@gridmesh/interfaces'
import { energyKinds } from '@gridmesh/node'
import { Network, searchOf, startDevnet } from '@gridmesh-internal/support'
import { expect, it, vi } from 'vitest'
import { call, feedIds } from '../src/api.ts'

const soon = { interval: 20 }
const order = { type: 'sell', priceSatangPerKwh: 400, quantityWh: 1_000, zone: 'north' } as const

it.each(['podoru', 'playergold'])(
  'runs the profile %s as a devnet: an order at one node reaches every other',
  async (profile) => {
    const devnet = await startDevnet(3, ['--profile', profile])
    try {
      const [first] = devnet.nodes
      const { status } = await call(first?.url ?? '', '/orders', { ...order, id: `first-of-${profile}` })
      expect(status).toBe(202)
      for (const { url } of devnet.nodes) {
        await vi.waitFor(async () => expect(await feedIds(url)).toContain(`first-of-${profile}`), soon)
      }
    } finally {
      await devnet.stop()
    }
  },
)

it('moves a payload of 16 MiB to every node in the profile silver, whole', async () => {
  const network = await Network.start({ nodes: 3, profile: 'silver' })
  try {
    const payload = randomBytes(16 * 1_024 * 1_024)
    const arrived: boolean[] = []
    for (const { libp2p } of network.nodes.slice(1)) {
      libp2p.services.broadcast.subscribe('archive', (bytes) => {
        arrived.push(payload.equals(bytes))
        return 'accept'
      })
    }
    const { broadcast } = network.node(0).libp2p.services
    const delivery = await broadcast.publish('archive', payload, { lane: 'bulk', strategy: 'flood' })
    expect(await delivery.confirmed(2)).toBe(2)
    expect(arrived).toEqual([true, true])
  } finally {
    await network.stop()
  }
})

it('speaks JSON in the profile podoru, finds peers by the list alone, and keeps its limits', async () => {
  const network = await Network.start({ nodes: 3, profile: 'podoru' })
  try {
    const { config, libp2p } = network.node(0)
    const { envelope } = libp2p.services
    const { kind, lane, codec } = energyKinds['energy-order'].message
    const value = { ...order, id: 'sealed', expiresAtMs: Date.now() + 60_000 }
    const sealed = await envelope.seal({ kind, lane, payload: codec.encode(value) })
    expect(JSON.parse(Buffer.from(sealed).toString())).toMatchObject({ kind })
    expect(Object.keys(searchOf(network.node(0)).stats().strategies)).toEqual(['static'])
    expect(config).toMatchObject({
      pool: { maxInbound: 25, maxOutbound: 25, maxPerIp: 3 },
      limits: { messagesPerSecond: 100 },
      messages: { maxBytes: 10_485_760 },
      http: { host: '127.0.0.1' },
    })
  } finally {
    await network.stop()
  }
})

it('reaches every node over TLS in the profile playergold, by gossip, by flood and directed to AI nodes', async () => {
  const network = await Network.start({ nodes: 3, profile: 'playergold' })
  try {
    const links = network.nodes.flatMap(({ libp2p }) => libp2p.getConnections())
    expect(new Set(links.map(({ encryption }) => encryption))).toEqual(new Set(['/tls/1.0.0']))
    const { broadcast } = network.node(0).libp2p.services
    const ways: [string, PublishOptions][] = [
      ['by gossip', { strategy: 'gossip' }],
      ['by flood', { strategy: 'flood' }],
      ['directed', { to: { capabilities: ['ai-node'] } }],
    ]
    const arrived: string[] = []
    for (const { libp2p } of network.nodes.slice(1)) {
      libp2p.services.broadcast.subscribe('moves', (bytes) => {
        arrived.push(Buffer.from(bytes).toString())
        return 'accept'
      })
    }
    for (const [way, options] of ways) {
      const delivery = await broadcast.publish('moves', Buffer.from(way), options)
      expect(await delivery.confirmed(2)).toBe(2)
    }
    expect(arrived.toSorted()).toEqual(ways.flatMap(([way]) => [way, way]).toSorted())
    expect(network.nodes.map(({ chain }) => chain?.chain.engine.rules.options.forkChoice)).toEqual(
      network.nodes.map(() => 'timestampReputation'),
    )
    // One that came back with other settings learns which.
    await network.node(2).stop()
    const noisy = await network.restart(2, { 'p2p.encryption': 'noise', 'p2p.bootstrap': [] })
    const [address] = network.node(0).libp2p.getMultiaddrs()
    await expect(noisy.libp2p.dial(address ?? [])).rejects.toThrow(/could not negotiate \/noise/)
    await noisy.stop()
    const other = await network.restart(2, { 'chain.forkChoice': 'longest' })
    const { handshake } = other.libp2p.services
    await vi.waitFor(async () => {
      await expect(handshake.whenReady(network.node(0).libp2p.peerId)).rejects.toMatchObject({
        reason: { code: 'wrong-fork-choice', limit: 'chain.forkChoice' },
      })
    }, soon)
  } finally {
    await network.stop()
  }
})
