import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { IdTable } from '../src/index.ts'

/** Ids that want the same slots, near and far ones. */
const arbId = fc.oneof(
  fc.nat(40),
  fc.nat(40).map((n) => n * 16),
  fc.nat(5).map((n) => Number.MAX_SAFE_INTEGER - n * 64),
)
const arbStep = fc.record({ what: fc.constantFrom('set', 'set', 'delete', 'clear'), id: arbId })

interface Held {
  at: number
}
type Holder = Pick<Map<number, Held>, 'has' | 'delete' | 'clear'> & { set(id: number, value: Held): unknown }

/** What a step does to a table or to a map; whether there was something under its id. */
function take(holder: Holder, { what, id }: { what: string; id: number }, at: number): boolean {
  if (what === 'delete') return holder.delete(id)
  const wasThere = holder.has(id)
  if (what === 'set') holder.set(id, { at })
  else if (at % 5 === 0) holder.clear()
  return wasThere
}

it('holds what a map would hold, whatever comes and goes', () => {
  fc.assert(
    fc.property(fc.array(arbStep, { maxLength: 300 }), (steps) => {
      const table = new IdTable<Held>()
      const model = new Map<number, Held>()
      for (const [at, step] of steps.entries()) {
        expect(take(table, step, at)).toBe(take(model, step, at))
        expect(table.size).toBe(model.size)
        expect([table.has(step.id), table.get(step.id)]).toEqual([model.has(step.id), model.get(step.id)])
      }
      expect(table.entries()).toEqual([...model].toSorted(([a], [b]) => a - b))
    }),
  )
})

it('gives what was there, whatever is taken out meanwhile', () => {
  const table = new IdTable<{ id: number }>()
  for (const id of [3, 19, 35, 1]) table.set(id, { id })
  const seen: number[] = []
  for (const [id] of table.entries()) {
    seen.push(id)
    table.delete(35)
    table.delete(id)
  }
  expect([seen, table.size]).toEqual([[1, 3, 19, 35], 0])
})

it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53])(
  'takes no value under %d, and has none there',
  (id) => {
    const table = new IdTable<{ id: number }>()
    expect(() => table.set(id, { id })).toThrow(RangeError)
    expect([table.get(id), table.has(id), table.delete(id), table.size]).toEqual([undefined, false, false, 0])
  },
)
