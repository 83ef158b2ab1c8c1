import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Mempool } from '../src/index.ts'
import { all, encode, ids, ModelChain, transaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'
import { offer, put, setUp } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
})
afterEach(() => void vi.useRealTimers())

it('takes nothing before it starts and after it stops, and holds what it held when it starts again', async () => {
  const chain = new ModelChain('a', 'b')
  const pool = new Mempool({ chain })
  expect([await offer(pool, { spends: ['a'] }), pool.isRunning]).toEqual(['not-running', false])
  await pool.start()
  await pool.start()
  const one = await put(pool, { spends: ['a'] })
  expect(pool.isRunning).toBe(true)
  await pool.stop()
  await pool.stop()
  expect([await offer(pool, { spends: ['b'] }), vi.getTimerCount()]).toEqual(['not-running', 0])
  await pool.start()
  const two = await put(pool, { spends: ['b'] })
  expect(ids(all(pool))).toEqual(ids([one, two]))
  await pool.stop()
  expect(vi.getTimerCount()).toBe(0)
})

it('refuses what is being checked when it stops, and leaves no timer and no call waiting', async () => {
  const chain = new ModelChain('a', 'b', 'c')
  const signals: AbortSignal[] = []
  Object.assign(chain, {
    verify: (_: unknown, { signal }: { signal: AbortSignal }) => {
      signals.push(signal)
      return new Promise(() => {})
    },
  })
  const { pool } = await setUp({ batchSize: 1, concurrency: 1 }, chain)
  const offers = ['a', 'b', 'c'].map((key) => pool.add(encode({ spends: [key] })))
  await Promise.resolve()
  await pool.stop()
  expect((await Promise.all(offers)).map((result) => 'code' in result && result.code)).toEqual(
    Array.from({ length: 3 }, () => 'not-running'),
  )
  expect([signals.map(({ aborted }) => aborted), vi.getTimerCount()]).toEqual([[true], 0])
  expect(pool.stats()).toMatchObject({ pending: 0, pendingBytes: 0 })
})

it('goes with blocks and reverts while it is stopped', async () => {
  const { chain, pool } = await setUp()
  const one = await put(pool, { spends: ['a'], makes: 1 })
  const child = await put(pool, { spends: one.makes })
  const waiting = await put(pool, { sender: 'ann', nonce: 1 })
  await pool.stop()
  const before = transaction({ sender: 'ann', nonce: 0 })
  chain.apply([one, before])
  pool.onBlock([one, before])
  await pool.whenIdle()
  expect([ids(all(pool)), pool.stats().waiting]).toEqual([[child.id], 1])
  await pool.start()
  await pool.whenIdle()
  expect(ids(all(pool))).toEqual(ids([child, waiting]))
  await pool.stop()
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual(ids([one, before, child, waiting]))
})

it('keeps in its log what it had not yet checked when it was stopped while it started', async () => {
  const log = new ModelLog()
  const chain = new ModelChain('a')
  const { pool } = await setUp({}, chain, log)
  await put(pool, { spends: ['a'] })
  await pool.stop()
  const records = log.records.length

  const verify = vi.spyOn(chain, 'verify').mockImplementationOnce(() => new Promise(() => {}))
  const next = new Mempool({ chain, log })
  const started = next.start()
  await vi.waitUntil(() => verify.mock.calls.length > 0)
  expect(await next.add(encode({ spends: ['a'] }))).toMatchObject({ code: 'not-running' })
  await next.stop()
  expect(await started).toMatchObject({ added: 0, refused: { 'not-running': 1 } })
  expect([next.isRunning, log.records.length, vi.getTimerCount()]).toEqual([false, records, 0])
  expect(await next.start()).toMatchObject({ added: 1 })
  expect(await next.start()).toMatchObject({ added: 0 })
  await next.stop()
})

it('runs when it was stopped while it started, and started again before that had ended', async () => {
  const chain = new ModelChain('a')
  const { pool } = await setUp({}, chain)
  await put(pool, { spends: ['a'] })
  const log = new ModelLog(pool.snapshot())
  await pool.stop()
  const next = new Mempool({ chain, log })
  const first = next.start()
  const stopped = next.stop()
  const second = next.start()
  await Promise.all([first, stopped, second])
  expect([next.isRunning, next.stats().transactions]).toEqual([true, 1])
  await next.stop()
  expect([log.records.length, vi.getTimerCount()]).toEqual([1, 0])
})

it('has started for every caller once it has read its log, and tells each the same', async () => {
  const { chain, pool } = await setUp({}, new ModelChain('a'))
  await put(pool, { spends: ['a'] })
  await pool.stop()
  const next = new Mempool({ chain, log: new ModelLog(pool.snapshot()) })
  const first = next.start()
  expect(await next.start()).toMatchObject({ added: 1 })
  expect(next.isRunning).toBe(true)
  expect(await first).toMatchObject({ added: 1 })
  await next.stop()
  expect(vi.getTimerCount()).toBe(0)
})

it('leaves a log as it is until it was read, and then writes what came before too', async () => {
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b'))
  const held = await put(pool, { spends: ['a'] })
  const reverted = transaction({ spends: ['b'] })
  const log = new ModelLog(pool.snapshot())
  const before = log.records
  const next = new Mempool({ chain, log })
  next.onRevert([reverted])
  await next.stop()
  expect([log.records === before, before.length, log.rewrites]).toEqual([true, 1, 0])
  await next.start()
  await next.stop()
  expect([ids(all(next)), log.records.length]).toEqual([ids([reverted, held]), 2])
})

it('asks the chain nothing more of the records that it has not come to when it is stopped', async () => {
  const keys = Array.from({ length: 8 }, (_, i) => `k${i}`)
  const { chain, pool } = await setUp({}, new ModelChain(...keys))
  for (const key of keys) await put(pool, { spends: [key] })
  const screened: string[] = []
  const verify = vi.fn<() => Promise<boolean[]>>(() => new Promise(() => {}))
  Object.assign(chain, { verify, screen: ({ id }: { id: string }) => void screened.push(id) })
  const next = await setUp({ batchSize: 1, concurrency: 2 }, chain)
  const restored = next.pool.restore(pool.snapshot())
  await pool.stop()
  await Promise.resolve()
  expect(vi.getTimerCount()).toBe(3)
  const stopped = next.pool.stop()
  // At once, and not some turns later.
  expect(vi.getTimerCount()).toBe(0)
  await stopped
  expect(await restored).toMatchObject({ added: 0, refused: { 'not-running': 8 } })
  expect([screened.length, verify.mock.calls.length]).toEqual([2, 2])
})

it('ends a wait for idleness by its signal', async () => {
  const chain = new ModelChain('a')
  chain.verify = () => new Promise(() => {})
  const { pool } = await setUp({}, chain)
  const controller = new AbortController()
  void pool.add(encode({ spends: ['a'] }))
  const idle = pool.whenIdle(controller)
  controller.abort(new RangeError('enough'))
  await expect(idle).rejects.toThrow('enough')
  await expect(pool.whenIdle(controller)).rejects.toThrow('enough')
})

it('calls a listener until it is removed, or its signal aborts', async () => {
  const { pool } = await setUp()
  const seen: string[] = []
  const listener = (): void => void seen.push('kept')
  const controller = new AbortController()
  pool.addEventListener('transaction:added', listener)
  pool.addEventListener('transaction:added', listener)
  pool.addEventListener('transaction:added', () => void seen.push('once'), { once: true })
  pool.addEventListener('transaction:added', () => void seen.push('signal'), controller)
  await put(pool, { spends: ['a'] })
  controller.abort()
  await put(pool, { spends: ['b'] })
  pool.removeEventListener('transaction:added', listener)
  pool.removeEventListener('transaction:removed', listener)
  await put(pool, { spends: ['c'] })
  expect(seen).toEqual(['kept', 'once', 'signal', 'kept'])
})
