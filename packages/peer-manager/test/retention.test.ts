import { expect, it } from 'vitest'
import { changeRecord, type ManagedPeer, newRecord } from '../src/record.ts'
import { isWorthKeeping, leastValuable } from '../src/retention.ts'
import { at, makeHello, makePeerIds } from './support.ts'

const ids = await makePeerIds(8)
const NOW = { nowMs: 10_000, halfLifeMs: 600_000 }

function make(index: number, lastSeenMs: number, changes: Partial<ManagedPeer> = {}): ManagedPeer {
  return changeRecord(newRecord(at(ids, index), lastSeenMs), changes)
}

function keys(...records: readonly ManagedPeer[]): string[] {
  return records.map(({ id }) => id.toString())
}

const linked = make(0, 0, { state: 'ready' })
const bannedLong = make(1, 0, { state: 'banned', bannedUntilMs: 90_000 })
const bannedShort = make(2, 5_000, { state: 'banned', bannedUntilMs: 20_000 })
const once = make(3, 1_000, { hello: makeHello() })
const blamed = make(4, 2_000, { reputation: -10 })
const stranger = make(5, 3_000)
const olderStranger = make(6, 2_500)
const all = [linked, bannedLong, bannedShort, once, blamed, stranger, olderStranger]

it('forgets strangers first, then peers with a past, then the bans that end soonest, and linked peers never', () => {
  expect(leastValuable(all, { surplus: 99, extra: 0, ...NOW })).toEqual(
    keys(olderStranger, stranger, once, blamed, bannedShort, bannedLong),
  )
})

it('forgets no more than the surplus and the extra, and no banned one for the extra', () => {
  expect(leastValuable(all, { surplus: 1, extra: 0, ...NOW })).toEqual(keys(olderStranger))
  expect(leastValuable(all, { surplus: 1, extra: 1, ...NOW })).toEqual(keys(olderStranger, stranger))
  expect(leastValuable(all, { surplus: 1, extra: 99, ...NOW })).toEqual(keys(olderStranger, stranger, once, blamed))
})

it('keeps the newcomer that the others make room for', () => {
  const keep = olderStranger.id.toString()
  expect(leastValuable(all, { surplus: 1, extra: 0, keep, ...NOW })).toEqual(keys(stranger))
})

it('finds a peer worth keeping while it has a name, a ban or a past', () => {
  expect([once, blamed, bannedLong].map((record) => isWorthKeeping(record, 10_000, 600_000))).toEqual([
    true,
    true,
    true,
  ])
  expect(isWorthKeeping(stranger, 10_000, 600_000)).toBe(false)
  expect(isWorthKeeping(blamed, 2_000 + 600_000 * 4, 600_000)).toBe(false)
})
