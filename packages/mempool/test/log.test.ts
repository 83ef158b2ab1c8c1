import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { type LogCall, Mempool, type MempoolLog } from '../src/index.ts'
import { addBlock, all, encode, ids, madeBy, ModelChain, type ModelTransaction, transaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'
import { makerOf, type ModelPool, put, setUp } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
})
afterEach(() => void vi.useRealTimers())

const bytesOf = (records: readonly Uint8Array[]): number => records.reduce((sum, { byteLength }) => sum + byteLength, 0)

/** A pool with two in it, one that waits and one that was removed; it has stopped. */
async function filled(log: MempoolLog): Promise<{ chain: ModelChain; pool: ModelPool; held: ModelTransaction[] }> {
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b', 'c'), log)
  const held = [await put(pool, { spends: ['a'], makes: 1, lane: 'bulk' }), await put(pool, { spends: ['b'] })]
  await put(pool, { spends: ['z'] })
  addBlock(chain, pool, [await put(pool, { spends: ['c'] })])
  await pool.stop()
  return { chain, pool, held }
}

it('writes what happens in one turn by one call, and one call at a time', async () => {
  const log = new ModelLog()
  const gates: (() => void)[] = []
  const appends: number[] = []
  log.append = (records) => {
    appends.push(records.length)
    return new Promise((resolve) => void gates.push(resolve))
  }
  const { pool } = await setUp({}, new ModelChain('a', 'b', 'c'), log)
  await put(pool, { spends: ['a'] })
  await Promise.all(['b', 'c'].map((key) => pool.add(encode({ spends: [key] }))))
  expect(appends).toEqual([1])
  gates[0]?.()
  const stopped = pool.stop()
  await vi.waitUntil(() => appends.length > 1)
  expect(appends).toEqual([1, 2])
  gates[1]?.()
  await stopped
  expect(pool.stats().logFailures).toBe(0)
})

it('holds what a crash left in the log, whichever record was torn, and counts what it left out', async () => {
  const log = new ModelLog()
  const { chain, pool, held } = await filled(log)
  const whole = log.records
  for (const [i, record] of whole.entries()) {
    for (const torn of [record.subarray(0, record.byteLength - 1), flipped(record), new Uint8Array(0)]) {
      const next = await setUp({}, chain, new ModelLog(whole.with(i, torn)))
      const { corruptRecords, transactions } = next.pool.stats()
      expect(corruptRecords).toBe(1)
      // That a block has it, the chain still knows.
      expect(ids(held)).toEqual(expect.arrayContaining(ids(all(next.pool))))
      expect(transactions).toBeGreaterThanOrEqual(1)
      await next.pool.stop()
    }
  }
  expect(ids(all(pool))).toEqual(ids(held.toReversed()))
})

it('knows after a restart which were offered as local, also of those that wait, and whatever moved meanwhile', async () => {
  const log = new ModelLog()
  const chain = new ModelChain('a', 'b', 'c')
  const { pool } = await setUp({}, chain, log)
  const [waits, own, gone] = [{ spends: ['z'] }, { spends: ['b'] }, { spends: ['c'] }].map((body) => transaction(body))
  if (waits === undefined || own === undefined || gone === undefined) throw new RangeError('three are made')
  await put(pool, { spends: ['a'] })
  await pool.addAll([waits.bytes, own.bytes, gone.bytes], { isLocal: true })
  await pool.whenIdle()
  addBlock(chain, pool, [gone])
  const snapshot = pool.snapshot()
  await pool.stop()
  // By what was appended, by the log as a start leaves it, and by a snapshot.
  for (const records of [log.records, undefined, snapshot]) {
    const next = await setUp({}, chain, records === undefined ? log : new ModelLog(records))
    expect(ids([...next.pool.local()])).toEqual([waits.id, own.id])
    expect(next.pool.stats()).toMatchObject({ transactions: 2, waiting: 1, corruptRecords: 0 })
    await next.pool.stop()
    log.records = next.pool.snapshot()
  }
  // Made anew where it had been before: what a block took, and brought back, all have seen.
  const back = await setUp({}, chain, log)
  back.pool.onRevert(chain.revert())
  await back.pool.stop()
  const last = await setUp({}, chain, log)
  expect(last.pool.has(gone.id)).toBe(true)
  expect(ids([...last.pool.local()])).toEqual([waits.id, own.id])
})

it('takes a mark of what it does not hold for nothing, and loses with a torn mark no transaction', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b'), log)
  const own = [transaction({ spends: ['a'] }), transaction({ spends: ['b'] })]
  await pool.addAll(
    own.map(({ bytes }) => bytes),
    { isLocal: true },
  )
  await pool.stop()
  const held = new Map<number, string[]>()
  for (const [i, record] of log.records.entries()) {
    const next = await setUp({}, chain, new ModelLog(log.records.with(i, flipped(record))))
    expect(next.pool.stats().corruptRecords).toBe(1)
    held.set(next.pool.stats().transactions, [
      ...(held.get(next.pool.stats().transactions) ?? []),
      ...ids([...next.pool.local()]),
    ])
    await next.pool.stop()
  }
  const [first, second] = ids(own)
  // Two of the four tell of a transaction, and two that it is local.
  expect(held.get(1)?.toSorted()).toEqual([first, second].toSorted())
  expect(held.get(2)?.toSorted()).toEqual([first, second].toSorted())
})

it('leaves out whatever bytes are no record, and takes what is', async () => {
  const log = new ModelLog()
  const { chain, held } = await filled(log)
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 80 }), { maxLength: 8 }), fc.nat(20), async (junk, place) => {
      const next = await setUp({}, chain)
      const report = await next.pool.restore(log.records.toSpliced(place, 0, ...junk))
      expect(report).toEqual({ added: 2, waiting: 1, refused: {}, corrupt: junk.length })
      expect(ids(all(next.pool))).toEqual(ids(held.toReversed()))
      await next.pool.stop()
    }),
    { numRuns: 50 },
  )
})

it('takes what it finds through the same checks, and does not let wait what was in the pool', async () => {
  const log = new ModelLog()
  const { chain, held } = await filled(log)
  const [bulk, normal] = held
  if (bulk === undefined || normal === undefined) throw new RangeError('two are held')
  // While the pool was down.
  chain.apply([normal])
  const verify = vi.spyOn(chain, 'verify')
  const next = await setUp({}, chain, log)
  expect(ids(all(next.pool))).toEqual([bulk.id])
  expect(verify.mock.calls.flatMap(([transactions]) => transactions).length).toBe(3)
  expect(next.pool.stats()).toMatchObject({ transactions: 1, waiting: 1 })
  chain.verify = (transactions) => Promise.resolve(transactions.map(() => false))
  const forged = await setUp({}, chain)
  expect(await forged.pool.restore(next.pool.snapshot())).toMatchObject({
    added: 0,
    refused: { 'invalid-signature': 2 },
  })
})

it('asks the chain again about what it refused once the others are in, and what builds on that, as long as more comes in', async () => {
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b', 'c', 'd'))
  // Each of the first three follows from the one after it, as the chain alone knows; the chain never takes the last.
  const c = await put(pool, { spends: ['c'] })
  const b = await put(pool, { spends: ['b'], makes: 1 })
  const a = await put(pool, { spends: ['a'] })
  const onB = await put(pool, { spends: madeBy(b) })
  const never = await put(pool, { spends: ['d'] })
  const follows = new Map([
    [c.id, b.id],
    [b.id, a.id],
    [never.id, 'nothing'],
  ])
  const next = await setUp({ batchSize: 1, concurrency: 1 }, chain)
  const look = chain.look.bind(chain)
  let times = 0
  chain.look = async (candidates) => {
    const [facts] = await look(candidates)
    const { id } = candidates[0]?.transaction ?? never
    if (id === never.id) times++
    const before = follows.get(id)
    const refusal = { code: 'not-yet', message: `it comes before ${before}` }
    const isEarly = before !== undefined && !next.pool.has(before)
    return facts === undefined ? [] : [isEarly ? Object.assign(facts, { refusal }) : facts]
  }

  expect(await next.pool.restore(pool.snapshot())).toMatchObject({ added: 4, refused: { 'not-yet': 1 } })
  expect(ids(all(next.pool))).toEqual(ids([a, b, onB, c]))
  expect(times).toBe(3)
})

it('keeps in the log what the chain gave no answer for, and what was local of it, for the next start', async () => {
  const log = new ModelLog()
  const { chain, held } = await filled(log)
  const own = await setUp({}, chain, log)
  const local = transaction({ spends: ['q'] })
  await own.pool.add(local.bytes, { isLocal: true })
  await own.pool.stop()
  const verify = vi.spyOn(chain, 'verify').mockRejectedValue(new TypeError('no worker'))
  const deaf = await setUp({}, chain, log)
  expect(deaf.pool.stats()).toMatchObject({ transactions: 0, waiting: 0 })
  verify.mockRestore()
  const late = await put(deaf.pool, { spends: ['late'] })
  await deaf.pool.stop()

  const next = await setUp({}, chain, log)
  expect(ids(all(next.pool))).toEqual(expect.arrayContaining(ids(held)))
  expect([local, late].map(({ id }) => next.pool.has(id))).toEqual([true, true])
  expect(Array.from(next.pool.local(), ({ id }) => id)).toEqual([local.id])
})

it('holds no more than smaller limits allow, the first in its order', async () => {
  const { chain, pool, held } = await filled(new ModelLog())
  const next = await setUp({ maxTransactions: 1, maxWaiting: 0 }, chain)
  const report = await next.pool.restore(pool.snapshot())
  expect(report).toMatchObject({ added: 1, waiting: 0, corrupt: 0 })
  expect(next.pool.stats()).toMatchObject({ transactions: 1, waiting: 0 })
  expect(ids(held)).toContain(all(next.pool)[0]?.id)
})

it('finds in its log what it held after a revert brought back more than there is room for', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({ maxTransactions: 1 }, new ModelChain('a', 'b'), log)
  const [high, critical] = [
    transaction({ spends: ['a'], lane: 'high' }),
    transaction({ spends: ['b'], lane: 'critical' }),
  ]
  addBlock(chain, pool, [high, critical])
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual([critical.id])
  await pool.stop()
  const next = await setUp({ maxTransactions: 1 }, chain, log)
  expect(ids(all(next.pool))).toEqual([critical.id])
})

it('finds in its log what a revert brought back in the place of what has to wait by it', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({ maxTransactions: 2 }, new ModelChain('a', 'b', 'c'), log)
  const maker = makerOf('a')
  const other = transaction({ spends: ['b'] })
  const spender = transaction({ spends: madeBy(maker), makes: 1 })
  addBlock(chain, pool, [maker, other, spender])
  const child = await put(pool, { spends: spender.makes })
  await put(pool, { spends: ['c'] })
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual([maker.id, other.id])
  await pool.stop()
  const next = await setUp({ maxTransactions: 2 }, chain, log)
  expect(ids(all(next.pool))).toEqual([maker.id, other.id])
  expect([spender, child].map(({ id }) => next.pool.has(id))).toEqual([true, true])
})

it('lets wait again what came to wait before the pool was full', async () => {
  const init = { maxTransactions: 1, batchSize: 1, concurrency: 1 }
  const { chain, pool } = await setUp(init)
  const bodies = [{ spends: ['z'] }, { spends: ['a'], lane: 'critical' as const }]
  await Promise.all(bodies.map((body) => pool.add(encode(body))))
  expect(pool.stats()).toMatchObject({ transactions: 1, waiting: 1 })
  const next = await setUp(init, chain)
  expect(await next.pool.restore(pool.snapshot())).toMatchObject({ added: 1, waiting: 1, refused: {} })
})

it('counts age over a restart by the calendar, whatever becomes of the clock', async () => {
  const log = new ModelLog()
  const { chain, pool } = await filled(log)
  const records = pool.snapshot()
  vi.advanceTimersByTime(59_000)
  const soon = await setUp({ maxAgeMs: 60_000, maxWaitingMs: 60_000 }, chain, new ModelLog(records))
  expect(soon.pool.stats()).toMatchObject({ transactions: 2, waiting: 1 })
  vi.advanceTimersByTime(1_000)
  expect(soon.pool.stats()).toMatchObject({ transactions: 0, waiting: 0, removed: { expired: 3 } })
  const late = await setUp({ maxAgeMs: 60_000, maxWaitingMs: 60_000 }, chain)
  expect(await late.pool.restore(records)).toMatchObject({ added: 0, waiting: 0, refused: { expired: 3 } })
  vi.setSystemTime(0)
  const back = await setUp({ maxAgeMs: 60_000 }, chain)
  expect(await back.pool.restore(records)).toMatchObject({ added: 2, waiting: 1 })
})

it('tells of a log that fails, works on, and writes it anew with the next change', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b', 'c'), log)
  const failures: string[] = []
  pool.addEventListener('mempool:log-failed', ({ detail }) => void failures.push(detail.message))
  const append = vi.spyOn(log, 'append').mockImplementationOnce(() => Promise.reject(new RangeError('disk full')))
  const first = await put(pool, { spends: ['a'] })
  await vi.waitUntil(() => failures.length > 0)
  expect(failures).toEqual(['the log could not be written: disk full'])
  expect(pool.stats()).toMatchObject({ transactions: 1, logFailures: 1 })
  const { rewrites } = log
  const second = await put(pool, { spends: ['b'] })
  await pool.stop()
  expect([append.mock.calls.length, log.rewrites, log.records.length]).toEqual([1, rewrites + 1, 2])
  const next = await setUp({}, chain, log)
  expect(ids(all(next.pool))).toEqual(ids([first, second]))
})

it('starts with what it could read of a log that fails', async () => {
  const log = new ModelLog()
  const { chain } = await filled(log)
  const [first, ...rest] = log.records
  if (first === undefined) throw new RangeError('there are records')
  log.read = async function* read() {
    yield first
    await Promise.resolve()
    throw new RangeError(`${rest.length} records are gone`)
  }
  const { pool } = await setUp({}, chain, log)
  expect(pool.stats()).toMatchObject({ transactions: 1, logFailures: 1 })
})

it('stops while a log is read that hangs, and reads it at the next start', async () => {
  const log = new ModelLog()
  const { chain } = await filled(log)
  const next = new Mempool({ chain, log })
  let signal: AbortSignal | undefined
  const read = log.read.bind(log)
  const hang = (call: LogCall): AsyncIterable<Uint8Array> => {
    ;({ signal } = call)
    return { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) }
  }
  Object.assign(log, { read: hang })
  const started = next.start()
  await next.stop()
  expect(await started).toEqual({ added: 0, waiting: 0, refused: {}, corrupt: 0 })
  expect([signal?.aborted, next.isRunning, next.stats().logFailures, vi.getTimerCount()]).toEqual([true, false, 0, 0])
  Object.assign(log, { read })
  expect(await next.start()).toMatchObject({ added: 2, waiting: 1 })
  await next.stop()
})

it('writes the log anew once it holds much more than what counts', async () => {
  const log = new ModelLog()
  const chain = new ModelChain()
  const { pool } = await setUp({ maxAgeMs: 1 }, chain, log)
  await pool.whenIdle()
  const most = 4_096 + 2 * 600
  let { rewrites } = log
  let isOver = false
  for (let round = 0; round < 8; round++) {
    const offers = Array.from({ length: 500 }, (_, i) => pool.add(encode({ sender: `${round} ${i}`, nonce: 0 })))
    await Promise.all(offers)
    vi.advanceTimersByTime(1_000)
    await pool.whenIdle()
    isOver ||= log.records.length > most
  }
  await pool.stop()
  rewrites = log.rewrites - rewrites
  expect([isOver, rewrites > 0, rewrites < 4]).toEqual([false, true, true])
})

it('writes the log anew, rather than all that came meanwhile, after a call that took long', async () => {
  const log = new ModelLog()
  const { pool } = await setUp({ maxAgeMs: 1_000 }, new ModelChain('a'), log)
  const gate = Promise.withResolvers<void>()
  const append = vi.spyOn(log, 'append').mockImplementation(() => gate.promise)
  let most = 0
  for (let round = 0; round < 9; round++) {
    await Promise.all(Array.from({ length: 300 }, (_, i) => pool.add(encode({ sender: `${round} ${i}`, nonce: 0 }))))
    vi.advanceTimersByTime(1_000)
    most = Math.max(most, pool.stats().unwrittenRecords)
  }
  await put(pool, { spends: ['a'] })
  const { rewrites } = log
  gate.resolve()
  await pool.stop()
  expect([append.mock.calls.length, log.rewrites - rewrites, log.records.length]).toEqual([1, 1, 1])
  expect([most > 3_000, most <= 4_096 + 2 * 300]).toEqual([true, true])
})

it('bounds the log, and what waits for it, by bytes where transactions are large', async () => {
  const log = new ModelLog()
  const { pool } = await setUp({ maxAgeMs: 1_000 }, new ModelChain(), log)
  await pool.whenIdle()
  const padding = 'x'.repeat(50_000)
  const most = 16 * 1024 * 1024 + 2 * 100 * 51_000
  let [mostWritten, mostWaiting] = [0, 0]
  const comeAndGo = async (round: string): Promise<void> => {
    const offers = Array.from({ length: 100 }, (_, i) =>
      pool.add(encode({ sender: `${round} ${i}`, nonce: 0, padding })),
    )
    await Promise.all(offers)
    mostWaiting = Math.max(mostWaiting, pool.stats().unwrittenRecords)
    vi.advanceTimersByTime(1_000)
  }
  for (let round = 0; round < 8; round++) {
    await comeAndGo(`${round}`)
    await pool.whenIdle()
    mostWritten = Math.max(mostWritten, bytesOf(log.records))
  }
  expect([mostWritten > 10_000_000, mostWritten <= most, log.rewrites > 0]).toEqual([true, true, true])
  const gate = Promise.withResolvers<void>()
  vi.spyOn(log, 'append').mockImplementation(() => gate.promise)
  mostWaiting = 0
  for (let round = 8; round < 16; round++) await comeAndGo(`${round}`)
  // Half of the records are of removals, which are small.
  expect([mostWaiting > 150, mostWaiting <= (2 * most) / 50_000]).toEqual([true, true])
  gate.resolve()
  await pool.stop()
})

it('waits deadlineMs, when it stops, for a log that hangs', async () => {
  const log = new ModelLog()
  const { pool } = await setUp({ deadlineMs: 500 }, new ModelChain('a'), log)
  let call: LogCall | undefined
  Object.assign(log, {
    append(_: unknown, given: LogCall) {
      call = given
      return new Promise(() => {})
    },
  })
  await put(pool, { spends: ['a'] })
  const stopped = pool.stop()
  await vi.advanceTimersByTimeAsync(499)
  expect(call?.signal.aborted).toBe(false)
  await vi.advanceTimersByTimeAsync(1)
  await stopped
  expect([call?.signal.aborted, pool.stats().logFailures, vi.getTimerCount()]).toEqual([true, 1, 0])
})

function flipped(record: Uint8Array): Uint8Array {
  return record.with(record.byteLength - 1, (record.at(-1) ?? 0) ^ 1)
}
