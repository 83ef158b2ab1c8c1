import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { addBlock, all, encode, ids } from './model-chain.ts'
import { offer, put, reasons, setUp } from './support.ts'

beforeEach(() => {
  vi.useFakeTimers({
    toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'],
  })
})
afterEach(() => void vi.useRealTimers())

it('evicts the least urgent, newest for a more urgent one, and tells why', async () => {
  const { pool, removed } = await setUp({ maxTransactions: 3 })
  const old = await put(pool, { sender: '1', nonce: 0, lane: 'bulk' })
  const young = await put(pool, { sender: '2', nonce: 0, lane: 'bulk' })
  const normal = await put(pool, { sender: '3', nonce: 0 })
  expect(await offer(pool, { sender: '4', nonce: 0, lane: 'bulk' })).toBe('pool-full')
  const high = await put(pool, { sender: '5', nonce: 0, lane: 'high' })
  expect(removed).toMatchObject([
    { transaction: { id: young.id }, reason: 'pool-full', message: '4 transactions, where maxTransactions is 3' },
  ])
  const second = await put(pool, { sender: '6', nonce: 0 })
  expect(reasons(removed)[1]).toEqual([old.id, 'pool-full'])
  expect(ids(all(pool))).toEqual(ids([high, normal, second]))
  // Nobody is evicted for one that is as urgent.
  expect(await offer(pool, { sender: '7', nonce: 0 })).toBe('pool-full')
})

it('evicts as many as the bytes of the newcomer take, and none where they would not do', async () => {
  const padding = 'x'.repeat(100)
  const size = encode({ sender: '1', nonce: 0, lane: 'bulk', padding }).byteLength
  const { pool, removed } = await setUp({ maxBytes: 3 * size })
  for (const sender of ['1', '2']) await put(pool, { sender, nonce: 0, lane: 'bulk', padding })
  await put(pool, { sender: '3', nonce: 0, lane: 'high', padding })
  expect(await offer(pool, { sender: '4', nonce: 0, padding: 'x'.repeat(350) })).toBe('pool-full')
  expect(removed).toEqual([])
  await put(pool, { sender: '4', nonce: 0, padding: 'x'.repeat(150) })
  expect(removed).toMatchObject([
    { reason: 'pool-full', message: expect.stringContaining(`maxBytes is ${3 * size}`) },
    {},
  ])
  expect(pool.stats()).toMatchObject({ transactions: 2, removed: { 'pool-full': 2 } })
})

it("evicts a sender's own for its more urgent one, with what builds on that", async () => {
  const { pool, removed } = await setUp({ maxTransactionsPerSender: 2, maxTransactions: 4 })
  const parent = await put(pool, { sender: 'ann', spends: ['a'], makes: 1, lane: 'bulk' })
  await put(pool, { sender: 'ann', spends: ['b'] })
  const child = await put(pool, { sender: 'bob', spends: parent.makes, lane: 'bulk' })
  await put(pool, { sender: 'cem', nonce: 0, lane: 'bulk' })
  expect(await offer(pool, { sender: 'ann', nonce: 0, lane: 'bulk' })).toBe('sender-full')
  // Two go with the sender's own, so that nobody else has to.
  await put(pool, { sender: 'ann', nonce: 0 })
  expect(reasons(removed)).toEqual([
    [parent.id, 'sender-full'],
    [child.id, 'parent-removed'],
  ])
  expect(removed[0]?.message).toBe('3 transactions, where maxTransactionsPerSender is 2')
})

it('counts what goes with a senders own once: as many others go as the bytes of the newcomer take', async () => {
  const padding = 'x'.repeat(100)
  const size = encode({ sender: 'ann', spends: ['a'], lane: 'bulk', padding }).byteLength
  const { pool, removed } = await setUp({ maxTransactionsPerSender: 1, maxBytes: 4 * size })
  const other = await put(pool, { sender: 'cem', spends: ['b'], lane: 'bulk', padding })
  const parent = await put(pool, { sender: 'ann', spends: ['a'], makes: 1, lane: 'bulk', padding })
  const child = await put(pool, { sender: 'bob', spends: parent.makes, lane: 'bulk', padding })
  const large = await put(pool, { sender: 'ann', spends: ['c'], padding: 'x'.repeat(100 + 5 * (size >> 1)) })
  expect(reasons(removed)).toEqual([
    [parent.id, 'sender-full'],
    [child.id, 'parent-removed'],
    [other.id, 'pool-full'],
  ])
  expect(pool.stats()).toMatchObject({ transactions: 1, bytes: large.size })
  expect(large.size).toBeLessThanOrEqual(4 * size)
})

it('drops what is maxAgeMs old with all that builds on it, and not 1 ms sooner', async () => {
  const { pool, removed } = await setUp({ maxAgeMs: 10_000 })
  const parent = await put(pool, { spends: ['a'], makes: 1 })
  vi.advanceTimersByTime(6_000)
  const child = await put(pool, { spends: parent.makes })
  const other = await put(pool, { spends: ['b'] })
  vi.advanceTimersByTime(3_999)
  expect(removed).toEqual([])
  vi.advanceTimersByTime(1)
  expect(reasons(removed)).toEqual([
    [parent.id, 'expired'],
    [child.id, 'parent-removed'],
  ])
  expect(removed[0]?.message).toBe('in the pool for 10000 ms, which is maxAgeMs')
  vi.advanceTimersByTime(6_000)
  expect(reasons(removed)[2]).toEqual([other.id, 'expired'])
})

it('drops the oldest of those that wait beyond maxWaiting and maxWaitingBytes, and all after maxWaitingMs', async () => {
  const size = encode({ sender: '1', spends: ['y'] }).byteLength
  for (const init of [{ maxWaiting: 2 }, { maxWaitingBytes: 2 * size }]) {
    const { pool, removed } = await setUp({ ...init, maxWaitingMs: 5_000 })
    const [first, second, third] = [
      await put(pool, { sender: '1', spends: ['y'] }),
      await put(pool, { sender: '2', spends: ['y'] }),
      await put(pool, { sender: '3', spends: ['y'] }),
    ]
    expect(removed).toMatchObject([{ transaction: { id: first.id }, reason: 'waiting-full', wasWaiting: true }])
    expect(removed[0]?.message).toMatch(/ wait, where maxWaiting(Bytes)? is /)
    vi.advanceTimersByTime(4_999)
    expect(pool.stats().waiting).toBe(2)
    vi.advanceTimersByTime(1)
    expect(reasons(removed).slice(1)).toEqual([
      [second.id, 'expired'],
      [third.id, 'expired'],
    ])
    expect(pool.stats()).toMatchObject({ waiting: 0, waitingBytes: 0 })
  }
})

it('lets no sender have more than maxWaitingPerSender wait, and none that is longer than maxWaitingBytes', async () => {
  const { pool } = await setUp({ maxWaitingPerSender: 2, maxWaitingBytes: 1_000 })
  const outcomes = []
  for (const nonce of [5, 6, 7]) outcomes.push(await offer(pool, { sender: 'ann', nonce }))
  expect(outcomes).toEqual(['waiting', 'waiting', 'waiting-full'])
  expect(await offer(pool, { sender: 'bob', nonce: 5 })).toBe('waiting')
  expect(await offer(pool, { sender: 'cem', nonce: 5, padding: 'x'.repeat(1_000) })).toBe('waiting-full')
})

it('forgets the oldest block beyond maxRemembered: what it spent waits instead of being refused', async () => {
  const { chain, pool } = await setUp({ maxRemembered: 1 })
  for (const key of ['a', 'b']) addBlock(chain, pool, [await put(pool, { spends: [key] })])
  expect(await offer(pool, { spends: ['b'], makes: 1 })).toBe('spent-input')
  expect(await offer(pool, { spends: ['a'], makes: 1 })).toBe('waiting')
})
