import { ByteBudget } from '@gridmesh/chunking'
import * as fc from 'fast-check'
import { describe, expect, it, vi } from 'vitest'
import { backoffMs, isRetriable } from '../src/backoff.ts'
import { INITIAL_CREDIT_BYTES } from '../src/constants.ts'
import { CreditGate } from '../src/credit.ts'
import { BusyError, LinkLostError, RemoteError } from '../src/errors.ts'
import { ItemQueue } from '../src/item-queue.ts'

const malformed = expect.objectContaining({ name: 'MalformedMessageError' })

describe('credit', () => {
  it('stops the sender when the window is used up, and lets it go on with the next grant', async () => {
    const gate = new CreditGate()
    await gate.take(INITIAL_CREDIT_BYTES)
    let isThrough = false
    const next = gate.take(1).then(() => (isThrough = true))
    await vi.waitFor(() => expect(gate.isWaiting).toBe(true))
    expect(isThrough).toBe(false)
    gate.grant(1_000)
    await next
    expect(gate.isWaiting).toBe(false)
  })

  it('rejects the sender that waits, and every later one, once it fails', async () => {
    const gate = new CreditGate()
    await gate.take(INITIAL_CREDIT_BYTES)
    const waiting = gate.take(1)
    gate.fail(new RangeError('gone'))
    await expect(waiting).rejects.toThrow('gone')
    await expect(gate.take(1)).rejects.toThrow('gone')
  })

  it('refuses more grants than one for each 131,072 of cost and one for the start', async () => {
    const gate = new CreditGate()
    gate.grant(1)
    expect(() => gate.grant(1)).toThrow(malformed)
    const spent = new CreditGate()
    spent.grant(1)
    await spent.take(INITIAL_CREDIT_BYTES / 2)
    spent.grant(1)
    expect(() => spent.grant(0)).toThrow(malformed)
  })

  it('refuses an absurd grant', () => {
    expect(() => new CreditGate().grant(Number.MAX_SAFE_INTEGER)).toThrow(malformed)
  })
})

describe('items', () => {
  it('delivers all items in order, then the end', async () => {
    const queue = new ItemQueue(10_000, () => undefined, new ByteBudget(1e9))
    queue.push(Uint8Array.of(1))
    const taken = [queue.next(), queue.next(), queue.next()]
    queue.push(Uint8Array.of(2))
    queue.end()
    expect(await Promise.all(taken)).toEqual([
      { value: Uint8Array.of(1), done: false },
      { value: Uint8Array.of(2), done: false },
      { value: undefined, done: true },
    ])
  })

  it('delivers what came before a failure, then the error', async () => {
    const queue = new ItemQueue(10_000, () => undefined, new ByteBudget(1e9))
    queue.push(Uint8Array.of(1))
    queue.fail(new RangeError('lost'))
    expect((await queue.next()).value).toEqual(Uint8Array.of(1))
    await expect(queue.next()).rejects.toThrow('lost')
  })

  it('never holds more than a window and one item of a sender that ignores the credit', () => {
    const queue = new ItemQueue(1_000, () => undefined, new ByteBudget(1e9))
    expect(() => {
      for (let i = 0; i < 100; i++) queue.push(new Uint8Array(200))
    }).toThrow(malformed)
    const empty = new ItemQueue(1_000, () => undefined, new ByteBudget(1e9))
    expect(() => {
      for (let i = 0; i < 100; i++) empty.push(new Uint8Array(0))
    }).toThrow(malformed)
  })

  it('takes no item that the budget of the peer has no room for, and gives back what is taken or let go', async () => {
    const budget = new ByteBudget(1_000)
    const queue = new ItemQueue(10_000, () => undefined, budget)
    expect([queue.push(new Uint8Array(600)), queue.push(new Uint8Array(401))]).toEqual([true, false])
    await queue.next()
    expect(budget.used).toBe(0)
    queue.push(new Uint8Array(600))
    queue.discard()
    expect(budget.used).toBe(0)
  })

  it('refuses an item behind the end', () => {
    const queue = new ItemQueue(1_000, () => undefined, new ByteBudget(1e9))
    queue.end()
    expect(() => queue.push(new Uint8Array(1))).toThrow(malformed)
  })

  it('passes over what still comes once the consumer stopped', async () => {
    const queue = new ItemQueue(1_000, () => undefined, new ByteBudget(1e9))
    await queue.return()
    for (let i = 0; i < 100; i++) queue.push(new Uint8Array(200))
    expect(await queue.next()).toEqual({ value: undefined, done: true })
  })
})

it('moves any items through any window without a stop and without passing it', async () => {
  const window = fc.integer({ min: INITIAL_CREDIT_BYTES, max: INITIAL_CREDIT_BYTES * 2 })
  await fc.assert(
    fc.asyncProperty(window, fc.array(fc.nat(200_000), { maxLength: 30 }), async (size, lengths) => {
      const gate = new CreditGate()
      const queue = new ItemQueue(size, (bytes) => gate.grant(bytes), new ByteBudget(1e9))
      gate.grant(size - INITIAL_CREDIT_BYTES)
      const send = async (): Promise<void> => {
        for (const length of lengths) {
          await gate.take(length)
          queue.push(new Uint8Array(length))
        }
        queue.end()
      }
      const sent = send()
      const got: number[] = []
      for await (const item of queue) got.push(item.byteLength)
      await sent
      expect(got).toEqual(lengths)
    }),
    { numRuns: 50 },
  )
})

describe('backoff', () => {
  it('waits a random time below a bound that doubles up to its maximum, or what the peer asked for', () => {
    const random = vi.spyOn(Math, 'random').mockReturnValue(0.5)
    expect([0, 1, 2, 3, 9].map((attempt) => backoffMs(attempt, 100, 1_000))).toEqual([50, 100, 200, 400, 500])
    expect(backoffMs(0, 100, 1_000, 700)).toBe(700)
    random.mockRestore()
  })

  it('repeats a call after the link failed, for want of room, or where it is told when, and after nothing else', () => {
    expect(isRetriable(new LinkLostError())).toBe(true)
    expect(isRetriable(new BusyError('maxQueued', 1, 1))).toBe(true)
    expect(isRetriable(new RemoteError('handler-failed', ''))).toBe(false)
    expect(isRetriable(new RemoteError('later', '', { retryAfterMs: 5 }))).toBe(true)
    expect(isRetriable(new RangeError('x'))).toBe(false)
    expect(isRetriable('x')).toBe(false)
  })
})
