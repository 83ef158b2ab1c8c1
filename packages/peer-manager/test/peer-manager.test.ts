import type { Reason } from '@gridmesh/interfaces'
import type { PeerId } from '@libp2p/interface'
import { MemoryDatastore } from 'datastore-core'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { PeerManagerComponents, PeerManagerInit } from '../src/index.ts'
import type { DefaultPeerManager } from '../src/peer-manager.ts'
import { at, fakeHandshake, fakeHealth, type FakeLibp2p, makeHello, makeManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(12)
const self = at(ids, 0)
const peer = at(ids, 1)
const other = at(ids, 2)

const started: DefaultPeerManager[] = []

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(async () => {
  for (const manager of started.splice(0)) await manager.stop()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

async function start(
  init: PeerManagerInit = {},
  siblings: Partial<PeerManagerComponents> = {},
): Promise<{ libp2p: FakeLibp2p; manager: DefaultPeerManager; components: PeerManagerComponents }> {
  const made = makeManager(self, init, siblings)
  await made.manager.beforeStart()
  await made.manager.start()
  made.manager.afterStart()
  started.push(made.manager)
  return made
}

/** Opens a connection and goes through the handshake. */
function makeReady(libp2p: FakeLibp2p, manager: DefaultPeerManager, ...peers: readonly PeerId[]): void {
  for (const one of peers) {
    libp2p.open(one)
    manager.markReady(one, makeHello())
  }
}

it('follows a peer from known to ready, draining and back, and tells each move', async () => {
  const { libp2p, manager } = await start()
  const moves: string[] = []
  manager.addEventListener('peer:state', ({ detail }) => moves.push(`${detail.from}→${detail.to}`))

  manager.markConnecting(peer)
  const connection = libp2p.open(peer, 'outbound')
  expect(manager.get(peer)).toMatchObject({
    state: 'connected',
    direction: 'outbound',
    addresses: [connection.remoteAddr],
  })
  manager.markReady(peer, makeHello({ height: 7 }))
  expect(manager.get(peer)).toMatchObject({ state: 'ready', height: 7, hello: { region: 'north' } })
  manager.markDraining(peer)
  libp2p.close(connection)

  expect(moves).toEqual([
    'known→connecting',
    'connecting→connected',
    'connected→ready',
    'ready→draining',
    'draining→known',
  ])
  expect(manager.get(peer)).not.toHaveProperty('direction')
  expect(manager.stats().byState).toEqual({ known: 1, connecting: 0, connected: 0, ready: 0, draining: 0, banned: 0 })
})

it('stays ready while one of two connections is left', async () => {
  const { libp2p, manager } = await start()
  const first = libp2p.open(peer, 'outbound')
  libp2p.open(peer, 'inbound')
  manager.markReady(peer, makeHello())
  libp2p.close(first)
  expect(manager.get(peer)).toMatchObject({ state: 'ready', direction: 'inbound' })
})

it('lets a peer that redials before its old connection closed become ready again', async () => {
  const { libp2p, manager } = await start()
  const old = libp2p.open(peer)
  manager.markReady(peer, makeHello())
  manager.markDraining(peer)
  manager.markReady(peer, makeHello())
  expect(manager.get(peer)?.state).toBe('draining')
  libp2p.open(peer)
  expect(manager.get(peer)?.state).toBe('connected')
  manager.markReady(peer, makeHello())
  libp2p.close(old)
  expect(manager.get(peer)?.state).toBe('ready')
})

it('takes a handshake that is done before the event of its connection', async () => {
  const { libp2p, manager } = await start()
  const connection = libp2p.make(peer)
  libp2p.connections.set(connection.id, connection)
  manager.markReady(peer, makeHello())
  libp2p.say('connection:open', connection)
  expect(manager.get(peer)?.state).toBe('ready')
})

it('ignores a handshake that is done after the connection closed, and a connection that closed before it was told', async () => {
  const { libp2p, manager } = await start()
  libp2p.close(libp2p.open(peer))
  manager.markReady(peer, makeHello())
  expect(manager.get(peer)?.state).toBe('known')

  const stillborn = libp2p.make(other)
  stillborn.status = 'closed'
  libp2p.say('connection:open', stillborn)
  expect(manager.get(other)?.state).toBe('known')
})

it('finds what it missed at the next upkeep: connections opened and closed, dials begun and given up', async () => {
  const { libp2p, manager } = await start({ upkeepIntervalMs: 1_000 })
  const missed = libp2p.make(peer)
  libp2p.connections.set(missed.id, missed)
  manager.addCandidate({ id: other, addresses: [] })
  libp2p.dials.push({ peerId: other, status: 'active' })
  vi.advanceTimersByTime(1_000)
  expect([manager.get(peer)?.state, manager.get(other)?.state]).toEqual(['connected', 'connecting'])

  missed.status = 'closed'
  libp2p.connections.clear()
  libp2p.dials.length = 0
  vi.advanceTimersByTime(1_000)
  expect([manager.get(peer)?.state, manager.get(other)?.state]).toEqual(['known', 'known'])
})

it('learns addresses from identify and discovery, and makes candidates of the discovered ones', async () => {
  const { libp2p, manager } = await start()
  const { multiaddr } = await import('@multiformats/multiaddr')
  libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: peer, multiaddrs: [multiaddr('/memory/a')] } })
  libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: self, multiaddrs: [multiaddr('/memory/b')] } })
  expect(manager.candidates()).toEqual([{ id: peer, addresses: [`/memory/a/p2p/${peer.toString()}`] }])
  expect(manager.get(self)).toBeUndefined()

  libp2p.open(peer)
  expect(manager.candidates()).toEqual([])
  expect(manager.addCandidate({ id: peer, addresses: [] })).toBe(false)
  expect(manager.addCandidate({ id: self, addresses: [] })).toBe(false)
})

it('counts failures, and lets a failed dial end', async () => {
  const { manager } = await start()
  manager.markConnecting(peer)
  manager.markFailed(peer)
  manager.markFailed(peer)
  expect(manager.get(peer)).toMatchObject({ state: 'known', failures: 2 })
})

it('shows traffic in the next snapshot and in none before', async () => {
  const { libp2p, manager } = await start()
  libp2p.open(peer)
  const before = manager.peers
  vi.advanceTimersByTime(5_000)
  manager.countTraffic(peer, 'critical', 'in', 10)
  manager.countTraffic(peer, 'critical', 'out', 5)
  manager.countTraffic(other, 'critical', 'in', 10)
  const expected = { messagesIn: 1, messagesOut: 1, bytesIn: 10, bytesOut: 5 }
  expect(manager.peers.get(peer.toString())).toMatchObject({ lastSeenMs: 1_005_000, traffic: { critical: expected } })
  expect(before.get(peer.toString())?.traffic.critical.messagesIn).toBe(0)
  expect(manager.get(other)).toBeUndefined()
})

it('notes a peer as seen when it connects, says hello, sends anything or answers a ping, and not for what we do', async () => {
  const { libp2p, manager } = await start()
  manager.addCandidate({ id: peer, addresses: [] })
  const seen: number[] = []
  const after = (act: () => void): void => {
    vi.advanceTimersByTime(1_000)
    act()
    seen.push((manager.get(peer)?.lastSeenMs ?? 0) - 1_000_000)
  }
  after(() => manager.markConnecting(peer))
  after(() => manager.markFailed(peer))
  after(() => manager.addCandidate({ id: peer, addresses: ['/ip4/192.0.2.1/tcp/1'] }))
  expect(seen).toEqual([0, 0, 0])

  after(() => libp2p.open(peer))
  after(() => manager.markReady(peer, makeHello()))
  after(() => manager.updateHello(peer, makeHello({ height: 9 })))
  after(() => manager.countTraffic(peer, 'high', 'in', 1))
  after(() => manager.updateHealth(peer, { score: 50, latencyMs: 9 }))
  expect(seen.splice(0)).toEqual([0, 0, 0, 4_000, 5_000, 6_000, 7_000, 8_000])

  after(() => manager.updateHealth(peer, { score: 40 }))
  after(() => manager.countTraffic(peer, 'high', 'out', 1))
  after(() => manager.report(peer, { class: 'slow' }))
  after(() => vi.advanceTimersByTime(0))
  after(() => void manager.ban(peer, 'said so'))
  expect(seen).toEqual([8_000, 8_000, 8_000, 8_000, 8_000])
  expect(manager.get(peer)).toMatchObject({ health: 40, latencyMs: 9, failures: 1 })
})

it('lets a reputation decay though the peer is not seen again', async () => {
  const { manager } = await start()
  manager.addCandidate({ id: peer, addresses: [] })
  manager.report(peer, { class: 'invalid-message' })
  vi.advanceTimersByTime(600_000)
  manager.markFailed(peer)
  expect(manager.get(peer)).toMatchObject({ lastSeenMs: 1_000_000, reputation: expect.closeTo(-5, 3) })
  expect(manager.reputation(peer)).toBeCloseTo(-5, 3)
})

it('takes health within 0 to 100, and nothing that is no number', async () => {
  const { libp2p, manager } = await start()
  libp2p.open(peer)
  manager.updateHealth(peer, { score: 140, latencyMs: 12 })
  expect(manager.get(peer)).toMatchObject({ health: 100, latencyMs: 12 })
  manager.updateHealth(peer, { score: Number.NaN })
  manager.updateHealth(other, { score: 5 })
  expect(manager.get(peer)?.health).toBe(100)
  expect(manager.get(other)).toBeUndefined()
})

it('keeps a copy of the Hello: what the giver changes later does not show', async () => {
  const { libp2p, manager } = await start()
  const hello = { ...makeHello(), capabilities: ['sync'], credentials: new Uint8Array([1]) }
  libp2p.open(peer)
  manager.markReady(peer, hello)
  hello.capabilities.push('archive')
  hello.credentials[0] = 9
  expect(manager.get(peer)?.hello).toMatchObject({ capabilities: ['sync'], credentials: new Uint8Array([1]) })
  manager.updateHello(peer, makeHello({ height: 99 }))
  expect(manager.get(peer)).toMatchObject({ state: 'ready', height: 99 })
})

it('selects ready peers only, by health, reputation and affinity, and survives a topology that is absent', async () => {
  const { libp2p, manager } = await start()
  makeReady(libp2p, manager, peer, other)
  libp2p.open(at(ids, 3))
  manager.updateHealth(peer, { score: 20 })
  manager.updateHealth(other, { score: 90 })
  expect(manager.select().map(({ id }) => id)).toEqual([other, peer])
  expect(manager.select({ limit: 1 }).map(({ id }) => id)).toEqual([other])
  expect(manager.select({ role: 'authority' })).toEqual([])
})

it('lets the topology decide who is near', async () => {
  const topology = {
    role: 'consumer',
    region: 'north',
    affinity: (record: { id: PeerId }) => (record.id.equals(peer) ? 1 : 0.1),
    backbone: () => [],
    needs: () => [],
  }
  const { libp2p, manager } = await start({}, { topology })
  makeReady(libp2p, manager, other, peer)
  expect(manager.select().map(({ id }) => id)).toEqual([peer, other])
})

it('leaves reputation and links alone until the tick ends', async () => {
  const { libp2p, manager } = await start()
  makeReady(libp2p, manager, peer)
  manager.report(peer, { class: 'provable-lie', evidence: 'two blocks at height 7' })
  expect(manager.reputation(peer)).toBe(0)
  expect(manager.get(peer)?.state).toBe('ready')
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.reputation(peer)).toBe(-100)
  expect(manager.get(peer)?.state).toBe('banned')
  expect(libp2p.of(peer)).toEqual([])
  expect(manager.explain(peer)[1]).toBe('1970-01-01T00:16:40.000Z -200 provable-lie: two blocks at height 7')
})

it('fades a reputation by half in a half-life', async () => {
  const { manager } = await start({ halfLifeMs: 60_000 })
  manager.report(peer, { class: 'useful', weight: 80 })
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.reputation(peer)).toBe(80)
  vi.advanceTimersByTime(60_000)
  expect(manager.reputation(peer)).toBe(40)
  expect(manager.reputation(other)).toBe(0)
})

it('says goodbye with code, limit and value to a peer whose reputation is spent, and bans at the ban limit', async () => {
  const goodbyes: [PeerId, Reason][] = []
  const handshake = fakeHandshake(async (to, reason) => void goodbyes.push([to, reason]))
  const { libp2p, manager } = await start({ minPeers: 0 }, { handshake })
  makeReady(libp2p, manager, peer, other)
  manager.report(peer, { class: 'invalid-message', weight: 2 })
  manager.report(other, { class: 'invalid-message', weight: 5 })
  await vi.advanceTimersByTimeAsync(0)
  expect(goodbyes).toMatchObject([
    [other, { code: 'banned', limit: 'banReputation', value: -50 }],
    [peer, { code: 'low-reputation', limit: 'disconnectReputation', value: -20 }],
  ])
  expect(libp2p.of()).toEqual([])
  expect([manager.get(peer)?.state, manager.get(other)?.state]).toEqual(['known', 'banned'])
  expect((manager.get(other)?.bannedUntilMs ?? 0) - Date.now()).toBe(12 * 3_600_000)
})

it('neither bans nor disconnects an honest but slow peer while links are at the floor', async () => {
  const handshake = fakeHandshake(async () => {})
  const { libp2p, manager } = await start({ minPeers: 3 }, { handshake })
  makeReady(libp2p, manager, ...ids.slice(1, 4))
  for (let count = 0; count < 100; count++) manager.report(peer, { class: 'slow', evidence: 'late' })
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.reputation(peer)).toBe(-100)
  expect(manager.get(peer)?.state).toBe('ready')
  expect(manager.isBanned(peer)).toBe(false)
})

it('drops the slow peer at the next upkeep once links are no longer short', async () => {
  const handshake = fakeHandshake(async () => {})
  const { libp2p, manager } = await start({ minPeers: 3, upkeepIntervalMs: 1_000 }, { handshake })
  makeReady(libp2p, manager, ...ids.slice(1, 4))
  manager.report(peer, { class: 'slow', weight: 15 })
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.get(peer)?.state).toBe('ready')
  makeReady(libp2p, manager, at(ids, 5))
  await vi.advanceTimersByTimeAsync(1_001)
  expect(manager.get(peer)?.state).toBe('known')
})

it('does not take a stranger without handshake for one of the links that it could lose', async () => {
  const handshake = fakeHandshake(async () => {})
  const { libp2p, manager } = await start({ minPeers: 1 }, { handshake })
  makeReady(libp2p, manager, peer)
  for (const stranger of ids.slice(2, 8)) libp2p.open(stranger)
  manager.report(peer, { class: 'slow', weight: 40 })
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.get(peer)?.state).toBe('ready')
})

it('forgives slowness in proportion to our own lag', async () => {
  const { manager } = await start({}, { health: fakeHealth(10) })
  manager.report(peer, { class: 'slow', weight: 10 })
  manager.report(other, { class: 'invalid-message' })
  await vi.advanceTimersByTimeAsync(0)
  expect([manager.reputation(peer), manager.reputation(other)]).toEqual([-2, -10])
})

it('judges a peer again that comes back with a spent reputation', async () => {
  const { libp2p, manager } = await start({ minPeers: 0 })
  libp2p.open(peer)
  manager.report(peer, { class: 'invalid-message', weight: 3 })
  await vi.advanceTimersByTimeAsync(0)
  libp2p.open(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(libp2p.of(peer)).toEqual([])
  vi.advanceTimersByTime(600_000)
  libp2p.open(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.get(peer)?.state).toBe('connected')
})

it('asks for our lag anew with each tick, and once in it', async () => {
  let lag = 1
  const health = {
    get lagFactor(): number {
      return lag++
    },
  }
  const { manager } = await start({}, { health })
  const told: number[] = []
  manager.addEventListener('peer:report', ({ detail }) => told.push(detail.points))
  for (let tick = 0; tick < 2; tick++) {
    manager.report(peer, { class: 'slow' })
    manager.report(other, { class: 'slow' })
    await vi.advanceTimersByTimeAsync(0)
  }
  expect(told).toEqual([-2, -2, -1, -1])
})

it('ignores reports on itself and on classes that do not exist, and counts the others', async () => {
  const { manager } = await start()
  const told: number[] = []
  manager.addEventListener('peer:report', ({ detail }) => told.push(detail.points))
  manager.report(self, { class: 'slow' })
  manager.report(peer, JSON.parse('{"class":"toString"}'))
  manager.report(peer, { class: 'slow', weight: 2 })
  expect(manager.stats().reports).toMatchObject({ slow: 1, useful: 0 })
  expect(manager.get(self)).toBeUndefined()
  expect(told).toEqual([-4])
})

it('does not throw out of report when a sibling throws', async () => {
  const health = {
    ...fakeHealth(1),
    get lagFactor(): number {
      throw new RangeError('broken')
    },
  }
  const { manager } = await start({}, { health })
  expect(() => manager.report(peer, { class: 'slow' })).not.toThrow()
})

it('bans until the given time, refuses its candidacy, and ends the ban by itself', async () => {
  const { libp2p, manager } = await start({ upkeepIntervalMs: 10_000 })
  const events: string[] = []
  manager.addEventListener('peer:banned', ({ detail }) => events.push(`banned ${detail.untilMs}: ${detail.reason}`))
  manager.addEventListener('peer:unbanned', ({ detail }) => events.push(`unbanned ${detail.equals(peer)}`))
  libp2p.open(peer)
  await manager.ban(peer, 'said so', 5_000)
  expect(libp2p.of(peer)).toEqual([])
  expect(manager.isBanned(peer)).toBe(true)
  expect(manager.addCandidate({ id: peer, addresses: [] })).toBe(false)
  expect(manager.get(peer)).toMatchObject({ state: 'banned', banReason: 'said so', bannedUntilMs: 1_005_000 })

  await vi.advanceTimersByTimeAsync(10_000)
  expect(manager.get(peer)?.state).toBe('known')
  expect(manager.get(peer)).not.toHaveProperty('bannedUntilMs')
  expect(events).toEqual(['banned 1005000: said so', 'unbanned true'])
})

it('parts from a banned peer that came in past the gater', async () => {
  const { libp2p, manager } = await start()
  await manager.ban(peer, 'said so')
  libp2p.open(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(libp2p.of(peer)).toEqual([])
  expect(manager.get(peer)?.state).toBe('banned')
})

it('makes a ban longer for a graver offence, and never shorter for a lesser one', async () => {
  const { manager } = await start({ minPeers: 0 })
  manager.report(peer, { class: 'rate-limited', weight: 20 })
  await vi.advanceTimersByTimeAsync(0)
  expect((manager.get(peer)?.bannedUntilMs ?? 0) - Date.now()).toBe(30 * 60_000)
  manager.report(peer, { class: 'provable-lie' })
  await vi.advanceTimersByTimeAsync(0)
  const untilMs = manager.get(peer)?.bannedUntilMs ?? 0
  expect(untilMs - Date.now()).toBe(24 * 3_600_000)
  await vi.advanceTimersByTimeAsync(60_000)
  manager.report(peer, { class: 'slow' })
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.get(peer)?.bannedUntilMs).toBe(untilMs)
  expect(manager.explain(peer).filter((line) => line.includes(' ban: '))).toHaveLength(2)
})

it('forgets the bad reputation with a pardon, so that the peer may come back', async () => {
  const { libp2p, manager } = await start()
  libp2p.open(peer)
  manager.report(peer, { class: 'provable-lie' })
  await vi.advanceTimersByTimeAsync(0)
  await manager.unban(peer)
  await manager.unban(other)
  expect(manager.get(peer)).toMatchObject({ state: 'known', reputation: 0, provenReputation: 0 })
  expect(manager.explain(peer)[0]).toContain('unban: pardoned')
  libp2p.open(peer)
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.get(peer)?.state).toBe('connected')
})

it('takes no link of a pardoned peer for one that was to be closed, but a new one', async () => {
  const { libp2p, manager } = await start()
  const stuck = libp2p.open(peer)
  stuck.abort = () => {}
  libp2p.isStuck = true
  const banned = manager.ban(peer, 'said so')
  await vi.advanceTimersByTimeAsync(6_000)
  await banned
  await manager.unban(peer)
  expect(manager.get(peer)?.state).toBe('draining')
  libp2p.open(peer)
  expect(manager.get(peer)?.state).toBe('connected')
})

it('can ban for ever', async () => {
  const { manager } = await start()
  await manager.ban(peer, 'for good', Number.POSITIVE_INFINITY)
  await manager.stop()
  vi.advanceTimersByTime(4_000_000_000_000)
  expect(manager.isBanned(peer)).toBe(true)
  expect(manager.explain(peer)).toHaveLength(1)
})

it('refuses to ban itself, or for no time', async () => {
  const { manager } = await start()
  await expect(manager.ban(self, 'why')).rejects.toThrow(RangeError)
  await expect(manager.ban(peer, 'why', 0)).rejects.toThrow('durationMs 0')
  expect(manager.isBanned(peer)).toBe(false)
})

it('closes within its deadlines when neither the goodbye nor the close comes to an end', async () => {
  const handshake = fakeHandshake(() => new Promise(() => {}))
  const { libp2p, manager } = await start({ goodbyeTimeoutMs: 1_000, closeTimeoutMs: 5_000 }, { handshake })
  libp2p.isStuck = true
  libp2p.open(peer)
  let left = 0
  const both = [1, 2].map(async () => {
    await manager.disconnect(peer, { code: 'test', message: 'test' })
    left++
  })
  expect(manager.get(peer)?.state).toBe('draining')
  await vi.advanceTimersByTimeAsync(5_999)
  expect(left).toBe(0)
  await vi.advanceTimersByTimeAsync(1)
  await Promise.all(both)
  expect(manager.get(peer)?.state).toBe('known')
})

it('closes at once when the caller gives up waiting', async () => {
  const handshake = fakeHandshake(() => new Promise(() => {}))
  const { libp2p, manager } = await start({}, { handshake })
  libp2p.open(peer)
  const controller = new AbortController()
  const leaving = manager.disconnect(peer, { code: 'test', message: 'test' }, { signal: controller.signal })
  controller.abort()
  await leaving
  expect(libp2p.of(peer)).toEqual([])
})

it('leaves the closing to the connection pool where there is one', async () => {
  const reasons: Reason[] = []
  const made = makeManager(self)
  const connectionPool = {
    acquire: () => Promise.reject(new RangeError('not used')),
    find: () => undefined,
    probe: () => Promise.reject(new RangeError('not used')),
    disconnect: async (to: PeerId, reason: Reason) => {
      reasons.push(reason)
      for (const connection of made.libp2p.of(to)) made.libp2p.close(connection)
    },
  }
  made.components.connectionPool = connectionPool
  await made.manager.start()
  started.push(made.manager)
  made.libp2p.isStuck = true
  made.libp2p.open(peer)
  await made.manager.disconnect(peer, { code: 'test', message: 'test' })
  await made.manager.disconnect(peer, { code: 'again', message: 'there is nobody to part from' })
  expect(reasons).toEqual([{ code: 'test', message: 'test' }])
})

it('resolves whenReady with the record, at once or as soon as the peer is ready', async () => {
  const { libp2p, manager } = await start()
  const waiting = manager.whenReady(peer)
  makeReady(libp2p, manager, peer)
  await expect(waiting).resolves.toMatchObject({ state: 'ready', id: peer })
  await expect(manager.whenReady(peer)).resolves.toMatchObject({ state: 'ready' })
})

it('ends whenReady with a typed error at the deadline, on abort, on a ban and on stop', async () => {
  const { manager } = await start({ readyTimeoutMs: 2_000 })
  const controller = new AbortController()
  const waits = [
    manager.whenReady(peer),
    manager.whenReady(peer, { signal: controller.signal }),
    manager.whenReady(other),
    manager.whenReady(at(ids, 3)),
  ].map((wait) =>
    wait.then(
      () => 'ready',
      (err: Error) => err.name,
    ),
  )
  controller.abort()
  await manager.ban(other, 'said so')
  await vi.advanceTimersByTimeAsync(2_000)
  const last = manager.whenReady(at(ids, 3)).then(
    () => 'ready',
    (err: Error) => err.name,
  )
  await manager.stop()
  await expect(Promise.all([...waits, last])).resolves.toEqual([
    'TimeoutError',
    'AbortError',
    'PeerBannedError',
    'TimeoutError',
    'NotStartedError',
  ])
  await expect(manager.whenReady(peer)).rejects.toMatchObject({ name: 'NotStartedError' })
  await expect(manager.whenReady(other)).rejects.toMatchObject({ name: 'PeerBannedError', code: 'peer-banned' })
  await expect(manager.whenReady(peer, { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'AbortError' })
})

it('leaves no timer and no listener after stop, and settles what was reported', async () => {
  const { libp2p, manager } = await start()
  const types = [
    'connection:open',
    'connection:close',
    'peer:connect',
    'peer:disconnect',
    'peer:identify',
    'peer:discovery',
  ] as const
  expect(types.map((type) => libp2p.events.listenerCount(type))).toEqual([1, 1, 1, 1, 1, 1])
  makeReady(libp2p, manager, peer)
  manager.report(peer, { class: 'invalid-message' })
  await manager.stop()
  await manager.stop()
  expect(types.map((type) => libp2p.events.listenerCount(type))).toEqual([0, 0, 0, 0, 0, 0])
  expect(vi.getTimerCount()).toBe(0)
  expect(manager.get(peer)).toMatchObject({ state: 'known', reputation: -10 })
  manager.report(peer, { class: 'useful' })
  await manager.disconnect(peer, { code: 'late', message: 'the node has stopped' })
  expect(vi.getTimerCount()).toBe(0)
})

it('runs nothing where it was stopped while it started', async () => {
  const datastore = new MemoryDatastore()
  const reading = Promise.withResolvers<void>()
  datastore.query = async function* () {
    await reading.promise
    yield* []
  }
  const { libp2p, manager } = makeManager(self, {}, { datastore })
  const starting = manager.start()
  await manager.stop()
  reading.resolve()
  await starting
  expect(libp2p.events.listenerCount('connection:open')).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('waits in stop for the partings that are under way', async () => {
  const goodbye = Promise.withResolvers<void>()
  const { libp2p, manager } = await start({}, { handshake: fakeHandshake(() => goodbye.promise) })
  libp2p.isStuck = true
  libp2p.open(peer)
  const ends: string[] = []
  const leaving = manager.disconnect(peer, { code: 'test', message: 'test' }).then(() => ends.push('parted'))
  await manager.stop().then(() => ends.push('stopped'))
  await leaving
  expect(ends).toEqual(['parted', 'stopped'])
})

it('stores again after a write that failed, and what that one was to store', async () => {
  const datastore = new MemoryDatastore()
  const { manager } = await start({}, { datastore })
  const batch = vi.spyOn(datastore, 'batch').mockImplementationOnce(() => {
    throw new TypeError('thrown by a test')
  })
  await manager.ban(peer, 'said so')
  await manager.ban(other, 'said so')
  expect(batch).toHaveBeenCalledTimes(2)
  await manager.stop()
  const next = await start({}, { datastore })
  expect([peer, other].map((one) => next.manager.isBanned(one))).toEqual([true, true])
})

it('starts and stops in bounded time over a datastore that never answers', async () => {
  const datastore = new MemoryDatastore()
  datastore.query = async function* () {
    yield await new Promise<never>(() => {})
  }
  datastore.batch = () => ({ put: () => {}, delete: () => {}, commit: () => new Promise(() => {}) })
  const { manager } = makeManager(self, { storageTimeoutMs: 1_000 }, { datastore })
  const starting = manager.start()
  await vi.advanceTimersByTimeAsync(1_000)
  await starting
  manager.report(peer, { class: 'invalid-message' })
  const stopping = manager.stop()
  await vi.advanceTimersByTimeAsync(1_000)
  await stopping
  expect(manager.reputation(peer)).toBeCloseTo(-10, 1)
  expect(vi.getTimerCount()).toBe(0)
})

it('reads all that is stored, however long that takes, while no read takes longer than storageTimeoutMs', async () => {
  const datastore = new MemoryDatastore()
  const first = await start({}, { datastore })
  for (const one of ids.slice(1)) await first.manager.ban(one, 'said so')
  await first.manager.stop()

  const query = datastore.query.bind(datastore)
  datastore.query = async function* (q) {
    for await (const pair of query(q)) {
      await new Promise((resolve) => setTimeout(resolve, 900))
      yield pair
    }
  }
  const { manager } = makeManager(self, { storageTimeoutMs: 1_000 }, { datastore })
  const starting = manager.start()
  await vi.advanceTimersByTimeAsync(900 * (ids.length - 1))
  await starting
  expect(ids.slice(1).every((one) => manager.isBanned(one))).toBe(true)
  await manager.stop()
})

it('starts with what it read where the datastore stalls', async () => {
  const datastore = new MemoryDatastore()
  const first = await start({}, { datastore })
  for (const one of ids.slice(1)) await first.manager.ban(one, 'said so')
  await first.manager.stop()

  const query = datastore.query.bind(datastore)
  datastore.query = async function* (q) {
    yield* query({ ...q, limit: 5 })
    await new Promise(() => {})
  }
  const { manager } = makeManager(self, { storageTimeoutMs: 1_000 }, { datastore })
  const starting = manager.start()
  await vi.advanceTimersByTimeAsync(1_000)
  await starting
  expect(ids.filter((one) => manager.isBanned(one))).toHaveLength(5)
  await manager.stop()
})

it('starts again after a stop, with its memory and with what was reported in between', async () => {
  const { libp2p, manager } = await start()
  await manager.stop()
  manager.report(peer, { class: 'useful', weight: 5 })
  await manager.start()
  await manager.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(manager.reputation(peer)).toBe(5)
  libp2p.open(peer)
  expect(manager.get(peer)?.state).toBe('connected')
})

it('stops while peers are being parted from', async () => {
  const handshake = fakeHandshake(() => new Promise(() => {}))
  const { libp2p, manager } = await start({}, { handshake })
  libp2p.isStuck = true
  libp2p.open(peer)
  const leaving = manager.disconnect(peer, { code: 'test', message: 'test' })
  await manager.stop()
  await leaving
  expect(manager.get(peer)?.state).toBe('known')
  expect(vi.getTimerCount()).toBe(0)
})
