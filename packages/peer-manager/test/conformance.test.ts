import type { PeerManager, PeerRecord } from '@gridmesh/interfaces'
import {
  type PeerManagerHarness,
  peerManagerConformance,
  type PeerManagerWorld,
} from '@gridmesh/interfaces/conformance'
import { MemoryDatastore } from 'datastore-core'
import { expect, it } from 'vitest'
import type { DefaultPeerManager } from '../src/peer-manager.ts'
import { at, type FakeLibp2p, makeManager, makePeerIds } from './support.ts'

const TIMEOUT_MS = 60_000

interface Made {
  manager: DefaultPeerManager
  libp2p: FakeLibp2p
  datastore: MemoryDatastore
}

/** What runs in each world. */
const made = new WeakMap<PeerManagerWorld, Made>()

async function makeStarted(datastore: MemoryDatastore): Promise<Made> {
  const { manager, libp2p } = makeManager(at(await makePeerIds(1), 0), {}, { datastore })
  await manager.beforeStart()
  await manager.start()
  manager.afterStart()
  return { manager, libp2p, datastore }
}

/** Worlds with real managers; `change` gives what a manager has in the place of its own. */
function harness(change: (manager: DefaultPeerManager) => Partial<PeerManager> = () => ({})): PeerManagerHarness {
  return {
    create: async (peers) => {
      const { manager, libp2p, datastore } = await makeStarted(new MemoryDatastore())
      const world: PeerManagerWorld = {
        manager: changed(manager, change(manager)),
        // The first is the node itself.
        peers: (await makePeerIds(peers + 1)).slice(1),
        connect: (peer) => void libp2p.open(peer),
        hangUp: (peer) => {
          for (const connection of libp2p.of(peer)) libp2p.close(connection)
        },
        isConnected: (peer) => libp2p.of(peer).length > 0,
        stop: async () => made.get(world)?.manager.stop(),
      }
      made.set(world, { manager, libp2p, datastore })
      return world
    },
    restart: async (world) => {
      const before = made.get(world)
      await before?.manager.stop()
      const next = await makeStarted(before?.datastore ?? new MemoryDatastore())
      made.set(world, next)
      return next.manager
    },
  }
}

/** A manager with some of its members replaced. */
function changed(manager: DefaultPeerManager, changes: Partial<PeerManager>): PeerManager {
  return new Proxy<PeerManager>(manager, {
    get: (_, name) => {
      const value: unknown = Reflect.get(name in changes ? changes : manager, name, manager)
      return typeof value === 'function' ? value.bind(manager) : value
    },
  })
}

it.each(peerManagerConformance(harness()).map(({ name, run }) => [name, run] as const))(
  '%s',
  async (_, run) => {
    await expect(run()).resolves.toBeUndefined()
  },
  TIMEOUT_MS,
)

const BROKEN: [fault: string, change: (manager: DefaultPeerManager) => Partial<PeerManager>, caught: string][] = [
  [
    'does not tell of every move',
    (manager) => ({
      addEventListener: (type: string, listener: unknown) => {
        if (type !== 'peer:state' || typeof listener !== 'function') return
        manager.addEventListener(type, (event) => event.detail.to !== 'connecting' && listener(event))
      },
    }),
    'moves legally whatever it is told, and its counts are the moves it told of',
  ],
  [
    'counts wrongly',
    (manager) => ({
      stats: () => {
        const { byState, reports } = manager.stats()
        return { byState: { ...byState, ready: byState.ready + 1 }, reports }
      },
    }),
    'moves legally whatever it is told, and its counts are the moves it told of',
  ],
  [
    'gives records that change',
    (manager) => ({
      get: (peer) => {
        const now = (): object => manager.get(peer) ?? {}
        return (
          manager.get(peer) &&
          (new Proxy({}, { get: (_, name) => Reflect.get(now(), name), ...keysOf(now) }) as PeerRecord)
        )
      },
    }),
    'gives snapshots that later changes do not show in',
  ],
  [
    'makes a record of whoever is asked about',
    (manager) => ({
      isBanned: (peer) => {
        manager.report(peer, { class: 'absent' })
        return manager.isBanned(peer)
      },
    }),
    'is neutral to a peer it never heard of, and asking changes that for nobody',
  ],
  [
    'ranks the worst first',
    (manager) => ({ select: (query) => manager.select(query).toReversed() }),
    'selects ready peers only, the healthier first',
  ],
  [
    'has another order each time',
    (manager) => {
      let turn = 0
      return {
        select: (query) => {
          const all = manager.select(query)
          return all.map((_, index) => all[(index + turn++) % all.length]).filter((one) => one !== undefined)
        },
      }
    },
    'gives the same order every time, equals too, and the first of it for a limit',
  ],
  [
    'counts the last report of a tick only',
    (manager) => {
      const last = new Map<string, number>()
      return {
        report: (peer, report) => void last.set(peer.toString(), report.class === 'useful' ? 1 : -1),
        reputation: (peer) => last.get(peer.toString()) ?? manager.reputation(peer),
      }
    },
    'comes to the same reputation in whatever order the reports of a tick come',
  ],
  [
    'bans and does not disconnect',
    (manager) => {
      const banned = new Set<string>()
      return {
        ban: async (peer) => void banned.add(peer.toString()),
        isBanned: (peer) => banned.has(peer.toString()) || manager.isBanned(peer),
      }
    },
    'bans at once, says until when, and disconnects',
  ],
  ['explains nothing', () => ({ explain: () => [] }), 'explains each report in a line, the newest first'],
  [
    'waits for readiness whatever the signal says',
    (manager) => ({ whenReady: (peer) => manager.whenReady(peer) }),
    'ends whenReady when its signal aborts',
  ],
  [
    'throws on a report',
    (manager) => ({
      report: (peer, report) => {
        if (Number.isNaN(report.weight)) throw new RangeError('no weight')
        manager.report(peer, report)
      },
    }),
    'never throws on a report, however odd',
  ],
]

/** What a copy of a record is made by. */
function keysOf(now: () => object): ProxyHandler<object> {
  return {
    ownKeys: () => Reflect.ownKeys(now()),
    getOwnPropertyDescriptor: (_, name) => {
      const descriptor = Reflect.getOwnPropertyDescriptor(now(), name)
      return descriptor && { ...descriptor, configurable: true }
    },
  }
}

it.each(BROKEN)('is caught: a peer manager that %s', async (_, change, caught) => {
  const cases = peerManagerConformance({ ...harness(change), patienceMs: 500 })
  const { run } = cases.find(({ name }) => name === caught) ?? {}
  await expect(run?.()).rejects.toBeInstanceOf(Error)
})
