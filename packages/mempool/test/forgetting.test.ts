import { getEventListeners } from 'node:events'
import { queryObjects } from 'node:v8'
import { expect, it } from 'vitest'
import { addBlock, encode, ids, all, ModelChain, transaction } from './model-chain.ts'
import { offer, put, setUp } from './support.ts'

it('lets another of a sender wait once one of them has come to apply', async () => {
  const { pool } = await setUp({ maxWaitingPerSender: 2 })
  const parent = transaction({ sender: 'bob', spends: ['a'], makes: 1 })
  const wait = async (key: string): Promise<string> => offer(pool, { sender: 'ann', spends: [key] })
  expect([await wait(parent.makes[0] ?? ''), await wait('x'), await wait('y')]).toEqual([
    'waiting',
    'waiting',
    'waiting-full',
  ])
  await put(pool, { sender: 'bob', spends: ['a'], makes: 1 })
  expect(pool.stats().waiting).toBe(1)
  expect([await wait('y'), await wait('z')]).toEqual(['waiting', 'waiting-full'])
})

it('keeps nothing of those that waited', async () => {
  const { pool } = await setUp({ maxWaiting: 1 })
  await offer(pool, { spends: ['first'] })
  const before = queryObjects(Set, { format: 'count' })
  for (let i = 0; i < 500; i++) expect(await offer(pool, { sender: `${i}`, spends: [`${i}`] })).toBe('waiting')
  expect(pool.stats().waiting).toBe(1)
  expect(queryObjects(Set, { format: 'count' }) - before).toBeLessThan(100)
})

it('keeps no sender of whom it holds nothing', async () => {
  const { chain, pool } = await setUp()
  const [one, two] = [
    await put(pool, { sender: 'ann', spends: ['a'] }),
    await put(pool, { sender: 'ann', spends: ['b'] }),
  ]
  addBlock(chain, pool, [one])
  expect(pool.stats().senders).toBe(1)
  addBlock(chain, pool, [two])
  expect(pool.stats().senders).toBe(0)
})

it('takes nothing for spent that only a reverted block spent', async () => {
  const { chain, pool } = await setUp({}, new ModelChain('a'))
  const parent = await put(pool, { spends: ['a'], makes: 1 })
  addBlock(chain, pool, [parent])
  addBlock(chain, pool, [await put(pool, { spends: parent.makes })])
  const rival = { sender: 'bob', spends: parent.makes }
  expect(await offer(pool, rival)).toBe('spent-input')
  for (let i = 0; i < 2; i++) pool.onRevert(chain.revert())
  pool.reject(parent.id, { code: 'no', message: 'not today' })
  expect(await offer(pool, rival)).toBe('waiting')
  addBlock(chain, pool, [parent])
  await pool.whenIdle()
  expect(ids(all(pool))).toEqual([transaction(rival).id])
})

it('leaves no listener on the signal of a call that is over', async () => {
  const { pool } = await setUp()
  const { signal } = new AbortController()
  expect((await pool.add(encode({ spends: ['a'] }), { signal })).status).toBe('added')
  await pool.whenIdle({ signal })
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
