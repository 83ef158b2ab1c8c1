import type { Hello, Traffic } from '@gridmesh/interfaces'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ConnectionPoolInit } from '../src/index.ts'
import { at, FakeLibp2p, type FakeSocket, makeHello, makePeerIds, makeRig, type PoolRig } from './support.ts'

const ids = await makePeerIds(30)
const self = at(ids, 0)
const peers = ids.slice(1)
const [a, b, c] = [at(peers, 0), at(peers, 1), at(peers, 2)]

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

/** A dial that ends when the test says so, or when it is told to. */
function pendingDials(libp2p: FakeLibp2p): { connect(index?: number): Promise<FakeSocket>; readonly aborted: number } {
  const dials: { finish: () => Promise<FakeSocket> }[] = []
  const direct = libp2p.dial
  const state = { aborted: 0 }
  libp2p.dial = (peer, addresses, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => {
        state.aborted++
        reject(signal.reason)
      })
      dials.push({
        finish: async () => {
          const socket = await direct(peer, addresses, signal)
          resolve(socket)
          return socket
        },
      })
    })
  return {
    connect: async (index = dials.length - 1) => at(dials, index).finish(),
    get aborted() {
      return state.aborted
    },
  }
}

function acquired({ counters }: PoolRig, outcome: string): number {
  return counters.get(`gridmesh_connection_pool_acquired_total ${outcome}`) ?? 0
}

describe('acquire', () => {
  it('reuses an open connection', async () => {
    const rig = makeRig(self)
    const { socket } = await rig.libp2p.connect(a)
    expect(await rig.pool.acquire(a)).toBe(socket.connection)
    expect(rig.libp2p.dialled).toEqual([])
    expect(acquired(rig, 'reused')).toBe(1)
  })

  it('reuses the newest of two, since the older one may be dead', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a)
    const { socket } = await rig.libp2p.connect(a)
    expect(await rig.pool.acquire(a)).toBe(socket.connection)
  })

  it('shares one dial among all who ask for a peer, and tells the peer manager of it', async () => {
    const rig = makeRig(self)
    const dials = pendingDials(rig.libp2p)
    const asking = [rig.pool.acquire(a), rig.pool.acquire(a), rig.pool.acquire(a)]
    await vi.advanceTimersByTimeAsync(0)
    const socket = await dials.connect()
    expect(await Promise.all(asking)).toEqual([socket.connection, socket.connection, socket.connection])
    expect(rig.libp2p.dialled).toEqual([a])
    expect(rig.manager.calls).toEqual([`connecting ${a.toString()}`])
    expect([acquired(rig, 'opened'), acquired(rig, 'shared')]).toEqual([1, 2])
  })

  it('lets one of them give up without the others, and gives the dial up with the last', async () => {
    const rig = makeRig(self)
    const dials = pendingDials(rig.libp2p)
    const [first, second] = [new AbortController(), new AbortController()]
    const asking = [rig.pool.acquire(a, { signal: first.signal }), rig.pool.acquire(a, { signal: second.signal })]
    const settled = Promise.allSettled(asking)
    await vi.advanceTimersByTimeAsync(0)
    first.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(dials.aborted).toBe(0)
    second.abort()
    await vi.advanceTimersByTimeAsync(0)
    expect(dials.aborted).toBe(1)
    expect((await settled).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(rig.manager.calls).toEqual([`connecting ${a.toString()}`, `failed ${a.toString()}`])
    const again = rig.pool.acquire(a)
    await vi.advanceTimersByTimeAsync(0)
    const socket = await dials.connect()
    expect(await again).toBe(socket.connection)
  })

  it('dials as many at once as allowed, queues as many as allowed, and refuses the next', async () => {
    const rig = makeRig(self, { maxDials: 2, maxQueuedDials: 1, exemptLoopback: true })
    const dials = pendingDials(rig.libp2p)
    const asking = [rig.pool.acquire(a), rig.pool.acquire(b), rig.pool.acquire(c)]
    await expect(rig.pool.acquire(at(peers, 3))).rejects.toMatchObject({
      name: 'QueueFullError',
      limit: 'maxQueuedDials',
      value: 1,
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(rig.libp2p.dialled).toEqual([a, b])
    expect(rig.counters.get('gridmesh_connection_pool_dials active')).toBe(2)
    expect(rig.counters.get('gridmesh_connection_pool_dials queued')).toBe(1)
    await dials.connect(0)
    await vi.advanceTimersByTimeAsync(0)
    expect(rig.libp2p.dialled).toEqual([a, b, c])
    await dials.connect(1)
    await dials.connect(2)
    expect(await Promise.all(asking)).toHaveLength(3)
    expect(acquired(rig, 'queue-full')).toBe(1)
  })

  it('gives a dial up at its deadline, and a waiting one at the deadline of the queue', async () => {
    const rig = makeRig(self, { maxDials: 1, dialTimeoutMs: 5_000, queueTimeoutMs: 3_000 })
    const dials = pendingDials(rig.libp2p)
    const outcomes: string[] = []
    const note = (name: string, work: Promise<unknown>): void =>
      void work.catch((err: unknown) => outcomes.push(`${name} ${err instanceof Error ? err.name : 'none'}`))
    note('dial', rig.pool.acquire(a))
    note('wait', rig.pool.acquire(b))
    await vi.advanceTimersByTimeAsync(2_999)
    expect(outcomes).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(outcomes).toEqual(['wait TimeoutError'])
    await vi.advanceTimersByTimeAsync(2_000)
    expect(outcomes).toEqual(['wait TimeoutError', 'dial TimeoutError'])
    expect(dials.aborted).toBe(1)
    expect(rig.manager.calls).toEqual([`connecting ${a.toString()}`, `failed ${a.toString()}`])
    expect(vi.getTimerCount()).toBe(1)
  })

  it('takes addresses for a first dial: those of other peers and those beyond the limit are left out', async () => {
    const rig = makeRig(self, { maxAddressesPerDial: 2 })
    let given: readonly Multiaddr[] = []
    const { dial } = rig.libp2p
    rig.libp2p.peerOf = () => a
    rig.libp2p.dial = (peer, addresses, signal) => {
      given = addresses
      return dial(peer, addresses, signal)
    }
    const addresses = [
      multiaddr(`/ip4/5.5.5.5/tcp/1/p2p/${b.toString()}`),
      multiaddr('/ip4/6.6.6.6/tcp/1'),
      multiaddr(`/ip4/7.7.7.7/tcp/1/p2p/${a.toString()}`),
      multiaddr('/ip4/8.8.8.8/tcp/1'),
    ]
    await rig.pool.acquire(a, { addresses })
    expect(given.map(String)).toEqual([
      `/ip4/6.6.6.6/tcp/1/p2p/${a.toString()}`,
      `/ip4/7.7.7.7/tcp/1/p2p/${a.toString()}`,
    ])
  })

  it('dials nobody for a full pool that nobody in it makes room in, counting dials that are under way', async () => {
    const rig = makeRig(self, { maxOutbound: 1 })
    const dials = pendingDials(rig.libp2p)
    const first = rig.pool.acquire(a)
    await vi.advanceTimersByTimeAsync(0)
    await expect(rig.pool.acquire(b)).rejects.toMatchObject({
      name: 'ConnectionRefusedError',
      code: 'outbound-full',
      reason: { limit: 'maxOutbound', value: 1 },
    })
    expect(rig.libp2p.dialled).toEqual([a])
    expect(rig.manager.calls).toEqual([`connecting ${a.toString()}`])
    await dials.connect()
    await first
  })

  it('evicts the worst of a full pool for a better peer that it dials', async () => {
    const rig = makeRig(self, { maxOutbound: 1 })
    await rig.pool.acquire(a)
    rig.manager.know(b, { reputation: 3 })
    await rig.pool.acquire(b)
    expect(rig.libp2p.of().map(({ remotePeer }) => remotePeer)).toEqual([b])
    expect(rig.libp2p.peak).toBe(1)
    expect(rig.evicted).toMatchObject([{ peer: a, reason: { limit: 'maxOutbound', value: 1 } }])
  })

  it('names the limit where libp2p only says that the gater said no', async () => {
    const rig = makeRig(self, { maxPerIp: 1 })
    await rig.pool.acquire(a)
    await expect(rig.pool.acquire(b)).rejects.toMatchObject({
      name: 'ConnectionRefusedError',
      code: 'ip-full',
      reason: { limit: 'maxPerIp', value: 1 },
      cause: { name: 'ConnectionInterceptedError' },
    })
  })

  it('passes on any other failure as it is', async () => {
    const rig = makeRig(self)
    rig.libp2p.dial = () => Promise.reject(Object.assign(new RangeError('refused'), { code: 'ECONNREFUSED' }))
    await expect(rig.pool.acquire(a)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(acquired(rig, 'failed')).toBe(1)
  })

  it('waits for a connection that is being closed, and makes a new one', async () => {
    const rig = makeRig(self)
    const { socket } = await rig.libp2p.connect(a)
    const leaving = rig.pool.disconnect(a, { code: 'test', message: 'test' })
    const fresh = await rig.pool.acquire(a)
    await leaving
    expect(fresh).not.toBe(socket.connection)
    expect(fresh.status).toBe('open')
  })
})

describe('probe', () => {
  it('connects in the slot for that, whatever else is full, and disconnects', async () => {
    const rig = makeRig(self, { maxOutbound: 0 })
    rig.libp2p.peerOf = () => a
    await rig.pool.probe(a, [multiaddr('/ip4/5.5.5.5/tcp/1')])
    expect(rig.libp2p.dialled).toEqual([a])
    expect(rig.libp2p.of()).toEqual([])
    expect(rig.pool.usage().probe).toEqual({ used: 0, limit: 1 })
    expect(rig.refused).toEqual([])
  })

  it('refuses a second probe at the same time, and lets an acquire of the same peer wait for it', async () => {
    const rig = makeRig(self)
    const dials = pendingDials(rig.libp2p)
    const first = rig.pool.probe(a, [])
    await vi.advanceTimersByTimeAsync(0)
    await expect(rig.pool.probe(b, [])).rejects.toMatchObject({ code: 'probe-full', reason: { value: 1 } })
    const asking = rig.pool.acquire(a)
    const probed = await dials.connect()
    await first
    expect(probed.status).toBe('closed')
    await vi.advanceTimersByTimeAsync(0)
    const kept = await dials.connect()
    expect(await asking).toBe(kept.connection)
    expect(rig.pool.usage().outbound.used).toBe(1)
  })

  it('is never what an acquire of the same moment is given', async () => {
    const rig = makeRig(self)
    rig.libp2p.peerOf = () => a
    const probing = rig.pool.probe(a, [])
    const connection = await rig.pool.acquire(a)
    await probing
    expect(connection.status).toBe('open')
    expect(rig.libp2p.dialled).toEqual([a, a])
    expect(rig.pool.usage()).toMatchObject({ outbound: { used: 1 }, probe: { used: 0 } })
  })

  it('fails, and disconnects, where the peer answers and is refused by the handshake', async () => {
    const rig = makeRig(self)
    rig.handshake.whenReady = () => Promise.reject(new RangeError('of another network'))
    await expect(rig.pool.probe(a, [])).rejects.toThrow('of another network')
    expect(rig.libp2p.of()).toEqual([])
    expect(rig.pool.usage().probe.used).toBe(0)
    await rig.libp2p.connect(b)
    await expect(rig.pool.probe(b, [])).rejects.toThrow('of another network')
  })

  it('stays connected until the handshake is over', async () => {
    const rig = makeRig(self)
    const hello = Promise.withResolvers<Hello>()
    rig.handshake.whenReady = () => hello.promise
    const probing = rig.pool.probe(a, [])
    await vi.advanceTimersByTimeAsync(0)
    expect(rig.pool.usage().probe.used).toBe(1)
    hello.resolve(makeHello())
    await probing
    expect(rig.libp2p.of()).toEqual([])
  })

  it('leaves a connection alone that was there before', async () => {
    const rig = makeRig(self)
    const { socket } = await rig.libp2p.connect(a)
    await rig.pool.probe(a, [])
    expect(socket.status).toBe('open')
    expect(rig.libp2p.dialled).toEqual([])
  })

  it('frees the slot after a dial that failed', async () => {
    const rig = makeRig(self)
    rig.libp2p.dial = () => Promise.reject(new RangeError('nobody there'))
    await expect(rig.pool.probe(a, [])).rejects.toThrow('nobody there')
    await expect(rig.pool.probe(b, [])).rejects.toThrow('nobody there')
  })
})

describe('disconnect', () => {
  const reason = { code: 'test', message: 'test' }

  it('says goodbye to a ready peer, and then closes all its connections', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a, 'inbound')
    await rig.libp2p.connect(a, 'outbound')
    rig.handshake.ready.add(a.toString())
    await rig.pool.disconnect(a, reason)
    expect(rig.handshake.goodbyes).toEqual([{ peer: a, reason }])
    expect(rig.libp2p.of()).toEqual([])
  })

  it('says no second goodbye where somebody said it already', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a)
    await rig.pool.disconnect(a, reason)
    expect(rig.handshake.goodbyes).toEqual([])
    expect(rig.libp2p.of()).toEqual([])
  })

  it('closes at its deadlines a peer that neither hears nor closes', async () => {
    const rig = makeRig(self, { goodbyeTimeoutMs: 100, closeTimeoutMs: 200 })
    const { socket } = await rig.libp2p.connect(a)
    rig.handshake.ready.add(a.toString())
    rig.handshake.goodbye = () => new Promise(() => {})
    rig.libp2p.isStuck = true
    const leaving = rig.pool.disconnect(a, reason)
    await vi.advanceTimersByTimeAsync(299)
    expect(socket.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1)
    expect(socket.status).toBe('aborted')
    await leaving
  })

  it('ends the wait, not the parting, when the signal aborts', async () => {
    const rig = makeRig(self)
    const { socket } = await rig.libp2p.connect(a)
    rig.handshake.ready.add(a.toString())
    rig.handshake.goodbye = () => new Promise((resolve) => setTimeout(resolve, 500))
    const controller = new AbortController()
    const leaving = rig.pool.disconnect(a, reason, { signal: controller.signal })
    controller.abort()
    await expect(leaving).rejects.toMatchObject({ name: 'AbortError' })
    await vi.advanceTimersByTimeAsync(500)
    expect(socket.status).toBe('closed')
  })

  it('refuses the peer until it is gone', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a)
    rig.handshake.ready.add(a.toString())
    rig.handshake.goodbye = () => new Promise((resolve) => setTimeout(resolve, 500))
    const leaving = rig.pool.disconnect(a, reason)
    expect((await rig.libp2p.connect(a)).isRefused).toBe(true)
    expect(rig.refused).toMatchObject([{ reason: { code: 'leaving', limit: 'connectionsWhileLeaving', value: 0 } }])
    await vi.advanceTimersByTimeAsync(500)
    await leaving
    expect((await rig.libp2p.connect(a)).isRefused).toBe(false)
  })
})

function traffic(messagesIn: number): { normal: Traffic } {
  return { normal: { messagesIn, messagesOut: 0, bytesIn: 0, bytesOut: 0 } }
}

describe('a silent peer', () => {
  const limits = { idleTimeoutMs: 60_000, reconcileIntervalMs: 10_000, maxInbound: 3, minPeers: 0, maxPerIp: 9 }
  const unprotected = { protectedByLatency: 0, protectedRegions: 0, protectedRoles: 0 }
  const [d, e] = [at(peers, 3), at(peers, 4)]

  /** A pool that is full with `a`, `b` and `c`, who came in this order and said nothing. */
  async function fullRig(init: ConnectionPoolInit = {}, without: readonly string[] = []): Promise<PoolRig> {
    // Without a handshake who is refused is closed at once.
    const rig = makeRig(self, { ...limits, ...unprotected, ...init }, ['handshake', ...without])
    for (const peer of [a, b, c, d, e]) rig.manager.know(peer, { traffic: traffic(0) as never })
    for (const peer of [a, b, c]) {
      await rig.libp2p.connect(peer)
      await vi.advanceTimersByTimeAsync(1)
    }
    return rig
  }

  it('keeps its slot for as long as nobody else wants it', async () => {
    const rig = await fullRig()
    await vi.advanceTimersByTimeAsync(86_400_000)
    expect(rig.evicted).toEqual([])
    expect(rig.libp2p.of()).toHaveLength(3)
  })

  it('gives way to a newcomer after idleTimeoutMs, the longest silent first, where the pool is full', async () => {
    const rig = await fullRig()
    await vi.advanceTimersByTimeAsync(30_000)
    rig.manager.know(a, { traffic: traffic(1) as never })
    expect((await rig.libp2p.connect(d)).isRefused).toBe(true)
    await vi.advanceTimersByTimeAsync(30_000)
    expect((await rig.libp2p.connect(d)).isRefused).toBe(false)
    expect((await rig.libp2p.connect(e)).isRefused).toBe(false)
    expect(rig.evicted).toMatchObject([
      { peer: b, reason: { code: 'idle', limit: 'idleTimeoutMs', value: 60_000 } },
      { peer: c, reason: { code: 'idle' } },
    ])
    expect(rig.libp2p.of().map(({ remotePeer }) => remotePeer)).toEqual([a, d, e])
  })

  it('keeps its slot where it spoke since the last look', async () => {
    const rig = await fullRig({ reconcileIntervalMs: 40_000 })
    await vi.advanceTimersByTimeAsync(70_000)
    for (const peer of [a, b, c]) rig.manager.know(peer, { traffic: traffic(1) as never })
    expect((await rig.libp2p.connect(d)).isRefused).toBe(true)
  })

  it('keeps its slot while there are no more than minPeers', async () => {
    const rig = await fullRig({ minPeers: 3 })
    await vi.advanceTimersByTimeAsync(70_000)
    expect((await rig.libp2p.connect(d)).isRefused).toBe(true)
    await rig.libp2p.connect(e, 'outbound')
    expect((await rig.libp2p.connect(d)).isRefused).toBe(false)
  })

  it('does not give way to a newcomer of lower reputation', async () => {
    const rig = await fullRig()
    rig.manager.know(d, { reputation: -1 })
    await vi.advanceTimersByTimeAsync(70_000)
    expect((await rig.libp2p.connect(d)).isRefused).toBe(true)
  })

  it('is not known where nobody counts messages', async () => {
    const rig = await fullRig({}, ['peerManager'])
    await vi.advanceTimersByTimeAsync(70_000)
    expect((await rig.libp2p.connect(d)).isRefused).toBe(true)
  })
})

describe('upkeep', () => {
  it('finds connections that it was not told of, and those that ended without a word, and counts both', async () => {
    const rig = makeRig(self)
    const unheard = rig.libp2p.make(a)
    rig.libp2p.connections.set(unheard.id, unheard)
    const { socket } = await rig.libp2p.connect(b, 'inbound', '2.2.2.2')
    socket.status = 'closed'
    rig.libp2p.connections.delete(socket.id)
    expect(rig.pool.usage().inbound.used).toBe(1)
    await vi.advanceTimersByTimeAsync(30_000)
    expect(rig.pool.usage().inbound.used).toBe(1)
    expect(rig.counters.get('gridmesh_connection_pool_drift_total unknown')).toBe(1)
    expect(rig.counters.get('gridmesh_connection_pool_drift_total lost')).toBe(1)
    unheard.end()
    expect(rig.pool.usage().inbound.used).toBe(0)
  })

  it('survives a sibling that throws', async () => {
    const rig = makeRig(self)
    await rig.libp2p.connect(a)
    rig.manager.get = () => {
      throw new RangeError('broken')
    }
    await vi.advanceTimersByTimeAsync(60_000)
    expect(rig.libp2p.of()).toHaveLength(1)
  })
})

describe('without its gater', () => {
  it('judges connections after the fact', async () => {
    const rig = makeRig(self, { maxInbound: 1 }, ['gater', 'handshake'])
    rig.libp2p.open(rig.libp2p.make(a))
    const second = rig.libp2p.open(rig.libp2p.make(b, 'inbound', '2.2.2.2'))
    await vi.advanceTimersByTimeAsync(0)
    expect(second.status).toBe('aborted')
    expect(rig.refused).toMatchObject([{ peer: b, reason: { code: 'inbound-full' } }])
    expect(rig.pool.usage().inbound.used).toBe(1)
  })
})

describe('start and stop', () => {
  it('leaves no timer, listener, dial or count behind, refuses everybody, and works after a new start', async () => {
    const rig = makeRig(self)
    const dials = pendingDials(rig.libp2p)
    const { socket } = await rig.libp2p.connect(a)
    const waiting = rig.pool.acquire(b)
    const failed = waiting.catch((err: unknown) => err)
    await vi.advanceTimersByTimeAsync(0)
    const off = [
      vi.spyOn(rig.libp2p.events, 'removeEventListener'),
      vi.spyOn(rig.manager, 'removeEventListener'),
      vi.spyOn(socket, 'removeEventListener'),
    ]
    await rig.pool.stop()
    await rig.pool.stop()
    expect(await failed).toMatchObject({ name: 'NotStartedError' })
    expect(vi.getTimerCount()).toBe(0)
    expect(off.map((spy) => spy.mock.calls.map(([type]) => type).toSorted())).toEqual([
      ['connection:close', 'connection:open'],
      ['peer:report', 'peer:state'],
      ['close'],
    ])
    expect(dials.aborted).toBe(1)
    expect(rig.pool.usage().inbound.used).toBe(0)
    await expect(rig.pool.acquire(a)).rejects.toMatchObject({ name: 'NotStartedError' })
    expect((await rig.libp2p.connect(c, 'inbound', '3.3.3.3')).isRefused).toBe(true)
    expect(rig.refused.at(-1)?.reason).toMatchObject({ code: 'stopped', value: 0 })

    rig.pool.start()
    rig.pool.start()
    rig.pool.afterStart()
    expect(vi.getTimerCount()).toBe(1)
    // The connection that the fake did not close is found again.
    expect(rig.pool.usage().inbound.used).toBe(1)
    expect((await rig.libp2p.connect(c, 'inbound', '3.3.3.3')).isRefused).toBe(false)
    await rig.pool.stop()
    expect(vi.getTimerCount()).toBe(0)
  })
})
