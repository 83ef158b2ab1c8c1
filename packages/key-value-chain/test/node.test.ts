import { Mempool } from '@gridmesh/mempool'
import { toHex } from '@gridmesh/ledger'
import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { encodeBlock, type KeyValueChain, type PooledTransaction, type Transaction } from '../src/index.ts'
import { ANN, BEN, blocksUpon, GENESIS, importAll, opened, signed, signerOfSlot, START_MS, valuesOf } from './chains.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'], now: START_MS + 1_000_000 })
  return () => vi.useRealTimers()
})

/** A chain with a mempool that follows it, as a node has them. */
async function node(): Promise<{ chain: KeyValueChain; pool: Mempool<PooledTransaction> }> {
  const chain = await opened()
  const pool = new Mempool<PooledTransaction>({ chain: chain.pool })
  chain.addEventListener('chain:moved', ({ detail: { reverted, applied } }) => {
    pool.onSwitch(reverted, applied)
  })
  await pool.start()
  onTestFinished(async () => pool.stop())
  return { chain, pool }
}

async function offer(pool: Mempool<PooledTransaction>, ...transactions: Transaction[]): Promise<string[]> {
  const results = await Promise.all(transactions.map(async ({ bytes }) => pool.add(bytes)))
  await pool.whenIdle()
  return results.map((result) => (result.status === 'refused' ? result.code : result.status))
}

it('admits by signature and nonce, and makes blocks of what it admitted', async () => {
  const { chain, pool } = await node()
  const forged = Uint8Array.from(signed(BEN, 0, { a: '1' }).bytes)
  forged[forged.byteLength - 1] = (forged.at(-1) ?? 0) ^ 1
  expect(await offer(pool, signed(ANN, 1, { lamp: undefined }), signed(ANN, 0, { lamp: 'on', door: 'shut' }))).toEqual([
    'waiting',
    'added',
  ])
  expect(await pool.add(forged)).toMatchObject({ code: 'invalid-signature' })
  expect(await pool.add(forged.subarray(1))).toMatchObject({ code: 'malformed' })

  const taken = pool.take(100_000, 100).map(({ transaction }) => transaction)
  expect(taken.map(({ nonce }) => nonce)).toEqual([0, 1])
  const block = await chain.propose(taken, signerOfSlot(1_000))
  await chain.importBlock(block ?? new Uint8Array())
  expect(await valuesOf(chain)).toEqual({ door: 'shut' })
  expect(pool.stats().transactions).toBe(0)
  expect(await offer(pool, signed(ANN, 0, { a: 'late' }))).toEqual(['stale-nonce'])
})

it('is given back what a better branch leaves out, and may put it into a block again', async () => {
  const { chain, pool } = await node()
  const a = blocksUpon(GENESIS.header, 2, { firstSlot: 2 }, (i) => [signed(ANN, i, { [`a${i}`]: 'x' })])
  const b = blocksUpon(GENESIS.header, 3, { firstSlot: 3 }, (i) => (i === 0 ? [signed(ANN, 0, { other: 'y' })] : []))
  await importAll(chain, a)
  await importAll(chain, b)
  await pool.whenIdle()
  // The first was replaced by another of its number; the second applies upon that.
  const left = pool.take(100_000, 100)
  expect(left.map(({ nonce }) => nonce)).toEqual([1])
  vi.setSystemTime(START_MS + 1_001_000)
  const block = await chain.propose(
    left.map(({ transaction }) => transaction),
    signerOfSlot(1_001),
  )
  await chain.importBlock(block ?? new Uint8Array())
  expect(await valuesOf(chain)).toEqual({ other: 'y', a1: 'x' })
})

it('tells its followers before anybody can read, and before the import resolves', async () => {
  const chain = await opened()
  const [block] = blocksUpon(GENESIS.header, 1, { firstSlot: 2 }, () => [signed(ANN, 0, { a: 'b' })])
  const seen: string[] = []
  chain.addEventListener('chain:moved', ({ detail: { tip } }) => {
    seen.push(tip.hash === chain.tip().hash ? 'moved' : 'another tip')
  })
  const importing = chain
    .importBlock(encodeBlock(block ?? (await Promise.reject(new RangeError()))))
    .then(() => seen.push('imported'))
  const reading = chain.nextNonce(signed(ANN, 0, { a: 'b' }).sender).then((nonce) => seen.push(`nonce ${nonce}`))
  await Promise.all([importing, reading])
  expect(seen[0]).toBe('moved')
  expect(seen.toSorted()).toEqual(['imported', 'moved', 'nonce 1'])
  expect(chain.tip().hash).toBe(toHex(block?.header.hash ?? new Uint8Array()))
})
