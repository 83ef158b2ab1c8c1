import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CROSSED_MAX_MS, CROSSING_MS, HANDSHAKE_PROTOCOL } from '../src/constants.ts'
import { at, type FakeSocket, makePeerIds, makeRig, type PoolRig } from './support.ts'

const ids = (await makePeerIds(3)).toSorted((one, other) => (one.toString() < other.toString() ? -1 : 1))
const [lesser, greater] = [at(ids, 0), at(ids, 1)]

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})

afterEach(() => {
  vi.useRealTimers()
})

interface Crossed {
  readonly rig: PoolRig
  readonly ours: FakeSocket
  readonly theirs: FakeSocket
}

/** The node with the lesser id, and a peer that dialled it `apartMs` after it has dialled that. */
async function cross(apartMs = 1, self = lesser, peer = greater): Promise<Crossed> {
  const rig = makeRig(self)
  const { socket: ours } = await rig.libp2p.connect(peer, 'outbound')
  vi.advanceTimersByTime(apartMs)
  const { socket: theirs } = await rig.libp2p.connect(peer, 'inbound')
  for (const { streams } of [ours, theirs]) streams.push({ protocol: HANDSHAKE_PROTOCOL })
  return { rig, ours, theirs }
}

describe('of two connections that crossed', () => {
  it('both sides use the one that the greater id dialled, whichever came first', async () => {
    const here = await cross()
    expect(here.rig.pool.find(greater)).toBe(here.theirs.connection)
    const there = await cross(1, greater, lesser)
    expect(there.rig.pool.find(lesser)).toBe(there.ours.connection)
    expect(await there.rig.pool.acquire(lesser)).toBe(there.ours.connection)
  })

  it('the other is closed by who dialled it, when neither side can think any more that there is but one', async () => {
    const { rig, ours, theirs } = await cross()
    await vi.advanceTimersByTimeAsync(CROSSING_MS - 1)
    expect(ours.status).toBe('open')
    await vi.advanceTimersByTimeAsync(1)
    expect([ours.status, theirs.status]).toEqual(['closed', 'open'])
    expect(rig.pool.usage()).toMatchObject({ inbound: { used: 1 }, outbound: { used: 0 } })
    expect(rig.counters.get('gridmesh_connection_pool_evicted_total duplicate')).toBe(1)
    await rig.pool.stop()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('the other side closes none', async () => {
    const { ours, theirs } = await cross(1, greater, lesser)
    await vi.advanceTimersByTimeAsync(CROSSED_MAX_MS * 2)
    expect([ours.status, theirs.status]).toEqual(['open', 'open'])
  })

  it('none is closed where the peer came later, since it may have lost the first', async () => {
    const { ours, theirs } = await cross(CROSSING_MS)
    await vi.advanceTimersByTimeAsync(CROSSED_MAX_MS * 2)
    expect([ours.status, theirs.status]).toEqual(['open', 'open'])
  })

  it('the other stays while something goes over it, and for no more than a minute', async () => {
    const short = await cross()
    const long = await cross()
    for (const { ours } of [short, long]) ours.streams.push({ protocol: '/work' })
    await vi.advanceTimersByTimeAsync(CROSSING_MS * 3)
    short.ours.streams.pop()
    expect([short.ours.status, long.ours.status]).toEqual(['open', 'open'])
    await vi.advanceTimersByTimeAsync(CROSSING_MS)
    expect([short.ours.status, long.ours.status]).toEqual(['closed', 'open'])
    await vi.advanceTimersByTimeAsync(CROSSED_MAX_MS - CROSSING_MS * 3)
    expect(long.ours.status).toBe('closed')
  })

  it('both take one place of those by address, or each side would refuse what the other has dialled', async () => {
    const rig = makeRig(lesser, { maxPerIp: 1 })
    await rig.libp2p.connect(greater, 'outbound', '192.0.2.7')
    expect((await rig.libp2p.connect(greater, 'inbound', '192.0.2.7')).isRefused).toBe(false)
    await rig.libp2p.connect(at(ids, 2), 'inbound', '192.0.2.7')
    expect(rig.refused).toMatchObject([{ peer: at(ids, 2), reason: { code: 'ip-full' } }])
    await vi.advanceTimersByTimeAsync(CROSSING_MS)
    expect(rig.libp2p.of(greater)).toHaveLength(1)
  })

  it('nothing is closed where one has ended by itself', async () => {
    const { ours, theirs } = await cross()
    theirs.end()
    await vi.advanceTimersByTimeAsync(CROSSED_MAX_MS)
    expect(ours.status).toBe('open')
  })

  it('the other is aborted where it does not close in time', async () => {
    const { rig, ours } = await cross()
    rig.libp2p.isStuck = true
    await vi.advanceTimersByTimeAsync(CROSSING_MS + 2_000)
    expect(ours.status).toBe('aborted')
  })
})
