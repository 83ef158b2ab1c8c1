import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CROSSING_MS } from '../src/constants.ts'
import { at, FakeSocket, makeHello, makePeerIds, makeRig, type PoolRig } from './support.ts'

const ids = await makePeerIds(20)
const self = at(ids, 0)
const peers = ids.slice(1)
const [a, b, c] = [at(peers, 0), at(peers, 1), at(peers, 2)]

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

function codes({ refused }: PoolRig): string[] {
  return refused.map(({ reason }) => reason.code)
}

describe('inbound slots', () => {
  it('refuses whoever comes to a full pool and ranks no higher, and says which limit that was', async () => {
    const rig = makeRig(self, { maxInbound: 2 }, ['handshake'])
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    const { isRefused } = await rig.libp2p.connect(c, 'inbound', '3.3.3.3')
    expect(isRefused).toBe(true)
    expect(rig.refused).toMatchObject([{ peer: c, reason: { code: 'inbound-full', limit: 'maxInbound', value: 2 } }])
    expect(rig.counters.get('gridmesh_connection_pool_refused_total inbound-full')).toBe(1)
    expect(rig.counters.get('gridmesh_connection_pool_connections inbound')).toBe(2)
  })

  it('gives the slot of the worst to a better one, only once that one is gone, and says goodbye to it first', async () => {
    const rig = makeRig(self, { maxInbound: 2, protectedRegions: 0, protectedRoles: 0 })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    rig.manager.know(a, { reputation: -5 })
    rig.manager.know(b, { reputation: 5 })
    rig.manager.know(c, { reputation: 1 })
    const { isRefused } = await rig.libp2p.connect(c, 'inbound', '3.3.3.3')
    expect(isRefused).toBe(false)
    expect(rig.libp2p.of().map(({ remotePeer }) => remotePeer)).toEqual([b, c])
    expect(rig.libp2p.peak).toBe(2)
    const reason = { code: 'evicted', limit: 'maxInbound', value: 2 }
    expect(rig.evicted).toMatchObject([{ peer: a, reason }])
    expect(rig.handshake.goodbyes).toMatchObject([{ peer: a, reason }])
    expect(rig.counters.get('gridmesh_connection_pool_evicted_total evicted')).toBe(1)
  })

  it('gives a slot that is being left to the next who comes, without evicting anybody else', async () => {
    const rig = makeRig(self, { maxInbound: 1 })
    const { socket } = await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    const leaving = rig.pool.disconnect(a, { code: 'test', message: 'test' })
    const coming = rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    await leaving
    expect((await coming).isRefused).toBe(false)
    expect(socket.status).toBe('closed')
    expect(rig.evicted).toEqual([])
  })

  it('aborts an evicted peer that does not close, and admits the better one then', async () => {
    const rig = makeRig(self, { maxInbound: 1, goodbyeTimeoutMs: 100, closeTimeoutMs: 200 })
    const { socket } = await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    rig.libp2p.isStuck = true
    rig.manager.know(b, { reputation: 1 })
    const coming = rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    await vi.advanceTimersByTimeAsync(199)
    expect(socket.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1)
    expect(socket.status).toBe('aborted')
    expect((await coming).isRefused).toBe(false)
  })

  it('frees the slot of a connection that closes before it is open', async () => {
    const rig = makeRig(self, { maxInbound: 1 })
    const socket = rig.libp2p.make(a)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    expect(rig.pool.usage().inbound.used).toBe(1)
    socket.end('aborted')
    expect(rig.pool.usage().inbound.used).toBe(0)
    expect(await rig.libp2p.gater.denyInboundUpgradedConnection?.(a, socket.socket)).toBe(true)
  })

  it('turns away a few who can be told why, and closes them after', async () => {
    const rig = makeRig(self, { maxInbound: 0, maxTurnAways: 1 })
    rig.handshake.goodbye = async (peer, reason) => {
      rig.handshake.goodbyes.push({ peer, reason })
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const first = await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    const second = await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    expect([first.isRefused, second.isRefused]).toEqual([false, true])
    expect(rig.libp2p.of()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(50)
    expect(rig.libp2p.of()).toEqual([])
    expect(rig.handshake.goodbyes).toMatchObject([{ peer: a, reason: { code: 'inbound-full', value: 0 } }])
    expect(codes(rig)).toEqual(['inbound-full', 'inbound-full'])
    expect(rig.pool.usage()['turned-away'].used).toBe(0)
  })
})

describe('a peer that is turned away', () => {
  it('is referred to others, by whoever knows any', async () => {
    const records = [Uint8Array.of(1)]
    const askers: unknown[] = []
    const referrals = async (asker: PeerId): Promise<Uint8Array[]> => {
      askers.push(asker)
      return records
    }
    const rig = makeRig(self, { maxInbound: 0 }, [], { discovery: { referrals } })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await vi.waitFor(() => expect(rig.handshake.goodbyes).toHaveLength(1))
    const { signal } = new AbortController()
    expect(await rig.handshake.goodbyes[0]?.referrals?.({ signal })).toBe(records)
    expect(askers).toEqual([a])
  })

  it.each([{}, { discovery: {} }])('is told no more than why where nobody knows others: %o', async (siblings) => {
    const rig = makeRig(self, { maxInbound: 0 }, [], siblings)
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await vi.waitFor(() => expect(rig.handshake.goodbyes).toHaveLength(1))
    expect(rig.handshake.goodbyes[0]?.referrals).toBeUndefined()
  })

  it('alone is referred: not one that has to go for a better one', async () => {
    const init = {
      maxInbound: 1,
      minPeers: 0,
      protectedByLatency: 0,
      protectedByUse: 0,
      protectedRegions: 0,
      protectedRoles: 0,
    }
    const rig = makeRig(self, init, [], { discovery: { referrals: async () => [] } })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    rig.manager.know(a, { reputation: -5 })
    rig.manager.know(b, { reputation: 5 })
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    expect(rig.handshake.goodbyes).toMatchObject([{ peer: a }])
    expect(rig.handshake.goodbyes[0]?.referrals).toBeUndefined()
  })
})

describe('the questions of libp2p', () => {
  it('count a connection once that is asked about twice', async () => {
    const rig = makeRig(self, { maxInbound: 1 })
    const socket = rig.libp2p.make(a)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    expect(rig.pool.usage().inbound.used).toBe(1)
    expect(rig.evicted).toEqual([])
  })

  it('are answered where a transport skips the first', async () => {
    const rig = makeRig(self)
    const socket = rig.libp2p.make(a)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    expect(rig.pool.usage().inbound.used).toBe(1)
  })

  it('leave no count of a connection that had closed before the first', async () => {
    const rig = makeRig(self)
    const socket = rig.libp2p.make(a)
    socket.end()
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(rig.pool.usage().pending.used).toBe(0)
  })

  it.each([
    ['of which one begins with the other', '/ip4/192.0.2.1/tcp/3100', '/ip4/192.0.2.1/tcp/31000'],
    ['that are one, as through a relay', '/ip4/192.0.2.1/tcp/3100', '/ip4/192.0.2.1/tcp/3100'],
  ])('keep two connections of a peer apart that are upgraded together from addresses %s', async (_, one, other) => {
    const { libp2p, pool } = makeRig(self)
    const [first, second] = [one, other].map((address, index) => {
      return new FakeSocket(String(index), a, 'inbound', address, libp2p)
    }) as [FakeSocket, FakeSocket]
    for (const socket of [first, second]) {
      await libp2p.gater.denyInboundConnection?.(socket.socket)
      expect(await libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    }
    libp2p.open(second)
    libp2p.open(first)
    expect(pool.usage().inbound.used).toBe(2)
    second.end()
    expect(pool.usage().inbound.used).toBe(1)
    expect(await pool.acquire(a)).toBe(first.connection)
    first.end()
    expect(pool.usage().inbound.used).toBe(0)
  })

  it('count at once a connection that came of no socket they were about', async () => {
    const { libp2p, pool } = makeRig(self)
    const socket = libp2p.make(a)
    await libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(await libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    libp2p.open(libp2p.make(a))
    expect(pool.usage().inbound.used).toBe(2)
    socket.end()
    expect(pool.usage().inbound.used).toBe(1)
  })

  it('find a peer refused that was disconnected while its connection was being upgraded', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a)
    const socket = rig.libp2p.make(a)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(false)
    const leaving = rig.pool.disconnect(a, { code: 'test', message: 'test' })
    expect(await rig.libp2p.gater.denyInboundUpgradedConnection?.(a, socket.socket)).toBe(true)
    await leaving
    expect(codes(rig)).toEqual(['leaving'])
  })
})

describe('bans', () => {
  it('refuses a banned peer in every direction, at every stage', async () => {
    const rig = makeRig(self, { reservedPeers: [a] })
    rig.manager.banned.add(a.toString())
    rig.manager.know(a, { bannedUntilMs: 2_000_000 })
    expect((await rig.libp2p.connect(a)).isRefused).toBe(true)
    expect((await rig.libp2p.connect(a, 'outbound')).isRefused).toBe(true)
    await expect(rig.pool.acquire(a)).rejects.toMatchObject({ name: 'ConnectionRefusedError', code: 'banned' })
    expect(rig.refused[0]?.reason).toMatchObject({ limit: 'bannedUntilMs', value: 2_000_000 })
    const socket = rig.libp2p.make(b)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(b, socket.socket)).toBe(false)
    rig.manager.banned.add(b.toString())
    expect(await rig.libp2p.gater.denyInboundUpgradedConnection?.(b, socket.socket)).toBe(true)
  })

  it('refuses ourselves', async () => {
    const rig = makeRig(self)
    expect((await rig.libp2p.connect(self)).isRefused).toBe(true)
    await expect(rig.pool.acquire(self)).rejects.toMatchObject({ code: 'self', reason: { value: 0 } })
  })

  it('refuses who was banned while waiting for a slot', async () => {
    const rig = makeRig(self, { maxInbound: 1 })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    rig.manager.know(b, { reputation: 1 })
    rig.handshake.goodbye = () => new Promise((resolve) => setTimeout(resolve, 50))
    const coming = rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    await vi.advanceTimersByTimeAsync(20)
    expect(rig.evicted).toHaveLength(1)
    rig.manager.banned.add(b.toString())
    await vi.advanceTimersByTimeAsync(30)
    expect((await coming).isRefused).toBe(true)
    expect(codes(rig)).toEqual(['banned'])
    expect(rig.libp2p.of(b)).toEqual([])
    expect(rig.pool.usage().inbound.used).toBe(0)
  })
})

describe('duplicates', () => {
  it('are two where peers dial each other at once; for one more the oldest is closed, in or out', async () => {
    const rig = makeRig(self)
    const { libp2p } = rig
    const attempts = []
    for (const direction of ['outbound', 'inbound', 'inbound', 'outbound'] as const) {
      vi.advanceTimersByTime(CROSSING_MS)
      attempts.push(await libp2p.connect(a, direction))
      expect(libp2p.of(a)).toEqual(attempts.slice(-2).map(({ socket }) => socket))
    }
    expect(attempts.map(({ socket }) => socket.status)).toEqual(['aborted', 'aborted', 'open', 'open'])
    expect(libp2p.peak).toBe(2)
    expect(rig.pool.usage()).toMatchObject({ inbound: { used: 1 }, outbound: { used: 1 } })
    expect(rig.counters.get('gridmesh_connection_pool_evicted_total duplicate')).toBe(2)
    expect([...rig.refused, ...rig.evicted, ...rig.handshake.goodbyes]).toEqual([])
  })

  it('are closed before they are open, too', async () => {
    const rig = makeRig(self)
    const socket = rig.libp2p.make(a)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)
    await rig.libp2p.connect(a)
    await rig.libp2p.connect(a)
    expect(socket.status).toBe('aborted')
    expect(rig.pool.usage().inbound.used).toBe(2)
  })

  it('are refused where the last to say who it is came first', async () => {
    const rig = makeRig(self)
    const socket = rig.libp2p.make(a)
    await rig.libp2p.gater.denyInboundConnection?.(socket.socket)
    await rig.libp2p.connect(a)
    await rig.libp2p.connect(a)
    expect(await rig.libp2p.gater.denyInboundEncryptedConnection?.(a, socket.socket)).toBe(true)
    expect(rig.libp2p.of(a)).toHaveLength(2)
    expect(rig.refused).toMatchObject([
      { peer: a, reason: { code: 'duplicate', limit: 'maxConnectionsPerPeer', value: 2 } },
    ])
  })

  it('are refused where no other limit lets the newer one in, and the older ones stay', async () => {
    const rig = makeRig(self, { maxConnectionsPerPeer: 1, maxPerNetwork: 1 })
    const { socket } = await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await rig.libp2p.connect(b, 'inbound', '2.2.2.1')
    expect((await rig.libp2p.connect(a, 'inbound', '2.2.2.2')).isRefused).toBe(true)
    expect(socket.status).toBe('open')
    expect(codes(rig)).toEqual(['network-full'])
    expect((await rig.libp2p.connect(a, 'inbound', '1.1.1.1')).isRefused).toBe(false)
    expect(socket.status).toBe('aborted')
    expect(rig.pool.usage()).toMatchObject({ inbound: { used: 2 }, 'turned-away': { used: 0 } })
  })

  it.each([0, 1])('leave the same one to both that dial each other at once, with %i before', async (before) => {
    const [one, other] = [self, a]
    const sides = [one, other].map((id) => makeRig(id, { maxConnectionsPerPeer: 1 }))
    const left: (string | undefined)[][] = []
    for (const [index, { libp2p }] of sides.entries()) {
      const [peer, dialled, taken] = index === 0 ? [other, 'one', 'other'] : [one, 'other', 'one']
      for (let count = 0; count < before; count++) await libp2p.connect(peer)
      vi.advanceTimersByTime(CROSSING_MS)
      const outbound = libp2p.make(peer, 'outbound')
      const inbound = libp2p.make(peer, 'inbound')
      // Each has its own dial encrypted last, and finds the other's open by then.
      await libp2p.gater.denyInboundConnection?.(inbound.socket)
      await libp2p.gater.denyOutboundConnection?.(peer, outbound.socket)
      for (const socket of [inbound, outbound]) {
        const ask = socket === inbound ? 'denyInboundEncryptedConnection' : 'denyOutboundEncryptedConnection'
        if ((await libp2p.gater[ask]?.(peer, socket.socket)) === true) socket.abort()
        else libp2p.open(socket)
      }
      const names = new Map([
        [outbound, dialled],
        [inbound, taken],
      ])
      left.push(libp2p.of(peer).map((socket) => names.get(socket)))
    }
    expect(left[0]).toEqual(left[1])
    expect([['one'], ['other']]).toContainEqual(left[0])
  })

  it('are as old as their sockets, in either direction', async () => {
    const rig = makeRig(self, { maxConnectionsPerPeer: 1 })
    const outbound = rig.libp2p.make(a, 'outbound')
    await rig.libp2p.gater.denyOutboundConnection?.(a, outbound.socket)
    vi.advanceTimersByTime(CROSSING_MS)
    const { socket } = await rig.libp2p.connect(a)
    expect(await rig.libp2p.gater.denyOutboundEncryptedConnection?.(a, outbound.socket)).toBe(true)
    expect(socket.status).toBe('open')
    expect(rig.pool.usage().pending.used).toBe(0)
  })

  it.each([
    ['a peer whose own connections fill the pool and its IP', { maxInbound: 2, maxPerIp: 2 }],
    ['the owner of a reserved slot', { maxInbound: 0, maxTurnAways: 0, reservedPeers: [a] }],
    ['the owner of a role', { maxInbound: 0, maxTurnAways: 0, reservedRoles: { authority: 1 } }],
  ])('do not keep out %s, however many of them are dead', async (_, init) => {
    const rig = makeRig(self, { ...init, attemptsPerIpPerSecond: 100 })
    rig.manager.know(a, { state: 'known', hello: makeHello({ role: 'authority' }) })
    for (let index = 0; index < 20; index++) expect((await rig.libp2p.connect(a)).isRefused).toBe(false)
    expect(rig.libp2p.of(a)).toHaveLength(2)
  })

  it('of one peer leave those of all others alone', async () => {
    const rig = makeRig(self, { maxInbound: 3, attemptsPerIpPerSecond: 100 }, ['handshake'])
    const { socket } = await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    rig.manager.know(a, { reputation: 50 })
    for (let index = 0; index < 20; index++) await rig.libp2p.connect(a)
    expect(socket.status).toBe('open')
    expect(rig.libp2p.of()).toHaveLength(3)
  })

  it('evicts nobody for a second connection', async () => {
    const rig = makeRig(self, { maxInbound: 1, maxOutbound: 2 }, ['handshake'])
    rig.manager.know(a, { reputation: 50 })
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    await rig.libp2p.connect(a, 'outbound', '1.1.1.1')
    expect((await rig.libp2p.connect(a, 'inbound', '1.1.1.1')).isRefused).toBe(true)
    expect(rig.evicted).toEqual([])
  })
})

describe('reserved slots', () => {
  it('admits an owner by peer id to a pool that is full, from an address that is full', async () => {
    const rig = makeRig(self, { maxInbound: 1, maxPerIp: 1, reservedPeers: [a.toString()] })
    await rig.libp2p.connect(b)
    const { isRefused } = await rig.libp2p.connect(a)
    expect(isRefused).toBe(false)
    expect(rig.pool.usage()).toMatchObject({ inbound: { used: 1 }, reserved: { used: 1, limit: 1 } })
    expect(rig.evicted).toEqual([])
  })

  it('lets a stranger wait in a free role slot, keeps it when it says the role, and parts from it when not', async () => {
    const rig = makeRig(self, { maxInbound: 1, reservedRoles: { authority: 1 } })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    expect(rig.pool.usage().reserved.used).toBe(1)
    rig.manager.ready(b, makeHello({ role: 'consumer' }))
    await vi.advanceTimersByTimeAsync(0)
    expect(rig.evicted).toMatchObject([
      { peer: b, reason: { code: 'role-not-reserved', limit: 'reservedRoles.authority', value: 1 } },
    ])
    expect(rig.libp2p.of(b)).toEqual([])
    await rig.libp2p.connect(c, 'inbound', '3.3.3.3')
    rig.manager.ready(c, makeHello({ role: 'authority' }))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rig.libp2p.of().map(({ remotePeer }) => remotePeer)).toEqual([a, c])
  })

  it('moves an owner out of its ordinary slot as soon as it says its role, so that the slot is free', async () => {
    const rig = makeRig(self, { maxInbound: 1, reservedRoles: { authority: 1 } })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    rig.manager.ready(a, makeHello({ role: 'authority' }))
    expect(rig.pool.usage()).toMatchObject({ inbound: { used: 0 }, reserved: { used: 1 } })
    expect((await rig.libp2p.connect(b, 'inbound', '2.2.2.2')).isRefused).toBe(false)
  })

  it('takes the slot from a stranger on trial for an owner that is remembered', async () => {
    const rig = makeRig(self, { maxInbound: 0, reservedRoles: { authority: 1 } })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    rig.manager.know(b, { state: 'known', hello: makeHello({ role: 'authority' }) })
    expect((await rig.libp2p.connect(b, 'inbound', '2.2.2.2')).isRefused).toBe(false)
    expect(rig.libp2p.of().map(({ remotePeer }) => remotePeer)).toEqual([b])
    expect(rig.libp2p.peak).toBe(1)
  })

  it('ends a trial at the reconciliation when the peer never says a role', async () => {
    const rig = makeRig(self, { maxInbound: 0, reservedRoles: { authority: 1 }, roleTimeoutMs: 10_000 })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await vi.advanceTimersByTimeAsync(29_999)
    expect(rig.libp2p.of()).toHaveLength(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(rig.libp2p.of()).toEqual([])
  })
})

describe('protection', () => {
  it('spares the one that was useful last, which the peer manager tells of', async () => {
    const rig = makeRig(self, { maxInbound: 2, protectedByUse: 1 })
    await rig.libp2p.connect(a, 'inbound', '1.1.1.1')
    await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    rig.manager.know(a, { reputation: -10 })
    rig.manager.know(c, { reputation: 10 })
    rig.manager.useful(b)
    vi.advanceTimersByTime(1)
    rig.manager.useful(a)
    await rig.libp2p.connect(c, 'inbound', '3.3.3.3')
    expect(rig.evicted.map(({ peer }) => peer)).toEqual([b])
  })

  it('spares the quickest, the only one of a region and the only one of a role', async () => {
    const rig = makeRig(self, { maxInbound: 5, protectedByLatency: 1 })
    const here = peers.slice(0, 5)
    for (const [index, peer] of here.entries()) await rig.libp2p.connect(peer, 'inbound', `${index + 1}.1.1.1`)
    const consumer = { region: 'north', role: 'consumer' }
    const hellos = [consumer, consumer, { ...consumer, region: 'south' }, { ...consumer, role: 'authority' }, consumer]
    for (const [index, hello] of hellos.entries()) rig.manager.ready(at(here, index), makeHello(hello))
    for (const [index, reputation] of [9, -9, -9, -9, 5].entries()) rig.manager.know(at(here, index), { reputation })
    rig.manager.know(b, { latencyMs: 5 })
    rig.manager.know(a, { latencyMs: 50 })
    const newcomer = at(peers, 5)
    rig.manager.know(newcomer, { reputation: 90 })
    await rig.libp2p.connect(newcomer, 'inbound', '9.1.1.1')
    // `a` is the best of the north and of the consumers, so only the fifth is left, well reputed as it is.
    expect(rig.evicted.map(({ peer }) => peer)).toEqual([at(here, 4)])
    expect(rig.libp2p.of(newcomer)).toHaveLength(1)
  })
})

const event = fc.oneof(
  fc.record({ do: fc.constant('connect' as const), who: fc.nat(11), ip: fc.nat(5), isInbound: fc.boolean() }),
  fc.record({ do: fc.constantFrom('close' as const, 'disconnect' as const), who: fc.nat(11) }),
  fc.record({ do: fc.constant('tick' as const), ms: fc.nat(300) }),
  fc.record({ do: fc.constant('rate' as const), who: fc.nat(11), reputation: fc.integer({ min: -20, max: 20 }) }),
)

it(
  'never has more connections open than there are slots, however connections come, wait, close and are parted from',
  { timeout: 30_000 },
  async () => {
    const limits = { maxInbound: 3, maxOutbound: 2, maxPerIp: 2, maxTurnAways: 1, attemptsPerIpPerSecond: 1_000 }
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
        const rig = makeRig(self, { ...limits, goodbyeTimeoutMs: 100, closeTimeoutMs: 100 })
        rig.handshake.goodbye = () => new Promise((resolve) => setTimeout(resolve, 70))
        let worst = 0
        const count = (one: (socket: FakeSocket) => boolean): number => rig.libp2p.of().filter(one).length
        rig.libp2p.events.addEventListener('connection:open', () => {
          const turnedAway = rig.pool.usage()['turned-away'].used
          const over = [
            count(({ direction }) => direction === 'inbound') - turnedAway - limits.maxInbound,
            turnedAway - limits.maxTurnAways,
            count(({ direction }) => direction === 'outbound') - limits.maxOutbound,
          ]
          worst = Math.max(worst, ...over)
        })
        for (const given of events) {
          if (given.do === 'tick') await vi.advanceTimersByTimeAsync(given.ms)
          else if (given.do === 'rate') rig.manager.know(at(peers, given.who), { reputation: given.reputation })
          else if (given.do === 'close') rig.libp2p.of(at(peers, given.who))[0]?.end()
          else if (given.do === 'connect') {
            const direction = given.isInbound ? 'inbound' : 'outbound'
            void rig.libp2p.connect(at(peers, given.who), direction, `${given.ip}.1.1.1`)
          } else void rig.pool.disconnect(at(peers, given.who), { code: 'x', message: 'x' })
        }
        await vi.advanceTimersByTimeAsync(1_000)
        expect(worst).toBe(0)
        const { inbound, outbound } = rig.pool.usage()
        expect(inbound.used).toBe(count(({ direction }) => direction === 'inbound'))
        expect(outbound.used).toBe(count(({ direction }) => direction === 'outbound'))
        await rig.pool.stop()
        expect(vi.getTimerCount()).toBe(0)
      }),
      { numRuns: 150 },
    )
  },
)
