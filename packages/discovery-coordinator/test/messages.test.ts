import { readFile } from 'node:fs/promises'
import type { Peer, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import fc from 'fast-check'
import { afterEach, beforeAll, expect, it, vi } from 'vitest'
import { PEER_EXCHANGE_PROTOCOL } from '../src/constants.ts'
import { decodeReply, decodeRequest, encodeReply, encodeRequest, sizeInReply } from '../src/exchange-messages.ts'
import { RecordSampler, type SampleLimits } from '../src/record-sampler.ts'
import { openRecord } from '../src/signed-record.ts'
import { addressOf, at, makeKeys, makePeerIds } from './support.ts'

const LIMITS = { maxRecords: 250, maxRecordBytes: 2_048 }
const never = new AbortController().signal
const nobody = at(await makePeerIds(1, 1_000), 0)
let keys: PrivateKey[] = []

beforeAll(async () => {
  keys = await makeKeys(30)
})
afterEach(() => {
  vi.useRealTimers()
})

async function golden(file: string): Promise<Uint8Array> {
  const hex = await readFile(new URL(`fixtures/${file}.hex`, import.meta.url), 'utf8')
  return Uint8Array.from(Buffer.from(hex.trim(), 'hex'))
}

/** The record of key `index`, signed by key `signer`. */
async function seal(
  index: number,
  changes: { signer?: number; addresses?: number; domain?: string } = {},
): Promise<Uint8Array> {
  const { signer = index, addresses = 1, domain } = changes
  const peerId = peerIdFromPrivateKey(at(keys, index))
  const multiaddrs = Array.from({ length: addresses }, (_, number) => addressOf(index + number))
  const record = new PeerRecord({ peerId, multiaddrs, seqNumber: 1n })
  if (domain !== undefined) record.domain = domain
  const envelope = await RecordEnvelope.seal(record, at(keys, signer))
  return envelope.marshal()
}

it('keeps the bytes of a request', async () => {
  const bytes = await golden('request')
  expect(decodeRequest(bytes)).toBe(250)
  expect(encodeRequest(250)).toEqual(bytes)
})

it('keeps the bytes of a reply, and of the records in it', async () => {
  const bytes = await golden('reply')
  const records = decodeReply(bytes, LIMITS)
  expect(encodeReply(records)).toEqual(bytes)
  expect(records).toEqual(await Promise.all([seal(0), seal(1, { addresses: 2 })]))
  const opened = await Promise.all(records.map(async (record) => openRecord(record, 8, never)))
  expect(opened.map((one) => `${one?.id.toString()} ${one?.addresses.join()}`)).toEqual([
    `${peerIdFromPrivateKey(at(keys, 0)).toString()} ${addressOf(0).toString()}`,
    `${peerIdFromPrivateKey(at(keys, 1)).toString()} ${addressOf(1).toString()},${addressOf(2).toString()}`,
  ])
})

it('reads back every request and every reply within its limits', () => {
  fc.assert(fc.property(fc.nat(2 ** 32 - 1), (limit) => decodeRequest(encodeRequest(limit)) === limit))
  const records = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 250 })
  fc.assert(
    fc.property(records, (list) => {
      const bytes = encodeReply(list)
      expect(decodeReply(bytes, LIMITS).map((one) => Array.from(one))).toEqual(list.map((one) => Array.from(one)))
      expect(list.reduce((sum, one) => sum + sizeInReply(one), 0)).toBe(bytes.byteLength)
    }),
  )
})

it('skips fields that it does not know', () => {
  const unknown = Uint8Array.of(0x7a, 2, 1, 2)
  expect(decodeRequest(Uint8Array.of(...unknown, ...encodeRequest(7)))).toBe(7)
  expect(decodeReply(Uint8Array.of(...encodeReply([Uint8Array.of(1)]), ...unknown), LIMITS)).toHaveLength(1)
})

/** What was thrown, or returned. */
async function outcomeOf(work: () => unknown): Promise<unknown> {
  try {
    return await work()
  } catch (err) {
    return err
  }
}

it('throws nothing untyped for any bytes', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      for (const decode of [decodeRequest, (one: Uint8Array) => decodeReply(one, LIMITS)]) {
        const outcome = await outcomeOf(() => decode(bytes))
        const report = outcome instanceof Error ? outcome : { name: 'PeerExchangeError', report: 'protocol-violation' }
        expect(report).toMatchObject({ name: 'PeerExchangeError', report: 'protocol-violation' })
      }
    }),
    { numRuns: 1_000 },
  )
})

it('refuses the 251st record, and one of more than maxRecordBytes', () => {
  const record = new Uint8Array(8)
  expect(decodeReply(encodeReply(Array.from({ length: 250 }, () => record)), LIMITS)).toHaveLength(250)
  const oversized = expect.objectContaining({ code: 'oversized', report: 'protocol-violation' })
  expect(() => decodeReply(encodeReply(Array.from({ length: 251 }, () => record)), LIMITS)).toThrow(oversized)
  expect(decodeReply(encodeReply([new Uint8Array(2_048)]), LIMITS)).toHaveLength(1)
  expect(() => decodeReply(encodeReply([new Uint8Array(2_049)]), LIMITS)).toThrow(oversized)
})

it('tells what was signed, and when in the order of records', async () => {
  const opened = await openRecord(await seal(0), 8, never)
  expect(opened?.record?.seq).toBe(1n)
  expect(opened?.record?.addresses.map(String)).toEqual([addressOf(0).toString()])
})

it('takes no more than maxAddresses from a record', async () => {
  const opened = await openRecord(await seal(0, { addresses: 20 }), 8, never)
  expect(opened?.addresses).toHaveLength(8)
})

it('takes a record without addresses for one that says nothing, and blames nobody', async () => {
  expect(await openRecord(await seal(0, { addresses: 0 }), 8, never)).toBeUndefined()
})

it('refuses a record that its subject did not sign', async () => {
  const forged = { name: 'PeerExchangeError', code: 'forged', report: 'invalid-signature' }
  await expect(openRecord(await seal(0, { signer: 1 }), 8, never)).rejects.toMatchObject(forged)
  await expect(openRecord(await seal(0, { domain: 'another' }), 8, never)).rejects.toMatchObject(forged)
})

it('finds in a record with any bit flipped what was signed, or a typed error', async () => {
  const record = await seal(0)
  const signed = await openRecord(record, 8, never)
  let refused = 0
  for (let bit = 0; bit < record.byteLength * 8; bit++) {
    const flipped = Uint8Array.from(record)
    flipped[bit >> 3] = at([...record], bit >> 3) ^ (1 << (bit & 7))
    const outcome = await outcomeOf(async () => openRecord(flipped, 8, never))
    const isRefused = outcome instanceof Error && outcome.name === 'PeerExchangeError'
    if (isRefused) refused++
    expect(isRefused ? signed : outcome).toEqual(signed)
  }
  // A few bits of the protobuf frame mean nothing to its reader.
  expect(refused).toBeGreaterThan(record.byteLength * 8 - 20)
})

async function makeStore(
  count: number,
  changes: Partial<Peer> = {},
): Promise<{ reads: number; forEach(take: (peer: Peer) => void): Promise<void> }> {
  const peers = await Promise.all(
    keys.slice(0, count).map(async (key, index) => {
      const peer: Peer = {
        id: peerIdFromPrivateKey(key),
        addresses: [{ multiaddr: addressOf(index), isCertified: true }],
        protocols: [PEER_EXCHANGE_PROTOCOL],
        metadata: new Map(),
        tags: new Map(),
        peerRecordEnvelope: await seal(index),
      }
      return Object.assign(peer, changes)
    }),
  )
  const store = {
    reads: 0,
    forEach: async (take: (peer: Peer) => void) => {
      store.reads++
      for (const peer of peers) take(peer)
    },
  }
  return store
}

function name(index: number): string {
  return peerIdFromPrivateKey(at(keys, index)).toString()
}

function inOrder(a: string, b: string): number {
  return a < b ? -1 : 1
}

const SAMPLER = { ...LIMITS, maxSharedRecords: 1_000 }

function atMost(records: number, bytes = 262_144): SampleLimits {
  return { records, bytes }
}

it('samples at random, without the asker and the unwanted, and no more than was asked for', async () => {
  const sampler = new RecordSampler(await makeStore(30), SAMPLER)
  const all = await sampler.sample(
    peerIdFromPrivateKey(at(keys, 0)),
    atMost(250),
    (peer) => peer.toString() === name(1),
  )
  const subjects = await Promise.all(all.map(async (one) => (await openRecord(one, 8, never))?.id.toString() ?? ''))
  expect(subjects.toSorted(inOrder)).toEqual(
    Array.from({ length: 28 }, (_, index) => name(index + 2)).toSorted(inOrder),
  )
  expect(await sampler.sample(nobody, atMost(5), () => false)).toHaveLength(5)
  const samples = await Promise.all(
    Array.from({ length: 20 }, async () =>
      Buffer.concat(await sampler.sample(nobody, atMost(3), () => false)).toString('hex'),
    ),
  )
  expect(new Set(samples).size).toBeGreaterThan(10)
})

it('keeps within the limits of a reply, and of what is held for replies', async () => {
  const store = await makeStore(30)
  const size = async (changes: object): Promise<number> =>
    (await new RecordSampler(store, { ...SAMPLER, ...changes }).sample(nobody, atMost(250), () => false)).length
  expect(await size({ maxSharedRecords: 9 })).toBe(9)
  expect(await size({ maxRecordBytes: 100 })).toBe(0)
  const sample = await new RecordSampler(store, SAMPLER).sample(nobody, atMost(250, 1_000), () => false)
  expect(sample.length).toBeGreaterThan(2)
  expect(encodeReply(sample).byteLength).toBeLessThanOrEqual(1_000)
})

it.each<[string, Partial<Peer>]>([
  ['does not speak the protocol', { protocols: [] }],
  ['has no address any more', { addresses: [] }],
])('does not tell of a peer that %s', async (_, changes) => {
  const sampler = new RecordSampler(await makeStore(3, changes), SAMPLER)
  expect(await sampler.sample(nobody, atMost(250), () => false)).toEqual([])
})

it('reads the peer store once in a while, however many ask, and anew after a failure', async () => {
  vi.useFakeTimers({ toFake: ['performance'] })
  const store = await makeStore(3)
  const sampler = new RecordSampler(store, SAMPLER)
  for (let i = 0; i < 5; i++) await sampler.sample(nobody, atMost(250), () => false)
  vi.advanceTimersByTime(999)
  await Promise.all([1, 2, 3].map(async () => sampler.sample(nobody, atMost(250), () => false)))
  expect(store.reads).toBe(1)
  vi.advanceTimersByTime(1)
  const reading = vi.spyOn(store, 'forEach').mockRejectedValueOnce(new TypeError('thrown by a test'))
  await expect(sampler.sample(nobody, atMost(250), () => false)).rejects.toThrow('thrown by a test')
  reading.mockRestore()
  expect(await sampler.sample(nobody, atMost(250), () => false)).toHaveLength(3)
})
