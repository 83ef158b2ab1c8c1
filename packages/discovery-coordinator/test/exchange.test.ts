import type { Connection, Peer, PeerId, StreamHandler } from '@libp2p/interface'
import { defaultLogger } from '@libp2p/logger'
import { lpStream, streamPair } from '@libp2p/utils'
import { expect, it } from 'vitest'
import { decodeReply, encodeRequest } from '../src/exchange-messages.ts'
import { PEER_EXCHANGE_PROTOCOL, peerExchange, type Strategy } from '../src/index.ts'
import { addressOf, at, collect, FakePeerManager, makePeerIds } from './support.ts'

const ids = await makePeerIds(3)
const asker = at(ids, 0)
const { signal } = new AbortController()

/** The strategy over connections and known peers of the test's making, and its handler. */
async function start(connections: Connection[], known: Peer[], peerManager: FakePeerManager) {
  const handlers: StreamHandler[] = []
  const strategy: Strategy = peerExchange()({
    connectionManager: { getConnections: () => connections },
    peerStore: { forEach: async (take) => known.forEach(take), get: () => Promise.reject(new RangeError('unknown')) },
    registrar: { handle: async (_, handler) => void handlers.push(handler), unhandle: async () => undefined },
    logger: defaultLogger(),
    peerManager,
  })
  await strategy.start?.()
  return { strategy, handler: at(handlers, 0) }
}

function connectionTo(remotePeer: PeerId, changes: object): Connection {
  const connection = { remotePeer, remoteAddr: addressOf(0), status: 'open', ...changes }
  return connection as unknown as Connection
}

it('hands no record of a banned peer out', async () => {
  const known = [1, 2].map((index) => ({
    id: at(ids, index),
    addresses: [{ multiaddr: addressOf(index), isCertified: true }],
    protocols: [PEER_EXCHANGE_PROTOCOL],
    peerRecordEnvelope: Uint8Array.of(index),
    tags: new Map(),
    metadata: new Map(),
  }))
  const manager = new FakePeerManager()
  manager.banned.add(at(ids, 1).toString())
  const { strategy, handler } = await start([], known, manager)
  const [ours, theirs] = await streamPair()
  const messages = lpStream(ours)
  const answered = handler(theirs, connectionTo(asker, {}))
  await messages.write(encodeRequest(10))
  const reply = await messages.read({ signal: AbortSignal.timeout(5_000) })
  expect(decodeReply(reply.subarray(), { maxRecords: 10, maxRecordBytes: 100 })).toEqual([Uint8Array.of(2)])
  await ours.close()
  await answered
  await strategy.stop?.()
})

it('resets the stream on which it was answered with what is no reply', async () => {
  const [ours, theirs] = await streamPair()
  const manager = new FakePeerManager()
  const { strategy } = await start([connectionTo(asker, { newStream: async () => ours })], [], manager)
  theirs.send(Uint8Array.of(4, 255, 255, 255, 255))
  expect(await collect(strategy.discover({ need: [], signal }))).toEqual([])
  expect(manager.told).toEqual([`protocol-violation ${asker.toString()}`])
  expect(ours.status).toBe('aborted')
  await strategy.stop?.()
})
