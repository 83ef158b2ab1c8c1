import { randomBytes } from 'node:crypto'
import { energyKinds } from '@gridmesh/node'
import { Network, searchOf, startDevnet } from '@gridmesh-internal/support'
import { expect, it, vi } from 'vitest'
import { call, feedIds } from '../src/api.ts'

const soon = { timeout: 10_000, interval: 20 }
const order = { type: 'sell', priceSatangPerKwh: 400, quantityWh: 1_000, zone: 'north' } as const

it.each(['silver', 'podoru'])(
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
