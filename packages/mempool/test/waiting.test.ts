import { expect, it, vi } from 'vitest'
import { addBlock, all, encode, ids, ModelChain, transaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'
import { offer, put, reasons, setUp } from './support.ts'

it('tells what a transaction waits for, and takes it once that comes, by key or by nonce', async () => {
  const { pool } = await setUp()
  const missing: unknown[] = []
  pool.addEventListener('transaction:waiting', ({ detail }) => void missing.push(detail.missing.code))
  const parent = transaction({ sender: 'ann', nonce: 0, makes: 1 })
  const byKey = await put(pool, { sender: 'bob', spends: parent.makes })
  const byNonce = await put(pool, { sender: 'ann', nonce: 1 })
  expect(missing).toEqual(['unknown-input', 'nonce-gap'])
  expect([pool.stats().waiting, all(pool), pool.has(byKey.id), pool.get(byNonce.id)?.id]).toEqual([
    2,
    [],
    true,
    byNonce.id,
  ])
  await pool.add(parent.bytes)
  await pool.whenIdle()
  expect(new Set(ids(all(pool)))).toEqual(new Set(ids([parent, byKey, byNonce])))
  expect(all(pool)[0]?.id).toBe(parent.id)
  expect(pool.stats()).toMatchObject({ waiting: 0, waitingBytes: 0, added: 3 })
})

it('looks at one that waits for much once it has come, and not with each part of it', async () => {
  const { chain, pool } = await setUp({}, new ModelChain(...Array.from({ length: 30 }, (_, i) => `${i}`)))
  const parents = Array.from({ length: 30 }, (_, i) => transaction({ spends: [`${i}`], makes: 10 }))
  const children = await Promise.all(
    Array.from({ length: 10 }, (_, i) => put(pool, { spends: parents.map(({ id }) => `${id}:${i}`) })),
  )
  const looked: string[] = []
  const look = chain.look.bind(chain)
  vi.spyOn(chain, 'look').mockImplementation(async (candidates) => {
    looked.push(...candidates.map(({ transaction: { id } }) => id))
    return look(candidates)
  })
  // Half of them come by a block.
  for (const parent of parents.slice(0, 15)) expect((await pool.add(parent.bytes)).status).toBe('added')
  addBlock(chain, pool, parents.slice(0, 20))
  for (const parent of parents.slice(20)) expect((await pool.add(parent.bytes)).status).toBe('added')
  await pool.whenIdle()
  expect(pool.stats().waiting).toBe(0)
  expect(looked.filter((id) => children.some((child) => child.id === id))).toEqual(ids(children))
})

it('waits for what went again before the rest had come', async () => {
  const { chain, pool } = await setUp()
  const [one, other] = [transaction({ spends: ['a'], makes: 1 }), transaction({ spends: ['b'], makes: 1 })]
  const child = await put(pool, { spends: [...one.makes, ...other.makes] })
  await pool.add(one.bytes)
  pool.reject(one.id, { code: 'no', message: 'not today' })
  await pool.add(other.bytes)
  await pool.whenIdle()
  expect([pool.stats().waiting, ids(all(pool))]).toEqual([1, [other.id]])
  addBlock(chain, pool, [one])
  await pool.whenIdle()
  expect(ids(all(pool))).toEqual(ids([other, child]))
})

it('takes a whole line that came in reverse once its first is there', async () => {
  const { pool } = await setUp()
  for (let nonce = 60; nonce > 0; nonce--) expect(await offer(pool, { sender: 'ann', nonce })).toBe('waiting')
  expect(await offer(pool, { sender: 'ann', nonce: 0 })).toBe('added')
  expect(all(pool).map(({ nonce }) => nonce)).toEqual(Array.from({ length: 61 }, (_, i) => i))
})

it('takes what waited for a transaction that only a block had', async () => {
  const { chain, pool } = await setUp()
  const parent = transaction({ sender: 'ann', nonce: 0, spends: ['a'], makes: 1 })
  const byKey = await put(pool, { sender: 'bob', spends: parent.makes })
  const byNonce = await put(pool, { sender: 'ann', nonce: 1 })
  addBlock(chain, pool, [parent])
  await pool.whenIdle()
  expect(new Set(ids(all(pool)))).toEqual(new Set(ids([byKey, byNonce])))
})

it('keeps nobody from spending what one that waits would spend, and refuses that in its turn', async () => {
  const { pool, removed } = await setUp()
  const waiting = await put(pool, { sender: 'ann', spends: ['a'], nonce: 1 })
  const spender = await put(pool, { sender: 'bob', spends: ['a'] })
  const before = await put(pool, { sender: 'ann', nonce: 0 })
  expect(ids(all(pool))).toEqual(ids([spender, before]))
  expect(removed).toMatchObject([{ transaction: { id: waiting.id }, reason: 'refused', wasWaiting: true }])
  expect(removed[0]?.message).toMatch(/^conflict: a is spent by/)
})

it('drops one that waits when a block has it, has its number, or spends what it would', async () => {
  const { chain, pool, removed } = await setUp({}, new ModelChain('a', 'b'))
  const parent = transaction({ spends: ['b'], makes: 1 })
  const itself = await put(pool, { sender: 'ann', spends: parent.makes })
  const numbered = await put(pool, { sender: 'bob', nonce: 1 })
  const spender = await put(pool, { sender: 'cem', nonce: 4, spends: ['a'] })
  const other = await put(pool, { sender: 'dan', nonce: 4 })
  addBlock(chain, pool, [
    parent,
    itself,
    transaction({ sender: 'bob', nonce: 0 }),
    transaction({ sender: 'bob', nonce: 1, makes: 1 }),
    transaction({ sender: 'eve', spends: ['a'] }),
  ])
  await pool.whenIdle()
  expect(reasons(removed)).toEqual([
    [itself.id, 'included'],
    [numbered.id, 'conflict'],
    [spender.id, 'conflict'],
  ])
  expect([pool.stats().waiting, pool.has(other.id)]).toEqual([1, true])
})

it('looks again, at the latest a second later, where the chain gave no answer for one that had waited', async () => {
  vi.useFakeTimers({ toFake: ['performance', 'Date', 'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  try {
    const { chain, pool } = await setUp()
    const child = await put(pool, { sender: 'ann', nonce: 1 })
    const look = vi.spyOn(chain, 'look').mockImplementation((candidates) => {
      if (candidates.some(({ transaction: { nonce } }) => nonce === 1)) throw new RangeError('closed')
      return candidates.map((candidate) => chain.factsOf(candidate)) as never
    })
    const parent = await put(pool, { sender: 'ann', nonce: 0 })
    expect([ids(all(pool)), pool.stats().waiting]).toEqual([[parent.id], 1])
    look.mockRestore()
    vi.advanceTimersByTime(1_000)
    await pool.whenIdle()
    expect(ids(all(pool))).toEqual(ids([parent, child]))
  } finally {
    vi.useRealTimers()
  }
})

it('does not take one twice that a revert brought back while it was looked at', async () => {
  const { chain, pool, removed } = await setUp()
  const parent = transaction({ spends: ['a'], makes: 1 })
  const child = transaction({ spends: parent.makes })
  chain.apply([parent, child])
  // Nobody told the pool of the block.
  await pool.add(child.bytes)
  await pool.whenIdle()
  expect(pool.stats().waiting).toBe(1)
  const held = Promise.withResolvers<void>()
  const look = chain.look.bind(chain)
  vi.spyOn(chain, 'look').mockImplementationOnce(async (candidates) => {
    const facts = await look(candidates)
    await held.promise
    return facts
  })
  pool.onBlock([parent])
  await new Promise((resolve) => setImmediate(resolve))
  chain.revert()
  pool.onRevert([parent, child])
  held.resolve()
  await pool.whenIdle()
  expect([ids(all(pool)), removed]).toEqual([ids([parent, child]), []])
  expect(pool.stats()).toMatchObject({ transactions: 2, waiting: 0, waitingBytes: 0, bytes: parent.size + child.size })
  expect(await pool.add(encode({ spends: ['b'] }))).toMatchObject({ status: 'added' })
})

it('takes one of a series that had waited before a later one that came meanwhile, also over a restart', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({}, new ModelChain('b'), log)
  const early = await put(pool, { spends: ['a'], series: { name: 'meter', number: 1 } })
  const late = await put(pool, { spends: ['b'], series: { name: 'meter', number: 2 } })
  expect([ids(all(pool)), pool.stats().waiting]).toEqual([[late.id], 1])
  await pool.stop()
  const next = await setUp({}, chain, log)
  expect([ids(all(next.pool)), next.pool.stats().waiting]).toEqual([[late.id], 1])
  chain.owners.set('a', undefined)
  next.pool.onBlock([{ ...transaction({ makes: 1 }), makes: ['a'] }])
  await next.pool.whenIdle()
  expect(ids(all(next.pool))).toEqual(ids([early, late]))
})

it('is not the end, at a restart, of what builds on one that is in the chain and waits once more', async () => {
  const log = new ModelLog()
  const chain = new ModelChain('a')
  const first = transaction({ spends: ['a'], makes: 1 })
  chain.apply([first])
  const { pool } = await setUp({}, chain, log)
  // A late copy: this pool did not see the block that has it.
  expect(await offer(pool, { spends: ['a'], makes: 1 })).toBe('waiting')
  const second = await put(pool, { spends: first.makes, makes: 1 })
  const third = await put(pool, { spends: second.makes })
  await pool.stop()
  const next = await setUp({}, chain, log)
  expect([ids(all(next.pool)), next.pool.stats().waiting]).toEqual([ids([second, third]), 1])
})
