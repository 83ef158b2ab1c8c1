import { expect, it } from 'vitest'
import {
  addBlock,
  all,
  countSpends,
  encode,
  ids,
  madeBy,
  type ModelBody,
  ModelChain,
  type ModelTransaction,
  transaction,
} from './model-chain.ts'
import { makerOf, offer, put, reasons, setUp } from './support.ts'

it('takes out what a block has, and keeps what builds on it', async () => {
  const { chain, pool, removed } = await setUp()
  const parent = await put(pool, { sender: 'ann', nonce: 0, makes: 1 })
  const byNonce = await put(pool, { sender: 'ann', nonce: 1 })
  const byKey = await put(pool, { sender: 'bob', spends: parent.makes })
  addBlock(chain, pool, [parent])
  expect(reasons(removed)).toEqual([[parent.id, 'included']])
  expect(ids(all(pool))).toEqual(ids([byNonce, byKey]))
})

it('does not look at what the children of a block build on, where none of them waited in a lane not its own', async () => {
  const { chain, pool } = await setUp()
  const spends = countSpends(chain)
  const parents: ModelTransaction[] = []
  for (const key of ['a', 'b', 'c']) parents.push(await put(pool, { spends: [key], makes: 20 }))
  for (let i = 0; i < 20; i++) await put(pool, { spends: parents.map(({ id }) => `${id}:${i}`) })
  const order = ids(all(pool))
  spends.looks = 0
  addBlock(chain, pool, parents)
  // Of each of the parents, which go.
  expect(spends.looks).toBe(parents.length)
  chain.revert()
  spends.looks = 0
  pool.onRevert(parents)
  expect(spends.looks).toBeLessThan(10 * parents.length)
  expect(ids(all(pool))).toEqual(order)
})

it('takes out what a block conflicts with, and what builds on that', async () => {
  const { chain, pool, removed } = await setUp()
  const loser = await put(pool, { sender: 'ann', spends: ['a'], makes: 1 })
  const child = await put(pool, { sender: 'bob', spends: loser.makes, makes: 1 })
  const grandchild = await put(pool, { sender: 'cem', spends: child.makes })
  const other = await put(pool, { spends: ['b'] })
  const winner = transaction({ sender: 'dan', spends: ['a'] })
  addBlock(chain, pool, [winner])
  expect(reasons(removed)).toEqual([
    [loser.id, 'conflict'],
    [child.id, 'parent-removed'],
    [grandchild.id, 'parent-removed'],
  ])
  expect(removed[0]?.message).toBe(`a block applied ${winner.id}`)
  expect(ids(all(pool))).toEqual([other.id])
})

it('keeps what has the next number when a block has another transaction of the number before', async () => {
  const { chain, pool, removed } = await setUp()
  const loser = await put(pool, { sender: 'ann', nonce: 0, makes: 1, lane: 'bulk' })
  const next = await put(pool, { sender: 'ann', nonce: 1, lane: 'high' })
  const onBoth = await put(pool, { sender: 'ann', nonce: 2, spends: loser.makes })
  const other = await put(pool, { spends: ['a'] })
  expect(ids(all(pool))).toEqual(ids([other, loser, next, onBoth]))
  addBlock(chain, pool, [transaction({ sender: 'ann', nonce: 0 })])
  expect(reasons(removed)).toEqual([
    [loser.id, 'conflict'],
    [onBoth.id, 'parent-removed'],
  ])
  // It is as urgent as it says now.
  expect(ids(all(pool))).toEqual(ids([next, other]))
})

it('keeps what has the number after several that a block gave to others, whatever these build on', async () => {
  const { chain, pool, removed } = await setUp()
  const first = await put(pool, { sender: 'ann', nonce: 0, makes: 1, lane: 'bulk' })
  const second = await put(pool, { sender: 'ann', nonce: 1, spends: first.makes, lane: 'critical' })
  const third = await put(pool, { sender: 'ann', nonce: 2, lane: 'high' })
  addBlock(chain, pool, [transaction({ sender: 'ann', nonce: 0 }), transaction({ sender: 'ann', nonce: 1 })])
  expect(reasons(removed)).toEqual([
    [first.id, 'conflict'],
    [second.id, 'parent-removed'],
  ])
  expect(ids(all(pool))).toEqual([third.id])
})

it('takes out what makes a key that a block had another make', async () => {
  const { chain, pool, removed } = await setUp()
  const decode = chain.decode.bind(chain)
  Object.assign(chain, { decode: (bytes: Uint8Array) => ({ ...decode(bytes), makes: ['name'] }) })
  const one = await put(pool, { spends: ['a'] })
  addBlock(chain, pool, [{ ...transaction({ spends: ['b'] }), makes: ['name'] }])
  expect([reasons(removed), all(pool)]).toEqual([[[one.id, 'conflict']], []])
})

it('gives back what was reverted, before all others of its lane', async () => {
  const { chain, pool } = await setUp()
  const [first, second] = [await put(pool, { spends: ['a'], makes: 1 }), await put(pool, { sender: 'ann', nonce: 0 })]
  addBlock(chain, pool, [first])
  addBlock(chain, pool, [second])
  const child = await put(pool, { spends: first.makes })
  const high = await put(pool, { spends: ['b'], lane: 'high' })
  pool.onRevert(chain.revert())
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual(ids([high, first, second, child]))
  expect(await pool.add(first.bytes)).toMatchObject({ code: 'already-known' })
})

it('gives back what a block had that the pool never saw, and has what it held wait its turn behind that', async () => {
  const { chain, pool } = await setUp()
  const bulk = transaction({ spends: ['a'], makes: 1, lane: 'bulk' })
  addBlock(chain, pool, [bulk])
  const child = await put(pool, { spends: bulk.makes, lane: 'critical' })
  const other = await put(pool, { spends: ['b'] })
  expect(ids(all(pool))).toEqual(ids([child, other]))
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual(ids([other, bulk, child]))
})

it('evicts a reverted transaction that finds no room with all that builds on it, once all are back', async () => {
  const { chain, pool, removed } = await setUp({ maxTransactionsPerSender: 2 })
  const parent = transaction({ sender: 'ann', spends: ['a'], makes: 2, lane: 'bulk', padding: 'first' })
  const inBlock = transaction({ sender: 'bob', spends: parent.makes.slice(0, 1), makes: 1 })
  const below = transaction({ sender: 'cem', spends: inBlock.makes })
  addBlock(chain, pool, [parent, inBlock, below])
  const held = await put(pool, { sender: 'dan', spends: parent.makes.slice(1), makes: 1 })
  const belowHeld = await put(pool, { sender: 'eve', spends: held.makes })
  const urgent = [
    await put(pool, { sender: 'ann', spends: ['b'], lane: 'high' }),
    await put(pool, { sender: 'ann', spends: ['c'], lane: 'high' }),
  ]
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual(ids(urgent))
  expect(reasons(removed)).toEqual([
    [parent.id, 'sender-full'],
    [inBlock.id, 'parent-removed'],
    [held.id, 'parent-removed'],
    [below.id, 'parent-removed'],
    [belowHeld.id, 'parent-removed'],
  ])
  expect(removed[0]?.message).toMatch(/^3 transactions/)
})

it('does not keep what builds on one that was given back and finds no room', async () => {
  for (const isNumbered of [false, true]) {
    const { chain, pool, removed } = await setUp({ maxTransactions: 2 })
    const parent = transaction({ sender: 'ann', nonce: 0, makes: 1, lane: 'bulk' })
    const urgent = ['a', 'b'].map((key) => transaction({ spends: [key], lane: 'high' }))
    const child = isNumbered ? { sender: 'ann', nonce: 1 } : { spends: parent.makes }
    const below = transaction({ ...child, lane: 'critical' })
    addBlock(chain, pool, [parent, ...urgent, below])
    pool.onRevert(chain.revert())
    expect(ids(all(pool))).toEqual(ids(urgent))
    expect(reasons(removed)).toEqual([
      [below.id, 'pool-full'],
      [parent.id, 'pool-full'],
    ])
  }
})

it('keeps the next number where a reverted transaction finds its own number taken', async () => {
  const { chain, pool, removed } = await setUp()
  const one = transaction({ sender: 'ann', nonce: 0, makes: 1 })
  addBlock(chain, pool, [one])
  const next = await put(pool, { sender: 'ann', nonce: 1 })
  const onKey = await put(pool, { sender: 'bob', spends: one.makes })
  // The state has gone back, and another is faster than the news of it.
  const block = chain.revert()
  const rival = await put(pool, { sender: 'ann', nonce: 0 })
  const second = transaction({ sender: 'ann', nonce: 1, makes: 1 })
  expect(await offer(pool, { sender: 'ann', nonce: 1, makes: 1 })).toBe('conflict')
  pool.onRevert(block)
  expect(ids(all(pool))).toEqual(ids([rival, next].toSorted((a, b) => (a.nonce ?? 0) - (b.nonce ?? 0))))
  expect(reasons(removed)).toEqual([
    [one.id, 'refused'],
    [onKey.id, 'parent-removed'],
  ])
  chain.apply(all(pool))
  expect(second.nonce).toBe(1)
})

it('stays in an order that applies where what came before a reverted transaction is newer than it', async () => {
  const { chain, pool } = await setUp()
  const [first, second] = [transaction({ sender: 'ann', nonce: 0 }), transaction({ sender: 'ann', nonce: 1 })]
  addBlock(chain, pool, [first, second])
  const third = await put(pool, { sender: 'ann', nonce: 2 })
  const other = await put(pool, { sender: 'bob', nonce: 0 })
  const block = chain.revert()
  const rival = await put(pool, { sender: 'ann', nonce: 0, makes: 1 })
  pool.onRevert(block)
  expect(ids(all(pool))).toEqual(ids([other, rival, second, third]))
  chain.apply(all(pool))
})

it('gives back what waited', async () => {
  const { chain, pool } = await setUp({}, new ModelChain('a'))
  const one = transaction({ spends: ['a'], makes: 1 })
  chain.apply([one])
  // Nobody told the pool of the block, so it cannot know better.
  expect(await offer(pool, { spends: ['a'], makes: 1 })).toBe('waiting')
  const block = chain.revert()
  pool.onRevert(block)
  expect([ids(all(pool)), pool.stats().waiting, pool.stats().waitingBytes]).toEqual([[one.id], 0, 0])
})

it('gives back one that waited, and evicts it where there is no room', async () => {
  const { chain, pool, removed } = await setUp({ maxTransactions: 1 })
  const one = transaction({ spends: ['a'], makes: 1 })
  // Nobody tells the pool of the block.
  chain.apply([one])
  expect(await offer(pool, { spends: ['a'], makes: 1 })).toBe('waiting')
  const high = await put(pool, { spends: ['b'], lane: 'high' })
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual([high.id])
  expect(removed).toMatchObject([{ transaction: { id: one.id }, reason: 'pool-full', wasWaiting: false }])
})

it('takes what waited for a key that a reverted transaction had spent, and that did not come back', async () => {
  const { chain, pool } = await setUp({ maxTransactions: 1 })
  const one = transaction({ spends: ['a'], lane: 'bulk' })
  // Nobody tells the pool of the block.
  chain.apply([one])
  const rival = await put(pool, { spends: ['a'], lane: 'critical' })
  expect(pool.stats().waiting).toBe(1)
  await put(pool, { spends: ['b'], lane: 'high' })
  pool.onRevert(chain.revert())
  await pool.whenIdle()
  expect([ids(all(pool)), pool.stats().waiting]).toEqual([[rival.id], 0])
})

it('leaves alone, in a full pool, what both branches have and what it holds, and looks at limits last', async () => {
  const { chain, pool, removed } = await setUp({ maxTransactions: 3 }, new ModelChain('a', 'b', 'c', 'd', 'e', 'f'))
  const both = transaction({ spends: ['a'], makes: 1 })
  const [gone, rival] = [transaction({ spends: ['b'], padding: 'x' }), transaction({ spends: ['b'] })]
  addBlock(chain, pool, [both, gone])
  const child = await put(pool, { spends: both.makes })
  const held = [child, await put(pool, { spends: ['c'] }), await put(pool, { spends: ['d'] })]
  chain.revert()
  chain.apply([both])
  chain.apply([rival])
  pool.onSwitch([both, gone], [both, rival])
  expect(ids(all(pool))).toEqual(ids(held))
  expect(reasons(removed)).toEqual([[gone.id, 'conflict']])
  // And where the other branch does not have it, the last goes for what is given back.
  chain.revert()
  pool.onSwitch([rival], [])
  expect(reasons(removed).slice(1)).toEqual([[held[2]?.id, 'pool-full']])
  expect(await pool.add(both.bytes)).toMatchObject({ code: 'already-applied' })
})

const at = (number: number): ModelBody => ({ series: { name: 'meter', number } })

it('takes one of a series at a time, and gives back an earlier one before it, in whatever lane', async () => {
  const { chain, pool, removed } = await setUp()
  const first = await put(pool, { ...at(3), makes: 1, lane: 'bulk' })
  expect([await offer(pool, at(4)), await offer(pool, at(2))]).toEqual(['conflict', 'conflict'])
  addBlock(chain, pool, [first])
  const second = await put(pool, { ...at(7), lane: 'high' })
  const child = await put(pool, { spends: first.makes })
  const other = await put(pool, { spends: ['a'] })
  pool.onRevert(chain.revert())
  expect(ids(all(pool))).toEqual(ids([other, first, second, child]))
  addBlock(chain, pool, [transaction({ ...at(3), padding: 'another' })])
  expect(reasons(removed).slice(1)).toEqual([
    [first.id, 'conflict'],
    [child.id, 'parent-removed'],
  ])
  expect(ids(all(pool))).toEqual(ids([second, other]))
  addBlock(chain, pool, [transaction(at(8))])
  expect(ids(all(pool))).toEqual([other.id])
  expect(await offer(pool, at(8))).toBe('already-applied')
  expect(await offer(pool, { ...at(8), padding: 'late' })).toBe('series-over')
})

it('has what spends a key that a reverted transaction had made, and may not make again, wait for it', async () => {
  const { chain, pool, removed } = await setUp()
  const maker = makerOf('a')
  addBlock(chain, pool, [maker])
  const spender = transaction({ spends: madeBy(maker), makes: 1 })
  await pool.add(spender.bytes, { isLocal: true })
  const below = await put(pool, { spends: spender.makes })
  const inBlock = transaction({ sender: 'ann', nonce: 0 })
  addBlock(chain, pool, [inBlock])
  pool.onRevert([...chain.revert(), ...chain.revert()].toReversed())
  await pool.whenIdle()
  expect([ids(all(pool)), pool.stats().waiting, removed]).toEqual([ids([maker, inBlock]), 2, []])
  expect(ids(pool.local())).toEqual([spender.id])
  addBlock(chain, pool, [maker])
  await pool.whenIdle()
  expect(ids(all(pool))).toEqual(ids([inBlock, spender, below]))
})

it.each([
  { what: 'key', isAtOnce: false, isSwitch: false },
  { what: 'key', isAtOnce: true, isSwitch: true },
  { what: 'nonce', isAtOnce: false, isSwitch: false },
  { what: 'nonce', isAtOnce: true, isSwitch: true },
])('has what builds by $what on a reverted one that waits wait with it', async ({ what, isAtOnce, isSwitch }) => {
  const { chain, pool, removed } = await setUp()
  const maker = makerOf('a')
  const spender = transaction({ sender: 'ann', nonce: 0, spends: madeBy(maker), makes: 1 })
  for (const block of isAtOnce ? [[maker, spender]] : [[maker], [spender]]) addBlock(chain, pool, block)
  const child = await put(
    pool,
    what === 'key' ? { spends: spender.makes, makes: 1 } : { sender: 'ann', nonce: 1, makes: 1 },
  )
  const grandchild = await put(pool, { spends: child.makes })
  while (chain.blocks.length > 0) chain.revert()
  const other = transaction({ spends: ['b'] })
  if (isSwitch) chain.apply([other])
  pool.onSwitch([maker, spender], isSwitch ? [other] : [])
  await pool.whenIdle()
  expect([ids(all(pool)), pool.stats().waiting, removed]).toEqual([[maker.id], 3, []])
  addBlock(chain, pool, [maker])
  await pool.whenIdle()
  expect(ids(all(pool))).toEqual(ids([spender, child, grandchild]))
})

it('gives nothing back where one of the reverted cannot be read', async () => {
  const { chain, pool } = await setUp()
  const one = transaction({ spends: ['a'] })
  addBlock(chain, pool, [one])
  expect(() => pool.onRevert([one, { ...one, bytes: new Uint8Array(3) }])).toThrow(SyntaxError)
  expect(await pool.add(one.bytes)).toMatchObject({ code: 'already-applied' })
})

it('lets a listener call it', async () => {
  const { chain, pool } = await setUp()
  const seen: string[][] = []
  pool.addEventListener('transaction:added', ({ detail: { transaction: one } }) => {
    seen.push(ids(all(pool)))
    if (one.makes.length > 0) addBlock(chain, pool, [one])
  })
  const [first, second] = [{ spends: ['a'], makes: 1 }, { spends: ['b'] }]
  await Promise.all([pool.add(encode(first)), pool.add(encode(second))])
  const [one, two] = [transaction(first).id, transaction(second).id]
  expect([seen, ids(all(pool))]).toEqual([[[one], [two]], [two]])
})

it('tells what a listener brought about after all that had happened before', async () => {
  const { pool } = await setUp({ maxTransactions: 1 })
  const bulk = await put(pool, { spends: ['a'], lane: 'bulk' })
  const high = transaction({ spends: ['b'], lane: 'high' })
  const told: string[] = []
  pool.addEventListener('transaction:added', ({ detail }) => void told.push(`${detail.transaction.id} added`))
  pool.addEventListener('transaction:removed', ({ detail: { transaction: one, reason } }) => {
    told.push(`${one.id} ${reason}`)
    pool.reject(high.id, { code: 'no', message: 'not today' })
  })
  await pool.add(high.bytes)
  expect(told).toEqual([`${bulk.id} pool-full`, `${high.id} added`, `${high.id} rejected`])
  expect(all(pool)).toEqual([])
})
