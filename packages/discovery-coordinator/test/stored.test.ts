import { type IdentifyResult, type Libp2pEvents, TypedEventEmitter } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { multiaddr } from '@multiformats/multiaddr'
import { MemoryDatastore } from 'datastore-core'
import fc from 'fast-check'
import { type Datastore, Key } from 'interface-datastore'
import { afterEach, expect, it, vi } from 'vitest'
import { type BookEntry, isStale } from '../src/book-entry.ts'
import { DATASTORE_PREFIX } from '../src/constants.ts'
import { type SourcedCandidate, stored, type StoredInit, type Strategy } from '../src/index.ts'
import { decodeEntry, encodeEntry } from '../src/stored-entry.ts'
import { addressOf, at, candidateOf, collect, makePeerIds } from './support.ts'

const ids = await makePeerIds(20)
const DAY_MS = 86_400_000
const NEED = { need: [], signal: new AbortController().signal }

afterEach(() => {
  vi.useRealTimers()
})

interface Made {
  strategy: Strategy
  events: TypedEventEmitter<Libp2pEvents>
}

async function start(datastore: Datastore, init: StoredInit = {}): Promise<Made> {
  const events = new TypedEventEmitter<Libp2pEvents>()
  const strategy = stored(init)({ datastore, events, logger: defaultLogger() })
  await strategy.start?.()
  return { strategy, events }
}

async function offers({ strategy }: Made): Promise<SourcedCandidate[]> {
  return collect(strategy.discover(NEED))
}

async function names(made: Made): Promise<string[]> {
  return (await offers(made)).map(({ id }) => id.toString()).toSorted()
}

function keyOf(name: string): Key {
  return new Key(`${DATASTORE_PREFIX}/peers/${name}`)
}

it('offers after a restart what it learnt before, with addresses, role and region', async () => {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  first.strategy.found?.(candidateOf(at(ids, 0), 0), 'kademlia')
  first.strategy.succeeded?.({ ...candidateOf(at(ids, 1), 1), role: 'authority', region: 'north' })
  await first.strategy.stop?.()

  const second = await start(datastore)
  expect(await names(second)).toEqual([at(ids, 0), at(ids, 1)].map(String).toSorted())
  const found = (await offers(second)).find(({ id }) => id.equals(at(ids, 1)))
  expect(found).toMatchObject({ role: 'authority', region: 'north', table: 'tried' })
  expect(found?.addresses.map(String)).toEqual([addressOf(1).toString()])
  await second.strategy.stop?.()
})

it('keeps when it heard of a peer while the clock is not set, and takes what is far ahead of one that is as now', () => {
  vi.useFakeTimers()
  const savedMs = Date.UTC(2026, 10, 20)
  const { id, addresses } = candidateOf(at(ids, 0), 0)
  const entry: BookEntry = {
    id,
    addresses,
    table: 'new',
    group: 'g',
    failures: 0,
    addedMs: savedMs,
    reachedMs: savedMs,
  }
  const ahead = { ...entry, addedMs: savedMs + 40 * DAY_MS, reachedMs: savedMs + 40 * DAY_MS }
  vi.setSystemTime(60_000)
  const kept = decodeEntry(id, encodeEntry(entry), 8)
  expect(kept).toMatchObject({ addedMs: savedMs, reachedMs: savedMs })
  expect([savedMs, savedMs + 31 * DAY_MS].map((nowMs) => isStale(kept, nowMs))).toEqual([false, true])
  vi.setSystemTime(savedMs)
  expect(decodeEntry(id, encodeEntry(ahead), 8)).toMatchObject({ addedMs: savedMs, reachedMs: savedMs })
})

it('takes what was read before the clock was set, and is far ahead of it, as of the time when it is', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2099, 0, 1) })
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  first.strategy.found?.(candidateOf(at(ids, 0), 0), 'kademlia')
  await first.strategy.stop?.()
  vi.setSystemTime(60_000)
  const second = await start(datastore)
  expect(await offers(second)).toMatchObject([{ addedMs: Date.UTC(2099, 0, 1) }])
  const nowMs = Date.UTC(2026, 10, 20)
  vi.setSystemTime(nowMs)
  await second.strategy.stop?.()
  expect(await offers(second)).toMatchObject([{ addedMs: nowMs }])
  const bytes = await datastore.get(keyOf(at(ids, 0).toString()))
  expect(decodeEntry(at(ids, 0), bytes, 8).addedMs).toBe(nowMs)
})

it('holds nothing of peers that came and went while the datastore failed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  const datastore = new MemoryDatastore()
  const made = await start(datastore, { saveIntervalMs: 1_000 })
  made.strategy.found?.(candidateOf(at(ids, 0), 0), 'kademlia')
  await vi.advanceTimersByTimeAsync(1_000)
  const batch = datastore.batch.bind(datastore)
  let deleted: string[] = []
  const broken = vi.spyOn(datastore, 'batch').mockImplementation(() => {
    deleted = []
    const one = batch()
    const forget = (key: Key): void => void deleted.push(key.baseNamespace())
    return { ...one, put: () => undefined, delete: forget, commit: () => Promise.reject(new RangeError('no space')) }
  })
  for (const [index, id] of ids.entries()) {
    made.strategy.found?.(candidateOf(id, index), 'kademlia')
    for (let i = 0; i < 10; i++) made.strategy.failed?.(id)
    await vi.advanceTimersByTimeAsync(1_000)
  }
  await vi.advanceTimersByTimeAsync(1_000)
  expect(deleted).toEqual([at(ids, 0).toString()])
  broken.mockRestore()
  await made.strategy.stop?.()
  expect(await names(await start(datastore))).toEqual([])
})

it('offers what it can read though the disk is full, and takes no deletion of what it cannot', async () => {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  first.strategy.found?.(candidateOf(at(ids, 0), 0), 'kademlia')
  await first.strategy.stop?.()
  await datastore.put(keyOf(at(ids, 1).toString()), new Uint8Array([1]))
  const batch = datastore.batch.bind(datastore)
  vi.spyOn(datastore, 'batch').mockImplementation(() => {
    return { ...batch(), commit: () => Promise.reject(new RangeError('no space')) }
  })
  const second = await start(datastore)
  expect(await names(second)).toEqual([at(ids, 0).toString()])
  await second.strategy.stop?.()
})

/** A datastore of many peers that takes a second to give each, and who they are. */
async function slowDisk(): Promise<{ datastore: MemoryDatastore; held: string[] }> {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  for (const [index, id] of ids.entries()) first.strategy.found?.(candidateOf(id, index), 'kademlia')
  await first.strategy.stop?.()
  const held = await names(first)
  const query = datastore.query.bind(datastore)
  vi.spyOn(datastore, 'query').mockImplementation(async function* (...args) {
    for await (const pair of query(...args)) {
      await vi.advanceTimersByTimeAsync(1_000)
      yield pair
    }
  })
  return { datastore, held }
}

it('reads a disk that is slow to its end, as long as no single read takes storageTimeoutMs', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  const { datastore, held } = await slowDisk()
  expect(held.length).toBeGreaterThan(10)
  const patient = await start(datastore, { storageTimeoutMs: 3_000 })
  expect(await names(patient)).toEqual(held)
  await patient.strategy.stop?.()
  const hasty = await start(datastore, { storageTimeoutMs: 500 })
  expect(await names(hasty)).toEqual([])
  await hasty.strategy.stop?.()
})

it('reads nothing more once it is stopped, which is no error', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'clearTimeout'] })
  const events = new TypedEventEmitter<Libp2pEvents>()
  const { datastore } = await slowDisk()
  const log = defaultLogger().forComponent('test')
  const onError = vi.spyOn(log, 'error')
  const strategy = stored({ storageTimeoutMs: 60_000 })({ datastore, events, logger: { forComponent: () => log } })
  const started = strategy.start?.()
  await strategy.stop?.()
  await started
  expect(await collect(strategy.discover(NEED))).toEqual([])
  expect(onError).not.toHaveBeenCalled()
})

it('forgets in the datastore what it forgets', async () => {
  const datastore = new MemoryDatastore()
  const made = await start(datastore)
  made.strategy.found?.(candidateOf(at(ids, 0), 0), 'kademlia')
  await made.strategy.stop?.()
  await made.strategy.start?.()
  for (let i = 0; i < 10; i++) made.strategy.failed?.(at(ids, 0))
  await made.strategy.stop?.()
  expect(await names(await start(datastore))).toEqual([])
})

it('skips and removes what it cannot read, and goes on with the rest', async () => {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  for (const index of [0, 1, 2, 3]) first.strategy.succeeded?.(candidateOf(at(ids, index), index * 256))
  await first.strategy.stop?.()
  await datastore.put(keyOf(at(ids, 0).toString()), Uint8Array.of(1, 2, 3))
  await datastore.put(keyOf(at(ids, 1).toString()), new TextEncoder().encode('{"v":1}'))
  await datastore.put(keyOf('nobody'), new TextEncoder().encode('{}'))

  const second = await start(datastore)
  expect(await names(second)).toEqual([at(ids, 2), at(ids, 3)].map(String).toSorted())
  await second.strategy.stop?.()
  expect(await datastore.has(keyOf('nobody'))).toBe(false)
})

it('makes a new secret where the stored one is of the wrong length, and keeps the peers', async () => {
  const datastore = new MemoryDatastore()
  const first = await start(datastore)
  first.strategy.succeeded?.(candidateOf(at(ids, 0), 0))
  await first.strategy.stop?.()
  const secret = new Key(`${DATASTORE_PREFIX}/secret`)
  await datastore.put(secret, Uint8Array.of(1))
  expect(await names(await start(datastore))).toHaveLength(1)
  expect(await datastore.get(secret)).toHaveLength(32)
})

it('works without what is stored where the datastore fails, and writes later what it could not at first', async () => {
  const datastore = new MemoryDatastore()
  const has = vi.spyOn(datastore, 'has').mockImplementation(() => {
    throw new TypeError('thrown by a test')
  })
  const batch = vi.spyOn(datastore, 'batch').mockImplementation(() => {
    throw new TypeError('thrown by a test')
  })
  const made = await start(datastore)
  made.strategy.succeeded?.(candidateOf(at(ids, 0), 0))
  await made.strategy.stop?.()
  expect(await names(made)).toHaveLength(1)
  has.mockRestore()
  batch.mockRestore()
  await made.strategy.start?.()
  await made.strategy.stop?.()
  expect(await names(await start(datastore))).toHaveLength(1)
})

it('gives up on a datastore that does not answer within storageTimeoutMs', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const datastore = new MemoryDatastore()
  vi.spyOn(datastore, 'has').mockReturnValue(new Promise(() => undefined) as never)
  const starting = start(datastore, { storageTimeoutMs: 100 })
  await vi.advanceTimersByTimeAsync(100)
  const made = await starting
  await made.strategy.stop?.()
  expect(vi.getTimerCount()).toBe(0)
})

it('writes what changed each saveIntervalMs', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  const datastore = new MemoryDatastore()
  const made = await start(datastore, { saveIntervalMs: 5_000 })
  made.strategy.succeeded?.(candidateOf(at(ids, 0), 0))
  const key = new Key(`${DATASTORE_PREFIX}/peers/${at(ids, 0).toString()}`)
  expect(await datastore.has(key)).toBe(false)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await datastore.has(key)).toBe(true)
  await made.strategy.stop?.()
})

it('learns what connected peers say of themselves, and nothing any more after stop', async () => {
  const made = await start(new MemoryDatastore())
  const tell = (index: number): void => {
    const connection = { remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/40000') }
    const detail = { peerId: at(ids, index), listenAddrs: [addressOf(index)], protocols: [], connection }
    made.events.safeDispatchEvent('peer:identify', { detail: detail as unknown as IdentifyResult })
  }
  tell(0)
  expect(await names(made)).toEqual([at(ids, 0).toString()])
  await made.strategy.stop?.()
  tell(1)
  expect(await names(made)).toHaveLength(1)
})

it('believes what a connected peer says of itself now over what it signed before', async () => {
  const made = await start(new MemoryDatastore())
  const connection = { remoteAddr: multiaddr('/ip4/192.0.2.1/tcp/40000') }
  const identified = (seq: bigint, said: number, signed: number): void => {
    const signedPeerRecord = { seq, addresses: [addressOf(signed)] }
    const detail = { peerId: at(ids, 0), listenAddrs: [addressOf(said)], protocols: [], connection, signedPeerRecord }
    made.events.safeDispatchEvent('peer:identify', { detail: detail as unknown as IdentifyResult })
  }
  const first = async (): Promise<string | undefined> => (await offers(made))[0]?.addresses[0]?.toString()
  identified(5n, 1, 1)
  identified(6n, 2, 2)
  expect(await first()).toBe(addressOf(2).toString())
  // Its clock was set back, so libp2p tells of the later record that it knows.
  identified(6n, 3, 2)
  made.strategy.found?.({ id: at(ids, 0), addresses: [addressOf(4)] }, 'mdns')
  expect(await first()).toBe(addressOf(3).toString())
  await made.strategy.stop?.()
})

it('does not believe a peer that connects from afar that it is on this machine or in a private network', async () => {
  const made = await start(new MemoryDatastore())
  const tell = (index: number, remote: string, ...addresses: string[]): void => {
    const connection = { remoteAddr: multiaddr(remote) }
    const listenAddrs = addresses.map((address) => multiaddr(address))
    const detail = { peerId: at(ids, index), listenAddrs, protocols: [], connection }
    made.events.safeDispatchEvent('peer:identify', { detail: detail as unknown as IdentifyResult })
  }
  tell(0, '/ip4/203.0.114.1/tcp/40000', '/ip4/127.0.0.1/tcp/22', '/ip4/10.0.0.1/tcp/22')
  tell(1, '/ip4/203.0.114.1/tcp/40000', '/ip4/10.0.0.1/tcp/22', '/ip4/203.0.114.1/tcp/9000')
  expect((await offers(made)).map(({ addresses }) => addresses.map(String))).toEqual([['/ip4/203.0.114.1/tcp/9000']])
  await made.strategy.stop?.()
})

it('offers no more than maxPerRun', async () => {
  const made = await start(new MemoryDatastore(), { maxPerRun: 5 })
  for (let index = 0; index < 20; index++) made.strategy.succeeded?.(candidateOf(at(ids, index), index * 256))
  expect(await offers(made)).toHaveLength(5)
  await made.strategy.stop?.()
})

/** An entry with its addresses as text. */
function inWords({ addresses, record, ...rest }: BookEntry): object {
  const signed = record && { seq: record.seq, addresses: record.addresses.map(String) }
  return { ...rest, addresses: addresses.map(String), record: signed }
}

it('reads back what it writes, and refuses any other bytes with a typed error', () => {
  const id = at(ids, 0)
  const name = fc.option(fc.string({ minLength: 1, maxLength: 64 }), { nil: undefined })
  const entry = fc.record({
    table: fc.constantFrom('new' as const, 'tried' as const),
    group: fc.string(),
    role: name,
    region: name,
    failures: fc.nat(),
    addedMs: fc.nat(),
    reachedMs: fc.nat(),
    address: fc.nat(1_000),
    seq: fc.option(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })),
  })
  fc.assert(
    fc.property(entry, ({ role, region, address, seq, ...rest }) => {
      const said = { ...(role !== undefined && { role }), ...(region !== undefined && { region }) }
      const addresses = [addressOf(address)]
      const whole = { id, addresses, ...rest, ...said, ...(seq !== null && { record: { seq, addresses } }) }
      expect(inWords(decodeEntry(id, encodeEntry(whole), 8))).toEqual(inWords(whole))
    }),
  )
  const json = fc.jsonValue().map((value) => new TextEncoder().encode(JSON.stringify(value)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), json), (bytes) => {
      expect(() => decodeEntry(id, bytes, 8)).toThrow(expect.objectContaining({ name: 'CorruptEntryError' }))
    }),
  )
})
