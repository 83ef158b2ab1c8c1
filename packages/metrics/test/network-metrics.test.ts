import type { Lane, PeerRecord, Traffic } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { beforeAll, expect, it } from 'vitest'
import { metrics, type MetricsInit } from '../src/index.ts'
import { fakeComponents, linesOf } from './components.ts'

const NONE: Traffic = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }

let id: PeerRecord['id']
beforeAll(async () => {
  id = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
})

function peer(parts: Partial<PeerRecord> & { region?: string; lanes?: Partial<Record<Lane, Traffic>> }): PeerRecord {
  const { region = 'north', lanes = {}, ...others } = parts
  const hello = {
    protocol: { min: 1, max: 1 },
    chainId: 'c',
    genesisHash: '',
    height: 0,
    tipHash: '',
    role: 'node',
    region,
    capabilities: [],
    listenAddresses: [],
    userAgent: '',
    timeMs: 0,
  }
  const traffic = { critical: NONE, high: NONE, normal: NONE, bulk: NONE, ...lanes }
  const times = { firstSeenMs: 0, lastSeenMs: 0 }
  return {
    id,
    state: 'ready',
    addresses: [],
    hello,
    height: 0,
    ...times,
    traffic,
    failures: 0,
    reputation: 0,
    ...others,
  }
}

function serviceOver(initial: Record<string, PeerRecord>, init: MetricsInit = {}) {
  let peers = new Map(Object.entries(initial))
  const { components, events } = fakeComponents(() => peers)
  const service = metrics({ measureProcess: false, measureEventLoop: false, ...init })(components)
  const set = (next: Record<string, PeerRecord>): void => {
    peers = new Map(Object.entries(next))
  }
  return { service, events, set }
}

it('adds up the traffic of all peers by lane', async () => {
  const high = { messagesIn: 1, messagesOut: 2, bytesIn: 30, bytesOut: 40 }
  const { service, set } = serviceOver({ a: peer({ lanes: { high } }), b: peer({ lanes: { high } }) })
  await service.scrape()
  set({ a: peer({ lanes: { high: { ...high, bytesIn: 35 } } }), b: peer({ lanes: { high } }) })
  const text = await service.scrape()

  expect(linesOf(text, 'gridmesh_metrics_lane_received_bytes_total')).toEqual([
    'gridmesh_metrics_lane_received_bytes_total{lane="high"} 65',
  ])
  expect(linesOf(text, 'gridmesh_metrics_lane_sent_bytes_total')[0]).toMatch(/ 80$/)
  expect(linesOf(text, 'gridmesh_metrics_lane_received_messages_total')[0]).toMatch(/ 2$/)
  expect(linesOf(text, 'gridmesh_metrics_lane_sent_messages_total')[0]).toMatch(/ 4$/)
})

it('never goes down when a peer is forgotten, and counts it anew when it comes back', async () => {
  const bulk = { ...NONE, bytesIn: 100 }
  const { service, set } = serviceOver({ a: peer({ lanes: { bulk } }) })
  await service.scrape()
  set({})
  await service.scrape()
  set({ a: peer({ lanes: { bulk: { ...NONE, bytesIn: 7 } } }) })

  expect(linesOf(await service.scrape(), 'gridmesh_metrics_lane_received_bytes_total')[0]).toMatch(/ 107$/)
})

it('shows the peers, health and round trip of each region', async () => {
  const { service } = serviceOver({
    a: peer({ health: 100, latencyMs: 10 }),
    b: peer({ health: 50, latencyMs: 30 }),
    c: peer({ region: 'south' }),
    d: peer({ region: 'south', state: 'connected', health: 1 }),
  })
  const text = await service.scrape()

  expect(linesOf(text, 'gridmesh_metrics_region_peers')).toEqual([
    'gridmesh_metrics_region_peers{region="north"} 2',
    'gridmesh_metrics_region_peers{region="south"} 1',
  ])
  expect(linesOf(text, 'gridmesh_metrics_region_health_ratio')).toEqual([
    'gridmesh_metrics_region_health_ratio{region="north"} 0.75',
  ])
  expect(linesOf(text, 'gridmesh_metrics_region_latency_seconds')).toEqual([
    'gridmesh_metrics_region_latency_seconds{region="north"} 0.02',
  ])
})

it('bounds the regions that peers make up, and forgets those that are gone', async () => {
  const made = Array.from(
    { length: 1_200 },
    (_, i) => [`p${i}`, peer({ region: `r${i}`, health: i < 1_000 ? 100 : 50 })] as const,
  )
  const { service, set } = serviceOver(Object.fromEntries(made))
  const flooded = linesOf(await service.scrape(), 'gridmesh_metrics_region_peers')
  expect(flooded).toHaveLength(1_001)
  expect(flooded.at(-1)).toBe('gridmesh_metrics_region_peers{region="other"} 200')
  const health = linesOf(await service.scrape(), 'gridmesh_metrics_region_health_ratio')
  expect(health.at(-1)).toBe('gridmesh_metrics_region_health_ratio{region="other"} 0.5')

  set({ a: peer({}) })
  expect(linesOf(await service.scrape(), 'gridmesh_metrics_region_peers')).toHaveLength(1)
})

it('shows maxSeries regions in all its life, whatever peers call theirs from scrape to scrape', async () => {
  const { service, set } = serviceOver({ home: peer({ region: 'home', health: 100, latencyMs: 10 }) }, { maxSeries: 3 })
  const names = ['peers', 'health_ratio', 'latency_seconds'].map((what) => `gridmesh_metrics_region_${what}`)
  const series = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const text = await service.scrape()
    for (const line of names.flatMap((name) => linesOf(text, name))) series.add(line.replace(/ \S+$/, ''))
    const named = (place: number) => peer({ region: `r${round}-${place}`, health: 50, latencyMs: 30 })
    set({ home: peer({ region: 'home', health: 100, latencyMs: 10 }), a: named(0), b: named(1), c: named(2) })
  }

  const regions = ['home', 'r0-0', 'r0-1', 'other']
  expect([...series].toSorted()).toEqual(
    names.flatMap((name) => regions.map((r) => `${name}{region="${r}"}`)).toSorted(),
  )
  const text = await service.scrape()
  expect(names.map((name) => linesOf(text, name))).toEqual([
    [`${names[0]}{region="home"} 1`, `${names[0]}{region="other"} 3`],
    [`${names[1]}{region="home"} 1`, `${names[1]}{region="other"} 0.5`],
    [`${names[2]}{region="home"} 0.01`, `${names[2]}{region="other"} 0.03`],
  ])
})

it('tells the regions of `regions` apart whatever peers made up before', async () => {
  const { service, set } = serviceOver({}, { maxSeries: 3, regions: ['home', 'away'] })
  const made = Array.from({ length: 10 }, (_, i) => [`p${i}`, peer({ region: `r${i}` })] as const)
  set(Object.fromEntries(made))
  await service.scrape()
  set({
    a: peer({ region: 'home' }),
    b: peer({ region: 'away' }),
    c: peer({ region: 'r0' }),
    d: peer({ region: 'r1' }),
  })
  const shown = linesOf(await service.scrape(), 'gridmesh_metrics_region_peers')
  expect(shown).toEqual(
    ['home', 'away', 'r0', 'other'].map((region) => `gridmesh_metrics_region_peers{region="${region}"} 1`),
  )
})

it('has no lanes and regions to show without a peer manager', async () => {
  const service = metrics({ measureProcess: false })(fakeComponents().components)
  expect(linesOf(await service.scrape(), 'gridmesh_metrics_region_peers')).toEqual([])
})
