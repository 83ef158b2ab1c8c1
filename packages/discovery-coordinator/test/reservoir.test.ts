import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { Reservoir } from '../src/reservoir.ts'

it('keeps as many as it may of what it was offered, and each once', () => {
  fc.assert(
    fc.property(fc.nat(20), fc.nat(100), (size, offered) => {
      const reservoir = new Reservoir<number>(size)
      for (let item = 0; item < offered; item++) reservoir.offer(item)
      expect(reservoir.items).toHaveLength(Math.min(size, offered))
      expect(new Set(reservoir.items).size).toBe(reservoir.items.length)
      for (const item of reservoir.items) expect(item).toBeLessThan(offered)
    }),
  )
})

it('keeps the item at each place as often as any other', () => {
  // Every outcome of the two draws, once: for the third item one of 3, for the fourth one of 4.
  const kept = [0, 0, 0, 0]
  for (let third = 0; third < 3; third++) {
    for (let fourth = 0; fourth < 4; fourth++) {
      const random = vi.spyOn(Math, 'random')
      random.mockReturnValueOnce(third / 3).mockReturnValueOnce(fourth / 4)
      const reservoir = new Reservoir<number>(2)
      for (let item = 0; item < 4; item++) reservoir.offer(item)
      for (const item of reservoir.items) kept[item] = (kept[item] ?? 0) + 1
      random.mockRestore()
    }
  }
  expect(kept).toEqual([6, 6, 6, 6])
})
