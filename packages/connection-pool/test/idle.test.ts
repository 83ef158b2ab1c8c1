import { describe, expect, it } from 'vitest'
import { IdleWatch } from '../src/idle.ts'

describe('IdleWatch', () => {
  it('counts from the opening, and anew from each look that finds more messages', () => {
    const watch = new IdleWatch()
    watch.look('a', 5, 100, 150)
    expect(watch.silentSinceMs('a', 5)).toBe(100)
    watch.look('a', 5, 100, 400)
    expect(watch.silentSinceMs('a', 5)).toBe(100)
    watch.look('a', 6, 100, 500)
    watch.look('a', 6, 100, 700)
    expect(watch.silentSinceMs('a', 6)).toBe(500)
  })

  it('counts from a later opening where the peer came back', () => {
    const watch = new IdleWatch()
    watch.look('a', 5, 100, 150)
    watch.look('a', 5, 600, 700)
    expect(watch.silentSinceMs('a', 5)).toBe(600)
    watch.retain(() => false)
    watch.look('a', 6, 650, 800)
    expect(watch.silentSinceMs('a', 6)).toBe(650)
  })

  it('says nothing of a peer that nobody looked at, or that spoke since the last look', () => {
    const watch = new IdleWatch()
    expect(watch.silentSinceMs('a', 5)).toBeUndefined()
    watch.look('a', 5, 100, 150)
    expect(watch.silentSinceMs('a', 6)).toBeUndefined()
  })
})
