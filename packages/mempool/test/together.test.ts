import { expect, it } from 'vitest'
import { addBlock, encode, transaction } from './model-chain.ts'
import { put, setUp } from './support.ts'

it('judges what is offered together one by one, in order, with one call for all signatures', async () => {
  const { chain, pool } = await setUp()
  const list = [
    { spends: ['a'], makes: 1 },
    { spends: ['a'] },
    { spends: ['b'], isSigned: false },
    { spends: [`${transaction({ spends: ['a'], makes: 1 }).id}:0`] },
    { spends: ['z'] },
    { spends: ['a'], makes: 1 },
  ].map(encode)
  const results = await pool.addAll([...list, Buffer.from('no')])
  expect(results.map((result) => (result.status === 'refused' ? result.code : result.status))).toEqual([
    'added',
    'conflict',
    'invalid-signature',
    'added',
    'waiting',
    'already-known',
    'malformed',
  ])
  expect(chain.batches).toEqual([5])
  expect(pool.stats()).toMatchObject({ transactions: 2, waiting: 1, added: 2 })
  expect(pool.stats().refused).toEqual({ conflict: 1, 'invalid-signature': 1, 'already-known': 1, malformed: 1 })
})

it('gives no results for nothing, and refuses all while it does not run', async () => {
  const { pool } = await setUp()
  expect(await pool.addAll([])).toEqual([])
  await pool.stop()
  expect(await pool.addAll([encode({ spends: ['a'] }), encode({ spends: ['b'] })])).toMatchObject([
    { code: 'not-running' },
    { code: 'not-running' },
  ])
})

it('throws the reason of the signal, and leaves out those that were still being checked', async () => {
  const { chain, pool } = await setUp()
  const abort = new AbortController()
  await expect(
    pool.addAll([encode({ spends: ['a'] })], { signal: AbortSignal.abort(new TypeError('late')) }),
  ).rejects.toThrow('late')
  chain.delay = 3
  const added = pool.addAll([encode({ spends: ['a'] }), encode({ spends: ['b'] })], { signal: abort.signal })
  abort.abort(new TypeError('gave up'))
  await expect(added).rejects.toThrow('gave up')
  await pool.whenIdle()
  expect(pool.stats()).toMatchObject({ transactions: 0, pending: 0, pendingBytes: 0 })
})

it('lists those offered as local for as long as it holds them, the oldest first', async () => {
  const { chain, pool } = await setUp({}, undefined)
  const ids = (): string[] => Array.from(pool.local(), ({ id }) => id)
  await put(pool, { spends: ['a'] })
  const waits = transaction({ spends: ['z'] })
  const own = transaction({ spends: ['b'] })
  const gone = transaction({ spends: ['c'] })
  await pool.addAll([waits.bytes, own.bytes, gone.bytes, encode({ spends: ['a'], padding: 'x' })], { isLocal: true })
  await pool.whenIdle()
  expect(ids()).toEqual([waits.id, own.id, gone.id])
  // What another one brought first is not ours, though it is offered again.
  await pool.add(encode({ spends: ['a'] }), { isLocal: true })
  expect(ids()).toHaveLength(3)
  addBlock(chain, pool, [own])
  // All have seen the block: who gets it back by a revert need not tell of it.
  pool.onRevert(chain.revert())
  expect(pool.has(own.id)).toBe(true)
  expect(ids()).toEqual([waits.id, gone.id])
  pool.reject(gone.id, { code: 'no', message: '' })
  expect(ids()).toEqual([waits.id])
  await pool.stop()
  expect(ids()).toEqual([waits.id])
})

it('does not list what a block took before the rest of what it was offered with was judged', async () => {
  const { chain, pool } = await setUp({ batchSize: 1, concurrency: 1 })
  const [first, second] = [transaction({ spends: ['a'] }), transaction({ spends: ['b'] })]
  pool.addEventListener('transaction:added', () => addBlock(chain, pool, [first]), { once: true })
  await pool.addAll([first.bytes, second.bytes], { isLocal: true })
  pool.onRevert(chain.revert())
  expect(pool.has(first.id)).toBe(true)
  expect(Array.from(pool.local(), ({ id }) => id)).toEqual([second.id])
})
