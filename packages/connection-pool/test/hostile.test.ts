import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { at, type FakeSocket, makeHello, makePeerIds, makeRig, type PoolRig } from './support.ts'

const ids = await makePeerIds(80)
const self = at(ids, 0)
const peers = ids.slice(1)

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

/** Knocks and says nothing more. */
async function knock(rig: PoolRig, ip: string): Promise<{ socket: FakeSocket; isRefused: boolean }> {
  const socket = rig.libp2p.make(at(peers, 0), 'inbound', ip)
  const isRefused = (await rig.libp2p.gater.denyInboundConnection?.(socket.socket)) === true
  if (isRefused) socket.abort()
  return { socket, isRefused }
}

/** Knocks from `/64` number `index` of one IPv6 /48. */
async function knockFrom(rig: PoolRig, index: number): Promise<FakeSocket> {
  const socket = rig.libp2p.make(at(peers, 0))
  Object.assign(socket, { remoteAddr: multiaddr(`/ip6/2001:db8:1:${index.toString(16)}::1/tcp/1`) })
  if ((await rig.libp2p.gater.denyInboundConnection?.(socket.socket)) === true) socket.abort()
  return socket
}

async function knocks(rig: PoolRig, count: number, ipOf: (index: number) => string): Promise<number> {
  let passed = 0
  for (let index = 0; index < count; index++) passed += (await knock(rig, ipOf(index))).isRefused ? 0 : 1
  return passed
}

function lastReason(rig: PoolRig): unknown {
  return rig.refused.at(-1)?.reason
}

describe('a flood from one address', () => {
  it('passes attemptsPerIpPerSecond a second and no more', async () => {
    const rig = makeRig(self, { attemptsPerIpPerSecond: 5, maxPerIp: 100, maxPerNetwork: 100 })
    expect(await knocks(rig, 50, () => '1.1.1.1')).toBe(5)
    expect(lastReason(rig)).toMatchObject({ code: 'too-many-attempts', limit: 'attemptsPerIpPerSecond', value: 5 })
    vi.advanceTimersByTime(999)
    expect(await knocks(rig, 5, () => '1.1.1.1')).toBe(0)
    vi.advanceTimersByTime(1)
    expect(await knocks(rig, 50, () => '1.1.1.1')).toBe(5)
  })

  it('is no reason to refuse what comes after: attempts that were refused do not count', async () => {
    const rig = makeRig(self, { maxPending: 1 })
    const { socket } = await knock(rig, '2.2.2.2')
    expect(await knocks(rig, 50, () => '1.1.1.1')).toBe(0)
    expect(lastReason(rig)).toMatchObject({ code: 'pending-full' })
    socket.end()
    expect((await knock(rig, '1.1.1.1')).isRefused).toBe(false)
  })

  it('leaves other addresses room when it stays silent', async () => {
    const rig = makeRig(self, { maxPending: 8, reservedPeers: [at(peers, 9)] })
    expect(await knocks(rig, 50, () => '1.1.1.1')).toBe(3)
    expect((await knock(rig, '2.2.2.2')).isRefused).toBe(false)
  })

  it('cannot hold more than maxPerIp connections, under however many ids', async () => {
    const rig = makeRig(self, { attemptsPerIpPerSecond: 100, maxTurnAways: 0 })
    for (const peer of peers.slice(0, 20)) await rig.libp2p.connect(peer, 'inbound', '1.1.1.1')
    expect(rig.libp2p.of()).toHaveLength(3)
    expect(lastReason(rig)).toMatchObject({ code: 'ip-full', limit: 'maxPerIp', value: 3 })
  })

  it('cannot hold more by addresses of its IPv6 /64', async () => {
    const rig = makeRig(self, { maxTurnAways: 0 })
    let held = 0
    for (let index = 0; index < 10; index++) {
      const socket = rig.libp2p.make(at(peers, index))
      Object.assign(socket, { remoteAddr: multiaddr(`/ip6/2001:db8::${index}/tcp/1`) })
      if ((await rig.libp2p.gater.denyInboundConnection?.(socket.socket)) === true) continue
      const isRefused = await rig.libp2p.gater.denyInboundEncryptedConnection?.(socket.remotePeer, socket.socket)
      if (isRefused !== true) held++
    }
    expect(held).toBe(3)
  })
})

describe('a flood from one network', () => {
  it('cannot hold more than maxPerNetwork connections', async () => {
    const rig = makeRig(self, { maxTurnAways: 0 })
    for (const [index, peer] of peers.slice(0, 40).entries()) {
      await rig.libp2p.connect(peer, 'inbound', `1.1.1.${index + 1}`)
    }
    expect(rig.libp2p.of()).toHaveLength(10)
    expect(lastReason(rig)).toMatchObject({ code: 'network-full', limit: 'maxPerNetwork', value: 10 })
  })

  it.each([
    ['stay', false],
    ['close at once', true],
  ])('does not fill the count of attempts by connections that %s', async (_, isClosed) => {
    const rig = makeRig(self, { maxTrackedIps: 100 })
    for (let index = 0; index < 500; index++) {
      const socket = await knockFrom(rig, index)
      if (isClosed) socket.end()
    }
    expect((await knock(rig, '1.1.1.1')).isRefused).toBe(false)
  })

  it('passes attemptsPerIpPerSecond a second for each of maxPerNetwork IPs and no more', async () => {
    const rig = makeRig(self, { attemptsPerIpPerSecond: 3, maxPerNetwork: 4 })
    let passed = 0
    const flood = async (): Promise<void> => {
      for (let index = 0; index < 50; index++) {
        const socket = await knockFrom(rig, index)
        if (socket.status === 'open') passed++
        socket.end()
      }
    }
    await flood()
    expect(passed).toBe(12)
    expect(lastReason(rig)).toMatchObject({ code: 'too-many-attempts', limit: 'attemptsPerIpPerSecond', value: 3 })
    vi.advanceTimersByTime(999)
    await flood()
    expect(passed).toBe(12)
    vi.advanceTimersByTime(1)
    await flood()
    expect(passed).toBe(24)
  })

  it('does not push out those who came from elsewhere, while others may', async () => {
    const rig = makeRig(self, { maxInbound: 12 })
    const honest = peers.slice(60, 62)
    for (const [index, peer] of honest.entries()) await rig.libp2p.connect(peer, 'inbound', `${index + 50}.1.1.1`)
    for (const [index, peer] of peers.slice(0, 40).entries()) {
      await rig.libp2p.connect(peer, 'inbound', `1.1.1.${index + 1}`)
      await vi.advanceTimersByTimeAsync(10)
    }
    const other = at(peers, 70)
    await rig.libp2p.connect(other, 'inbound', '90.1.1.1')
    const open = rig.libp2p.of().map(({ remotePeer }) => remotePeer)
    expect(open).toEqual(expect.arrayContaining([...honest, other]))
    // The youngest of the crowd made room.
    expect(rig.evicted.map(({ peer }) => peer)).toEqual([at(peers, 9)])
  })
})

describe('a flood from everywhere', () => {
  it('fills maxPending and no more, and the next comes in as soon as one has gone', async () => {
    const rig = makeRig(self, { maxPending: 10 })
    expect(await knocks(rig, 50, (index) => `${index + 1}.1.1.1`)).toBe(10)
    expect(lastReason(rig)).toMatchObject({ code: 'pending-full', limit: 'maxPending', value: 10 })
    expect(rig.pool.usage().pending).toEqual({ used: 10, limit: 10 })
  })

  it('is counted for maxTrackedIps addresses and no more', async () => {
    const rig = makeRig(self, { maxTrackedIps: 4, maxPending: 100 })
    expect(await knocks(rig, 50, (index) => `${index + 1}.1.1.1`)).toBe(4)
    expect(lastReason(rig)).toMatchObject({ code: 'too-many-ips', limit: 'maxTrackedIps', value: 4 })
  })

  it('is told why by maxTurnAways at a time and no more', async () => {
    const rig = makeRig(self, { maxInbound: 0, maxTurnAways: 3 })
    rig.handshake.goodbye = () => new Promise((resolve) => setTimeout(resolve, 500))
    const attempts = await Promise.all(
      peers.slice(0, 30).map((peer, index) => rig.libp2p.connect(peer, 'inbound', `${index + 1}.1.1.1`)),
    )
    expect(attempts.filter(({ isRefused }) => !isRefused)).toHaveLength(3)
    await vi.advanceTimersByTimeAsync(500)
    expect(rig.libp2p.of()).toEqual([])
  })

  it('cannot make itself safe by names of regions and roles', async () => {
    const rig = makeRig(self, { maxInbound: 20, protectedRegions: 2, protectedRoles: 2 })
    const [first, second] = [at(peers, 60), at(peers, 61)]
    for (const [index, peer] of [first, second].entries()) {
      await rig.libp2p.connect(peer, 'inbound', `${index + 50}.1.1.1`)
      rig.manager.ready(peer, makeHello({ region: `home ${index}`, role: `honest ${index}` }))
      await vi.advanceTimersByTimeAsync(10)
    }
    for (const [index, peer] of peers.slice(0, 18).entries()) {
      await rig.libp2p.connect(peer, 'inbound', `${index + 1}.1.1.1`)
      rig.manager.ready(peer, makeHello({ region: `made up ${index}`, role: `made up ${index}` }))
      await vi.advanceTimersByTimeAsync(10)
    }
    for (const peer of [first, second]) rig.manager.know(peer, { reputation: -10 })
    for (const [index, peer] of peers.slice(30, 40).entries()) {
      rig.manager.know(peer, { reputation: 5 })
      await rig.libp2p.connect(peer, 'inbound', `${index + 100}.1.1.1`)
    }
    expect(rig.evicted).toHaveLength(10)
    const open = rig.libp2p.of().map(({ remotePeer }) => remotePeer)
    expect(open).toEqual(expect.arrayContaining([first, second]))
  })
})

describe('a reserved slot', () => {
  it('is there for its owner in the middle of a flood', async () => {
    const owner = at(peers, 0)
    const rig = makeRig(self, { maxInbound: 4, maxTurnAways: 0, reservedPeers: [owner], attemptsPerIpPerSecond: 100 })
    for (const peer of peers.slice(1, 50)) await rig.libp2p.connect(peer, 'inbound', '1.1.1.1')
    expect((await rig.libp2p.connect(owner, 'inbound', '1.1.1.1')).isRefused).toBe(false)
    expect(rig.libp2p.of()).toHaveLength(4)
  })
})
