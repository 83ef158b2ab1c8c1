import { format } from 'node:util'
import { HandshakeRejectedError } from '@gridmesh/interfaces'
import { TypedEventEmitter, type PeerId } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import {
  at,
  FakeHandshake,
  FakeNetwork,
  makeRecord,
  makeService,
  PEER,
  PEERS,
  SELF,
  systemError,
  withManager,
} from './support.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

/** Time passes for as long as a lost peer could need to be met again. */
const CAP_AND_DIAL_MS = 310_000

const reasons = (service: ReturnType<typeof makeService>['service'], peer: PeerId) =>
  service.state(peer)?.history.map(({ what, reason }) => `${what} ${reason}`)

it('wins back a peer that was lost, with ever longer waits between the tries', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const { network, service, events } = makeService()
  network.connect(PEER)
  network.drop(PEER)
  expect(service.state(PEER)).toMatchObject({ status: 'waiting', nextAttemptInMs: 500 })
  await vi.advanceTimersByTimeAsync(499)
  expect(events).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(service.state(PEER)).toMatchObject({ failures: 1, nextAttemptInMs: 1_000 })
  await vi.advanceTimersByTimeAsync(1_000)
  expect(service.state(PEER)).toMatchObject({ failures: 2, nextAttemptInMs: 2_000 })
  network.answer(true)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(events).toEqual(['attempt 1', 'attempt 2', 'attempt 3', 'success 3'])
  expect(service.state(PEER)).toMatchObject({ status: 'connected', failures: 0, attempts: 0 })
  expect(reasons(service, PEER)).toEqual([
    'returned ready',
    'lost lost',
    'failed refused',
    'failed refused',
    'returned ready',
  ])
})

it('tells in whole ms how long a peer was away', async () => {
  const network = new FakeNetwork()
  const lines: string[] = []
  const log = (text: string, ...args: unknown[]): unknown => lines.push(format(text.replace('%p', '%s'), ...args))
  const { logger } = network.components
  network.components.logger = { forComponent: (name) => Object.assign(log, logger.forComponent(name)) }
  const { service } = makeService({}, network)
  network.connect(PEER)
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(10)
  vi.spyOn(performance, 'now').mockReturnValue(performance.now() + 0.299_397_000_000_04)
  network.connect(PEER)
  expect(lines.at(-1)).toMatch(/is back after 10 ms and 0 attempts/)
  service.stop()
})

it('gives up a peer that is not important after maxTries, and forgets it', async () => {
  const { network, service, events } = makeService({ maxTries: 3 })
  network.connect(PEER)
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect(events).toEqual(['attempt 1', 'attempt 2', 'attempt 3', 'gave-up refused'])
  expect([service.state(PEER), vi.getTimerCount()]).toEqual([undefined, 0])
})

it('goes on for ever with an important one, slowed down by its breaker', async () => {
  const { network, service, events } = makeService({ maxTries: 2, important: [PEER] })
  await vi.advanceTimersByTimeAsync(24 * 3_600_000)
  expect(events).not.toContain('gave-up refused')
  const attempts = network.dials.length
  expect(attempts).toBeGreaterThan((24 * 3_600) / 310)
  expect(service.state(PEER)).toMatchObject({
    isImportant: true,
    status: 'waiting',
    failures: attempts,
  })
  network.answer(true)
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect(service.state(PEER)).toMatchObject({ status: 'connected', breaker: 'closed', failures: 0 })
})

it('opens the breaker after failureThreshold failures and probes once per cool-down', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  const { network, service } = makeService({ important: [PEER], failureThreshold: 3, coolDownMs: 5_000 })
  await vi.advanceTimersByTimeAsync(10)
  expect(network.dials).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(4_980)
  expect(network.dials).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(20)
  expect(network.dials).toHaveLength(4)
  expect(service.state(PEER)?.breakerHistory.map(({ to }) => to)).toEqual(['open', 'half-open', 'open'])
})

it('leaves a peer that never was ready to others', async () => {
  const { network, service } = makeService()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  handshake.decide = async () => new Promise(() => undefined)
  network.connect(PEER)
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect([network.dials, service.peers()]).toEqual([[], []])
})

function dialled(network: FakeNetwork): string[] {
  return network.dials.map(({ peer }) => peer.toString()).toSorted()
}

it('dials important peers from the start, by id, by address and by rule, but never itself', async () => {
  const [byText, byAddress, byRule, other] = PEERS.slice(1) as [PeerId, PeerId, PeerId, PeerId]
  const bootstrap = [`/dns4/relay.example/tcp/1/p2p/${PEER.toString()}/p2p-circuit/p2p/${byAddress.toString()}`]
  const named = makeService({ important: [PEER, byText.toString(), SELF], bootstrap })
  named.network.answer(true)
  await vi.advanceTimersByTimeAsync(0)
  expect(dialled(named.network)).toEqual([PEER, byText, byAddress].map(String).toSorted())

  const network = new FakeNetwork()
  withManager(network)
  for (const [id, role] of [
    [byRule, 'authority'],
    [other, 'prosumer'],
    [SELF, 'authority'],
  ] as const) {
    network.records.set(id.toString(), makeRecord(id, role))
  }
  network.answer(true)
  makeService({ important: (record) => record.hello?.role === 'authority' }, network)
  await vi.advanceTimersByTimeAsync(0)
  expect(dialled(network)).toEqual([byRule.toString()])
})

it('waits for the handshake, and counts a refused one as a failure', async () => {
  const { network, service, events } = makeService({ important: [PEER] })
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  network.answer(true)
  handshake.decide = async () => {
    throw new HandshakeRejectedError({ code: 'busy', message: '' }, 'them')
  }
  await vi.advanceTimersByTimeAsync(0)
  expect(service.state(PEER)).toMatchObject({ status: 'waiting', failures: 1 })
  expect(reasons(service, PEER)).toEqual(['failed busy'])
  handshake.decide = async () => {}
  await vi.advanceTimersByTimeAsync(30_000)
  expect(events).toEqual(['attempt 1', 'attempt 2', 'success 2'])
})

it('ends an attempt that takes longer than its deadline, and tries again', async () => {
  const { network, service } = makeService({ important: [PEER], dialDeadlineMs: 1_000 })
  const signals: (AbortSignal | undefined)[] = []
  network.dial = async (_peer, signal) => {
    signals.push(signal)
    return new Promise(() => undefined)
  }
  await vi.advanceTimersByTimeAsync(999)
  expect(service.state(PEER)?.status).toBe('attempting')
  await vi.advanceTimersByTimeAsync(1)
  expect(reasons(service, PEER)).toEqual(['failed timed-out'])
  expect(signals[0]?.aborted).toBe(true)
})

it.each(['wrong-chain', 'wrong-genesis', 'wrong-fork-choice'])(
  'never tries again after %s, not even an important peer',
  async (code) => {
    const { network, service, events } = makeService({ important: [PEER] })
    const handshake = new FakeHandshake()
    network.components.handshake = handshake
    network.answer(true)
    handshake.decide = async () => {
      throw new HandshakeRejectedError({ code, message: '' }, 'us')
    }
    await vi.advanceTimersByTimeAsync(24 * 3_600_000)
    expect(network.dials).toHaveLength(1)
    expect(events).toEqual(['attempt 1', `gave-up ${code}`])
    expect(service.state(PEER)).toMatchObject({ status: 'given-up' })
    service.resume()
    await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
    expect(network.dials).toHaveLength(1)
  },
)

it('gives up a lost peer that comes back by itself on the wrong chain', async () => {
  const { network, events } = makeService()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  handshake.goodbye(PEER, 'shutting-down')
  network.drop(PEER)
  handshake.decide = async () => {
    throw new HandshakeRejectedError({ code: 'wrong-chain', message: '' }, 'us')
  }
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect([network.dials, events]).toEqual([[], ['gave-up wrong-chain']])
})

it.each([
  ['shutting-down', false, 'retry-later'],
  ['made-up', false, 'retry-later'],
  ['low-reputation', false, undefined],
  ['banned', false, undefined],
  ['low-reputation', true, 'retry-later'],
  ['banned', true, 'retry-later'],
])('after the goodbye %s of a peer, important: %s, does %s', async (code, isImportant, action) => {
  const { network, service } = makeService({ important: isImportant ? [PEER] : [] })
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  service.stop()
  service.start()
  service.afterStart()
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  handshake.goodbye(PEER, code)
  network.drop(PEER)
  const state = service.state(PEER)
  expect(state?.history.at(-1)?.action).toBe(action)
  expect(state?.nextAttemptInMs ?? Infinity).toBeGreaterThanOrEqual(15_000)
})

it('leaves a peer alone that we parted from ourselves, but what the peer said counts for more', async () => {
  const network = new FakeNetwork()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  const manager = withManager(network)
  const { service, events } = makeService({}, network)
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  manager.drain(PEER)
  network.drop(PEER)
  expect([events, service.state(PEER)]).toEqual([['gave-up we-left'], undefined])

  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  manager.drain(PEER)
  handshake.goodbye(PEER, 'shutting-down')
  manager.drain(PEER)
  network.drop(PEER)
  expect(service.state(PEER)?.history.at(-1)).toMatchObject({ action: 'retry-later', reason: 'shutting-down' })
})

it.each([
  ['us', 'unseen', 'retry-later', 'unseen'],
  ['us', 'evicted', undefined, undefined],
  ['us', 'shutting-down', undefined, undefined],
  ['them', 'shutting-down', 'retry-later', 'shutting-down'],
  ['them', 'evicted', 'retry-later', 'evicted'],
  ['them', 'banned', undefined, undefined],
] as const)('goes by who parts and why, as the peer manager tells: %s, %s', async (by, code, action, reason) => {
  const network = new FakeNetwork()
  const manager = withManager(network)
  const { service } = makeService({}, network)
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  manager.drain(PEER, { by, reason: { code, message: 'as told' } })
  network.drop(PEER)
  const last = service.state(PEER)?.history.at(-1)
  expect([last?.action, last?.reason]).toEqual([action, reason])
})

it('takes a goodbye that is read only after the connection ended, but not once it has tried again', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const network = new FakeNetwork()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  const { service, events } = makeService({}, network)
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  network.drop(PEER)
  handshake.goodbye(PEER, 'shutting-down')
  expect(service.state(PEER)?.nextAttemptInMs).toBe(22_500)
  await vi.advanceTimersByTimeAsync(22_500)
  const next = service.state(PEER)?.nextAttemptInMs
  handshake.goodbye(PEER, 'shutting-down')
  expect(service.state(PEER)).toMatchObject({ nextAttemptInMs: next })
  handshake.goodbye(PEER, 'low-reputation')
  expect(events).toEqual(['attempt 1', 'gave-up low-reputation'])
})

it('forgets a goodbye when the peer is ready anew before its old connection ends', async () => {
  const { network, service } = makeService()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  service.stop()
  service.start()
  service.afterStart()
  const old = network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  handshake.goodbye(PEER, 'banned')
  network.connect(PEER)
  await vi.advanceTimersByTimeAsync(0)
  network.close(old)
  network.drop(PEER)
  expect(service.state(PEER)?.history.at(-1)).toMatchObject({ what: 'lost', action: 'retry' })
})

it('does not dial a banned peer, and forgets it unless it is important', async () => {
  const network = new FakeNetwork()
  withManager(network)
  const [ours, other] = [at(PEERS, 1), at(PEERS, 2)]
  const { service, events } = makeService({ important: [ours] }, network)
  network.connect(ours)
  network.connect(other)
  network.connect(PEER)
  network.drop(PEER)
  for (const peer of [ours, other, PEER]) network.banned.add(peer.toString())
  network.drop(ours)
  network.drop(other)
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect(network.dials.filter(({ at: when }) => when > 0)).toEqual([])
  expect(events.filter((event) => event.startsWith('gave-up'))).toEqual(['gave-up banned', 'gave-up banned'])
  expect(service.state(ours)).toMatchObject({ status: 'waiting' })
})

it('dials through the pool where there is one, and else tells the peer manager of its dials', async () => {
  const network = new FakeNetwork()
  withManager(network)
  makeService({ important: [PEER] }, network)
  await vi.advanceTimersByTimeAsync(0)
  expect(network.told).toEqual([`connecting ${PEER.toString()}`, `failed ${PEER.toString()}`])

  const pooled = new FakeNetwork()
  withManager(pooled)
  pooled.components.connectionPool = {
    acquire: async (peer, options) => {
      await pooled.attempt(peer, options?.signal)
      throw systemError('ETIMEDOUT')
    },
  }
  pooled.answer(true)
  const { service } = makeService({ important: [PEER] }, pooled)
  await vi.advanceTimersByTimeAsync(0)
  expect([pooled.dials.length, pooled.told]).toEqual([1, []])
  expect(reasons(service, PEER)).toEqual(['failed timed-out'])
})

it('has at most maxConcurrent attempts under way, important ones first', async () => {
  const important = at(PEERS, 4)
  const network = new FakeNetwork()
  const { service } = makeService({ maxConcurrent: 2, important: [important] }, network)
  await vi.advanceTimersByTimeAsync(0)
  for (const peer of PEERS) network.connect(peer)
  service.suspend()
  for (const peer of PEERS) network.drop(peer)
  network.dials.length = 0
  network.dial = async () => new Promise(() => undefined)
  service.resume()
  await vi.advanceTimersByTimeAsync(0)
  expect(network.dials.map(({ peer }) => peer)).toEqual([important, PEER])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(new Set(network.dials.map(({ peer }) => peer)).size).toBe(PEERS.length)
  expect(service.peers().filter(({ status }) => status === 'attempting').length).toBeLessThanOrEqual(2)
})

it('takes a peer that comes back by itself in the middle of an attempt', async () => {
  const { network, service, events } = makeService()
  const dialling = Promise.withResolvers<void>()
  network.connect(PEER)
  network.drop(PEER)
  network.dial = async () => dialling.promise
  await vi.advanceTimersByTimeAsync(1_000)
  network.connect(PEER)
  expect(events).toEqual(['attempt 1', 'success 1'])
  dialling.reject(systemError('ECONNREFUSED'))
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect(service.state(PEER)).toMatchObject({ status: 'connected', failures: 0 })
  expect(network.dials).toHaveLength(1)
})

it('counts a connection that closes as soon as it is open as a failure', async () => {
  const { network, service } = makeService({ important: [PEER] })
  network.components.handshake = new FakeHandshake()
  network.components.connectionManager.openConnection = async (target) => {
    network.drop(target as PeerId)
    return undefined as never
  }
  await vi.advanceTimersByTimeAsync(0)
  expect(reasons(service, PEER)).toEqual(['failed closed'])
})

it('notices a loss although libp2p lists a connection that has closed', () => {
  const { network, service } = makeService()
  const connection = network.connect(PEER)
  network.connect(at(PEERS, 1))
  network.closeUnnoticed(connection)
  expect(service.state(PEER)?.status).toBe('waiting')
})

it('is not bothered by the end of one of two connections', () => {
  const { network, service } = makeService()
  const connection = network.connect(PEER)
  network.connect(PEER)
  network.close(connection)
  expect(service.state(PEER)?.status).toBe('connected')
})

it('slows down for a peer that never stays, and begins anew with one that stayed for stableMs', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5)
  const { network, service } = makeService({ stableMs: 5_000 })
  network.answer(true)
  network.connect(PEER)
  const waits: (number | undefined)[] = []
  for (let i = 0; i < 4; i++) {
    network.drop(PEER)
    waits.push(service.state(PEER)?.nextAttemptInMs)
    await vi.advanceTimersByTimeAsync(service.state(PEER)?.nextAttemptInMs ?? 0)
  }
  expect(waits).toEqual([500, 1_000, 2_000, 4_000])
  await vi.advanceTimersByTimeAsync(5_000)
  network.drop(PEER)
  expect(service.state(PEER)?.nextAttemptInMs).toBe(500)
})

it('makes no attempts while suspended, and goes on at once and afresh', async () => {
  const { network, service, events } = makeService({ maxTries: 3 })
  network.connect(PEER)
  network.drop(PEER)
  network.dial = async () => new Promise(() => undefined)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(service.state(PEER)?.status).toBe('attempting')
  service.suspend()
  service.suspend()
  expect(service.isSuspended).toBe(true)
  expect(service.state(PEER)).toMatchObject({ status: 'waiting', failures: 0, attempts: 0 })
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect([network.dials.length, vi.getTimerCount()]).toEqual([1, 0])
  network.answer(true)
  service.resume()
  await vi.advanceTimersByTimeAsync(0)
  expect(events).toEqual(['attempt 1', 'attempt 1', 'success 1'])
})

it('can be suspended by whoever is told of an attempt', async () => {
  const { network, service } = makeService({ important: PEERS })
  service.addEventListener('reconnection:attempt', () => service.suspend())
  network.dials.length = 0
  service.stop()
  service.start()
  service.afterStart()
  await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
  expect([network.dials.length, vi.getTimerCount()]).toEqual([0, 0])
})

it('adds to the address book what it lacks of the addresses it knows, and no more', async () => {
  const network = new FakeNetwork()
  const merged: unknown[] = []
  const stored = { addresses: [] as { multiaddr: ReturnType<typeof multiaddr> }[] }
  network.components.peerStore = {
    get: async () => stored as never,
    merge: async (_peer, { multiaddrs }) => {
      merged.push(multiaddrs?.map(String))
      return stored as never
    },
  }
  makeService({ initialDelayMs: 1, maxDelayMs: 1 }, network)
  network.connect(PEER, 'outbound')
  const detail = { peerId: PEER, listenAddrs: [multiaddr('/ip4/1.2.3.4/tcp/5')] }
  network.events.safeDispatchEvent('peer:identify', { detail: detail as never })
  const all = ['/ip4/9.9.9.9/tcp/9', '/ip4/127.0.0.1/tcp/4000', '/ip4/1.2.3.4/tcp/5']
  stored.addresses = all.map((address) => ({ multiaddr: multiaddr(address) }))
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(1)
  expect(merged).toEqual([])
  stored.addresses = stored.addresses.slice(0, 2)
  await vi.advanceTimersByTimeAsync(2)
  expect(merged.slice(0, 2)).toEqual([undefined, ['/ip4/1.2.3.4/tcp/5']])
})

it('counts attempts, failures, peers given up and peers by status', async () => {
  const counted: string[] = []
  const counts: (() => unknown)[] = []
  const network = new FakeNetwork()
  network.components.metrics = {
    registerCounterGroup: (name: string) => ({
      increment: (labels: object) => counted.push(`${name} ${Object.keys(labels).join()}`),
    }),
    registerMetricGroup: (_name: string, { calculate }: { calculate: () => unknown }) => counts.push(calculate),
  } as never
  const { service } = makeService({ maxTries: 1, important: [at(PEERS, 1)] }, network)
  network.connect(PEER)
  network.drop(PEER)
  await vi.advanceTimersByTimeAsync(1_000)
  expect(counts.map((count) => count())).toEqual([{ connected: 0, waiting: 1, attempting: 0, 'given-up': 0 }])
  service.stop()
  const lines = new Set(counted)
  expect(lines).toContain('gridmesh_reconnection_attempts_total failed')
  expect(lines).toContain('gridmesh_reconnection_failures_total refused')
  expect(lines).toContain('gridmesh_reconnection_gave_up_total refused')
})

it('adds in start what stop removes, however often either is called', async () => {
  const network = new FakeNetwork()
  const handshake = new FakeHandshake()
  network.components.handshake = handshake
  const manager = withManager(network)
  handshake.decide = async () => new Promise(() => undefined)
  const { service } = makeService({ important: PEERS }, network)
  const listeners = () =>
    ['connection:open', 'connection:close', 'peer:disconnect', 'peer:identify', 'peer:goodbye', 'peer:state'].map(
      (name) =>
        [network.events, handshake, manager]
          .map((target) => (target as TypedEventEmitter<object>).listenerCount(name))
          .reduce((sum, one) => sum + one),
    )
  for (let i = 0; i < 2; i++) {
    service.start()
    service.afterStart()
    service.afterStart()
    network.connect(PEER)
    network.answer(true)
    await vi.advanceTimersByTimeAsync(100)
    expect(listeners()).toEqual([1, 1, 1, 1, 1, 1])
    expect(vi.getTimerCount()).toBeGreaterThan(0)
    service.beforeStop()
    service.stop()
    service.stop()
    await vi.advanceTimersByTimeAsync(0)
    expect([listeners(), vi.getTimerCount(), service.peers()]).toEqual([[0, 0, 0, 0, 0, 0], 0, []])
    const dials = network.dials.length
    network.drop(PEER)
    await vi.advanceTimersByTimeAsync(CAP_AND_DIAL_MS)
    expect(network.dials).toHaveLength(dials)
  }
})

it.each([
  [{ maxTries: 0 }, 'maxTries 0 '],
  [{ maxPeers: 1.5 }, 'maxPeers 1.5 '],
  [{ maxConcurrent: NaN }, 'maxConcurrent NaN '],
  [{ dialDeadlineMs: 0 }, 'dialDeadlineMs 0 '],
  [{ stableMs: -1 }, 'stableMs -1 '],
  [{ maxDelayMs: 1_000, coolDownMs: 1_001 }, 'coolDownMs 1001 '],
  [{ important: ['nobody'] }, 'important "nobody" '],
  [{ bootstrap: ['/ip4/1.2.3.4/tcp/5'] }, 'bootstrap "/ip4/1.2.3.4/tcp/5" '],
  [{ bootstrap: ['nowhere'] }, 'bootstrap "nowhere" '],
  [{ important: PEERS, maxPeers: 2 }, '5 important peers'],
])('refuses %j and names what it received', (init, words) => {
  expect(() => makeService(init)).toThrow(words)
})
