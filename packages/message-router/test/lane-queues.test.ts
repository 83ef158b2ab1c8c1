import { LANES } from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LaneQueues } from '../src/lane-queues.ts'

const MAX_QUEUED = { critical: 4, high: 4, normal: 8, bulk: 2 }
const SENDERS = ['a', 'b', 'c'] as const
const always = (): boolean => true

interface Item {
  id: number
  lane: Lane
  sender: string
  bytes: number
}

const sender = 'a'

function queues(maxQueuedBytes = 1_000): LaneQueues<Item> {
  return new LaneQueues<Item>({ maxQueued: MAX_QUEUED, maxQueuedBytes })
}

it('refuses one more item than its lane holds, and names the limit', () => {
  const full = queues()
  for (let id = 0; id < 2; id++) expect(full.put({ id, lane: 'bulk', bytes: 1, sender }).ok).toBe(true)
  expect(full.put({ id: 2, lane: 'bulk', bytes: 1, sender })).toEqual({ ok: false, limit: 'maxQueued.bulk', value: 2 })
  expect(full.put({ id: 3, lane: 'normal', bytes: 1, sender }).ok).toBe(true)
})

it('displaces the newest items of the lowest lane for a higher one when the bytes run out', () => {
  const full = queues(100)
  full.put({ id: 1, lane: 'normal', bytes: 30, sender })
  full.put({ id: 2, lane: 'bulk', bytes: 30, sender })
  full.put({ id: 3, lane: 'bulk', bytes: 30, sender })
  const outcome = full.put({ id: 4, lane: 'critical', bytes: 60, sender })
  expect(outcome).toEqual({
    ok: true,
    evicted: [
      { id: 3, lane: 'bulk', bytes: 30, sender },
      { id: 2, lane: 'bulk', bytes: 30, sender },
    ],
    displaced: undefined,
  })
  expect(full.bytes).toBe(90)
})

it('displaces nothing for an item that would not fit even so', () => {
  const full = queues(100)
  full.put({ id: 1, lane: 'high', bytes: 80, sender })
  full.put({ id: 2, lane: 'bulk', bytes: 20, sender })
  expect(full.put({ id: 3, lane: 'normal', bytes: 50, sender })).toEqual({
    ok: false,
    limit: 'maxQueuedBytes',
    value: 100,
  })
  expect(full.sizeOf('bulk')).toBe(1)
})

it('displaces the newest item of whoever fills a lane, for one of another sender', () => {
  const full = queues()
  for (let id = 0; id < 8; id++) full.put({ id, lane: 'normal', bytes: 10, sender: 'greedy' })
  expect(full.isFull('normal', 'greedy')).toBe(true)
  expect(full.isFull('normal', 'modest')).toBe(false)
  const outcome = full.put({ id: 8, lane: 'normal', bytes: 1, sender: 'modest' })
  expect(outcome).toMatchObject({ ok: true, evicted: [], displaced: { id: 7 } })
  expect(full.sizeOf('normal')).toBe(8)
  expect(full.bytes).toBe(71)
})

it('displaces the newest of whoever holds most of the bytes, for one of its lane that holds little', () => {
  const full = queues(100)
  full.put({ id: 0, lane: 'normal', bytes: 20, sender: 'other' })
  for (const id of [1, 2, 3, 4]) full.put({ id, lane: 'normal', bytes: 20, sender: 'greedy' })
  expect(full.put({ id: 5, lane: 'normal', bytes: 1, sender: 'greedy' }).ok).toBe(false)
  const outcome = full.put({ id: 6, lane: 'normal', bytes: 25, sender: 'modest' })
  expect(outcome).toMatchObject({ ok: true, evicted: [{ id: 4 }, { id: 3 }], displaced: undefined })
  expect(full.bytes).toBe(85)
})

it('displaces nothing of its own lane where whoever holds most would then hold less than the newcomer', () => {
  const full = queues(100)
  for (const id of [1, 2, 3, 4]) full.put({ id, lane: 'normal', bytes: 25, sender: 'greedy' })
  expect(full.put({ id: 5, lane: 'normal', bytes: 51, sender: 'modest' })).toEqual({
    ok: false,
    limit: 'maxQueuedBytes',
    value: 100,
  })
  expect(full.sizeOf('normal')).toBe(4)
})

it('takes what lower lanes hold before it looks at its own', () => {
  const full = queues(100)
  full.put({ id: 1, lane: 'bulk', bytes: 10, sender: 'other' })
  for (const id of [2, 3, 4]) full.put({ id, lane: 'normal', bytes: 30, sender: 'greedy' })
  const first = full.put({ id: 5, lane: 'normal', bytes: 10, sender: 'modest' })
  expect(first).toMatchObject({ ok: true, evicted: [{ id: 1 }] })
  expect(full.put({ id: 6, lane: 'normal', bytes: 10, sender: 'modest' })).toMatchObject({
    ok: true,
    evicted: [{ id: 4 }],
  })
})

it('displaces nothing of a higher lane', () => {
  const full = queues(100)
  for (const id of [1, 2, 3, 4]) full.put({ id, lane: 'high', bytes: 25, sender: 'greedy' })
  expect(full.put({ id: 5, lane: 'normal', bytes: 1, sender: 'modest' }).ok).toBe(false)
})

it('passes over a lane that may not be served', () => {
  const waiting = queues()
  waiting.put({ id: 1, lane: 'critical', bytes: 1, sender })
  waiting.put({ id: 2, lane: 'bulk', bytes: 1, sender })
  expect(waiting.next((lane) => lane !== 'critical')?.id).toBe(2)
  expect(waiting.hasNext((lane) => lane !== 'critical')).toBe(false)
  expect(waiting.hasNext(always)).toBe(true)
})

const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      lane: fc.constantFrom(...LANES),
      bytes: fc.integer({ min: 1, max: 60 }),
      sender: fc.constantFrom(...SENDERS),
    }),
  },
  { weight: 1, arbitrary: fc.constant('take' as const) },
)

it('never exceeds a bound, serves the highest lane first and each sender in order, and accounts for every item once', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
      const under = queues(120)
      const model = new Model()
      for (const [id, each] of steps.entries()) {
        if (each === 'take') model.take(under)
        else model.put(under, { id, ...each })

        expect(model.faults).toEqual([])
        expect(under.bytes).toBeLessThanOrEqual(120)
        expect(under.bytes).toBe(model.waiting.reduce((sum, { bytes }) => sum + bytes, 0))
        for (const lane of LANES) expect(under.sizeOf(lane)).toBeLessThanOrEqual(MAX_QUEUED[lane])
      }
      expect(under.size).toBe(model.waiting.length)
    }),
  )
})

const crowding = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      lane: fc.constantFrom<Lane[]>('normal', 'normal', 'normal', 'bulk'),
      bytes: fc.integer({ min: 0, max: 40 }),
      sender: fc.constantFrom('a', 'a', 'a', ...SENDERS),
    }),
  },
  { weight: 1, arbitrary: fc.constant('take' as const) },
)

it('leaves out for want of bytes nobody whose own, with twice the new ones, are half of what another of its lane holds', () => {
  fc.assert(
    fc.property(fc.array(crowding, { minLength: 30, maxLength: 150 }), (steps) => {
      const under = new LaneQueues<Item>({
        maxQueued: { critical: 1_000, high: 1_000, normal: 1_000, bulk: 1_000 },
        maxQueuedBytes: 200,
      })
      const model = new Model()
      for (const [id, each] of steps.entries()) {
        if (each === 'take') model.take(under)
        else model.put(under, { id, ...each })
        expect(model.faults).toEqual([])
      }
    }),
  )
})

/** What the queues hold by their law, and where they depart from it. */
class Model {
  readonly waiting: Item[] = []
  readonly faults: string[] = []
  readonly #ended = new Set<number>()

  take(under: LaneQueues<Item>): void {
    const highest = LANES.find((lane) => this.waiting.some((item) => item.lane === lane))
    const taken = under.next(always)
    if (taken?.lane !== highest) this.faults.push(`took ${taken?.id} of ${taken?.lane} instead of ${highest}`)
    const first = this.waiting.find((item) => item.lane === taken?.lane && item.sender === taken.sender)
    if (taken !== first) this.faults.push(`took ${taken?.id} before ${first?.id}`)
    if (taken != null) this.#end(taken)
  }

  put(under: LaneQueues<Item>, item: Item): void {
    const { lane, bytes } = item
    const own = this.#bytesOf(lane, item.sender)
    const most = Math.max(...SENDERS.map((each) => this.#bytesOf(lane, each)))
    const outcome = under.put(item)
    if (!outcome.ok) {
      const isTooLittle = outcome.limit === 'maxQueuedBytes' && 2 * (own + 2 * bytes) <= most
      if (isTooLittle) this.faults.push(`${item.sender} with ${own} was left out for ${most}`)
      this.#end(item)
      return
    }
    for (const evicted of outcome.evicted) this.#evict(evicted, item)
    this.waiting.push(item)
    const { displaced } = outcome
    if (displaced == null) return
    if (displaced.lane !== lane) this.faults.push(`${displaced.lane} made way in ${lane}`)
    this.#end(displaced)
  }

  #evict(evicted: Item, item: Item): void {
    this.#end(evicted)
    const isLower = LANES.indexOf(evicted.lane) > LANES.indexOf(item.lane)
    if (isLower || (evicted.lane === item.lane && evicted.sender !== item.sender)) return
    this.faults.push(`${evicted.sender} in ${evicted.lane} made room for ${item.sender} in ${item.lane}`)
  }

  #bytesOf(lane: Lane, of: string): number {
    const own = this.waiting.filter((item) => item.lane === lane && item.sender === of)
    return own.reduce((sum, { bytes }) => sum + bytes, 0)
  }

  #end(item: Item): void {
    if (this.#ended.has(item.id)) this.faults.push(`${item.id} ended twice`)
    this.#ended.add(item.id)
    if (this.waiting.includes(item)) this.waiting.splice(this.waiting.indexOf(item), 1)
  }
}
