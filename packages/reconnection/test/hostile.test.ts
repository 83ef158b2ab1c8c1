import { HandshakeRejectedError, type Reason } from '@gridmesh/interfaces'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AddressMemory } from '../src/address-memory.ts'
import {
  at,
  FakeHandshake,
  FakeNetwork,
  makePeerIds,
  makeRecord,
  makeService,
  PEER,
  PEERS,
  withManager,
} from './support.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('tracks no more than maxPeers however many come and go, and keeps the important ones', async () => {
  const crowd = await makePeerIds(60)
  const network = new FakeNetwork()
  const { service } = makeService({ maxPeers: 20, important: crowd.slice(1, 6) }, network)
  for (const peer of crowd) {
    network.connect(peer)
    network.drop(peer)
  }
  expect(service.peers()).toHaveLength(20)
  expect(service.peers().filter(({ isImportant }) => isImportant)).toHaveLength(5)
})

it('turns peers away, counts them and goes on, while maxPeers connected ones are tracked', async () => {
  const turnedAway: unknown[] = []
  const network = new FakeNetwork()
  network.components.metrics = {
    registerCounterGroup: (name: string) => ({
      increment: (labels: unknown) => name.endsWith('untracked_total') && turnedAway.push(labels),
    }),
    registerMetricGroup: () => undefined,
  } as never
  const { service } = makeService({ maxPeers: 2 }, network)
  for (const peer of PEERS) network.connect(peer)
  expect(service.peers().map(({ peer }) => peer)).toEqual(PEERS.slice(0, 2))
  expect(turnedAway).toEqual([{ maxPeers: true }, { maxPeers: true }, { maxPeers: true }])
  network.drop(at(PEERS, 4))
  network.drop(PEER)
  network.connect(at(PEERS, 3))
  expect(service.peers().map(({ peer }) => peer)).toEqual([at(PEERS, 1), at(PEERS, 3)])
})

it('keeps the newest maxHistory entries of a peer that fails for days', async () => {
  const { service } = makeService({ important: [PEER], maxHistory: 5 })
  await vi.advanceTimersByTimeAsync(48 * 3_600_000)
  const state = service.state(PEER)
  expect([state?.history.length, state?.breakerHistory.length]).toEqual([5, 5])
})

it('remembers at most maxAddresses of a peer, and those it was reached at before those it says', () => {
  const memory = new AddressMemory(3)
  memory.hear(Array.from({ length: 5_000 }, (_, i) => multiaddr(`/ip4/10.0.0.1/tcp/${i + 1}`)))
  memory.prove(multiaddr('/ip4/10.0.0.9/tcp/9'))
  expect(memory.all.map(String)).toEqual(['/ip4/10.0.0.9/tcp/9', '/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/2'])
  memory.hear([])
  expect(memory.all).toHaveLength(3)
  memory.hear([multiaddr('/ip4/10.0.0.9/tcp/9')])
  expect(memory.all.map(String)).toEqual(['/ip4/10.0.0.9/tcp/9'])
})

function brokenRule(): boolean {
  throw new RangeError('broken rule')
}

it('lives on when a rule, a manager or an address book throws', async () => {
  const network = new FakeNetwork()
  const manager = withManager(network)
  network.records.set(PEER.toString(), makeRecord(PEER, 'authority'))
  network.components.peerStore.get = async () => {
    throw new RangeError('broken disk')
  }
  manager.markConnecting = () => {
    throw new RangeError('illegal move')
  }
  const { service, events } = makeService({ important: brokenRule }, network)
  network.connect(PEER, 'outbound')
  network.drop(PEER)
  network.answer(true)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(service.state(PEER)).toMatchObject({ status: 'connected', isImportant: false })
  expect(events).toEqual(['attempt 1', 'success 1'])
})

it('lives on when a handshake tells nonsense', async () => {
  const network = new FakeNetwork()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  const { service } = makeService({}, network)
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  handshake.safeDispatchEvent('peer:goodbye', { detail: { peer: PEER, reason: undefined as unknown as Reason } })
  handshake.safeDispatchEvent('peer:goodbye', { detail: undefined as never })
  handshake.goodbye(PEER, '__proto__')
  network.drop(PEER)
  expect(service.state(PEER)?.history.at(-1)).toMatchObject({ action: 'retry-later', reason: '__proto__' })
})

it('never takes a label of its metrics from a remote', async () => {
  const labels: string[] = []
  const network = new FakeNetwork()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  network.components.metrics = {
    registerCounterGroup: () => ({ increment: (values: object) => labels.push(...Object.keys(values)) }),
    registerMetricGroup: () => undefined,
  } as never
  network.answer(true)
  handshake.decide = async () => {
    throw new HandshakeRejectedError({ code: `made-up-${labels.length}`, message: '' }, 'them')
  }
  const { events } = makeService({ important: [PEER] }, network)
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(events.length).toBeGreaterThan(5)
  expect(new Set(labels)).toEqual(new Set(['failed', 'other']))
})

it('is not brought down by dials that fail with what is no error', async () => {
  const { network, service } = makeService({ important: [PEER] })
  network.dial = async () => {
    throw undefined as unknown as Error
  }
  await vi.advanceTimersByTimeAsync(0)
  expect(service.state(PEER)?.history.at(-1)).toMatchObject({ what: 'failed', reason: 'unknown' })
})
