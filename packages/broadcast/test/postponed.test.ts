import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import {
  MAX_POSTPONED,
  MAX_POSTPONED_BYTES,
  MAX_POSTPONED_PER_PEER,
  POSTPONED_AT_ONCE,
  POSTPONED_MS,
  POSTPONED_PACE_MS,
  POSTPONED_RETRY_MS,
} from '../src/constants.ts'
import { type GossipArrival, Postponed } from '../src/postponed.ts'
import { peerAt, peerIds } from './helpers/peer-ids.ts'

let peers: PeerId[]

beforeAll(async () => {
  peers = await peerIds(MAX_POSTPONED / MAX_POSTPONED_PER_PEER + 1)
})
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

const peer = (index: number): PeerId => peerAt(peers, index)

function arrival(name: string, from = peer(0), bytes = 10): GossipArrival {
  const id = { bytes: new Uint8Array(20), hex: name }
  const data = new Uint8Array(bytes)
  const frame = { id, lane: 'normal', isDirected: false, origin: data, hops: 0, topic: '', payload: data } as const
  return { from, topic: 'orders', frame, msg: { type: 'unsigned', topic: 'orders', data } }
}

/** What waits for a judge, and what it was asked about. */
function world() {
  const judge = { isBusy: true, asked: [] as string[] }
  const postponed = new Postponed(async ({ frame }) => {
    judge.asked.push(frame.id.hex)
    return !judge.isBusy
  })
  return { judge, postponed }
}

it('asks about the first alone while there is no room, and about all in their order once there is', async () => {
  const { judge, postponed } = world()
  const names = Array.from({ length: POSTPONED_AT_ONCE + 1 }, (_, i) => `m${i}`)
  for (const name of names) postponed.add(arrival(name))
  await vi.advanceTimersByTimeAsync(2 * POSTPONED_RETRY_MS)
  expect(judge.asked).toEqual(['m0', 'm0'])
  judge.isBusy = false
  judge.asked.length = 0
  await vi.advanceTimersByTimeAsync(POSTPONED_RETRY_MS)
  expect(judge.asked).toEqual(names.slice(0, POSTPONED_AT_ONCE))
  await vi.advanceTimersByTimeAsync(POSTPONED_PACE_MS)
  expect(judge.asked).toEqual(names)
  expect(postponed.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('forgets what has waited for POSTPONED_MS, and leaves no timer then', async () => {
  const { judge, postponed } = world()
  postponed.add(arrival('a'))
  await vi.advanceTimersByTimeAsync(POSTPONED_MS - 1)
  expect(postponed.size).toBe(1)
  await vi.advanceTimersByTimeAsync(POSTPONED_RETRY_MS)
  expect(postponed.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
  judge.isBusy = false
  postponed.add(arrival('a'))
  await vi.advanceTimersByTimeAsync(POSTPONED_RETRY_MS)
  expect(judge.asked.at(-1)).toBe('a')
  expect(postponed.size).toBe(0)
})

it('keeps each message once, MAX_POSTPONED_PER_PEER of one peer, and MAX_POSTPONED of all', () => {
  const { postponed } = world()
  for (let i = 0; i < 2; i++) postponed.add(arrival('twice', peer(i)))
  expect(postponed.size).toBe(1)
  for (const [index, from] of peers.entries()) {
    for (let i = 0; i <= MAX_POSTPONED_PER_PEER; i++) postponed.add(arrival(`${index} ${i}`, from))
    expect(postponed.size).toBe(Math.min((index + 1) * MAX_POSTPONED_PER_PEER, MAX_POSTPONED))
  }
  postponed.clear()
  expect(postponed.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
})

it('keeps MAX_POSTPONED_BYTES, and takes more once some of them are judged', async () => {
  const { judge, postponed } = world()
  postponed.add(arrival('a', peer(0), MAX_POSTPONED_BYTES))
  postponed.add(arrival('b', peer(0), 1))
  expect(postponed.size).toBe(1)
  judge.isBusy = false
  await vi.advanceTimersByTimeAsync(POSTPONED_RETRY_MS)
  postponed.add(arrival('b', peer(0), 1))
  expect(postponed.size).toBe(1)
})

it('does nothing of what was under way when it was cleared', async () => {
  const turn = Promise.withResolvers<boolean>()
  const postponed = new Postponed(() => turn.promise)
  postponed.add(arrival('a'))
  await vi.advanceTimersByTimeAsync(POSTPONED_RETRY_MS)
  postponed.clear()
  postponed.add(arrival('b'))
  turn.resolve(true)
  await vi.advanceTimersByTimeAsync(0)
  expect(postponed.size).toBe(1)
  expect(vi.getTimerCount()).toBe(1)
})
