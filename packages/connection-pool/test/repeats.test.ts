import { format } from 'node:util'
import { defaultLogger } from '@libp2p/logger'
import { expect, it } from 'vitest'
import { MAX_REPEATS, REPEAT_MS } from '../src/constants.ts'
import { Repeats } from '../src/repeats.ts'
import { at, makePeerIds, makeRig } from './support.ts'

it('tells the first, and then one a minute with the number of those in between', () => {
  const repeats = new Repeats()
  const told = Array.from({ length: 130 }, (_, second) => repeats.note('a', second * 1_000))
  expect(told.flatMap((count, second) => (count === undefined ? [] : [[second, count]]))).toEqual([
    [0, 0],
    [60, 59],
    [120, 59],
  ])
  expect(repeats.note('b', 61_000)).toBe(0)
})

it('remembers only so much, and takes what it forgot for news', () => {
  const repeats = new Repeats()
  for (let key = 0; key <= MAX_REPEATS; key++) repeats.note(String(key), 0)
  expect(repeats.note('1', REPEAT_MS - 1)).toBeUndefined()
  expect(repeats.note('0', REPEAT_MS - 1)).toBe(0)
})

it('tells of a refused dial by peer id whom, and of no address that it does not have', async () => {
  const lines: string[] = []
  const log = (text: string, ...args: unknown[]): unknown => lines.push(format(text, ...args))
  const logger = { forComponent: (name: string) => Object.assign(log, defaultLogger().forComponent(name)) }
  const [self, peer] = [at(await makePeerIds(1), 0), at(await makePeerIds(2), 1)]
  const { pool, manager } = makeRig(self, {}, [], { logger })
  manager.banned.add(peer.toString())
  await expect(pool.acquire(peer)).rejects.toMatchObject({ name: 'ConnectionRefusedError' })
  expect(lines).toEqual([expect.stringMatching(`^refused outbound ${peer.toString()}, 0 times more before: `)])
  await pool.stop()
})
