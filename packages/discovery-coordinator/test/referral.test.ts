import type { Connection, Peer, PeerId } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { PeerRecord, RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, it, onTestFinished } from 'vitest'
import { PEER_EXCHANGE_PROTOCOL, peerExchange, type Strategy } from '../src/index.ts'
import { addressOf, at, collect, FakePeerManager, makeKeys, makePeerIds } from './support.ts'

const keys = await makeKeys(12)
const ids = keys.map((key) => peerIdFromPrivateKey(key))
const others = await makePeerIds(2, 100)
const [full, asker] = [at(others, 0), at(others, 1)]
const { signal } = new AbortController()

async function seal(index: number, by = index, multiaddrs = [addressOf(index)]): Promise<Uint8Array> {
  const record = new PeerRecord({ peerId: at(ids, index), multiaddrs })
  return (await RecordEnvelope.seal(record, at(keys, by))).marshal()
}

const records = await Promise.all(keys.map(async (_, index) => seal(index)))

function connectionTo(remotePeer: PeerId): Connection {
  return { remotePeer, remoteAddr: addressOf(99), status: 'open' } as unknown as Connection
}

/** The strategy of a node that has met `known`, and has no peers. */
async function start(known: readonly number[] = []): Promise<{ strategy: Strategy; manager: FakePeerManager }> {
  const peers: Peer[] = known.map((index) => ({
    id: at(ids, index),
    addresses: [{ multiaddr: addressOf(index), isCertified: true }],
    protocols: [PEER_EXCHANGE_PROTOCOL],
    peerRecordEnvelope: at(records, index),
    tags: new Map(),
    metadata: new Map(),
  }))
  const manager = new FakePeerManager()
  const strategy = peerExchange()({
    connectionManager: { getConnections: () => [] },
    peerStore: { forEach: async (take) => peers.forEach(take), get: () => Promise.reject(new RangeError('unknown')) },
    registrar: { handle: async () => undefined, unhandle: async () => undefined },
    logger: defaultLogger(),
    peerManager: manager,
  })
  await strategy.start?.()
  onTestFinished(async () => strategy.stop?.())
  return { strategy, manager }
}

async function found(strategy: Strategy): Promise<{ id: PeerId; source?: unknown }[]> {
  return collect(strategy.discover({ need: [], signal }))
}

it('refers whoever is turned away to at most 8 peers, never to itself or to one that is banned', async () => {
  const { strategy, manager } = await start(ids.map((_, index) => index))
  const told = (await strategy.referrals?.(asker, signal)) ?? []
  expect(told).toHaveLength(8)
  expect(records).toEqual(expect.arrayContaining([...told]))
  for (const banned of ids.slice(0, 9)) manager.banned.add(banned.toString())
  expect(new Set(await strategy.referrals?.(at(ids, 9), signal))).toEqual(new Set([at(records, 10), at(records, 11)]))
})

it('tries what a full peer tells of others, on the word of its address, and once', async () => {
  const { strategy } = await start()
  strategy.referred?.(records.slice(0, 3), connectionTo(full))
  expect(await found(strategy)).toMatchObject([0, 1, 2].map((index) => ({ id: at(ids, index), source: addressOf(99) })))
  expect(await found(strategy)).toEqual([])
})

it.each<[string, Uint8Array, string]>([
  ['another signed', await seal(1, 2), 'invalid-signature'],
  ['is none', Uint8Array.of(1, 2, 3), 'protocol-violation'],
])('believes nothing of a peer that tells a record which %s, and blames it', async (_, record, report) => {
  const { strategy, manager } = await start()
  strategy.referred?.([at(records, 0), record], connectionTo(full))
  strategy.referred?.([at(records, 3)], connectionTo(asker))
  expect((await found(strategy)).map(({ id }) => id)).toEqual([at(ids, 3)])
  expect(manager.told).toEqual([`${report} ${full.toString()}`])
})

it('passes over an address that can be read and not written, and loses nobody else by it', async () => {
  const { strategy } = await start()
  // A path that begins with a character of two UTF-16 units, of which the writer drops one.
  const unwritable = multiaddr(Uint8Array.of(0xe1, 0x03, 4, 0xf0, 0x9f, 0x98, 0x80))
  expect(() => unwritable.toString()).toThrow(URIError)
  strategy.referred?.(
    [await seal(0, 0, [unwritable]), await seal(1, 1, [unwritable, addressOf(1)])],
    connectionTo(full),
  )
  strategy.referred?.([at(records, 2)], connectionTo(asker))
  expect(await found(strategy)).toMatchObject(
    [1, 2].map((index) => ({ id: at(ids, index), addresses: [addressOf(index)] })),
  )
})

it('keeps the latest 32 refusals, of each 8 records, and none while it is stopped', async () => {
  const { strategy } = await start()
  strategy.referred?.([at(records, 11)], connectionTo(full))
  for (let i = 0; i < 32; i++) strategy.referred?.(records.slice(0, 9), connectionTo(full))
  const told = (await found(strategy)).map(({ id }) => id.toString())
  expect(told).toHaveLength(32 * 8)
  expect(new Set(told)).toEqual(new Set(ids.slice(0, 8).map(String)))
  strategy.referred?.(records, connectionTo(full))
  await strategy.stop?.()
  strategy.referred?.(records, connectionTo(full))
  await strategy.start?.()
  expect(await found(strategy)).toEqual([])
})
