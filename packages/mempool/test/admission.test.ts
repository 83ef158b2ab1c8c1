import { expect, it, vi } from 'vitest'
import { Mempool, type MempoolInit } from '../src/index.ts'
import { addBlock, all, encode, type ModelBody, ModelChain, type ModelTransaction, transaction } from './model-chain.ts'
import { offer, put, setUp } from './support.ts'

const result = async (init: MempoolInit, body: ModelBody, before: ModelBody[] = []): Promise<unknown> => {
  const { pool } = await setUp(init)
  for (const one of before) await put(pool, one)
  return pool.add(encode(body))
}
const refused = (code: string, ...parts: string[]): unknown => ({
  status: 'refused',
  code,
  message: expect.stringMatching(new RegExp(parts.join('.*'))),
})

it('says by code and in words why it refuses', async () => {
  const long = { spends: ['a'], padding: 'x'.repeat(100) }
  const size = encode(long).byteLength
  expect(await result({ maxTransactionBytes: size - 1 }, long)).toEqual(
    refused('too-large', `${size} bytes`, `maxTransactionBytes is ${size - 1}`),
  )
  expect(await result({ maxTransactionBytes: size }, long)).toEqual({ status: 'added', id: transaction(long).id })
  expect(await result({}, { spends: ['a'], isSigned: false })).toEqual(refused('invalid-signature', 'nobody'))
  expect(await result({}, { spends: ['a'] }, [{ spends: ['a'] }])).toEqual(refused('already-known', 'in the pool'))
  expect(await result({}, { spends: ['z'] }, [{ spends: ['z'] }])).toEqual(refused('already-known', 'waits'))
  expect(await result({}, { spends: ['a'], makes: 1 }, [{ spends: ['a'] }])).toEqual(
    refused('conflict', 'a is spent by', 'came first'),
  )
  expect(await result({}, { nonce: 0, makes: 1 }, [{ nonce: 0 }])).toEqual(refused('conflict', 'nonce 0 of nobody'))
  expect(await result({ maxWaiting: 0 }, { spends: ['z'] })).toEqual(refused('unknown-input', 'z is neither'))
  expect(await result({ maxWaiting: 0 }, { nonce: 3 })).toEqual(refused('nonce-gap', 'nonce 3', '0 is next'))
  const one: ModelBody = { spends: ['a'] }
  const two: ModelBody = { spends: ['b'] }
  const bytes = encode(one).byteLength
  expect(await result({ maxTransactions: 1 }, two, [one])).toEqual(
    refused('pool-full', '2 transactions', 'maxTransactions is 1'),
  )
  expect(await result({ maxBytes: 2 * bytes - 1 }, two, [one])).toEqual(
    refused('pool-full', `${2 * bytes} bytes`, `maxBytes is ${2 * bytes - 1}`),
  )
  expect(await result({ maxTransactionsPerSender: 1 }, two, [one])).toEqual(
    refused('sender-full', '2 transactions', 'maxTransactionsPerSender is 1'),
  )
  expect(await result({ maxBytesPerSender: 2 * bytes - 1 }, two, [one])).toEqual(
    refused('sender-full', `${2 * bytes} bytes`, `maxBytesPerSender is ${2 * bytes - 1}`),
  )
})

it('refuses what the chain says cannot apply, with the code of the chain', async () => {
  const { pool } = await setUp()
  const parent = await put(pool, { spends: ['a'], makes: 1, owner: 'ann' })
  expect(await offer(pool, { sender: 'bob', spends: parent.makes })).toBe('not-owner')
  expect(await offer(pool, { sender: 'ann', spends: parent.makes })).toBe('added')
})

it('refuses what a block has, a number that is over, and a key that a block spent', async () => {
  const { chain, pool } = await setUp()
  const one = await put(pool, { sender: 'ann', nonce: 0, spends: ['a'] })
  addBlock(chain, pool, [one])
  expect(await pool.add(one.bytes)).toMatchObject({ code: 'already-applied' })
  expect(await offer(pool, { sender: 'ann', nonce: 0 })).toBe('stale-nonce')
  expect(await offer(pool, { spends: ['a'] })).toBe('spent-input')
})

it('refuses a key of which the chain itself says that it is spent', async () => {
  const chain = new ModelChain()
  chain.look = (candidates) => Promise.resolve(candidates.map(() => ({ keys: ['spent'] })))
  const { pool } = await setUp({}, chain)
  expect(await offer(pool, { spends: ['a'] })).toBe('spent-input')
})

it('checks no signature where a cheaper check refuses, and asks for no state where the signature does not hold', async () => {
  const { chain, pool } = await setUp({ maxTransactionBytes: 100, maxTransactions: 1 })
  const look = vi.spyOn(chain, 'look')
  Object.assign(chain, {
    screen: ({ sender }: ModelTransaction) => (sender === 'eve' ? { code: 'no-fee', message: 'none' } : undefined),
  })
  const one = await put(pool, { spends: ['a'] })
  expect([chain.batches, look.mock.calls.length]).toEqual([[1], 1])
  expect(await offer(pool, { padding: 'x'.repeat(100) })).toBe('too-large')
  expect(await pool.add(new Uint8Array(9))).toMatchObject({
    code: 'malformed',
    message: expect.stringContaining('JSON'),
  })
  expect(await pool.add(one.bytes)).toMatchObject({ code: 'already-known' })
  expect(await offer(pool, { sender: 'eve', spends: ['b'] })).toBe('no-fee')
  expect(await offer(pool, { spends: ['a'], makes: 1 })).toBe('conflict')
  expect(await offer(pool, { spends: ['b'] })).toBe('pool-full')
  expect([chain.batches, look.mock.calls.length]).toEqual([[1], 1])
  expect(await offer(pool, { spends: ['b'], lane: 'high', isSigned: false })).toBe('invalid-signature')
  expect([chain.batches, look.mock.calls.length]).toEqual([[1, 1], 1])
})

it('refuses a lane, a size and a nonce that there are not, and one that spends what it makes', async () => {
  const chain = new ModelChain('a')
  const decode = chain.decode.bind(chain)
  const { pool } = await setUp({}, chain)
  const bytes = encode({ spends: ['a'] })
  const wrong: [Record<string, unknown>, string, string][] = [
    [{ lane: 'express' }, 'malformed', 'express is no lane'],
    [{ size: 0 }, 'malformed', 'size 0 is no whole number of 1 or more'],
    [{ size: Number.NaN }, 'malformed', 'size NaN is no whole number of 1 or more'],
    [{ size: bytes.byteLength - 1 }, 'malformed', `size ${bytes.byteLength - 1} of ${bytes.byteLength} bytes`],
    [{ nonce: -1 }, 'malformed', 'nonce -1 is no whole number of 0 or more'],
    [{ nonce: 1.5 }, 'malformed', 'nonce 1.5 is no whole number of 0 or more'],
    [{ makes: ['a'] }, 'conflict', 'a is made where it is there, and about to be spent'],
  ]
  for (const [part, code, message] of wrong) {
    Object.assign(chain, { decode: () => ({ ...decode(bytes), ...part }) })
    expect(await pool.add(bytes)).toEqual({ status: 'refused', code, message })
  }
})

it('refuses to make what is there and is spent by another: the two could build on each other', async () => {
  const { chain, pool } = await setUp()
  await put(pool, { spends: ['a'], makes: 1 })
  const decode = chain.decode.bind(chain)
  Object.assign(chain, { decode: (bytes: Uint8Array) => ({ ...decode(bytes), makes: ['a'] }) })
  expect(await offer(pool, { spends: ['b'] })).toBe('conflict')
})

it('gathers what comes while a batch is checked, in batches of batchSize and concurrency at once', async () => {
  const { chain, pool } = await setUp({ batchSize: 3, concurrency: 2 })
  const gates: (() => void)[] = []
  const sizes: number[] = []
  chain.verify = (transactions) =>
    new Promise((resolve) => {
      sizes.push(transactions.length)
      gates.push(() => resolve(transactions.map(() => true)))
    })
  const offers = Array.from({ length: 10 }, (_, i) => pool.add(encode({ sender: `${i}`, nonce: 0 })))
  await Promise.resolve()
  expect(sizes).toEqual([3, 3])
  // The second answers first, and waits for its turn.
  gates[1]?.()
  await settled()
  expect([sizes.length, pool.stats().transactions]).toEqual([2, 0])
  gates[0]?.()
  await settled()
  expect(sizes).toEqual([3, 3, 3, 1])
  for (const open of gates) open()
  await Promise.all(offers)
  expect(all(pool).map(({ sender }) => sender)).toEqual(Array.from({ length: 10 }, (_, i) => `${i}`))
})

it('refuses the newest of the lane with most beyond maxPending or maxPendingBytes, however urgent', async () => {
  const size = encode(inLane('x', 'high')).byteLength
  for (const init of [{ maxPending: 3 }, { maxPendingBytes: 3 * size + 2 }]) {
    const { pool } = await setUp({ ...init, batchSize: 1, concurrency: 1 })
    const codes: string[] = []
    const add = async (sender: string, lane: ModelBody['lane']): Promise<void> => {
      const outcome = await pool.add(encode(inLane(sender, lane)))
      codes.push(`${sender} ${outcome.status === 'refused' ? outcome.code : outcome.status}`)
    }
    const lanes = ['high', 'high', 'high', 'bulk', 'high'] as const
    const offers = lanes.map((lane, i) => add(`${i + 1}`, lane))
    expect(pool.stats().pending).toBe(3)
    await Promise.all(offers)
    expect(codes.toSorted()).toEqual(['1 added', '2 added', '3 busy', '4 added', '5 busy'])
    expect(pool.stats()).toMatchObject({ pending: 0, pendingBytes: 0, refused: { busy: 2 } })
  }
})

it('takes what came in one lane, however many are forged in a more urgent one after it', async () => {
  const { pool } = await setUp({ maxPending: 40, batchSize: 4, concurrency: 1 })
  const honest = Array.from({ length: 10 }, (_, i) => pool.add(encode(inLane(`${i}`, 'normal'))))
  const forged = Array.from({ length: 100 }, (_, i) =>
    pool.add(encode({ sender: 'authority', nonce: i, lane: 'critical', isSigned: false })),
  )
  const late = pool.add(encode(inLane('late', 'bulk')))
  expect(await Promise.all([...honest, late])).toMatchObject(Array.from({ length: 11 }, () => ({ status: 'added' })))
  const codes = (await Promise.all(forged)).map((outcome) => 'code' in outcome && outcome.code)
  expect(new Set(codes)).toEqual(new Set(['invalid-signature', 'busy']))
})

it('refuses nobody for one that finds no room all the same', async () => {
  const { pool } = await setUp({ maxPendingBytes: 400, batchSize: 1, concurrency: 1 })
  const offers = ['1', '2', '3'].map((sender) => pool.add(encode(inLane(sender, 'bulk'))))
  const urgent = pool.add(encode({ ...inLane('4', 'critical'), padding: 'x'.repeat(400) }))
  expect(await urgent).toMatchObject({ code: 'busy', message: expect.stringMatching(/ maxPendingBytes is 400$/) })
  expect(await Promise.all(offers)).toMatchObject(Array.from({ length: 3 }, () => ({ status: 'added' })))
  expect(all(pool).map(({ sender }) => sender)).toEqual(['1', '2', '3'])
  expect(pool.stats()).toMatchObject({ pending: 0, pendingBytes: 0 })
})

it('takes other bytes of an id that is being checked, and not the same bytes twice', async () => {
  const chain = new ModelChain('a')
  const decode = chain.decode.bind(chain)
  Object.assign(chain, { decode: (bytes: Uint8Array) => ({ ...decode(bytes), id: 'same' }) })
  const { pool } = await setUp({}, chain)
  const forged = encode({ spends: ['a'], isSigned: false })
  const outcomes = await Promise.all([pool.add(forged), pool.add(forged), pool.add(encode({ spends: ['a'] }))])
  expect(outcomes).toMatchObject([{ code: 'invalid-signature' }, { code: 'already-known' }, { status: 'added' }])
})

it('goes on refusing the same bytes while they are checked, when others of their id were refused', async () => {
  const chain = new ModelChain('a')
  const decode = chain.decode.bind(chain)
  Object.assign(chain, { decode: (bytes: Uint8Array) => ({ ...decode(bytes), id: 'same' }) })
  const held = Promise.withResolvers<boolean[]>()
  vi.spyOn(chain, 'verify').mockResolvedValueOnce([false]).mockReturnValueOnce(held.promise)
  const { pool } = await setUp({ batchSize: 1 }, chain)
  const forged = pool.add(encode({ spends: ['a'], isSigned: false }))
  const offered = pool.add(encode({ spends: ['a'] }))
  expect(await forged).toMatchObject({ code: 'invalid-signature' })
  expect(await pool.add(encode({ spends: ['a'] }))).toMatchObject({ message: 'same is being checked' })
  held.resolve([true])
  expect(await offered).toMatchObject({ status: 'added' })
})

it('does not admit what its caller gave up, and frees its place', async () => {
  const { pool } = await setUp()
  const controller = new AbortController()
  const offered = pool.add(encode({ spends: ['a'] }), controller)
  controller.abort(new RangeError('enough'))
  await expect(offered).rejects.toThrow('enough')
  await expect(pool.add(encode({ spends: ['a'] }), controller)).rejects.toThrow('enough')
  await pool.whenIdle()
  expect(pool.stats()).toMatchObject({ transactions: 0, pending: 0, pendingBytes: 0 })
  expect(await offer(pool, { spends: ['a'] })).toBe('added')
})

it('keeps a copy of what it was given', async () => {
  const { pool } = await setUp()
  const bytes = encode({ spends: ['a'] })
  const { id } = transaction({ spends: ['a'] })
  await pool.add(bytes)
  bytes.fill(0)
  expect(Buffer.from(pool.get(id)?.bytes ?? [])).toEqual(encode({ spends: ['a'] }))
})

it('throws a RangeError that names the option, the value and the range', () => {
  const chain = new ModelChain()
  const wrong: [MempoolInit, RegExp][] = [
    [{ maxTransactions: 0 }, /maxTransactions 0 must be a whole number of 1 or more/],
    [{ maxBytes: 1.5 }, /maxBytes 1.5 /],
    [{ maxTransactionBytes: Number.NaN }, /maxTransactionBytes NaN /],
    [{ maxTransactionsPerSender: -1 }, /maxTransactionsPerSender -1 /],
    [{ maxBytesPerSender: 0 }, /maxBytesPerSender 0 /],
    [{ maxWaiting: -1 }, /maxWaiting -1 must be a whole number of 0 or more/],
    [{ maxWaitingBytes: Infinity }, /maxWaitingBytes Infinity /],
    [{ maxWaitingPerSender: -1 }, /maxWaitingPerSender -1 /],
    [{ maxPending: 0 }, /maxPending 0 /],
    [{ maxPendingBytes: 0 }, /maxPendingBytes 0 /],
    [{ maxRemembered: -1 }, /maxRemembered -1 /],
    [{ batchSize: 0 }, /batchSize 0 /],
    [{ concurrency: 0 }, /concurrency 0 /],
    [{ maxAgeMs: 0 }, /maxAgeMs 0 must be above 0/],
    [{ maxWaitingMs: Number.NaN }, /maxWaitingMs NaN /],
    [{ deadlineMs: 2 ** 31 }, /deadlineMs 2147483648 must be above 0 and at most 2147483647 ms/],
  ]
  for (const [init, message] of wrong) {
    expect(() => new Mempool({ chain }, init)).toThrow(RangeError)
    expect(() => new Mempool({ chain }, init)).toThrow(message)
  }
})

const inLane = (sender: string, lane: ModelBody['lane']): ModelBody => ({ sender, nonce: 0, lane })

/** Long enough for what needs no time to be done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
