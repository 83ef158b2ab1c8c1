import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { OrderedSet } from '../src/ordered-set.ts'
import { addBlock, all, ids } from './model-chain.ts'
import { offer, put, reasons, setUp } from './support.ts'

it('orders by lane, then by arrival', async () => {
  const { pool } = await setUp()
  const bulk = await put(pool, { sender: '1', nonce: 0, lane: 'bulk' })
  const normal = await put(pool, { sender: '2', nonce: 0 })
  const critical = await put(pool, { sender: '3', nonce: 0, lane: 'critical' })
  const high = await put(pool, { sender: '4', nonce: 0, lane: 'high' })
  const second = await put(pool, { sender: '5', nonce: 0 })
  expect(ids(all(pool))).toEqual(ids([critical, high, normal, second, bulk]))
  expect(ids(pool.transactions())).toEqual(ids(all(pool)))
})

it('has a transaction as urgent as what it builds on at most, until a block has that', async () => {
  const { chain, pool } = await setUp()
  const parent = await put(pool, { spends: ['a'], makes: 1, lane: 'bulk' })
  const child = await put(pool, { spends: parent.makes, makes: 1, lane: 'critical' })
  const grandchild = await put(pool, { spends: child.makes, lane: 'high' })
  const other = await put(pool, { spends: ['b'] })
  expect(ids(all(pool))).toEqual(ids([other, parent, child, grandchild]))
  addBlock(chain, pool, [parent])
  expect(ids(all(pool))).toEqual(ids([child, grandchild, other]))
})

it('takes what fits, and leaves out what builds on what does not', async () => {
  const { pool } = await setUp()
  const first = await put(pool, { spends: ['a'] })
  const large = await put(pool, { spends: ['b'], makes: 1, padding: 'x'.repeat(500) })
  const child = await put(pool, { spends: large.makes })
  const last = await put(pool, { spends: ['c'] })
  const small = first.size + last.size
  expect(ids(pool.take(small, 10))).toEqual(ids([first, last]))
  expect(ids(pool.take(small - 1, 10))).toEqual(ids([first]))
  expect(ids(pool.take(small + large.size, 10))).toEqual(ids([first, large, last]))
  expect(ids(pool.take(1e6, 3))).toEqual(ids([first, large, child]))
  expect([pool.take(1e6, 0), pool.take(0, 10)]).toEqual([[], []])
  expect(ids(pool.take(1e6, 10, { accepts: ({ id }) => id !== large.id }))).toEqual(ids([first, last]))
  expect(pool.stats().transactions).toBe(4)
  for (const wrong of [-1, 1.5, Number.NaN]) {
    expect(() => pool.take(wrong, 1)).toThrow(`maxBytes ${wrong} must be a whole number of 0 or more`)
    expect(() => pool.take(1, wrong)).toThrow(`maxCount ${wrong} must be a whole number of 0 or more`)
  }
})

it('looks no further once a thousand in a row were left out', async () => {
  const { pool } = await setUp()
  for (let i = 0; i < 1_001; i++)
    void pool.add(Buffer.from(JSON.stringify([`${i}`, 0, [], 0, 'normal', null, '', true])))
  await pool.whenIdle()
  const only = (sender: string): unknown[] => pool.take(1e6, 10, { accepts: (one) => one.sender === sender })
  expect([only('999').length, only('1000').length]).toEqual([1, 0])
})

it('takes out what a proposer found not to apply, with all that builds on it', async () => {
  const { pool, removed } = await setUp()
  const parent = await put(pool, { sender: 'ann', nonce: 0, makes: 1 })
  const byNonce = await put(pool, { sender: 'ann', nonce: 1 })
  const byKey = await put(pool, { sender: 'bob', spends: parent.makes, makes: 1 })
  const below = await put(pool, { sender: 'cem', spends: byKey.makes })
  const other = await put(pool, { spends: ['a'] })
  expect(pool.reject(parent.id, { code: 'not-conserved', message: '2 in, 3 out' })).toBe(true)
  expect(pool.reject(parent.id, { code: 'not-conserved', message: '2 in, 3 out' })).toBe(false)
  expect(ids(all(pool))).toEqual([other.id])
  expect(removed[0]).toMatchObject({ reason: 'rejected', message: 'not-conserved: 2 in, 3 out', wasWaiting: false })
  expect(new Map(reasons(removed))).toEqual(
    new Map([
      [parent.id, 'rejected'],
      [byNonce.id, 'parent-removed'],
      [byKey.id, 'parent-removed'],
      [below.id, 'parent-removed'],
    ]),
  )
  // It may come again: the proposer's state may have been another.
  expect(await offer(pool, { sender: 'ann', nonce: 0, makes: 1 })).toBe('added')
})

it('keeps a set in order, whatever is added and deleted', () => {
  const change = fc.record({ isAdded: fc.boolean(), value: fc.nat(40) })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
      const set = new OrderedSet<number>((a, b) => a - b)
      const model = new Set<number>()
      for (const { isAdded, value } of changes) {
        set[isAdded ? 'add' : 'delete'](value)
        model[isAdded ? 'add' : 'delete'](value)
        const sorted = [...model].toSorted((a, b) => a - b)
        expect([...set]).toEqual(sorted)
        expect([...set.backwards()]).toEqual(sorted.toReversed())
        expect([set.size, set.first, set.last]).toEqual([model.size, sorted[0], sorted.at(-1)])
      }
    }),
  )
})
