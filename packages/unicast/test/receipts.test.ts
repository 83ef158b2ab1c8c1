import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { MAX_HELD_RECEIPTS } from '../src/constants.ts'
import { ReceiptBatch } from '../src/receipt-batch.ts'
import { bytes, pair } from './helpers.ts'

describe('a batch of receipts', () => {
  const sent: number[][] = []
  let batch: ReceiptBatch

  beforeEach(() => {
    vi.useFakeTimers()
    sent.length = 0
    batch = new ReceiptBatch((ids) => sent.push([...ids]))
  })

  afterEach(() => vi.useRealTimers())

  it('sends those of one delay together, in order, once', () => {
    batch.add(1, 20)
    vi.advanceTimersByTime(10)
    batch.add(2, 20)
    vi.advanceTimersByTime(9)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sent).toEqual([[1, 2]])
    vi.advanceTimersByTime(1_000)
    expect(sent).toEqual([[1, 2]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes by the receipt that may wait least', () => {
    batch.add(1, 500)
    batch.add(2, 20)
    batch.add(3, 500)
    vi.advanceTimersByTime(20)
    expect(sent).toEqual([[1, 2, 3]])
    expect(vi.getTimerCount()).toBe(0)
  })

  it(`holds fewer than ${MAX_HELD_RECEIPTS}`, () => {
    for (let id = 1; id < MAX_HELD_RECEIPTS; id++) batch.add(id, 20)
    expect(sent).toEqual([])
    batch.add(MAX_HELD_RECEIPTS, 20)
    expect(sent).toEqual([Array.from({ length: MAX_HELD_RECEIPTS }, (_, index) => index + 1)])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('sends what waits when it is flushed, and nothing after it was cleared', () => {
    batch.add(1, 20)
    batch.flush()
    batch.flush()
    batch.add(2, 20)
    batch.clear()
    vi.advanceTimersByTime(20)
    expect(sent).toEqual([[1]])
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('receipts that may wait', () => {
  // As long as may be, so that one that did wait would come far too late.
  const receiptDelayMs = 1_000
  const deadlineMs = 60_000
  let link: Awaited<ReturnType<typeof pair>>
  let settled: string[]

  beforeAll(async () => {
    link = await pair()
    link.answer.handle('patient', () => undefined, { receiptDelayMs })
    link.answer.handle('refusing', () => Promise.reject(new RangeError('no')), { receiptDelayMs })
    link.answer.handle('prompt', () => bytes('answer'))
  })

  beforeEach(() => {
    settled = []
  })

  afterAll(async () => link.stop())

  const send = async (name: string, as: string, options = {}): Promise<void> => {
    const sent = link.call.send(link.b.peerId, name, bytes('x'), { deadlineMs, ...options })
    await sent.then(
      () => settled.push(as),
      () => settled.push(`${as} failed`),
    )
  }

  it('go along with the next answer on their stream', async () => {
    const elsewhere = send('patient', 'on another stream', { lane: 'high' })
    const [first, second] = [send('patient', 'first'), send('patient', 'second')]
    await Promise.all([first, second, link.call.request(link.b.peerId, 'prompt', bytes(''))])
    expect(settled).not.toContain('on another stream')
    await elsewhere
  })

  it('wait, where those of critical messages, of short deadlines, of failures and of requests do not', async () => {
    const waiting = send('patient', 'waited', { lane: 'high' })
    await send('patient', 'critical', { lane: 'critical' })
    await send('patient', 'hurried', { lane: 'normal', deadlineMs: receiptDelayMs * 10 })
    await send('refusing', 'refused', { lane: 'normal' })
    await link.call.request(link.b.peerId, 'patient', bytes(''), { lane: 'normal' })
    settled.push('answered')
    await waiting
    expect(settled).toEqual(['critical', 'hurried', 'refused failed', 'answered', 'waited'])
  })

  it.each([-1, 1_001, Number.NaN])('refuses a delay of %s ms', (wrong) => {
    const handle = (): void => link.answer.handle('wrong', () => undefined, { receiptDelayMs: wrong })
    expect(handle).toThrow(new RangeError(`receiptDelayMs ${wrong} must be from 0 to 1000`))
  })
})
