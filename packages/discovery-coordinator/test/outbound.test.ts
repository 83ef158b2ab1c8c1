import type { PeerId } from '@libp2p/interface'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import type { DiscoveryComponents, DiscoveryInit } from '../src/index.ts'
import { resolveOptions } from '../src/options.ts'
import { AGREEABLE, at, candidateOf, FakePeerManager, ListStrategy, makeDiscovery, makePeerIds } from './support.ts'

const ids = await makePeerIds(60)
const self = at(ids, 0)
const honest = ids.slice(1, 21)
const callers = ids.slice(21)

const HOUR_MS = 3_600_000

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

function offersOf(peers: readonly PeerId[]): ReturnType<typeof candidateOf>[] {
  return peers.map((id, index) => candidateOf(id, index))
}

interface Besieged extends ReturnType<typeof makeDiscovery> {
  /** Connections that it dialled. */
  readonly outbound: () => number
  readonly stop: () => Promise<void>
}

/** A node that is dialled by `count` callers before it looks for the first time. */
async function besieged(
  count: number,
  init: DiscoveryInit,
  siblings: Partial<DiscoveryComponents> = {},
): Promise<Besieged> {
  const { world, service } = makeDiscovery(self, init, siblings)
  for (const id of honest) world.reachable.add(id.toString())
  for (const id of callers.slice(0, count)) world.open(id)
  await service.start()
  service.afterStart()
  const outbound = (): number => world.connections.filter(({ direction }) => direction === 'outbound').length
  const stop = async (): Promise<void> => {
    await service.beforeStop()
    await service.stop()
    expect(vi.getTimerCount()).toBe(0)
  }
  return { world, service, outbound, stop }
}

it('dials minOutbound peers though those who dialled it fill the target, and then no more', async () => {
  const init = { strategies: [new ListStrategy('list', offersOf(honest))], minPeers: 3, targetPeers: 8, minOutbound: 4 }
  const { world, service, outbound, stop } = await besieged(30, init)
  await vi.advanceTimersByTimeAsync(2_000)
  expect(outbound()).toBeGreaterThanOrEqual(4)
  // One in three is expected to answer at first, so a few too many may be under way.
  expect(outbound()).toBeLessThanOrEqual(4 + 8)
  expect(service.stats()).toMatchObject({ outbound: outbound(), ready: 30 + outbound() })
  const dials = world.dials.length
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(world.dials).toHaveLength(dials)
  await stop()
})

it('leaves a node alone whose target is filled by those who dialled it where minOutbound is 0', async () => {
  const init = { strategies: [new ListStrategy('list', offersOf(honest))], minPeers: 3, targetPeers: 8, minOutbound: 0 }
  const { world, stop } = await besieged(8, init)
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(world.dials).toEqual([])
  await stop()
})

it('replaces a peer that it dialled at once, though it stays above the target', async () => {
  const init = { strategies: [new ListStrategy('list', offersOf(honest))], minPeers: 3, targetPeers: 8, minOutbound: 4 }
  const { world, service, outbound, stop } = await besieged(30, init)
  // In the middle between two rounds.
  await vi.advanceTimersByTimeAsync(105_000)
  const dialled = world.connections.filter(({ direction }) => direction === 'outbound')
  for (const { remotePeer } of dialled.slice(3)) world.close(remotePeer)
  expect([outbound(), service.stats().ready]).toEqual([3, 33])
  await vi.advanceTimersByTimeAsync(1_100)
  expect(outbound()).toBeGreaterThanOrEqual(4)
  await stop()
})

it('asks fallbacks too while it has fewer than minOutbound', async () => {
  const fallback = new ListStrategy('bootstrap', offersOf(honest.slice(0, 4)), true)
  const { outbound, stop } = await besieged(30, { strategies: [fallback], minPeers: 3, targetPeers: 8, minOutbound: 4 })
  await vi.advanceTimersByTimeAsync(2_000)
  expect(outbound()).toBe(4)
  const { runs } = fallback
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(fallback.runs).toBe(runs)
  await stop()
})

it('looks no more often than every maxIntervalMs in the long run, and dials nobody, where it is linked to all there are', async () => {
  const strategy = new ListStrategy('list', offersOf([...honest.slice(0, 2), ...callers.slice(0, 10)]))
  const { world, service, outbound, stop } = await besieged(10, {
    strategies: [strategy],
    minPeers: 3,
    targetPeers: 8,
    minOutbound: 4,
  })
  await vi.advanceTimersByTimeAsync(120_000)
  expect(outbound()).toBe(2)
  const before = { rounds: service.stats().rounds, dials: world.dials.length }
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  expect(service.stats().rounds - before.rounds).toBeLessThanOrEqual(HOUR_MS / 30_000)
  expect(world.dials).toHaveLength(before.dials)
  await stop()
})

it('backs off up to backoffMaxMs from a peer that does not answer, though it has fewer than minOutbound', async () => {
  const strategy = new ListStrategy('list', offersOf(callers.slice(30, 31)))
  const { world, stop } = await besieged(10, { strategies: [strategy], minPeers: 3, targetPeers: 8, minOutbound: 4 })
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  const before = world.dials.length
  await vi.advanceTimersByTimeAsync(HOUR_MS)
  // At least half of the wait is certain.
  expect(world.dials.length - before).toBeLessThanOrEqual(HOUR_MS / 150_000)
  expect(world.dials.length - before).toBeGreaterThan(0)
  await stop()
})

it('counts those it dialled once they are ready, and waits for them before it dials others', async () => {
  const manager = new FakePeerManager()
  const siblings = { peerManager: manager as never, handshake: AGREEABLE as never }
  const init = { strategies: [new ListStrategy('list', offersOf(honest))], minPeers: 3, targetPeers: 8, minOutbound: 4 }
  const { world, service, outbound, stop } = await besieged(30, init, siblings)
  for (const id of callers.slice(0, 30)) manager.ready(id)
  await vi.advanceTimersByTimeAsync(1_000)
  const dials = world.dials.length
  expect(outbound()).toBeGreaterThanOrEqual(4)
  expect(service.stats()).toMatchObject({ ready: 30, outbound: 0 })
  await vi.advanceTimersByTimeAsync(5_000)
  expect(world.dials).toHaveLength(dials)
  for (const { remotePeer, direction } of world.connections) if (direction === 'outbound') manager.ready(remotePeer)
  expect(service.stats().outbound).toBe(outbound())
  await stop()
})

it('holds minOutbound peers that it chose in the end, however those who dial it come and go', async () => {
  const event = fc.record({ second: fc.nat(60), caller: fc.nat(callers.length - 1), own: fc.nat(honest.length - 1) })
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 8 }), async (plan, minOutbound) => {
      // The callers are told of, too; who has left does not answer.
      const strategy = new ListStrategy('list', offersOf([...callers, ...honest]))
      const init = { strategies: [strategy], minPeers: 3, targetPeers: 8, minOutbound }
      const { world, service, outbound, stop } = await besieged(30, init)
      for (let second = 0; second <= 60; second++) {
        for (const { caller, own } of plan.filter((one) => one.second === second)) {
          const id = at(callers, caller)
          if (world.linked().includes(id.toString())) world.close(id)
          else world.open(id)
          world.close(at(honest, own))
        }
        await vi.advanceTimersByTimeAsync(1_000)
        expect(world.maxActive).toBeLessThanOrEqual(8)
      }
      await vi.advanceTimersByTimeAsync(400_000)
      expect(outbound()).toBeGreaterThanOrEqual(minOutbound)
      expect(service.stats().outbound).toBe(outbound())
      await stop()
    }),
    { numRuns: 20 },
  )
})

it.each([
  [{}, 8],
  [{ targetPeers: 9 }, 5],
  [{ targetPeers: 16 }, 8],
  [{ minPeers: 0, targetPeers: 0 }, 0],
  [{ minPeers: 3, targetPeers: 8, minOutbound: 8 }, 8],
])('takes 8 or half of the target as minOutbound unless another is given: %j', (init, expected) => {
  expect(resolveOptions(init).minOutbound).toBe(expected)
})

it.each([-1, 0.5, 9, Number.NaN])('refuses minOutbound %d beside targetPeers 8', (minOutbound) => {
  const init = { minPeers: 3, targetPeers: 8, minOutbound }
  expect(() => resolveOptions(init)).toThrow(
    new RangeError(`minOutbound ${minOutbound} must be a whole number, 0 to targetPeers 8`),
  )
})
