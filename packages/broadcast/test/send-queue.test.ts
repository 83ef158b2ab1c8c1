import { LANES, type Lane } from '@gridmesh/interfaces'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type QueuedSend, SendQueue } from '../src/send-queue.ts'

interface Trace {
  push: (name: string, lane: Lane, peer?: string) => QueuedSend
  started: string[]
  dropped: Map<string, string>
  end: Map<string, () => void>
}

function tracer(queue: SendQueue): Trace {
  const trace: Omit<Trace, 'push'> = { started: [], dropped: new Map(), end: new Map() }
  const push = (name: string, lane: Lane, peer = 'a'): QueuedSend =>
    queue.push({
      lane,
      peer,
      run: () => {
        trace.started.push(name)
        const { promise, resolve } = Promise.withResolvers<void>()
        trace.end.set(name, resolve)
        return promise
      },
      drop: (reason) => trace.dropped.set(name, reason),
    })
  return { ...trace, push }
}

/** Lets promises that are resolved run. */
async function settle(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}

it('runs urgent lanes first and each lane in order', async () => {
  const queue = new SendQueue(1, 100)
  const { push, started, end } = tracer(queue)
  for (const name of ['normal-0', 'bulk-1', 'normal-1', 'high-1', 'high-2', 'critical-1']) {
    push(name, LANES.find((lane) => name.startsWith(lane)) ?? 'normal')
  }
  for (let i = 0; i < 6; i++) {
    end.get(started.at(-1) ?? '')?.()
    await settle()
  }
  expect(started).toEqual(['normal-0', 'critical-1', 'high-1', 'high-2', 'normal-1', 'bulk-1'])
})

it('keeps an eighth of the slots for the critical lane', () => {
  const queue = new SendQueue(64, 1_000)
  const { push, started } = tracer(queue)
  for (let i = 0; i < 100; i++) push(`bulk-${i}`, 'bulk', `peer-${i}`)
  expect(queue.running).toBe(56)
  for (let i = 0; i < 20; i++) push(`critical-${i}`, 'critical')
  expect(queue.running).toBe(64)
  expect(started.filter((name) => name.startsWith('critical'))).toHaveLength(8)
})

it('drops the newest of the least urgent lane when full, and a critical one only among critical ones', () => {
  const queue = new SendQueue(1, 2)
  const { push, dropped } = tracer(queue)
  push('running', 'critical')
  push('normal', 'normal')
  push('bulk', 'bulk')
  push('critical-1', 'critical')
  expect([...dropped]).toEqual([['bulk', 'queue-full']])
  push('late', 'bulk')
  expect(dropped.get('late')).toBe('queue-full')
  push('critical-2', 'critical')
  expect(dropped.get('normal')).toBe('queue-full')
  push('critical-3', 'critical')
  expect(dropped.get('critical-3')).toBe('queue-full')
  expect(queue.waiting).toBe(2)
})

it('has a slot for each peer, however many sends to others do not end', async () => {
  const queue = new SendQueue(64, 1_000)
  const { push, started, end } = tracer(queue)
  for (let i = 0; i < 100; i++) push(`silent-${i}`, 'normal', 'silent')
  expect(queue.running).toBe(28)
  for (let i = 0; i < 100; i++) push(`slow-${i}`, 'normal', 'slow')
  expect(queue.running).toBe(42)
  push('good', 'normal', 'good-1')
  expect(started).toContain('good')
  // Who comes last takes the last ones.
  for (let n = 0; n < 4; n++) for (let i = 0; i < 20; i++) push(`crowd-${n}-${i}`, 'normal', `crowd-${n}`)
  expect(queue.running).toBe(56)
  push('late', 'normal', 'good-2')
  expect(started).not.toContain('late')
  end.get('silent-0')?.()
  await settle()
  // Before all others that wait, though they were there first.
  expect(started.at(-1)).toBe('late')
  // None of this holds up an emergency.
  push('critical', 'critical', 'silent')
  expect(started.at(-1)).toBe('critical')
})

it('sends no peer more at once than it takes, but for what is critical', () => {
  const queue = new SendQueue(512, 1_000)
  const { push } = tracer(queue)
  for (let i = 0; i < 500; i++) push(`normal-${i}`, 'normal')
  expect(queue.running).toBe(96)
  for (let i = 0; i < 10; i++) push(`critical-${i}`, 'critical')
  expect(queue.running).toBe(106)
})

it('drops the newest to the peer that most wait for when it is full', () => {
  const queue = new SendQueue(1, 4)
  const { push, dropped } = tracer(queue)
  for (let i = 0; i < 4; i++) push(`silent-${i}`, 'normal', 'silent')
  push('good-0', 'normal', 'good')
  push('good-1', 'normal', 'good')
  expect([...dropped.keys()]).toEqual(['silent-3'])
})

it('drops what waits when cancelled or cleared, and lets run what runs', async () => {
  const queue = new SendQueue(1, 10)
  const { push, dropped } = tracer(queue)
  const running = push('running', 'normal')
  const waiting = push('waiting', 'normal')
  push('cleared', 'bulk')
  running.cancel('aborted')
  waiting.cancel('aborted')
  waiting.cancel('again')
  queue.clear('stopped')
  await Promise.all([running.left, waiting.left])
  expect([...dropped]).toEqual([
    ['waiting', 'aborted'],
    ['cleared', 'stopped'],
  ])
  expect([queue.running, queue.waiting]).toEqual([1, 0])
})

it('never runs or holds more than its limits, and starts or drops every send exactly once', async () => {
  const steps = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('push' as const),
          lane: fc.constantFrom(...LANES),
          peer: fc.constantFrom('a', 'b', 'c'),
        }),
      },
      { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'cancel' as const), pick: fc.nat() }) },
    ),
    { maxLength: 60 },
  )
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 8 }),
      steps,
      async (slots, room, todo) => {
        const queue = new SendQueue(slots, room)
        const { push, started, dropped, end } = tracer(queue)
        const sends: QueuedSend[] = []
        for (const step of todo) {
          if (step.do === 'push') sends.push(push(`${sends.length}`, step.lane, step.peer))
          else if (step.do === 'end') end.get(started[step.pick % Math.max(1, started.length)] ?? '')?.()
          else sends[step.pick % Math.max(1, sends.length)]?.cancel('aborted')
          await settle()
          expect(queue.running).toBeLessThanOrEqual(slots)
          expect(queue.waiting).toBeLessThanOrEqual(room)
        }
        queue.clear('stopped')
        await Promise.all(sends.map((send) => send.left))
        expect([...started, ...dropped.keys()].toSorted()).toEqual(sends.map((_, i) => `${i}`).toSorted())
      },
    ),
    { numRuns: 60 },
  )
})
