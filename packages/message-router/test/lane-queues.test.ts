import { LANES } from '@gridmesh/interfaces'
import type { Lane } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { LaneQueues } from '../src/lane-queues.ts'

const MAX_QUEUED = { critical: 4, high: 4, normal: 8, bulk: 2 }
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
      sender: fc.constantFrom('a', 'b', 'c'),
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
    const outcome = under.put(item)
    if (!outcome.ok) {
      this.#end(item)
      return
    }
    this.waiting.push(item)
    for (const evicted of outcome.evicted) {
      if (LANES.indexOf(evicted.lane) <= LANES.indexOf(item.lane)) {
        this.faults.push(`${evicted.lane} made room for ${item.lane}`)
      }
      this.#end(evicted)
    }
    const { displaced } = outcome
    if (displaced == null) return
    if (displaced.lane !== item.lane) this.faults.push(`${displaced.lane} made way in ${item.lane}`)
    this.#end(displaced)
  }

  #end(item: Item): void {
    if (this.#ended.has(item.id)) this.faults.push(`${item.id} ended twice`)
    this.#ended.add(item.id)
    if (this.waiting.includes(item)) this.waiting.splice(this.waiting.indexOf(item), 1)
  }
}
