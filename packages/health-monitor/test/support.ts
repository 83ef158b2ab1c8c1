import type {
  Hello,
  PeerManager,
  PeerManagerEvents,
  PeerRecord,
  PeerReport,
  PeerState,
  Reason,
} from '@gridmesh/interfaces'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { type Connection, type Libp2pEvents, type PeerId, TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import type { Ping } from '@libp2p/ping'
import { HealthMonitor } from '../src/health-monitor.ts'
import type { HealthMonitorComponents, HealthMonitorInit, LoopMonitor } from '../src/index.ts'

/** As many peer ids as asked for, the same in every run. */
export async function makePeerIds(count: number): Promise<PeerId[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const seed = new Uint8Array(32)
      new DataView(seed.buffer).setUint32(0, index + 1)
      return peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
    }),
  )
}

/** Element `index`, which the test knows to exist. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list[index]
  if (item === undefined) throw new RangeError(`there is no element ${index}`)
  return item
}

export function makeHello(changes: Partial<Hello> = {}): Hello {
  return {
    protocol: { min: 1, max: 1 },
    chainId: 'test',
    genesisHash: '00',
    height: 1,
    tipHash: '01',
    role: 'consumer',
    region: 'north',
    capabilities: [],
    listenAddresses: [],
    userAgent: 'test/1',
    timeMs: 0,
    ...changes,
  }
}

/** libp2p's bus and connections, as far as the health monitor sees them. */
export class FakeLibp2p {
  readonly events = new TypedEventEmitter<Libp2pEvents>()
  readonly linked = new Map<string, PeerId>()
  /** Whose links are relayed, and limited. */
  readonly limited = new Set<string>()
  readonly closed: string[] = []
  /** Left alone, links close when asked. */
  isStuck = false

  connect(...peers: PeerId[]): void {
    for (const peer of peers) {
      this.linked.set(peer.toString(), peer)
      this.events.safeDispatchEvent('peer:connect', { detail: peer })
    }
  }

  disconnect(peer: PeerId): void {
    this.linked.delete(peer.toString())
    this.events.safeDispatchEvent('peer:disconnect', { detail: peer })
  }

  readonly connectionManager: HealthMonitorComponents['connectionManager'] = {
    getConnections: (peer) =>
      [...this.linked.values()]
        .filter((one) => peer === undefined || one.equals(peer))
        .map((remotePeer) => this.#connection(remotePeer)),
    closeConnections: async (peer) => {
      this.closed.push(peer.toString())
      if (this.isStuck) await new Promise(() => {})
      this.disconnect(peer)
    },
  }

  #connection(remotePeer: PeerId): Connection {
    const limits = this.limited.has(remotePeer.toString()) ? { limits: { seconds: 120 } } : {}
    return { remotePeer, status: 'open', ...limits, abort: () => this.disconnect(remotePeer) } as unknown as Connection
  }
}

/** What a peer does when it is pinged: answers after some ms, fails, or is silent for ever. */
export type PingBehaviour = number | Error | 'silent'

/** A ping service whose peers behave as told. Heeds its signal, as libp2p's does. */
export class FakePing implements Ping {
  readonly asked: { key: string; atMs: number }[] = []
  readonly behaviours = new Map<string, PingBehaviour>()
  underWay = 0
  mostUnderWay = 0

  set(peer: PeerId, behaviour: PingBehaviour): void {
    this.behaviours.set(peer.toString(), behaviour)
  }

  of(peer: PeerId): number[] {
    return this.asked.filter(({ key }) => key === peer.toString()).map(({ atMs }) => atMs)
  }

  async ping(peer: Parameters<Ping['ping']>[0], options: Parameters<Ping['ping']>[1] = {}): Promise<number> {
    const key = String(peer)
    this.asked.push({ key, atMs: performance.now() })
    this.underWay += 1
    this.mostUnderWay = Math.max(this.mostUnderWay, this.underWay)
    const behaviour = this.behaviours.get(key) ?? 20
    try {
      return await new Promise((resolve, reject) => {
        options.signal?.addEventListener('abort', () => reject(options.signal?.reason))
        if (behaviour instanceof Error) reject(behaviour)
        else if (behaviour !== 'silent') setTimeout(() => resolve(behaviour), behaviour)
      })
    } finally {
      this.underWay -= 1
    }
  }
}

/** A peer manager that only keeps states, and writes down what it is told. */
export class FakePeerManager extends TypedEventEmitter<PeerManagerEvents> {
  readonly #records = new Map<string, PeerRecord>()
  readonly reports: (PeerReport & { key: string })[] = []
  readonly health = new Map<string, { score: number; latencyMs?: number }>()
  readonly disconnects: { key: string; reason: Reason }[] = []
  readonly #libp2p: FakeLibp2p

  constructor(libp2p: FakeLibp2p) {
    super()
    this.#libp2p = libp2p
  }

  /** Only read, so that a plain map does. */
  get peers(): PeerManager['peers'] {
    return this.#records as unknown as PeerManager['peers']
  }

  /** Puts a peer into a state, with links as that state has them. */
  put(id: PeerId, state: PeerState, hello?: Hello, messagesIn = 0): void {
    const key = id.toString()
    const from = this.#records.get(key)?.state ?? 'known'
    const none = { messagesIn: 0, messagesOut: 0, bytesIn: 0, bytesOut: 0 }
    const traffic = { critical: none, high: none, normal: { ...none, messagesIn }, bulk: none }
    const times = { firstSeenMs: 0, lastSeenMs: 0, failures: 0, reputation: 0, height: hello?.height ?? 0 }
    const record = { id, state, addresses: [], traffic, ...times, ...(hello === undefined ? {} : { hello }) }
    this.#records.set(key, record)
    const isLinked = this.#libp2p.linked.has(key)
    if (state === 'ready' && !isLinked) this.#libp2p.connect(id)
    if ((state === 'known' || state === 'banned') && isLinked) this.#libp2p.disconnect(id)
    if (from !== state) this.safeDispatchEvent('peer:state', { detail: { peer: id, from, to: state } })
  }

  get(id: PeerId): PeerRecord | undefined {
    return this.#records.get(id.toString())
  }

  select(): PeerRecord[] {
    return [...this.#records.values()].filter(({ state }) => state === 'ready')
  }

  report(id: PeerId, report: PeerReport): void {
    this.reports.push({ key: id.toString(), ...report })
  }

  updateHealth(id: PeerId, health: { score: number; latencyMs?: number }): void {
    this.health.set(id.toString(), health)
  }

  async disconnect(id: PeerId, reason: Reason): Promise<void> {
    this.disconnects.push({ key: id.toString(), reason })
    const hello = this.get(id)?.hello
    this.put(id, 'draining', hello)
    this.put(id, 'known', hello)
  }
}

/** A monitor of an event loop that is as late as told. */
export class FakeLoopMonitor implements LoopMonitor {
  meanMs: number
  isEnabled = false
  resets = 0

  constructor(meanMs: number) {
    this.meanMs = meanMs
  }

  get mean(): number {
    return this.meanMs * 1e6
  }

  enable(): void {
    this.isEnabled = true
  }

  disable(): void {
    this.isEnabled = false
  }

  reset(): void {
    this.resets += 1
  }
}

export interface Bench {
  libp2p: FakeLibp2p
  ping: FakePing
  loop: FakeLoopMonitor
  components: HealthMonitorComponents
  monitor: HealthMonitor
}

/** A health monitor over a fake libp2p, in which the event loop is on time. */
export function makeMonitor(
  self: PeerId,
  init: HealthMonitorInit = {},
  siblings: (libp2p: FakeLibp2p) => Partial<HealthMonitorComponents> = () => ({}),
): Bench {
  const libp2p = new FakeLibp2p()
  const ping = new FakePing()
  const { loopResolutionMs = 20 } = init
  const loop = new FakeLoopMonitor(loopResolutionMs)
  const components: HealthMonitorComponents = {
    peerId: self,
    events: libp2p.events,
    connectionManager: libp2p.connectionManager,
    ping,
    logger: defaultLogger(),
    ...siblings(libp2p),
  }
  const monitor = new HealthMonitor(components, { createLoopMonitor: () => loop, loopResolutionMs, ...init })
  return { libp2p, ping, loop, components, monitor }
}

/** Starts as libp2p does. */
export function startMonitor({ monitor }: Bench): void {
  monitor.start()
  monitor.afterStart()
}

/** Stops as libp2p does. */
export async function stopMonitor({ monitor }: Bench): Promise<void> {
  monitor.beforeStop()
  await monitor.stop()
}
