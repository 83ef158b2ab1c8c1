import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import type { PoaInit } from '../src/index.ts'
import { next, pass, setUp, underFakeTimers } from './engines.ts'

underFakeTimers()

it('proposes nothing where it is no authority, and follows all the same', async () => {
  const { engine, chain, made, events } = setUp({ address: 'x', count: 1 })
  await engine.start()
  for (let height = 1; height <= 3; height += 1) {
    await pass(1_000)
    expect(await engine.receive('block', next(chain))).toEqual({ verdict: 'accept' })
  }
  await pass(60_000)
  expect(made()).toEqual([])
  expect(events['consensus:final']).toMatchObject([{ block: { height: 1 } }])
})

it('follows without a signer', async () => {
  const { engine, chain, published } = setUp({ isFollower: true, count: 1 })
  await engine.start()
  for (let height = 1; height <= 3; height += 1) {
    await pass(20_000)
    expect(await engine.receive('block', next(chain))).toEqual({ verdict: 'accept' })
  }
  expect(engine.finalised).toMatchObject({ height: 0 })
  for (let height = 4; height <= 6; height += 1) {
    await pass(1_000)
    await engine.receive('block', next(chain))
  }
  await pass(0)
  expect(engine.finalised).toMatchObject({ height: 4 })
  expect(published).toEqual([])
})

it('says what failed and goes on: chain, record and network', async () => {
  const { engine, chain, record, events } = setUp({
    count: 1,
    address: 'a',
    ports: { network: { publish: async () => Promise.reject(new TypeError('offline')) } },
  })
  vi.spyOn(record, 'has').mockRejectedValueOnce(new TypeError('disk'))
  vi.spyOn(record, 'forgetBelow').mockRejectedValueOnce(new TypeError('disk too'))
  vi.spyOn(chain, 'hashAt').mockRejectedValueOnce(new TypeError('chain'))
  await engine.start()
  await pass(45_000)
  expect(chain.head().header.height).toBeGreaterThanOrEqual(3)
  const faults = events['consensus:fault'].map(({ during, error }) => `${during}: ${(error as Error).message}`)
  expect(new Set(faults)).toEqual(
    new Set(['propose: disk', 'propose: chain', 'publish: offline', 'finalise: disk too']),
  )
})

it('tells of final blocks in rising order, never of one twice, and forgets the slots below', async () => {
  const { engine, chain, record, events } = setUp({ count: 1, address: 'a' })
  const forgetBelow = vi.spyOn(record, 'forgetBelow')
  await engine.start()
  for (let i = 0; i < 20; i += 1) {
    chain.mempool.add(`${i}`)
    await pass(300)
  }
  const heights = events['consensus:final'].map(({ block }) => block.height)
  expect(heights).toEqual([...new Set(heights)].toSorted((a, b) => a - b))
  expect(engine.finalised).toEqual({ height: 18, hash: chain.at(18)?.hash })
  expect(forgetBelow.mock.calls.map(([height]) => height)).toEqual(heights)
})

it('tells of no final block of a branch that the chain left while it was asked', async () => {
  const { engine, chain, events } = setUp({ isFollower: true, count: 1 })
  const asked = Promise.withResolvers<string>()
  const hashAt = vi.spyOn(chain, 'hashAt').mockReturnValueOnce(asked.promise)
  await engine.start()
  const follow = async (): Promise<void> => {
    await pass(1_000)
    await engine.receive('block', next(chain))
  }
  for (let height = 1; height <= 3; height += 1) await follow()
  expect(hashAt.mock.calls).toEqual([[1]])
  await follow()
  asked.resolve('of a branch that is gone')
  await pass(0)
  expect(events['consensus:final']).toEqual([{ block: { height: 2, hash: chain.at(2)?.hash } }])
})

it('starts and stops again and again, at once and at any moment, and leaves no timer and no listener', async () => {
  const { engine, chain, made } = setUp()
  const listeners = (name: string): number =>
    getEventListeners(chain, name).length + getEventListeners(chain.mempool, name).length
  await Promise.all([engine.start(), engine.start(), engine.stop(), engine.start(), engine.stop(), engine.stop()])
  expect(vi.getTimerCount()).toBe(0)
  await pass(20_000)
  expect(made()).toEqual([])
  await engine.start()
  chain.mempool.add('one')
  await pass(0)
  expect(made()).toEqual([[1, 20_000]])
  await pass(500)
  expect([listeners('chain:head'), listeners('transaction:added')]).toEqual([2, 1])
  await engine.stop()
  expect(vi.getTimerCount()).toBe(0)
  expect([listeners('chain:head'), listeners('transaction:added')]).toEqual([0, 0])
  chain.mempool.add('two')
  await pass(20_000)
  expect(made()).toHaveLength(1)
})

it('tells nothing and records nothing any more once it is stopped', async () => {
  const { engine, chain, record, events } = setUp({ address: 'x', count: 1 })
  const forgetBelow = vi.spyOn(record, 'forgetBelow')
  const asked = Promise.withResolvers<string>()
  vi.spyOn(chain, 'hashAt').mockReturnValueOnce(asked.promise)
  await engine.start()
  for (let height = 1; height <= 3; height += 1) {
    await pass(1_000)
    await engine.receive('block', next(chain))
  }
  let isStopped = false
  const stopped = engine.stop().then(() => (isStopped = true))
  await pass(0)
  expect(isStopped).toBe(false)
  asked.resolve(chain.at(1)?.hash ?? '')
  await stopped
  expect(events['consensus:final']).toHaveLength(1)
  expect(forgetBelow.mock.settledResults).toMatchObject([{ type: 'fulfilled' }])
})

it.each([
  [{ buildDeadlineMs: 0 }, 'buildDeadlineMs 0 is no whole number from 1 to 86400000'],
  [{ maxBlockBytes: Number.NaN }, 'maxBlockBytes NaN is no whole number from 1 to 2147483647'],
  [{ maxHeadersPerAuthority: 1.5 }, 'maxHeadersPerAuthority 1.5 is no whole number from 2 to 10000'],
] satisfies [PoaInit, string][])('refuses the options %o', (init, message) => {
  expect(() => setUp({ init })).toThrow(new RangeError(message))
})
