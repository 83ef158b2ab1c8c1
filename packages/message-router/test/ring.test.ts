import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Ring } from '../src/ring.ts'

it('refuses a capacity that is no whole number above 0', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    expect(() => new Ring(capacity)).toThrow(`capacity ${capacity}`)
  }
})

it('holds capacity items and refuses one more', () => {
  const ring = new Ring<number>(20)
  for (let item = 0; item < 20; item++) expect(ring.push(item)).toBe(true)
  expect(ring.push(20)).toBe(false)
  expect(ring.size).toBe(20)
  expect(ring.shift()).toBe(0)
  expect(ring.pop()).toBe(19)
})

it('does as an array does, whatever is pushed, shifted and popped, and never exceeds its capacity', () => {
  const step = fc.oneof(
    { weight: 3, arbitrary: fc.record({ call: fc.constant('push' as const), item: fc.integer() }) },
    { weight: 2, arbitrary: fc.record({ call: fc.constantFrom('shift' as const, 'pop' as const) }) },
  )
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.array(step, { maxLength: 200 }), (capacity, steps) => {
      const ring = new Ring<number>(capacity)
      const model: number[] = []
      for (const each of steps) {
        const { got, expected } = each.call === 'push' ? push(ring, model, each.item) : take(ring, model, each.call)
        expect(got).toBe(expected)
        expect(ring.size).toBe(model.length)
        expect(ring.isFull).toBe(model.length === capacity)
      }
    }),
  )
})

interface Step {
  got: unknown
  expected: unknown
}

function push(ring: Ring<number>, model: number[], item: number): Step {
  const expected = model.length < ring.capacity
  if (expected) model.push(item)
  return { got: ring.push(item), expected }
}

function take(ring: Ring<number>, model: number[], call: 'shift' | 'pop'): Step {
  return { got: ring[call](), expected: model[call]() }
}
