import { queryObjects } from 'node:v8'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AnswerMemory, type Outcome } from '../src/answer-memory.ts'

const LIMITS = { maxKeys: 4, keyTtlMs: 1_000, maxAnswerBytes: 100 }
const answer = (length: number): Outcome => ({ payload: new Uint8Array(length) })

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

/** Begins a call. Returns what it found, and what it was told. */
function begin(memory: AnswerMemory, peer: string, key: string) {
  const told: Outcome[] = []
  return { begun: memory.begin(peer, key, (outcome) => told.push(outcome)), told }
}

describe('at most once', () => {
  it('gives a repeated call the outcome of the first', () => {
    const memory = new AnswerMemory(LIMITS)
    expect(begin(memory, 'a', 'k').begun).toBe('first')
    memory.settle('a', 'k', answer(3))
    expect(begin(memory, 'a', 'k')).toEqual({ begun: 'known', told: [answer(3)] })
  })

  it('lets a call that is repeated while the first runs wait for its outcome', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'a', 'k')
    const second = begin(memory, 'a', 'k')
    expect(second).toEqual({ begun: 'known', told: [] })
    memory.settle('a', 'k', answer(3))
    expect(second.told).toEqual([answer(3)])
  })

  it('lets no more than 16 wait', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'a', 'k')
    const begun = Array.from({ length: 17 }, () => begin(memory, 'a', 'k').begun)
    expect(begun.filter((each) => each === 'crowded').length).toBe(1)
  })

  it('takes the same key of another peer for another call', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'a', 'k')
    memory.settle('a', 'k', answer(3))
    expect(begin(memory, 'b', 'k')).toEqual({ begun: 'first', told: [] })
  })

  it('takes a call whose handler did not run for new, and tells those that waited', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'a', 'k')
    const second = begin(memory, 'a', 'k')
    memory.cancel('a', 'k', answer(0))
    expect(second.told.length).toBe(1)
    expect(begin(memory, 'a', 'k').begun).toBe('first')
  })
})

describe('limits', () => {
  it('forgets a key after keyTtlMs and not before', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'a', 'k')
    memory.settle('a', 'k', answer(3))
    vi.advanceTimersByTime(999)
    memory.sweep()
    expect(begin(memory, 'a', 'k').begun).toBe('known')
    vi.advanceTimersByTime(1)
    expect(begin(memory, 'a', 'k').begun).toBe('first')
    memory.settle('a', 'k', answer(3))
    vi.advanceTimersByTime(1_000)
    memory.sweep()
    expect([memory.size, memory.bytes]).toEqual([0, 0])
  })

  it('forgets the oldest key of the peer that has most, not that of another', () => {
    const memory = new AnswerMemory(LIMITS)
    begin(memory, 'honest', 'k')
    memory.settle('honest', 'k', answer(1))
    for (let i = 0; i < 20; i++) {
      begin(memory, 'flood', `k${i}`)
      memory.settle('flood', `k${i}`, answer(1))
      expect(memory.size).toBeLessThanOrEqual(4)
    }
    expect(begin(memory, 'honest', 'k').begun).toBe('known')
    expect(begin(memory, 'flood', 'k0').begun).toBe('first')
  })

  it('forgets no call that runs, however many there are: a repeated one is not run again', () => {
    const memory = new AnswerMemory(LIMITS)
    for (let i = 0; i < 6; i++) expect(begin(memory, 'a', `k${i}`).begun).toBe('first')
    expect(begin(memory, 'a', 'k0').begun).toBe('known')
  })

  it('keeps nothing of a peer of whom it remembers no call', () => {
    const memory = new AnswerMemory(LIMITS)
    const before = queryObjects(Map, { format: 'count' })
    for (let i = 0; i < 100; i++) {
      begin(memory, `peer ${i}`, 'k')
      memory.cancel(`peer ${i}`, 'k', answer(0))
    }
    expect(queryObjects(Map, { format: 'count' })).toBeLessThan(before + 100)
  })

  it('drops answers beyond maxAnswerBytes but not their keys: a repeated call is refused, not run', () => {
    const memory = new AnswerMemory(LIMITS)
    for (const key of ['x', 'y', 'z']) {
      begin(memory, 'a', key)
      memory.settle('a', key, answer(40))
      expect(memory.bytes).toBeLessThanOrEqual(100)
    }
    expect(begin(memory, 'a', 'x').told).toMatchObject([{ error: { code: 'answer-forgotten' } }])
    expect(begin(memory, 'a', 'z').told).toEqual([answer(40)])
    begin(memory, 'a', 'large')
    memory.settle('a', 'large', answer(101))
    expect(begin(memory, 'a', 'large').told).toMatchObject([{ error: { code: 'answer-forgotten' } }])
  })
})
