import type { IdentifyResult, Peer, PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { PeerManagerComponents, PeerManagerInit } from '../src/index.ts'
import type { DefaultPeerManager } from '../src/peer-manager.ts'
import { at, fakeHandshake, FakePeerStore, makeHello, makeManager, makePeerIds, type FakeLibp2p } from './support.ts'

const ids = await makePeerIds(40)
const self = at(ids, 0)
const peers = ids.slice(1)
const [a, b, c, d] = [at(peers, 0), at(peers, 1), at(peers, 2), at(peers, 3)]
const handshake = fakeHandshake(async () => undefined)

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

interface Rig {
  readonly libp2p: FakeLibp2p
  readonly manager: DefaultPeerManager
  readonly store: FakePeerStore
  /** Connects; libp2p then stores what the peer says of itself. */
  readonly meet: (peer: PeerId) => () => void
}

async function makeRig(
  init: PeerManagerInit = {},
  siblings: Partial<PeerManagerComponents> = { handshake },
  prepare: (store: FakePeerStore) => void = () => undefined,
): Promise<Rig> {
  const { libp2p, manager, components } = makeManager(self, init, siblings)
  const store = components.peerStore
  if (!(store instanceof FakePeerStore)) throw new TypeError('not the store of the rig')
  prepare(store)
  await manager.start()
  await settled()
  const meet = (peer: PeerId): (() => void) => {
    const connection = libp2p.open(peer)
    store.put(peer)
    return () => {
      libp2p.close(connection)
      libp2p.events.safeDispatchEvent('peer:disconnect', { detail: peer })
    }
  }
  return { libp2p, manager, store, meet }
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0)
}

function identified({ events }: FakeLibp2p, peerId: PeerId): void {
  const detail: Partial<IdentifyResult> = { peerId, listenAddrs: [] }
  events.safeDispatchEvent('peer:identify', { detail })
}

describe('the entry of a stranger in the peer store', () => {
  it('goes when it leaves without having become ready', async () => {
    const { store, meet } = await makeRig()
    const leave = meet(a)
    await settled()
    expect(store.has(a)).toBe(true)
    leave()
    await settled()
    expect(store.has(a)).toBe(false)
  })

  it('goes where libp2p writes it only after the stranger has left', async () => {
    const { libp2p, store, meet } = await makeRig()
    for (const peer of [a, b]) meet(peer)()
    await settled()
    store.put(a)
    identified(libp2p, a)
    store.put(b, { protocols: ['/some/1'] })
    await settled()
    expect(store.peers.size).toBe(0)
  })

  it('goes where an earlier run left it', async () => {
    const { store } = await makeRig({}, { handshake }, (left) => {
      left.put(a, { protocols: ['/some/1'] })
      left.put(b)
    })
    expect([store.has(a), store.has(b)]).toEqual([false, true])
  })

  it('stays while another connection is open, where it was tagged, and where it was ready once', async () => {
    const { manager, store, meet } = await makeRig()
    const [first] = [meet(a), meet(a)]
    first()
    const leave = meet(b)
    store.put(b, { tags: ['keep-alive'] })
    leave()
    const part = meet(c)
    manager.markReady(c, makeHello())
    part()
    meet(c)()
    await settled()
    expect([a, b, c].map((peer) => store.has(peer))).toEqual([true, true, true])
  })

  it('stays where we dialled the peer, whom a DHT asks again, until there is no room', async () => {
    const { libp2p, store } = await makeRig({ maxStoredPeers: 1 })
    const connection = libp2p.open(a, 'outbound')
    store.put(a, { protocols: ['/some/1'] })
    libp2p.close(connection)
    libp2p.events.safeDispatchEvent('peer:disconnect', { detail: a })
    await settled()
    expect(store.has(a)).toBe(true)
    store.put(b)
    await settled()
    expect([store.has(a), store.has(b)]).toEqual([false, true])
  })

  it('stays where there is no handshake, since nobody becomes ready then', async () => {
    const { store, meet } = await makeRig({}, {})
    meet(a)()
    await settled()
    expect(store.has(a)).toBe(true)
  })

  it('stays where somebody told of a peer that was never connected', async () => {
    const { libp2p, store } = await makeRig()
    store.put(a)
    libp2p.events.safeDispatchEvent('peer:discovery', { detail: { id: a, multiaddrs: [] } })
    await settled()
    expect(store.has(a)).toBe(true)
  })
})

describe('maxStoredPeers', () => {
  it('is never exceeded: whoever was never ready goes first, then whoever changed longest ago, nobody who is linked', async () => {
    const { manager, store, meet } = await makeRig({ maxStoredPeers: 3 })
    meet(a)
    const part = meet(b)
    manager.markReady(b, makeHello())
    part()
    for (const peer of peers.slice(2, 20)) store.put(peer)
    await settled()
    expect([...store.peers.keys()]).toEqual([a, b, at(peers, 19)].map(String))
    meet(c)
    await settled()
    expect([...store.peers.keys()]).toEqual([a, b, c].map(String))
    meet(d)
    await settled()
    expect([...store.peers.keys()]).toEqual([a, c, d].map(String))
  })

  it('holds for what earlier runs left', async () => {
    const { store } = await makeRig({ maxStoredPeers: 5 }, { handshake }, (full) => {
      for (const peer of peers) full.put(peer)
    })
    expect(store.peers.size).toBe(5)
  })
})

it('goes on, and stops, where the store fails or never answers', async () => {
  const stuck = { forEach: () => new Promise<void>(() => undefined), delete: () => new Promise<void>(() => undefined) }
  const failing = {
    forEach: () => Promise.reject(new RangeError('no')),
    delete: () => Promise.reject(new RangeError('no')),
  }
  for (const peerStore of [stuck, failing]) {
    const { libp2p, manager } = makeManager(self, { storageTimeoutMs: 1_000 }, { handshake, peerStore })
    await manager.start()
    const connection = libp2p.open(a)
    const peer: Peer = { id: a, addresses: [], protocols: [], metadata: new Map(), tags: new Map() }
    libp2p.events.safeDispatchEvent('peer:update', { detail: { peer } })
    libp2p.close(connection)
    libp2p.events.safeDispatchEvent('peer:disconnect', { detail: a })
    const stopped = manager.stop()
    await vi.advanceTimersByTimeAsync(1_000)
    await stopped
    expect(vi.getTimerCount()).toBe(0)
  }
})
