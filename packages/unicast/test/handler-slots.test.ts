import { LANES, type Lane } from '@gridmesh/interfaces'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HandlerSlots, type PeerSlots, type SlotJob } from '../src/handler-slots.ts'

const LIMITS = { maxHandlersPerPeer: 2, maxHandlers: 3, maxQueuedPerPeer: 2, maxQueued: 3, busyRetryAfterMs: 250 }

class Job implements SlotJob {
  isOver = false
  state: 'new' | 'running' | 'refused' | 'done' = 'new'
  readonly lane: Lane
  readonly #peer: PeerSlots
  readonly #isInstant: boolean

  constructor(peer: PeerSlots, lane: Lane = 'normal', isInstant = false) {
    this.#peer = peer
    this.lane = lane
    this.#isInstant = isInstant
  }

  start(): void {
    this.state = 'running'
    if (this.#isInstant) this.finish()
  }

  refuse(): void {
    this.state = 'refused'
  }

  finish(): void {
    this.state = 'done'
    this.isOver = true
    this.#peer.leave()
  }
}

function enter(peer: PeerSlots, lane: Lane = 'normal', isInstant = false): Job {
  const job = new Job(peer, lane, isInstant)
  if (peer.enter(job) != null) job.refuse()
  return job
}

describe('limits', () => {
  it('runs as many as one peer may, lets as many wait, and refuses the next with the limit', () => {
    const peer = new HandlerSlots(LIMITS).acquire('a')
    const states = Array.from({ length: 4 }, () => enter(peer).state)
    expect(states).toEqual(['running', 'running', 'new', 'new'])
    expect(peer.enter(new Job(peer))).toMatchObject({
      code: 'busy',
      limit: 'maxQueuedPerPeer',
      value: 2,
      retryAfterMs: 250,
    })
  })

  it('runs as many as all peers may, and refuses beyond the common queue', () => {
    const slots = new HandlerSlots(LIMITS)
    const [a, b, c] = [slots.acquire('a'), slots.acquire('b'), slots.acquire('c')]
    expect([enter(a), enter(a), enter(b), enter(b)].map(({ state }) => state)).toEqual([
      'running',
      'running',
      'running',
      'new',
    ])
    enter(b)
    enter(c)
    expect(c.enter(new Job(c))).toMatchObject({ limit: 'maxQueued', value: 3 })
  })

  it('starts the next that waits when one is done, peers in turn', () => {
    const slots = new HandlerSlots(LIMITS)
    const [a, b, c] = [slots.acquire('a'), slots.acquire('b'), slots.acquire('c')]
    const running = [enter(a), enter(a), enter(b)]
    const waiting = [enter(a), enter(b), enter(c)]
    for (const job of running) job.finish()
    expect(waiting.map(({ state }) => state)).toEqual(['running', 'running', 'running'])
  })
})

describe('lanes', () => {
  it('starts the most urgent of those that wait', () => {
    const peer = new HandlerSlots({ ...LIMITS, maxQueuedPerPeer: 4, maxQueued: 4 }).acquire('a')
    const running = [enter(peer), enter(peer)]
    const [bulk, high] = [enter(peer, 'bulk'), enter(peer, 'high')]
    running[0]?.finish()
    expect([bulk?.state, high?.state]).toEqual(['new', 'running'])
  })

  it('refuses the newest less urgent one for a more urgent one when the queue is full', () => {
    const peer = new HandlerSlots(LIMITS).acquire('a')
    enter(peer)
    enter(peer)
    const [old, young] = [enter(peer, 'bulk'), enter(peer, 'bulk')]
    const high = enter(peer, 'high')
    expect([old?.state, young?.state, high.state]).toEqual(['new', 'refused', 'new'])
    expect(enter(peer, 'bulk').state).toBe('refused')
  })

  it('counts one that was refused so no longer: all others start, and then a new one', () => {
    const slots = new HandlerSlots(LIMITS)
    const peer = slots.acquire('a')
    const running = [enter(peer), enter(peer)]
    enter(peer, 'bulk')
    enter(peer, 'bulk')
    enter(peer, 'high')
    expect(slots.queued).toBe(2)
    for (const job of running) job.finish()
    expect([slots.running, slots.queued]).toEqual([2, 0])
    peer.leave()
    expect(enter(peer).state).toBe('running')
  })
})

it('keeps the share of a peer while anything of it is held, runs or waits, and no longer', () => {
  const slots = new HandlerSlots(LIMITS)
  const share = slots.acquire('a')
  const jobs = [enter(share), enter(share), enter(share)]
  slots.release(share)
  for (const job of jobs) {
    expect(slots.acquire('a')).toBe(share)
    slots.release(share)
    job.finish()
  }
  expect(slots.acquire('a')).not.toBe(share)
})

it('passes over a job that was given up while it waited', () => {
  const peer = new HandlerSlots(LIMITS).acquire('a')
  const running = [enter(peer), enter(peer)]
  const [gone, next] = [enter(peer), enter(peer)]
  if (gone != null) gone.isOver = true
  running[0]?.finish()
  expect([gone?.state, next?.state]).toEqual(['new', 'running'])
})

it('survives thousands of waiting jobs that end at once', () => {
  const slots = new HandlerSlots({ ...LIMITS, maxQueuedPerPeer: 20_000, maxQueued: 20_000 })
  const peer = slots.acquire('a')
  const running = [enter(peer), enter(peer)]
  const waiting = Array.from({ length: 20_000 }, () => enter(peer, 'normal', true))
  running[0]?.finish()
  expect(waiting.every(({ state }) => state === 'done')).toBe(true)
  expect([slots.running, slots.queued]).toEqual([1, 0])
})

it('keeps every limit and starts every accepted job, whatever the order of events', () => {
  const step = fc.record({
    peer: fc.nat(3),
    lane: fc.constantFrom(...LANES),
    finish: fc.nat(9),
    isInstant: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const slots = new HandlerSlots(LIMITS)
      const peers = [0, 1, 2, 3].map((key) => slots.acquire(String(key)))
      const jobs: Job[] = []
      const running = (): Job[] => jobs.filter(({ state }) => state === 'running')
      for (const { peer, lane, finish, isInstant } of steps) {
        const share = peers[peer]
        if (finish > 5) running()[finish - 6]?.finish()
        else if (share != null) jobs.push(enter(share, lane, isInstant))
        expect(slots.running).toBe(running().length)
        expect(slots.running).toBeLessThanOrEqual(3)
        expect(slots.queued).toBeLessThanOrEqual(3)
        for (const each of peers) expect(each.running).toBeLessThanOrEqual(2)
      }
      for (let job = running()[0]; job != null; job = running()[0]) job.finish()
      expect(jobs.filter(({ state }) => state === 'new')).toEqual([])
      expect([slots.running, slots.queued]).toEqual([0, 0])
    }),
  )
})
