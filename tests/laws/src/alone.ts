import { broadcast } from '@gridmesh/broadcast'
import { connectionPool } from '@gridmesh/connection-pool'
import { bootstrap, discovery, peerExchange, stored } from '@gridmesh/discovery-coordinator'
import { envelope } from '@gridmesh/envelope'
import { handshake } from '@gridmesh/handshake'
import { healthMonitor } from '@gridmesh/health-monitor'
import type { Broadcast, ConnectionPool, Discovery, Envelope, Handshake, Messages, Unicast } from '@gridmesh/interfaces'
import { memoryBroadcast, memoryHub } from '@gridmesh/memory-broadcast'
import { messageRouter } from '@gridmesh/message-router'
import { metrics } from '@gridmesh/metrics'
import { noise } from '@gridmesh/noise'
import { type PeerManagerService, peerManager } from '@gridmesh/peer-manager'
import { type PeerLimits, rateLimiter } from '@gridmesh/rate-limiter'
import { reconnection } from '@gridmesh/reconnection'
import { type GracefulShutdown, shutdown } from '@gridmesh/shutdown'
import { unicast } from '@gridmesh/unicast'
import { identify } from '@libp2p/identify'
import type { Libp2p } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import type { Libp2pOptions } from 'libp2p'
import { CHAIN, makePool, meshServices } from './services.ts'
import { labelled } from './inbox.ts'
import { KINDS } from './kinds.ts'

/** A node of services that this table made, and so knows the types of. */
interface Running {
  node: Libp2p
  other: Libp2p
  // The table is over many shapes of node: each entry says which services it reads.
  services: Services
}
type Services = {
  broadcast: Broadcast
  connectionPool: ConnectionPool
  discovery: Discovery
  envelope: Envelope
  handshake: Handshake
  messages: Messages
  peerManager: PeerManagerService
  rateLimiter: PeerLimits
  shutdown: GracefulShutdown
  unicast: Unicast
}

/** Options of a node whose services need each other: by what they need, they are of many types. */
interface AloneOptions extends Omit<Libp2pOptions, 'services'> {
  services?: Record<string, ((components: never) => unknown) | undefined>
}

/** How a package stands alone in a node: with what it needs, and busy with something when the node stops. */
interface Alone {
  options: () => AloneOptions
  /** Begins what the node is to be stopped in the middle of. What it leaves open may fail by that. */
  use?: (running: Running) => Promise<unknown> | void
}

// Nobody is there: who dials it is busy with that for as long as there is a test.
const NOBODY = '/ip4/127.0.0.1/tcp/1/p2p/12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp'
const bytes = labelled('busy')
const hub = memoryHub()
let topics = 0
const never = (): Promise<never> => new Promise(() => undefined)

/** What each package puts into a node; `undefined` for one that is no service. */
export const ALONE: Readonly<Record<string, Alone | undefined>> = {
  'block-store': undefined,
  'block-sync': undefined,
  broadcast: {
    options: () => ({ services: { identify: identify(), broadcast: broadcast({ chainId: 'laws', meshWaitMs: 500 }) } }),
    use: async ({ services }) => {
      const end = services.broadcast.subscribe('topic', () => 'accept')
      await services.broadcast.publish('topic', bytes)
      end()
    },
  },
  chunking: undefined,
  config: undefined,
  'connection-pool': {
    options: () => {
      const pool = connectionPool({ exemptLoopback: true })
      return { connectionGater: pool.gater, services: { connectionPool: pool.service } }
    },
    use: async ({ services, other }) => services.connectionPool.acquire(other.peerId),
  },
  consensus: undefined,
  'discovery-coordinator': {
    options: () => {
      const strategies = [stored(), bootstrap([NOBODY]), peerExchange()]
      return { services: { identify: identify(), discovery: discovery({ intervalMs: 20, strategies }) } }
    },
    use: async ({ services }) => services.discovery.discoverNow(),
  },
  envelope: {
    options: () => ({ services: { envelope: envelope({ chainId: 'laws' }) } }),
    use: async ({ services }) =>
      services.envelope.open(await services.envelope.seal({ kind: 'order', lane: 'normal', payload: bytes })),
  },
  handshake: {
    options: () => ({ services: { handshake: handshake({ ...CHAIN, role: 'member', region: 'centre' }) } }),
    use: async ({ services, other }) => services.handshake.whenReady(other.peerId),
  },
  'health-monitor': {
    options: () => {
      const health = healthMonitor({ pingIntervalMs: 50, sampleIntervalMs: 10 })
      return { services: { ping: ping({ maxInboundStreams: 8, maxOutboundStreams: 8 }), health } }
    },
  },
  interfaces: undefined,
  'key-value-chain': undefined,
  ledger: undefined,
  mempool: undefined,
  // It runs services, and is none.
  simnet: undefined,
  'memory-broadcast': {
    options: () => ({ services: { broadcast: memoryBroadcast(hub) } }),
    use: async ({ services }) => {
      services.broadcast.subscribe(`topic-${++topics}`, () => 'accept')
      const delivery = await services.broadcast.publish('topic', bytes)
      delivery.confirmed(5).catch(() => undefined)
    },
  },
  'message-router': {
    options: () => ({
      services: {
        identify: identify(),
        envelope: envelope({ chainId: 'laws' }),
        unicast: unicast(),
        broadcast: broadcast({ chainId: 'laws', meshWaitMs: 500 }),
        messages: messageRouter(),
      },
    }),
    use: async ({ services, other }) => {
      const end = services.messages.on(KINDS.high, async () => Promise.resolve())
      await services.messages.broadcast(KINDS.normal, bytes)
      await services.messages.send(other.peerId, KINDS.high, bytes).catch(() => undefined)
      end()
    },
  },
  metrics: { options: () => ({ metrics: metrics() }) },
  noise: { options: () => ({ connectionEncrypters: [noise()] }) },
  'peer-manager': {
    options: () => ({ services: { peerManager: peerManager() } }),
    use: ({ services, other }) => {
      services.peerManager.report(other.peerId, { class: 'useful' })
      services.peerManager.whenReady(other.peerId).catch(() => undefined)
    },
  },
  'rate-limiter': {
    options: () => ({
      services: {
        handshake: handshake({
          ...CHAIN,
          role: 'member',
          region: 'centre',
          quota: { messagesPerSecond: 1, bytesPerSecond: 1 },
        }),
        rateLimiter: rateLimiter(),
      },
    }),
    use: async ({ services, other }) => {
      await services.handshake.whenReady(other.peerId)
      services.rateLimiter.take(other.peerId, '/test/1')
      for (let send = 0; send < 5; send++) services.rateLimiter.whenAllowed(other.peerId).catch(() => undefined)
    },
  },
  reconnection: {
    options: () => ({ services: { reconnection: reconnection({ bootstrap: [NOBODY], initialDelayMs: 10 }) } }),
  },
  shutdown: {
    options: () => ({ services: { shutdown: shutdown() } }),
    use: ({ services }) => {
      services.shutdown.register('drain', 'something', never)
      services.shutdown.handleSignals({ exit: () => undefined })
    },
  },
  unicast: {
    options: () => ({ services: { unicast: unicast() } }),
    use: ({ services, other }) => {
      services.unicast.unhandle('never')
      services.unicast.handle('never', never)
      services.unicast.request(other.peerId, 'never', bytes).catch(() => undefined)
    },
  },
  verifier: undefined,
}

/** All of them in one node, wired as a whole node has them. */
export const TOGETHER: Alone = {
  options: () => {
    const pool = makePool({})
    return { connectionGater: pool.gater, connectionMonitor: { enabled: false }, services: meshServices({}, pool) }
  },
  use: async ({ services, other }) => {
    await services.handshake.whenReady(other.peerId)
    services.unicast.request(other.peerId, 'never', bytes).catch(() => undefined)
    await services.messages.broadcast(KINDS.critical, bytes)
  },
}
