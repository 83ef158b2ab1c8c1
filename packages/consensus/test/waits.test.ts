import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { Alarm } from '../src/alarm.ts'
import { buildWithin } from '../src/build-within.ts'
import { signerOf } from './blocks.ts'

it('leaves no listener on the signal of a wait that is over', async () => {
  const { signal } = new AbortController()
  const alarm = new Alarm()
  const waiting = alarm.wait(Infinity, signal)
  expect(getEventListeners(signal, 'abort')).toHaveLength(1)
  alarm.ring()
  await waiting
  expect(getEventListeners(signal, 'abort')).toEqual([])
})

it('leaves no listener on the signal of a build that is over, whether it was built or not', async () => {
  const { signal } = new AbortController()
  const build = async (work: () => Promise<string>): Promise<string> =>
    buildWithin(signerOf('a'), 60_000, signal, async () => {
      expect(getEventListeners(signal, 'abort')).toHaveLength(1)
      return work()
    })
  expect(await build(async () => Promise.resolve('built'))).toBe('built')
  await expect(build(async () => Promise.reject(new TypeError('the chain')))).rejects.toThrow('the chain')
  expect(getEventListeners(signal, 'abort')).toEqual([])
})
