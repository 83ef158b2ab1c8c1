import { expect, it } from 'vitest'
import { all, ids, ModelChain, transaction } from './model-chain.ts'
import { ModelLog } from './model-log.ts'
import { type ModelPool, put, reasons, setUp } from './support.ts'

const held = (pool: ModelPool): unknown => ({ ...pool.stats(), local: ids(pool.local()) })

it('judges all of it by another state, also what waited', async () => {
  const { chain, pool, removed } = await setUp({}, new ModelChain('a', 'b'))
  const parent = await put(pool, { spends: ['a'], makes: 1 })
  const spent = await put(pool, { spends: ['b'] })
  const child = await put(pool, { spends: parent.makes })
  const waits = transaction({ spends: ['z'] })
  await pool.addAll([waits.bytes], { isLocal: true })
  chain.owners.delete('b')
  chain.owners.set('z', undefined)
  expect(await pool.renew()).toMatchObject({ added: 3, waiting: 0, refused: { 'unknown-input': 1 } })
  expect(new Set(ids(all(pool)))).toEqual(new Set(ids([parent, child, waits])))
  expect([ids(pool.local()), pool.has(spent.id)]).toEqual([[waits.id], false])
  expect(new Set(reasons(removed).map(([, reason]) => reason))).toEqual(new Set(['rejected', 'parent-removed']))
})

it('keeps all of it in the log until it is through, whether it is killed, stopped or done', async () => {
  const log = new ModelLog()
  const { chain, pool } = await setUp({}, new ModelChain('a', 'b'), log)
  const own = transaction({ spends: ['a'] })
  await pool.addAll([own.bytes], { isLocal: true })
  await put(pool, { spends: ['z'] })
  const everything = { transactions: 1, waiting: 1, corruptRecords: 0, local: [own.id] }
  const reopened = async (): Promise<unknown> => {
    const next = await setUp({}, chain, new ModelLog([...log.records]))
    await next.pool.stop()
    return held(next.pool)
  }

  chain.delay = 20
  const renewed = pool.renew()
  expect(held(pool)).toMatchObject({ transactions: 0, waiting: 0 })
  expect(await reopened()).toMatchObject(everything)

  await pool.stop()
  await renewed
  expect(await reopened()).toMatchObject(everything)
  await pool.start()
  expect(held(pool)).toMatchObject(everything)

  await pool.renew()
  await pool.stop()
  expect(await reopened()).toMatchObject(everything)
})
