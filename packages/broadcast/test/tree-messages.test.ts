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
    isAnnouncement: false,
    origin: '07',
    first: 'peer',
    holders: new Set(['peer']),
    isFirstRefused: false,
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

it('keeps a message for its whole life from when it was accepted, however long it was judged', () => {
  const messages = new TreeMessages(10_000, 1_000)
  const slow = message()
  messages.hold('slow', slow)
  vi.advanceTimersByTime(5_000)
  expect(messages.get('slow')).toBe(slow)
  messages.keep('slow', slow)
  vi.advanceTimersByTime(999)
  expect(messages.get('slow')).toBe(slow)
  expect(messages.recent('orders', 3_000)).toEqual([slow])
  vi.advanceTimersByTime(2)
  expect(messages.get('slow')).toBeUndefined()
})

it('holds what is judged apart from what is kept, and forgets no other in its place', () => {
  const messages = new TreeMessages(1_500, 1_000)
  const [kept, first, second] = [message(), message(), message()]
  messages.add('kept', kept)
  for (const id of ['a', 'b', 'c']) messages.hold(id, message())
  expect(messages.get('kept')).toBe(kept)
  messages.hold('d', first)
  messages.add('d', second)
  messages.keep('d', first)
  messages.release('d', first)
  expect(messages.get('d')).toBe(second)
  messages.clear()
  for (const id of ['kept', 'a', 'd']) expect(messages.get(id)).toBeUndefined()
})
