import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { OrderedSet } from '../src/ordered-set.ts'
import { addBlock, all, countSpends, encode, ids } from './model-chain.ts'
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

it('looks no further once a thousand in a row did not fit', async () => {
  const { pool } = await setUp()
  const small = encode({ sender: 'small', nonce: 0, lane: 'bulk' })
  for (let i = 0; i < 1_000; i++) void pool.add(encode({ sender: `${i}`, nonce: 0, padding: 'x'.repeat(100) }))
  void pool.add(small)
  await pool.whenIdle()
  const maxBytes = small.byteLength
  const notFirst = { accepts: ({ sender }: { sender: string }) => sender !== '0' }
  expect([pool.take(maxBytes, 10).length, pool.take(maxBytes, 10, notFirst).length]).toEqual([0, 1])
})

it('passes over what may not be in a block, and what builds on that, however many they are and at a question each', async () => {
  const { chain, pool } = await setUp()
  const spends = countSpends(chain)
  for (let i = 0; i < 1_100; i++) void pool.add(encode({ sender: `${i}`, nonce: 0, lane: 'high' }))
  for (let nonce = 0; nonce < 1_100; nonce++) void pool.add(encode({ sender: 'ann', nonce, lane: 'high' }))
  const [bob, cem] = [await put(pool, { sender: 'bob', nonce: 0 }), await put(pool, { sender: 'cem', nonce: 0 })]
  const asked: string[] = []
  const taken: string[] = []
  spends.looks = 0
  const block = pool.take(1e6, 10, {
    // All but the first of Ann's may be in it.
    accepts({ id, sender, lane, nonce }) {
      asked.push(id)
      return lane === 'normal' || (sender === 'ann' && nonce !== 0)
    },
    onTaken: ({ id }) => void taken.push(id),
  })
  expect([ids(block), taken]).toEqual([ids([bob, cem]), ids([bob, cem])])
  expect(asked).toEqual(ids(pool.transactions()))
  // Whom they build on is only looked for where they may be in it.
  expect(spends.looks).toBe(1_099 + 2)
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
