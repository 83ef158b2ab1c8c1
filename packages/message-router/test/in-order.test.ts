import fc from 'fast-check'
import { expect, it } from 'vitest'
import { InOrder } from '../src/in-order.ts'

it('passes a value through at once where nothing is waited for', () => {
  expect(new InOrder().pass('a', 1)).toBe(1)
})

it('holds a value that is ready until the one before it is, under the same key only', async () => {
  const under = new InOrder()
  const first = Promise.withResolvers<number>()
  const passed: number[] = []
  const waiting = [under.pass('a', first.promise), under.pass('a', 2)].map(async (value) => passed.push(await value))
  expect(under.pass('b', 3)).toBe(3)
  await Promise.resolve()
  expect(passed).toEqual([])
  first.resolve(1)
  await Promise.all(waiting)
  expect(passed).toEqual([1, 2])
})

it('lets the next one pass when one fails, and forgets a key that nothing waits under', async () => {
  const under = new InOrder()
  const failing = under.pass('a', Promise.reject(new TypeError('no key')))
  const next = under.pass('a', 2)
  await expect(failing).rejects.toThrow('no key')
  expect(await next).toBe(2)
  await Promise.resolve()
  await Promise.resolve()
  expect(under.size).toBe(0)
})

it('passes values in the order they came, whenever they are ready', async () => {
  const step = fc.record({ key: fc.constantFrom('a', 'b'), turns: fc.integer({ min: 0, max: 20 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const under = new InOrder()
      const passed: Record<string, number[]> = { a: [], b: [] }
      const all = steps.map(async ({ key, turns }, id) => {
        const value = under.pass(key, turns === 0 ? id : after(turns, id))
        passed[key]?.push(value instanceof Promise ? await value : value)
      })
      await Promise.all(all)
      for (const key of ['a', 'b']) {
        expect(passed[key]).toEqual([...steps.entries()].filter(([, each]) => each.key === key).map(([id]) => id))
      }
    }),
  )
})

async function after<T>(turns: number, value: T): Promise<T> {
  for (let turn = 0; turn < turns; turn++) await Promise.resolve()
  return value
}
