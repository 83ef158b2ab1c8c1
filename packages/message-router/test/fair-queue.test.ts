import fc from 'fast-check'
import { expect, it } from 'vitest'
import { FairQueue } from '../src/fair-queue.ts'

interface Item {
  id: number
  sender: string
  bytes: number
}

const bytes = 1

function filled(capacity: number, senders: string): FairQueue<Item> {
  const queue = new FairQueue<Item>(capacity)
  for (const [id, sender] of senders.split('').entries()) queue.push({ id, sender, bytes })
  return queue
}

function drained(queue: FairQueue<Item>): string {
  let senders = ''
  for (let item = queue.shift(); item != null; item = queue.shift()) senders += item.sender
  return senders
}

it('refuses a capacity that is no whole number above 0', () => {
  for (const capacity of [0, -1, 1.5, Number.NaN]) {
    expect(() => new FairQueue(capacity)).toThrow(`capacity ${capacity}`)
  }
})

it.each([
  ['aaaabc', 'abcaaa'],
  ['abab', 'abab'],
  ['', ''],
])('serves the senders of %s by turns: %s', (senders, served) => {
  expect(drained(filled(10, senders))).toBe(served)
})

it('serves a sender that comes while others wait when the turn comes to it', () => {
  const queue = filled(10, 'aaab')
  expect(queue.shift()?.sender).toBe('a')
  queue.push({ id: 4, sender: 'c', bytes })
  expect(drained(queue)).toBe('baca')
})

it('is full for whoever holds as much as all others, and has room for who holds less', () => {
  const queue = filled(4, 'aabb')
  expect(['a', 'b', 'c'].map((sender) => queue.isFull(sender))).toEqual([true, true, false])
  const refused = { id: 4, sender: 'a', bytes }
  expect(queue.push(refused)).toBe(refused)
  expect(queue.push({ id: 5, sender: 'c', bytes })).toEqual({ id: 1, sender: 'a', bytes })
  expect(drained(queue)).toBe('abcb')
})

it('takes the newest of a sender that holds much, by its bytes', () => {
  const queue = filled(10, 'abbb')
  queue.push({ id: 4, sender: 'c', bytes: 4 })
  queue.push({ id: 5, sender: 'c', bytes: 4 })
  expect([queue.pop()?.id, queue.pop()?.id, queue.pop()?.id]).toEqual([5, 4, 3])
  expect(queue.size).toBe(3)
})

it('frees bytes of one sender, down to what another will hold with an item, or frees none', () => {
  const queue = filled(10, 'aaaaaab')
  expect(queue.makeWay({ id: 7, sender: 'b', bytes: 2 }, 3)?.map(({ id }) => id)).toEqual([5, 4, 3])
  expect(queue.makeWay({ id: 7, sender: 'b', bytes: 2 }, 1)).toBeUndefined()
  expect(queue.makeWay({ id: 7, sender: 'a', bytes: 1 }, 1)).toBeUndefined()
  expect(queue.size).toBe(4)
})

const SENDERS = ['a', 'b', 'c', 'd'] as const
const arbStep = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'a', 'a', ...SENDERS) },
  { weight: 2, arbitrary: fc.constantFrom('shift' as const, 'pop' as const) },
)

it('is bounded, keeps each sender in order, and leaves out nobody who holds less than half of what another does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.array(arbStep, { maxLength: 200 }), (capacity, steps) => {
      const model = new Model(new FairQueue<Item>(capacity))
      for (const [id, step] of steps.entries()) {
        if (step === 'shift' || step === 'pop') model.take(step)
        else model.push({ id, sender: step, bytes })
        expect(model.faults).toEqual([])
        expect(model.queue.size).toBe(model.size)
        expect(model.size).toBeLessThanOrEqual(capacity)
      }
    }),
  )
})

it('serves every other sender at most once between two turns of one that waits', () => {
  const arbSender = fc.oneof(fc.constantFrom(...SENDERS), fc.constant('new' as const), fc.constant('none' as const))
  fc.assert(
    fc.property(fc.array(arbSender, { minLength: 1, maxLength: 100 }), (senders) => {
      const queue = filled(4 + senders.length, 'aabb')
      const items = new Map([
        ['a', 2],
        ['b', 2],
      ])
      // By turns: whoever was served, and whoever comes, stands behind all that wait.
      const turns = ['a', 'b']
      for (const [id, each] of senders.entries()) {
        const sender = each === 'new' ? `new ${id}` : each
        if (each !== 'none') {
          queue.push({ id, sender, bytes })
          items.set(sender, (items.get(sender) ?? 0) + 1)
          if (!turns.includes(sender)) turns.push(sender)
        }
        const next = turns.shift()
        expect(queue.shift()?.sender).toBe(next)
        if (next == null) continue
        const left = (items.get(next) ?? 0) - 1
        items.set(next, left)
        if (left > 0) turns.push(next)
      }
    }),
  )
})

/** What each sender holds by the law, and where the queue departs from it. */
class Model {
  readonly queue: FairQueue<Item>
  readonly faults: string[] = []
  readonly #held = new Map<string, number[]>(SENDERS.map((sender) => [sender, []]))

  constructor(queue: FairQueue<Item>) {
    this.queue = queue
  }

  get size(): number {
    return [...this.#held.values()].flat().length
  }

  take(end: 'shift' | 'pop'): void {
    const isEmpty = this.size === 0
    const item = this.queue[end]()
    if ((item === undefined) !== isEmpty) this.faults.push(`${end} took ${item?.id} of ${this.size}`)
    if (item !== undefined) this.#leave(item, end)
  }

  push(item: Item): void {
    const own = this.#of(item.sender).length
    const most = Math.max(...Array.from(this.#held.values(), ({ length }) => length))
    const isFull = this.queue.isFull(item.sender)
    const out = this.queue.push(item)
    if ((out === item) !== isFull) this.faults.push(`${item.id} was not what isFull said`)
    if (out === item && 2 * (own + 1) <= most) this.faults.push(`${item.sender} with ${own} was left out for ${most}`)
    if (out === item) return
    this.#of(item.sender).push(item.id)
    if (out !== undefined) this.#leave(out, 'pop')
  }

  #leave({ id, sender }: Item, end: 'shift' | 'pop'): void {
    const expected = this.#of(sender)[end]()
    if (expected !== id) this.faults.push(`${end} took ${id} instead of ${expected}`)
  }

  #of(sender: string): number[] {
    return this.#held.get(sender) ?? []
  }
}
