import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { resolveOptions } from '../src/options.ts'
import { PeerBook } from '../src/peer-book.ts'
import { newRecord } from '../src/record.ts'
import { at, makePeerIds } from './support.ts'

const ids = await makePeerIds(2)
const [peer, other] = [at(ids, 0), at(ids, 1)]
const key = peer.toString()
const HOUR_MS = 3_600_000
const HOOKS = { onState: () => {}, onChange: () => {}, onForget: () => {} }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

it('takes a peer that comes back once it was forgotten for one that it never knew', () => {
  const book = new PeerBook(resolveOptions({ maxPeers: 1 }), HOOKS)
  const entries = [{ kind: 'useful', points: 1, evidence: '', atMs: book.now() }] as const
  book.restore({ record: newRecord(peer, book.now()), ledger: { entries, lastByClass: {} }, awayMs: 0 })
  book.countTraffic(key, 'normal', 'in', 100)
  book.ensure(other)
  expect(book.has(key)).toBe(false)

  book.ensure(peer)
  expect(book.ledgerState(key)).toEqual({ entries: [], lastByClass: {} })
  book.countTraffic(key, 'normal', 'in', 1)
  expect(book.get(key)?.traffic.normal).toMatchObject({ messagesIn: 1, bytesIn: 1 })
  // Its times are of this run, so they go with the clock.
  vi.setSystemTime(Date.now() + HOUR_MS)
  book.followClock()
  expect(book.get(key)?.firstSeenMs).toBe(Date.now())
})
