import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { ReconnectionInit } from '../src/index.ts'
import { at, FakeNetwork, makeService, PEERS, systemError } from './support.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const CAP_MS = 8_000
const DEADLINE_MS = 1_000
const INIT = {
  initialDelayMs: 200,
  maxDelayMs: CAP_MS,
  laterDelayMs: 2_000,
  coolDownMs: 3_000,
  failureThreshold: 3,
  dialDeadlineMs: DEADLINE_MS,
  stableMs: 1_000,
  important: PEERS,
} satisfies ReconnectionInit

/** How a dial ends while the peer is away. */
type Away = 'refused' | 'silent' | 'later' | 'denied'

function setNetwork(network: FakeNetwork, isUp: () => boolean, away: () => Away): void {
  network.dial = async (_peer, signal) => {
    if (isUp()) return
    const how = away()
    if (how === 'silent') {
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))
    }
    throw how === 'denied'
      ? Object.assign(new TypeError(), { name: 'DialDeniedError' })
      : systemError(how === 'later' ? 'ENOTFOUND' : 'ECONNREFUSED')
  }
}

const ways = fc.constantFrom<Away>('refused', 'silent', 'later', 'denied')
const peers = PEERS.slice(0, 4)

/** One thing that happens to the network. */
const steps = fc.array(
  fc.oneof(
    fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 6_000 }) }),
    fc.record({ do: fc.constantFrom('drop' as const, 'connect' as const), who: fc.nat(3) }),
    fc.record({ do: fc.constant('up' as const), is: fc.boolean() }),
    fc.record({ do: fc.constant('way' as const), way: ways }),
    fc.record({ do: fc.constantFrom('suspend' as const, 'resume' as const) }),
  ),
  { maxLength: 40, size: 'max' },
)

it('never attempts a peer before it is due, nor more often than its breaker lets it in any window', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 4_000 }), ways), { minLength: 1, maxLength: 30 }),
      async (plan) => {
        const { network, service } = makeService(INIT)
        let way: Away = 'refused'
        setNetwork(
          network,
          () => false,
          () => way,
        )
        const early: number[] = []
        const begun = new Map<string, number[]>()
        service.addEventListener('reconnection:attempt', ({ detail }) => {
          const key = detail.peer.toString()
          begun.set(key, [...(begun.get(key) ?? []), performance.now()])
        })
        for (const [ms, next] of plan) {
          way = next
          const now = performance.now()
          const due = service.peers()
          const before = new Map([...begun].map(([key, times]) => [key, times.length]))
          await vi.advanceTimersByTimeAsync(ms)
          for (const { peer, nextAttemptInMs } of due) {
            const first = begun.get(peer.toString())?.[before.get(peer.toString()) ?? 0]
            if (nextAttemptInMs !== undefined && first !== undefined && first < now + nextAttemptInMs) early.push(first)
          }
        }
        service.stop()
        expect(early).toEqual([])
        for (const times of begun.values()) {
          for (const [first, from] of times.entries()) {
            for (const [count, to] of times.slice(first).entries()) {
              const allowed = INIT.failureThreshold + Math.floor((to - from) / INIT.coolDownMs)
              expect(count + 1).toBeLessThanOrEqual(allowed)
            }
          }
        }
      },
    ),
    { numRuns: 40 },
  )
})

it('never has more attempts under way than maxConcurrent, nor any while suspended or stopped', async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.integer({ min: 1, max: 3 }), async (plan, maxConcurrent) => {
      const { network, service } = makeService({ ...INIT, maxConcurrent })
      let whileSuspended = 0
      let [isUp, way]: [boolean, Away] = [false, 'refused']
      setNetwork(
        network,
        () => isUp,
        () => way,
      )
      for (const step of plan) {
        const { length } = network.dials
        const wasSuspended = service.isSuspended
        if (step.do === 'wait') await vi.advanceTimersByTimeAsync(step.ms)
        else if (step.do === 'drop') network.drop(at(peers, step.who))
        else if (step.do === 'connect') network.connect(at(peers, step.who))
        else if (step.do === 'up') isUp = step.is
        else if (step.do === 'way') way = step.way
        else service[step.do]()
        if (wasSuspended && service.isSuspended) whileSuspended += network.dials.length - length
      }
      expect(whileSuspended).toBe(0)
      expect(network.mostRunning).toBeLessThanOrEqual(maxConcurrent)
      service.stop()
      await vi.advanceTimersByTimeAsync(0)
      const { length } = network.dials
      expect([network.running, vi.getTimerCount()]).toEqual([0, 0])
      await vi.advanceTimersByTimeAsync(2 * CAP_MS)
      expect(network.dials).toHaveLength(length)
    }),
    { numRuns: 60 },
  )
})

it('reconnects every peer that comes back within the cap and one dial deadline, whatever happened before', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (plan) => {
      const { network, service } = makeService({ ...INIT, important: peers })
      let [isUp, way]: [boolean, Away] = [false, 'refused']
      setNetwork(
        network,
        () => isUp,
        () => way,
      )
      for (const step of plan) {
        if (step.do === 'wait') await vi.advanceTimersByTimeAsync(step.ms)
        else if (step.do === 'drop') network.drop(at(peers, step.who))
        else if (step.do === 'connect') network.connect(at(peers, step.who))
        else if (step.do === 'up') isUp = step.is
        else if (step.do === 'way') way = step.way
        else service[step.do]()
      }
      if (service.isSuspended) service.resume()
      isUp = true
      await vi.advanceTimersByTimeAsync(CAP_MS + DEADLINE_MS)
      const statuses = service.peers().map(({ status }) => status)
      service.stop()
      expect(statuses).toEqual(peers.map(() => 'connected'))
    }),
    { numRuns: 60 },
  )
})

it('begins anew after a success that lasts, however often it failed before', async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 60_000 }), ways, async (awayMs, way) => {
      const peer = at(peers, 0)
      const { network, service } = makeService({ ...INIT, important: [peer] })
      let isUp = false
      setNetwork(
        network,
        () => isUp,
        () => way,
      )
      await vi.advanceTimersByTimeAsync(awayMs)
      isUp = true
      await vi.advanceTimersByTimeAsync(CAP_MS + DEADLINE_MS + INIT.stableMs)
      expect(service.state(peer)).toMatchObject({ status: 'connected', failures: 0, attempts: 0, breaker: 'closed' })
      network.drop(peer)
      const wait = service.state(peer)?.nextAttemptInMs
      service.stop()
      expect(wait).toBeLessThanOrEqual(INIT.initialDelayMs)
    }),
    { numRuns: 40 },
  )
})
