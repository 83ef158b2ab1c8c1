import { describe, expect, it } from 'vitest'
import { IdleWatch, pickIdle } from '../src/idle.ts'

describe('IdleWatch', () => {
  it('counts from the opening, and anew from each look that finds more messages', () => {
    const watch = new IdleWatch()
    expect(watch.note('a', 5, 100, 150)).toBe(50)
    expect(watch.note('a', 5, 100, 400)).toBe(300)
    expect(watch.note('a', 6, 100, 500)).toBe(0)
    expect(watch.note('a', 6, 100, 700)).toBe(200)
  })

  it('counts from a later opening where the peer came back', () => {
    const watch = new IdleWatch()
    watch.note('a', 5, 100, 150)
    expect(watch.note('a', 5, 600, 700)).toBe(100)
    watch.retain(() => false)
    expect(watch.note('a', 6, 600, 700)).toBe(100)
  })
})

describe('pickIdle', () => {
  const silent = [
    { key: 'a', idleMs: 300 },
    { key: 'b', idleMs: 500 },
    { key: 'c', idleMs: 299 },
  ]

  it.each([
    [0, 3, 'b a'],
    [2, 3, 'b'],
    [3, 3, ''],
    [8, 3, ''],
  ])('keeps %i of %i peers and takes the longest silent first', (minPeers, peers, picked) => {
    const keys = pickIdle(silent, peers, { idleTimeoutMs: 300, minPeers }).map(({ key }) => key)
    expect(keys.join(' ')).toBe(picked)
  })
})
