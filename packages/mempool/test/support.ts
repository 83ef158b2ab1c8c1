import { onTestFinished } from 'vitest'
import { Mempool, type MempoolInit, type MempoolLog, type RemovedTransaction } from '../src/index.ts'
import { encode, madeBy, type ModelBody, ModelChain, type ModelTransaction, transaction } from './model-chain.ts'

export type ModelPool = Mempool<ModelTransaction>

/** A running pool over a chain, with what it removes. */
export interface Setup {
  chain: ModelChain
  pool: ModelPool
  removed: RemovedTransaction<ModelTransaction>[]
}

/** Starts a pool that is stopped when the test is over. */
export async function setUp(
  init: MempoolInit = {},
  chain = new ModelChain('a', 'b', 'c'),
  log?: MempoolLog,
): Promise<Setup> {
  const pool = new Mempool<ModelTransaction>({ chain, ...(log === undefined ? {} : { log }) }, init)
  const removed: RemovedTransaction<ModelTransaction>[] = []
  pool.addEventListener('transaction:removed', ({ detail }) => void removed.push(detail))
  onTestFinished(() => pool.stop())
  await pool.start()
  return { chain, pool, removed }
}

/** Offers a transaction, and gives back its code, or else what became of it. */
export async function offer(pool: ModelPool, body: ModelBody): Promise<string> {
  const result = await pool.add(encode(body))
  await pool.whenIdle()
  return result.status === 'refused' ? result.code : result.status
}

/** Offers a transaction that has to be taken, and gives it back. */
export async function put(pool: ModelPool, body: ModelBody): Promise<ModelTransaction> {
  const result = await pool.add(encode(body))
  await pool.whenIdle()
  if (result.status === 'refused') throw new RangeError(`${result.code}: ${result.message}`)
  return transaction(body)
}

export const reasons = (removed: readonly RemovedTransaction<ModelTransaction>[]): [string, string][] =>
  removed.map(({ transaction: { id }, reason }) => [id, reason])

/** A transaction that makes a key of which that was not sure. */
export function makerOf(key: string): ModelTransaction {
  const some = ['x', 'xx', 'xxx', 'xxxx'].map((padding) => transaction({ spends: [key], mayMake: 1, padding }))
  const maker = some.find((one) => madeBy(one).length > 0)
  if (maker === undefined) throw new RangeError('none of them makes a key')
  return maker
}
