import type { Quota } from '@gridmesh/interfaces'
import {
  type RateLimiterHarness,
  rateLimiterConformance,
  type RateLimiterLimits,
  type RateLimiterWorld,
} from '@gridmesh/interfaces/conformance'
import { start, stop } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { describe, expect, it, vi } from 'vitest'
import { rateLimiter } from '../src/index.ts'
import { fakeHandshake, somePeer } from './fakes.ts'

const TIMEOUT_MS = 60_000
/** Out of reach of every case. */
const FAR = 1_000_000

async function create({ messagesPerSecond, messagesBurst }: RateLimiterLimits): Promise<RateLimiterWorld> {
  const quotas = new Map<string, Quota>()
  const limits = { messagesPerSecond, messagesBurst, streamsPerSecond: FAR, totalMessagesPerSecond: FAR }
  const limiter = rateLimiter(limits)({
    logger: defaultLogger(),
    handshake: { get: (peer) => fakeHandshake(quotas.get(peer.toString())).get(peer) },
  })
  await start(limiter)
  return {
    limiter,
    peers: await Promise.all([somePeer(), somePeer()]),
    announce: (peer, quota) => void quotas.set(peer.toString(), quota),
    stop: () => stop(limiter),
  }
}

const inRealTime: RateLimiterHarness = { create }

const inFakeTime: RateLimiterHarness = {
  // Waiting sends need timers that run, and here none do.
  quotas: false,
  create: async (limits) => {
    vi.useFakeTimers({ toFake: ['performance'] })
    const world = await create(limits)
    const end = async (): Promise<void> => {
      await world.stop()
      vi.useRealTimers()
    }
    return { ...world, advance: (ms) => void vi.advanceTimersByTime(ms), stop: end }
  },
}

describe.each([
  ['real', inRealTime],
  ['fake', inFakeTime],
])('in %s time', (_time, harness) => {
  it.each(rateLimiterConformance(harness).map(({ name, run }) => [name, run] as const))(
    '%s',
    async (_, run) => {
      await expect(run()).resolves.toBeUndefined()
    },
    TIMEOUT_MS,
  )
})
