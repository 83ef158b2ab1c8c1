import { splitPayload, type SplitPayload } from '@gridmesh/chunking'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { RetainedPayloads } from '../src/retained-payloads.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

function payload(length: number): SplitPayload {
  return splitPayload(new Uint8Array(length), { chunkBytes: 1_024 })
}

function retained(maxBytes = 100, lifetimeMs = 1_000): RetainedPayloads {
  const payloads = new RetainedPayloads(maxBytes, lifetimeMs)
  payloads.start()
  return payloads
}

it('keeps a payload for its lifetime, anew when it is added again, and not a millisecond longer', () => {
  const payloads = retained()
  const split = payload(10)
  payloads.add('a', split)
  vi.advanceTimersByTime(600)
  payloads.add('b', payload(10))
  expect(payloads.add('a', payload(10))).toBe(true)
  expect(payloads.bytes).toBe(20)
  vi.advanceTimersByTime(999)
  expect(payloads.get('a', 'peer')).toBe(split)
  expect(payloads.has('b')).toBe(true)
  vi.advanceTimersByTime(1)
  expect([payloads.has('a'), payloads.has('b'), payloads.bytes, vi.getTimerCount()]).toEqual([false, false, 0, 0])
})

it('makes room by dropping the oldest that is not owed, and none where that is not enough', () => {
  const payloads = retained()
  let isOwed = true
  payloads.add('owed', payload(40), { isOwed: () => isOwed })
  payloads.add('old', payload(30))
  payloads.add('new', payload(30))
  expect(payloads.add('small', payload(20))).toBe(true)
  expect(['owed', 'old', 'new', 'small'].filter((id) => payloads.has(id))).toEqual(['owed', 'new', 'small'])
  expect(payloads.add('large', payload(61))).toBe(false)
  expect(payloads.size).toBe(3)
  isOwed = false
  expect(payloads.add('large', payload(61))).toBe(true)
  expect(payloads.has('owed')).toBe(false)
})

it('never holds more than maxBytes', () => {
  const adding = fc.record({ id: fc.nat(9), length: fc.integer({ min: 1, max: 120 }), isOwed: fc.boolean() })
  fc.assert(
    fc.property(fc.array(adding, { maxLength: 40 }), (list) => {
      const payloads = retained()
      for (const { id, length, isOwed } of list) {
        // An id names one content.
        payloads.add(`${id}-${length}`, payload(length), { isOwed: () => isOwed })
        expect(payloads.bytes).toBeLessThanOrEqual(100)
      }
      payloads.stop()
      expect([payloads.bytes, payloads.size, vi.getTimerCount()]).toEqual([0, 0, 0])
    }),
  )
})

it('gives a payload to its audience only, to that of each publish of it, and to all once it is for all', () => {
  const payloads = retained()
  const split = payload(10)
  payloads.add('a', split, { audience: new Set(['x']) })
  payloads.add('a', split, { audience: new Set(['y']) })
  expect(['x', 'y', 'z'].map((peer) => payloads.get('a', peer) === split)).toEqual([true, true, false])
  payloads.add('a', split)
  expect(payloads.get('a', 'z')).toBe(split)
  payloads.add('a', split, { audience: new Set(['y']) })
  expect(payloads.get('a', 'z')).toBe(split)
})

it('keeps owing what is published twice while either publish is owed', () => {
  const payloads = retained()
  let isOwed = true
  payloads.add('a', payload(60), { isOwed: () => isOwed })
  payloads.add('a', payload(60), { isOwed: () => false })
  expect(payloads.add('b', payload(60))).toBe(false)
  isOwed = false
  expect(payloads.add('b', payload(60))).toBe(true)
})

it('keeps nothing before it starts and after it stops', () => {
  const payloads = new RetainedPayloads(100, 1_000)
  expect(payloads.add('a', payload(10))).toBe(false)
  payloads.start()
  expect(payloads.add('a', payload(10))).toBe(true)
  payloads.stop()
  expect(payloads.add('a', payload(10))).toBe(false)
  expect(payloads.get('a', 'peer')).toBeUndefined()
})
