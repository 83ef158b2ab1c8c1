import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type TreeMessage, TreeMessages } from '../src/tree-messages.ts'

beforeEach(() => {
  vi.useFakeTimers()
  // At 0 the cache takes a message for one that never ends.
  vi.advanceTimersByTime(1)
})
afterEach(() => {
  vi.useRealTimers()
})

function message(): TreeMessage {
  return {
    id: new Uint8Array(20),
    wireTopic: 'orders',
    lane: 'normal',
    bytes: new Uint8Array(100),
    origin: '07',
    first: 'peer',
    holders: new Set(['peer']),
    isAccepted: true,
    atMs: performance.now(),
    grafts: new Map(),
  }
}

it('takes any time above 0 for the life of a message', () => {
  for (const lifetimeMs of [0.5, 1_000, Infinity]) {
    const messages = new TreeMessages(10_000, lifetimeMs)
    messages.add('a', message())
    expect(messages.get('a')).toBeDefined()
    vi.advanceTimersByTime(2_000)
    expect(messages.get('a') !== undefined).toBe(lifetimeMs === Infinity)
  }
})
