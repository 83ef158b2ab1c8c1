import { ReplayWindow } from '@gridmesh/envelope'
import { TrafficLimiter } from '@gridmesh/rate-limiter'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Part } from './part.ts'

const PEERS = Array.from({ length: 100 }, (_, index) => `peer-${index}`)
const PLENTY = 1e9

export const LIMITS: readonly Part[] = [
  { name: 'rate limiter, take from 100 peers', unit: '/s', count: 2_000_000, goal: 5e6, ...limiter() },
  { name: 'replay window, mark rising numbers', unit: '/s', count: 1_000_000, goal: 2e6, ours: replayWindow() },
]

function limiter(): Pick<Part, 'ours' | 'theirs'> {
  const limits = new TrafficLimiter({ messagesPerSecond: PLENTY, bytesPerSecond: 1e12, totalMessagesPerSecond: PLENTY })
  const flexible = new RateLimiterMemory({ points: PLENTY, duration: 1 })
  const cost = { messages: 1, bytes: 128 }
  return {
    ours: (count) => {
      for (let i = 0; i < count; i++) limits.take(PEERS[i % PEERS.length] ?? '', '/bench/1', cost)
    },
    theirs: {
      name: 'rate-limiter-flexible, one limit',
      count: 100_000,
      run: async (count) => {
        for (let i = 0; i < count; i++) await flexible.consume(PEERS[i % PEERS.length] ?? '')
      },
    },
  }
}

function replayWindow(): Part['ours'] {
  const window = new ReplayWindow()
  let sequence = 0n
  return (count) => {
    for (let i = 0; i < count; i++) window.mark(++sequence)
  }
}
