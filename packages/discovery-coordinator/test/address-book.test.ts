import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AddressBook } from '../src/address-book.ts'
import { BookPlaces, type BookSize } from '../src/book-places.ts'
import { networkGroup } from '../src/network-group.ts'
import { addressOf, at, candidateOf, makePeerIds, named, signedCandidateOf } from './support.ts'

const ids = await makePeerIds(2_500)
const DEFAULTS: BookSize = { newBuckets: 256, triedBuckets: 64, slotsPerBucket: 16 }
/** One place in each table: whoever comes second finds it taken. */
const TINY: BookSize = { newBuckets: 1, triedBuckets: 1, slotsPerBucket: 1 }
const DAY_MS = 24 * 3_600_000

beforeEach(() => vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => vi.useRealTimers())

function makeBook(size: BookSize = DEFAULTS, secret = 7): AddressBook {
  return new AddressBook(new BookPlaces(new Uint8Array(32).fill(secret), size), 8)
}

function keyOf(index: number): string {
  return at(ids, index).toString()
}

function make(index: number): ReturnType<typeof candidateOf> {
  return candidateOf(at(ids, index), index)
}

it.each([
  ['/ip4/192.0.2.7/tcp/1', 'ip4/192.0'],
  ['/ip6/2001:db8:1::1/tcp/1', 'ip6/2001:db8'],
  ['/ip6/2001::1/tcp/1', 'ip6/2001:0'],
  ['/ip6/::1/tcp/1', 'ip6/0:0'],
  ['/ip6/::ffff:192.0.2.7/tcp/1', 'ip4/192.0'],
  ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'ip6/fe80:0'],
  ['/dns4/a.b.Example.org/tcp/1', 'dns/example.org'],
  ['/dnsaddr/example.org', 'dns/example.org'],
  ['/dns4/example.org./tcp/1', 'dns/example.org'],
  ['/dns4/0177.0.0.1/tcp/1', 'ip4/127.0'],
  ['/dns4/127.000.0.0001/tcp/1', 'ip4/127.0'],
  ['/dns6/2130706433/tcp/1', 'ip4/127.0'],
  ['/dns4/a#.example.org/tcp/1', 'dns/'],
  ['/memory/x', 'memory'],
  ['/ip6/2001:db8::1:2:3:4:5/tcp/1', 'ip6/2001:db8'],
  ['/ip4/192.0.2.7/tcp/1/p2p/12D3KooWKnDdG3iXw9eTFijk3EWSunZcFi54Zka4wmtqtt6rPxc8/p2p-circuit', 'p2p-circuit'],
])('sees in %s the network group %s', (address, group) => {
  expect(networkGroup(multiaddr(address))).toBe(group)
})

it('holds a peer that was heard of as new, and as tried once it is reached, at the address where it was', () => {
  const book = makeBook()
  expect(book.add(make(0), 'a')).toBe(true)
  expect(book.counts).toEqual({ new: 1, tried: 0 })
  const reached = multiaddr('/ip4/198.51.100.1/tcp/1')
  book.succeeded({ id: at(ids, 0), addresses: [reached], role: 'authority', region: 'north' })
  expect(book.counts).toEqual({ new: 0, tried: 1 })
  expect(book.get(keyOf(0))).toMatchObject({ table: 'tried', group: 'ip4/198.51', role: 'authority', region: 'north' })
  expect(book.get(keyOf(0))?.addresses.map(String)).toEqual([reached, addressOf(0)].map(String))
})

it('takes in a peer that was reached and never heard of', () => {
  const book = makeBook()
  book.succeeded(make(0))
  expect(book.counts).toEqual({ new: 0, tried: 1 })
})

it('keeps the address that was reached first, whatever is said of the peer, and no more than maxAddresses', () => {
  const book = makeBook()
  book.succeeded(make(0))
  book.add({ id: at(ids, 0), addresses: Array.from({ length: 20 }, (_, index) => addressOf(100 + index)) }, 'a')
  const addresses = book.get(keyOf(0))?.addresses.map(String)
  expect(addresses).toHaveLength(8)
  expect(addresses?.[0]).toBe(addressOf(0).toString())
})

/** Addresses by their indices, of the first peer in a book. */
function addressesIn(book: AddressBook): string[] {
  return book.get(keyOf(0))?.addresses.map(String) ?? []
}

/** Enough addresses to displace all others that may be displaced. */
const MANY = Array.from({ length: 8 }, (_, index) => index + 100)

it('keeps what a peer signed, whatever others say of it', () => {
  const book = makeBook()
  const [a, b] = [0, 1]
  book.add(signedCandidateOf(at(ids, 0), 5n, a, b), 'a')
  book.add({ id: at(ids, 0), addresses: MANY.map(addressOf) }, 'strategy/mdns')
  expect(addressesIn(book)).toEqual(named(a, b, ...MANY.slice(0, 6)))
})

it('takes the later of two records that a peer signed, and keeps the earlier from displacing it', () => {
  const book = makeBook()
  book.add(signedCandidateOf(at(ids, 0), 5n, ...MANY), 'a')
  book.add(signedCandidateOf(at(ids, 0), 6n, 1, 2), 'a')
  expect(addressesIn(book).slice(0, 2)).toEqual(named(1, 2))
  book.add(signedCandidateOf(at(ids, 0), 5n, ...MANY), 'a')
  expect(addressesIn(book).slice(0, 2)).toEqual(named(1, 2))
})

it('has what a peer signed displace what was said of it before', () => {
  const book = makeBook()
  book.add({ id: at(ids, 0), addresses: MANY.map(addressOf) }, 'strategy/mdns')
  book.add(signedCandidateOf(at(ids, 0), 5n, 1), 'a')
  expect(addressesIn(book)[0]).toBe(addressOf(1).toString())
})

it('learns where a peer that nobody signed for is now, though it holds maxAddresses where it was', () => {
  const book = makeBook()
  for (const index of [...MANY, 0]) book.add({ id: at(ids, 0), addresses: [addressOf(index)] }, 'strategy/mdns')
  expect(addressesIn(book)[0]).toBe(addressOf(0).toString())
})

it('never loses the latest record nor the address that was reached, whatever is said in whatever order', () => {
  const addresses = fc.array(fc.nat(300), { minLength: 1, maxLength: 7 })
  const word = fc.record({ seq: fc.option(fc.bigInt({ min: 0n, max: 5n })), addresses, isReached: fc.boolean() })
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 30 }), (words) => {
      const book = makeBook()
      const id = at(ids, 0)
      let latest: { seq: bigint; addresses: number[] } | undefined
      let reached: number | undefined
      for (const { seq, addresses: said, isReached } of words) {
        if (isReached) reached = at(said, 0)
        if (isReached) book.succeeded({ id, addresses: said.map(addressOf) })
        else if (seq === null) book.add({ id, addresses: said.map(addressOf) }, 'a')
        else book.add(signedCandidateOf(id, seq, ...said), 'a')
        if (!isReached && seq !== null && seq >= (latest?.seq ?? 0n)) latest = { seq, addresses: said }
        const sure = named(...(reached === undefined ? [] : [reached]), ...(latest?.addresses ?? []))
        expect(addressesIn(book)).toEqual(expect.arrayContaining(sure))
        expect(addressesIn(book).length).toBeLessThanOrEqual(8)
      }
    }),
  )
})

it('holds an address once, with and without the peer id at its end, and none that is too long', () => {
  const book = makeBook()
  const address = addressOf(0)
  const long = multiaddr(`/dns4/${'a'.repeat(300)}.example.org/tcp/1`)
  book.add({ id: at(ids, 0), addresses: [long, address.encapsulate(`/p2p/${keyOf(0)}`), address] }, 'a')
  expect(book.get(keyOf(0))?.addresses.map(String)).toEqual([address.toString()])
  expect(book.add({ id: at(ids, 1), addresses: [long] }, 'a')).toBe(false)
})

it('does not hold a role or region of more than 64 characters', () => {
  const book = makeBook()
  book.add({ ...make(0), role: 'r'.repeat(65), region: 'r'.repeat(64) }, 'a')
  expect(book.get(keyOf(0))?.role).toBeUndefined()
  expect(book.get(keyOf(0))?.region).toHaveLength(64)
})

it('refuses a newcomer whose place in the new table is taken, unless its holder failed thrice or is 30 days old', () => {
  const book = makeBook(TINY)
  book.add(make(0), 'a')
  expect(book.add(make(1), 'a')).toBe(false)
  for (let i = 0; i < 3; i++) book.failed(keyOf(0))
  expect(book.add(make(1), 'a')).toBe(true)
  expect(book.get(keyOf(0))).toBeUndefined()
  vi.advanceTimersByTime(30 * DAY_MS)
  expect(book.add(make(2), 'a')).toBe(false)
  vi.advanceTimersByTime(1)
  expect(book.add(make(2), 'a')).toBe(true)
})

it('forgets a new peer, and unmakes a tried one, after 10 failed dials in a row', () => {
  const book = makeBook()
  book.add(make(0), 'a')
  book.succeeded(make(1))
  for (let i = 0; i < 9; i++) for (const index of [0, 1]) book.failed(keyOf(index))
  expect(book.counts).toEqual({ new: 1, tried: 1 })
  for (const index of [0, 1]) book.failed(keyOf(index))
  expect(book.counts).toEqual({ new: 0, tried: 0 })
})

it('counts failures anew after a success', () => {
  const book = makeBook()
  book.succeeded(make(0))
  for (let i = 0; i < 9; i++) book.failed(keyOf(0))
  book.succeeded(make(0))
  for (let i = 0; i < 9; i++) book.failed(keyOf(0))
  expect(book.counts.tried).toBe(1)
})

it('tests who holds a contested place: one that fails makes room for the challenger', () => {
  const book = makeBook(TINY)
  book.succeeded(make(0))
  vi.advanceTimersByTime(DAY_MS)
  book.succeeded(make(1))
  expect(book.get(keyOf(1))?.table).toBe('new')
  expect(book.feeler()?.id).toBe(at(ids, 0))
  book.failed(keyOf(0))
  expect(book.get(keyOf(1))?.table).toBe('tried')
  expect(book.get(keyOf(0))?.table).toBe('new')
})

it('tests who holds a contested place: one that answers keeps it', () => {
  const book = makeBook(TINY)
  book.succeeded(make(0))
  vi.advanceTimersByTime(DAY_MS)
  book.succeeded(make(1))
  book.succeeded(make(0))
  book.failed(keyOf(0))
  expect(book.get(keyOf(0))?.table).toBe('tried')
  expect(book.get(keyOf(1))?.table).toBe('new')
})

it('tests the holders of contested places in turn', () => {
  const book = makeBook({ newBuckets: 64, triedBuckets: 1, slotsPerBucket: 2 })
  for (let index = 0; book.counts.tried < 2; index++) book.succeeded(make(index))
  vi.advanceTimersByTime(DAY_MS)
  for (let index = 100; index < 140; index++) book.succeeded(make(index))
  const tested = [book.feeler(), book.feeler(), book.feeler()].map((entry) => entry?.id)
  expect(new Set(tested).size).toBe(2)
  expect(tested[2]).toBe(tested[0])
})

it('lets nobody contest the place of a peer that was reached within 4 hours', () => {
  const book = makeBook(TINY)
  book.succeeded(make(0))
  vi.advanceTimersByTime(4 * 3_600_000 - 1)
  book.succeeded(make(1))
  book.failed(keyOf(0))
  expect(book.get(keyOf(0))?.table).toBe('tried')
})

it('lets a place be contested that was won while the clock of a running node was a year ahead', () => {
  const book = makeBook(TINY)
  const nowMs = Date.UTC(2026, 10, 20)
  vi.setSystemTime(nowMs)
  book.checkTimes()
  vi.setSystemTime(nowMs + 365 * DAY_MS)
  book.succeeded(make(0))
  vi.setSystemTime(nowMs)
  book.checkTimes()
  vi.setSystemTime(nowMs + DAY_MS)
  book.succeeded(make(1))
  // Its holder is the one to test, and not the newcomer.
  expect(book.feeler()?.id.toString()).toBe(keyOf(0))
  expect(book.get(keyOf(0))?.reachedMs).toBe(nowMs)
})

it('gives up the contest of a challenger that is gone', () => {
  const book = makeBook(TINY)
  book.succeeded(make(0))
  vi.advanceTimersByTime(DAY_MS)
  book.succeeded(make(1))
  for (let i = 0; i < 10; i++) book.failed(keyOf(1))
  expect(book.feeler()).toBeUndefined()
  book.failed(keyOf(0))
  expect(book.get(keyOf(0))?.table).toBe('tried')
})

it('offers both tables in equal parts, and those that fit a need first', () => {
  const book = makeBook()
  for (let index = 0; index < 40; index++) book.succeeded(make(index * 60))
  for (let index = 0; index < 40; index++) book.add(make(index * 7 + 1), `source ${index}`)
  const tables = book.select([{ count: 8 }], 20).map(({ table }) => table)
  expect(tables.filter((table) => table === 'tried')).toHaveLength(10)

  book.succeeded({ ...make(2_499), role: 'authority' })
  const [first] = book.select([{ role: 'authority', count: 1 }], 4)
  expect(first?.id).toBe(at(ids, 2_499))
  expect(book.select([], 1_000)).toHaveLength(book.counts.new + book.counts.tried)
})

it('places the same peer elsewhere under another secret', () => {
  const places = [1, 2].map((secret) => new BookPlaces(new Uint8Array(32).fill(secret), DEFAULTS))
  const found = ids.slice(0, 50).map((id) => places.map((one) => one.inNew(id.toString(), 'a')))
  expect(found.filter(([a, b]) => a === b).length).toBeLessThan(10)
})

it('gives whoever tells of thousands its sixteenth of the new table, and nothing of the tried one', () => {
  const attack = fc.record({
    secret: fc.nat(255),
    sources: fc.uniqueArray(fc.nat(60_000), { minLength: 1, maxLength: 3 }),
    records: fc.integer({ min: 800, max: 1_200 }),
    honest: fc.integer({ min: 1, max: 300 }),
  })
  fc.assert(
    fc.property(attack, ({ secret, sources, records, honest }) => {
      const book = makeBook(DEFAULTS, secret)
      for (let index = 0; index < honest; index++) book.succeeded(make(index * 7))
      const before = book.select([], 5_000).filter(({ table }) => table === 'tried')
      for (let index = 0; index < records; index++) {
        const id = at(ids, ids.length - 1 - index)
        if (!before.some((entry) => entry.id === id)) {
          book.add(candidateOf(id, index * 31), `source ${at(sources, index % sources.length)}`)
        }
      }
      const after = book.select([], 5_000)
      expect(
        after
          .filter(({ table }) => table === 'tried')
          .map(({ id }) => id.toString())
          .toSorted(),
      ).toEqual(before.map(({ id }) => id.toString()).toSorted())
      for (const source of sources) {
        const share = after.filter(({ table, group }) => table === 'new' && group === `source ${source}`)
        expect(share.length).toBeLessThanOrEqual((256 * 16) / 16)
      }
    }),
    { numRuns: 3 },
  )
})

it('gives one network group its sixteenth of the tried table, however many peers answer there', () => {
  const book = makeBook()
  for (const [index, id] of ids.slice(0, 1_500).entries()) {
    vi.advanceTimersByTime(1_000)
    book.succeeded({ id, addresses: [multiaddr(`/ip4/203.0.113.1/tcp/${index + 1}`)] })
  }
  expect(book.counts.tried).toBeLessThanOrEqual((64 * 16) / 16)
  expect(book.counts.tried).toBeGreaterThan(32)
  expect(book.counts.new).toBeLessThanOrEqual((256 * 16) / 16)
})

it('gives all relayed peers together a sixteenth of the tried table, however many relays they are behind', () => {
  const book = makeBook()
  for (const [index, id] of ids.slice(0, 1_500).entries()) {
    const relay = `/ip4/${(index % 16) + 20}.1.2.3/tcp/4001/p2p/${keyOf(2_499)}`
    book.succeeded({ id, addresses: [multiaddr(`${relay}/p2p-circuit`)] })
  }
  expect(book.counts.tried).toBeLessThanOrEqual((64 * 16) / 16)
})

it('keeps every peer in one place of one table, whatever happens', () => {
  const step = fc.tuple(fc.constantFrom('add', 'succeeded', 'failed', 'wait'), fc.nat(30), fc.nat(3))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), fc.integer({ min: 1, max: 4 }), (steps, slotsPerBucket) => {
      const book = makeBook({ newBuckets: 2, triedBuckets: 2, slotsPerBucket })
      for (const [what, index, source] of steps) {
        if (what === 'add') book.add(make(index), `source ${source}`)
        else if (what === 'succeeded') book.succeeded(make(index))
        else if (what === 'failed') book.failed(keyOf(index))
        else vi.advanceTimersByTime(DAY_MS)
        const { new: heard, tried } = book.counts
        const entries = ids.slice(0, 31).flatMap((id) => book.get(id.toString()) ?? [])
        expect(entries.filter(({ table }) => table === 'new')).toHaveLength(heard)
        expect(entries.filter(({ table }) => table === 'tried')).toHaveLength(tried)
        expect(Math.max(heard, tried)).toBeLessThanOrEqual(2 * slotsPerBucket)
        expect(new Set(book.select([], 100)).size).toBe(entries.length)
      }
    }),
  )
})
