import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import { ask } from '../src/ask.ts'
import type { StateFacts } from '../src/index.ts'
import { addBlock, all, encode, ids, type ModelTransaction, transaction } from './model-chain.ts'
import { offer, put, setUp } from './support.ts'

it('names what a chain does not answer, or answers wrongly, and goes on', async () => {
  const { chain, pool } = await setUp({ deadlineMs: 30 })
  const verify = vi.spyOn(chain, 'verify')
  const look = vi.spyOn(chain, 'look')
  verify.mockImplementationOnce(() => Promise.reject(new RangeError('no workers')))
  expect(await pool.add(encode({ spends: ['a'] }))).toMatchObject({ code: 'chain-failed', message: /no workers/ })
  let signal: AbortSignal | undefined
  look.mockImplementationOnce((...[, call]: unknown[]) => {
    ;({ signal } = call as { signal: AbortSignal })
    return new Promise(() => {})
  })
  expect(await offer(pool, { spends: ['a'] })).toBe('chain-failed')
  expect(signal?.aborted).toBe(true)
  const nothing = [[], [{}], [null], undefined]
  for (const answer of [...nothing, [{ keys: [] }], [{ keys: ['unspent'], nextNonce: Number.NaN }]]) {
    look.mockImplementationOnce(() => Promise.resolve(answer as StateFacts[]))
    expect(await offer(pool, { nonce: 0, spends: ['a'] })).toBe('chain-failed')
  }
  Object.assign(chain, {
    screen: ({ sender }: ModelTransaction) => {
      if (sender === 'eve') throw new RangeError('no fees known')
    },
  })
  expect(await pool.add(encode({ sender: 'eve', nonce: 0 }))).toMatchObject({
    code: 'chain-failed',
    message: 'screen failed: no fees known',
  })
  for (const answer of [[], [true, true], undefined, {}]) {
    verify.mockImplementationOnce(() => Promise.resolve(answer as boolean[]))
    expect(await pool.add(encode({ spends: ['a'] }))).toMatchObject({
      code: 'chain-failed',
      message: 'verify did not give 1 answers for as many',
    })
  }
  expect(await offer(pool, { spends: ['a'] })).toBe('added')
})

it('answers, and goes on, where a chain throws what has no text', async () => {
  const { chain, pool } = await setUp()
  const thrown: unknown = Object.create(null)
  vi.spyOn(chain, 'verify').mockImplementationOnce(() => Promise.reject(thrown))
  expect(await pool.add(encode({ spends: ['a'] }))).toMatchObject({
    code: 'chain-failed',
    message: 'verify failed: a thrown object',
  })
  expect(await offer(pool, { spends: ['a'] })).toBe('added')
})

it('leaves neither a timer nor a listener behind, whatever comes of a question', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const { signal } = new AbortController()
    const late = ask('it', () => new Promise<number>(() => {}), 10, signal)
    vi.advanceTimersByTime(10)
    expect([await ask('it', () => 7, 10, signal), await late]).toEqual([
      { ok: true, value: 7 },
      { ok: false, message: 'it did not answer within 10 ms' },
    ])
    expect([vi.getTimerCount(), getEventListeners(signal, 'abort').length]).toEqual([0, 0])
  } finally {
    vi.useRealTimers()
  }
})

it('looks anew when the tip moved meanwhile', async () => {
  const { chain, pool } = await setUp()
  const held = Promise.withResolvers<void>()
  const look = chain.look.bind(chain)
  const calls = vi.spyOn(chain, 'look').mockImplementationOnce(async (candidates) => {
    const facts = await look(candidates)
    await held.promise
    return facts
  })
  const offered = pool.add(encode({ sender: 'ann', spends: ['a'] }))
  await settled()
  addBlock(chain, pool, [transaction({ sender: 'bob', spends: ['a'] })])
  held.resolve()
  expect(await offered).toMatchObject({ code: 'spent-input' })
  expect(calls).toHaveBeenCalledTimes(2)
})

it('gives up as busy when the tip moves under eight looks in a row', async () => {
  const { chain, pool } = await setUp()
  const look = chain.look.bind(chain)
  const calls = vi.spyOn(chain, 'look').mockImplementation(async (candidates) => {
    pool.onBlock([])
    return look(candidates)
  })
  expect(await offer(pool, { spends: ['a'] })).toBe('busy')
  expect(calls).toHaveBeenCalledTimes(8)
})

it('judges a chain of transactions that come at once by one look', async () => {
  const { chain, pool } = await setUp()
  const look = vi.spyOn(chain, 'look')
  const family = [transaction({ spends: ['a'], makes: 1 })]
  for (let i = 1; i < 50; i++) family.push(transaction({ spends: family[i - 1]?.makes ?? [], makes: 1 }))
  await Promise.all(family.map(({ bytes }) => pool.add(bytes)))
  expect(ids(all(pool))).toEqual(ids(family))
  expect(look).toHaveBeenCalledTimes(1)
})

it('judges a family whose first is refused by one look', async () => {
  const { chain, pool } = await setUp()
  const owned = await put(pool, { spends: ['a'], makes: 1, owner: 'ann' })
  const look = vi.spyOn(chain, 'look')
  const family = [transaction({ sender: 'bob', spends: owned.makes, makes: 1 })]
  for (let i = 1; i < 50; i++) family.push(transaction({ spends: family[i - 1]?.makes ?? [], makes: 1 }))
  const [first, ...others] = await Promise.all(family.map(({ bytes }) => pool.add(bytes)))
  expect(first).toMatchObject({ code: 'not-owner' })
  expect(new Set(others.map(({ status }) => status))).toEqual(new Set(['waiting']))
  expect(look).toHaveBeenCalledTimes(1)
})

it('looks anew where the parent came, by another way, while it was looked at', async () => {
  const other = await setUp()
  const parent = await put(other.pool, { spends: ['a'], makes: 1, owner: 'ann' })
  const { chain, pool } = await setUp()
  const held = Promise.withResolvers<void>()
  const look = chain.look.bind(chain)
  const calls = vi.spyOn(chain, 'look').mockImplementationOnce(async (candidates) => {
    const facts = await look(candidates)
    await held.promise
    return facts
  })
  const offered = pool.add(encode({ sender: 'bob', spends: parent.makes }))
  await settled()
  expect(await pool.restore(other.pool.snapshot())).toMatchObject({ added: 1 })
  held.resolve()
  expect(await offered).toMatchObject({ code: 'not-owner' })
  expect(calls).toHaveBeenCalledTimes(3)
})

/** Long enough for what needs no time to be done. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
