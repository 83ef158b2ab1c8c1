import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Deliveries } from '../src/deliveries.ts'
import { PublishDelivery } from '../src/delivery.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance', 'setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

async function nameOfFailure(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (err: unknown) => (err instanceof Error ? err.name : 'untyped'),
  )
}

function delivery(id = 'id', maxPeers = 100): PublishDelivery {
  return new PublishDelivery({ id, maxPeers })
}

it('counts the share of addressed peers that were not dropped', () => {
  const account = delivery()
  expect(account.successRate).toBe(1)
  for (const peer of ['a', 'b', 'c', 'd']) account.open(peer)
  account.dropped('a', 'queue-full')
  account.sent('b')
  account.sent('c')
  account.failed('c', 'timeout')
  account.sent('d')
  account.acknowledged('d')
  account.confirm('stranger', 'acknowledged')
  expect(account.successRate).toBe(0.5)
  expect(account.peers.get('c')).toEqual({ status: 'dropped', reason: 'timeout' })
})

it('counts a peer as dropped only when every way to it failed', () => {
  const account = delivery()
  account.open('a')
  account.sent('a')
  account.sent('a')
  account.failed('a', 'timeout')
  expect(account.peers.get('a')).toEqual({ status: 'sent' })
  account.open('b')
  account.missed('b', 'no-link')
  account.sent('b')
  expect(account.peers.get('b')).toEqual({ status: 'sent' })
})

it('changes nothing once a peer is known to have the message', () => {
  const account = delivery()
  account.open('a')
  account.sent('a')
  account.confirm('a', 'seen')
  account.failed('a', 'timeout')
  account.confirm('a', 'acknowledged')
  expect(account.peers.get('a')).toEqual({ status: 'seen' })
})

it('leaves a peer that has heard of the message at sent, and is over once all have it or never will', async () => {
  const account = delivery()
  expect(account.isOver).toBe(true)
  for (const peer of ['a', 'b']) account.open(peer)
  account.sent('a')
  account.heard()
  expect(account.isOver).toBe(false)
  account.dropped('b', 'timeout')
  await account.settled()
  expect(account.peers.get('a')).toEqual({ status: 'sent' })
  expect(account.isOver).toBe(false)
  account.confirm('a', 'acknowledged')
  expect(account.isOver).toBe(true)
  const given = delivery()
  given.open('a')
  given.sent('a')
  given.close('Lifetime over')
  expect(given.isOver).toBe(true)
})

it('lists peers that it did not address, up to maxPeers', () => {
  const account = delivery('id', 2)
  account.open('addressed')
  account.dropped('addressed', 'no-unicast')
  for (const peer of ['a', 'b', 'c']) account.confirm(peer, 'acknowledged')
  account.confirm('addressed', 'acknowledged')
  expect([...account.peers.keys()]).toEqual(['addressed', 'a'])
})

it('resolves confirmed as soon as k peers have the message, and rejects when the signal aborts or the time is over', async () => {
  const account = delivery()
  expect(await account.confirmed(0)).toBe(0)
  await expect(account.confirmed(-1)).rejects.toThrow(RangeError)
  await expect(account.confirmed(1.5)).rejects.toThrow(RangeError)
  const two = account.confirmed(2)
  const aborted = nameOfFailure(account.confirmed(3, { signal: AbortSignal.abort() }))
  const never = nameOfFailure(account.confirmed(3))
  account.confirm('a', 'seen')
  account.confirm('b', 'acknowledged')
  expect(await two).toBe(2)
  expect(await aborted).toBe('AbortError')
  account.close('Lifetime over')
  expect(await never).toBe('TimeoutError')
  expect(await account.confirmed(2)).toBe(2)
  await expect(account.confirmed(3)).rejects.toMatchObject({ name: 'TimeoutError' })
})

it('settles when the last open send has ended', async () => {
  const account = delivery()
  await account.settled()
  account.open('a')
  account.open('b')
  const settled = vi.fn<() => void>()
  const waiting = account.settled().then(settled)
  account.sent('a')
  account.acknowledged('a')
  await Promise.resolve()
  expect(settled).not.toHaveBeenCalled()
  account.dropped('b', 'aborted')
  await waiting
})

it('forgets a delivery after its lifetime, and the oldest when there are too many', async () => {
  const deliveries = new Deliveries(2, 1_000)
  const [first, second, third] = [delivery('1'), delivery('2'), delivery('3')]
  deliveries.add(first)
  vi.advanceTimersByTime(500)
  deliveries.add(second)
  deliveries.add(third)
  expect(deliveries.confirm('1', 'a', 'seen')).toBe(false)
  await expect(first.confirmed(1)).rejects.toMatchObject({ name: 'TimeoutError' })
  vi.advanceTimersByTime(999)
  expect(deliveries.confirm('2', 'a', 'seen')).toBe(true)
  vi.advanceTimersByTime(1)
  expect(deliveries.confirm('2', 'b', 'seen')).toBe(false)
  expect([deliveries.size, vi.getTimerCount()]).toEqual([0, 0])
})

it('learns for as many whole lifetimes as are asked for, and not longer', () => {
  const deliveries = new Deliveries(10, 1_000)
  deliveries.add(delivery('long'), 2_500)
  vi.advanceTimersByTime(500)
  deliveries.add(delivery('short'))
  vi.advanceTimersByTime(1_000)
  expect(deliveries.confirm('short', 'a', 'seen')).toBe(false)
  vi.advanceTimersByTime(1_499)
  expect(deliveries.confirm('long', 'a', 'seen')).toBe(true)
  vi.advanceTimersByTime(1)
  expect(deliveries.confirm('long', 'b', 'seen')).toBe(false)
  expect([deliveries.size, vi.getTimerCount()]).toEqual([0, 0])
})

it('confirms every publish of the same content, and leaves no timer when cleared', () => {
  const deliveries = new Deliveries(10, 1_000)
  const twice = [delivery(), delivery()]
  for (const account of twice) deliveries.add(account)
  expect(deliveries.confirm('id', 'a', 'acknowledged')).toBe(true)
  expect(twice.map((account) => account.peers.size)).toEqual([1, 1])
  deliveries.clear()
  expect([deliveries.size, vi.getTimerCount()]).toEqual([0, 0])
  expect(deliveries.confirm('id', 'b', 'acknowledged')).toBe(false)
})

it('gives every addressed peer exactly one outcome, whatever comes in whatever order', async () => {
  const peers = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 8 })
  const ends = fc.array(fc.constantFrom('dropped', 'failed', 'acknowledged', 'seen-failed'), {
    minLength: 8,
    maxLength: 8,
  })
  await fc.assert(
    fc.asyncProperty(peers, ends, async (addressed, outcomes) => {
      const account = delivery()
      for (const peer of addressed) account.open(peer)
      const kept = addressed.filter((peer, i) => {
        const end = outcomes[i]
        if (end === 'dropped') account.dropped(peer, 'reason')
        else account.sent(peer)
        if (end === 'seen-failed') account.confirm(peer, 'seen')
        if (end === 'acknowledged') account.acknowledged(peer)
        else if (end !== 'dropped') account.failed(peer, 'reason')
        return end === 'acknowledged' || end === 'seen-failed'
      })
      await account.settled()
      expect([...account.peers.keys()].toSorted()).toEqual(addressed.toSorted())
      expect(account.successRate).toBeCloseTo(kept.length / addressed.length)
      expect(await account.confirmed(kept.length)).toBe(kept.length)
    }),
  )
})
