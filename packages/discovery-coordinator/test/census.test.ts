import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Census } from '../src/census.ts'
import { at, FakeWorld, makePeerIds } from './support.ts'

const ids = await makePeerIds(2)
const [self, peer] = [at(ids, 0), at(ids, 1)]

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

it('counts the time of a link from when it was there, and not from a connection that was over as libp2p told of it', () => {
  const world = new FakeWorld()
  const told: string[] = []
  const census = new Census(world.components(self), {
    onReady: () => told.push('ready'),
    onLeft: (_, { lastedMs }) => told.push(`left after ${lastedMs} ms`),
  })
  census.start()
  world.open(peer, 'inbound', undefined, 'closed')
  vi.advanceTimersByTime(3_600_000)
  world.open(peer)
  vi.advanceTimersByTime(1_000)
  world.close(peer)
  expect(told).toEqual(['ready', 'left after 1000 ms'])
  census.stop()
})
