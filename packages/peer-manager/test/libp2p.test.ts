import type { Handshake } from '@gridmesh/interfaces'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, Metrics, PrivateKey } from '@libp2p/interface'
import { memory } from '@libp2p/memory'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { plaintext } from '@libp2p/plaintext'
import { yamux } from '@libp2p/yamux'
import { MemoryDatastore } from 'datastore-core'
import { type Datastore, Key } from 'interface-datastore'
import { createLibp2p } from 'libp2p'
import { afterEach, expect, it, vi } from 'vitest'
import { banGater, peerManager, type PeerManagerInit, type PeerManagerService } from '../src/index.ts'
import { fakeHandshake, makeHello } from './support.ts'

type Services = { identify: unknown; peerManager: PeerManagerService }
type Node = Libp2p<Services>

const nodes: Node[] = []
let nextAddress = 0

afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => node.stop()))
})

interface NodeOptions {
  init?: PeerManagerInit
  datastore?: Datastore
  privateKey?: PrivateKey
  isGated?: boolean
  metrics?: Metrics
  handshake?: Handshake
}

async function createNode(options: NodeOptions = {}): Promise<Node> {
  const { init = {}, isGated = true, datastore = new MemoryDatastore(), metrics, handshake } = options
  const privateKey = options.privateKey ?? (await generateKeyPair('Ed25519'))
  const node: Node = await createLibp2p({
    privateKey,
    datastore,
    addresses: { listen: [`/memory/peer-manager-${nextAddress++}`] },
    transports: [memory()],
    connectionEncrypters: [plaintext()],
    streamMuxers: [yamux()],
    connectionGater: isGated ? banGater(() => node.services.peerManager) : {},
    services: {
      identify: identify(),
      peerManager: peerManager(init),
      ...(handshake === undefined ? {} : { handshake: () => handshake }),
    },
    ...(metrics === undefined ? {} : { metrics: () => metrics }),
  })
  nodes.push(node)
  return node
}

function stateOf(node: Node, peer: Node): string | undefined {
  return node.services.peerManager.get(peer.peerId)?.state
}

it('refuses to start under another name, by which nobody would find it', async () => {
  const node = await createLibp2p({ start: false, services: { peers: peerManager() } })
  await expect(node.start()).rejects.toMatchObject({ name: 'ServiceNameError', service: 'peerManager' })
})

it('moves both sides of a real connection, knows their addresses, and leaves nothing after stop', async () => {
  const [a, b] = [await createNode(), await createNode()]
  const moves: string[] = []
  a.services.peerManager.addEventListener('peer:state', ({ detail }) => moves.push(`${detail.from}→${detail.to}`))
  await a.dial(b.getMultiaddrs())
  await vi.waitFor(() => expect([stateOf(a, b), stateOf(b, a)]).toEqual(['connected', 'connected']))
  a.services.peerManager.markReady(b.peerId, makeHello())
  expect(a.services.peerManager.get(b.peerId)).toMatchObject({ direction: 'outbound', state: 'ready' })
  await vi.waitFor(() => {
    expect(b.services.peerManager.get(a.peerId)?.addresses).toEqual(a.getMultiaddrs().map(String))
  })
  expect(a.services.peerManager.candidates()).toEqual([])
  expect(a.services.peerManager.select().map(({ id }) => id.toString())).toEqual([b.peerId.toString()])

  await a.services.peerManager.disconnect(b.peerId, { code: 'test', message: 'test' })
  await vi.waitFor(() => expect([stateOf(a, b), stateOf(b, a)]).toEqual(['known', 'known']))
  expect(moves).toEqual(['known→connected', 'connected→ready', 'ready→draining', 'draining→known'])
})

it('forgets of a stranger what identify stored, and keeps that of a peer that was ready', async () => {
  const node = await createNode({ handshake: fakeHandshake(async () => undefined) })
  const [guest, member] = [await createNode(), await createNode()]
  for (const peer of [guest, member]) await peer.dial(node.getMultiaddrs())
  const stored = async (): Promise<string[]> => (await node.peerStore.all()).map(({ id }) => id.toString()).toSorted()
  await vi.waitFor(async () =>
    expect(await stored()).toEqual([guest, member].map(({ peerId }) => peerId.toString()).toSorted()),
  )
  node.services.peerManager.markReady(member.peerId, makeHello())
  for (const peer of [guest, member]) await peer.hangUp(node.peerId)
  await vi.waitFor(async () => expect(await stored()).toEqual([member.peerId.toString()]))
})

it('is empty of links after stop, though libp2p closes them while services stop, and works after a new start', async () => {
  const [a, b] = [await createNode(), await createNode()]
  await a.dial(b.getMultiaddrs())
  await a.stop()
  expect(a.services.peerManager.stats().byState).toMatchObject({ connected: 0, ready: 0, draining: 0, known: 1 })
  await vi.waitFor(() => expect(stateOf(b, a)).toBe('known'))
  await a.start()
  await a.dial(b.getMultiaddrs())
  expect(stateOf(a, b)).toBe('connected')
})

it('agrees with libp2p through a storm of dials and hang-ups', async () => {
  const [a, b, c] = [await createNode(), await createNode(), await createNode()]
  for (let round = 0; round < 5; round++) {
    await Promise.all([a.dial(b.getMultiaddrs()), b.dial(a.getMultiaddrs()), c.dial(a.getMultiaddrs())])
    await Promise.all([a.hangUp(b.peerId), c.hangUp(a.peerId)])
  }
  await vi.waitFor(() => {
    for (const node of [a, b, c]) {
      const { byState } = node.services.peerManager.stats()
      expect(byState.connected).toBe(node.getPeers().length)
    }
  })
})

it('keeps a ban, a reputation and its reasons over a restart, and turns the banned peer away both ways', async () => {
  const datastore = new MemoryDatastore()
  const privateKey = await generateKeyPair('Ed25519')
  const [liar, slow] = [await createNode(), await createNode()]
  const first = await createNode({ datastore, privateKey })
  await first.dial(liar.getMultiaddrs())
  first.services.peerManager.report(liar.peerId, { class: 'provable-lie', evidence: 'two blocks at height 7' })
  first.services.peerManager.report(slow.peerId, { class: 'slow', weight: 3 })
  await vi.waitFor(() => expect(stateOf(first, liar)).toBe('banned'))
  await vi.waitFor(() => expect(first.getConnections()).toEqual([]))
  await first.stop()

  const second = await createNode({ datastore, privateKey })
  const { peerManager: manager } = second.services
  expect(manager.isBanned(liar.peerId)).toBe(true)
  expect(manager.explain(liar.peerId).join('\n')).toContain('provable-lie: two blocks at height 7')
  expect(manager.reputation(slow.peerId)).toBeCloseTo(-6, 1)
  await expect(second.dial(liar.getMultiaddrs())).rejects.toMatchObject({ name: 'DialDeniedError' })
  await liar.dial(second.getMultiaddrs()).catch(() => {})
  await vi.waitFor(() => expect(liar.getConnections()).toEqual([]))
  expect(second.getConnections()).toEqual([])
})

it('stores a ban before ban() resolves, without waiting for the batch', async () => {
  const datastore = new MemoryDatastore()
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const node = await createNode({ datastore })
  const key = new Key(`/gridmesh/peer-manager/${peer.toString()}`)
  await node.services.peerManager.ban(peer, 'said so')
  expect(datastore.has(key)).toBe(true)
  await node.services.peerManager.unban(peer)
  expect(datastore.has(key)).toBe(false)
})

it('starts with stored data that is corrupt, skips it, counts it and keeps the rest', async () => {
  const datastore = new MemoryDatastore()
  const good = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const bad = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const first = await createNode({ datastore })
  await first.services.peerManager.ban(good, 'said so')
  await first.stop()
  await datastore.put(new Key('/gridmesh/peer-manager/no-peer-id'), new Uint8Array([1]))
  await datastore.put(new Key(`/gridmesh/peer-manager/${bad.toString()}`), new TextEncoder().encode('{"v":1}'))

  const counters = new Map<string, number>()
  const second = await createNode({ datastore, metrics: countingMetrics(counters) })
  expect(second.services.peerManager.isBanned(good)).toBe(true)
  expect(second.services.peerManager.get(bad)).toBeUndefined()
  expect(counters.get('gridmesh_peer_manager_corrupt_records_total')).toBe(2)
})

it('starts, runs and stops over a datastore that fails, and counts that', async () => {
  class FailingDatastore extends MemoryDatastore {
    override batch(): ReturnType<MemoryDatastore['batch']> {
      return { put: () => {}, delete: () => {}, commit: () => Promise.reject(new RangeError('disk full')) }
    }
  }
  const counters = new Map<string, number>()
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const node = await createNode({ datastore: new FailingDatastore(), metrics: countingMetrics(counters) })
  await node.services.peerManager.ban(peer, 'said so')
  expect(node.services.peerManager.isBanned(peer)).toBe(true)
  await node.stop()
  expect(counters.get('gridmesh_peer_manager_storage_failures_total')).toBe(2)
})

it('forgets at the start what a smaller maxPeers has no room for', async () => {
  const datastore = new MemoryDatastore()
  const first = await createNode({ datastore })
  for (let count = 0; count < 5; count++) {
    first.services.peerManager.report(peerIdFromPrivateKey(await generateKeyPair('Ed25519')), { class: 'slow' })
  }
  await first.stop()
  const second = await createNode({ datastore, init: { maxPeers: 2 } })
  expect(second.services.peerManager.peers.size).toBe(2)
  await second.stop()
  const keys: string[] = []
  for await (const key of datastore.queryKeys({ prefix: '/gridmesh/peer-manager/' })) keys.push(key.toString())
  expect(keys).toHaveLength(2)
})

it('parts from a banned peer where no gater was installed', async () => {
  const [a, b] = [await createNode({ isGated: false }), await createNode()]
  await a.services.peerManager.ban(b.peerId, 'said so')
  // Whether the dial still succeeds depends on how fast it is closed.
  await b.dial(a.getMultiaddrs()).catch(() => {})
  await vi.waitFor(() => expect([...a.getConnections(), ...b.getConnections()]).toEqual([]))
  expect(stateOf(a, b)).toBe('banned')
  expect(stateOf(b, a)).toBe('known')
})

it('turns nobody away while its peer manager is not there yet, and passes on what is no matter of time', async () => {
  const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  const early = banGater(() => node.services.peerManager)
  expect(early.denyDialPeer?.(peer)).toBe(false)
  expect(banGater(() => undefined).denyDialPeer?.(peer)).toBe(false)
  const broken = banGater(() => {
    throw new RangeError('broken')
  })
  expect(() => broken.denyDialPeer?.(peer)).toThrow(RangeError)
  const node = await createNode()
  await node.services.peerManager.ban(peer, 'said so')
  expect(early.denyDialPeer?.(peer)).toBe(true)
})

it('measures peers by state, reports by class, bans by cause and disconnects by code', async () => {
  const counters = new Map<string, number>()
  const [a, b] = [await createNode({ metrics: countingMetrics(counters), init: { minPeers: 0 } }), await createNode()]
  await a.dial(b.getMultiaddrs())
  expect(counters.get('gridmesh_peer_manager_peers connected')).toBe(1)
  a.services.peerManager.report(b.peerId, { class: 'invalid-message', weight: 6 })
  await vi.waitFor(() => expect(counters.get('gridmesh_peer_manager_disconnects_total banned')).toBe(1))
  expect(counters.get('gridmesh_peer_manager_reports_total invalid-message')).toBe(1)
  expect(counters.get('gridmesh_peer_manager_bans_total reputation')).toBe(1)
  expect(counters.get('gridmesh_peer_manager_peers banned')).toBe(1)
})

/** Metrics that count into a map; gauges that are calculated are looked up there too. */
function countingMetrics(counters: Map<string, number>): Metrics {
  const add = (name: string, by = 1): void => void counters.set(name, (counters.get(name) ?? 0) + by)
  const gauges = new Map<string, () => unknown>()
  const read = counters.get.bind(counters)
  counters.get = (name) => {
    const [gauge = '', label = ''] = name.split(' ')
    const values = gauges.get(gauge)?.()
    return values === undefined ? read(name) : Number(new Map(Object.entries(Object(values))).get(label))
  }
  const group = (name: string, options?: { calculate?: () => unknown }): unknown => {
    if (options?.calculate !== undefined) gauges.set(name, options.calculate)
    const increment = (values: object): void => {
      for (const label of Object.keys(values)) add(`${name} ${label}`)
    }
    return { increment, update: () => {}, decrement: () => {}, reset: () => {}, timer: () => () => {} }
  }
  const single = (name: string): unknown => ({
    ...Object(group(name)),
    increment: (by?: number) => add(name, by),
    observe: () => {},
  })
  const registers = {
    registerMetric: single,
    registerMetricGroup: group,
    registerCounter: single,
    registerCounterGroup: group,
    registerHistogram: single,
    registerHistogramGroup: group,
    registerSummary: single,
    registerSummaryGroup: group,
  }
  const metrics = new Proxy(registers, {
    get: (target, name) => Reflect.get(target, name) ?? ((...given: unknown[]) => given.at(-1)),
  })
  return metrics as unknown as Metrics
}
