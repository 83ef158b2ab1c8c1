import type { PeerId } from '@libp2p/interface'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { MAX_ANNOUNCERS, MAX_MISSING_IDS_PER_PEER } from '../src/constants.ts'
import { toHex } from '../src/message-id.ts'
import { MissingMessages, type Whereabouts } from '../src/missing-messages.ts'
import { Patience } from '../src/patience.ts'
import { peerIds } from './helpers/peer-ids.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** The nth message id. */
function idOf(n: number): { bytes: Uint8Array; hex: string } {
  const bytes = new Uint8Array(20)
  new DataView(bytes.buffer).setUint32(0, n)
  return { bytes, hex: toHex(bytes) }
}

/** A list, and what it asked for: whom, and for which. */
function listing(whereIs: (id: string) => Whereabouts = () => 'absent'): {
  missing: MissingMessages
  asked: [string, number[]][]
} {
  const asked: [string, number[]][] = []
  const ask = (peer: PeerId, ids: Uint8Array[]): void => {
    asked.push([peer.toString(), ids.map((id) => new DataView(id.buffer).getUint32(0))])
  }
  return { missing: new MissingMessages({ afterMs: 500, whereIs, ask }), asked }
}

it('asks for what does not come by itself, one peer after the other, all of one peer at once', async () => {
  const [first, second] = await peerIds(2)
  const { missing, asked } = listing()
  for (const n of [1, 2, 3]) missing.add(idOf(n), first)
  missing.add(idOf(2), second)
  missing.add(idOf(2), second)
  expect(missing.found(idOf(3).hex, second.toString(), performance.now())).toEqual([])

  vi.advanceTimersByTime(499)
  expect(asked).toEqual([])
  vi.advanceTimersByTime(1)
  expect(asked).toEqual([[first.toString(), [1, 2]]])
  expect(missing.found(idOf(1).hex, first.toString(), performance.now())).toEqual([first])

  vi.advanceTimersByTime(500)
  expect(asked.slice(1)).toEqual([[second.toString(), [2]]])
  // Both were asked in vain: whoever announces it again begins anew.
  vi.advanceTimersByTime(500)
  expect(missing.size).toBe(0)
  missing.add(idOf(2), first)
  vi.advanceTimersByTime(500)
  expect(asked.slice(2)).toEqual([[first.toString(), [2]]])
})

it('asks a peer again that says again that it has what it was asked for, and was not taken', async () => {
  const [peer] = await peerIds(2)
  const { missing, asked } = listing()
  missing.add(idOf(1), peer)
  for (let round = 1; round <= 5; round++) {
    vi.advanceTimersByTime(round === 1 ? 500 : 300)
    expect(asked).toHaveLength(round)
    vi.advanceTimersByTime(200)
    for (let i = 0; i < 2; i++) missing.add(idOf(1), peer)
  }
  expect(missing.found(idOf(1).hex, peer.toString(), performance.now())).toEqual([peer])
  // It holds no place for any of that.
  for (let n = 0; n <= MAX_MISSING_IDS_PER_PEER; n++) missing.add(idOf(n), peer)
  expect(missing.size).toBe(MAX_MISSING_IDS_PER_PEER)
})

it('holds no more than its bounds, whoever announces', async () => {
  const { missing, asked } = listing()
  const peers = await peerIds(MAX_ANNOUNCERS + 2)
  const [liar, honest] = peers
  if (liar === undefined || honest === undefined) throw new RangeError('no peers')
  // Asked in vain, it still has no more places, and takes none from others.
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < 2 * MAX_MISSING_IDS_PER_PEER; n++) missing.add(idOf(round * 100_000 + n), liar)
    expect(missing.size).toBe(MAX_MISSING_IDS_PER_PEER)
    vi.advanceTimersByTime(250)
  }
  missing.add(idOf(999_999), honest)
  expect(missing.size).toBe(MAX_MISSING_IDS_PER_PEER + 1)

  missing.clear()
  expect(vi.getTimerCount()).toBe(0)
  asked.length = 0
  for (const peer of peers) missing.add(idOf(1), peer)
  for (let i = 0; i < 2 * MAX_ANNOUNCERS; i++) vi.advanceTimersByTime(500)
  expect(asked).toHaveLength(MAX_ANNOUNCERS)
})

it('asks nobody while a message is under way, all who have it once it is gone again, and forgets it once it is known', async () => {
  const [first, second] = await peerIds(2)
  let whereabouts: Whereabouts = 'under-way'
  const { missing, asked } = listing(() => whereabouts)
  for (const peer of [first, second]) missing.add(idOf(1), peer)
  vi.advanceTimersByTime(5_000)
  expect(asked).toEqual([])
  whereabouts = 'absent'
  vi.advanceTimersByTime(1_000)
  expect(asked.map(([peer]) => peer)).toEqual([first.toString(), second.toString()])
  whereabouts = 'known'
  vi.advanceTimersByTime(500)
  expect(missing.size).toBe(0)
  expect(vi.getTimerCount()).toBe(0)
  expect(asked).toHaveLength(2)
})

it('has room for a peer again once what it announced has come or was asked for', async () => {
  const [peer] = await peerIds(2)
  const { missing, asked } = listing()
  for (let round = 0; round < 3; round++) {
    for (let n = 0; n < MAX_MISSING_IDS_PER_PEER; n++) missing.add(idOf(n), peer)
    expect(missing.size).toBe(MAX_MISSING_IDS_PER_PEER)
    if (round === 0)
      for (let n = 0; n < MAX_MISSING_IDS_PER_PEER; n++) missing.found(idOf(n).hex, peer.toString(), performance.now())
    else vi.advanceTimersByTime(1_000)
  }
  expect(asked).toHaveLength(2)
})

it('asks who gives what it says it has before who does not', async () => {
  const [liar, honest] = await peerIds(2)
  const { missing, asked } = listing()
  for (const peer of [liar, honest]) missing.add(idOf(1), peer)
  vi.advanceTimersByTime(1_000)
  expect(asked.map(([peer]) => peer)).toEqual([liar.toString(), honest.toString()])
  missing.found(idOf(1).hex, honest.toString(), performance.now())

  for (const peer of [liar, honest]) missing.add(idOf(2), peer)
  vi.advanceTimersByTime(500)
  expect(asked.slice(2)).toEqual([[honest.toString(), [2]]])
})

it('waits longer where what comes by itself is late, and forgets that', () => {
  const patience = new Patience(500)
  expect(patience.waitMs).toBe(500)
  patience.came(100)
  expect(patience.waitMs).toBe(500)
  patience.came(800)
  expect(patience.waitMs).toBeCloseTo(1_600)
  patience.came(400)
  expect(patience.waitMs).toBeCloseTo(1_600)
  vi.advanceTimersByTime(5_000)
  expect(patience.waitMs).toBeCloseTo(800)
  patience.came(60_000)
  expect(patience.waitMs).toBe(4_000)
  vi.advanceTimersByTime(120_000)
  expect(patience.waitMs).toBe(500)
})

it('does not ask sooner than what is late has a chance to come', async () => {
  const [peer] = await peerIds(2)
  const { missing, asked } = listing()
  missing.add(idOf(1), peer)
  vi.advanceTimersByTime(450)
  missing.found(idOf(1).hex, 'another', performance.now())
  missing.add(idOf(2), peer)
  vi.advanceTimersByTime(800)
  expect(asked).toEqual([])
  vi.advanceTimersByTime(100)
  expect(asked).toHaveLength(1)
})
